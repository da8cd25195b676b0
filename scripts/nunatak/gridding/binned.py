"""The sums of one kind of time bin, and what the formulas of statistics are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from nunatak.gridding.bins import SUMS
from nunatak.gridding.histogram import median_deviations, modes, quantiles
from nunatak.gridding.sums import sum_by
from nunatak.gridding.timebins import bin_of


@dataclass(frozen=True)
class Binned:
    """The sums of one kind of bin: per bin and cell, and below that per pass and per day."""

    start: np.ndarray
    end: np.ndarray
    cell: np.ndarray
    sums: np.ndarray
    rows: pd.DataFrame
    levels: pd.DataFrame
    shift: float
    width: float
    weighting: str

    @classmethod
    def of(cls, accumulators, kind, weighting):
        """Sum the rows of each bin and cell; the order of granules is that of their names."""
        rows, levels = accumulators.rows, accumulators.levels
        start, end = bin_of(rows["day"].to_numpy(), kind)
        rows = rows.assign(start=start)
        levels = levels.assign(start=bin_of(levels["day"].to_numpy(), kind)[0])
        (pass_start, pass_cell, _), passes = _sums(rows, "start", "cell", "granule")
        (start_, cell), sums = sum_by((pass_start, pass_cell), passes)
        ends = dict(zip(start, end, strict=True))
        end = np.array([ends[s] for s in start_], dtype="int64")
        return cls(start_, end, cell, sums, rows, levels, accumulators.shift, accumulators.level_width, weighting)

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

    @cached_property
    def weighted_mean(self):
        """Mean of each bin and cell, of all segments or of the means of passes or days."""
        if self.weighting == "segment_weighted":
            return self.mean + self.shift
        group, sw, swv = self.passes if self.weighting == "pass_mean" else self.days
        return np.bincount(group, weights=swv / sw) / np.bincount(group) + self.shift

    @cached_property
    def standard_error(self):
        """Error of `weighted_mean` with passes (or days) as the independent draws; NaN for a single one."""
        group, sw, swv = self.days if self.weighting == "daily_mean" else self.passes
        n = np.bincount(group)
        if self.weighting == "segment_weighted":
            scatter, scale = (swv - self.mean[group] * sw) ** 2, self["sw"]
        else:
            vote = swv / sw
            scatter, scale = (vote - (np.bincount(group, weights=vote) / n)[group]) ** 2, n
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.sqrt(n / (n - 1) * np.bincount(group, weights=scatter)) / scale
        return np.where(n > 1, error, np.nan)

    @cached_property
    def variance(self):
        """Weighted variance of each bin and cell."""
        # sum wv2 / sum w - mean^2 can fall below zero by rounding where all values are equal
        return np.maximum(self["swv2"] / self["sw"] - self.mean**2, 0.0)

    @cached_property
    def sample_variance(self):
        """Variance without bias; NaN for a single segment."""
        rest = 1 - self["sw2"] / self["sw"] ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self["n"] > 1, self.variance / rest, np.nan)

    def quantile(self, fraction):
        """Value below which this share of the weight lies, from the histogram."""
        group, level, weight = self.histogram
        return quantiles(group, level, weight, self.width, [fraction])[:, 0]

    @cached_property
    def median_deviation(self):
        """Median of the absolute deviations from the median, from the histogram."""
        group, level, weight = self.histogram
        return median_deviations(group, level, weight, self.width, self.quantile(0.5))

    @cached_property
    def mode(self):
        """Value of the fullest level of the histogram."""
        group, level, weight = self.histogram
        return modes(group, level, weight, self.width)


def _sums(rows, *keys):
    return sum_by(tuple(rows[key].to_numpy() for key in keys), rows[list(SUMS)].to_numpy())


def _group_numbers(start, cell):
    """0, 1, ... for each new pair of sorted bins and cells."""
    new = np.ones(len(cell), dtype=bool)
    new[1:] = (start[1:] != start[:-1]) | (cell[1:] != cell[:-1])
    return np.cumsum(new) - 1
