"""
Which ATL03 granules of a folder run through a region, beam by beam: their track lines, kept as GeoParquet.

A granule's footprint covers the ground between its beams too, 3 km from pair to pair; a small region there costs
gigabytes that hold nothing of it. The lines are read once from each granule that a search finds, and kept beside the
folder's index.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from nunatak.products import atl03_index
from nunatak.runtime import NunatakError, log

# degrees, 100 m of latitude: more than a track bends between two points of its line, 1 km apart
_MARGIN = 1e-3


def through(found, root, path, mtimes, region):
    """
    The rows of a granule table whose beams come near a region.

    Parameters
    ----------
    found : granule table of ATL03, `url` below the root
    root : the folder
    path : the file of lines, made where it does not exist and made anew where it cannot be read
    mtimes : mapping of `url` to the time of last change (ns)
    region : Region

    Returns
    -------
    rows : those with a beam in the region, and those of which no line is known: reading them says why
    notes : what was left out, in words
    """
    lines = _updated(found, Path(root), Path(path), mtimes)
    near = shapely.intersects(shapely.buffer(lines["geometry"].to_numpy(), _margin(lines)), region.geometry)
    inside = set(lines["path"][near]) | (set(found["url"]) - set(lines["path"]))
    out = found[~found["url"].isin(inside)]
    notes = [f"{url}: none of its beams runs through the region, though its footprint touches it" for url in out["url"]]
    return found[found["url"].isin(inside)].reset_index(drop=True), notes


def _margin(lines):
    """(n,) degrees that are `_MARGIN` of latitude, and no less of longitude."""
    north = np.maximum(np.abs(lines["north"].to_numpy(float)), np.abs(lines["south"].to_numpy(float)))
    return _MARGIN / np.cos(np.radians(np.minimum(north, 89.0)))


def _updated(found, root, path, mtimes):
    """The lines of the granules of a table, those not yet known read and saved."""
    known = _load(path)
    current = [(url, int(mtimes.get(url) or 0)) for url in found["url"]]
    have = set(zip(known["path"], known["mtime_ns"], strict=True))
    fresh = [pair for pair in current if pair not in have]
    parts = [known]
    for url, mtime in fresh:
        rows, failed = atl03_index.index([root / url])
        for _, reason in failed:
            log.warning("%s", reason)
        parts.append(rows.assign(path=url, mtime_ns=mtime))
    full = [part for part in parts if len(part)]
    lines = pd.concat(full, ignore_index=True) if full else known
    if fresh and len(lines):
        times = dict(current)  # of a granule that was written again, the older lines go
        lines = lines[_mask(times.get(p, m) == m for p, m in zip(lines["path"], lines["mtime_ns"], strict=True))]
        atl03_index.write_index(lines.sort_values(["path", "beam"], ignore_index=True), path)
    asked = set(current)
    return lines[_mask(pair in asked for pair in zip(lines["path"], lines["mtime_ns"], strict=True))]


def _mask(tests):
    """(n,) bool, also of no row: an empty list would choose columns."""
    return np.fromiter(tests, dtype=bool)


def _load(path):
    if not path.exists():
        return pd.DataFrame(columns=[*atl03_index.COLUMNS, "path", "mtime_ns"])
    try:
        return atl03_index.read_index(path)
    except NunatakError as error:
        log.warning("%s", error)
        return pd.DataFrame(columns=[*atl03_index.COLUMNS, "path", "mtime_ns"])
