"""Rates of height change at points seen several times: weighted lines with covariance, and medians of slopes beside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nunatak.kernels import kernel
from nunatak.times import decimal_year

# Columns of a fit's result, in the kernel's order.
_FIELDS = (
    "dhdt", "dhdt_sigma", "dhdt_sigma_systematic", "dhdt_theil_sen", "h", "h_sigma", "amplitude", "day_of_maximum",
    "chi2_reduced", "year", "first_year", "last_year", "n_cycles",
)  # fmt: skip
UNITS = {
    "dhdt": "m/yr", "dhdt_sigma": "m/yr", "dhdt_sigma_systematic": "m/yr", "dhdt_theil_sen": "m/yr", "h": "m",
    "h_sigma": "m", "amplitude": "m", "day_of_maximum": "days", "year": "decimal year", "first_year": "decimal year",
    "last_year": "decimal year",
}  # fmt: skip
_GROUPS = 5  # tracks or passes that it takes to say that one disagrees with the others
_MAD = 1.4826  # median absolute deviation to standard deviation, normal errors


@dataclass(frozen=True)
class RateOptions:
    """When a point gets a rate, and how."""

    min_cycles: int = 4
    """heights a point needs"""
    min_years: float = 1.5
    """yr from its first to its last height"""
    annual: bool = False
    """fit a yearly cycle too, where a point has `min_cycles_annual` heights"""
    min_cycles_annual: int = 8
    """heights a point needs for a yearly cycle of its own"""


def rates(heights, keys, *, height="h_corr", options=None):
    """
    A line through the heights of each point, weighted by 1/sigma^2, errors by covariance.

    Parameters
    ----------
    heights : DataFrame, a row for each point and time: the keys, `time`, `height`, `height`_sigma and, where known,
        `height`_sigma_systematic (m); filtered as wished. Rows without a positive, finite sigma cannot be weighted and
        do not count
    keys : columns that name a point, such as ["rgt", "pair", "ref_pt"]
    height : column; its errors have its name with _sigma and _sigma_systematic
    options : RateOptions

    Returns
    -------
    DataFrame, one row per point in the order of keys, units in attrs:
        keys; the other columns of the point's first row that do not change (`latitude`, ...) are left to the caller
        dhdt, dhdt_sigma : m/yr, positive where the surface rises; from the covariance, times sqrt(chi2_reduced) where
            that is above 1; NaN for points with too few heights or too short a span
        dhdt_sigma_systematic : m/yr, of the errors that a whole pass shares: rms(sigma_systematic) / (T sqrt(N / 12)).
            It does not average out along the track and is not in dhdt_sigma
        dhdt_theil_sen : m/yr, median of the slopes between all two heights: hears no outlier
        h, h_sigma : m, the line at `year`, the weighted mean time
        amplitude, day_of_maximum : of the yearly cycle (m, days after 1 January); NaN where none was fitted
        chi2_reduced, n_cycles, first_year, last_year

    Notes
    -----
    The error from the covariance is of independent heights. NaN sigmas are dropped, never taken for zero.
    """
    options = options or RateOptions()
    columns = _columns(heights, keys, height)
    n = columns["start"].size - 1
    out = np.full((n, len(_FIELDS)), np.nan)
    arrays = [columns[name] for name in ("start", "t", "h", "sigma", "systematic")]
    min_annual = options.min_cycles_annual if options.annual else 0
    _fit_points(*arrays, options.min_cycles, options.min_years, min_annual, out)
    table = columns["points"]
    for k, name in enumerate(_FIELDS):
        table[name] = out[:, k].astype("i4") if name == "n_cycles" else out[:, k]
    table.attrs["units"] = dict(UNITS)
    return table


def rate_reference(year, h, sigma):
    """The definition of dhdt and dhdt_sigma for one point without a yearly cycle, through least squares as written."""
    a = np.column_stack([np.ones_like(year), year - np.mean(year)]) / sigma[:, None]
    x, _, _, _ = np.linalg.lstsq(a, h / sigma, rcond=None)
    chi2 = np.sum((h / sigma - a @ x) ** 2)
    scale = max(1.0, chi2 / max(year.size - 2, 1))
    return x[1], np.sqrt(np.linalg.inv(a.T @ a)[1, 1] * scale)


def pass_residuals(heights, points, keys, *, height="h_corr"):
    """
    What each pass lies above or below the lines of its own points: one bad pass stands out.

    Parameters
    ----------
    heights : as for `rates`
    points : what `rates` returned for them; the medians of slopes are used, which one bad pass does not bend

    Returns
    -------
    DataFrame by rgt and cycle: n, median (m, of the pass above the line through the medians of all passes of its
        track), nmad (m), and z: the median against the spread of all passes' medians

    Notes
    -----
    One bad pass moves a point's own median of slopes by a good part of the noise of a single height. The medians of the
    passes have next to none, and the line drawn through them once more takes this out.
    """
    cycle = ["amplitude", "day_of_maximum"]
    both = heights.merge(points[[*keys, "dhdt_theil_sen", *cycle]], on=keys)
    both = both[np.isfinite(both["dhdt_theil_sen"]) & np.isfinite(both[height])]
    both["_year"] = decimal_year(both["time"])
    # where a yearly cycle was fitted it is no fault of a pass
    phase = 2 * np.pi * (both["_year"] - both["day_of_maximum"] / 365.25)
    season = (both["amplitude"] * np.cos(phase)).fillna(0.0)
    both["_line"] = both[height].astype("f8") - season - both["dhdt_theil_sen"] * both["_year"]
    grouped = both.groupby(list(keys), observed=True, sort=False)["_line"]
    both["_residual"] = both["_line"] - grouped.transform("median")
    table = spread_by(both, "_residual", ["rgt", "cycle"])
    table["_year"] = both.groupby(["rgt", "cycle"], observed=True)["_year"].mean().to_numpy()
    for rows in table.groupby("rgt").indices.values():
        year, median = table["_year"].to_numpy()[rows], table["median"].to_numpy()[rows]
        one, two = np.triu_indices(rows.size, 1)
        slope = np.median((median[two] - median[one]) / (year[two] - year[one])) if one.size else 0.0
        line = median - slope * year
        table.loc[rows, "median"] = line - np.median(line)
    return _with_z(table.drop(columns="_year"))


def track_outliers(rates_table, residual, *, by=("rgt",), limit=4.0):
    """
    Tracks that disagree with the others around them.

    Parameters
    ----------
    rates_table : rates of points
    residual : (n,) array, m/yr: each rate less what the other tracks say at its place
    limit : `outlier` is true where |z| exceeds it; z compares the track's median with the spread of all tracks', NaN
        for fewer than five tracks

    Returns
    -------
    DataFrame by `by`: n, median (m/yr), nmad, z, outlier; the worst first
    """
    table = rates_table[list(by)].assign(_residual=np.asarray(residual, dtype=float))
    found = _with_z(spread_by(table[np.isfinite(table["_residual"])], "_residual", list(by)))
    found["outlier"] = found["z"].abs() > limit
    return found.sort_values("z", key=lambda z: -z.abs(), kind="stable").reset_index(drop=True)


def spread_by(table, column, by):
    """n, median and NMAD (1.4826 x median absolute deviation) of a column by groups."""
    groups = table.groupby(by, observed=True)[column]
    found = groups.agg(n="size", median="median").reset_index()
    deviation = (table[column] - groups.transform("median")).abs()
    found["nmad"] = _MAD * deviation.groupby([table[name] for name in by], observed=True).median().to_numpy()
    return found


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


def without_tide(heights, floating):
    """
    Heights of floating ice without the ocean tide and the dynamic atmosphere, which the product leaves in h_corr.

    Parameters
    ----------
    heights : DataFrame with h_corr, tide_ocean, dac (m)
    floating : (n,) bool array

    Returns
    -------
    DataFrame with h_corr less tide_ocean + dac where the ice floats; NaN where a correction is missing there
    """
    correction = np.where(floating, heights["tide_ocean"].to_numpy("f8") + heights["dac"].to_numpy("f8"), 0.0)
    return heights.assign(h_corr=(heights["h_corr"].to_numpy("f8") - correction))


def _with_z(table):
    """The median of each group against the spread of all groups' medians; NaN for fewer than five, which have none."""
    centre = table["median"].median()
    spread = _MAD * (table["median"] - centre).abs().median()
    known = len(table) >= _GROUPS and spread > 0
    table["z"] = (table["median"] - centre) / spread if known else np.nan
    return table


