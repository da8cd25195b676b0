"""Read the user's rasters and gridded fields on the cells of a grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.files import user_rasters
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    import xarray as xr


def read_on_grid(
    given: str | Path, grid: Any, *, variable: str | int | None = None, valid: tuple[float, float] | None = None
) -> xr.DataArray:
    """
    Read the user's raster or gridded field on the cells of a grid by bilinear interpolation.

    Parameters
    ----------
    given : GeoTIFF or NetCDF with a coordinate system. netcdf:FILE:VARIABLE names a variable. A time dimension is kept
    grid : nunatak.geometry.grid.Grid
    variable : name of a variable, or number of a band from 1 on. Default: the only one
    valid : (low, high), range of values in and beside the grid. Default: any

    Returns
    -------
    DataArray (y, x) or (time, y, x), NaN outside the raster

    Raises
    ------
    NunatakError : the file is not a raster, has several variables or no coordinates, lies elsewhere, or has a value
        beyond `valid`
    """
    import affine
    import rasterio.enums

    field = _open(*user_rasters.source_of(given, variable))
    if valid is not None:
        _refuse_beyond(field, grid, valid, given)
    on_grid = field.rio.reproject(
        grid.crs,
        shape=grid.shape,
        transform=affine.Affine(*grid.transform),
        resampling=rasterio.enums.Resampling.bilinear,
    )
    if not np.isfinite(on_grid).any():
        _refuse_elsewhere(field, grid, given)
    return on_grid.squeeze("band", drop=True) if "band" in on_grid.dims and on_grid.sizes["band"] == 1 else on_grid


def _open(path, variable):
    """Open one field of a raster, with coordinates and dates."""
    import rioxarray
    import xarray as xr

    if fault := user_rasters.foreign(path):
        raise NunatakError(f"{path}: {fault}")
    try:
        opened = rioxarray.open_rasterio(
            path,
            mask_and_scale=True,  # apply scale and offset, turn fills into NaN
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
    """Return one variable of a file that is read as a Dataset, or as a list of Datasets."""
    sets = opened if isinstance(opened, list) else [opened]
    datasets = {str(name): some for some in sets for name in some.data_vars if not user_rasters.is_bounds(name)}
    if variable is None and len(datasets) == 1:
        (variable,) = datasets
    if variable not in datasets:
        raise NunatakError(f"{path}: holds several variables; name one of {', '.join(datasets)} (key `variable`)")
    return datasets[variable][variable].rio.write_crs(datasets[variable].rio.crs)


def _refuse_beyond(field, grid, valid, given):
    """Refuse values that bilinear interpolation would mix into their neighbours, most often an undeclared fill."""
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
            f"{valid[1]:g}; if that means missing, declare it in the file, {user_rasters.DECLARE.format(worst)}"
        )


def _refuse_elsewhere(field, grid, given):
    """Refuse a raster that does not overlap the grid, as its coordinates or its coordinate system are wrong."""
    from rasterio.warp import transform_bounds

    left, bottom, right, top = field.rio.bounds()
    west, south, east, north = transform_bounds(grid.crs, field.rio.crs, *grid.bounds)
    if west > east or (field.rio.crs.is_geographic and right > 180):  # crosses longitude 180, or counts 0 to 360
        return
    if west < right and left < east and south < top and bottom < north:
        return
    raise NunatakError(
        f"{given}: lies at x {left:g} to {right:g}, y {bottom:g} to {top:g} of its coordinate system, and the study "
        f"at x {west:g} to {east:g}, y {south:g} to {north:g}; check its coordinates, their unit and the system"
    )
