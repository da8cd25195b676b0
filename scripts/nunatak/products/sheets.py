"""Grids of a whole ice sheet: which sheet a file is of, and its times."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyproj

from nunatak.products import GranuleError, hdf5
from nunatak.products.axes import projected_code
from nunatak.times import days_to_utc

if TYPE_CHECKING:
    import h5py

SHEETS = {"greenland": "EPSG:3413", "antarctica": "EPSG:3031"}
"""coordinate system of the grids of each sheet"""
_NAMES = {crs: sheet for sheet, crs in SHEETS.items()}
_MAPPINGS = ("mapping", "Polar_Stereographic", "polar_stereographic", "spatial_ref", "crs")


def sheet_of(file: h5py.File) -> str:
    """
    Return the ice sheet of an open file: greenland or antarctica.

    Parameters
    ----------
    file : h5py.File

    Raises
    ------
    GranuleError : no coordinate system, or that of neither sheet
    """
    code = _code(file)
    sheet = _NAMES.get(f"EPSG:{code}")
    if sheet is None:
        said = f"is EPSG:{code}" if code else "states none (epsg_number, spatial_epsg, crs_wkt)"
        raise GranuleError(
            f"{file.filename}: its coordinate system {said}; the grids of ice sheets are in "
            f"{' or '.join(SHEETS.values())}: fetch the product's own file"
        )
    return sheet


def _code(file):
    """Return the EPSG code that a file states in any way its makers have used, or None where it states none."""
    mappings = [file[name] for name in _MAPPINGS if name in file]
    stated = [hdf5.attribute(file, "epsg_number"), *(hdf5.attribute(m, "spatial_epsg") for m in mappings)]
    stated += [
        (pyproj.CRS.from_wkt(wkt).to_epsg())
        for mapping in mappings
        for name in ("crs_wkt", "spatial_ref")
        if (wkt := hdf5.attribute(mapping, name))
    ]
    named = re.search(r"epsg:(\d+)", (hdf5.attribute(file, "proj4") or "").lower())
    stated += [named[1] if named else None]
    stated += [_of_parallel(mapping) for mapping in mappings]
    return next((code for text in stated if text and (code := projected_code(text))), None)


def _of_parallel(mapping):
    """
    Return the code by the standard parallel of a polar stereographic mapping: 70 N in Greenland, 71 S in Antarctica.
    """
    try:
        parallel = float(hdf5.attribute(mapping, "standard_parallel", "nan"))
    except ValueError:
        return None
    return {70.0: 3413, -71.0: 3031}.get(parallel)


def times_of(file: h5py.File) -> np.ndarray:
    """
    Return the times of an open file's steps.

    Parameters
    ----------
    file : h5py.File of any of the records

    Returns
    -------
    (n,) datetime64[ns], UTC, ascending

    Raises
    ------
    GranuleError : no time, not in days since a date, or not ascending
    """
    if not hdf5.has(file, "time"):
        raise hdf5.missing(file, "time")
    units = hdf5.units(file["time"], "")
    since = re.match(r"days since (\d{4}-\d{1,2}-\d{1,2})(?:[T ](\d\d:\d\d:\d\d))?", units)
    if since is None:
        raise GranuleError(f"{file.filename}: time: is in {units!r}, not in days since a date; fetch the file again")
    day = "-".join(f"{int(part):02d}" for part in since[1].split("-"))
    time = days_to_utc(hdf5.read(file, "time", as_float=True), since=f"{day}T{since[2] or '00:00:00'}")
    if not np.all(np.diff(time) > np.timedelta64(0)):
        raise GranuleError(f"{file.filename}: time: does not ascend; fetch the file again")
    return time
