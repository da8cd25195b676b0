"""
Find the ATL03 granules of a folder that run through a region, beam by beam, by their track lines.

A granule's footprint also covers the ground between its beams, 3 km from pair to pair, so for a small region gigabytes
would be read that hold nothing of it. The lines are read once from each granule that a search finds, and kept as
GeoParquet beside the folder's index.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from nunatak.products import atl03_index
from nunatak.runtime import NunatakError, log

# degrees, 100 m of latitude: more than a track bends between two points of its line, 1 km apart
_MARGIN = 1e-3


def through(
    found: pd.DataFrame, root: str | Path, path: str | Path, mtimes: Mapping[str, Any], region: Any
) -> tuple[pd.DataFrame, list[str]]:
    """
    Return the rows of a granule table whose beams come near a region.

    Parameters
    ----------
    found : granule table of ATL03, with `url` below the root
    root : the folder
    path : file of lines, which is made if it does not exist or cannot be read
    mtimes : mapping of `url` to the time of last change (ns)
    region : Region

    Returns
    -------
    rows : rows with a beam in the region, and those without a line, whose faults show when they are read
    notes : remarks on the rows left out
    """
    lines = _updated(found, Path(root), Path(path), mtimes)
    near = shapely.intersects(shapely.buffer(lines["geometry"].to_numpy(), _margin(lines)), region.geometry)
    inside = set(lines["path"][near]) | (set(found["url"]) - set(lines["path"]))
    out = found[~found["url"].isin(inside)]
    notes = [f"{url}: none of its beams runs through the region, though its footprint touches it" for url in out["url"]]
    return found[found["url"].isin(inside)].reset_index(drop=True), notes


def _margin(lines):
    """Return degrees that are `_MARGIN` of latitude, and at least as much in longitude, (n,)."""
    north = np.maximum(np.abs(lines["north"].to_numpy(float)), np.abs(lines["south"].to_numpy(float)))
    return _MARGIN / np.cos(np.radians(np.minimum(north, 89.0)))


def _updated(found, root, path, mtimes):
    """Return the lines of the granules of a table, after reading and saving new ones."""
    saved = _load(path)
    current = [(url, int(mtimes.get(url) or 0)) for url in found["url"]]
    have = set(zip(saved["path"], saved["mtime_ns"], strict=True))
    fresh = [pair for pair in current if pair not in have]
    parts = [saved]
    for url, mtime in fresh:
        rows, failed = atl03_index.index([root / url])
        for _, reason in failed:
            log.warning("%s", reason)
        parts.append(rows.assign(path=url, mtime_ns=mtime))
    full = [part for part in parts if len(part)]
    lines = pd.concat(full, ignore_index=True) if full else saved
    if fresh and len(lines):
        times = dict(current)  # older lines of a granule that was written again are dropped
        lines = lines[_mask(times.get(p, m) == m for p, m in zip(lines["path"], lines["mtime_ns"], strict=True))]
        atl03_index.write_index(lines.sort_values(["path", "beam"], ignore_index=True), path)
    current_pairs = set(current)
    return lines[_mask(pair in current_pairs for pair in zip(lines["path"], lines["mtime_ns"], strict=True))]


def _mask(tests):
    """Return tests as a (n,) bool array, also without rows, where an empty list would select columns."""
    return np.fromiter(tests, dtype=bool)


def _load(path):
    """Load the saved lines, or an empty table."""
    if not path.exists():
        return pd.DataFrame(columns=[*atl03_index.COLUMNS, "path", "mtime_ns"])
    try:
        return atl03_index.read_index(path)
    except NunatakError as error:
        log.warning("%s", error)
        return pd.DataFrame(columns=[*atl03_index.COLUMNS, "path", "mtime_ns"])
