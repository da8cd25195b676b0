"""
Check granules that are not downloaded by reading ranges of each.

The ledger of such a granule has its address as path. No byte of it is kept, so there is no checksum to compare later.
Size, signature and groups are checked, and a file that changes while it is read is an error.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd

from nunatak.archives import verify
from nunatak.archives.archive import Outcome
from nunatak.archives.in_place import openable
from nunatak.archives.local import content
from nunatak.files import remote
from nunatak.products.guarded import guarded
from nunatak.products.itslive.zarr_metadata import metadata_checksum
from nunatak.runtime import NunatakError, log, progress

IN_PLACE = "read in place: size and content checked, no checksum"


def look(granules: pd.DataFrame, endpoints: Any, *, connections: int = 4) -> pd.DataFrame:
    """
    Check granules that are not downloaded, and return their ledger.

    Parameters
    ----------
    granules : granule table
    endpoints : study.models.Endpoints
    connections : granules checked at a time. Default: 4

    Raises
    ------
    LoginRefused : the service needs a login that does not exist
    """
    rows = list(granules.itertuples(index=False))
    for row in rows[:1]:
        openable(row.url, endpoints)  # one login, before threads need it
    with ThreadPoolExecutor(connections) as pool:
        looking = pool.map(lambda row: _look(row, endpoints), rows)
        outcomes = list(progress(looking, label="looking at granules", total=len(rows)))
    for outcome in outcomes:
        if outcome.status == "failed":
            log.warning("%s: %s", outcome.path, outcome.reason)
    return verify.as_ledger(granules, outcomes)


def _look(row, endpoints) -> Outcome:
    """Check one granule and return its outcome."""
    address = openable(row.url, endpoints)
    if row.product == "itslive_cube":
        return _look_at_cube(row, address)
    try:
        with guarded(row.url), remote.open_address(address) as file:
            size = file.size
        if pd.notna(row.size_bytes) and size != row.size_bytes:
            return Outcome(
                row.granule_id,
                str(row.url),
                "failed",
                f"has {size} bytes, expected {row.size_bytes}; {verify.ASK_AGAIN}",
            )
        with guarded(row.url):
            status, reason = verify.inspect(address, row.product)
    except (NunatakError, OSError) as error:
        return Outcome(row.granule_id, row.url, "failed", content.reason_without_path(error, row.url))
    return Outcome(row.granule_id, row.url, status, "; ".join(filter(None, (reason, IN_PLACE))), size)


def _look_at_cube(row, address) -> Outcome:
    """Check a cube, a folder of many objects, by the checksum of its metadata, which is its version."""
    try:
        sha256 = metadata_checksum(address)
    except (NunatakError, OSError) as error:
        return Outcome(row.granule_id, str(address), "failed", content.reason_without_path(error, address))
    if pd.notna(row.checksum) and row.checksum != sha256:
        reason = f"the cube was updated since it was listed; {verify.ASK_AGAIN}"
        return Outcome(row.granule_id, str(address), "failed", reason, None, sha256)
    return Outcome(row.granule_id, str(address), "present", "read in place, chunk by chunk", None, sha256)
