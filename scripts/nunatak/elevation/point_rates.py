"""
Compute rates of height change at repeatedly measured points: weighted lines with covariance, and medians of slopes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nunatak.constants import SIGMA_PASS
from nunatak.elevation.line_fits import FIELDS, Heights, Needs, fit_points
from nunatak.parameters.elevation import RateOptions
from nunatak.times import decimal_year

if TYPE_CHECKING:
    import pandas as pd

# Columns of a fit's result, in the kernel's order.
UNITS = {
    "dhdt": "m/yr",
    "dhdt_sigma": "m/yr",
    "dhdt_sigma_systematic": "m/yr",
    "dhdt_theil_sen": "m/yr",
    "h": "m",
    "h_sigma": "m",
    "amplitude": "m",
    "day_of_maximum": "days",
    "year": "decimal year",
    "first_year": "decimal year",
    "last_year": "decimal year",
}
_COUNTS = ("n_cycles", "n_left_out")
MIN_CYCLES_ANNUAL = 8  # smallest number of heights of a point for a yearly cycle


def rates(
    heights: pd.DataFrame, keys: Sequence[str], *, height: str = "h_corr", options: RateOptions | None = None
) -> pd.DataFrame:
    """
    Fit a line through the heights of each point, weighted by 1/sigma^2, with errors from the covariance.

    Parameters
    ----------
    heights : DataFrame, one row for each point and time: the keys, `time`, `height`, `<height>_sigma` (m) and perhaps
        sigma_systematic (m, the error that a pass shares, else 0.03 m), already filtered. Rows without a positive,
        finite sigma cannot be weighted and do not count
    keys : columns that name a point, such as ["rgt", "pair", "ref_pt"]
    height : column, whose error has its name with _sigma. Default: h_corr
    options : RateOptions. Default: those of a study

    Returns
    -------
    DataFrame, one row per point in the order of keys, units in attrs:
        keys. Other columns that are constant for a point (`latitude`, ...) are left to the caller
        dhdt, dhdt_sigma : m/yr, positive where the surface rises, from the covariance, times sqrt(chi2_reduced) if
        that is above 1. NaN for points with too few heights or too short a span
        dhdt_sigma_systematic : m/yr, of the errors that a whole pass shares: rms(sigma_systematic) / (T sqrt(N / 12)).
        It does not average out along the track and is not in dhdt_sigma
        dhdt_theil_sen : m/yr, median of the slopes between all pairs of heights, which is robust to outliers
        n_cycles, n_left_out : heights that count, and those left out as outliers (see Notes)
        h, h_sigma : m, the line at `year`, the weighted mean time
        amplitude, day_of_maximum : of the yearly cycle (m, days after 1 January), NaN if none was fitted
        chi2_reduced, first_year, last_year

    Notes
    -----
    The error from the covariance assumes independent heights. Rows with NaN sigma are dropped, never taken as zero.
    h_corr_sigma_systematic of ATL11 does not enter, as it does not for crossovers: on real granules its median is 0.3
    to 100 m, a bound on pointing times slope, which would outweigh what heights and neighbours show.

    Among five or more heights, those five errors from the line are left out, first from the line of the median slope,
    then from the fit without them. The error is the height's own with 0.03 m that a pass shares, multiplied by the
    excess scatter of the others (1.4826 x median of abs(residual/error), times 1 + 4 / degrees of freedom). Two heights
    in a row on one side are a change of the surface and stay. All stay if more than a quarter would be left out, or
    half of the time between the first and the last, since such a line cannot decide.
    """
    return rates_and_kept(heights, keys, height=height, options=options)[0]


def rates_and_kept(
    heights: pd.DataFrame, keys: Sequence[str], *, height: str = "h_corr", options: RateOptions | None = None
) -> tuple[pd.DataFrame, np.ndarray]:
    """
    Fit rates as `rates` does, and return which heights they are based on.

    Parameters
    ----------
    heights, keys, height, options : as in `rates`

    Returns
    -------
    table : DataFrame of `rates`
    kept : (n,) bool array, rows of `heights` that count, False also for those without a height or an error
    """
    options = options or RateOptions()
    columns = _columns(heights, keys, height)
    n = columns["start"].size - 1
    out = np.full((n, len(FIELDS)), np.nan)
    min_annual = MIN_CYCLES_ANNUAL if options.annual else 0
    counts = np.ones(columns["t"].size, dtype=bool)
    rows = Heights._make((*(columns[name] for name in Heights._fields[:-1]), counts))
    fit_points(columns["start"], rows, Needs(options.min_cycles, float(options.min_years), min_annual), out)
    table = columns["points"]
    for k, name in enumerate(FIELDS):
        table[name] = out[:, k].astype("i4") if name in _COUNTS else out[:, k]
    table.attrs["units"] = dict(UNITS)
    kept = np.zeros(len(heights), dtype=bool)
    kept[columns["rows"]] = counts
    return table, kept


def rate_reference(year: np.ndarray, h: np.ndarray, sigma: np.ndarray) -> tuple[float, float]:
    """
    Compute dhdt and dhdt_sigma of one point without a yearly cycle by least squares, as the reference implementation.

    Parameters
    ----------
    year : (n,) decimal years
    h, sigma : (n,) m

    Returns
    -------
    dhdt, dhdt_sigma : m/yr
    """
    a = np.column_stack([np.ones_like(year), year - np.mean(year)]) / sigma[:, None]
    x, _, _, _ = np.linalg.lstsq(a, h / sigma, rcond=None)
    chi2 = np.sum((h / sigma - a @ x) ** 2)
    scale = max(1.0, chi2 / max(year.size - 2, 1))
    return x[1], np.sqrt(np.linalg.inv(a.T @ a)[1, 1] * scale)


def usable(heights: pd.DataFrame, *, quality: bool = True, max_slope: float = np.inf) -> np.ndarray:
    """
    Return which ATL11 heights to use, with a slope test that replaces the product's.

    `ref_surf/fit_quality` is documented to flag slopes above 0.02, while the product's code tests 0.2 and misses
    negative ones (SmithB/ATL11:ATL11/point.py). Here the steepest slope counts.

    Parameters
    ----------
    heights : DataFrame with h_corr, h_corr_sigma, quality_summary, n_slope, e_slope
    quality : whether quality_summary must be 0. Default: True
    max_slope : largest hypot(n_slope, e_slope). Points without a slope pass. Default: no limit

    Returns
    -------
    (n,) bool array
    """
    sigma = heights["h_corr_sigma"].to_numpy("f8")
    slope = np.hypot(heights["n_slope"].to_numpy("f8"), heights["e_slope"].to_numpy("f8"))
    passed = np.isfinite(heights["h_corr"].to_numpy("f8")) & np.isfinite(sigma) & (sigma > 0) & ~(slope > max_slope)
    return passed & (heights["quality_summary"].to_numpy() == 0) if quality else passed


def _columns(heights, keys, height):
    """Return the rows in the order of points and time as arrays, with `start` as the first row of each point."""
    sigma = heights[f"{height}_sigma"].to_numpy("f8")
    h = heights[height].to_numpy("f8")
    year = decimal_year(heights["time"].to_numpy())
    shared = "sigma_systematic"
    systematic = heights[shared].to_numpy("f8") if shared in heights else np.full(h.size, SIGMA_PASS)
    usable = np.flatnonzero(np.isfinite(h) & np.isfinite(sigma) & (sigma > 0) & np.isfinite(year))
    part = heights.iloc[usable]
    codes = part.groupby(list(keys), observed=True, sort=True).ngroup().to_numpy() if len(part) else np.empty(0, "i8")
    order = usable[np.lexsort((year[usable], codes))]
    sorted_codes = np.sort(codes, kind="stable")
    start = np.append(np.flatnonzero(np.diff(sorted_codes, prepend=-1)), usable.size)
    points = heights.iloc[order[start[:-1]]][list(keys)].reset_index(drop=True)
    return {
        "start": start,
        "rows": order,
        "t": year[order],
        "h": h[order],
        "sigma": sigma[order],
        "systematic": systematic[order],
        "points": points,
    }
