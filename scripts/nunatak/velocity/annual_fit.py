"""
Annual means and one seasonal cycle by weighted least squares on displacements, cell by cell.

The normal matrix is banded (a pair touches few years) with two full rows for the seasonal cycle; its Cholesky factor
has the same shape, so a fit costs little more than one pass over the pairs.
"""

from __future__ import annotations

import numpy as np

from nunatak.kernels import kernel

PIVOT = 1e-10  # of a column's own square; below it the column is a combination of others


def fit_reference(velocity, design, *, component=0, seasonal=True):
    """
    The definition of `fit_cell` without the trend inside a year: one component of one cell by numpy's least squares.

    Parameters
    ----------
    velocity : (N,) float, m/yr, NaN where missing
    design : velocity.design.Design

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
        "annual": full[:n_years], "annual_sigma": sigma[:n_years], "a": full[n_years], "b": full[n_years + 1],
        "covariance": covariance, "chi2": residual @ residual / freedom if freedom > 0 else np.nan,
    }  # fmt: skip


@kernel
def assemble(velocity, use, n, dt, weight, first, overlap, seasonal, matrix, right):
    """
    Normal matrix (lower triangle) and right side of the pairs use[:n]; returns the weighted sum of squares.

    The last two unknowns are a and b; their sums stay in registers, which halves the time of a fit.
    """
    matrix[:] = 0.0
    right[:] = 0.0
    n_years = matrix.shape[0] - 2
    aa, ab, bb, ra, rb, square = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for q in range(n):
        i = use[q]
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
def local_slopes(annual, state, n_years, slopes):
    """
    m/yr per year at the middle of each year, from the annual means on both sides; 0 where there are none.

    Years without a mean are bridged, so that a gap does not stop the trend.
    """
    for k in range(n_years):
        before, after = -1, -1
        for j in range(k - 1, -1, -1):
            if state[j] == 1:
                before = j
                break
        for j in range(k + 1, n_years):
            if state[j] == 1:
                after = j
                break
        if before < 0 and state[k] == 1:
            before = k
        if after < 0 and state[k] == 1:
            after = k
        slopes[k] = 0.0
        if before >= 0 and after > before:
            slopes[k] = (annual[after] - annual[before]) / (after - before)


@kernel
def right_side(velocity, use, n, dt, weight, first, overlap, lever, seasonal, slopes, n_years, right):
    """The right side with the trend inside each year taken out of the displacements; returns the sum of squares."""
    right[:] = 0.0
    square = 0.0
    for q in range(n):
        i = use[q]
        d = velocity[i] * dt[i]
        k0 = first[i]
        for p in range(overlap.shape[1]):
            if overlap[i, p] == 0.0:
                break
            d -= slopes[k0 + p] * lever[i, p]
        wd = weight[i] * weight[i] * d
        square += wd * d
        for p in range(overlap.shape[1]):
            if overlap[i, p] == 0.0:
                break
            right[k0 + p] += wd * overlap[i, p]
        for c in range(right.size - n_years):
            right[n_years + c] += wd * seasonal[i, c]
    return square


@kernel
def factor(matrix, n_years, band, state):
    """
    Cholesky factor of an arrow matrix in place.

    state[j] is 1 for a good column, 0 for an empty one, -1 for one that depends on earlier ones, and 2 for a year that
    a dependent one shares pairs with: what the two hold together cannot be told apart. Empty and dependent columns get
    a unit pivot and no coupling.
    """
    size = matrix.shape[0]
    for j in range(size):
        low = max(0, j - band) if j < n_years else 0
        own = matrix[j, j]
        pivot = own
        for k in range(low, j):
            pivot -= matrix[j, k] * matrix[j, k]
        state[j] = 1
        if own <= 0.0:
            state[j] = 0
        elif pivot <= PIVOT * own:
            state[j] = -1
        if state[j] != 1:
            matrix[j, j] = 1.0
            for k in range(j):
                if state[j] == -1 and matrix[j, k] != 0.0 and j < n_years:
                    state[k] = 2
                matrix[j, k] = 0.0
            for i in range(j + 1, size):
                matrix[i, j] = 0.0
            continue
        root = np.sqrt(pivot)
        matrix[j, j] = root
        for i in range(j + 1, size):
            if i > j + band and i < n_years:
                continue
            total = matrix[i, j]
            start = max(low, i - band) if i < n_years else low
            for k in range(start, j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = total / root


@kernel
def solve(lower, n_years, band, right):
    """Solve L L^T x = right in place."""
    size = lower.shape[0]
    for i in range(size):
        total = right[i]
        for k in range(max(0, i - band) if i < n_years else 0, i):
            total -= lower[i, k] * right[k]
        right[i] = total / lower[i, i]
    for i in range(size - 1, -1, -1):
        total = right[i]
        for k in range(i + 1, size):
            if k > i + band and k < n_years:
                continue
            total -= lower[k, i] * right[k]
        right[i] = total / lower[i, i]


@kernel
def inverse_column(lower, n_years, band, j, out):
    """Column j of (L L^T)^-1."""
    out[:] = 0.0
    out[j] = 1.0
    solve(lower, n_years, band, out)


@kernel
def inverse_diagonal(lower, n_years, band, work, out):
    """Diagonal of (L L^T)^-1: squared columns of L^-1."""
    size = lower.shape[0]
    for j in range(size):
        work[j] = 1.0 / lower[j, j]
        square = work[j] * work[j]
        for i in range(j + 1, size):
            low = max(j, i - band) if i < n_years else j
            total = 0.0
            for k in range(low, i):
                total -= lower[i, k] * work[k]
            work[i] = total / lower[i, i]
            square += work[i] * work[i]
        out[j] = square


@kernel
def shared_image_variance(
    use, n, weight, first, overlap, seasonal, images, image_sigma, lower, n_years, band, gain, influence, out
):
    """
    Variance of the unknowns when every image has its own position error, shared by all its pairs.

    A pair's displacement error is g(later image) - g(earlier image) plus what its stated error holds beyond that.
    """
    size = lower.shape[0]
    out[:] = 0.0
    influence[:] = 0.0
    for q in range(n):
        i = use[q]
        variance = 1.0 / (weight[i] * weight[i])
        gain[:] = 0.0
        for p in range(overlap.shape[1]):
            if overlap[i, p] != 0.0:
                gain[first[i] + p] = overlap[i, p] / variance
        for c in range(size - n_years):
            gain[n_years + c] = seasonal[i, c] / variance
        solve(lower, n_years, band, gain)
        own = max(variance - 2.0 * image_sigma * image_sigma, 0.0)
        for k in range(size):
            out[k] += gain[k] * gain[k] * own
            influence[images[0, i], k] -= gain[k]
            influence[images[1, i], k] += gain[k]
    for m in range(influence.shape[0]):
        for k in range(size):
            out[k] += image_sigma * image_sigma * influence[m, k] * influence[m, k]


@kernel
def fit_cell(
    velocity, use, n, dt, weight, first, overlap, lever, seasonal, images, image_sigma, n_years, work, influence,
    annual, annual_sigma, cycle
):  # fmt: skip
    """
    Fit one component of one cell; NaN where something cannot be told.

    Parameters
    ----------
    velocity : (N,) float64 m/yr; use[:n] : the pairs that count
    weight : (N,) 1 / (sigma dt), per metre
    lever : (N, M) overlap times the distance of its middle from the year's, yr2, to take the trend inside the years
        into account; (N, 0) takes the velocity as constant over a year but for the cycle
    image_sigma : position error of one image, m; 0 takes the pairs as independent
    work : (2, K + 5, K + 5) scratch; influence : (n_images, K + 2) scratch
    annual, annual_sigma : (K,) overwritten; cycle : (6,) overwritten with a, b, var a, var b, cov ab, reduced chi2
    """
    annual[:] = np.nan
    annual_sigma[:] = np.nan
    cycle[:] = np.nan
    band = overlap.shape[1] - 1
    full = n_years + 2
    variance, column, state = work[1, 1, :full], work[1, 2, :full], work[1, 3, :full]
    right = work[1, 0, :full]
    matrix = work[0, :full, :full]
    square = assemble(velocity, use, n, dt, weight, first, overlap, seasonal, matrix, right)
    factor(matrix, n_years, band, state)
    size = full
    if state[n_years] != 1 or state[n_years + 1] != 1:  # the cycle cannot be told from the annual means
        square = assemble(velocity, use, n, dt, weight, first, overlap, seasonal, matrix, right)
        size = n_years
        matrix, right, variance, column = matrix[:size, :size], right[:size], variance[:size], column[:size]
        factor(matrix, n_years, band, state)
    unknowns, explained = 0, 0.0
    for k in range(size):
        unknowns += state[k] > 0
    if unknowns == 0 or n < unknowns:
        return
    for attempt in range(2 if lever.shape[1] else 1):
        if attempt == 1:
            slopes = work[1, 4, :n_years]
            local_slopes(right, state, n_years, slopes)
            square = right_side(velocity, use, n, dt, weight, first, overlap, lever, seasonal, slopes, n_years, right)
        explained = 0.0
        for k in range(size):
            if state[k] <= 0:
                right[k] = 0.0
            column[k] = right[k]
        solve(matrix, n_years, band, right)
        for k in range(size):
            explained += column[k] * right[k]
    if image_sigma > 0.0:
        shared_image_variance(
            use, n, weight, first, overlap, seasonal[:, : size - n_years], images, image_sigma, matrix, n_years, band,
            column, influence[:, :size], variance
        )  # fmt: skip
    else:
        inverse_diagonal(matrix, n_years, band, column, variance)
    if n > unknowns:
        cycle[5] = max(square - explained, 0.0) / (n - unknowns)
    for k in range(n_years):
        if state[k] == 1:
            annual[k] = right[k]
            annual_sigma[k] = np.sqrt(variance[k])
    if size == full:
        inverse_column(matrix, n_years, band, n_years, column)
        cycle[0], cycle[1] = right[n_years], right[n_years + 1]
        cycle[2], cycle[3], cycle[4] = variance[n_years], variance[n_years + 1], column[n_years + 1]


@kernel
def fit_block(
    velocity, fill, dt, weight, first, overlap, lever, seasonal, images, image_sigma, n_years, work, influence,
    annual, annual_sigma, cycle
):  # fmt: skip
    """Fit one component of many cells, no filters: velocity (n_cell, N) int16; outputs (n_cell, K) and (n_cell, 6)."""
    n_pair = velocity.shape[1]
    use = np.empty(n_pair, np.int64)
    row = np.empty(n_pair, np.float64)
    for cell in range(velocity.shape[0]):
        n = 0
        for i in range(n_pair):
            row[i] = velocity[cell, i]
            if velocity[cell, i] != fill:
                use[n] = i
                n += 1
        fit_cell(
            row, use, n, dt, weight, first, overlap, lever, seasonal, images, image_sigma, n_years, work, influence,
            annual[cell], annual_sigma[cell], cycle[cell]
        )  # fmt: skip
