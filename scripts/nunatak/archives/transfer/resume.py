"""Transfer one file over HTTPS: attempts, resumption by range, pauses that the service asks for, and refusals."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from nunatak.archives import LoginRefused, ServiceFailed
from nunatak.archives.transfer.transport import redacted
from nunatak.files import retries
from nunatak.runtime import log

_BLOCK = 1 << 17  # bytes per read, at most this much is downloaded again after a kill


class Gone(Exception):
    """The service has no such file."""


class Spoiled(Exception):
    """The downloaded bytes are not the file."""


class Unauthorised(LoginRefused):
    """The service refuses the token, though a new one may be accepted."""


class _Again(Exception):
    """
    A failure after which another attempt may succeed.

    `wait` is the pause that the service asked for, or None.
    """

    def __init__(self, reason, wait=None):
        super().__init__(reason)
        self.wait = wait


def transfer(
    session: Any, url: str, part: str | Path, *, size: int | None = None, back_off: Any, stop: Any, arrivals: Any
) -> None:
    """
    Download the file at an address to `part`, continuing where an earlier attempt or run stopped.

    Parameters
    ----------
    session : requests session
    url : the address
    part : path of the incomplete file. `<part>.json` beside it holds the validator of its bytes
    size : bytes that the catalogue states. Default: unknown
    back_off : `transport.BackOff`
    stop : threading.Event that stops the download when set
    arrivals : `digests.Digests` of the file, updated with every start and every block

    Raises
    ------
    Gone, Spoiled, LoginRefused, ServiceFailed
    """
    failures, renewed = 0, False
    while True:
        back_off.wait()
        if stop.is_set():
            raise ServiceFailed("not tried: the run stopped")
        before = bytes_of(part)
        try:
            _attempt(session, url, Path(part), size, arrivals)
            return
        except Unauthorised:
            if renewed or not session.login_again():
                raise
            renewed = True
        except _Again as error:
            failures = 1 if bytes_of(part) > before else failures + 1  # progress resets the count
            log.info("%s: %s (failure %d of %d)", redacted(url), error, failures, retries.ATTEMPTS)
            if failures == retries.ATTEMPTS:
                raise ServiceFailed(
                    f"{error}, {retries.ATTEMPTS} times; wait and run again: what arrived is kept"
                ) from None
            pause = retries.pause_before(failures, error.wait)
            if error.wait is not None:
                back_off.extend(pause)  # `Retry-After` applies to all workers
            else:
                time.sleep(pause)


def _attempt(session, url, part, size, arrivals):
    """Make one attempt to download a file."""
    import requests
    import urllib3

    note = part.with_name(f"{part.name}.json")
    validator = _validator(note) if part.exists() else None
    have = bytes_of(part) if validator else 0
    headers: dict[str, str] = {"Accept-Encoding": "identity"}
    if validator and have:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    try:
        with session.get(url, headers=headers, stream=True, timeout=(retries.CONNECT, retries.READ)) as answer:
            _judge(answer, url, have)
            if answer.status_code == 416:
                note.unlink(missing_ok=True)
                raise _Again("the rest asked for is not there; beginning anew")
            resumed = answer.status_code == 206
            if resumed and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                note.unlink(missing_ok=True)
                raise _Again("another range than the one asked for arrived; beginning anew")
            _note(note, answer)
            _write(answer, part, have if resumed else 0, size, arrivals)
    except requests.exceptions.TooManyRedirects:
        raise LoginRefused("redirected in a circle, as an unauthorised login is; see `make check_access`") from None
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
        raise _Again(f"no byte for {retries.READ:g} s") from None
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _Again(f"connection lost ({type(error).__name__})") from None
    note.unlink(missing_ok=True)


def _judge(answer, url, have):
    """Raise the error that a refusal means, or return if the answer carries the file."""
    code, host = answer.status_code, redacted(url).split("/")[2]
    if code == 401:
        raise Unauthorised(f"{host}: refuses the login; the token may have expired: see `make check_access`")
    if code == 403:
        raise LoginRefused(
            f"{host}: forbids this file to the login ({_words(answer)}); accept the terms it names, or ask it"
        )
    if code in (404, 410):
        raise Gone(f"{host} answered {code}")
    if code in retries.PASSING:
        raise _Again(f"{host} answered {code}", answer.headers.get("Retry-After"))
    if code == 416 and have:
        return
    if code not in (200, 206):
        raise ServiceFailed(f"{host}: answered {code} ({_words(answer)})")
    if "html" in answer.headers.get("Content-Type", "").lower():
        if "urs.earthdata" in answer.url or b"login" in _start(answer).lower():
            raise LoginRefused(f"{host}: sent a login page in place of the file; see `make check_access`")
        raise Spoiled(f"{host} sent a web page in place of the file")


def _write(answer, part, start, size, arrivals):
    """
    Append the body of an answer from `start`.

    A body shorter than announced is kept for the next attempt.
    """
    announced = answer.headers.get("Content-Length", "")
    with open(part, "r+b" if start else "wb") as stream:
        stream.seek(start)
        stream.truncate()
        arrivals.begin(part, start)
        # Not iter_content, which drops a partial block when the connection is lost.
        while block := answer.raw.read(_BLOCK, decode_content=False):
            stream.write(block)
            arrivals.add(block)
        arrived = stream.tell() - start
    stated = announced.isdecimal()
    if stated and arrived != int(announced):
        raise _Again(f"cut off after {arrived} of {announced} bytes")
    total = start + arrived
    if size is not None and total < size and not stated:
        raise _Again(f"ended after {total} of {size} bytes")


def _validator(note) -> str | None:
    """
    Return the validator of the bytes on disk, or None if the server gave none.

    Without a validator a download cannot be resumed.
    """
    try:
        return json.loads(note.read_text())["validator"]
    except (OSError, ValueError, KeyError):
        return None


def _note(note, answer):
    """Write the validator of an answer, or remove the note if there is none."""
    etag = answer.headers.get("ETag")
    strong = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified")
    if strong:
        note.write_text(json.dumps({"validator": strong}))
    else:
        note.unlink(missing_ok=True)


def bytes_of(part: str | Path) -> int:
    """
    Return the number of bytes of an incomplete file, 0 if it does not exist.

    Parameters
    ----------
    part : path of the file
    """
    try:
        return Path(part).stat().st_size
    except OSError:
        return 0


def _words(answer):
    """Return the beginning of a refusal's text, which may name terms to accept."""
    return redacted(_start(answer).decode("utf-8", "replace"))[:300] or "no text"


def _start(answer):
    """Return the first bytes of an answer."""
    return next(answer.iter_content(4096), b"")
