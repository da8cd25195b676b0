"""Medians of the points in each cell, exact: sort by cell, then look into each cell's own segment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nunatak.constants import MAD_TO_SIGMA
from nunatak.gridding.bins import LARGEST, cell_numbers


def block_median(points, grid, *, value, weight=None):
    """
    Median and its companions per cell, from the points themselves; for what fits into memory.

    Parameters
    ----------
    points : DataFrame or mapping of arrays with `longitude`, `latitude` (degrees) and the columns named
    grid : Grid
    value : column
    weight : column of weights for a weighted median; unweighted unless given

    Returns
    -------
    DataFrame of `cell` (row * nx + column, ascending), `count`, `median`, `mad` (median absolute deviation from the
        median) and `nmad` (1.4826 mad: the standard deviation of normal noise without its outliers)

    Notes
    -----
    The median of an even number is the mean of the middle two; with weights it is the value where half the weight is
    reached, or the mean of two where it is reached between them.
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


def block_median_reference(cell, value):
    """The definition of the unweighted median: one cell after the other."""
    return np.array([np.median(value[cell == c]) for c in np.unique(cell)])


def _medians(cell, value, weight):
    """Weighted median of each cell (ascending) and each point's place among the cells."""
    cells, group = np.unique(cell, return_inverse=True)
    order = np.lexsort((value, cell))
    value, weight = value[order], weight[order]
    first = np.searchsorted(cell[order], cells, side="left")
    last = np.searchsorted(cell[order], cells, side="right") - 1
    above = np.cumsum(weight)
    base = above[first] - weight[first] if len(first) else above[:0]
    half = base + 0.5 * (above[last] - base)
    # ties by rounding count as reached exactly
    slack = 1e-12 * np.maximum(above[last], 1.0)
    low = np.clip(np.searchsorted(above, half - slack, side="left"), first, last)
    high = np.clip(np.searchsorted(above, half + slack, side="right"), first, last)
    return 0.5 * (value[low] + value[high]), group
