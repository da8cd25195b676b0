"""
Compute statistics of cells and time bins from the sums of `accumulate`, each under its own name.

Spread and error are different things. `std` is the spread of segments in a cell. `stderr` is the error of the cell's
mean, from the scatter of passes, because neighbouring segments of one pass are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nunatak.gridding.binned import Binned
from nunatak.parameters.freeboard import GriddedValues
from nunatak.parameters.statistics import STATISTICS, WEIGHTINGS, statistic
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    from nunatak.gridding.accumulators import Accumulators


def cell_statistics(
    accumulators: Accumulators,
    bins: str = "month",
    names: Sequence[str] = GriddedValues.statistics,
    *,
    weighting: str = GriddedValues.weighting,
    minimum_segments: int = 1,
    minimum_passes: int = GriddedValues.minimum_passes,
    minimum_days: int = GriddedValues.minimum_days,
) -> pd.DataFrame:
    """
    Return the statistics of every cell and bin that holds a point, as a sparse table for grids too large to fill.

    Parameters
    ----------
    accumulators : Accumulators
    bins : "day", "week", "ten_day", "month", "season", "year" or "all". Default: month
    names : keys of `STATISTICS`, or percentiles such as "p05"
    weighting : key of `WEIGHTINGS`, for `mean` and `stderr`
    minimum_segments, minimum_passes, minimum_days : below them everything but the counts is NaN

    Returns
    -------
    DataFrame of `start, end` (days since 1970-01-01, the end after the last day), `cell` (row * nx + column) and the
        names, ascending by start and cell

    Raises
    ------
    NunatakError : a name, bin or weighting is unknown, or a histogram statistic has no histogram

    Notes
    -----
    With weights w (segment lengths) and values v: mean = sum wv / sum w; variance = sum w (v - mean)^2 / sum w, as in
    ATL20. Its unbiased form divides by 1 - sum w^2 / (sum w)^2. The standard error treats a pass as one draw: with pass
    sums W_p and S_p it is sqrt(n / (n - 1) * sum (S_p - mean W_p)^2) / sum W_p, which is std(pass means) / sqrt(n) for
    passes of equal weight. It is NaN for a single pass.
    """
    _check(accumulators, names, weighting)
    binned = Binned.of(accumulators, bins, weighting)
    table = pd.DataFrame({"start": binned.start, "end": binned.end, "cell": binned.cell})
    few = (binned["n"] < minimum_segments) | (binned.n_pass < minimum_passes) | (binned.n_day < minimum_days)
    for name in names:
        row = statistic(name)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = row.formula(binned)
        table[name] = values.astype("int64") if row.always else np.where(few, np.nan, values)
    return table


def unit_of(name: str, value_unit: str, weight_unit: str) -> str:
    """
    Return the unit of a statistic from those of value and weight.

    Parameters
    ----------
    name : key of `STATISTICS` or percentile
    value_unit, weight_unit : units, "1" without one
    """
    squared = "1" if value_unit == "1" else f"{value_unit}2"
    return {"value": value_unit, "value2": squared, "weight": weight_unit, "1": "1"}[statistic(name).unit]


def _check(accumulators, names, weighting):
    """Refuse unknown names and weightings, and histogram statistics without a histogram."""
    if weighting not in WEIGHTINGS:
        raise NunatakError(f"weighting: {weighting!r} is not known; choose from {', '.join(WEIGHTINGS)}")
    for name in names:
        row = statistic(name)
        if row is None:
            raise NunatakError(f"statistics: {name!r} is not known; choose from {', '.join(STATISTICS)} or p01 .. p99")
        if row.histogram and not accumulators.level_width:
            raise NunatakError(f"statistics: {name} needs a histogram; accumulate with a level_width, such as 0.01")
