"""
Fit least squares to every cell of a record at once, as the compiled part of `trend`.

Cells are processed in blocks along a row. All sums of a block stay in the first-level cache, and the innermost loops
run along its cells, so that they read memory in order and vectorise. A missing value is a factor of 0 instead of a
branch.
"""

from __future__ import annotations

import numpy as np

from nunatak.compute.kernels import kernel

_BLOCK = 256


@kernel
def fit_cells(
    values: np.ndarray,
    design: np.ndarray,
    few: int,
    errors: bool,
    r: np.ndarray,
    rho: np.ndarray,
    inflation: np.ndarray,
) -> np.ndarray:
    """
    Fit the columns of `design` to every cell.

    Parameters
    ----------
    values : (n_epoch, ny, nx) C-contiguous. Values that are not finite are not observed
    design : (n_epoch, p), p >= 2, in which column 1 gives the slope
    few : cells with fewer values are NaN
    errors : whether to compute the last three layers
    r, rho, inflation : tables of `trend.persistence`, for the errors

    Returns
    -------
    (n_layer, ny, nx) float64: slope, number of values, coefficients 2 .. p - 1, and with `errors` the standard error of
        the slope, the effective number and the root mean square of the residuals
    """
    ny, nx = values.shape[1:]
    p = design.shape[1]
    layers = np.empty((p + (3 if errors else 0), ny, nx))
    normal = np.empty((p, p, _BLOCK))
    right = np.empty((p, _BLOCK))
    # values of this epoch and the one before, and whether they exist
    h, seen = np.empty((2, _BLOCK)), np.empty((2, _BLOCK))
    sums = np.empty((4, _BLOCK))
    for y in range(ny):
        for first in range(0, nx, _BLOCK):
            n = min(_BLOCK, nx - first)
            cells = slice(first, first + n)
            _gather(values, y, cells, design, normal, right, h[0, :n], seen[0, :n])
            layers[1, y, cells] = normal[0, 0, :n]
            _spoil(normal[0, 0, :n], few)
            _factorise(normal, n)
            _solve(normal, right, n)
            layers[0, y, cells] = right[1, :n]
            for a in range(2, p):
                layers[a, y, cells] = right[a, :n]
            if errors:
                _residuals(values, y, cells, design, right, h, seen, sums)
                _slope_variance(normal, n, right, sums[3, :n])
                _slope_error(layers[p:, y, cells], layers[1, y, cells], sums, p, r, rho, inflation)
    return layers


@kernel
def _gather(values, y, cells, design, normal, right, h, seen):
    """Write the normal matrices and right-hand sides of a block of cells."""
    n = h.size
    normal[:] = 0.0
    right[:] = 0.0
    for t in range(values.shape[0]):
        _split(values[t, y, cells], h, seen)
        for a in range(design.shape[1]):
            _add(right[a, :n], design[t, a], h)
            for b in range(a + 1):
                _add(normal[a, b, :n], design[t, a] * design[t, b], seen)


@kernel
def _spoil(number, few):
    """Set the number of cells with too few epochs to NaN, which makes all their results NaN."""
    for x in range(number.size):
        number[x] = number[x] if number[x] >= few else np.nan


@kernel
def _factorise(normal, n):
    """Replace every cell's normal matrix by its Cholesky factor L, with 1 / L_aa on the diagonal, NaN if singular."""
    p = normal.shape[0]
    for a in range(p):
        for b in range(a + 1):
            for c in range(b):
                _subtract_product(normal[a, b, :n], normal[a, c, :n], normal[b, c, :n])
            if b < a:
                _multiply(normal[a, b, :n], normal[b, b, :n])
            else:
                _inverse_root(normal[a, a, :n])


@kernel
def _solve(factor, right, n):
    """Replace the right-hand sides of every cell by its coefficients."""
    p = factor.shape[0]
    for a in range(p):
        for b in range(a):
            _subtract_product(right[a, :n], factor[a, b, :n], right[b, :n])
        _multiply(right[a, :n], factor[a, a, :n])
    for a in range(p - 1, -1, -1):
        for b in range(a + 1, p):
            _subtract_product(right[a, :n], factor[b, a, :n], right[b, :n])
        _multiply(right[a, :n], factor[a, a, :n])


