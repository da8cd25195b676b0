"""
Map rates of points on a grid by block medians and a Gaussian kernel with error, and compare with a gridded product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from nunatak.elevation.sampling import sample
from nunatak.gridding import block_median, gaussian_kernel, leave_one_track_out

if TYPE_CHECKING:
    import pandas as pd

    from nunatak.geometry.grid import Grid

LENGTH, RADIUS = 3000.0, 7500.0  # m, of the kernel: pairs run 3.2 km apart, tracks some kilometres


def rate_map(rates: pd.DataFrame, grid: Grid, *, length: float = LENGTH, radius: float = RADIUS) -> xr.Dataset:
    """
    Map rates of points in two ways.

    Parameters
    ----------
    rates : DataFrame with x, y (m, the grid's system), longitude, latitude, dhdt, dhdt_sigma (m/yr)
    grid : Grid
    length, radius : m, of the Gaussian kernel. Default: 3000 and 7500

    Returns
    -------
    Dataset (y, x), empty if no point has a rate: dhdt_median (median of the points in a cell), dhdt_nmad, count, dhdt
        (kernel), dhdt_sigma (its error from the scatter of the neighbours and their own errors), n_neighbours
    """
    fitted = rates[np.isfinite(rates["dhdt"]) & np.isfinite(rates["dhdt_sigma"]) & (rates["dhdt_sigma"] > 0)]
    layers = {name: np.full(grid.ny * grid.nx, np.nan) for name in ("median", "nmad", "count")}
    shape = (grid.ny, grid.nx)
    value, error, count = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, "i4")
    if len(fitted):
        cells = block_median(fitted, grid, value="dhdt")
        for name, layer in layers.items():
            layer[cells["cell"].to_numpy()] = cells[name].to_numpy()
        points = {"x": fitted["x"], "y": fitted["y"], "value": fitted["dhdt"], "sigma": fitted["dhdt_sigma"]}
        value, error, count = gaussian_kernel(points, grid, length=length, radius=radius)
    fields = {
        "dhdt_median": layers["median"].reshape(shape),
        "dhdt_nmad": layers["nmad"].reshape(shape),
        "count": np.nan_to_num(layers["count"]).reshape(shape).astype("i4"),
        "dhdt": value,
        "dhdt_sigma": error,
        "n_neighbours": count,
    }
    variables = {
        name: (("y", "x"), field, {"units": "m/yr" if name.startswith("dhdt") else "1"})
        for name, field in fields.items()
    }
    return xr.Dataset(variables, coords={"y": grid.y, "x": grid.x}, attrs={"crs": str(grid.crs), "resolution": grid.dx})


def residuals_to_other_tracks(rates: pd.DataFrame, *, length: float = LENGTH, radius: float = RADIUS) -> np.ndarray:
    """
    Subtract from each rate the map made of all other tracks, as an independent test of the map's error.

    `outliers.track_outliers` uses the result.

    Parameters
    ----------
    rates, length, radius : as in `rate_map`, with rgt

    Returns
    -------
    (n,) array, m/yr, NaN if no other track is near
    """
    if not len(rates):
        return np.empty(0)
    points = {
        "x": rates["x"],
        "y": rates["y"],
        "value": rates["dhdt"],
        "sigma": rates["dhdt_sigma"],
        "track": rates["rgt"],
    }
    return leave_one_track_out(points, length=length, radius=radius)[0]


def against_grid(rates: pd.DataFrame, x: np.ndarray, y: np.ndarray, dhdt: np.ndarray) -> np.ndarray:
    """
    Subtract a gridded rate, interpolated bilinearly, from the rates of points.

    Parameters
    ----------
    rates : DataFrame with x, y (m) and dhdt (m/yr)
    x, y : cell centres of the grid
    dhdt : (ny, nx) array, m/yr

    Returns
    -------
    (n,) array, m/yr
    """
    gridded, _ = sample(np.asarray(dhdt), np.asarray(x), np.asarray(y), rates["x"].to_numpy(), rates["y"].to_numpy())
    return rates["dhdt"].to_numpy("f8") - gridded
