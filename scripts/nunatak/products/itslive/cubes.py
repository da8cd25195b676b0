"""
ITS_LIVE's own datacubes (Zarr), by slice, on disk or over HTTP.

A datacube becomes a Dataset like that of our own cubes, so that composites and series work on either.
"""

from __future__ import annotations

import logging

import numpy as np
import xarray as xr

from nunatak.products import datacube_layers
from nunatak.products.itslive import ground
from nunatak.products.itslive.cube_arrays import in_words
from nunatak.products.itslive.cube_grid import scale_of, window_of
from nunatak.products.itslive.datacube import Datacube
from nunatak.products.itslive.fields import LAYOUT

log = logging.getLogger(__name__)


def open_datacube(path, *, bounds=None, period=None, variables=("vx", "vy"), chunks=None, names=True):
    """
    Open part of an ITS_LIVE datacube.

    Parameters
    ----------
    path : folder or URL of the Zarr store; only the chunks of the slice are read
    bounds : (left, bottom, right, top) in the cube's CRS, metres: cells whose centres lie inside; all by default
    period : (first, last) datetime64 of the middle between the images, last excluded
    variables : of `itslive.LAYOUT`
    chunks : None reads now; a Dask array is made with {} by the chunks of the store, {dimension: size} or "auto"
    names : read the granules' names, 4 kB of each layer; without them layers have numbers, sort by them where their
        times are equal, and tell no images. The chosen layers' names are read all the same where neither
        `map_scale_corrected` nor the cube's folder in the archive (`datacubes/v2`) tells which units it has

    Returns
    -------
    Dataset (time, y, x), int16 with fill -32767, sorted by (time, granule_id); `time` is the true middle between the
        images, not the store's `mid_date`, whose microseconds carry other things. Times repeat, granules do not.
        Coordinates of `time` as in our own cubes; `roi` is 1 everywhere. `vx, vy, v, v_error` are over ground, each
        layer by the version its granule's name tells (`units_in_granule`). Cells of a chunk that is absent are fill;
        `attrs["absent_chunks"]` counts those that were asked for (with Dask none yet), and the log tells.

    Raises
    ------
    GranuleError : no store there, no such variable, nothing inside bounds and period, a chunk that is damaged or,
        of coordinates, dates, names and flags, absent, coordinates that are no grid's, or dates that cannot be
    """
    with in_words(path):
        return _layers_of(path, bounds=bounds, period=period, variables=variables, chunks=chunks, names=names)


def _layers_of(path, *, bounds, period, variables, chunks, names):
    cube = Datacube(path, variables)
    rows, columns = window_of(cube.store, bounds, path)
    chosen = cube.within(period)
    named = datacube_layers.names(cube.store, chosen) if names else datacube_layers.numbers(chosen)
    by_time = np.lexsort((named, cube.middle[chosen]))
    order, named = chosen[by_time], named[by_time]
    fields = {name: cube.field(name, order, rows, columns, chunks) for name in variables}
    out = xr.Dataset({name: (("time", "y", "x"), f, _attributes(name)) for name, f in fields.items()})
    out = out.assign_coords(time=cube.middle[order], y=cube.store["y"].values[rows], x=cube.store["x"].values[columns])
    layers = datacube_layers.layers(cube.store, order, named, [time[order] for time in cube.times])
    out = out.assign_coords({name: ("time", values) for name, values in layers.items()})
    out = out.assign_coords(roi=(("y", "x"), np.ones((out.sizes["y"], out.sizes["x"]), "u1")))
    absent = cube.source.absent
    out.attrs = {"crs": cube.crs, "source": str(path), "absent_chunks": len(absent)}
    if absent:
        log.warning("%s: %d chunks are absent; what they hold is missing", path, len(absent))
    return _layers_on_ground(out, cube.units(order, named if names else None))


def _layers_on_ground(cube, units):
    """
    Return a cube with every layer in ground units, the units of each layer's granule, and k in the middle of the cube.
    """
    on_map = xr.DataArray(units == "map", dims="time")
    k = scale_of(cube)
    for name in set(ground.FIELDS) & set(cube.data_vars):
        done = xr.apply_ufunc(
            ground.layers_to_ground, cube[name], k, on_map, dask="parallelized", output_dtypes=[cube[name].dtype]
        )
        cube[name] = done.transpose("time", "y", "x").assign_attrs(cube[name].attrs)
    middle = np.where(on_map, float(k[k.sizes["y"] // 2, k.sizes["x"] // 2]), 1.0)
    for name in {"vx_error", "vy_error", "vx_stable_shift", "vy_stable_shift"} & set(cube.coords):
        cube = cube.assign_coords({name: ("time", cube[name].values / middle)})
    cube = cube.assign_coords(units_in_granule=("time", units), map_scale=("time", middle))
    return cube.assign_attrs(ground.GROUND)


def _attributes(name):
    return {"units": LAYOUT[name][1], "_FillValue": LAYOUT[name][2], "long_name": LAYOUT[name][3]}
