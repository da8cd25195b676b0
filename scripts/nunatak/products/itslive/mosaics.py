"""
ITS_LIVE's mosaics (NetCDF, Cloud-Optimised GeoTIFF), by window, on disk or over HTTP.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from nunatak.files import remote
from nunatak.granules.forms import MOSAIC, extension, pattern
from nunatak.products import GranuleError, contained
from nunatak.products.itslive import ground
from nunatak.products.itslive.cube_arrays import in_words
from nunatak.products.itslive.cube_grid import check_axis, epsg_of, in_metres, scale_of, window_of
from nunatak.products.itslive.fields import fills_in, unpacked

log = logging.getLogger(__name__)
_NAMES = pattern(MOSAIC, ())


class MosaicName(NamedTuple):
    """What the name of a mosaic tells."""

    place: str
    """region of the Randolph Glacier Inventory, such as RGI19A"""
    year: int
    """0 of a static mosaic"""
    version: str
    """such as 02.1"""


def mosaic_parts(name):
    """
    Return what the name of a mosaic tells.

    Parameters
    ----------
    name : file name

    Raises
    ------
    GranuleError : it is not the name of a mosaic

    >>> mosaic_parts("ITS_LIVE_velocity_120m_RGI19A_2015_V02.1.nc")
    MosaicName(place='RGI19A', year=2015, version='02.1')
    """
    found = _NAMES.match(str(name).removesuffix(extension(MOSAIC)))
    if not found:
        raise GranuleError(f"{name}: is not the name of a mosaic; give the file its original name back")
    return MosaicName(found["place"], int(found["year"]), found["version"])


def open_mosaic(path, *, bounds=None, variables=None):
    """
    Open part of an annual or static ITS_LIVE mosaic.

    Parameters
    ----------
    path : NetCDF or GeoTIFF, a file or an http(s) URL of either: only the ranges needed are fetched
    bounds : (left, bottom, right, top) in the mosaic's CRS, metres, or a function of the CRS that gives them; all by
        default
    variables : of the NetCDF, all on (y, x) by default; the name of a GeoTIFF's band, by default the one in its name

    Returns
    -------
    Dataset (y, x), float32 with NaN, y descending, `attrs["crs"]`; velocities are over ground, whatever the file has
        (`attrs["units_in_granule"]`: map in version 2)

    Raises
    ------
    GranuleError : it cannot be read, or nothing lies inside the bounds
    """
    with in_words(path):
        if str(path).lower().split("?")[0].endswith((".tif", ".tiff")):
            return _open_cog(path, bounds, variables)
        return _open_netcdf(path, bounds, variables)


def _open_netcdf(path, bounds, variables):
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
            for axis in ("x", "y"):
                if axis not in store.variables:
                    raise GranuleError(f"{path}: has no {axis!r}; fetch it again")
                check_axis(path, axis, store[axis].values)
            store = in_metres(store, path)
            crs = f"EPSG:{epsg_of(store, path)}"
            rows, columns = window_of(store, bounds(crs) if callable(bounds) else bounds, path)
            wanted = (
                [n for n in store.data_vars if store[n].dims == ("y", "x")] if variables is None else list(variables)
            )
            absent = [name for name in wanted if name not in store]
            if absent:
                raise GranuleError(
                    f"{path}: has no {absent[0]!r} (it has: {', '.join(map(str, store.data_vars))}); choose of these"
                )
            fields = {name: _floats(store[name].transpose("y", "x")[rows, columns]) for name in wanted}
            attributes = {key: v for name in ("vx", "v") if name in store for key, v in store[name].attrs.items()}
            about = {key: str(store.attrs[key]) for key in ("year", "nunatak_source") if key in store.attrs}
            coordinates = {"y": store["y"].values[rows], "x": store["x"].values[columns]}
    mosaic = xr.Dataset(fields, coordinates, {"crs": crs, **about}).sortby("y", ascending=False)
    return _mosaic_on_ground(mosaic, path, attributes)


def _mosaic_on_ground(mosaic, path, attributes):
    """
    Return a mosaic with every velocity in ground units, by what its file or, where that says nothing, its name tells.
    """
    name = str(path).split("?")[0].replace("\\", "/").rsplit("/", 1)[-1]
    version = ground.version_in(name)
    if "map_scale_corrected" not in attributes and version is None:
        log.warning("%s: neither file nor name tells the version; read as version 2, in map units", name)
    units = ground.units_of(attributes, version, where=path)
    if units == "map":
        k = scale_of(mosaic)
        for field in (field for field in mosaic.data_vars if ground.is_velocity(field)):
            mosaic[field] = mosaic[field].copy(data=ground.to_ground(mosaic[field].values, k.values))
    return mosaic.assign_attrs({**ground.GROUND, "units_in_granule": units})


def _floats(variable):
    packing = (variable.attrs.get(key) for key in ("scale_factor", "add_offset"))
    values = unpacked(variable.values, fills_in(variable.attrs), *packing).astype("f4")
    kept = {key: variable.attrs[key] for key in ("units", "long_name", "description") if key in variable.attrs}
    return ("y", "x"), values, kept


@contextmanager
def _stream(path):
    """Yield a local path as it is, and for an address a file that fetches ranges."""
    path = remote.location(path)
    if not isinstance(path, remote.Address):
        if not path.is_file():
            raise GranuleError(f"{path}: does not exist; fetch it again")
        yield path
        return
    with remote.open_address(path) as stream:
        yield stream


def _open_cog(path, bounds, variables):
    import rasterio
    from rasterio.windows import from_bounds

    name = variables if isinstance(variables, str) else variables[0] if variables else _band_name(path)
    # nothing beside the file itself is looked for: each look would be a request
    alone = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
    asked, by_range = _by_range(path) if remote.is_address(path) else (str(path), {})
    try:
        with rasterio.Env(**alone), rasterio.open(asked, driver="GTiff", **by_range) as source:
            window = None
            transform = source.transform
            crs = source.crs and source.crs.to_epsg()
            bounds = bounds(f"EPSG:{crs}") if callable(bounds) else bounds
            if bounds is not None:
                window = from_bounds(*bounds, transform=transform).round_offsets().round_lengths()
                window = window.intersection(rasterio.windows.Window(0, 0, source.width, source.height))
                transform = source.window_transform(window)
            band = source.read(1, window=window, masked=True)
            scale, offset = source.scales[0], source.offsets[0]
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
    """Return (name, options) under which rasterio reads the file at an address by range, and no file beside it."""
    name = remote.location(path).name

    def opened(asked, mode="rb"):
        if Path(asked).name != name:
            raise FileNotFoundError(asked)
        return remote.open_address(path)

    return name, {"opener": opened}


def _band_name(path):
    """Return the last part of a band's name: `v` of ITS_LIVE_velocity_120m_RGI01A_0000_v02_v.tif."""
    return Path(str(path).split("?")[0]).stem.rsplit("_", 1)[-1]