@kernel
def _residuals(values, y, cells, design, coefficients, e, seen, sums):
    """
    Sum for each cell the squared residuals, the products of neighbours in time, and the number of such neighbours.
    """
    n = cells.stop - cells.start
    e[1, :] = 0.0
    seen[1, :] = 0.0
    sums[:] = 0.0
    for t in range(values.shape[0]):
        now, before = t % 2, (t + 1) % 2
        _split(values[t, y, cells], e[now, :n], seen[now, :n])
        for a in range(design.shape[1]):
            _add(e[now, :n], -design[t, a], coefficients[a, :n])
        _mask(e[now, :n], seen[now, :n])
        _add_product(sums[0, :n], e[now, :n], e[now, :n])
        _add_product(sums[1, :n], e[now, :n], e[before, :n])
        _add_product(sums[2, :n], seen[now, :n], seen[before, :n])


@kernel
def _slope_error(layers, count, sums, p, r, rho, inflation):
    """Write the standard error of the slope, effective number and root mean square of the residuals of a block."""
    for x in range(count.size):
        k, unscaled = count[x], sums[3, x]
        if np.isnan(unscaled):
            layers[:, x] = np.nan
            continue
        square = sums[0, x] / k
        pairs = max(sums[2, x], 1.0)
        of_errors, inflated = _look_up(sums[1, x] / pairs / square if square > 0.0 else 0.0, r, rho, inflation)
        layers[0, x] = np.sqrt(square * k / (k - p) * unscaled * inflated)
        layers[1, x] = k * (1.0 - of_errors) / (1.0 + of_errors)
        layers[2, x] = np.sqrt(square)


@kernel
def _slope_variance(factor, n, scratch, total):
    """Return entry (1, 1) of the inverse normal matrix, the squared length of column 1 of the factor's inverse."""
    p = factor.shape[0]
    total[:] = 0.0
    for a in range(1, p):
        scratch[a, :n] = 1.0 if a == 1 else 0.0
        for b in range(1, a):
            _subtract_product(scratch[a, :n], factor[a, b, :n], scratch[b, :n])
        _multiply(scratch[a, :n], factor[a, a, :n])
        _add_product(total, scratch[a, :n], scratch[a, :n])


@kernel
def _look_up(value, r, rho, inflation):
    """Return rho and inflation at a residual autocorrelation, linear in the tables and constant beyond their ends."""
    place = (value - r[0]) / (r[1] - r[0])
    place = min(max(place, 0.0), r.size - 1.0)
    i = min(int(place), r.size - 2)
    w = place - i
    return (1.0 - w) * rho[i] + w * rho[i + 1], (1.0 - w) * inflation[i] + w * inflation[i + 1]


@kernel
def _split(row, h, seen):
    """Write the values with 0 for the missing ones, and 1 for every value that exists."""
    for x in range(row.size):
        finite = np.isfinite(row[x])
        seen[x] = 1.0 if finite else 0.0
        h[x] = row[x] if finite else 0.0


@kernel
def _mask(e, seen):
    """Set residuals without a value or a fit to 0."""
    for x in range(e.size):
        e[x] = e[x] if seen[x] > 0.0 and np.isfinite(e[x]) else 0.0


@kernel
def _add(total, factor, row):
    """Add factor * row to total, in a loop that vectorises."""
    for x in range(total.size):
        total[x] += factor * row[x]


@kernel
def _add_product(total, a, b):
    """Add a * b to total."""
    for x in range(total.size):
        total[x] += a[x] * b[x]


@kernel
def _subtract_product(total, a, b):
    """Subtract a * b from total."""
    for x in range(total.size):
        total[x] -= a[x] * b[x]


@kernel
def _multiply(a, b):
    """Multiply a by b in place."""
    for x in range(a.size):
        a[x] *= b[x]


@kernel
def _inverse_root(a):
    """Replace a by 1 / sqrt(a), or by NaN if a is the rounding error of a singular matrix."""
    for x in range(a.size):
        # np.divide, unlike /, does not check for zero, which would keep the loop from vectorising.
        a[x] = np.divide(1.0, np.sqrt(a[x])) if a[x] > 1e-9 else np.nan
