"""Fit a line, and a yearly cycle, to the heights of each point in compiled kernels, without outliers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.constants import DAYS_PER_YEAR, MAD_TO_SIGMA, SIGMA_PASS

_LIMIT = 5.0  # distance from the line, in errors, beyond which a height is left out
_FEWEST = 5  # fewest heights of a point for finding an outlier
_ROUNDS = 4  # most fits of a point


FIELDS = (
    "dhdt",
    "dhdt_sigma",
    "dhdt_sigma_systematic",
    "dhdt_theil_sen",
    "h",
    "h_sigma",
    "amplitude",
    "day_of_maximum",
    "chi2_reduced",
    "year",
    "first_year",
    "last_year",
    "n_cycles",
    "n_left_out",
)
(
    DHDT,
    DHDT_SIGMA,
    DHDT_SIGMA_SYSTEMATIC,
    DHDT_THEIL_SEN,
    H,
    H_SIGMA,
    AMPLITUDE,
    DAY_OF_MAXIMUM,
    CHI2_REDUCED,
    YEAR,
    FIRST_YEAR,
    LAST_YEAR,
    N_CYCLES,
    N_LEFT_OUT,
) = range(len(FIELDS))


class Heights(NamedTuple):
    """Heights of points in the order of points and time, or those of one point."""

    t: np.ndarray
    """decimal year"""
    h: np.ndarray
    """m"""
    sigma: np.ndarray
    """m"""
    systematic: np.ndarray
    """m, error that the heights of a pass share"""
    kept: np.ndarray
    """bool, overwritten: false for heights left out of the fit"""


class Needs(NamedTuple):
    """Conditions for the rate of a point, as in `point_rates.RateOptions`."""

    min_cycles: int
    min_years: float
    min_annual: int
    """smallest number of heights for a yearly cycle, 0 for lines alone"""


class Work(NamedTuple):
    """Working memory of the fit of one point."""

    slopes: np.ndarray
    residual: np.ndarray
    deviations: np.ndarray
    matrix: np.ndarray
    right: np.ndarray
    inverse: np.ndarray
    row: np.ndarray
    fit: np.ndarray


@kernel
def fit_points(start: np.ndarray, heights: Heights, needs: Needs, out: np.ndarray) -> None:
    """
    Fit a line, and a yearly cycle if there are enough heights, to the heights of each point.

    Parameters
    ----------
    start : (n + 1,) first row of each point, and the number of rows
    heights : Heights of all points, with `kept` all True at first
    needs : Needs
    out : (n, 14) NaN, filled with the columns of `FIELDS`
    """
    longest = 1
    for i in range(start.size - 1):
        longest = max(longest, start[i + 1] - start[i])
    work = Work(
        np.empty(longest * (longest - 1) // 2 + 1),
        np.empty(longest),
        np.empty(longest),
        np.empty((4, 4)),
        np.empty(4),
        np.empty((4, 4)),
        np.empty(4),
        np.empty(4),
    )
    for i in range(start.size - 1):
        low, high = start[i], start[i + 1]
        point = Heights(
            heights.t[low:high],
            heights.h[low:high],
            heights.sigma[low:high],
            heights.systematic[low:high],
            heights.kept[low:high],
        )
        _fit_point(point, needs, work, out[i])


@kernel
def _fit_point(point, needs, work, out):
    """Fit one point: first a robust line, then least squares of the heights close to it."""
    n = point.t.size
    out[N_CYCLES], out[N_LEFT_OUT] = n, 0
    out[FIRST_YEAR], out[LAST_YEAR] = point.t[0], point.t[n - 1]
    span = point.t[n - 1] - point.t[0]
    if n < needs.min_cycles or n < 2 or span < needs.min_years or span <= 0:
        return
    slope = _theil_sen(point.t, point.h, work.slopes)
    residual = work.residual
    for j in range(n):
        residual[j] = point.h[j] - point.h[0] - slope * point.t[j]
    centre = np.median(residual[:n])
    for j in range(n):
        residual[j] -= centre
    _leave_out(point, residual, 2, work.deviations)
    mean, p, chi2 = 0.0, 0, 0.0
    for _ in range(_ROUNDS):
        mean, p = _solve(point, needs.min_annual, work)
        if p == 0:
            break
        chi2 = _residuals(point, mean, p, work)
        if not _leave_out(point, residual, p, work.deviations):
            break
    _write(point, needs, mean, p, chi2, slope, work, out)


@kernel
def _leave_out(point, residual, p, work):
    """Mark the heights far from a line, and return whether the marks changed."""
    t, sigma, kept = point.t, point.sigma, point.kept
    n, m = t.size, 0
    if n < _FEWEST:
        return False
    for j in range(n):
        if kept[j]:
            work[m] = abs(residual[j]) / np.hypot(sigma[j], SIGMA_PASS)
            m += 1
    # The spread of a few heights about their own line is often small by chance.
    spread = MAD_TO_SIGMA * np.median(work[:m]) * (1.0 + 4.0 / max(m - p, 1))
    for j in range(n):
        error = np.hypot(sigma[j], SIGMA_PASS) * max(spread, 1.0)
        off = abs(residual[j]) > _LIMIT * error
        work[j] = np.sign(residual[j]) if off else 0.0
    bad, first, last = 0, np.inf, -np.inf
    for j in range(n):
        beside = (j > 0 and work[j - 1] == work[j]) or (j < n - 1 and work[j + 1] == work[j])
        if work[j] != 0 and not beside:
            bad += 1
        else:
            first, last = min(first, t[j]), max(last, t[j])
    # With too many outliers, or one on which the line depends, the line cannot decide.
    all_stay = 4 * bad > n or last - first < 0.5 * (t[n - 1] - t[0])
    changed = False
    for j in range(n):
        beside = (j > 0 and work[j - 1] == work[j]) or (j < n - 1 and work[j + 1] == work[j])
        counts = work[j] == 0 or beside or all_stay
        changed = changed or counts != kept[j]
        kept[j] = counts
    return changed


@kernel
def _solve(point, min_annual, work):
    """Fit the heights that count, and return their weighted mean time and the number of terms, 0 without a fit."""
    t, sigma, inverse = point.t, point.sigma, work.inverse
    total, mean, n = 0.0, 0.0, 0
    for j in range(t.size):
        if point.kept[j]:
            w = 1.0 / (sigma[j] * sigma[j])
            total += w
            mean += w * t[j]
            n += 1
    mean /= total
    p = 4 if min_annual > 0 and n >= min_annual else 2
    _normal_equations(point, mean, p, work)
    if not _invert(work.matrix, inverse, p):
        if p == 2:
            return mean, 0
        p = 2  # all heights are of one season: no yearly cycle
        _normal_equations(point, mean, p, work)
        if not _invert(work.matrix, inverse, p):
            return mean, 0
    for k in range(p):
        work.fit[k] = 0.0
        for m in range(p):
            work.fit[k] += inverse[k, m] * work.right[m]
    return mean, p


@kernel
def _residuals(point, mean, p, work):
    """Write each height less the fit to the residuals, and return chi2 of the heights that count."""
    chi2 = 0.0
    for j in range(point.t.size):
        _design(point.t[j], mean, p, work.row)
        model = 0.0
        for k in range(p):
            model += work.row[k] * work.fit[k]
        work.residual[j] = point.h[j] - point.h[0] - model
        if point.kept[j]:
            chi2 += (work.residual[j] / point.sigma[j]) ** 2
    return chi2


@kernel
def _write(point, needs, mean, p, chi2, slope, work, out):
    """Write the rate and its errors if enough heights count."""
    t, fit, inverse = point.t, work.fit, work.inverse
    n, shared, first, last = 0, 0.0, np.inf, -np.inf
    for j in range(t.size):
        if point.kept[j]:
            n += 1
            shared += point.systematic[j] * point.systematic[j]
            first, last = min(first, t[j]), max(last, t[j])
    out[N_CYCLES], out[N_LEFT_OUT] = n, t.size - n
    out[FIRST_YEAR], out[LAST_YEAR] = first, last
    span = last - first
    if p == 0 or n < needs.min_cycles or span < needs.min_years or span <= 0:
        return
    reduced = chi2 / max(n - p, 1)
    scale = max(1.0, reduced)
    out[DHDT], out[DHDT_SIGMA] = fit[1], np.sqrt(inverse[1, 1] * scale)
    out[DHDT_SIGMA_SYSTEMATIC] = np.sqrt(shared / n) / (span * np.sqrt(n / 12.0))
    out[DHDT_THEIL_SEN] = slope
    out[H], out[H_SIGMA] = fit[0] + point.h[0], np.sqrt(inverse[0, 0] * scale)
    if p == 4:
        out[AMPLITUDE] = np.hypot(fit[2], fit[3])
        out[DAY_OF_MAXIMUM] = (np.arctan2(fit[2], fit[3]) / (2 * np.pi) % 1.0) * DAYS_PER_YEAR
    out[CHI2_REDUCED], out[YEAR] = reduced, mean


@kernel
def _design(t, mean, p, row):
    """Write the row of the design matrix at a time."""
    row[0], row[1] = 1.0, t - mean
    if p == 4:
        row[2], row[3] = np.sin(2 * np.pi * t), np.cos(2 * np.pi * t)


@kernel
def _normal_equations(point, mean, p, work):
    """Write the normal equations of the heights that count."""
    a, b, row = work.matrix, work.right, work.row
    a[:], b[:] = 0.0, 0.0
    for j in range(point.t.size):
        if not point.kept[j]:
            continue
        _design(point.t[j], mean, p, row)
        w = 1.0 / (point.sigma[j] * point.sigma[j])
        for k in range(p):
            b[k] += w * row[k] * (point.h[j] - point.h[0])  # relative to the first height, to keep digits
            for m in range(p):
                a[k, m] += w * row[k] * row[m]


@kernel
def _invert(a, inverse, p):
    """Invert a small positive definite matrix by Gauss and Jordan, and return False if it is singular."""
    work = a.copy()
    inverse[:] = 0.0
    for k in range(p):
        inverse[k, k] = 1.0
    for k in range(p):
        pivot = work[k, k]
        # The k-th column depends on the ones before it: all times are equal, or of one season. A sine is small as a
        # whole where all times are half years apart.
        if pivot <= 1e-10 * max(a[k, k], a[0, 0] if k > 1 else 0.0):
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
def _theil_sen(t, h, slopes):
    """Return the median of the slopes between all pairs of heights."""
    n = 0
    for j in range(t.size):
        for k in range(j + 1, t.size):
            if t[k] > t[j]:
                slopes[n] = (h[k] - h[j]) / (t[k] - t[j])
                n += 1
    return np.median(slopes[:n])
