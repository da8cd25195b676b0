"""Kernels that fit a line, and a yearly cycle, to the heights of each point and leave out those that lie off it."""

from __future__ import annotations

import numpy as np

from nunatak.kernels import kernel

_MAD = 1.4826  # median absolute deviation to standard deviation, normal errors
_LIMIT = 5.0  # errors from the line beyond which a height is left out
_LEAST_ERROR = 0.03  # m, what a pass shares (radial orbit error in SmithB/ATL1415:ATL1415/read_ATL11.py)
_FEWEST = 5  # heights of a point among which one can be said to be wrong
_ROUNDS = 4  # most fits of a point


@kernel
def fit_points(start, t, h, sigma, systematic, min_cycles, min_years, min_annual, kept, out):
    """
    Fit a line, and a yearly cycle where `min_annual` heights are there, to the heights of each point.

    Parameters
    ----------
    start : (n + 1,) first row of each point, and the number of rows
    t, h, sigma, systematic : (rows,) decimal year and m, in the order of points and time
    min_cycles, min_years, min_annual : as `point_rates.RateOptions`; min_annual 0 for lines alone
    kept : (rows,) bool, all true; false in the end for heights left out
    out : (n, 14) NaN; filled in the order of the fields of `point_rates.rates`
    """
    longest = 1
    for i in range(start.size - 1):
        longest = max(longest, start[i + 1] - start[i])
    slopes = np.empty(longest * (longest - 1) // 2 + 1)
    residual, work = np.empty(longest), np.empty(longest)
    a, b, inverse = np.empty((4, 4)), np.empty(4), np.empty((4, 4))
    row, fit = np.empty(4), np.empty(4)
    for i in range(start.size - 1):
        low, high = start[i], start[i + 1]
        out[i, 12], out[i, 13] = high - low, 0
        out[i, 10], out[i, 11] = t[low], t[high - 1]
        span = t[high - 1] - t[low]
        if high - low < min_cycles or high - low < 2 or span < min_years or span <= 0:
            continue
        slope = _theil_sen(t, h, low, high, slopes)
        for j in range(low, high):
            residual[j - low] = h[j] - h[low] - slope * t[j]
        centre = np.median(residual[: high - low])
        for j in range(high - low):
            residual[j] -= centre
        _leave_out(residual, t, sigma, low, high, 2, kept, work)
        mean, p, chi2 = 0.0, 0, 0.0
        for _ in range(_ROUNDS):
            mean, p = _solve(t, h, sigma, kept, low, high, min_annual, a, b, inverse, row, fit)
            if p == 0:
                break
            chi2 = _residuals(t, h, sigma, kept, low, high, mean, p, fit, row, residual)
            if not _leave_out(residual, t, sigma, low, high, p, kept, work):
                break
        _write(t, h, systematic, kept, low, high, min_cycles, min_years, mean, p, chi2, fit, inverse, slope, out[i])


@kernel
def _leave_out(residual, t, sigma, low, high, p, kept, work):
    """Mark the heights that lie off a line; returns whether others than before count."""
    n, m = high - low, 0
    if n < _FEWEST:
        return False
    for j in range(n):
        if kept[low + j]:
            work[m] = abs(residual[j]) / np.hypot(sigma[low + j], _LEAST_ERROR)
            m += 1
    # the spread of a few heights about their own line is often small by chance
    spread = _MAD * np.median(work[:m]) * (1.0 + 4.0 / max(m - p, 1))
    for j in range(n):
        error = np.hypot(sigma[low + j], _LEAST_ERROR) * max(spread, 1.0)
        off = abs(residual[j]) > _LIMIT * error
        work[j] = np.sign(residual[j]) if off else 0.0
    bad, first, last = 0, np.inf, -np.inf
    for j in range(n):
        beside = (j > 0 and work[j - 1] == work[j]) or (j < n - 1 and work[j + 1] == work[j])
        if work[j] != 0 and not beside:
            bad += 1
        else:
            first, last = min(first, t[low + j]), max(last, t[low + j])
    # too many, or the one that all depends on: the line is no judge
    all_stay = 4 * bad > n or last - first < 0.5 * (t[high - 1] - t[low])
    changed = False
    for j in range(n):
        beside = (j > 0 and work[j - 1] == work[j]) or (j < n - 1 and work[j + 1] == work[j])
        counts = work[j] == 0 or beside or all_stay
        changed = changed or counts != kept[low + j]
        kept[low + j] = counts
    return changed


@kernel
def _solve(t, h, sigma, kept, low, high, min_annual, a, b, inverse, row, fit):
    """Fit the heights that count; returns their weighted mean time and the number of terms, 0 where there is no fit."""
    total, mean, n = 0.0, 0.0, 0
    for j in range(low, high):
        if kept[j]:
            w = 1.0 / (sigma[j] * sigma[j])
            total += w
            mean += w * t[j]
            n += 1
    mean /= total
    p = 4 if min_annual > 0 and n >= min_annual else 2
    _normal_equations(t, h, sigma, kept, low, high, mean, p, a, b, row)
    if not _invert(a, inverse, p):
        if p == 2:
            return mean, 0
        p = 2  # all heights of one season: no yearly cycle to be had
        _normal_equations(t, h, sigma, kept, low, high, mean, p, a, b, row)
        if not _invert(a, inverse, p):
            return mean, 0
    for k in range(p):
        fit[k] = 0.0
        for m in range(p):
            fit[k] += inverse[k, m] * b[m]
    return mean, p


@kernel
def _residuals(t, h, sigma, kept, low, high, mean, p, fit, row, residual):
    """Put each height less the fit into `residual`; returns chi2 of those that count."""
    chi2 = 0.0
    for j in range(low, high):
        _design(t[j], mean, p, row)
        model = 0.0
        for k in range(p):
            model += row[k] * fit[k]
        residual[j - low] = h[j] - h[low] - model
        if kept[j]:
            chi2 += (residual[j - low] / sigma[j]) ** 2
    return chi2


@kernel
def _write(t, h, systematic, kept, low, high, min_cycles, min_years, mean, p, chi2, fit, inverse, slope, out):
    n, shared, first, last = 0, 0.0, np.inf, -np.inf
    for j in range(low, high):
        if kept[j]:
            n += 1
            shared += systematic[j] * systematic[j]
            first, last = min(first, t[j]), max(last, t[j])
    out[12], out[13] = n, high - low - n
    out[10], out[11] = first, last
    span = last - first
    if p == 0 or n < min_cycles or span < min_years or span <= 0:
        return
    reduced = chi2 / max(n - p, 1)
    scale = max(1.0, reduced)
    out[0], out[1] = fit[1], np.sqrt(inverse[1, 1] * scale)
    out[2] = np.sqrt(shared / n) / (span * np.sqrt(n / 12.0))
    out[3] = slope
    out[4], out[5] = fit[0] + h[low], np.sqrt(inverse[0, 0] * scale)
    if p == 4:
        out[6] = np.hypot(fit[2], fit[3])
        out[7] = (np.arctan2(fit[2], fit[3]) / (2 * np.pi) % 1.0) * 365.25
    out[8], out[9] = reduced, mean


@kernel
def _design(t, mean, p, row):
    row[0], row[1] = 1.0, t - mean
    if p == 4:
        row[2], row[3] = np.sin(2 * np.pi * t), np.cos(2 * np.pi * t)


@kernel
def _normal_equations(t, h, sigma, kept, low, high, mean, p, a, b, row):
    a[:], b[:] = 0.0, 0.0
    for j in range(low, high):
        if not kept[j]:
            continue
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
