"""Find the file, variable and band of a user's raster, and check that the file has them."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from pathlib import Path
from typing import Any

from nunatak.constants import METRES
from nunatak.runtime import NunatakError

DECLARE = "in a GeoTIFF with .venv/bin/rio edit-info --nodata {0:g} FILE, in NetCDF as the attribute missing_value"
"""how a file declares the number that means missing"""
# First bytes of rasters that hold their values themselves: TIFF, NetCDF, HDF5. GDAL chooses its reader by the first
# bytes, and other readers, such as that of VRT, open what a file points to, also on the network.
_BEGINNINGS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"CDF", b"\x89HDF\r\n")
_HDF5 = _BEGINNINGS[-1]
_POINTING = (b"<VRTDataset", b"<GDAL_WMS", b"<WMS_")
_LOOK = 65536  # bytes
_KILOMETRES = tuple(unit for unit, metres in METRES.items() if metres == 1000)


def source_of(given: str | Path, variable: str | int | None = None) -> tuple[Path, Any]:
    """
    Return the file of a raster, and which of its variables or bands is meant.

    Parameters
    ----------
    given : a file, or netcdf:FILE:VARIABLE as in GDAL
    variable : name of a variable, or number of a band from 1 on. Default: the one in `given`

    >>> source_of('netcdf:"my/bed.nc":thickness')
    (PosixPath('my/bed.nc'), 'thickness')
    """
    kind, _, rest = str(given).partition(":")
    if kind.lower() in ("netcdf", "hdf5") and rest:
        name, _, inside = rest.rpartition(":")
        given, variable = (name or inside).strip('"'), variable if variable is not None or not name else inside
    return Path(given).expanduser(), variable.strip("/") if isinstance(variable, str) else variable


def check(given: str | Path, variable: str | int | None = None, *, layers: bool = True) -> None:
    """
    Refuse a raster that is missing, holds several fields of which none is named, or has no coordinates.

    Parameters
    ----------
    given, variable : as for `source_of`
    layers : whether one field may have several layers, such as times. Default: True

    Raises
    ------
    ValueError : names the fault and the remedy

    Notes
    -----
    The content of the file is checked only if rasterio is installed, which an environment for the workflow alone may
    lack.
    """
    path, variable = source_of(given, variable)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; write its path as seen from the workflow's folder, or an absolute one")
    if fault := foreign(path):
        raise ValueError(f"{path}: {fault}")
    if importlib.util.find_spec("rasterio") is None:
        return
    # Imported by name, as a study file is read without rasterio.
    rasterio = importlib.import_module("rasterio")
    try:
        with _opened(path) as source:
            names, bands = _names(source), source.count
    except rasterio.errors.RasterioIOError as error:
        raise ValueError(f"{path}: cannot be read as a raster ({error}); give a GeoTIFF or a NetCDF file") from error
    _refuse(path, variable, names, bands, layers)
    fault = misplaced(path, variable)
    if fault:
        raise ValueError(f"{path}: {fault}")


def foreign(path: str | Path) -> str:
    """
    Return why a file is not a raster that holds its values itself, or an empty text if it is one.

    Parameters
    ----------
    path : file
    """
    with open(path, "rb") as stream:
        start = stream.read(_LOOK)
    if start.startswith(_BEGINNINGS) and not any(word in start for word in _POINTING):
        name = _elsewhere(path) if start.startswith(_HDF5) else None
        return (
            f"{name} has its values in another file; write them into this one (nccopy, gdal_translate)" if name else ""
        )
    shown = " ".join(start[:30].decode("ascii", "replace").split())
    return (
        f"cannot be read as a raster, is neither GeoTIFF nor NetCDF (it begins {shown!r}); make a GeoTIFF of it with "
        ".venv/bin/rio convert"
    )


def _elsewhere(path):
    """Return the first name in an HDF5 file whose values lie in another file, None where all are its own."""
    if importlib.util.find_spec("h5py") is None:
        return None
    h5py = importlib.import_module("h5py")

    def look(name, link):
        if link.type == h5py.h5l.TYPE_EXTERNAL:
            return name
        node = h5py.h5o.open(file.id, name) if link.type == h5py.h5l.TYPE_HARD else None
        if isinstance(node, h5py.h5d.DatasetID):
            made = node.get_create_plist()
            if made.get_layout() == h5py.h5d.VIRTUAL or made.get_external_count():
                return name
        return None

    try:
        with h5py.File(path) as file:
            name = file.id.links.visit(look, info=True)
    except (OSError, RuntimeError, KeyError):  # a broken file: what reads it says so
        return None
    return None if name is None else name.decode("utf-8", "replace")


def misplaced(path: str | Path, variable: str | int | None = None) -> str:
    """
    Return what is wrong with the coordinates of a raster and the remedy, or an empty text if nothing is wrong.

    Parameters
    ----------
    path : file
    variable : name of a variable, or number of a band. Default: the first
    """
    with _opened(path) as source:
        fields = {name.rpartition(":")[2].strip("/"): name for name in source.subdatasets}
    fields = {name: field for name, field in fields.items() if not is_bounds(name)}
    named = variable if variable is not None else next(iter(fields), None)
    with _opened(fields.get(named, path)) as source:
        transform, crs, tags = source.transform, source.crs, source.tags()
    across, turned, left, turned_back, down, _ = transform[:6]
    if crs is None:
        return "names no coordinate system; write one into it (a GeoTIFF: .venv/bin/rio edit-info --crs EPSG:3413 FILE)"
    if (across, abs(down), left, turned, turned_back) == (1, 1, 0, 0, 0):
        return (
            "has no coordinates of its cells: x and y are missing, not evenly spaced, or not marked as axes; give x "
            "and y the attributes standard_name (projection_x_coordinate, projection_y_coordinate) and units (m), or "
            "write a GeoTIFF"
        )
    if turned or turned_back:
        return "is rotated against its coordinate system; make it north-up (.venv/bin/rio warp)"
    if across < 0:
        return "runs from east to west, or is stored (x, y); write it as (y, x) with x ascending"
    units = [tags.get(f"{axis}#units", "").lower() for axis in ("x", "y")]
    if crs.is_projected and set(units) & set(_KILOMETRES) and crs.linear_units_factor[1] == 1:
        return f"has x and y in km where {crs.to_string()[:20]} is in metres; multiply them by 1000"
    return ""


def with_times(field: Any, path: str | Path) -> Any:
    """
    Decode the times of a field to dates.

    A field without times is returned unchanged.

    Parameters
    ----------
    field : DataArray as it was opened
    path : of the file, for the error

    Raises
    ------
    NunatakError : a unit or calendar that is none of dates
    """
    xarray = importlib.import_module("xarray")
    if "time" not in field.dims or field["time"].dtype.kind == "M":
        return field
    try:
        return field.assign_coords(time=xarray.decode_cf(field["time"].to_dataset(name="of_time"))["time"])
    except (ValueError, ImportError) as error:
        reason = " ".join(str(error).split()).partition(". ")[0]
        raise NunatakError(f"{path}: time: {reason}; write it as days since a date, calendar standard") from error


def fields_of(path: str | Path) -> dict:
    """
    Return the fields of a raster: variables by name, bands by number, each with its attributes.

    Parameters
    ----------
    path : file

    Raises
    ------
    NunatakError : the file is missing, or not a raster that holds its values itself
    """
    fault = foreign(path) if Path(path).is_file() else "no such file; write its path, or an absolute one"
    if fault:
        raise NunatakError(f"{path}: {fault}")
    fields: dict = {}
    with _opened(path) as source:
        inside = source.subdatasets or [path]
        if not source.subdatasets and source.driver == "GTiff":
            for band, units in zip(source.indexes, source.units, strict=True):
                fields[band] = {**source.tags(band), **({"units": units} if units else {})}
            return fields
    for name in inside:
        with _opened(name) as source:
            own = (
                str(name).rpartition(":")[2].strip("/")
                if inside != [path]
                else source.tags(1).get("NETCDF_VARNAME", "")
            )
            tags = {key.partition("#")[2]: value for key, value in source.tags().items() if key.startswith(f"{own}#")}
            if not is_bounds(own):
                fields[own] = {**source.tags(1), **tags}
    return fields


def _opened(path):
    """
    Open a raster without rasterio's warning that it has no georeference.

    `misplaced` reports that with the remedy.
    """
    rasterio = importlib.import_module("rasterio")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        return rasterio.open(path)


def _names(source):
    """Return the variables on y and x of a file that holds several."""
    names = (name.rpartition(":")[2].strip("/") for name in source.subdatasets)
    return [name for name in names if not is_bounds(name)]


def is_bounds(name: Any) -> bool:
    """
    Return whether a variable holds the bounds of cells.

    Parameters
    ----------
    name : variable
    """
    return str(name).endswith(("_bnds", "_bounds"))


def _refuse(path, variable, names, bands, layers):
    """Refuse a variable or band that does not exist or is not unique."""
    if names and variable not in names and (variable is not None or len(names) > 1):
        problem = f"has no {variable!r}; it holds" if variable else "holds several variables; name one of"
        raise ValueError(f"{path}: {problem} {', '.join(names)} (key `variable`, or netcdf:FILE:VARIABLE)")
    if isinstance(variable, int) and not 1 <= variable <= bands:
        raise ValueError(f"{path}: has no band {variable}; it has {bands}")
    if not names and bands > 1 and not layers and not isinstance(variable, int):
        raise ValueError(f"{path}: holds {bands} bands; name one by its number (key `variable`)")
