"""Average the cells of one grid over the cells of a coarser one, by the area that they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    from nunatak.geometry.grid import Grid


def overlap_of(source: Any, target: Any) -> np.ndarray:
    """
    Return the fraction of every source cell in every target cell, along one axis.

    Parameters
    ----------
    source, target : (n + 1,), (m + 1,) edges of cells, ascending

    Returns
    -------
    (m, n) float64, lengths over the length of the source cell: 0 to 1

    Examples
    --------
    >>> overlap_of([0, 2, 4], [0, 3])
    array([[1. , 0.5]])
    """
    source, target = np.asarray(source, dtype=float), np.asarray(target, dtype=float)
    low = np.maximum(source[:-1], target[:-1, None])
    high = np.minimum(source[1:], target[1:, None])
    return np.maximum(high - low, 0.0) / np.diff(source)


def onto_coarser(data: xr.Dataset, names: Sequence[str], grid: Grid, *, area: str, least: float = 0.5) -> xr.Dataset:
    """
    Return area-weighted means over the cells of a coarser grid of the same coordinate system.

    Parameters
    ----------
    data : Dataset (..., y descending, x) with attribute `crs`
    names : variables to average. An error is averaged like a value, as an error that cells share
    grid : geometry.grid.Grid
    area : variable of `data` with the area (m2) of a cell as its weight, such as `ice_area`. It is summed, not averaged
    least : smallest share of the area with values for a mean. Default: 0.5

    Returns
    -------
    Dataset (..., y, x) of the variables and of `area`. Sums over all cells of area times value are conserved if every
        cell has a value and lies on the grid

    Raises
    ------
    NunatakError : the coordinate system differs, or no cell of `data` lies on the grid
    """
    if data.attrs["crs"] != grid.crs:
        raise NunatakError(f"regridding: {data.attrs['crs']} is not the {grid.crs} of the grid; take data of one sheet")
    across, down = _overlaps(data, grid)
    if not (across.any() and down.any()):
        raise NunatakError("regridding: no cell lies on the grid; take data of one place")
    weight = np.nan_to_num(data[area].values.astype("f8"))
    total = down @ weight @ across.T
    result = {area: (data[area].dims, total, data[area].attrs)}
    for name in names:
        values = data[name].values
        shape = values.shape[:-2]
        weights, totals = (np.broadcast_to(part, shape + part.shape[-2:]) for part in (weight, total))
        means = np.full((*shape, *grid.shape), np.nan, "f4")
        for k in np.ndindex(shape):  # one layer at a time, so that sums of few are held
            means[k] = _mean(values[k], weights[k], totals[k], (down, across), least)
        result[name] = (data[name].dims, means, data[name].attrs)
    coordinates = {name: data[name] for name in data.coords if not {"y", "x"} & set(data[name].dims)}
    return xr.Dataset(result, coordinates | {"y": grid.y, "x": grid.x}, data.attrs | {"resolution": grid.dx})


def _mean(values, weight, total, overlaps, least):
    """Return the weighted mean of one layer, (ny, nx), NaN where less than a share of the weight has values."""
    down, across = overlaps
    seen = np.where(np.isfinite(values), weight, 0.0)
    found = down @ seen @ across.T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = down @ (seen * np.nan_to_num(values)) @ across.T / found
    return np.where((found > 0) & (found >= least * total), mean, np.nan)


def _overlaps(data, grid):
    """Return the overlap of columns and of rows, (nx, columns) and (ny, rows)."""
    x, y = data["x"].values, data["y"].values
    across = overlap_of(_edges(x), _edges(grid.x))
    return across, overlap_of(_edges(y[::-1]), _edges(grid.y[::-1]))[::-1, ::-1]


def _edges(centres):
    """Return the edges of evenly spaced cells, (n + 1,)."""
    half = (centres[-1] - centres[0]) / (centres.size - 1) / 2
    return np.append(centres - half, centres[-1] + half)
