"""Compute checksums of files, of one on disk or of one while it arrives, so that it need not be read again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-512": "sha512"}
_BLOCK = 1 << 20


class Digests:
    """
    Running checksums of a file that is written from its beginning to its end.

    Parameters
    ----------
    algorithms : names among `HASHES`
    tell : function called with the number of bytes of every block. Default: none
    """

    def __init__(self, algorithms, tell=lambda count: None):
        self.algorithms, self.tell = sorted(algorithms), tell
        self.begin(None, 0)

    def begin(self, path: Any, length: int) -> None:
        """
        Start again with the first bytes of a file, which are read if there are any.

        Parameters
        ----------
        path : path, or None
        length : number of good bytes in the file
        """
        self._running = {name: hashlib.new(HASHES[name]) for name in self.algorithms}
        self.length = 0
        if length:
            with open(path, "rb") as stream:
                while self.length < length and (block := stream.read(min(_BLOCK, length - self.length))):
                    self._take(block)

    def add(self, block: bytes) -> None:
        """
        Add a block that was written after all others.

        Parameters
        ----------
        block : bytes
        """
        self._take(block)
        self.tell(len(block))

    def _take(self, block):
        """Update the checksums with a block."""
        for digest in self._running.values():
            digest.update(block)
        self.length += len(block)

    def hex(self) -> dict[str, str]:
        """Return the checksums of the bytes so far, by algorithm."""
        return {name: digest.hexdigest() for name, digest in self._running.items()}


def of_file(path: Path, algorithms: Iterable[Any]) -> dict[str, str]:
    """
    Compute checksums of a file (hex) in one pass, by algorithm.

    Parameters
    ----------
    path : path
    algorithms : names among `HASHES`
    """
    sums = Digests(algorithms)
    sums.begin(path, path.stat().st_size)
    return sums.hex()
