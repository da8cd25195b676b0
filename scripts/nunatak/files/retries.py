"""Set the time limits, attempts and pauses that every request to a service shares."""

from __future__ import annotations

import random
import time
from email.utils import parsedate_to_datetime

CONNECT, READ = 20.0, 90.0  # s, longest wait for a connection and for the next byte
ATTEMPTS = 5  # of one request
PAUSE = 1.0  # s, after the first failure, doubled after each further one
LONGEST = 300.0  # s, longest pause, even if a service asks for more
PASSING = (429, 500, 502, 503, 504)  # answers that may change with another attempt


def pause_before(attempt: int, retry_after: str | None = None) -> float:
    """
    Return the seconds to wait before the next attempt.

    A pause that the service asks for has priority. Otherwise pauses double, with a random part.

    Parameters
    ----------
    attempt : attempts made so far, from 1
    retry_after : text of the header, seconds or a date. Default: none
    """
    requested = _seconds(retry_after)
    if requested is not None:
        return min(requested, LONGEST)
    return min(PAUSE * 2.0 ** (attempt - 1), LONGEST) * random.uniform(0.75, 1.25)


def _seconds(retry_after):
    """Return the seconds of a Retry-After header, or None."""
    if not retry_after:
        return None
    try:
        return max(float(retry_after), 0.0)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - time.time(), 0.0)
    except ValueError:
        return None
