"""
Keep a histogram per cell that adds up, for median, mode, percentiles and spread of more points than fit in memory.

Levels are half-open, [level * width, (level + 1) * width), for any value: nothing is clipped. A quantile is
interpolated inside its level, so it lies within one width of that of the points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nunatak.gridding.bins import LARGEST
from nunatak.gridding.sums import sum_by
from nunatak.gridding.timebins import day_of

HISTOGRAM_COLUMNS = ("granule", "day", "cell", "level", "n", "sw")


def count_levels(columns: Mapping[str, np.ndarray], cell: np.ndarray, width: float) -> pd.DataFrame:
    """
    Count points and sum weights per day, cell and level of one granule.

    Parameters
    ----------
    columns : mapping of (n,) arrays as for `bins.sum_points`
    cell : (n,) int64 cell of each point, -1 outside
    width : width of a level, in units of the value

    Returns
    -------
    DataFrame of `day, cell, level, n, sw`
    """
    value = np.asarray(columns["value"], dtype="f8")
    weight = np.asarray(columns["weight"], dtype="f8") if "weight" in columns else np.ones(len(value))
    with np.errstate(invalid="ignore"):
        keep = (cell >= 0) & (np.abs(value) < LARGEST) & (weight > 0) & (weight < LARGEST)
    day = np.zeros(len(value), dtype="int64")
    if "time" in columns:
        keep &= ~np.isnat(columns["time"])
        day[keep] = day_of(columns["time"][keep])
    level = np.floor(value[keep] / width).astype("int64")
    terms = np.stack([np.ones(level.size), weight[keep]], axis=1)
    (day, cell, level), sums = sum_by((day[keep], cell[keep], level), terms)
    return pd.DataFrame({"day": day, "cell": cell, "level": level, "n": sums[:, 0], "sw": sums[:, 1]})


def merge_levels(table: pd.DataFrame) -> pd.DataFrame:
    """
    Sort the table by granule, day, cell and level, and add equal rows.

    Parameters
    ----------
    table : DataFrame with the columns `HISTOGRAM_COLUMNS`
    """
    keys = ("granule", "day", "cell", "level")
    merged, sums = sum_by(tuple(table[k].to_numpy() for k in keys), table[["n", "sw"]].to_numpy())
    return pd.DataFrame(dict(zip(keys, merged, strict=True)) | {"n": sums[:, 0], "sw": sums[:, 1]})


def quantiles(
    group: np.ndarray, level: np.ndarray, weight: np.ndarray, width: float, fractions: Sequence[float]
) -> np.ndarray:
    """
    Return weighted quantiles of the histogram of each group.

    Parameters
    ----------
    group : (n,) int64, 0, 1, ... ascending
    level : (n,) int64, ascending within a group
    weight : (n,) positive
    width : width of a level
    fractions : (k,) in [0, 1]

    Returns
    -------
    (n_group, k) array, in units of the value, linear inside a level
    """
    first = np.flatnonzero(np.diff(group, prepend=-1))
    last = np.append(first[1:], len(group)) - 1
    above = np.cumsum(weight)
    below = above - weight
    base = below[first]
    out = np.empty((len(first), len(fractions)))
    for k, fraction in enumerate(fractions):
        target = base + fraction * (above[last] - base)
        # Take the first level whose sum reaches the target, and keep it inside the group despite rounding.
        at = np.clip(np.searchsorted(above, target, side="left"), first, last)
        inside = np.clip((target - below[at]) / weight[at], 0.0, 1.0)
        out[:, k] = (level[at] + inside) * width
    return out


def modes(group: np.ndarray, level: np.ndarray, weight: np.ndarray, width: float) -> np.ndarray:
    """
    Return the centre of the heaviest level of each group, the lowest of equal ones.

    Parameters
    ----------
    group, level, weight, width : as in `quantiles`, in any order

    Returns
    -------
    (n_group,) array
    """
    order = np.lexsort((level, -weight, group))
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    return (level[order][first] + 0.5) * width


def median_deviations(
    group: np.ndarray, level: np.ndarray, weight: np.ndarray, width: float, median: np.ndarray
) -> np.ndarray:
    """
    Return the weighted median of |value - median| in each group.

    The points of a level are taken to lie at its centre, so the result is accurate to about a width.

    Parameters
    ----------
    group, level, weight, width : as in `quantiles`
    median : (n_group,) median of each group

    Returns
    -------
    (n_group,) array
    """
    deviation = np.abs((level + 0.5) * width - median[group])
    order = np.lexsort((deviation, group))
    group, deviation, weight = group[order], deviation[order], weight[order]
    first = np.flatnonzero(np.diff(group, prepend=-1))
    last = np.append(first[1:], len(group)) - 1
    above = np.cumsum(weight)
    base = above[first] - weight[first]
    at = np.clip(np.searchsorted(above, base + 0.5 * (above[last] - base), side="left"), first, last)
    return deviation[at]
