"""
Factor and solve symmetric positive definite banded systems.

They are kept as (size, band + 1), where row i holds columns i - band .. i.
"""

from __future__ import annotations

import numpy as np

from nunatak.compute.kernels import kernel


@kernel
def factor(matrix):
    """Replace a banded matrix by its Cholesky factor, and return False if a pivot vanishes."""
    size, width = matrix.shape
    band = width - 1
    for i in range(size):
        low = max(0, i - band)
        for j in range(low, i + 1):
            total = matrix[i, band - (i - j)]
            for k in range(max(low, j - band), j):
                total -= matrix[i, band - (i - k)] * matrix[j, band - (j - k)]
            if i == j:
                if not total > 0.0:
                    return False
                matrix[i, band] = np.sqrt(total)
            else:
                matrix[i, band - (i - j)] = total / matrix[j, band]
    return True


@kernel
def solve(lower, right):
    """Solve L L^T x = right in place."""
    size, width = lower.shape
    band = width - 1
    for i in range(size):
        total = right[i]
        for k in range(max(0, i - band), i):
            total -= lower[i, band - (i - k)] * right[k]
        right[i] = total / lower[i, band]
    for i in range(size - 1, -1, -1):
        total = right[i]
        for k in range(i + 1, min(size, i + band + 1)):
            total -= lower[k, band - (k - i)] * right[k]
        right[i] = total / lower[i, band]


@kernel
def inverse_diagonal(lower, inverse, out):
    """
    Write the diagonal of (L L^T)^-1 by Takahashi's recurrence, which needs the inverse only inside the band.

    Parameters
    ----------
    inverse : scratch of the shape of `lower`, overwritten with the inverse's band
    out : (size,) overwritten
    """
    size, width = lower.shape
    band = width - 1
    for j in range(size - 1, -1, -1):
        last = min(size - 1, j + band)
        for i in range(last, j - 1, -1):
            total = 1.0 / (lower[j, band] * lower[j, band]) if i == j else 0.0
            for k in range(j + 1, last + 1):
                high, low = max(i, k), min(i, k)
                if high - low <= band:
                    total -= lower[k, band - (k - j)] / lower[j, band] * inverse[high, band - (high - low)]
            inverse[i, band - (i - j)] = total
        out[j] = inverse[j, band]
