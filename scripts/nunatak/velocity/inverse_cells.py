"""Many cells inverted to a regular series: banded normal equations, Tukey's weights, errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nunatak.kernels import kernel
from nunatak.velocity import banded
from nunatak.velocity.annual_cells import in_threads

_FILL = -32767
_TUKEY = 4.685  # 95 % efficiency for Gaussian errors
_ROUNDS, _SETTLED = 10, 0.1  # of the weights, as TICOI stops


@dataclass(frozen=True)
class Steps:
    """The regular intervals of a series and what each pair spends in them."""

    edges: np.ndarray
    """(m + 1,) decimal years"""
    first: np.ndarray
    """(N,) first interval of each pair"""
    overlap: np.ndarray
    """(N, M) years in the intervals first, first + 1, ..."""


@kernel
def _assemble(velocity, use, n, dt, weight, extra, first, overlap, prior, matrix, right):
    """Normal matrix (banded) of the pairs and of the prior on differences."""
    size, width = matrix.shape
    band = width - 1
    matrix[:] = 0.0
    right[:] = 0.0
    for i in range(size):
        matrix[i, band] += prior * ((i > 0) + (i < size - 1))
        if i > 0:
            matrix[i, band - 1] -= prior
    # the prior fixes differences only; a hair of it on the values keeps the matrix positive definite without any pair
    matrix[0, band] += 1e-12 * prior
    for q in range(n):
        i = use[q]
        w = weight[i] * weight[i] * extra[q]
        d = velocity[i] * dt[i]
        for p in range(overlap.shape[1]):
            m = overlap[i, p]
            if m == 0.0:
                continue
            row = first[i] + p
            right[row] += w * m * d
            for r in range(p + 1):
                matrix[row, band - (p - r)] += w * m * overlap[i, r]


@kernel
def _residuals(velocity, use, n, dt, weight, first, overlap, solution, out):
    for q in range(n):
        i = use[q]
        r = velocity[i] * dt[i]
        for p in range(overlap.shape[1]):
            if overlap[i, p] != 0.0:
                r -= overlap[i, p] * solution[first[i] + p]
        out[q] = r * weight[i]


@kernel
def _biweights(residual, n, scratch, extra):
    """Tukey weights of standardised residuals; returns the largest change."""
    for q in range(n):
        scratch[q] = abs(residual[q])
    scratch[:n].sort()
    scale = max(1.4826 * (scratch[(n - 1) // 2] + scratch[n // 2]) / 2, 0.1)
    change = 0.0
    for q in range(n):
        u = residual[q] / (_TUKEY * scale)
        w = (1.0 - u * u) ** 2 if abs(u) < 1.0 else 0.0
        change = max(change, abs(w - extra[q]))
        extra[q] = w
    return change


@kernel
def _shared_variance(use, n, weight, extra, first, overlap, images, image_sigma, lower, gain, influence, out):
    """Variance when each image has its own position error: see `annual_fit.shared_image_variance`."""
    out[:] = 0.0
    influence[:] = 0.0
    for q in range(n):
        i = use[q]
        variance = 1.0 / (weight[i] * weight[i])
        gain[:] = 0.0
        for p in range(overlap.shape[1]):
            if overlap[i, p] != 0.0:
                gain[first[i] + p] = overlap[i, p] * extra[q] / variance
        banded.solve(lower, gain)
        own = max(variance - 2.0 * image_sigma * image_sigma, 0.0)
        for k in range(out.size):
            out[k] += gain[k] * gain[k] * own
            influence[images[0, i], k] -= gain[k]
            influence[images[1, i], k] += gain[k]
    for m in range(influence.shape[0]):
        for k in range(out.size):
            out[k] += image_sigma * image_sigma * influence[m, k] * influence[m, k]


@kernel
def _invert_cell(
    velocity, use, n, dt, weight, first, overlap, images, image_sigma, prior, rounds, matrix, inverse, right, variance,
    residual, scratch, extra, influence, out, error
):  # fmt: skip
    """Invert one component of one cell; out and error (m,) are overwritten. Returns the reduced chi2."""
    for q in range(n):
        extra[q] = 1.0
    for attempt in range(rounds):
        _assemble(velocity, use, n, dt, weight, extra, first, overlap, prior, matrix, right)
        if not banded.factor(matrix):
            return np.nan
        banded.solve(matrix, right)
        _residuals(velocity, use, n, dt, weight, first, overlap, right, residual)
        if attempt == rounds - 1 or _biweights(residual, n, scratch, extra) < _SETTLED:
            break
    banded.inverse_diagonal(matrix, inverse, variance)
    square, kept = 0.0, 0.0
    for q in range(n):
        square += extra[q] * residual[q] * residual[q]
        kept += extra[q]
    freedom = 0.0  # the trace of the part that the data decide: unknowns less what the prior decides
    for k in range(right.size):
        neighbours = (k > 0) + (k < right.size - 1)
        freedom += variance[k] * prior * neighbours
        if k > 0:
            freedom -= 2.0 * prior * inverse[k, inverse.shape[1] - 2]
    chi2 = square / max(kept - (right.size - freedom), 1.0)
    if image_sigma > 0.0:
        # the prior's share stays; the data's share is replaced by what shared images allow
        _shared_variance(
            use, n, weight, extra, first, overlap, images, image_sigma, matrix, scratch[: right.size], influence, error
        )
        for k in range(right.size):
            variance[k] = max(variance[k], error[k])
    for k in range(right.size):
        out[k] = right[k]
        error[k] = np.sqrt(variance[k] * max(chi2, 1.0))
    return chi2


@kernel
def _invert_cells(
    vx, vy, shift, keep, held, dt, weight, first, overlap, images, image_sigma, prior, rounds, minimum, band,
    out, error, count
):  # fmt: skip
    n_pair, size = vx.shape[1], out.shape[2]
    matrix, inverse = np.empty((size, band + 1)), np.zeros((size, band + 1))
    right, variance = np.empty(size), np.empty(size)
    residual, extra, scratch = np.empty(n_pair), np.empty(n_pair), np.empty(max(n_pair, size))
    influence = np.zeros((images.max() + 1 if image_sigma > 0.0 else 1, size))
    use, row = np.empty(n_pair, np.int64), np.zeros(n_pair)
    for cell in range(vx.shape[0]):
        n = 0
        for i in range(n_pair):
            if vx[cell, i] != _FILL and vy[cell, i] != _FILL and keep[i] and not held[i] and overlap[i, 0] > 0.0:
                use[n] = i
                n += 1
        out[cell] = np.nan
        error[cell] = np.nan
        for q in range(n):
            for p in range(overlap.shape[1]):
                if overlap[use[q], p] > 0.0:
                    count[cell, first[use[q]] + p] += 1
        if n < minimum:
            continue
        for c in range(2):
            values = vx if c == 0 else vy
            for q in range(n):
                row[use[q]] = values[cell, use[q]] + shift[c, use[q]]
            _invert_cell(
                row, use, n, dt, weight[c], first, overlap, images, image_sigma, prior, rounds, matrix, inverse, right,
                variance, residual, scratch, extra, influence, out[cell, c], error[cell, c]
            )  # fmt: skip
        low, high = 0, size - 1
        while low < size and count[cell, low] == 0:
            low += 1
        while high > low and count[cell, high] == 0:
            high -= 1
        out[cell, :, :low] = np.nan
        out[cell, :, high + 1 :] = np.nan
        error[cell, :, :low] = np.nan
        error[cell, :, high + 1 :] = np.nan


def invert_cells(
    vx, vy, pairs, steps, *, smoothness, robust=True, image_sigma=0.0, minimum=5, held=None, threads=1
):  # fmt: skip
    """
    Invert many cells.

    Parameters
    ----------
    vx, vy : (n_cell, N) int16 m/yr, fill -32767
    pairs : Design; steps : Steps
    held : (N,) bool, pairs to leave out

    Returns
    -------
    dict: `velocity`, `error` (n_cell, 2, m) m/yr; `pairs` (n_cell, m)
    """
    n_cell, size = vx.shape[0], steps.edges.size - 1
    out = {
        "velocity": np.empty((n_cell, 2, size)), "error": np.empty((n_cell, 2, size)),
        "pairs": np.zeros((n_cell, size), "int32"),
    }  # fmt: skip
    shared = {
        "shift": pairs.shift, "keep": pairs.keep, "dt": pairs.dt, "weight": 1.0 / (pairs.sigma * pairs.dt),
        "held": np.zeros(pairs.dt.size, bool) if held is None else held, "first": steps.first,
        "overlap": steps.overlap, "images": pairs.images, "image_sigma": float(image_sigma),
        "prior": 1.0 / float(smoothness) ** 2, "rounds": _ROUNDS if robust else 1, "minimum": minimum,
        "band": max(1, steps.overlap.shape[1] - 1),
    }  # fmt: skip

    def work(share):
        arrays = {"out": out["velocity"][share], "error": out["error"][share], "count": out["pairs"][share]}
        _invert_cells(vx=vx[share], vy=vy[share], **arrays, **shared)

    in_threads(work, n_cell, threads)
    return out


def invert_reference(velocity, pairs, steps, *, smoothness, component=0):
    """The definition of one cell's inversion, not robust, with dense matrices: (values, errors before chi2)."""
    size = steps.edges.size - 1
    matrix = np.zeros((velocity.size, size))
    for p in range(steps.overlap.shape[1]):
        column = np.minimum(steps.first + p, size - 1)
        matrix[np.arange(velocity.size), column] += steps.overlap[:, p]
    used = np.isfinite(velocity)
    weight = 1 / (pairs.sigma[component] * pairs.dt)[used]
    scaled = matrix[used] * weight[:, None]
    difference = np.diff(np.eye(size), axis=0) / smoothness
    normal = scaled.T @ scaled + difference.T @ difference
    right = scaled.T @ ((velocity * pairs.dt)[used] * weight)
    return np.linalg.solve(normal, right), np.sqrt(np.diag(np.linalg.inv(normal)))
