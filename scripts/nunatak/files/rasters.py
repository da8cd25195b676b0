"""Grids on disk: CF NetCDF with bounds and grid mapping, and Cloud-Optimised GeoTIFF; equal content as equal bytes."""

from __future__ import annotations

import os

import numpy as np

from nunatak.files import user_rasters
from nunatak.runtime import NunatakError, refuse_full_disk, written

_TIME_UNITS = "seconds since 2018-01-01 00:00:00"
_FINE_TIME_UNITS = "microseconds since 2018-01-01 00:00:00"


def georeference(dataset, grid):
    """
    The Dataset with everything that places it on the Earth.

    Adds cell bounds, the scalar `spatial_ref` (CF grid mapping, WKT, GeoTransform from the corner of the first cell)
    and the `grid_mapping` of every variable on (y, x). Coordinates are cell centres, y descending.

    Parameters
    ----------
    dataset : xarray.Dataset with dimensions y and x of the grid's shape; its x and y are replaced by the grid's
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
    """CF attributes of a coordinate: metres of a projection, or degrees."""
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


def spatial_ref(grid):
    """The CF grid mapping of a grid: a scalar with the projection's parameters, WKT and GeoTransform."""
    import xarray as xr

    attributes = grid.proj.to_cf()
    attributes["spatial_ref"] = attributes["crs_wkt"]  # the name GDAL and rioxarray read
    dx, _, left, _, dy, top = grid.transform
    attributes["GeoTransform"] = " ".join(repr(float(v)) for v in (left, dx, 0.0, top, 0.0, dy))
    return xr.DataArray(np.int32(0), attrs=attributes)


def write_netcdf(dataset, path, attributes=None):
    """
    Write a Dataset as compressed NetCDF-4.

    Parameters
    ----------
    dataset : xarray.Dataset; bounds and grid mapping come from `georeference`
    path : file to write, under a temporary name until it is whole
    attributes : mapping of text, such as `runtime.stamp` returns; added to the global attributes

    Notes
    -----
    Times are stored as whole seconds since 2018-01-01 (microseconds where they are not whole), floats with fill NaN.
    """
    with written(path) as part:
        refuse_full_disk(path, dataset.nbytes)
        _write_group(dataset, part, attributes, mode="w")


def write_netcdf_groups(datasets, path, attributes=None):
    """Like `write_netcdf`, for several Datasets as groups of one file: a mapping of group name to Dataset."""
    with written(path) as part:
        refuse_full_disk(path, sum(dataset.nbytes for dataset in datasets.values()))
        for number, (group, dataset) in enumerate(datasets.items()):
            _write_group(dataset, part, attributes, mode="a" if number else "w", group=group)


def _write_group(dataset, part, attributes, **where):
    dataset = dataset.copy(deep=False)
    dataset.attrs = _plain({**dataset.attrs, **(attributes or {})})
    encoding = {name: _encoding(variable) for name, variable in dataset.variables.items()}
    dataset.to_netcdf(part, engine="h5netcdf", encoding=encoding, **where)


def _encoding(variable):
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
    """One layer at a time, tiles of at most 512 x 512."""
    return (1,) * (len(shape) - 2) + tuple(min(max(n, 1), 512) for n in shape[-2:])


def write_cog(values, grid, path, attributes=None, *, names=None, units=None, nodata=None):
    """
    Write one or several layers as a Cloud-Optimised GeoTIFF.

    Parameters
    ----------
    values : (ny, nx) or (layer, ny, nx) array or DataArray, first row at the top; float, int or bool
    grid : nunatak.geometry.grid.Grid of the same shape
    path : file to write, under a temporary name until it is whole
    attributes : mapping of text, kept as GeoTIFF tags
    names, units : description and unit of each layer (a single text for one layer)
    nodata : NaN for floats unless given, none for integers unless given

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
    cache = rasterio.Env(GDAL_CACHEMAX=32)  # MB; GDAL's own choice is 5 % of the machine's memory
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


def has_projection(path, proj):
    """
    Whether a raster on disk lies where this projection puts it, as a program sees it that reads the file alone.

    Corners are held against each other in longitude and latitude (1e-8 degrees, 1 mm), with the ellipsoid: names and
    the order of axes differ from format to format.

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
        found = pyproj.CRS.from_wkt(text)
        ours, theirs = (_longitude_latitude(crs, *corners) for crs in (proj, found))
    except (pyproj.exceptions.ProjError, ValueError):
        return False
    axes = [crs.ellipsoid and round(crs.ellipsoid.semi_major_metre, 3) for crs in (found, proj)]
    return axes[0] == axes[1] and np.allclose(theirs, ours, rtol=0, atol=1e-8)


def _longitude_latitude(crs, x, y):
    """(2, n) degrees on the ellipsoid of a coordinate system."""
    import pyproj

    return np.array((x, y) if crs.is_geographic else pyproj.Proj(crs)(x, y, inverse=True))


def foreign_data():
    """Say which variable leads GDAL to the data of another installation, and the remedy."""
    found = [f"{name}={os.environ[name]}" for name in ("PROJ_DATA", "PROJ_LIB", "GDAL_DATA") if name in os.environ]
    if not found:
        return "a GeoTIFF may not be able to hold it: choose another crs; else reinstall rasterio with its PROJ data"
    return f"{', '.join(found)} may be of another installation: unset it before Python starts"


