"""
Read files at an address by range, so that only the bytes needed are transferred.

Large reads (a chunk of data) are requested exactly. Small reads (the file's own tables, small chunks) come in blocks,
which grow by a quarter while reading continues next to a block. So a file whose tables lie together, such as a
cloud-optimised one, costs few requests, and no file costs much more than the bytes that are read.
"""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from nunatak.files import retries
from nunatak.files.read_ahead import ReadAhead
from nunatak.runtime import log

SCHEMES = ("https://", "http://", "s3://")
EXACT = 1 << 14  # bytes, larger reads are requested exactly
BLOCK = 1 << 13  # bytes, of the smallest read
LARGEST = 1 << 20  # bytes, largest growth of a block at once
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class Address(str):
    """
    An address that takes the place of a path.

    Attributes
    ----------
    session : `requests` session that requests it, or None for public storage
    name : name of the file
    file : RangeFile that is open on it (`kept_open`), or None
    """

    session = None
    file: RangeFile | None = None

    def __new__(cls, text, session=None):
        made = super().__new__(cls, text)
        made.session = session
        return made

    @property
    def name(self) -> str:
        """Return the name of the file."""
        return unquote(urlsplit(self).path.rstrip("/").rsplit("/", 1)[-1])


class NotReadable(OSError):
    """An address cannot be read by range, for a reason in one line without secrets."""


def is_address(path: Any) -> bool:
    """
    Return whether a text is an address and not a path.

    Parameters
    ----------
    path : path or address
    """
    return str(path).startswith(SCHEMES)


def location(path: Any) -> Address | Path:
    """
    Return an `Address` if a text begins like one, else a Path.

    Parameters
    ----------
    path : path or address

    >>> location("https://host/a/ATL06_20190504033705_05480304_007_01.h5").name
    'ATL06_20190504033705_05480304_007_01.h5'
    """
    if isinstance(path, Address):
        return path
    return Address(path) if is_address(path) else Path(path)


@contextmanager
def kept_open(path: Any) -> Iterator[Any]:
    """
    Keep the file at an address open through the block, so that its tables travel once for all who read it meanwhile.

    Parameters
    ----------
    path : `Address`; anything else passes unchanged

    Yields
    ------
    the same
    """
    if not isinstance(path, Address) or path.file is not None:
        yield path
        return
    with open_address(path) as file:
        path.file = file
        try:
            yield path
        finally:
            path.file = None


def open_address(path: Any, *, tail: int = 0) -> RangeFile:
    """
    Open the file at an address, which the caller closes.

    Parameters
    ----------
    path : address
    tail : bytes from the end to read first, for formats with tables at the end. Default: 0, the beginning is read first
    """
    return RangeFile(location(path), tail=tail)


def read_object(address: str, session: Any, part: str | None = None) -> bytes | None:
    """
    Read a small object or some of its bytes, or return None if it does not exist.

    Parameters
    ----------
    address : address of the object
    session : `requests` session
    part : the bytes as an HTTP range, such as "0-99" or "-16" for the last. Default: the whole object

    Raises
    ------
    NotReadable : any other failure, after several attempts
    """
    reason, headers = "", {"Accept-Encoding": "identity"} | ({"Range": f"bytes={part}"} if part else {})
    for attempt in range(1, retries.ATTEMPTS + 1):
        pause, limits = retries.pause_before(attempt), (retries.CONNECT, retries.READ)
        try:
            with session.get(address, headers=headers, timeout=limits) as answer:
                if answer.status_code == 404 and not answer.history:  # of a store that moved it need not be absent
                    return None
                page = "html" in answer.headers.get("Content-Type", "").lower()
                if answer.status_code == (206 if part else 200) and not page:
                    return answer.content
                if answer.status_code not in retries.PASSING:
                    raise NotReadable(f"{address}: {_refusal(answer)}")
                reason = f"answered {answer.status_code}"
                pause = retries.pause_before(attempt, answer.headers.get("Retry-After"))
        except _lost() as error:
            reason = f"connection lost ({type(error).__name__})"
        if attempt < retries.ATTEMPTS:
            time.sleep(pause)
    raise NotReadable(f"{address}: {reason}, {retries.ATTEMPTS} times; wait and run again")


