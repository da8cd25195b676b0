"""
Check that a file is the granule of its row: signature, length, checksum, readable, with the product's groups.

The outcome states what could not be checked, as a catalogue need not publish a checksum.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from nunatak.archives import verify
from nunatak.archives.archive import Outcome
from nunatak.archives.local import content
from nunatak.archives.transfer import receipts
from nunatak.archives.transfer.digests import HASHES, of_file
from nunatak.archives.transfer.resume import Spoiled
from nunatak.runtime import NunatakError, file_sha256, log, progress

UNVERIFIED = "no checksum published: length and content checked"
_SIGNATURES = (b"\x89HDF\r\n\x1a\n", b"CDF")  # HDF5 and NetCDF-4; classic NetCDF


def stated_checksum(row: Any) -> tuple[Any, Any]:
    """
    Return algorithm and value of a row's checksum, such as ("MD5", "9e10..."), or (None, None) without one.

    Parameters
    ----------
    row : row of the granule table
    """
    if pd.isna(row.checksum) or pd.isna(row.checksum_algorithm) or row.checksum_algorithm not in HASHES:
        return None, None
    return row.checksum_algorithm, str(row.checksum).lower()


def wanted_of(row: Any) -> set[str]:
    """
    Return the algorithms to compute for a granule's file: the published one, and SHA-256.

    Parameters
    ----------
    row : row of the granule table
    """
    return {"SHA-256", stated_checksum(row)[0]} - {None}


def check_arrived(row: Any, path: Path, running: Any = None) -> tuple[str, str, dict[str, str]]:
    """
    Check a file that was just downloaded, beginning with the cheapest test.

    Parameters
    ----------
    row : row of the granule table
    path : path of the file
    running : `Digests` of the file, computed while it arrived. If they do not cover all its bytes the file is read.
        Default: none

    Returns
    -------
    status : "present" or "empty"
    reason : a remark for the ledger, "" for none
    checksums : of the file by algorithm, SHA-256 and the published one

    Raises
    ------
    Spoiled : names the test that failed
    """
    size = path.stat().st_size
    with open(path, "rb") as stream:
        start = stream.read(512)
    if not start.startswith(_SIGNATURES):
        page = b"<html" in start.lower() or b"<!doctype" in start.lower()
        raise Spoiled(
            f"arrived as {'a web page' if page else 'something'} that is not an HDF5 or NetCDF file ({size} bytes)"
        )
    if pd.notna(row.size_bytes) and size != row.size_bytes:
        raise Spoiled(f"arrived with {size} bytes, expected {row.size_bytes}")
    algorithm, stated = stated_checksum(row)
    whole = running is not None and running.length == size
    sums = running.hex() if whole else of_file(path, wanted_of(row))
    if stated and sums[algorithm] != stated:
        raise Spoiled(f"its {algorithm} begins {sums[algorithm][:12]}, expected {stated[:12]}")
    try:
        status, reason = verify.inspect(path, row.product)
    except (NunatakError, OSError) as error:
        raise Spoiled(content.reason_without_path(error, path)) from None
    return status, reason or ("" if stated else UNVERIFIED), sums


def check_present(row: Any, path: Path) -> Outcome | None:
    """
    Return the outcome of a file on disk, checked in full only if it changed since its last check.

    Parameters
    ----------
    row : row of the granule table
    path : path of the file

    Returns
    -------
    Outcome, or None if it is not the granule of its row
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


def recheck(granules, ledger, *, workers: int = 2) -> pd.DataFrame:
    """
    Read every granule of a ledger again in full, whatever its receipt or its times are.

    Parameters
    ----------
    granules : granule table of a lock or a search, with the rows of the ledger's granules
    ledger : ledger, whose rows that are neither present nor empty have no file and are left out
    workers : threads. Reading is limited by the disk, the hash by a core. Default: 2

    Returns
    -------
    DataFrame, one row for each: `granule_id`, `path`, `same` (bool), `checks` (what was compared, such as "size,
        SHA-256, MD5, content"), `reason` ("" for an unchanged granule, else the first difference and the remedy)

    Raises
    ------
    NunatakError : a granule of the ledger is not in the table
    """
    rows_by_id = {row.granule_id: row for row in granules.itertuples(index=False)}
    rows = [row for row in ledger.itertuples(index=False) if row.status in ("present", "empty")]
    unknown = [row.granule_id for row in rows if row.granule_id not in rows_by_id]
    if unknown:
        raise NunatakError(
            f"{len(unknown)} granules of the ledger are not in the granule table ({', '.join(unknown[:3])}); "
            f"{verify.ASK_AGAIN}"
        )
    with ThreadPoolExecutor(workers) as pool:
        checking = pool.map(lambda row: _recheck(rows_by_id[row.granule_id], row), rows)
        results = list(progress(checking, label="reading granules again", total=len(rows)))
    return pd.DataFrame(results, columns=["granule_id", "path", "same", "checks", "reason"])


def _recheck(row, noted) -> dict:
    """Compare one granule with its row of the table and of the ledger, beginning with the cheapest test."""
    checks: list[str] = []
    try:
        _compare(row, noted, Path(noted.path), checks)
        reason = ""
    except Spoiled as error:
        reason = f"{error}; remove it and run the study again"
    result = {"granule_id": noted.granule_id, "path": noted.path, "checks": ", ".join(checks), "reason": reason}
    return {**result, "same": not reason}


def _compare(row, noted, path, checks):
    """Run the checks of one granule, adding each to a list."""
    if "://" in str(noted.path):
        return  # read in place: nothing of it is kept here
    if not path.exists():
        raise Spoiled("is gone")
    size = path.stat().st_size
    if not path.is_dir():
        checks.append("size")
        if pd.notna(noted.size_bytes) and size != noted.size_bytes:
            raise Spoiled(f"has {size} bytes, had {noted.size_bytes} when it was fetched")
    # A subset made by the service has another size and checksum than its granule.
    whole = pd.isna(row.size_bytes) or pd.isna(noted.size_bytes) or row.size_bytes == noted.size_bytes
    algorithm, stated = stated_checksum(row) if whole and not path.is_dir() else (None, None)
    sums = {"SHA-256": file_sha256(path)} if path.is_dir() else of_file(path, set(filter(None, ("SHA-256", algorithm))))
    checks += sorted(sums)
    for name, wanted in (("SHA-256", noted.sha256), (algorithm, stated)):
        if name and pd.notna(wanted) and sums[name] != wanted:
            raise Spoiled(f"its {name} begins {sums[name][:12]}, expected {wanted[:12]}")
    checks.append("content")
    try:
        status, _ = verify.inspect(path, row.product)
    except (NunatakError, OSError) as error:
        raise Spoiled(content.reason_without_path(error, path)) from None
    if status != noted.status:
        raise Spoiled(f"is {status}, was {noted.status}")
