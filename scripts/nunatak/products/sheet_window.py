"""The part of the grid of a whole ice sheet that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyproj

from nunatak.products import GranuleError, polar_grid, sheets

if TYPE_CHECKING:
    import h5py


def window(file: h5py.File, bounds: Any, crs: str | None = None) -> polar_grid.Window:
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
    sheet = sheets.sheet_of(file)
    own = sheets.SHEETS[sheet]
    if crs is not None and pyproj.CRS.from_user_input(crs) != pyproj.CRS.from_user_input(own):
        raise GranuleError(
            f"{file.filename}: is of {sheet.capitalize()} ({own}), the study's grid is in {crs}; "
            "take the file of the sheet that the region lies on"
        )
    found = polar_grid.window_of(file, bounds)
    if found is None:
        shown = ", ".join(f"{v:.0f}" for v in bounds)
        raise GranuleError(
            f"{file.filename}: its grid of {sheet.capitalize()} does not touch the bounds ({shown}) in {own}; "
            "check the region, or leave the product out"
        )
    return found
