"""Compute exact medians of the points in each cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nunatak.constants import MAD_TO_SIGMA
from nunatak.gridding.bins import LARGEST, cell_numbers

if TYPE_CHECKING:
    from nunatak.geometry.grid import Grid


def block_median(
    points: pd.DataFrame | Mapping[str, np.ndarray], grid: Grid, *, value: str, weight: str | None = None
) -> pd.DataFrame:
    """
    Return the median and the deviation from it in each cell, from points that fit in memory.

    Parameters
    ----------
    points : DataFrame or mapping of arrays with `longitude`, `latitude` (degrees) and the columns named
    grid : Grid
    value : column
    weight : column of weights for a weighted median. Default: no weights

    Returns
    -------
    DataFrame of `cell` (row * nx + column, ascending), `count`, `median`, `mad` (median absolute deviation from the
        median) and `nmad` (1.4826 mad, the standard deviation of normal noise without outliers)

    Notes
    -----
    The median of an even number is the mean of the middle two. With weights it is the value at which half the weight is
    reached, or the mean of two values when half the weight is reached between them.
    """
    cell = cell_numbers(np.asarray(points["longitude"]), np.asarray(points["latitude"]), grid)
    v = np.asarray(points[value], dtype="f8")
    w = np.ones(v.size) if weight is None else np.asarray(points[weight], dtype="f8")
    with np.errstate(invalid="ignore"):
        keep = (cell >= 0) & (np.abs(v) < LARGEST) & (w > 0) & (w < LARGEST)
    cell, v, w = cell[keep], v[keep], w[keep]
    median, group = _medians(cell, v, w)
    mad, _ = _medians(cell, np.abs(v - median[group]), w)
    cells, count = np.unique(cell, return_counts=True)
    return pd.DataFrame({"cell": cells, "count": count, "median": median, "mad": mad, "nmad": MAD_TO_SIGMA * mad})


def block_median_reference(cell: np.ndarray, value: np.ndarray) -> np.ndarray:
    """
    Return the unweighted median of each cell, one cell after the other.

    Parameters
    ----------
    cell : (n,) cell of each point
    value : (n,) values

    Returns
    -------
    (n_cell,) medians, with cells ascending
    """
    return np.array([np.median(value[cell == c]) for c in np.unique(cell)])


def _medians(cell, value, weight):
    """Return the weighted median of each cell in ascending order, and the position of each point's cell among them."""
    cells, group = np.unique(cell, return_inverse=True)
    order = np.lexsort((value, cell))
    value, weight = value[order], weight[order]
    first = np.searchsorted(cell[order], cells, side="left")
    last = np.searchsorted(cell[order], cells, side="right") - 1
    above = np.cumsum(weight)
    base = above[first] - weight[first] if len(first) else above[:0]
    half = base + 0.5 * (above[last] - base)
    # Within rounding, half the weight counts as reached exactly.
    slack = 1e-12 * np.maximum(above[last], 1.0)
    low = np.clip(np.searchsorted(above, half - slack, side="left"), first, last)
    high = np.clip(np.searchsorted(above, half + slack, side="right"), first, last)
    return 0.5 * (value[low] + value[high]), group
