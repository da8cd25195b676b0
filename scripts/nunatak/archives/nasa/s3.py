"""
NSIDC's storage in the cloud, asked by bucket and key with keys that last an hour; from inside AWS us-west-2 alone.

The keys come through earthaccess and are used here to sign plain requests, so that files from there are resumed and
checked like all others. They are kept in memory and nowhere else.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from urllib.parse import quote, urlsplit

from nunatak.archives import LoginRefused, ServiceFailed
from nunatak.archives.nasa import login
from nunatak.archives.transfer.transport import failed, redacted
from nunatak.files import retries
from nunatak.runtime import NunatakError

REGION = "us-west-2"
OLDEST = (3, 12)
_LIFE = 50 * 60.0  # s, after which new keys are asked for; they last an hour
_NAMES = ("accessKeyId", "secretAccessKey", "sessionToken")


def require(python=sys.version_info):
    """
    Refuse where the archives' clients are a set that cannot work in the region.

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


def session(endpoints, python=sys.version_info):
    """
    A `requests` session that takes addresses such as s3://bucket/key and signs what it asks.

    Parameters
    ----------
    endpoints : study.models.Endpoints; `s3_credentials`, `s3`, `login`

    Raises
    ------
    NunatakError : see `require`
    LoginRefused : no login, or the storage gives this machine nothing
    """
    import requests

    require(python)
    logging.getLogger("botocore").setLevel(logging.WARNING)  # below that it writes the keys down
    keys = _Keys(endpoints)
    keys.current()  # a refused login is said before anything is asked

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


def answers(made, address) -> str:
    """Why a file cannot be had from the storage by this machine; "" where it can."""
    import requests

    try:
        with made.get(
            address, headers={"Range": "bytes=0-0"}, timeout=(retries.CONNECT, retries.READ), stream=True
        ) as answer:
            return "" if answer.status_code == 206 else f"it answered {answer.status_code}"
    except (NunatakError, requests.exceptions.RequestException) as error:
        return redacted(error)


def address_of(url, storage=None) -> str:
    """
    The HTTPS address of an object.

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
    """Keys for an hour, asked for anew before they end."""

    def __init__(self, endpoints):
        self.endpoints = endpoints
        self._keys: dict[str, str] = {}
        self._since = 0.0
        self._turn = threading.Lock()

    def current(self) -> dict[str, str]:
        with self._turn:
            if not self._keys or time.monotonic() - self._since > _LIFE:
                self._keys, self._since = self._ask(), time.monotonic()
            return self._keys

    def renew(self) -> bool:
        with self._turn:
            self._keys = {}
        return bool(self.current())

    def sign(self, request):
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
        import requests

        where = self.endpoints.s3_credentials
        try:
            found = login.authenticate(self.endpoints.login).get_s3_credentials(endpoint=where)
        except (requests.exceptions.RequestException, ValueError) as error:
            raise failed(where, error) from None
        if not found:  # the client's word for any answer that is no success
            raise LoginRefused(f"{where}: gives this login no keys; accept NSIDC's terms, or write transfer: https")
        if not all(found.get(name) for name in _NAMES):
            raise ServiceFailed(f"{where}: sent no keys; wait and run again, or write transfer: https")
        return found


def _code(answer):
    text = answer.content[:600].decode("utf-8", "replace")
    return redacted(text.partition("<Code>")[2].partition("</Code>")[0] or "403")
