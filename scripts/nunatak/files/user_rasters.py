"""Rasters of the user's: which file, variable and band is meant, and whether the file has it."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path


def source_of(given, variable=None):
    """
    Return the file of a raster, and which of its variables or bands is meant.

    Parameters
    ----------
    given : a file, or netcdf:FILE:VARIABLE as GDAL has it
    variable : name of a variable, or number of a band from 1 on

    >>> source_of('netcdf:"my/bed.nc":thickness')
    (PosixPath('my/bed.nc'), 'thickness')
    """
    kind, _, rest = str(given).partition(":")
    if kind.lower() in ("netcdf", "hdf5") and rest:
        name, _, inside = rest.rpartition(":")
        given, variable = (name or inside).strip('"'), variable if variable is not None or not name else inside
    return Path(given).expanduser(), variable.strip("/") if isinstance(variable, str) else variable


def check(given, variable=None, *, layers=True):
    """
    Refuse a raster that is not there or holds several fields of which none is named.

    Parameters
    ----------
    given, variable : see `source_of`
    layers : whether one field may have several layers, such as times

    Raises
    ------
    ValueError : what is wrong and the remedy

    Notes
    -----
    What is in the file is told only where rasterio is installed; an environment for the workflow alone may lack it.
    """
    path, variable = source_of(given, variable)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; write its path as seen from the workflow's folder, or an absolute one")
    if importlib.util.find_spec("rasterio") is None:
        return
    # by its name: what reads a study file does without it
    rasterio = importlib.import_module("rasterio")
    try:
        with rasterio.open(path) as source:
            names, bands = _names(source), source.count
    except rasterio.errors.RasterioIOError as error:
        raise ValueError(f"{path}: cannot be read as a raster ({error}); give a GeoTIFF or a NetCDF file") from error
    _refuse(path, variable, names, bands, layers)


def _names(source):
    """Variables on y and x of a file that holds several."""
    names = (name.rpartition(":")[2].strip("/") for name in source.subdatasets)
    return [name for name in names if not is_bounds(name)]


def is_bounds(name):
    """Return whether a variable holds the bounds of cells."""
    return str(name).endswith(("_bnds", "_bounds"))


def _refuse(path, variable, names, bands, layers):
    if names and variable not in names:
        told = f"has no {variable!r}; it holds" if variable else "holds several variables; name one of"
        raise ValueError(f"{path}: {told} {', '.join(names)} (key `variable`, or netcdf:FILE:VARIABLE)")
    if isinstance(variable, int) and not 1 <= variable <= bands:
        raise ValueError(f"{path}: has no band {variable}; it has {bands}")
    if not names and bands > 1 and not layers and not isinstance(variable, int):
        raise ValueError(f"{path}: holds {bands} bands; name one by its number (key `variable`)")
