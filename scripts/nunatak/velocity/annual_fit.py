"""
Fit annual means and one seasonal cycle by weighted least squares on displacements, cell by cell.

The normal matrix is banded (a pair touches few years) with two full rows for the seasonal cycle; its Cholesky factor
has the same shape, so a fit costs little more than one pass over the pairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.velocity.arrow import factor, inverse_diagonal, inverse_entry, solve
from nunatak.velocity.year_slopes import Trend, follow, followed_variance, local_slopes, right_side, slope_gains

if TYPE_CHECKING:
    from nunatak.velocity.design import Design


def fit_reference(velocity: np.ndarray, design: Design, *, component: int = 0, seasonal: bool = True) -> dict[str, Any]:
    """
    Fit one component of one cell by numpy's least squares, as the reference implementation of `fit_cell`.

    The trend inside a year is left out.

    Parameters
    ----------
    velocity : (N,) float, m/yr, NaN where missing
    design : velocity.design.Design
    component : 0 for vx, 1 for vy. Default: 0
    seasonal : whether to fit the seasonal cycle. Default: True

    Returns
    -------
    dict with `annual` (K,), `annual_sigma`, `a`, `b`, `covariance` (of all unknowns), `chi2` (reduced)
    """
    n_years = design.years.size
    used = np.isfinite(velocity)
    matrix = np.zeros((velocity.size, n_years + 2))
    for j in range(design.overlap.shape[1]):
        column = np.minimum(design.first + j, n_years - 1)
        matrix[np.arange(velocity.size), column] += design.overlap[:, j]
    matrix[:, n_years:] = design.seasonal
    columns = np.nonzero((matrix[used] != 0).any(axis=0) & (seasonal | (np.arange(n_years + 2) < n_years)))[0]
    weight = 1 / (design.sigma[component] * design.dt)[used]
    scaled = matrix[np.ix_(used, columns)] * weight[:, None]
    target = (velocity * design.dt)[used] * weight
    solution = np.linalg.lstsq(scaled, target, rcond=None)[0]
    covariance = np.linalg.inv(scaled.T @ scaled)
    full, sigma = np.full(n_years + 2, np.nan), np.full(n_years + 2, np.nan)
    full[columns], sigma[columns] = solution, np.sqrt(np.diag(covariance))
    freedom = used.sum() - columns.size
    residual = scaled @ solution - target
    return {
        "annual": full[:n_years],
        "annual_sigma": sigma[:n_years],
        "a": full[n_years],
        "b": full[n_years + 1],
        "covariance": covariance,
        "chi2": residual @ residual / freedom if freedom > 0 else np.nan,
    }


class Pairs(NamedTuple):
    """The N pairs of a cube in the form that the kernels of a fit read, with the fields of `design.Design`."""

    dt: np.ndarray
    weight: np.ndarray
    """(N,) of one component, or (2, N): 1 / (sigma dt), per metre"""
    first: np.ndarray
    overlap: np.ndarray
    lever: np.ndarray
    """(N, M), which takes the trend inside the years into account, or (N, 0), which does not"""
    seasonal: np.ndarray
    images: np.ndarray
    image_sigma: float
    """position error of one image, m; 0 takes the pairs as independent"""


class Normal(NamedTuple):
    """The Cholesky factor of a fit's normal matrix, as `arrow` keeps it."""

    lower: np.ndarray
    n_years: int
    band: int
    state: np.ndarray
    """(size,) 1 where the unknown is determined"""


class CellFit(NamedTuple):
    """Arrays that the fit of one component of one cell overwrites."""

    annual: np.ndarray
    """(K,) m/yr"""
    sigma: np.ndarray
    """(K,) m/yr"""
    cycle: np.ndarray
    """(6,) a, b, var a, var b, cov ab, reduced chi2"""


@kernel
def assemble(velocity, use, pairs, matrix, right):
    """
    Sum the normal matrix (lower triangle) and the right side of the pairs `use`.

    Return the weighted sum of squares. The sums of the last two unknowns, a and b, stay in registers, which halves the
    time of a fit.

    Parameters
    ----------
    velocity : (N,) float64 m/yr
    use : pairs that count
    pairs : Pairs of one component
    matrix, right : normal matrix and right side, overwritten
    """
    dt, weight, first, overlap, seasonal = pairs.dt, pairs.weight, pairs.first, pairs.overlap, pairs.seasonal
    matrix[:] = 0.0
    right[:] = 0.0
    n_years = matrix.shape[0] - 2
    aa, ab, bb, ra, rb, square = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in use:
        w = weight[i] * weight[i]
        d = velocity[i] * dt[i]
        wd = w * d
        sa, sb = seasonal[i, 0], seasonal[i, 1]
        wa, wb = w * sa, w * sb
        aa += wa * sa
        ab += wa * sb
        bb += wb * sb
        ra += wd * sa
        rb += wd * sb
        square += wd * d
        k0 = first[i]
        for p in range(overlap.shape[1]):
            m = overlap[i, p]
            if m == 0.0:
                break
            k = k0 + p
            wm = w * m
            right[k] += wd * m
            matrix[k, k] += wm * m
            for r in range(p):
                matrix[k, k0 + r] += wm * overlap[i, r]
            matrix[n_years, k] += wa * m
            matrix[n_years + 1, k] += wb * m
    matrix[n_years, n_years] = aa
    matrix[n_years + 1, n_years] = ab
    matrix[n_years + 1, n_years + 1] = bb
    right[n_years], right[n_years + 1] = ra, rb
    return square


