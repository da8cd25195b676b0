"""
Read NSIDC's storage in the cloud with temporary keys, which works only inside AWS us-west-2.

The keys come from earthaccess and sign plain requests, so that files from there are resumed and checked like all
others. They are kept only in memory.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import Any
from urllib.parse import quote, urlsplit

from nunatak.archives import LoginRefused, ServiceFailed
from nunatak.archives.nasa import login
from nunatak.archives.transfer.transport import failed, redacted
from nunatak.files import retries
from nunatak.runtime import NunatakError

REGION = "us-west-2"
OLDEST = (3, 12)
_LIFE = 50 * 60.0  # s, after which new keys are requested, as they last an hour
_NAMES = ("accessKeyId", "secretAccessKey", "sessionToken")


def require(python: Any = sys.version_info) -> None:
    """
    Refuse a Python whose versions of the archives' clients do not work in the region.

    Parameters
    ----------
    python : version. Default: that of this interpreter

    Raises
    ------
    NunatakError : Python is older than 3.12
    """
    if tuple(python[:2]) < OLDEST:
        raise NunatakError(
            f"transfer: s3 needs Python 3.12, this is {python[0]}.{python[1]}: earthaccess 0.17, the last for it, "
            "fails in the cloud's own region (FileExistsError on its partial files); run with --sdm conda "
            "(envs/access.yaml) or write transfer: https"
        )


def session(endpoints: Any, python: Any = sys.version_info) -> Any:
    """
    Return a `requests` session that accepts addresses such as s3://bucket/key and signs its requests.

    Parameters
    ----------
    endpoints : study.models.Endpoints with `s3_credentials`, `s3`, `login`
    python : version. Default: that of this interpreter

    Raises
    ------
    NunatakError : see `require`
    LoginRefused : there is no login, or the storage refuses this machine
    """
    import requests

    require(python)
    logging.getLogger("botocore").setLevel(logging.WARNING)  # at lower levels it logs the keys
    keys = _Keys(endpoints)
    keys.current()  # report a refused login before the first request

    class Session(requests.Session):
        def request(self, method, url, *args, **words):
            answer = super().request(method, address_of(url, endpoints.s3), *args, **words)
            if answer.status_code == 403:
                raise LoginRefused(
                    f"{urlsplit(url).netloc}: the storage refuses this machine ({_code(answer)}); it answers inside "
                    f"AWS {REGION} alone: write transfer: https"
                )
            return answer

        def login_again(self):
            return keys.renew()

    made = Session()
    made.auth = keys.sign
    return made


def answers(made: Any, address: str) -> str:
    """
    Return why this machine cannot read a file from the storage, or an empty text if it can.

    Parameters
    ----------
    made : session of `session`
    address : address of a file
    """
    import requests

    try:
        with made.get(
            address, headers={"Range": "bytes=0-0"}, timeout=(retries.CONNECT, retries.READ), stream=True
        ) as answer:
            return "" if answer.status_code == 206 else f"it answered {answer.status_code}"
    except (NunatakError, requests.exceptions.RequestException) as error:
        return redacted(error)


def address_of(url: str, storage: str | None = None) -> str:
    """
    Return the HTTPS address of an object.

    Parameters
    ----------
    url : such as s3://bucket/key
    storage : address of other storage. Default: Amazon's

    >>> address_of("s3://bucket/ATLAS/a.h5")
    'https://bucket.s3.us-west-2.amazonaws.com/ATLAS/a.h5'
    >>> address_of("s3://bucket/a.h5", "https://storage.example.org")
    'https://storage.example.org/bucket/a.h5'
    """
    parts = urlsplit(url)
    if parts.scheme != "s3":
        return url
    if storage:
        return f"{storage.rstrip('/')}/{parts.netloc}{quote(parts.path)}"
    return f"https://{parts.netloc}.s3.{REGION}.amazonaws.com{quote(parts.path)}"


class _Keys:
    """Keys that last an hour and are renewed before they expire."""

    def __init__(self, endpoints):
        self.endpoints = endpoints
        self._keys: dict[str, str] = {}
        self._since = 0.0
        self._turn = threading.Lock()

    def current(self) -> dict[str, str]:
        """Return valid keys."""
        with self._turn:
            if not self._keys or time.monotonic() - self._since > _LIFE:
                self._keys, self._since = self._ask(), time.monotonic()
            return self._keys

    def renew(self) -> bool:
        """Get new keys, and return whether there are any."""
        with self._turn:
            self._keys = {}
        return bool(self.current())

    def sign(self, request):
        """Sign a request."""
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        keys = self.current()
        headers = {name: value for name, value in request.headers.items() if name in ("Range", "If-Range")}
        asked = AWSRequest(request.method, request.url, headers=headers)
        S3SigV4Auth(Credentials(*(keys[name] for name in _NAMES)), "s3", REGION).add_auth(asked)
        request.headers.update(dict(asked.headers.items()))
        return request

    def _ask(self) -> dict[str, str]:
        """Request new keys."""
        import requests

        where = self.endpoints.s3_credentials
        try:
            keys = login.authenticate(self.endpoints.login).get_s3_credentials(endpoint=where)
        except (requests.exceptions.RequestException, ValueError) as error:
            raise failed(where, error) from None
        if not keys:  # returned by the client for any failure
            raise LoginRefused(f"{where}: gives this login no keys; accept NSIDC's terms, or write transfer: https")
        if not all(keys.get(name) for name in _NAMES):
            raise ServiceFailed(f"{where}: sent no keys; wait and run again, or write transfer: https")
        return keys


def _code(answer):
    """Return the error code of an answer of the storage."""
    text = answer.content[:600].decode("utf-8", "replace")
    return redacted(text.partition("<Code>")[2].partition("</Code>")[0] or "403")