def _narrow(layers, path):
    """GDAL's tools still stumble over 64-bit integers; counts fit into 32 bits or are refused."""
    if layers.size and np.abs(layers).max() > np.iinfo("int32").max:
        raise NunatakError(f"{path}: integers up to {np.abs(layers).max()} do not fit a GeoTIFF; write them as floats")
    return layers.astype("int32")


def _listed(names):
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def _plain(attributes):
    """Attributes a file can hold: text and numbers, in order of name."""
    return {k: v if isinstance(v, (str, int, float, np.number)) else str(v) for k, v in sorted(attributes.items())}


def read_on_grid(given, grid, *, variable=None, valid=None):
    """
    Read a raster or gridded field of the user's, bilinear on the cells of a grid.

    Parameters
    ----------
    given : GeoTIFF or NetCDF, its coordinate system stated; netcdf:FILE:VARIABLE names a variable; a time dimension is
        kept
    grid : nunatak.geometry.grid.Grid
    variable : name of a variable, or number of a band from 1 on, where the file has several
    valid : (low, high), the values there may be in and beside the grid; any by default

    Returns
    -------
    DataArray (y, x) or (time, y, x); NaN outside the raster

    Raises
    ------
    NunatakError : not a raster, several variables, no coordinate system, no place, another place than the grid's, or a
        value beyond `valid`
    """
    import affine
    import rasterio.enums

    field = _open(*user_rasters.source_of(given, variable))
    if valid is not None:
        _refuse_beyond(field, grid, valid, given)
    placed = field.rio.reproject(
        grid.crs,
        shape=grid.shape,
        transform=affine.Affine(*grid.transform),
        resampling=rasterio.enums.Resampling.bilinear,
    )
    if not np.isfinite(placed).any():
        _refuse_elsewhere(field, grid, given)
    return placed.squeeze("band", drop=True) if "band" in placed.dims and placed.sizes["band"] == 1 else placed


def _open(path, variable):
    import rioxarray
    import xarray as xr

    if fault := user_rasters.foreign(path):
        raise NunatakError(f"{path}: {fault}")
    try:
        opened = rioxarray.open_rasterio(
            path,
            mask_and_scale=True,  # values may be packed: scale and offset are applied, fills become NaN
            decode_times=False,
            variable=variable if isinstance(variable, str) else None,
        )
    except (OSError, ValueError, KeyError) as error:
        raise NunatakError(f"{path}: cannot be read as a raster ({error}); give a GeoTIFF or a NetCDF file") from error
    field = opened if isinstance(opened, xr.DataArray) else _variable_of(opened, path, variable)
    if isinstance(variable, int):
        if variable not in field["band"].values:
            raise NunatakError(f"{path}: has no band {variable}; it has {field.sizes['band']}")
        field = field.sel(band=[variable])
    if fault := user_rasters.misplaced(path, variable):
        raise NunatakError(f"{path}: {fault}")
    return user_rasters.with_times(field, path)


def _variable_of(opened, path, variable):
    """Return one variable of the Dataset, or the list of them, that a file of several variables is read as."""
    sets = opened if isinstance(opened, list) else [opened]
    held = {str(name): some for some in sets for name in some.data_vars if not user_rasters.is_bounds(name)}
    if variable is None and len(held) == 1:
        (variable,) = held
    if variable not in held:
        raise NunatakError(f"{path}: holds several variables; name one of {', '.join(held)} (key `variable`)")
    return held[variable][variable].rio.write_crs(held[variable].rio.crs)


def _refuse_beyond(field, grid, valid, given):
    """An error for a value that bilinear interpolation would mix into its neighbours: most often an undeclared fill."""
    from rasterio.warp import transform_bounds
    from rioxarray.exceptions import NoDataInBounds

    left, bottom, right, top = transform_bounds(grid.crs, field.rio.crs, *grid.bounds)
    margin = [2 * abs(step) for step in field.rio.resolution()]
    try:
        near = field.rio.clip_box(left - margin[0], bottom - margin[1], right + margin[0], top + margin[1])
    except NoDataInBounds:
        return
    values = near.values[np.isfinite(near.values)]
    beyond = values[(values < valid[0]) | (values > valid[1])]
    if beyond.size:
        worst = beyond[np.argmax(np.abs(beyond))]
        raise NunatakError(
            f"{given}: {beyond.size} of {values.size} cells hold values such as {worst:g}, beyond {valid[0]:g} to "
            f"{valid[1]:g}; where that stands for missing, say so in the file, {user_rasters.DECLARE.format(worst)}"
        )


def _refuse_elsewhere(field, grid, given):
    """An error for a raster that ends before the grid begins: its coordinates or its coordinate system are others."""
    from rasterio.warp import transform_bounds

    left, bottom, right, top = field.rio.bounds()
    west, south, east, north = transform_bounds(grid.crs, field.rio.crs, *grid.bounds)
    if west > east or (field.rio.crs.is_geographic and right > 180):  # across longitude 180, or from 0 to 360
        return
    if west < right and left < east and south < top and bottom < north:
        return
    raise NunatakError(
        f"{given}: lies at x {left:g} to {right:g}, y {bottom:g} to {top:g} of its coordinate system, and the study "
        f"at x {west:g} to {east:g}, y {south:g} to {north:g}; check its coordinates, their unit and the system"
    )