@kernel
def shared_image_variance(use, pairs, normal, trend, gain, influence, out):
    """
    Compute the variance of the unknowns when every image has its own position error, shared by all its pairs.

    A pair's displacement error is g(later image) - g(earlier image) plus what its stated error holds beyond that.

    Parameters
    ----------
    use : the pairs that count
    pairs : Pairs of one component
    normal : Normal
    trend : year_slopes.Trend
    gain : (size,) scratch
    influence : (n_images, size) scratch
    out : (size,) overwritten
    """
    overlap, image_sigma = pairs.overlap, pairs.image_sigma
    n_years, size = normal.n_years, normal.lower.shape[0]
    out[:] = 0.0
    influence[:] = 0.0
    for i in use:
        variance = 1.0 / (pairs.weight[i] * pairs.weight[i])
        gain[:] = 0.0
        for p in range(overlap.shape[1]):
            if overlap[i, p] != 0.0:
                gain[pairs.first[i] + p] = overlap[i, p] / variance
        for c in range(size - n_years):
            gain[n_years + c] = pairs.seasonal[i, c] / variance
        solve(normal.lower, n_years, normal.band, gain)
        follow(gain, trend, n_years)
        own = max(variance - 2.0 * image_sigma * image_sigma, 0.0)
        for k in range(size):
            out[k] += gain[k] * gain[k] * own
            influence[pairs.images[0, i], k] -= gain[k]
            influence[pairs.images[1, i], k] += gain[k]
    for m in range(influence.shape[0]):
        for k in range(size):
            out[k] += image_sigma * image_sigma * influence[m, k] * influence[m, k]


@kernel
def fit_cell(velocity, use, pairs, work, influence, out):
    """
    Fit one component of one cell, with NaN for what cannot be determined.

    Parameters
    ----------
    velocity : (N,) float64 m/yr
    use : the pairs that count
    pairs : Pairs of this component
    work : (3, K + 8, K + 8) scratch
    influence : (n_images, K + 2) scratch
    out : CellFit, overwritten
    """
    annual, annual_sigma, cycle = out.annual, out.sigma, out.cycle
    annual[:] = np.nan
    annual_sigma[:] = np.nan
    cycle[:] = np.nan
    n, n_years, band = use.size, annual.size, pairs.overlap.shape[1] - 1
    full = n_years + 2
    right, variance, column, state = work[1, 0, :full], work[1, 1, :full], work[1, 2, :full], work[1, 3, :full]
    matrix, gains = work[0, :full, :full], work[2, :n_years, :full]
    square = assemble(velocity, use, pairs, matrix, right)
    factor(matrix, n_years, band, state)
    size = full
    if state[n_years] != 1 or state[n_years + 1] != 1:  # the cycle cannot be separated from the annual means
        square = assemble(velocity, use, pairs, matrix, right)
        size = n_years
        matrix, right, variance, column = matrix[:size, :size], right[:size], variance[:size], column[:size]
        gains = gains[:, :size]
        factor(matrix, n_years, band, state)
    unknowns = 0
    for k in range(size):
        unknowns += state[k] > 0
    if unknowns == 0 or n < unknowns:
        return
    explained = _explain(matrix, n_years, band, state, right, column)
    normal = Normal(matrix, n_years, band, state)
    trend = Trend(work[1, 4, :full], work[1, 5, :full], work[1, 6, :full], work[1, 7, :full], gains)
    trend.share[:] = 0.0
    if pairs.lever.shape[1]:
        # The cycle is taken as known, as its error shifts all years alike and changes no slope.
        inverse_diagonal(matrix[:n_years, :n_years], n_years, band, column[:n_years], variance[:n_years])
        local_slopes(right, variance, state, n_years, trend)
        square = right_side(velocity, use, pairs, trend.slopes, n_years, right)
        explained = _explain(matrix, n_years, band, state, right, column)
        slope_gains(use, pairs, normal, trend)
    if size == full:
        cycle[4] = inverse_entry(matrix, n_years, band, n_years, n_years + 1, column)
    if pairs.image_sigma > 0.0:
        shared_image_variance(use, pairs, normal, trend, column, influence[:, :size], variance)
    elif trend.share.max() > 0.0:
        covariance = followed_variance(trend, normal, column, work[1, 8], variance)
        cycle[4] = covariance if size == full else np.nan
    else:
        inverse_diagonal(matrix, n_years, band, column, variance)
    if n > unknowns:
        cycle[5] = max(square - explained, 0.0) / (n - unknowns)
    for k in range(n_years):
        if state[k] == 1:
            annual[k] = right[k]
            annual_sigma[k] = np.sqrt(variance[k])
    if size == full:
        cycle[0], cycle[1] = right[n_years], right[n_years + 1]
        cycle[2], cycle[3] = variance[n_years], variance[n_years + 1]


@kernel
def _explain(matrix, n_years, band, state, right, column):
    """Solve for the unknowns in place, and return the part of the weighted sum of squares that they explain."""
    for k in range(right.size):
        if state[k] <= 0:
            right[k] = 0.0
        column[k] = right[k]
    solve(matrix, n_years, band, right)
    explained = 0.0
    for k in range(right.size):
        explained += column[k] * right[k]
    return explained
