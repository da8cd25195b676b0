"""
How requests travel: with time limits, patience that all share, and no secret in any message.

The clients of the archives bring sessions without time limits; `patient` gives a session both. Downloads have their
own loop (`download`), because what has arrived of a file is kept between attempts.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from nunatak.archives import ServiceFailed
from nunatak.files import retries
from nunatak.files.remote import anonymous
from nunatak.runtime import log

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
            log.info("waiting %.0f s, as the service asked", min(left, retries.LONGEST))
            time.sleep(min(left, retries.LONGEST))


def failed(service, error) -> ServiceFailed:
    """What a client's exception means to a user, without its secrets."""
    return ServiceFailed(f"{service}: did not answer as it should ({_cause(error)}); wait and run again")


def _cause(error):
    """The innermost words of an exception that libraries wrapped in their own."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return redacted(f"its certificate is not accepted: {str(error)[-160:]}")
    if isinstance(error, requests.exceptions.Timeout):
        return f"no answer within {retries.READ:g} s"
    if isinstance(error, requests.exceptions.ConnectionError):
        inner = getattr(error.args[0], "reason", error.args[0]) if error.args else error
        return redacted(f"no connection: {str(inner)[-160:]}")
    return redacted(f"{type(error).__name__}: {str(error)[:200] or 'no text'}")
