"""
How requests travel: with time limits, patience that all share, and no secret in any message.

The clients of the archives bring sessions without time limits; `patient` gives a session both. Downloads have their
own loop (`download`), because what has arrived of a file is kept between attempts.
"""

from __future__ import annotations

import os
import random
import re
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

from nunatak.archives import ServiceFailed
from nunatak.remote import anonymous
from nunatak.runtime import log

CONNECT, READ = 20.0, 90.0  # s, longest wait for a connection and for the next byte
ATTEMPTS = 5  # of one request
PAUSE = 1.0  # s, after the first failure; doubles with each further one
LONGEST = 300.0  # s, of one pause, whatever a service asks for
PASSING = (429, 500, 502, 503, 504)  # answers that another attempt may mend

_SECRET = re.compile(r"(?i)(bearer\s+|basic\s+|access_token[\"'=:\s]+)[^\s\"',;]+")
_SIGNED = re.compile(r"(https?://[^\s?\"']+)\?[^\s\"')]*")
_VARIABLES = ("EARTHDATA_TOKEN", "EARTHDATA_PASSWORD", "EDL_PASSWORD")


def redacted(text) -> str:
    """
    A text without what must not be written down: tokens, passwords, signatures in links.

    >>> redacted("GET https://host/a.h5?Signature=abc with Bearer abc.def")
    'GET https://host/a.h5?... with Bearer ...'
    """
    text = _SIGNED.sub(r"\1?...", _SECRET.sub(r"\1...", str(text)))
    for name in _VARIABLES:
        if os.environ.get(name):
            text = text.replace(os.environ[name], "...")
    return " ".join(text.split())


def patient(session):
    """
    The session, with time limits on every request, and further attempts where another may help.

    Honours Retry-After up to `LONGEST`. An answer that the catalogue itself calls cut short is an error. A session
    without a login of its own gets none out of ~/.netrc.
    """
    from requests.adapters import HTTPAdapter
    from requests.exceptions import HTTPError
    from urllib3.util.retry import Retry

    class Patience(Retry):
        def get_retry_after(self, response):
            asked = super().get_retry_after(response)
            return None if asked is None else min(asked, LONGEST)

    class Adapter(HTTPAdapter):
        def send(self, request, *args, **kwargs):
            if not kwargs.get("timeout"):
                kwargs["timeout"] = (CONNECT, READ)
            answer = super().send(request, *args, **kwargs)
            if answer.headers.get("CMR-Timed-Out"):
                raise HTTPError("the catalogue ran out of time and sent a part of the answer", response=None)
            return answer

    if session.auth is None:
        if "Authorization" in session.headers:
            session.auth = lambda request: request  # ~/.netrc would take the place of the token
        else:
            anonymous(session)
    retries = Patience(
        total=ATTEMPTS - 1, status_forcelist=PASSING, allowed_methods=("GET", "POST"), backoff_factor=PAUSE,
        backoff_jitter=PAUSE / 2, backoff_max=LONGEST, raise_on_status=False,
    )  # fmt: skip
    for scheme in ("https://", "http://"):
        session.mount(scheme, Adapter(max_retries=retries))
    return session


def pause_before(attempt, retry_after=None) -> float:
    """
    Seconds to wait before a further attempt: what the service asked for, else doubling with some chance in it.

    Parameters
    ----------
    attempt : attempts made so far, from 1
    retry_after : the header's text, seconds or a date, or None
    """
    asked = _seconds(retry_after)
    if asked is not None:
        return min(asked, LONGEST)
    return min(PAUSE * 2.0 ** (attempt - 1), LONGEST) * random.uniform(0.75, 1.25)


class BackOff:
    """
    One pause for all who ask a service: a file whose time of change is when asking is allowed again.

    Parameters
    ----------
    path : the file; jobs on the same file system share it
    """

    def __init__(self, path):
        self.path = Path(path)

    def extend(self, seconds):
        """Nobody asks before so many seconds from now."""
        until = time.time() + seconds
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()
        if until > self.path.stat().st_mtime:
            os.utime(self.path, (until, until))

    def wait(self):
        """Return when asking is allowed; after `LONGEST` in any case, should a clock be wrong."""
        try:
            left = self.path.stat().st_mtime - time.time()
        except OSError:
            return
        if left > 0:
            log.info("waiting %.0f s, as the service asked", min(left, LONGEST))
            time.sleep(min(left, LONGEST))


def failed(service, error) -> ServiceFailed:
    """What a client's exception means to a user, without its secrets."""
    return ServiceFailed(f"{service}: did not answer as it should ({_cause(error)}); wait and run again")


def _cause(error):
    """The innermost words of an exception that libraries wrapped in their own."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return redacted(f"its certificate is not accepted: {str(error)[-160:]}")
    if isinstance(error, requests.exceptions.Timeout):
        return f"no answer within {READ:g} s"
    if isinstance(error, requests.exceptions.ConnectionError):
        inner = getattr(error.args[0], "reason", error.args[0]) if error.args else error
        return redacted(f"no connection: {str(inner)[-160:]}")
    return redacted(f"{type(error).__name__}: {str(error)[:200] or 'no text'}")


def _seconds(retry_after):
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
