"""
Whether a file is the granule of its row: length, signature, size, checksum, opens, holds the product's groups.

What could not be checked is said: a catalogue need not publish a checksum.
"""

from __future__ import annotations

import hashlib

import pandas as pd

from nunatak.archives import content, receipts, verify
from nunatak.archives.base import Outcome
from nunatak.archives.transfer import Spoiled
from nunatak.runtime import NunatakError, log

UNVERIFIED = "no checksum published: length and content checked"
_SIGNATURES = (b"\x89HDF\r\n\x1a\n", b"CDF")  # HDF5 and NetCDF-4; classic NetCDF
_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-512": "sha512"}


def stated_checksum(row):
    """(algorithm, value) of a row, such as ("MD5", "9e10..."); (None, None) where the archive publishes none."""
    if pd.isna(row.checksum) or pd.isna(row.checksum_algorithm) or row.checksum_algorithm not in _HASHES:
        return None, None
    return row.checksum_algorithm, str(row.checksum).lower()


def check_arrived(row, path):
    """
    Check a file that just arrived, step by step from the cheapest.

    Returns
    -------
    status : "present" or "empty"
    reason : a remark for the ledger, "" for none
    checksums : of the file by algorithm, SHA-256 and the published one

    Raises
    ------
    Spoiled : says which step failed and how
    """
    size = path.stat().st_size
    with open(path, "rb") as stream:
        start = stream.read(512)
    if not start.startswith(_SIGNATURES):
        page = b"<html" in start.lower() or b"<!doctype" in start.lower()
        raise Spoiled(
            f"arrived as {'a web page' if page else 'something'} that is no HDF5 or NetCDF file ({size} bytes)"
        )
    if pd.notna(row.size_bytes) and size != row.size_bytes:
        raise Spoiled(f"arrived with {size} bytes, expected {row.size_bytes}")
    algorithm, stated = stated_checksum(row)
    found = digests(path, {"SHA-256", algorithm} - {None})
    if stated and found[algorithm] != stated:
        raise Spoiled(f"its {algorithm} begins {found[algorithm][:12]}, expected {stated[:12]}")
    try:
        status, reason = verify.inspect(path, row.product)
    except (NunatakError, OSError) as error:
        raise Spoiled(content.reason_without_path(error, path)) from None
    return status, reason or ("" if stated else UNVERIFIED), found


def check_present(row, path) -> Outcome | None:
    """
    The outcome of a file that is here: believed when unchanged since it was checked, else checked in full.

    Returns
    -------
    None when it is not the granule of its row
    """
    receipt = receipts.load(path)
    algorithm, stated = stated_checksum(row)
    size_fits = pd.isna(row.size_bytes) or (receipt is not None and receipt["size_bytes"] == row.size_bytes)
    if receipt and size_fits and receipt["checksums"].get(algorithm) == stated:
        digest = receipt["checksums"]["SHA-256"]
        return Outcome(row.granule_id, str(path), receipt["status"], receipt["reason"], receipt["size_bytes"], digest)
    try:
        status, reason, found = check_arrived(row, path)
    except Spoiled as error:
        log.warning("%s: here, but %s; fetching it again", path, error)
        return None
    receipts.keep(path, checksums=found, status=status, reason=reason)
    return Outcome(row.granule_id, str(path), status, reason, path.stat().st_size, found["SHA-256"])


def digests(path, algorithms) -> dict[str, str]:
    """Checksums of a file (hex), by algorithm, in one pass."""
    running = {name: hashlib.new(_HASHES[name]) for name in algorithms}
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            for digest in running.values():
                digest.update(block)
    return {name: digest.hexdigest() for name, digest in running.items()}
