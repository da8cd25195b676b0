"""
Write grids: CF NetCDF with bounds and grid mapping, and Cloud-Optimised GeoTIFF.

Equal content is written as equal bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.files.qgis import Scale, write_style
from nunatak.runtime import NunatakError, refuse_full_disk, written

if TYPE_CHECKING:
    from pathlib import Path

    import pyproj
    import xarray as xr


_TIME_UNITS = "seconds since 2018-01-01 00:00:00"
_FINE_TIME_UNITS = "microseconds since 2018-01-01 00:00:00"


def georeference(dataset: xr.Dataset, grid: Any) -> xr.Dataset:
    """
    Return the Dataset with coordinates, cell bounds and grid mapping.

    Adds cell bounds, the scalar `spatial_ref` (CF grid mapping, WKT, GeoTransform from the corner of the first cell)
    and the `grid_mapping` of every variable on (y, x). Coordinates are cell centres, with y descending.

    Parameters
    ----------
    dataset : Dataset with dimensions y and x of the grid's shape. Its x and y are replaced by the grid's
    grid : nunatak.geometry.grid.Grid

    Raises
    ------
    NunatakError : the Dataset has another shape than the grid
    """
    shape = dataset.sizes.get("y"), dataset.sizes.get("x")
    if shape != grid.shape:
        raise NunatakError(f"raster: {shape[0]} x {shape[1]} cells do not fit the grid of {grid.ny} x {grid.nx}")
    out = dataset.assign_coords(x=("x", grid.x), y=("y", grid.y), spatial_ref=spatial_ref(grid))
    out["x"].attrs, out["y"].attrs = _axis(grid, "x"), _axis(grid, "y")
    out["x_bnds"] = (("x", "nv"), grid.x[:, None] + np.array([-0.5, 0.5]) * grid.dx)
    out["y_bnds"] = (("y", "nv"), grid.y[:, None] + np.array([0.5, -0.5]) * grid.dy)
    for variable in out.data_vars.values():
        if variable.dims[-2:] == ("y", "x"):
            variable.attrs["grid_mapping"] = "spatial_ref"
    out.attrs = {**dataset.attrs, "Conventions": "CF-1.11"}
    return out


def _axis(grid, axis):
    """Return the CF attributes of a coordinate, in metres of a projection or in degrees."""
    if grid.proj.is_geographic:
        name = {"x": "longitude", "y": "latitude"}[axis]
        unit = {"x": "degrees_east", "y": "degrees_north"}[axis]
    else:
        name, unit = f"projection_{axis}_coordinate", "m"
        if grid.proj.axis_info and grid.proj.axis_info[0].unit_name not in ("metre", "meter"):
            unit = grid.proj.axis_info[0].unit_name
    return {
        "standard_name": name,
        "long_name": f"{axis} of the cell centre",
        "units": unit,
        "axis": axis.upper(),
        "bounds": f"{axis}_bnds",
    }


def spatial_ref(grid: Any) -> xr.DataArray:
    """
    Return the CF grid mapping of a grid: a scalar with the projection's parameters, WKT and GeoTransform.

    Parameters
    ----------
    grid : nunatak.geometry.grid.Grid
    """
    import xarray as xr

    attributes = grid.proj.to_cf()
    attributes["spatial_ref"] = attributes["crs_wkt"]  # the name GDAL and rioxarray read
    dx, _, left, _, dy, top = grid.transform
    attributes["GeoTransform"] = " ".join(repr(float(v)) for v in (left, dx, 0.0, top, 0.0, dy))
    return xr.DataArray(np.int32(0), attrs=attributes)


def write_netcdf(dataset: xr.Dataset, path: str | Path, attributes: Mapping[str, Any] | None = None) -> None:
    """
    Write a Dataset as compressed NetCDF-4.

    Parameters
    ----------
    dataset : Dataset with the bounds and the grid mapping of `georeference`
    path : file to write, under a temporary name until it is complete
    attributes : text such as `runtime.stamp` returns, added to the global attributes. Default: none

    Notes
    -----
    Times are stored as whole seconds since 2018-01-01 (microseconds if they are not whole), floats with fill NaN.
    """
    with written(path) as part:
        refuse_full_disk(path, dataset.nbytes)
        _write_group(dataset, part, attributes, mode="w")


def write_netcdf_groups(
    datasets: Mapping[str, xr.Dataset], path: str | Path, attributes: Mapping[str, Any] | None = None
) -> None:
    """
    Write several Datasets as groups of one file, as `write_netcdf`.

    Parameters
    ----------
    datasets : mapping of group name to Dataset
    path, attributes : as for `write_netcdf`
    """
    with written(path) as part:
        refuse_full_disk(path, sum(dataset.nbytes for dataset in datasets.values()))
        for number, (group, dataset) in enumerate(datasets.items()):
            _write_group(dataset, part, attributes, mode="a" if number else "w", group=group)


def _write_group(dataset, part, attributes, **where):
    """Write one group of a NetCDF file."""
    dataset = dataset.copy(deep=False)
    dataset.attrs = _plain({**dataset.attrs, **(attributes or {})})
    encoding = {name: _encoding(variable) for name, variable in dataset.variables.items()}
    dataset.to_netcdf(part, engine="h5netcdf", encoding=encoding, **where)


def _encoding(variable):
    """Return the encoding of a variable: compression, fill and unit of time."""
    if variable.dtype.kind == "M":
        since = variable.values.astype("datetime64[ns]") - np.datetime64("2018-01-01", "ns")
        whole = np.all(since[~np.isnat(since)] % np.timedelta64(1, "s") == np.timedelta64(0, "ns"))
        return {
            "units": _TIME_UNITS if whole else _FINE_TIME_UNITS,
            "dtype": "int64",
            "calendar": "proleptic_gregorian",
        }
    encoding = {"_FillValue": np.nan if variable.dtype.kind == "f" and variable.ndim > 1 else None}
    if variable.ndim > 1 and variable.dtype.kind in "iufb":
        encoding |= {"zlib": True, "complevel": 4, "shuffle": True, "chunksizes": _chunks(variable.shape)}
    return encoding


def _chunks(shape):
    """Return chunks of one layer and at most 512 x 512 cells."""
    return (1,) * (len(shape) - 2) + tuple(min(max(n, 1), 512) for n in shape[-2:])


def write_cog(
    values: Any,
    grid: Any,
    path: str | Path,
    attributes: Mapping[str, Any] | None = None,
    *,
    names: str | Sequence[str] | None = None,
    units: str | Sequence[str] | None = None,
    nodata: float | None = None,
    scale: Scale | None = None,
) -> None:
    """
    Write one or several layers as a Cloud-Optimised GeoTIFF.

    Parameters
    ----------
    values : (ny, nx) or (layer, ny, nx) array or DataArray, first row at the top, float, int or bool
    grid : nunatak.geometry.grid.Grid of the same shape
    path : file to write, under a temporary name until it is complete
    attributes : mapping of text, kept as GeoTIFF tags. Default: none
    names, units : description and unit of each layer, or a text for one layer. Default: none
    nodata : value of missing cells. Default: NaN for floats, none for integers
    scale : colours by which QGIS shows the first layer, written beside as <name>.qml (`qgis.stops`). Default: none

    Raises
    ------
    NunatakError : the values have another shape than the grid, or the file, read back, has another projection
    """
    import rasterio
    from rasterio.shutil import copy

    layers = np.asarray(values).reshape(-1, *np.shape(values)[-2:])
    layers = layers.astype("uint8") if layers.dtype == bool else layers
    if layers.shape[1:] != grid.shape:
        raise NunatakError(f"{path}: {layers.shape[1:]} values do not fit the grid of {grid.ny} x {grid.nx} cells")
    if layers.dtype == np.int64:
        layers = _narrow(layers, path)
    nodata = np.nan if nodata is None and layers.dtype.kind == "f" else nodata
    profile = {
        "driver": "GTiff",
        "dtype": layers.dtype,
        "count": len(layers),
        "height": grid.ny,
        "width": grid.nx,
        "crs": rasterio.CRS.from_wkt(grid.proj.to_wkt()),
        "transform": rasterio.Affine(*grid.transform),
        "nodata": nodata,
    }
    options = {"driver": "COG", "compress": "deflate", "predictor": "yes", "overview_resampling": "nearest"}
    cache = rasterio.Env(GDAL_CACHEMAX=32)  # MB, as GDAL's default is 5 % of the machine's memory
    with written(path) as part, cache, rasterio.io.MemoryFile() as memory:
        with memory.open(**profile) as source:
            source.write(layers)
            source.update_tags(**_plain(attributes or {}))
            for band, name in enumerate(_listed(names), start=1):
                source.set_band_description(band, name)
            for band, unit in enumerate(_listed(units), start=1):
                source.set_band_unit(band, unit)
        with memory.open() as source:
            copy(source, part, **options)
        if not has_projection(part, grid.proj):
            raise NunatakError(f"{path}: the projection was lost as it was written; {foreign_data()}")
    if scale:
        write_style(np.where(layers[0] == nodata, np.nan, layers[0]), path, scale)


def has_projection(path: str | Path, proj: pyproj.CRS) -> bool:
    """
    Return whether a raster on disk has this projection for a program that reads only the file.

    Corners are compared in longitude and latitude (1e-8 degrees, 1 mm) together with the ellipsoid, since names and the
    order of axes differ from format to format.

    Parameters
    ----------
    path : GeoTIFF
    proj : pyproj.CRS
    """
    import pyproj
    import rasterio

    with rasterio.open(path, driver="GTiff") as source:
        left, bottom, right, top = source.bounds
        text = source.crs.to_wkt() if source.crs else ""
    corners = np.array([left, right, left, right]), np.array([bottom, bottom, top, top])
    try:
        written_crs = pyproj.CRS.from_wkt(text)
        ours, theirs = (_longitude_latitude(crs, *corners) for crs in (proj, written_crs))
    except (pyproj.exceptions.ProjError, ValueError):
        return False
    axes = [crs.ellipsoid and round(crs.ellipsoid.semi_major_metre, 3) for crs in (written_crs, proj)]
    return axes[0] == axes[1] and np.allclose(theirs, ours, rtol=0, atol=1e-8)


def _longitude_latitude(crs, x, y):
    """Return points as (2, n) degrees on the ellipsoid of a coordinate system."""
    import pyproj

    return np.array((x, y) if crs.is_geographic else pyproj.Proj(crs)(x, y, inverse=True))


def foreign_data() -> str:
    """Name the variables that lead GDAL to the data of another installation, and the remedy."""
    variables = [f"{name}={os.environ[name]}" for name in ("PROJ_DATA", "PROJ_LIB", "GDAL_DATA") if name in os.environ]
    if not variables:
        return "a GeoTIFF may not be able to hold it: choose another crs; else reinstall rasterio with its PROJ data"
    return f"{', '.join(variables)} may be of another installation: unset it before Python starts"


def _narrow(layers, path):
    """
    Convert 64-bit integers to 32 bits, since GDAL's tools do not read 64 bits everywhere, or refuse values too large.
    """
    if layers.size and np.abs(layers).max() > np.iinfo("int32").max:
        raise NunatakError(f"{path}: integers up to {np.abs(layers).max()} do not fit a GeoTIFF; write them as floats")
    return layers.astype("int32")


def _listed(names):
    """Return names as a list."""
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def _plain(attributes):
    """Return attributes that a file can hold, text and numbers, in order of name."""
    return {k: v if isinstance(v, (str, int, float, np.number)) else str(v) for k, v in sorted(attributes.items())}
