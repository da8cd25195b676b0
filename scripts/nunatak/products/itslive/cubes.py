"""
ITS_LIVE's own datacubes (Zarr), by slice, on disk or over HTTP.

A datacube becomes a Dataset like that of our own cubes, so that composites and series work on either.
"""

from __future__ import annotations

import logging

import numpy as np
import xarray as xr

from nunatak.products import GranuleError, datacube_layers
from nunatak.products.itslive import ground
from nunatak.products.itslive.cube_arrays import in_words, open_arrays
from nunatak.products.itslive.cube_checks import check_dates
from nunatak.products.itslive.cube_grid import check_axis, epsg_of, in_metres, scale_of, window_of
from nunatak.products.itslive.fields import LAYOUT, as_layer, fills_in, unpacked
from nunatak.times import days_to_utc, within

log = logging.getLogger(__name__)
_OF_IMAGES = tuple(f"{key}_img{i}" for key in ("acquisition_date", "mission", "satellite") for i in (1, 2))
_NEEDED = ("x", "y", "mid_date", *_OF_IMAGES)


def open_datacube(path, *, bounds=None, period=None, variables=("vx", "vy"), chunks=None, names=True):
    """
    Part of an ITS_LIVE datacube.

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
    store, source = open_arrays(path)
    missing = [name for name in (*variables, *_NEEDED) if name not in store.variables]
    if missing:
        raise GranuleError(f"{path}: has no {missing[0]!r}; it is no ITS_LIVE datacube or lacks that variable")
    for axis in ("x", "y"):
        check_axis(path, axis, store[axis].values, ascends=axis == "x")
    store = in_metres(store, path)
    rows, columns = window_of(store, bounds, path)
    times = [_times(store[f"acquisition_date_img{i}"]) for i in (1, 2)]
    stated = store["date_dt"] if "date_dt" in store.variables else None
    in_days = stated if stated is not None and stated.attrs.get("units", "days") == "days" else None
    check_dates(path, times[0], times[1], None if in_days is None else in_days.values)
    middle = times[0] + (times[1] - times[0]) // 2
    chosen = np.arange(middle.size)
    if period is not None:
        chosen = chosen[within(middle, *period)]
    if not chosen.size:
        raise GranuleError(f"{path}: no layer in the period {period}; choose another")
    named = datacube_layers.names(store, chosen) if names else datacube_layers.numbers(chosen)
    by_time = np.lexsort((named, middle[chosen]))
    order, named = chosen[by_time], named[by_time]
    fields = {name: _field(store[name], order, rows, columns, chunks) for name in variables}
    out = xr.Dataset({name: (("time", "y", "x"), f, _attributes(name)) for name, f in fields.items()})
    out = out.assign_coords(time=middle[order], y=store["y"].values[rows], x=store["x"].values[columns])
    layers = datacube_layers.layers(store, order, named, [time[order] for time in times])
    out = out.assign_coords({name: ("time", values) for name, values in layers.items()})
    out = out.assign_coords(roi=(("y", "x"), np.ones((out.sizes["y"], out.sizes["x"]), "u1")))
    out.attrs = {"crs": f"EPSG:{epsg_of(store, path)}", "source": str(path), "absent_chunks": len(source.absent)}
    if source.absent:
        log.warning("%s: %d chunks are absent; what they hold is missing", path, len(source.absent))
    return _layers_on_ground(out, _units(store, order, named if names else None, path))


def _field(variable, order, rows, columns, chunks):
    """Return the chosen layers of a variable in a window, as a Dask array where chunks are given."""
    variable = variable.transpose("mid_date", "y", "x")
    name, attributes = variable.name, variable.attrs
    dtype, _, fill, _ = LAYOUT[name]
    fills = fills_in(attributes) or [fill]
    packed = variable.dtype != dtype or fills != [fill] or {"scale_factor", "add_offset"} & set(attributes)

    def layers(raw):
        values = unpacked(raw, fills, attributes.get("scale_factor"), attributes.get("add_offset"))
        return as_layer(values, name, "datacube")

    if chunks is not None:
        own = variable.encoding["preferred_chunks"]
        variable = variable.chunk({**own, **chunks} if isinstance(chunks, dict) else chunks)
        held = variable[:, rows, columns][order].data
        return held.map_blocks(layers, dtype=dtype) if packed else held
    held = datacube_layers.take(variable, order, rows, columns)
    return layers(held) if packed else held


def _times(variable):
    """Acquisition dates; days since 1970 in ITS_LIVE's own cubes, in other units where a cube was saved again."""
    units = variable.attrs.get("units", "days since 1970-01-01")
    if units.startswith("days since 1970-01-01"):
        return days_to_utc(variable.values, since="1970-01-01")
    return xr.decode_cf(variable.to_dataset(name="date"))["date"].values.astype("datetime64[ns]")


def _units(store, order, named, path):
    """The units of each layer, map or ground: as the cube states them, else by the version of each granule."""
    stated = {name: store[name].attrs for name in ground.FIELDS if name in store.variables}
    stated = {name: some for name, some in stated.items() if "map_scale_corrected" in some}
    if stated:
        units = {ground.units_of(some, where=f"{path}: {name}") for name, some in stated.items()}
        if len(units) > 1:
            raise GranuleError(f"{path}: map_scale_corrected differs between {', '.join(stated)}; take another copy")
        return np.full(len(order), units.pop(), dtype=object)
    version = ground.version_of_cube([path, *(store.attrs.get(key) for key in ("url", "s3"))])
    if named is None and version is None and "granule_url" in store.variables:
        place = np.argsort(order, kind="stable")
        named = np.empty(len(order), dtype=object)
        named[place] = datacube_layers.names(store, np.asarray(order)[place])
    told = [ground.version_in(f"{name}.nc") for name in named] if named is not None else [None] * len(order)
    versions = [own or version for own in told]
    if None in versions:
        log.warning(
            "%s: nothing tells the version of %d layers; read as version 2, in map units", path, versions.count(None)
        )
    return np.array([ground.units_of({}, own) for own in versions], dtype=object)


def _layers_on_ground(cube, units):
    """A cube with every layer over ground, and of each what units its granule has and k in the middle of the cube."""
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
