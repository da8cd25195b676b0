"""
Factor and solve symmetric positive definite arrow matrices.

They are banded in the first unknowns (years) and full in the last ones (the cycle). Only the lower triangle is used,
and the Cholesky factor has the same shape.
"""

from __future__ import annotations

import numpy as np

from nunatak.compute.kernels import kernel

PIVOT = 1e-10  # of a column's own square. Below it the column is a combination of others


@kernel
def factor(matrix, n_years, band, state):
    """
    Replace an arrow matrix by its Cholesky factor.

    state[j] is 1 for a good column, 0 for an empty one, -1 for one that depends on earlier ones, and 2 for a year that
    shares pairs with a dependent one, so that the two cannot be separated. Empty and dependent columns get a unit pivot
    and no coupling.
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
        for k in range(i + 1, min(i + band + 1, n_years)):
            total -= lower[k, i] * right[k]
        for k in range(max(i + 1, n_years), size):
            total -= lower[k, i] * right[k]
        right[i] = total / lower[i, i]


@kernel
def inverse_entry(lower, n_years, band, i, j, column):
    """Return entry (i, j) of (L L^T)^-1, with `column` (size,) as scratch."""
    column[:] = 0.0
    column[j] = 1.0
    solve(lower, n_years, band, column)
    return column[i]


@kernel
def inverse_diagonal(lower, n_years, band, work, out):
    """Write the diagonal of (L L^T)^-1, from the squared columns of L^-1."""
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
