"""
ITS_LIVE's own datacubes (Zarr) and mosaics (NetCDF, Cloud-Optimised GeoTIFF), by slice, on disk or over HTTP.

A datacube becomes a Dataset like that of our own cubes, so that composites and series work on either.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import xarray as xr
import zarr

from nunatak.files import remote
from nunatak.geometry.grid import Grid
from nunatak.products import GranuleError, contained, datacube_layers
from nunatak.products.axes import metres_of
from nunatak.products.itslive import ground as ground
from nunatak.products.itslive.fields import LAYOUT, as_layer, unpacked
from nunatak.products.itslive.zarr_store import AddressStore
from nunatak.times import days_to_utc

log = logging.getLogger(__name__)
_GRID_MAPPINGS = ("mapping", "spatial_ref", "Polar_Stereographic", "UTM_Projection")


@contextmanager
def _in_words():
    """What an address does not give, as the error of a granule."""
    try:
        yield
    except remote.NotReadable as error:
        raise GranuleError(str(error)) from error


@_in_words()
def open_datacube(path, *, bounds=None, period=None, variables=("vx", "vy"), chunks=None, names=True):
    """
    Part of an ITS_LIVE datacube.

    Parameters
    ----------
    path : folder or URL of the Zarr store; only the chunks of the slice are read
    bounds : (left, bottom, right, top) in the cube's CRS, metres: cells whose centres lie inside; all by default
    period : (first, last) datetime64 of the middle between the images, last excluded
    variables : of `itslive.LAYOUT`
    chunks : as in xarray.open_zarr; None reads without Dask
    names : read the granules' names, 4 kB of each layer; without them layers have numbers, sort by them where their
        times are equal, and tell no images. The chosen layers' names are read all the same where neither
        `map_scale_corrected` nor the cube's folder in the archive (`datacubes/v2`) tells which units it has

    Returns
    -------
    Dataset (time, y, x), int16 with fill -32767, sorted by (time, granule_id); `time` is the true middle between the
        images, not the store's `mid_date`, whose microseconds carry other things. Times repeat, granules do not.
        Coordinates of `time` as in our own cubes; `roi` is 1 everywhere. `vx, vy, v, v_error` are over ground, each
        layer by the version its granule's name tells (`units_in_granule`).

    Raises
    ------
    GranuleError : no store there, no such variable, or nothing inside bounds and period
    """
    try:
        where = AddressStore(path) if remote.is_address(path) else str(path)
        store = xr.open_zarr(where, chunks=chunks, mask_and_scale=False, decode_times=False)
    except remote.NotReadable:
        raise
    except (OSError, KeyError, ValueError, zarr.errors.GroupNotFoundError) as error:
        reason = " ".join(str(error).split())
        raise GranuleError(f"{path}: not a readable datacube ({reason}); check the path or the URL") from error
    missing = [name for name in (*variables, "mid_date", "acquisition_date_img1") if name not in store.variables]
    if missing:
        raise GranuleError(f"{path}: has no {missing[0]!r}; it is no ITS_LIVE datacube or lacks that variable")
    store = _in_metres(store, path)
    rows, columns = _window(store, bounds, path)
    times = [_times(store[f"acquisition_date_img{i}"]) for i in (1, 2)]
    middle = times[0] + (times[1] - times[0]) // 2
    chosen = np.arange(middle.size)
    if period is not None:
        first, last = (np.datetime64(t, "ns") for t in period)
        chosen = chosen[(middle >= first) & (middle < last)]
    if not chosen.size:
        raise GranuleError(f"{path}: no layer in the period {period}; choose another")
    named = datacube_layers.names(store, chosen) if names else datacube_layers.numbers(chosen)
    by_time = np.lexsort((named, middle[chosen]))
    order, named = chosen[by_time], named[by_time]
    fields = {name: _field(store[name], order, rows, columns) for name in variables}
    out = xr.Dataset({name: (("time", "y", "x"), f, _attributes(name)) for name, f in fields.items()})
    out = out.assign_coords(time=middle[order], y=store["y"].values[rows], x=store["x"].values[columns])
    layers = datacube_layers.layers(store, order, named, [time[order] for time in times])
    out = out.assign_coords({name: ("time", values) for name, values in layers.items()})
    out = out.assign_coords(roi=(("y", "x"), np.ones((out.sizes["y"], out.sizes["x"]), "u1")))
    out.attrs = {"crs": f"EPSG:{_epsg(store, path)}", "source": str(path)}
    return _layers_on_ground(out, _units(store, order, named if names else None, path))


def _field(variable, order, rows, columns):
    """The chosen layers of a variable in a window; a Dask array where the store was opened with one."""
    variable = variable.transpose("mid_date", "y", "x")
    name, attributes = variable.name, variable.attrs
    dtype, _, fill, _ = LAYOUT[name]
    fills = _fills(attributes) or [fill]
    packed = variable.dtype != dtype or fills != [fill] or {"scale_factor", "add_offset"} & set(attributes)

    def layers(raw):
        values = unpacked(raw, fills, attributes.get("scale_factor"), attributes.get("add_offset"))
        return as_layer(values, name, "datacube")

    if variable.chunks is not None:
        held = variable[:, rows, columns][order].data
        return held.map_blocks(layers, dtype=dtype) if packed else held
    held = datacube_layers.take(variable, order, rows, columns)
    return layers(held) if packed else held


def _fills(attributes):
    stated = (attributes.get(key) for key in ("_FillValue", "missing_value"))
    return sorted({float(value) for value in stated if value is not None and np.isfinite(value)})


def _times(variable):
    """Acquisition dates; days since 1970 in ITS_LIVE's own cubes, in other units where a cube was saved again."""
    units = variable.attrs.get("units", "days since 1970-01-01")
    if units.startswith("days since 1970-01-01"):
        return days_to_utc(variable.values, since="1970-01-01")
    return xr.decode_cf(variable.to_dataset(name="date"))["date"].values.astype("datetime64[ns]")


