"""
A histogram per cell that adds up: median, mode, percentiles and spread of more points than memory holds.

Levels are half-open, [level * width, (level + 1) * width), for any value: nothing is clipped. A quantile is
interpolated inside its level, so it lies within one width of that of the points.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nunatak.gridding.bins import LARGEST
from nunatak.gridding.sums import sum_by
from nunatak.gridding.timebins import day_of

HISTOGRAM_COLUMNS = ("granule", "day", "cell", "level", "n", "sw")


def count_levels(columns, cell, width):
    """
    Points and weight per day, cell and level of one granule; DataFrame of `day, cell, level, n, sw`.

    Parameters
    ----------
    columns : dict of (n,) arrays as for `bins.sum_points`
    cell : (n,) int64 cell of each point, -1 outside
    width : of a level, in units of the value
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


def merge_levels(table):
    """The table in order of granule, day, cell and level, equal rows added."""
    keys = ("granule", "day", "cell", "level")
    merged, sums = sum_by(tuple(table[k].to_numpy() for k in keys), table[["n", "sw"]].to_numpy())
    return pd.DataFrame(dict(zip(keys, merged, strict=True)) | {"n": sums[:, 0], "sw": sums[:, 1]})


def quantiles(group, level, weight, width, fractions):
    """
    Weighted quantiles of each group's histogram.

    Parameters
    ----------
    group : (n,) int64, 0, 1, ... ascending; level ascends within a group
    level : (n,) int64
    weight : (n,) positive
    width : of a level
    fractions : (k,) in [0, 1]

    Returns
    -------
    (n_group, k) array, in units of the value; linear inside a level
    """
    first = np.flatnonzero(np.diff(group, prepend=-1))
    last = np.append(first[1:], len(group)) - 1
    above = np.cumsum(weight)
    below = above - weight
    base = below[first]
    out = np.empty((len(first), len(fractions)))
    for k, fraction in enumerate(fractions):
        target = base + fraction * (above[last] - base)
        # the first level whose sum reaches the target, kept inside the group against rounding
        at = np.clip(np.searchsorted(above, target, side="left"), first, last)
        inside = np.clip((target - below[at]) / weight[at], 0.0, 1.0)
        out[:, k] = (level[at] + inside) * width
    return out


def modes(group, level, weight, width):
    """(n_group,) centre of each group's heaviest level, the lowest of equals."""
    order = np.lexsort((level, -weight, group))
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    return (level[order][first] + 0.5) * width


def median_deviations(group, level, weight, width, median):
    """(n_group,) weighted median of |value - median|, each level's points at its centre: good to about a width."""
    deviation = np.abs((level + 0.5) * width - median[group])
    order = np.lexsort((deviation, group))
    group, deviation, weight = group[order], deviation[order], weight[order]
    first = np.flatnonzero(np.diff(group, prepend=-1))
    last = np.append(first[1:], len(group)) - 1
    above = np.cumsum(weight)
    base = above[first] - weight[first]
    at = np.clip(np.searchsorted(above, base + 0.5 * (above[last] - base), side="left"), first, last)
    return deviation[at]
