"""Datacubes of a folder tree as rows of a granule table, by what the cubes say of themselves."""

from __future__ import annotations

import json
import re
from pathlib import Path

import shapely

from nunatak.archives.local import footprint
from nunatak.archives.local.listing import zarr_stores
from nunatak.constants import SIMULATED
from nunatak.granules import granule_table
from nunatak.products import GranuleError
from nunatak.products.itslive.zarr_metadata import described, metadata_checksum

_NAME = re.compile(r"ITS_LIVE_vel_EPSG\d+_G\d{4}_X-?\d+_Y-?\d+")


def cubes_in(root):
    """
    Return the datacubes below a folder.

    Parameters
    ----------
    root : folder, read and never written

    Returns
    -------
    table : granule table; a cube that was cut or renamed has the name it states of itself
    notes : Zarr stores that are left out, in words
    """
    rows, notes = [], []
    for entry in zarr_stores(root):
        try:
            rows.append(_row(Path(root) / entry.path, entry.path))
        except GranuleError as error:
            notes.append(str(error))
    return granule_table(rows), notes


def _row(path, below):
    arrays, about = described(path)
    if arrays and not {"vx", "vy", "mid_date"} <= set(arrays):
        raise GranuleError(f"{path}: has no vx, vy and mid_date; it is no ITS_LIVE datacube and is left out")
    names = (_NAME.search(str(text)) for text in (path.name, about.get("s3"), about.get("url")))
    name = next((found[0] for found in names if found), None)
    if name is None:
        raise GranuleError(f"{path}: neither its name nor its attribute s3 is a datacube's; name it as ITS_LIVE does")
    simulated = str(about.get("nunatak_source", "")).upper() == SIMULATED
    return {
        "file_name": f"{name}.zarr",
        "url": below,
        "checksum": metadata_checksum(path),
        "checksum_algorithm": "SHA-256",
        "geometry": footprint.to_text(_outline(about.get("geo_polygon"))),
        "source": SIMULATED if simulated else "directory",
    }


def _outline(stated):
    """Return the polygon of longitudes and latitudes that a cube states, or None."""
    try:
        return footprint.wrapped(shapely.Polygon(json.loads(stated)))
    except (TypeError, ValueError, shapely.errors.ShapelyError):
        return None
