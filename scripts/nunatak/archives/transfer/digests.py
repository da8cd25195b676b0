"""Checksums of files: of one that is here, and of one while it arrives, so that it need not be read again."""

from __future__ import annotations

import hashlib

HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-512": "sha512"}
_BLOCK = 1 << 20


class Digests:
    """
    Running checksums of a file that is written from its beginning to its end.

    Parameters
    ----------
    algorithms : names among `HASHES`
    tell : called with the number of bytes of every block that arrived
    """

    def __init__(self, algorithms, tell=lambda count: None):
        self.algorithms, self.tell = sorted(algorithms), tell
        self.begin(None, 0)

    def begin(self, path, length):
        """Start anew: of a file that has so many good bytes already, those are read."""
        self._running = {name: hashlib.new(HASHES[name]) for name in self.algorithms}
        self.length = 0
        if length:
            with open(path, "rb") as stream:
                while self.length < length and (block := stream.read(min(_BLOCK, length - self.length))):
                    self._take(block)

    def add(self, block):
        """A block was written behind all others."""
        self._take(block)
        self.tell(len(block))

    def _take(self, block):
        for digest in self._running.values():
            digest.update(block)
        self.length += len(block)

    def hex(self) -> dict[str, str]:
        """Checksums by algorithm, of what was written so far."""
        return {name: digest.hexdigest() for name, digest in self._running.items()}


def of_file(path, algorithms) -> dict[str, str]:
    """Checksums of a file (hex), by algorithm, in one pass."""
    found = Digests(algorithms)
    found.begin(path, path.stat().st_size)
    return found.hex()
