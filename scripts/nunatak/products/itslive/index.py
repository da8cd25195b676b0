"""
The index of image pairs: one row per granule, so that a second build opens no metadata of a pair seen before.

A row is believed as long as the file is the same: by its SHA-256 where that is known, else by size and time of change.
"""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from nunatak.compute.deadline import each_in_time
from nunatak.products import GranuleError
from nunatak.products.guarded import guarded
from nunatak.products.itslive.pairs import read_pair

log = logging.getLogger(__name__)

COLUMNS = {
    "granule_id": "object",
    "file_name": "object",
    "path": "object",
    "size_bytes": "int64",
    "status": "object",
    "reason": "object",
    "layout": "object",
    "version": "int64",
    "epsg": "int64",
    "x0": "float64",
    "y0": "float64",
    "dx": "float64",
    "dy": "float64",
    "ny": "int64",
    "nx": "int64",
    "id_img1": "object",
    "id_img2": "object",
    "acquisition_date_img1": "datetime64[ns]",
    "acquisition_date_img2": "datetime64[ns]",
    "mid_date": "datetime64[ns]",
    "date_dt": "float64",
    "swapped": "bool",
    "image_key": "object",
    "processed": "object",
    "platform": "object",
    "group": "object",
    "path_row_img1": "object",
    "path_row_img2": "object",
    "geometry": "object",
    "roi_valid_percentage": "float64",
    "vx_error": "float64",
    "vy_error": "float64",
    "error_source": "object",
    "vx_stable_shift": "float64",
    "vy_stable_shift": "float64",
    "stable_shift_flag": "int64",
    "reader": "object",
    "units_in_granule": "object",
    "map_scale": "float64",
    "chunks": "object",
    "identity": "object",
    "reading": "int64",
}
READING = 5  # goes up when `read_pair` says something else of the same file, so that older rows are not believed
UNITS = {
    "x0": "m",
    "y0": "m",
    "dx": "m",
    "dy": "m",
    "date_dt": "days",
    "roi_valid_percentage": "%",
    "vx_error": "m/yr",
    "vy_error": "m/yr",
    "vx_stable_shift": "m/yr",
    "vy_stable_shift": "m/yr",
    "size_bytes": "bytes",
    "map_scale": "1",
}
_BLANK = {"object": "", "int64": 0, "float64": float("nan"), "bool": False, "datetime64[ns]": pd.NaT}


def index_pairs(paths, *, known=None, checksums=None, threads=4):
    """
    Index granules, taking over what an earlier index knows.

    Parameters
    ----------
    paths : granule files
    known : DataFrame of an earlier call; its rows are kept for files that are the same, wherever they lie now
    checksums : {path: SHA-256} of what has been measured of the files
    threads : files opened side by side

    Returns
    -------
    DataFrame sorted by (mid_date, granule_id), columns `COLUMNS`; `status` is present or failed, and a granule that
    cannot be read has its reason. `attrs["units"]` holds the units.
    """
    checksums = checksums or {}
    files = {str(path): identity(path, checksums.get(str(path))) for path in paths}
    earlier = _by_identity(known)
    kept = [
        {**earlier[same], "identity": same, "path": path, "file_name": Path(path).name, "granule_id": _id_of(path)}
        for path, same in files.items()
        if same in earlier
    ]
    fresh = [(path, same) for path, same in files.items() if same not in earlier]
    with ThreadPoolExecutor(max(1, threads)) as pool:
        rows = kept + list(each_in_time(pool.map(_row, fresh), "indexing image pairs"))
    unusual = [f"{row['file_name']} ({row['reader'][6:]})" for row in rows if row.get("reader", "").startswith("h5py")]
    if unusual:
        log.warning("%d granules are read through h5py, which takes longer: %s", len(unusual), "; ".join(unusual[:3]))
    log.info("%d of %d image pairs opened", len(fresh), len(files))
    return index_table(rows)


def _by_identity(known):
    """
    Return rows of an earlier index by the identity of their files.

    An index with other columns than today's gives none.
    """
    if known is None or not set(COLUMNS) <= set(known):
        return {}
    present = known[(known["status"] == "present") & (known["reading"] == READING)].drop_duplicates("identity")
    return {row["identity"]: row for row in present.to_dict("records")}


def identity(path, checksum=None):
    """
    Return text that tells whether a file is the one that was indexed. It differs for every file that is not there.
    """
    if checksum:
        return f"sha256:{checksum}"
    path = Path(path)
    if not path.exists():
        return f"absent:{path}"
    status = path.stat()
    return f"{path.name}:{status.st_size}:{status.st_mtime_ns}"


def index_table(rows):
    """Build the index of these rows: all columns, right dtypes, sorted by (mid_date, granule_id)."""
    filled = [{name: row.get(name, _BLANK[dtype]) for name, dtype in COLUMNS.items()} for row in rows]
    table = pd.DataFrame(filled, columns=list(COLUMNS)).astype(COLUMNS)
    table = table.sort_values(["mid_date", "granule_id", "path"], kind="stable", ignore_index=True)
    table.attrs["units"] = UNITS
    return table


def _row(file):
    path, same = file
    begin = {"granule_id": _id_of(path), "path": path, "identity": same, "reading": READING}
    try:
        with guarded(path):
            return {**begin, "status": "present", "reason": "", **read_pair(path)}
    except GranuleError as error:
        size = os.path.getsize(path) if os.path.isfile(path) else 0
        return {**begin, "file_name": Path(path).name, "status": "failed", "reason": str(error), "size_bytes": size}


def _id_of(path):
    return Path(path).name.removesuffix(".nc")
