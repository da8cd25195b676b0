"""
Compute the trend inside the years of an annual fit from slopes between neighbouring annual means, and its errors.

A fit with constant years gives x1; the slopes S x1 times the levers of the pairs are taken out of the displacements,
and the second solution is x = x1 - N^-1 G S x1 = T x1, with G the sums of weight, lever and design. Its covariance is
T N^-1 T^T.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.velocity.arrow import solve


class Trend(NamedTuple):
    """The slopes of K years: a slope is share * (annual[after] - annual[before]) / years apart."""

    before: np.ndarray
    """(K,) index of the year before with a mean, -1 without one"""
    after: np.ndarray
    """(K,) index of the year after with a mean, -1 without one"""
    share: np.ndarray
    """(K,) 0 to 1, the part of the slope that counts"""
    slopes: np.ndarray
    """(K,) m/yr per year; scratch of `follow` once the right side is made"""
    gains: np.ndarray
    """(K, size) change of the unknowns per unit of slope"""


@kernel
def local_slopes(annual, variance, state, n_years, trend):
    """
    Compute the slope at the middle of each year, m/yr per year, from the annual means on both sides, else 0.

    Years without a mean are bridged, so that a gap does not stop the trend. A slope counts by the share of its square
    that exceeds its own variance (James and Stein's estimator), so that a poorly determined year does not bend its
    neighbours.

    Parameters
    ----------
    annual, variance : (K,) means and their variance; state : (K,) 1 where there is one
    trend : Trend, all but its gains overwritten
    """
    before, after, share, slopes = trend.before, trend.after, trend.share, trend.slopes
    for k in range(n_years):
        low, high = -1, -1
        for j in range(k - 1, -1, -1):
            if state[j] == 1:
                low = j
                break
        for j in range(k + 1, n_years):
            if state[j] == 1:
                high = j
                break
        if low < 0 and state[k] == 1:
            low = k
        if high < 0 and state[k] == 1:
            high = k
        share[k], slopes[k] = 0.0, 0.0
        before[k], after[k] = low, high
        if low >= 0 and high > low:
            change = annual[high] - annual[low]
            doubt = variance[high] + variance[low]
            if change * change > doubt:
                share[k] = 1.0 - doubt / (change * change)
                slopes[k] = share[k] * change / (high - low)


@kernel
def right_side(velocity, use, pairs, slopes, n_years, right):
    """Sum the right side without the trend inside each year, and return the sum of squares."""
    first, overlap, lever = pairs.first, pairs.overlap, pairs.lever
    right[:] = 0.0
    square = 0.0
    for i in use:
        d = velocity[i] * pairs.dt[i]
        k0 = first[i]
        for p in range(overlap.shape[1]):
            if overlap[i, p] == 0.0:
                break
            d -= slopes[k0 + p] * lever[i, p]
        wd = pairs.weight[i] * pairs.weight[i] * d
        square += wd * d
        for p in range(overlap.shape[1]):
            if overlap[i, p] == 0.0:
                break
            right[k0 + p] += wd * overlap[i, p]
        for c in range(right.size - n_years):
            right[n_years + c] += wd * pairs.seasonal[i, c]
    return square


@kernel
def slope_gains(use, pairs, normal, trend):
    """Compute the gains N^-1 G of the slope of each year, the change of the unknowns per unit of slope."""
    first, overlap, seasonal, share, gains = pairs.first, pairs.overlap, pairs.seasonal, trend.share, trend.gains
    n_years, size = normal.n_years, normal.lower.shape[0]
    gains[:] = 0.0
    for i in use:
        k0 = first[i]
        for p in range(overlap.shape[1]):
            if overlap[i, p] == 0.0:
                break
            if share[k0 + p] == 0.0:
                continue
            w = pairs.weight[i] * pairs.weight[i] * pairs.lever[i, p]
            own = gains[k0 + p]
            for r in range(overlap.shape[1]):
                if overlap[i, r] == 0.0:
                    break
                own[k0 + r] += w * overlap[i, r]
            for c in range(size - n_years):
                own[n_years + c] += w * seasonal[i, c]
    for k in range(n_years):
        if share[k] > 0.0:
            for j in range(size):
                if normal.state[j] <= 0:
                    gains[k, j] = 0.0
            solve(normal.lower, n_years, normal.band, gains[k])


@kernel
def follow(vector, trend, n_years):
    """Apply T to a vector of unknowns in place."""
    before, after, share, slopes, gains = trend.before, trend.after, trend.share, trend.slopes, trend.gains
    for k in range(n_years):
        slopes[k] = 0.0
        if share[k] > 0.0:
            slopes[k] = share[k] * (vector[int(after[k])] - vector[int(before[k])]) / (after[k] - before[k])
    for k in range(n_years):
        if slopes[k] != 0.0:
            for j in range(vector.size):
                vector[j] -= gains[k, j] * slopes[k]


@kernel
def followed_variance(trend, normal, row, last, out):
    """
    Compute the diagonal of T N^-1 T^T and return the covariance of the last two unknowns.

    Parameters
    ----------
    trend : Trend; its slopes are used as scratch
    normal : annual_fit.Normal
    row, last : (size,) scratch
    out : (size,) overwritten
    """
    before, after, share, other, gains = trend.before, trend.after, trend.share, trend.slopes, trend.gains
    lower, n_years, band = normal.lower, normal.n_years, normal.band
    size = lower.shape[0]
    for k in range(n_years):
        other[k] = share[k] / (after[k] - before[k]) if share[k] > 0.0 else 0.0
    for j in range(size):
        row[:] = 0.0
        row[j] = 1.0
        for k in range(n_years):
            if other[k] > 0.0:
                part = other[k] * gains[k, j]
                row[int(after[k])] -= part
                row[int(before[k])] += part
        square = 0.0
        for i in range(size):
            total = row[i]
            for k in range(max(0, i - band) if i < n_years else 0, i):
                total -= lower[i, k] * row[k]
            row[i] = total / lower[i, i]
            square += row[i] * row[i]
        out[j] = square
        if j == size - 2:
            last[:size] = row
    covariance = 0.0
    for i in range(size):
        covariance += last[i] * row[i]
    return covariance