class RangeFile(io.RawIOBase):
    """
    A file at an address that is read by range.

    Attributes
    ----------
    size : bytes, as the service states them
    etag : validator of the service, or None. A file that changes while it is read is an error
    moved, asked : bytes transferred, and requests made
    """

    def __init__(self, address, *, tail=0):
        super().__init__()
        self.address = address
        self.session = address.session or public_session()
        self.size, self.etag, self.moved, self.asked = -1, None, 0, 0
        self._at = 0
        self._direct = str(address)  # target of redirects, signed, so it is never written to disk
        self._blocks: dict[int, bytes] = {}
        self._ahead = ReadAhead(self._bytes)
        self._lock = threading.RLock()
        first = self._bytes(-tail, tail) if tail else self._bytes(0, 4 * BLOCK)
        self._blocks[self.size - len(first) if tail else 0] = first

    def __repr__(self):
        return str(self.address)

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self._at

    def seek(self, offset, whence=io.SEEK_SET):
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence] + offset
        return self._at

    def readinto(self, buffer):
        wanted = min(len(buffer), max(self.size - self._at, 0))
        with self._lock:
            buffer[:wanted] = self._read(self._at, wanted)
        self._at += wanted
        return wanted

    def close(self):
        if not self.closed:
            log.info("%s: %d of %d bytes in %d requests", self.address, self.moved, self.size, self.asked)
        super().close()

    def ask_ahead(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Request ranges (start, bytes) that are read soon, side by side."""
        self._ahead.ask(ranges)

    def _read(self, start, count) -> bytes:
        """Return bytes from a block, or request them, as part of a growing block if they are few."""
        cached = self._ahead.get(start, count) or self._held(start, count)
        if cached is not None:
            return cached
        if count >= EXACT:
            return self._bytes(start, count)
        # The new bytes follow the block that ends here, and are appended to it.
        begin, known = self._before(start)
        end = begin + len(known)
        length = max(min(len(known) // 4, LARGEST), BLOCK, start + count - end)
        block = known + self._bytes(end, min(length, self.size - end))  # keeps a table in one piece
        self._blocks[begin] = block
        return block[start - begin : start - begin + count]

    def _before(self, start) -> tuple[int, bytes]:
        """Return the block that reaches a place or ends there, or an empty one that begins there."""
        reaching = ((b, block) for b, block in self._blocks.items() if b <= start <= b + len(block))
        return next(reaching, (start, b""))

    def _held(self, start, count) -> bytes | None:
        """Return bytes that lie in a block, or None."""
        for begin, block in self._blocks.items():
            if begin <= start and start + count <= begin + len(block):
                return block[start - begin : start - begin + count]
        return None

    def _bytes(self, start, count) -> bytes:
        """Request a range, with several attempts."""
        if not count:
            return b""
        for attempt in range(1, retries.ATTEMPTS + 1):
            pause, reason = retries.pause_before(attempt), ""
            try:
                with self._ask(start, count) as answer:
                    if answer.status_code in retries.PASSING:
                        reason = f"answered {answer.status_code}"
                        pause = retries.pause_before(attempt, answer.headers.get("Retry-After"))
                    elif not self._renewed(answer):
                        return self._content(answer, start, count)
                    else:
                        pause = 0.0
            except _lost() as error:
                reason = f"connection lost ({type(error).__name__})"
            if attempt < retries.ATTEMPTS:
                time.sleep(pause)
        reason = reason or "refuses the login"
        raise NotReadable(f"{self.address}: {reason}, {retries.ATTEMPTS} times; wait and run again")

    def _ask(self, start, count):
        """Send one request for a range."""
        with self._lock:
            self.asked += 1
        byte_range = f"bytes={start}-{start + count - 1}" if start >= 0 else f"bytes={start}"
        headers = {"Range": byte_range, "Accept-Encoding": "identity"}
        return self.session.get(self._direct, headers=headers, timeout=(retries.CONNECT, retries.READ), stream=True)

    def _renewed(self, answer) -> bool:
        """Return whether a refusal may come from an expired signature or token, so that another attempt can succeed."""
        if answer.status_code not in (400, 401, 403):
            return False
        if self._direct != self.address:
            self._direct = str(self.address)
            return True
        return answer.status_code == 401 and bool(getattr(self.session, "login_again", lambda: False)())

    def _content(self, answer, start, count) -> bytes:
        """Check an answer and return its bytes."""
        if answer.status_code == 416 and self.size < 0:
            raise NotReadable(f"{self.address}: holds no bytes; ask the archive again")
        content_range = _RANGE.match(answer.headers.get("Content-Range", ""))
        if answer.status_code != 206 or content_range is None or start not in (int(content_range[1]), -count):
            raise NotReadable(f"{self.address}: {_refusal(answer)}")
        if self.size < 0:
            self.size, self.etag = int(content_range[3]), answer.headers.get("ETag")
        if int(content_range[3]) != self.size or answer.headers.get("ETag") != self.etag:
            raise NotReadable(f"{self.address}: changed while it was read; run again")
        content = answer.content
        with self._lock:
            self.moved += len(content)
        if len(content) != min(count, self.size - max(start, 0)):
            raise _Short(f"{len(content)} of {count} bytes")
        self._direct = answer.url
        return content


class _Short(Exception):
    """A range arrived incomplete."""


def _lost():
    """Return the exceptions of a lost connection, importing requests only here."""
    import requests

    return (
        requests.exceptions.ConnectionError,
        requests.exceptions.Timeout,
        _Short,
        requests.exceptions.ChunkedEncodingError,
    )


def _refusal(answer) -> str:
    """Describe why a service refused a request, and the remedy."""
    code, page = answer.status_code, "html" in answer.headers.get("Content-Type", "").lower()
    if code in (404, 410):
        return f"is gone ({code}); ask the archive again"
    if code in (401, 403):
        return f"refuses the login ({code}); see `make check_access`"
    if page:
        return "sent a web page in place of the file; see `make check_access`"
    if code == 200:
        return "does not serve ranges; write fetch: download"
    return f"answered {code}; wait and run again, or write fetch: download"


def public_session() -> Any:
    """Return a session for public storage, which sends no login even if ~/.netrc has one."""
    import requests

    return anonymous(requests.Session())


def anonymous(session: Any) -> Any:
    """
    Make a session ignore ~/.netrc, whose `default` line would apply to any host, also after redirects.

    Parameters
    ----------
    session : `requests` session, changed in place
    """
    session.auth = lambda request: request
    session.rebuild_auth = lambda request, answer: request.headers.pop("Authorization", None)
    return session