def _columns(heights, keys, height):
    """The rows in the order of points and time, as arrays; `start` marks where each point begins."""
    sigma = heights[f"{height}_sigma"].to_numpy("f8")
    h = heights[height].to_numpy("f8")
    year = decimal_year(heights["time"].to_numpy())
    shared = f"{height}_sigma_systematic"
    systematic = heights[shared].to_numpy("f8") if shared in heights else np.zeros(h.size)
    usable = np.flatnonzero(np.isfinite(h) & np.isfinite(sigma) & (sigma > 0) & np.isfinite(year))
    part = heights.iloc[usable]
    codes = part.groupby(list(keys), observed=True, sort=True).ngroup().to_numpy() if len(part) else np.empty(0, "i8")
    order = usable[np.lexsort((year[usable], codes))]
    sorted_codes = np.sort(codes, kind="stable")
    start = np.append(np.flatnonzero(np.diff(sorted_codes, prepend=-1)), usable.size)
    points = heights.iloc[order[start[:-1]]][list(keys)].reset_index(drop=True)
    return {"start": start, "t": year[order], "h": h[order], "sigma": sigma[order], "systematic": systematic[order],
            "points": points}  # fmt: skip


@kernel
def _fit_points(start, t, h, sigma, systematic, min_cycles, min_years, min_annual, out):
    longest = 1
    for i in range(start.size - 1):
        longest = max(longest, start[i + 1] - start[i])
    slopes = np.empty(longest * (longest - 1) // 2 + 1)
    a, b, inverse = np.empty((4, 4)), np.empty(4), np.empty((4, 4))
    row, fit = np.empty(4), np.empty(4)
    for i in range(start.size - 1):
        low, high = start[i], start[i + 1]
        n = high - low
        out[i, 12] = n
        out[i, 10], out[i, 11] = t[low], t[high - 1]
        span = t[high - 1] - t[low]
        if n < min_cycles or n < 2 or span < min_years or span <= 0:
            continue
        total, mean, shared = 0.0, 0.0, 0.0
        for j in range(low, high):
            w = 1.0 / (sigma[j] * sigma[j])
            total += w
            mean += w * t[j]
            shared += systematic[j] * systematic[j]
        mean /= total
        p = 4 if min_annual > 0 and n >= min_annual else 2
        _normal_equations(t, h, sigma, low, high, mean, p, a, b, row)
        if not _invert(a, inverse, p):
            if p == 2:
                continue
            p = 2  # all heights of one season: no yearly cycle to be had
            _normal_equations(t, h, sigma, low, high, mean, p, a, b, row)
            if not _invert(a, inverse, p):
                continue
        for k in range(p):
            fit[k] = 0.0
            for m in range(p):
                fit[k] += inverse[k, m] * b[m]
        chi2 = 0.0
        for j in range(low, high):
            _design(t[j], mean, p, row)
            model = 0.0
            for k in range(p):
                model += row[k] * fit[k]
            chi2 += ((h[j] - h[low] - model) / sigma[j]) ** 2
        reduced = chi2 / max(n - p, 1)
        scale = max(1.0, reduced)
        out[i, 0], out[i, 1] = fit[1], np.sqrt(inverse[1, 1] * scale)
        out[i, 2] = np.sqrt(shared / n) / (span * np.sqrt(n / 12.0))
        out[i, 3] = _theil_sen(t, h, low, high, slopes)
        out[i, 4], out[i, 5] = fit[0] + h[low], np.sqrt(inverse[0, 0] * scale)
        if p == 4:
            out[i, 6] = np.hypot(fit[2], fit[3])
            out[i, 7] = (np.arctan2(fit[2], fit[3]) / (2 * np.pi) % 1.0) * 365.25
        out[i, 8], out[i, 9] = reduced, mean


@kernel
def _design(t, mean, p, row):
    row[0], row[1] = 1.0, t - mean
    if p == 4:
        row[2], row[3] = np.sin(2 * np.pi * t), np.cos(2 * np.pi * t)


@kernel
def _normal_equations(t, h, sigma, low, high, mean, p, a, b, row):
    a[:], b[:] = 0.0, 0.0
    for j in range(low, high):
        _design(t[j], mean, p, row)
        w = 1.0 / (sigma[j] * sigma[j])
        for k in range(p):
            b[k] += w * row[k] * (h[j] - h[low])  # against the first height: heights of kilometres lose no digits
            for m in range(p):
                a[k, m] += w * row[k] * row[m]


@kernel
def _invert(a, inverse, p):
    """Inverse of a small positive definite matrix by Gauss and Jordan; False where it has none."""
    work = a.copy()
    inverse[:] = 0.0
    for k in range(p):
        inverse[k, k] = 1.0
    for k in range(p):
        pivot = work[k, k]
        # the k-th column depends on the ones before it: all times equal, or a year sampled at one season
        if pivot <= 1e-10 * a[k, k]:
            return False
        for m in range(p):
            work[k, m] /= pivot
            inverse[k, m] /= pivot
        for r in range(p):
            if r != k:
                factor = work[r, k]
                for m in range(p):
                    work[r, m] -= factor * work[k, m]
                    inverse[r, m] -= factor * inverse[k, m]
    return True


@kernel
def _theil_sen(t, h, low, high, slopes):
    n = 0
    for j in range(low, high):
        for k in range(j + 1, high):
            if t[k] > t[j]:
                slopes[n] = (h[k] - h[j]) / (t[k] - t[j])
                n += 1
    return np.median(slopes[:n])