def _in_metres(store, path):
    """A store whose x and y are in metres."""
    for axis in ("x", "y"):
        values = store[axis].values
        step = float(values[1] - values[0]) if values.size > 1 else np.inf
        metres = metres_of(store[axis].attrs.get("units"), step, f"{path}: {axis}")
        if metres != 1:
            store = store.assign_coords({axis: values * metres})
    return store


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
    k = _scale(cube)
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


def _scale(dataset):
    """k at the cells of a Dataset: DataArray (y, x)."""
    x, y = dataset["x"].values, dataset["y"].values
    dx, dy = (abs(float(v[1] - v[0])) if v.size > 1 else 1.0 for v in (x, y))
    grid = Grid(dataset.attrs["crs"], x[0] - dx / 2, y.max() + dy / 2, dx, dy, y.size, x.size)
    k = ground.scale_field(grid)
    return xr.DataArray(k if y[0] >= y[-1] else k[::-1], dims=("y", "x"))


def _attributes(name):
    return {"units": LAYOUT[name][1], "_FillValue": LAYOUT[name][2], "long_name": LAYOUT[name][3]}


def _window(store, bounds, path):
    x, y = store["x"].values, store["y"].values
    if bounds is None:
        return slice(0, y.size), slice(0, x.size)
    left, bottom, right, top = bounds
    inside = [np.nonzero((v >= low) & (v <= high))[0] for v, low, high in ((y, bottom, top), (x, left, right))]
    if not (inside[0].size and inside[1].size):
        raise GranuleError(
            f"{path}: {tuple(bounds)} holds no cell of it; the store covers x {x.min():g}..{x.max():g}, "
            f"y {y.min():g}..{y.max():g}"
        )
    return tuple(slice(int(i[0]), int(i[-1]) + 1) for i in inside)


def _epsg(store, path):
    """The global `projection`; the grid mapping may have lost its spatial_epsg to a rewrite."""
    if "projection" in store.attrs:
        return int(store.attrs["projection"])
    for name in _GRID_MAPPINGS:
        if name in store.variables and "spatial_epsg" in store[name].attrs:
            return int(np.ravel(store[name].attrs["spatial_epsg"])[0])
    raise GranuleError(f"{path}: neither projection nor spatial_epsg tells its CRS; take another copy")


def open_mosaic(path, *, bounds=None, variables=None):
    """
    Part of an annual or static ITS_LIVE mosaic.

    Parameters
    ----------
    path : NetCDF or GeoTIFF, a file or an http(s) URL of either: only the ranges needed are fetched
    bounds : (left, bottom, right, top) in the mosaic's CRS, metres; all by default
    variables : of the NetCDF, all on (y, x) by default; the name of a GeoTIFF's band, by default the one in its name

    Returns
    -------
    Dataset (y, x), float32 with NaN, y descending, `attrs["crs"]`; velocities are over ground, whatever the file has
        (`attrs["units_in_granule"]`: map in version 2)

    Raises
    ------
    GranuleError : it cannot be read, or nothing lies inside the bounds
    """
    if str(path).lower().split("?")[0].endswith((".tif", ".tiff")):
        return _open_cog(path, bounds, variables)
    with _stream(path) as source:
        try:
            with contained.File(source, "r") as file:
                list(file.values())  # refuses what lies outside the file, before xarray follows it
            store = xr.open_dataset(source, engine="h5netcdf", mask_and_scale=False)
        except (OSError, ValueError) as error:
            raise GranuleError(
                f"{path}: not a readable mosaic ({' '.join(str(error).split())}); fetch it again"
            ) from error
        with store:
            store = _in_metres(store, path)
            rows, columns = _window(store, bounds, path)
            wanted = (
                [n for n in store.data_vars if store[n].dims == ("y", "x")] if variables is None else list(variables)
            )
            absent = [name for name in wanted if name not in store]
            if absent:
                raise GranuleError(
                    f"{path}: has no {absent[0]!r} (it has: {', '.join(map(str, store.data_vars))}); choose of these"
                )
            fields = {name: _floats(store[name].transpose("y", "x")[rows, columns]) for name in wanted}
            crs = f"EPSG:{_epsg(store, path)}"
            attributes = {key: v for name in ("vx", "v") if name in store for key, v in store[name].attrs.items()}
            coordinates = {"y": store["y"].values[rows], "x": store["x"].values[columns]}
    mosaic = xr.Dataset(fields, coordinates, {"crs": crs}).sortby("y", ascending=False)
    return _mosaic_on_ground(mosaic, path, attributes)


