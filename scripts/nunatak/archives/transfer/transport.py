"""
Send requests with time limits and shared pauses, and keep secrets out of messages.

The clients of the archives bring sessions without time limits, and `patient` adds time limits and retries. Downloads
have their own loop (`download`), because the bytes of a file are kept between attempts.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

from nunatak.archives import ServiceFailed
from nunatak.files import retries
from nunatak.files.remote import anonymous
from nunatak.runtime import log

_SECRET = re.compile(r"(?i)(bearer\s+|basic\s+|access_token[\"'=:\s]+)[^\s\"',;]+")
_SIGNED = re.compile(r"(https?://[^\s?\"']+)\?[^\s\"')]*")
_VARIABLES = ("EARTHDATA_TOKEN", "EARTHDATA_PASSWORD", "EDL_PASSWORD")


def redacted(text: Any) -> str:
    """
    Return a text without secrets: tokens, passwords, signatures in links.

    Parameters
    ----------
    text : text or exception

    >>> redacted("GET https://host/a.h5?Signature=abc with Bearer abc.def")
    'GET https://host/a.h5?... with Bearer ...'
    """
    text = _SIGNED.sub(r"\1?...", _SECRET.sub(r"\1...", str(text)))
    for name in _VARIABLES:
        if os.environ.get(name):
            text = text.replace(os.environ[name], "...")
    return " ".join(text.split())


def patient(session: Any) -> Any:
    """
    Add time limits to every request of a session, and further attempts if they may succeed.

    Retry-After is respected up to `LONGEST`. An answer that the catalogue itself marks as cut short is an error. A
    session without a login of its own gets none from ~/.netrc.

    Parameters
    ----------
    session : `requests` session, changed in place
    """
    from requests.adapters import HTTPAdapter
    from requests.exceptions import HTTPError
    from urllib3.util.retry import Retry

    class Patience(Retry):
        def get_retry_after(self, response):
            asked = super().get_retry_after(response)
            return None if asked is None else min(asked, retries.LONGEST)

    class Adapter(HTTPAdapter):
        def send(self, request, *args, **kwargs):
            if not kwargs.get("timeout"):
                kwargs["timeout"] = (retries.CONNECT, retries.READ)
            answer = super().send(request, *args, **kwargs)
            if answer.headers.get("CMR-Timed-Out"):
                raise HTTPError("the catalogue ran out of time and sent a part of the answer", response=None)
            return answer

    if session.auth is None:
        if "Authorization" in session.headers:
            session.auth = lambda request: request  # ~/.netrc would take the place of the token
        else:
            anonymous(session)
    policy = Patience(
        total=retries.ATTEMPTS - 1,
        status_forcelist=retries.PASSING,
        allowed_methods=("GET", "POST"),
        backoff_factor=retries.PAUSE,
        backoff_jitter=retries.PAUSE / 2,
        backoff_max=retries.LONGEST,
        raise_on_status=False,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, Adapter(max_retries=policy))
    return session


class BackOff:
    """
    One pause for all workers that use a service: a file whose time of change is the end of the pause.

    Parameters
    ----------
    path : the file, which jobs on the same file system share
    """

    def __init__(self, path):
        self.path = Path(path)

    def extend(self, seconds: float) -> None:
        """
        Make all workers wait before the next request.

        Parameters
        ----------
        seconds : length of the pause from now
        """
        until = time.time() + seconds
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()
        if until > self.path.stat().st_mtime:
            os.utime(self.path, (until, until))

    def wait(self) -> None:
        """Wait until requests are allowed, at most `LONGEST`, in case a clock is wrong."""
        try:
            left = self.path.stat().st_mtime - time.time()
        except OSError:
            return
        if left > 0:
            log.info("waiting %.0f s, as the service asked", min(left, retries.LONGEST))
            time.sleep(min(left, retries.LONGEST))


def failed(service: str, error: Any) -> ServiceFailed:
    """
    Return a client's exception as an error for the user, without its secrets.

    Parameters
    ----------
    service : address or name of the service
    error : exception of the client
    """
    return ServiceFailed(f"{service}: did not answer as it should ({_cause(error)}); wait and run again")


def _cause(error):
    """Return the innermost message of an exception that libraries wrapped in their own."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return redacted(f"its certificate is not accepted: {str(error)[-160:]}")
    if isinstance(error, requests.exceptions.Timeout):
        return f"no answer within {retries.READ:g} s"
    if isinstance(error, requests.exceptions.ConnectionError):
        inner = getattr(error.args[0], "reason", error.args[0]) if error.args else error
        return redacted(f"no connection: {str(inner)[-160:]}")
    return redacted(f"{type(error).__name__}: {str(error)[:200] or 'no text'}")
