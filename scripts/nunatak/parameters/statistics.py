"""
Declare the statistics of a cell and time bin, one row for each: its name, words, unit and formula.

A new statistic is a row here. The study file, the gridding and the list in docs/gridding.md take it from this table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

WEIGHTINGS = {
    "segment_weighted": "all segments of the bin, by their weight",
    "pass_mean": "the means of the passes, one vote each",
    "daily_mean": "the means of the days, one vote each",
}


class Statistic(NamedTuple):
    """One statistic of every cell and bin."""

    words: str
    """long name"""
    unit: str
    """"value" or "value2" (that of the value, and its square), "weight" or "1" """
    formula: Callable[[Any], Any]
    """array of the cells, from the sums of `gridding.binned.Binned`"""
    always: bool = False
    """kept where a cell has fewer segments, passes or days than the study asks for, as an integer"""
    histogram: bool = False
    """needs a histogram"""


# weights w (`sw` is their sum, `sw2` that of their squares), values v, errors e (`sw2e2` sums w2 e2)
STATISTICS = {
    "count": Statistic("number of segments", "1", lambda b: b["n"], always=True),
    "n_pass": Statistic("number of passes (granules)", "1", lambda b: b.n_pass, always=True),
    "n_day": Statistic("number of days with data", "1", lambda b: b.n_day, always=True),
    "n_lead": Statistic("number of lead segments", "1", lambda b: b["n_lead"], always=True),
    "mean_length": Statistic("mean segment length", "weight", lambda b: b["sw"] / b["n"]),
    "mean": Statistic("mean", "value", lambda b: b.weighted_mean),
    "std": Statistic("standard deviation of segments", "value", lambda b: b.variance**0.5),
    "variance": Statistic("variance of segments", "value2", lambda b: b.variance),
    "sample_std": Statistic("standard deviation of segments, unbiased", "value", lambda b: b.sample_variance**0.5),
    "sample_variance": Statistic("variance of segments, unbiased", "value2", lambda b: b.sample_variance),
    "stderr": Statistic("standard error of the mean, from the scatter of passes", "value", lambda b: b.standard_error),
    "sigma": Statistic(
        "error of the mean propagated from the segments' errors as if independent",
        "value",
        lambda b: b["sw2e2"] ** 0.5 / b["sw"],
    ),
    "n_effective": Statistic(
        "effective number of segments, (sum w)^2 / sum w^2", "1", lambda b: b["sw"] ** 2 / b["sw2"]
    ),
    "lead_share": Statistic("share of leads in the segments' weight", "1", lambda b: b["sw_lead"] / b["sw"]),
    "median": Statistic("median", "value", lambda b: b.quantile(0.5), histogram=True),
    "mad": Statistic(
        "median absolute deviation from the median", "value", lambda b: b.median_deviation, histogram=True
    ),
    "mode": Statistic("mode (fullest level of the histogram)", "value", lambda b: b.mode, histogram=True),
}
_PERCENTILE = re.compile(r"p(\d{2})")


def statistic(name: Any) -> Any:
    """
    Return the row of a statistic or of a percentile such as p05, or None for another name.

    Parameters
    ----------
    name : key of `STATISTICS`, or a percentile

    >>> statistic("p05").words
    '5th percentile'
    """
    percentile = _PERCENTILE.fullmatch(str(name))
    if percentile is None:
        return STATISTICS.get(name)
    number = int(percentile[1])
    return Statistic(f"{number}th percentile", "value", lambda b: b.quantile(number / 100), histogram=True)


def documented() -> str:
    """Return the statistics as the table that docs/gridding.md shows."""
    units = {"value": "that of the value", "value2": "its square", "weight": "m", "1": "1"}
    rows = ["| name | what it is | unit |", "| --- | --- | --- |"]
    rows += [
        f"| `{name}` | {row.words}{'; needs a histogram' if row.histogram else ''} | {units[row.unit]} |"
        for name, row in STATISTICS.items()
    ]
    return "\n".join([*rows, "| `p01` .. `p99` | percentile; needs a histogram | that of the value |"])
