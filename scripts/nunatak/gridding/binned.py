"""Sum the rows of each time bin and cell, and derive the quantities that the formulas of statistics use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nunatak.gridding.bins import SUMS
from nunatak.gridding.histogram import median_deviations, modes, quantiles
from nunatak.gridding.sums import sum_by
from nunatak.gridding.timebins import bin_of

if TYPE_CHECKING:
    from nunatak.gridding.accumulators import Accumulators


@dataclass(frozen=True)
class Binned:
    """Sums of one kind of time bin, per cell, per pass and per day."""

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
    def of(cls, accumulators: Accumulators, kind: str, weighting: str) -> Binned:
        """
        Sum the rows of each bin and cell, with granules in the order of their names.

        Parameters
        ----------
        accumulators : Accumulators
        kind : time bin, see `timebins.KINDS`
        weighting : key of `WEIGHTINGS`
        """
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
    def mean(self) -> np.ndarray:
        """Return the weighted mean of each bin and cell, less the shift."""
        return self["swv"] / self["sw"]

    @cached_property
    def passes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the group (bin and cell) of each pass, and its sums of weight and weight * value."""
        return self._parts("granule")

    @cached_property
    def days(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the group (bin and cell) of each day, and its sums of weight and weight * value."""
        return self._parts("day")

    def _parts(self, key):
        """Return the group of each pass or day, and its sums of weight and weight * value."""
        (start, cell, _), sums = _sums(self.rows, "start", "cell", key)
        return _group_numbers(start, cell), sums[:, SUMS.index("sw")], sums[:, SUMS.index("swv")]

    @cached_property
    def n_pass(self) -> np.ndarray:
        """Return the number of passes of each bin and cell."""
        return np.bincount(self.passes[0], minlength=len(self.cell))

    @cached_property
    def n_day(self) -> np.ndarray:
        """Return the number of days with data of each bin and cell."""
        return np.bincount(self.days[0], minlength=len(self.cell))

    @cached_property
    def histogram(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return group, level and weight, with the levels of a cell and bin in ascending order."""
        keys = tuple(self.levels[name].to_numpy() for name in ("start", "cell", "level"))
        (start, cell, level), sums = sum_by(keys, self.levels[["sw"]].to_numpy())
        return _group_numbers(start, cell), level, sums[:, 0]

    @cached_property
    def weighted_mean(self) -> np.ndarray:
        """Return the mean of each bin and cell, of all segments or of the means of passes or days."""
        if self.weighting == "segment_weighted":
            return self.mean + self.shift
        group, sw, swv = self.passes if self.weighting == "pass_mean" else self.days
        return np.bincount(group, weights=swv / sw) / np.bincount(group) + self.shift

    @cached_property
    def standard_error(self) -> np.ndarray:
        """
        Return the error of `weighted_mean` from the scatter of passes or days, taken as independent.

        NaN for a single pass or day.
        """
        group, sw, swv = self.days if self.weighting == "daily_mean" else self.passes
        n = np.bincount(group)
        if self.weighting == "segment_weighted":
            scatter, scale = (swv - self.mean[group] * sw) ** 2, self["sw"]
        else:
            group_mean = swv / sw
            scatter, scale = (group_mean - (np.bincount(group, weights=group_mean) / n)[group]) ** 2, n
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.sqrt(n / (n - 1) * np.bincount(group, weights=scatter)) / scale
        return np.where(n > 1, error, np.nan)

    @cached_property
    def variance(self) -> np.ndarray:
        """Return the weighted variance of each bin and cell."""
        # Rounding can bring sum wv2 / sum w - mean^2 below zero when all values are equal.
        return np.maximum(self["swv2"] / self["sw"] - self.mean**2, 0.0)

    @cached_property
    def sample_variance(self) -> np.ndarray:
        """Return the unbiased variance, or NaN for a single segment."""
        rest = 1 - self["sw2"] / self["sw"] ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self["n"] > 1, self.variance / rest, np.nan)

    def quantile(self, fraction: float) -> np.ndarray:
        """
        Return the value below which a share of the weight lies, from the histogram.

        Parameters
        ----------
        fraction : share, 0 to 1
        """
        group, level, weight = self.histogram
        return quantiles(group, level, weight, self.width, [fraction])[:, 0]

    @cached_property
    def median_deviation(self) -> np.ndarray:
        """Return the median of the absolute deviations from the median, from the histogram."""
        group, level, weight = self.histogram
        return median_deviations(group, level, weight, self.width, self.quantile(0.5))

    @cached_property
    def mode(self) -> np.ndarray:
        """Return the value of the heaviest level of the histogram."""
        group, level, weight = self.histogram
        return modes(group, level, weight, self.width)


def _sums(rows, *keys):
    """Add the rows of equal keys."""
    return sum_by(tuple(rows[key].to_numpy() for key in keys), rows[list(SUMS)].to_numpy())


def _group_numbers(start, cell):
    """Assign the numbers 0, 1, ... to the sorted pairs of bin and cell, one for each new pair."""
    new = np.ones(len(cell), dtype=bool)
    new[1:] = (start[1:] != start[:-1]) | (cell[1:] != cell[:-1])
    return np.cumsum(new) - 1