def _mosaic_on_ground(mosaic, path, attributes):
    """A mosaic with every velocity over ground, by what its file or, where that says nothing, its name tells."""
    name = str(path).split("?")[0].replace("\\", "/").rsplit("/", 1)[-1]
    version = ground.version_in(name)
    if "map_scale_corrected" not in attributes and version is None:
        log.warning("%s: neither file nor name tells the version; read as version 2, in map units", name)
    units = ground.units_of(attributes, version, where=path)
    if units == "map":
        k = _scale(mosaic)
        for field in (field for field in mosaic.data_vars if ground.is_velocity(field)):
            mosaic[field] = mosaic[field].copy(data=ground.to_ground(mosaic[field].values, k.values))
    return mosaic.assign_attrs({**ground.GROUND, "units_in_granule": units})


def _floats(variable):
    packing = (variable.attrs.get(key) for key in ("scale_factor", "add_offset"))
    values = unpacked(variable.values, _fills(variable.attrs), *packing).astype("f4")
    kept = {key: variable.attrs[key] for key in ("units", "long_name", "description") if key in variable.attrs}
    return ("y", "x"), values, kept


@contextmanager
def _stream(path):
    """A local path as it is; a file at an address, that fetches ranges."""
    path = remote.location(path)
    if not isinstance(path, remote.Address):
        if not path.is_file():
            raise GranuleError(f"{path}: does not exist; fetch it again")
        yield path
        return
    with _in_words(), remote.open_address(path) as stream:
        yield stream


def _open_cog(path, bounds, variables):
    import rasterio
    from rasterio.windows import from_bounds

    name = variables if isinstance(variables, str) else variables[0] if variables else _band_name(path)
    # nothing beside the file itself is looked for: each look would be a request
    alone = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
    asked, by_range = _by_range(path) if remote.is_address(path) else (str(path), {})
    try:
        with rasterio.Env(**alone), rasterio.open(asked, **by_range) as source:
            window = None
            transform = source.transform
            if bounds is not None:
                window = from_bounds(*bounds, transform=transform).round_offsets().round_lengths()
                window = window.intersection(rasterio.windows.Window(0, 0, source.width, source.height))
                transform = source.window_transform(window)
            band = source.read(1, window=window, masked=True)
            scale, offset = source.scales[0], source.offsets[0]
            crs = source.crs and source.crs.to_epsg()
            attributes = source.tags() | source.tags(1)
    except (rasterio.errors.RasterioIOError, rasterio.errors.WindowError) as error:
        raise GranuleError(f"{path}: cannot be read ({' '.join(str(error).split())}); check path and bounds") from error
    if not crs:
        raise GranuleError(f"{path}: names no EPSG code; take another copy")
    values = (band.astype("f8") * scale + offset).astype("f4").filled(np.nan)
    x = transform.c + (np.arange(values.shape[1]) + 0.5) * transform.a
    y = transform.f + (np.arange(values.shape[0]) + 0.5) * transform.e
    mosaic = xr.Dataset({name: (("y", "x"), values)}, {"y": y, "x": x}, {"crs": f"EPSG:{crs}"})
    return _mosaic_on_ground(mosaic, path, attributes)


def _by_range(path):
    """(name, options) under which rasterio reads the file at an address by range, and no file beside it."""
    name = remote.location(path).name

    def opened(asked, mode="rb"):
        if Path(asked).name != name:
            raise FileNotFoundError(asked)
        return remote.open_address(path)

    return name, {"opener": opened}


def _band_name(path):
    """`v` of ITS_LIVE_velocity_120m_RGI01A_0000_v02_v.tif: the last part of the name."""
    return Path(str(path).split("?")[0]).stem.rsplit("_", 1)[-1]
