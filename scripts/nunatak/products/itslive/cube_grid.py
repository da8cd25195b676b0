"""The grid of a datacube or mosaic: its coordinates, its CRS, a window of it, and its scale."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nunatak.geometry.grid import Grid
from nunatak.products import GranuleError
from nunatak.products.axes import metres_of, projected_code
from nunatak.products.itslive import ground


class OutsideGrid(GranuleError):
    """A window holds no cell of a cube or mosaic."""


_GRID_MAPPINGS = ("mapping", "spatial_ref", "Polar_Stereographic", "UTM_Projection")


def check_axis(path, name, values, *, ascends=None):
    """
    Refuse coordinates that are not those of a grid.

    Parameters
    ----------
    path : the cube or mosaic, for the error
    name : "x" or "y"
    values : (n,) array, metres
    ascends : whether they must ascend or descend; either by default

    Raises
    ------
    GranuleError : fewer than two, not finite, unevenly spaced, or the other way round
    """
    values = np.asarray(values, dtype="f8")
    if values.size < 2:
        raise GranuleError(f"{path}: {name}: {values.size} coordinates tell no cell size; fetch it again")
    steps = np.diff(values)
    step = float(values[-1] - values[0]) / (values.size - 1)
    if not np.isfinite(step) or not step or not np.all(np.abs(steps / step - 1) < 1e-3):
        raise GranuleError(f"{path}: {name}: the coordinates are not evenly spaced; fetch it again")
    if ascends is not None and (step > 0) != ascends:
        raise GranuleError(f"{path}: x must ascend and y descend (step of {name} {step:g} m); fetch it again")


def in_metres(store, path):
    """Return a store whose x and y are in metres."""
    for axis in ("x", "y"):
        values = store[axis].values
        step = float(values[1] - values[0]) if values.size > 1 else np.inf
        metres = metres_of(store[axis].attrs.get("units"), step, f"{path}: {axis}")
        if metres != 1:
            store = store.assign_coords({axis: values * metres})
    return store


def window_of(store, bounds, path):
    x, y = store["x"].values, store["y"].values
    if bounds is None:
        return slice(0, y.size), slice(0, x.size)
    left, bottom, right, top = bounds
    inside = [np.nonzero((v >= low) & (v <= high))[0] for v, low, high in ((y, bottom, top), (x, left, right))]
    if not (inside[0].size and inside[1].size):
        raise OutsideGrid(
            f"{path}: {tuple(bounds)} holds no cell of it; the store covers x {x.min():g}..{x.max():g}, "
            f"y {y.min():g}..{y.max():g}"
        )
    return tuple(slice(int(i[0]), int(i[-1]) + 1) for i in inside)


def epsg_of(store, path):
    """
    Return the EPSG code that the global `projection` states, or else the grid mapping.

    The grid mapping may have lost its spatial_epsg to a rewrite.
    """
    stated = [store.attrs["projection"]] if "projection" in store.attrs else []
    for name in _GRID_MAPPINGS:
        if name in store.variables and "spatial_epsg" in store[name].attrs:
            stated.append(np.ravel(store[name].attrs["spatial_epsg"])[0])
    if not stated:
        raise GranuleError(f"{path}: neither projection nor spatial_epsg tells its CRS; take another copy")
    code = projected_code(stated[0])
    if code is None:
        shown = str(stated[0])[:20]
        raise GranuleError(f"{path}: projection {shown!r} is no EPSG code of a map projection; take another copy")
    return code


def scale_of(dataset):
    """Compute k at the cells of a Dataset: DataArray (y, x)."""
    x, y = dataset["x"].values, dataset["y"].values
    dx, dy = (abs(float(v[1] - v[0])) if v.size > 1 else 1.0 for v in (x, y))
    grid = Grid(dataset.attrs["crs"], x[0] - dx / 2, y.max() + dy / 2, dx, dy, y.size, x.size)
    k = ground.scale_field(grid)
    return xr.DataArray(k if y[0] >= y[-1] else k[::-1], dims=("y", "x"))
