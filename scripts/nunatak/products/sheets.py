"""Grids of a whole ice sheet: which sheet a file is of, and the part of it that is asked for."""

from __future__ import annotations

import re

import pyproj

from nunatak.products import GranuleError, hdf5, polar_grid
from nunatak.products.axes import projected_code

SHEETS = {"greenland": "EPSG:3413", "antarctica": "EPSG:3031"}
"""coordinate system of the grids of each sheet"""
_NAMES = {crs: sheet for sheet, crs in SHEETS.items()}
_MAPPINGS = ("mapping", "Polar_Stereographic", "polar_stereographic", "spatial_ref", "crs")


def sheet_of(file) -> str:
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
    """The EPSG code that a file states in any of the ways its makers have used; None where it states none."""
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
    """The code by the standard parallel of a polar stereographic mapping: 70 N in Greenland, 71 S in Antarctica."""
    try:
        parallel = float(hdf5.attribute(mapping, "standard_parallel", "nan"))
    except ValueError:
        return None
    return {70.0: 3413, -71.0: 3031}.get(parallel)


def window(file, bounds, crs=None):
    """
    Return the part of a sheet's grid that touches some bounds.

    Parameters
    ----------
    file : h5py.File
    bounds : (left, bottom, right, top), m in the sheet's coordinate system; None for the whole grid
    crs : coordinate system that the bounds are in, such as "EPSG:3413", where it is to be held against the file's

    Returns
    -------
    polar_grid.Window

    Raises
    ------
    GranuleError : the file is of the other sheet, or the bounds do not touch its grid
    """
    own = SHEETS[sheet_of(file)]
    if crs is not None and pyproj.CRS.from_user_input(crs) != pyproj.CRS.from_user_input(own):
        raise GranuleError(
            f"{file.filename}: is of {_NAMES[own].capitalize()} ({own}), the study's grid is in {crs}; "
            "take the file of the sheet that the region lies on"
        )
    found = polar_grid.window_of(file, bounds)
    if found is None:
        shown = ", ".join(f"{v:.0f}" for v in bounds)
        raise GranuleError(
            f"{file.filename}: its grid of {_NAMES[own].capitalize()} does not touch the bounds ({shown}) in {own}; "
            "check the region, or leave the product out"
        )
    return found
