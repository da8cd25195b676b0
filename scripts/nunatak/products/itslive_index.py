"""The index of image pairs: one row per granule, so that a second build opens no metadata."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from nunatak.products import GranuleError
from nunatak.products.itslive import read_pair

log = logging.getLogger(__name__)

COLUMNS = {
    "granule_id": "object", "file_name": "object", "path": "object", "size_bytes": "int64", "status": "object",
    "reason": "object", "layout": "object", "version": "int64", "epsg": "int64", "x0": "float64", "y0": "float64",
    "dx": "float64", "dy": "float64", "ny": "int64", "nx": "int64", "id_img1": "object", "id_img2": "object",
    "acquisition_date_img1": "datetime64[ns]", "acquisition_date_img2": "datetime64[ns]", "mid_date": "datetime64[ns]",
    "date_dt": "float64", "swapped": "bool", "image_key": "object", "processed": "object", "platform": "object",
    "group": "object", "path_row_img1": "object", "path_row_img2": "object", "geometry": "object",
    "roi_valid_percentage": "float64", "vx_error": "float64", "vy_error": "float64", "error_source": "object",
    "vx_stable_shift": "float64", "vy_stable_shift": "float64", "stable_shift_flag": "int64", "reader": "object",
    "chunks": "object",
}  # fmt: skip
UNITS = {
    "x0": "m", "y0": "m", "dx": "m", "dy": "m", "date_dt": "days", "roi_valid_percentage": "%", "vx_error": "m/yr",
    "vy_error": "m/yr", "vx_stable_shift": "m/yr", "vy_stable_shift": "m/yr", "size_bytes": "bytes",
}  # fmt: skip
_BLANK = {"object": "", "int64": 0, "float64": float("nan"), "bool": False, "datetime64[ns]": pd.NaT}


def index_pairs(paths, *, known=None, threads=4):
    """
    Index granules, taking over what an earlier index knows.

    Parameters
    ----------
    paths : granule files
    known : DataFrame of an earlier call; its rows are kept for files of unchanged path and size
    threads : files opened side by side

    Returns
    -------
    DataFrame sorted by (mid_date, granule_id), columns `COLUMNS`; `status` is present or failed, and a granule that
    cannot be read has its reason. `attrs["units"]` holds the units.
    """
    paths = [str(path) for path in paths]
    earlier = (
        {} if known is None else {row["path"]: row for row in known.to_dict("records") if row["status"] == "present"}
    )
    kept = {path for path in paths if _unchanged(earlier.get(path), path)}
    fresh = [path for path in paths if path not in kept]
    rows = [earlier[path] for path in paths if path in kept]
    with ThreadPoolExecutor(max(1, threads)) as pool:
        rows += pool.map(_row, fresh)
    unusual = [f"{row['file_name']} ({row['reader'][6:]})" for row in rows if row.get("reader", "").startswith("h5py")]
    if unusual:
        log.warning("%d granules are read through h5py, which takes longer: %s", len(unusual), "; ".join(unusual[:3]))
    return index_table(rows)


def index_table(rows):
    """The index of these rows: all columns, right dtypes, sorted by (mid_date, granule_id)."""
    filled = [{name: row.get(name, _BLANK[dtype]) for name, dtype in COLUMNS.items()} for row in rows]
    table = pd.DataFrame(filled, columns=list(COLUMNS)).astype(COLUMNS)
    table = table.sort_values(["mid_date", "granule_id", "path"], kind="stable", ignore_index=True)
    table.attrs["units"] = UNITS
    return table


def _unchanged(row, path):
    return row is not None and os.path.exists(path) and os.stat(path).st_size == row["size_bytes"]


def _row(path):
    granule_id = Path(path).name.removesuffix(".nc")
    try:
        return {"granule_id": granule_id, "path": path, "status": "present", "reason": "", **read_pair(path)}
    except GranuleError as error:
        return {
            "granule_id": granule_id, "path": path, "file_name": Path(path).name, "status": "failed",
            "reason": str(error), "size_bytes": os.path.getsize(path) if os.path.isfile(path) else 0,
        }  # fmt: skip
