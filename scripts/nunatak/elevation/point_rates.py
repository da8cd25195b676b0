"""Rates of height change at points seen several times: weighted lines with covariance, and medians of slopes beside."""

from __future__ import annotations

import numpy as np

from nunatak.constants import SIGMA_PASS
from nunatak.elevation.line_fits import FIELDS, Heights, Needs, fit_points
from nunatak.parameters.elevation import RateOptions
from nunatak.times import decimal_year

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
MIN_CYCLES_ANNUAL = 8  # heights a point needs for a yearly cycle of its own


def rates(heights, keys, *, height="h_corr", options=None):
    """
    A line through the heights of each point, weighted by 1/sigma^2, errors by covariance.

    Parameters
    ----------
    heights : DataFrame, a row for each point and time: the keys, `time`, `height`, `height`_sigma (m) and, where known,
        sigma_systematic (m): the error that a pass shares, else 0.03 m; filtered as wished. Rows without a positive,
        finite sigma cannot be weighted and do not count
    keys : columns that name a point, such as ["rgt", "pair", "ref_pt"]
    height : column; its error has its name with _sigma
    options : RateOptions. Default: those of a study

    Returns
    -------
    DataFrame, one row per point in the order of keys, units in attrs:
        keys; the other columns of the point's first row that do not change (`latitude`, ...) are left to the caller
        dhdt, dhdt_sigma : m/yr, positive where the surface rises; from the covariance, times sqrt(chi2_reduced) where
            that is above 1; NaN for points with too few heights or too short a span
        dhdt_sigma_systematic : m/yr, of the errors that a whole pass shares: rms(sigma_systematic) / (T sqrt(N / 12)).
            It does not average out along the track and is not in dhdt_sigma
        dhdt_theil_sen : m/yr, median of the slopes between all two heights: hears no outlier
        n_cycles, n_left_out : heights that count, and those left out because they lie off the line; see Notes
        h, h_sigma : m, the line at `year`, the weighted mean time
        amplitude, day_of_maximum : of the yearly cycle (m, days after 1 January); NaN where none was fitted
        chi2_reduced, first_year, last_year

    Notes
    -----
    The error from the covariance is of independent heights. NaN sigmas are dropped, never taken for zero. What ATL11
    states as h_corr_sigma_systematic does not enter, as it does not for crossovers: on real granules its median is 0.3
    to 100 m, a bound on pointing times slope, and it would outweigh what heights and neighbours show.

    Of five heights or more, those that lie off the line by five errors are left out: first off the line of the median
    slope, then off the fit without them. The error is the height's own with 0.03 m that a pass shares, times what the
    others scatter more than theirs (1.4826 x median of |residual / error|, times 1 + 4 / degrees of freedom). Two
    heights in a row on one side are a change of the surface and stay. All stay where more than a quarter would go, or
    half of the time between the first and the last: such a line is no judge.
    """
    return rates_and_kept(heights, keys, height=height, options=options)[0]


def rates_and_kept(heights, keys, *, height="h_corr", options=None):
    """
    Fit rates as `rates` does, and say which heights they rest on.

    Returns
    -------
    table : DataFrame of `rates`
    kept : (n,) bool array, rows of `heights` that count; false also for those without a height or an error
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


def rate_reference(year, h, sigma):
    """The definition of dhdt and dhdt_sigma for one point without a yearly cycle, through least squares as written."""
    a = np.column_stack([np.ones_like(year), year - np.mean(year)]) / sigma[:, None]
    x, _, _, _ = np.linalg.lstsq(a, h / sigma, rcond=None)
    chi2 = np.sum((h / sigma - a @ x) ** 2)
    scale = max(1.0, chi2 / max(year.size - 2, 1))
    return x[1], np.sqrt(np.linalg.inv(a.T @ a)[1, 1] * scale)


def usable(heights, *, quality=True, max_slope=np.inf):
    """
    Which ATL11 heights to use, by a slope test of our own.

    `ref_surf/fit_quality` is documented to flag slopes above 0.02, while the product's code tests 0.2 and misses those
    that are negative (SmithB/ATL11:ATL11/point.py); here the steepest slope counts.

    Parameters
    ----------
    heights : DataFrame with h_corr, h_corr_sigma, quality_summary, n_slope, e_slope
    quality : quality_summary must be 0
    max_slope : of hypot(n_slope, e_slope); points without a slope pass

    Returns
    -------
    (n,) bool array
    """
    sigma = heights["h_corr_sigma"].to_numpy("f8")
    slope = np.hypot(heights["n_slope"].to_numpy("f8"), heights["e_slope"].to_numpy("f8"))
    passed = np.isfinite(heights["h_corr"].to_numpy("f8")) & np.isfinite(sigma) & (sigma > 0) & ~(slope > max_slope)
    return passed & (heights["quality_summary"].to_numpy() == 0) if quality else passed


def _columns(heights, keys, height):
    """The rows in the order of points and time, as arrays; `start` marks where each point begins."""
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
