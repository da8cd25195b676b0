"""Zarr stores in a folder or at an address that are only read and note which chunks are absent."""

from __future__ import annotations

import asyncio

from zarr.abc.store import OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.storage import LocalStore

from nunatak.files import remote

_METADATA = (".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json")


class Cut(OSError):
    """A chunk that is shorter or longer than it says itself."""


def _looked_at(store, key, content):
    """
    Note a chunk that is not there, and refuse one that is cut.

    Blosc would read beyond the end of a cut chunk.
    """
    if content is None and not key.endswith(_METADATA):
        store.absent.add(key)
    elif content is not None and key.partition("/")[0] in store.in_blosc and not key.endswith(_METADATA):
        stated = int.from_bytes(content[12:16].to_bytes(), "little")
        if stated != len(content):
            raise Cut(f"{len(content)} of {stated} bytes")
    return content


class FolderStore(LocalStore):
    """
    The files below a folder, which are only read.

    What is no file, such as a pipe, is never opened.

    Attributes
    ----------
    absent : set of the keys of chunks that were asked for and are not there
    in_blosc : names of arrays whose chunks are compressed by Blosc and tell their length; set by who knows them
    """

    def __init__(self, root):
        super().__init__(root, read_only=True)
        self.absent, self.in_blosc = set(), set()

    async def get(self, key, prototype=None, byte_range=None):
        path = self.root / key
        if not path.is_file() and (path.exists() or path.is_symlink()):
            raise OSError(f"{key} is no file that can be read")
        content = await super().get(key, prototype, byte_range)
        return content if byte_range else _looked_at(self, key, content)


class AddressStore(Store):
    """
    The objects below an address. They are read and never written or listed.

    An object that is not there is one whose chunk was never written; every other failure is an error, so that a
    service that fails is not taken for cells without data.

    Attributes
    ----------
    absent : set of the keys of chunks that were asked for and are not there
    in_blosc : names of arrays whose chunks are compressed by Blosc and tell their length; set by who knows them
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = False
    supports_partial_writes = False

    def __init__(self, address):
        super().__init__(read_only=True)
        self.address = remote.location(str(address).rstrip("/"))
        self.session = getattr(address, "session", None) or remote.public_session()
        self.absent, self.in_blosc = set(), set()

    def __eq__(self, other):
        return isinstance(other, AddressStore) and other.address == self.address

    def __hash__(self):
        return hash(self.address)

    def __repr__(self):
        return f"AddressStore({str(self.address)!r})"

    async def get(self, key, prototype, byte_range=None):
        address, part = f"{self.address}/{key}", _as_range(byte_range)
        content = await asyncio.to_thread(remote.read_object, address, self.session, part)
        content = None if content is None else prototype.buffer.from_bytes(content)
        return content if part and content is not None else _looked_at(self, key, content)

    async def get_partial_values(self, prototype, key_ranges):
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    async def exists(self, key):
        return await asyncio.to_thread(remote.read_object, f"{self.address}/{key}", self.session) is not None

    async def set(self, key, value):
        raise PermissionError(f"{self.address}: is read and not written")

    async def delete(self, key):
        raise PermissionError(f"{self.address}: is read and not written")

    async def list(self):
        for _ in ():
            yield ""

    async def list_prefix(self, prefix):
        for _ in ():
            yield ""

    async def list_dir(self, prefix):
        for _ in ():
            yield ""


def _as_range(byte_range):
    """
    Return the bytes that are asked for as HTTP says them.

    None asks for the whole.
    """
    if isinstance(byte_range, RangeByteRequest):
        return f"{byte_range.start}-{byte_range.end - 1}"
    if isinstance(byte_range, OffsetByteRequest):
        return f"{byte_range.offset}-"
    if isinstance(byte_range, SuffixByteRequest):
        return f"-{byte_range.suffix}"
    return None
