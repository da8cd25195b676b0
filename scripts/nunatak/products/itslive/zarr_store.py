"""A Zarr store at an address, read object by object through the same session as everything else."""

from __future__ import annotations

import asyncio

from zarr.abc.store import OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest

from nunatak.files import remote


class AddressStore(Store):
    """
    The objects below an address; they are read and never written or listed.

    An object that is not there is one whose chunk was never written; every other failure is an error, so that a
    service that fails is not taken for cells without data.
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = False
    supports_partial_writes = False

    def __init__(self, address):
        super().__init__(read_only=True)
        self.address = remote.location(str(address).rstrip("/"))
        self.session = getattr(address, "session", None) or remote.public_session()

    def __eq__(self, other):
        return isinstance(other, AddressStore) and other.address == self.address

    def __hash__(self):
        return hash(self.address)

    def __repr__(self):
        return f"AddressStore({str(self.address)!r})"

    async def get(self, key, prototype, byte_range=None):
        content = await asyncio.to_thread(remote.read_object, f"{self.address}/{key}", self.session)
        if content is None:
            return None
        return prototype.buffer.from_bytes(_part(content, byte_range))

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


def _part(content, byte_range):
    """The bytes of a whole object that were asked for."""
    if isinstance(byte_range, RangeByteRequest):
        return content[byte_range.start : byte_range.end]
    if isinstance(byte_range, OffsetByteRequest):
        return content[byte_range.offset :]
    if isinstance(byte_range, SuffixByteRequest):
        return content[-byte_range.suffix :]
    return content
