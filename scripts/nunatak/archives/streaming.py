"""
What a fetch does of granules that stay where they are: each is looked at, by range, and none is brought here.

The ledger of such a granule has its address for a path. No byte of it is kept, so there is no checksum to compare
later; size, signature and groups are looked at, and a file that changes while it is read is an error.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pandas as pd

from nunatak.archives import verify
from nunatak.archives.archive import Outcome
from nunatak.archives.in_place import openable
from nunatak.archives.local import content
from nunatak.files import remote
from nunatak.products import hdf5
from nunatak.products.guarded import guarded
from nunatak.products.itslive.zarr_metadata import metadata_checksum
from nunatak.runtime import NunatakError, log, progress

IN_PLACE = "read in place: size and content checked, no checksum"


def look(granules, endpoints, *, connections=4):
    """
    The ledger of granules that stay where they are.

    Parameters
    ----------
    granules : granule table
    endpoints : study.models.Endpoints
    connections : granules looked at in one time

    Raises
    ------
    LoginRefused : the service wants a login that there is not
    """
    rows = list(granules.itertuples(index=False))
    for row in rows[:1]:
        openable(row.url, endpoints)  # one login, before threads want it
    with ThreadPoolExecutor(connections) as pool:
        looking = pool.map(lambda row: _look(row, endpoints), rows)
        outcomes = list(progress(looking, label="looking at granules", total=len(rows)))
    for outcome in outcomes:
        if outcome.status == "failed":
            log.warning("%s: %s", outcome.path, outcome.reason)
    return verify.as_ledger(granules, outcomes)


def _look(row, endpoints) -> Outcome:
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
            status, reason = _inspect(address, row.product)
    except (NunatakError, OSError) as error:
        return Outcome(row.granule_id, row.url, "failed", content.reason_without_path(error, row.url))
    return Outcome(row.granule_id, row.url, status, "; ".join(filter(None, (reason, IN_PLACE))), size)


def _inspect(address, product):
    """As `verify.inspect`; a mosaic is known by its velocities."""
    if product != "itslive_mosaic":
        return verify.inspect(address, product)
    with hdf5.open_granule(address) as file:
        if "v" not in file or "x" not in file:
            raise NunatakError(f"is no mosaic inside (it has: {', '.join(sorted(file)) or 'nothing'})")
    return "present", ""


def _look_at_cube(row, address) -> Outcome:
    """A cube is a folder of many objects: what it says of itself is all that is looked at, and is its version."""
    try:
        sha256 = metadata_checksum(address)
    except (NunatakError, OSError) as error:
        return Outcome(row.granule_id, str(address), "failed", content.reason_without_path(error, address))
    if pd.notna(row.checksum) and row.checksum != sha256:
        reason = f"the cube was updated since it was listed; {verify.ASK_AGAIN}"
        return Outcome(row.granule_id, str(address), "failed", reason, None, sha256)
    return Outcome(row.granule_id, str(address), "present", "read in place, chunk by chunk", None, sha256)
