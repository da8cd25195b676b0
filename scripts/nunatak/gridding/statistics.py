"""
Statistics of cells and time bins, each under its own name, from the sums of `accumulate`.

Spread and error are different things: `std` is the spread of segments in a cell; `stderr` is the error of the cell's
mean, from the scatter of passes, because neighbouring segments of one pass are not independent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from nunatak.gridding.bins import SUMS
from nunatak.gridding.histogram import median_deviations, modes, quantiles
from nunatak.gridding.sums import sum_by
from nunatak.gridding.timebins import bin_of
from nunatak.runtime import NunatakError

WEIGHTINGS = {
    "segment_weighted": "all segments of the bin, by their weight",
    "pass_mean": "the means of the passes, one vote each",
    "daily_mean": "the means of the days, one vote each",
}

# name: (long name, unit as a power of the value's, or "weight" or "1", kept below the minimum counts)
STATISTICS = {
    "count": ("number of segments", "1", True),
    "n_pass": ("number of passes (granules)", "1", True),
    "n_day": ("number of days with data", "1", True),
    "n_lead": ("number of lead segments", "1", True),
    "mean_length": ("mean segment length", "weight", False),
    "mean": ("mean", "value", False),
    "std": ("standard deviation of segments", "value", False),
    "variance": ("variance of segments", "value2", False),
    "sample_std": ("standard deviation of segments, unbiased", "value", False),
    "sample_variance": ("variance of segments, unbiased", "value2", False),
    "stderr": ("standard error of the mean, from the scatter of passes", "value", False),
    "sigma": ("error of the mean propagated from the segments' errors as if independent", "value", False),
    "n_effective": ("effective number of segments, (sum w)^2 / sum w^2", "1", False),
    "lead_share": ("share of leads in the segments' weight", "1", False),
    "median": ("median", "value", False),
    "mad": ("median absolute deviation from the median", "value", False),
    "mode": ("mode (fullest level of the histogram)", "value", False),
}
_PERCENTILE = re.compile(r"^p(\d{1,2})$")
_NEED_HISTOGRAM = ("median", "mad", "mode")


def cell_statistics(
    accumulators,
    bins="month",
    names=("count", "mean", "std"),
    *,
    weighting="segment_weighted",
    minimum_segments=1,
    minimum_passes=1,
    minimum_days=1,
):
    """
    The statistics of every cell and bin that holds a point: a sparse table, for grids too large to fill.

    Parameters
    ----------
    accumulators : Accumulators
    bins : "day", "week", "ten_day", "month", "season", "year" or "all"
    names : keys of `STATISTICS`, or percentiles such as "p05"
    weighting : key of `WEIGHTINGS`; what `mean` and `stderr` are of
    minimum_segments, minimum_passes, minimum_days : below them all but the counts are NaN

    Returns
    -------
    DataFrame of `start, end` (days since 1970-01-01, the end after the last), `cell` (row * nx + column) and the names;
        ascending by start and cell

    Notes
    -----
    With weights w (segment lengths) and values v: mean = sum wv / sum w; variance = sum w (v - mean)^2 / sum w, as in
    ATL20; its unbiased form divides by 1 - sum w^2 / (sum w)^2. The standard error treats a pass as one draw: with pass
    sums W_p and S_p it is sqrt(n / (n - 1) * sum (S_p - mean W_p)^2) / sum W_p, which is std(pass means) / sqrt(n) for
    passes of equal weight; NaN for a single pass.

    Raises
    ------
    NunatakError : an unknown name, bin or weighting, or a histogram statistic without a histogram
    """
    _check(accumulators, names, weighting)
    binned = _Binned.of(accumulators, bins)
    table = pd.DataFrame({"start": binned.start, "end": binned.end, "cell": binned.cell})
    few = (binned["n"] < minimum_segments) | (binned.n_pass < minimum_passes) | (binned.n_day < minimum_days)
    for name in names:
        values = _value(binned, name, weighting)
        keep_all = name in STATISTICS and STATISTICS[name][2]
        table[name] = values.astype("int64") if keep_all else np.where(few, np.nan, values)
    return table


def unit_of(name, value_unit, weight_unit):
    """The unit of a statistic, from those of value and weight."""
    kind = "value" if _PERCENTILE.match(name) else STATISTICS[name][1]
    squared = "1" if value_unit == "1" else f"{value_unit}2"
    return {"value": value_unit, "value2": squared, "weight": weight_unit, "1": "1"}[kind]


def long_name_of(name):
    """The statistic in words."""
    return f"{int(name[1:])}th percentile" if _PERCENTILE.match(name) else STATISTICS[name][0]


def _check(accumulators, names, weighting):
    if weighting not in WEIGHTINGS:
        raise NunatakError(f"weighting: {weighting!r} is not known; choose from {', '.join(WEIGHTINGS)}")
    for name in names:
        percentile = _PERCENTILE.match(name)
        if name not in STATISTICS and not percentile:
            raise NunatakError(f"statistics: {name!r} is not known; choose from {', '.join(STATISTICS)} or p01 .. p99")
        if (percentile or name in _NEED_HISTOGRAM) and not accumulators.level_width:
            raise NunatakError(f"statistics: {name} needs a histogram; accumulate with a level_width, such as 0.01")


@dataclass(frozen=True)
class _Binned:
    """The sums of one kind of bin: per bin and cell, and below that per pass and per day."""

    start: np.ndarray
    end: np.ndarray
    cell: np.ndarray
    sums: np.ndarray
    rows: pd.DataFrame
    levels: pd.DataFrame
    shift: float
    width: float

    @classmethod
    def of(cls, accumulators, kind):
        """Sum the rows of each bin and cell; the order of granules is that of their names."""
        rows, levels = accumulators.rows, accumulators.levels
        start, end = bin_of(rows["day"].to_numpy(), kind)
        rows = rows.assign(start=start)
        levels = levels.assign(start=bin_of(levels["day"].to_numpy(), kind)[0])
        (pass_start, pass_cell, _), passes = _sums(rows, "start", "cell", "granule")
        (start_, cell), sums = sum_by((pass_start, pass_cell), passes)
        ends = dict(zip(start, end, strict=True))
        end = np.array([ends[s] for s in start_], dtype="int64")
        return cls(start_, end, cell, sums, rows, levels, accumulators.shift, accumulators.level_width)

    def __getitem__(self, name):
        return self.sums[:, SUMS.index(name)]

    @cached_property
    def mean(self):
        """Weighted mean of each bin and cell, without the shift."""
        return self["swv"] / self["sw"]

    @cached_property
    def passes(self):
        """Group (bin and cell) of each pass, and its sums of weight and weight * value."""
        return self._parts("granule")

    @cached_property
    def days(self):
        """Group (bin and cell) of each day, and its sums of weight and weight * value."""
        return self._parts("day")

    def _parts(self, key):
        (start, cell, _), sums = _sums(self.rows, "start", "cell", key)
        return _group_numbers(start, cell), sums[:, SUMS.index("sw")], sums[:, SUMS.index("swv")]

    @cached_property
    def n_pass(self):
        return np.bincount(self.passes[0], minlength=len(self.cell))

    @cached_property
    def n_day(self):
        return np.bincount(self.days[0], minlength=len(self.cell))

    @cached_property
    def histogram(self):
        """Group, level and weight; the levels of a cell and bin in ascending order."""
        keys = tuple(self.levels[name].to_numpy() for name in ("start", "cell", "level"))
        (start, cell, level), sums = sum_by(keys, self.levels[["sw"]].to_numpy())
        return _group_numbers(start, cell), level, sums[:, 0]


def _sums(rows, *keys):
    return sum_by(tuple(rows[key].to_numpy() for key in keys), rows[list(SUMS)].to_numpy())


def _group_numbers(start, cell):
    """0, 1, ... for each new pair of sorted bins and cells."""
    new = np.ones(len(cell), dtype=bool)
    new[1:] = (start[1:] != start[:-1]) | (cell[1:] != cell[:-1])
    return np.cumsum(new) - 1


def _value(b, name, weighting):
    percentile = _PERCENTILE.match(name)
    if percentile:
        return _quantile(b, int(percentile[1]) / 100)
    if name == "mean":
        return _mean(b, weighting)
    if name == "stderr":
        return _standard_error(b, weighting)
    return _SIMPLE[name](b)


def _mean(b, weighting):
    if weighting == "segment_weighted":
        return b.mean + b.shift
    group, sw, swv = b.passes if weighting == "pass_mean" else b.days
    return np.bincount(group, weights=swv / sw) / np.bincount(group) + b.shift


def _standard_error(b, weighting):
    """Error of `_mean` with passes (or days) as the independent draws; NaN for a single one."""
    group, sw, swv = b.days if weighting == "daily_mean" else b.passes
    n = np.bincount(group)
    if weighting == "segment_weighted":
        scatter, scale = (swv - b.mean[group] * sw) ** 2, b["sw"]
    else:
        vote = swv / sw
        scatter, scale = (vote - (np.bincount(group, weights=vote) / n)[group]) ** 2, n
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(n / (n - 1) * np.bincount(group, weights=scatter)) / scale
    return np.where(n > 1, error, np.nan)


def _variance(b):
    # sum wv2 / sum w - mean^2 can fall below zero by rounding where all values are equal
    return np.maximum(b["swv2"] / b["sw"] - b.mean**2, 0.0)


def _sample_variance(b):
    rest = 1 - b["sw2"] / b["sw"] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(b["n"] > 1, _variance(b) / rest, np.nan)


def _quantile(b, fraction):
    group, level, weight = b.histogram
    return quantiles(group, level, weight, b.width, [fraction])[:, 0]


def _median_deviation(b):
    group, level, weight = b.histogram
    return median_deviations(group, level, weight, b.width, _quantile(b, 0.5))


def _mode(b):
    group, level, weight = b.histogram
    return modes(group, level, weight, b.width)


_SIMPLE = {
    "count": lambda b: b["n"],
    "n_pass": lambda b: b.n_pass,
    "n_day": lambda b: b.n_day,
    "n_lead": lambda b: b["n_lead"],
    "mean_length": lambda b: b["sw"] / b["n"],
    "std": lambda b: np.sqrt(_variance(b)),
    "variance": _variance,
    "sample_std": lambda b: np.sqrt(_sample_variance(b)),
    "sample_variance": _sample_variance,
    "sigma": lambda b: np.sqrt(b["sw2e2"]) / b["sw"],
    "n_effective": lambda b: b["sw"] ** 2 / b["sw2"],
    "lead_share": lambda b: b["sw_lead"] / b["sw"],
    "median": lambda b: _quantile(b, 0.5),
    "mad": _median_deviation,
    "mode": _mode,
}
