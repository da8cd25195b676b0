"""Invert many cells to a regular series: banded normal equations, Tukey's weights, errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.compute.robust import median
from nunatak.compute.shares import in_threads
from nunatak.constants import FILL_VELOCITY, MAD_TO_SIGMA
from nunatak.parameters.velocity import Inversion
from nunatak.velocity import banded
from nunatak.velocity.annual_cells import Cells

if TYPE_CHECKING:
    from nunatak.velocity.design import Design

_TUKEY = 4.685  # 95 % efficiency for Gaussian errors
_ROUNDS, _SETTLED = 10, 0.1  # of the weights, as TICOI stops


@dataclass(frozen=True)
class Steps:
    """The regular intervals of a series, and the time that each pair spends in them."""

    edges: np.ndarray
    """(m + 1,) decimal years"""
    first: np.ndarray
    """(N,) first interval of each pair"""
    overlap: np.ndarray
    """(N, M) years in the intervals first, first + 1, ..."""


class Spans(NamedTuple):
    """The N pairs of a cube by the regular intervals that they span."""

    dt: np.ndarray
    """(N,) years"""
    weight: np.ndarray
    """(N,) of one component, or (2, N): 1 / (sigma dt), per metre"""
    first: np.ndarray
    overlap: np.ndarray
    images: np.ndarray
    """(2, N) numbers of the earlier and the later image"""
    image_sigma: float
    """position error of one image, m; 0 takes the pairs as independent"""


class Rounds(NamedTuple):
    """Settings of the inversion of cells."""

    prior: float
    """weight of the differences between neighbouring intervals"""
    rounds: int
    """of the robust weights"""
    minimum: int
    """pairs that a cell needs"""
    band: int
    """of the normal matrix"""


class Work(NamedTuple):
    """Working memory of the inversion of one cell."""

    matrix: np.ndarray
    inverse: np.ndarray
    right: np.ndarray
    variance: np.ndarray
    residual: np.ndarray
    extra: np.ndarray
    """(N,) Tukey's weights"""
    scratch: np.ndarray
    influence: np.ndarray


@kernel
def _assemble(velocity, use, spans, prior, work):
    """Sum the normal matrix (banded) of the pairs and of the prior on differences, and the right side."""
    matrix, right, overlap, first = work.matrix, work.right, spans.overlap, spans.first
    size, width = matrix.shape
    band = width - 1
    matrix[:] = 0.0
    right[:] = 0.0
    for i in range(size):
        matrix[i, band] += prior * ((i > 0) + (i < size - 1))
        if i > 0:
            matrix[i, band - 1] -= prior
    # The prior fixes only differences. A tiny part of it on the values keeps the matrix positive definite.
    matrix[0, band] += 1e-12 * prior
    for q in range(use.size):
        i = use[q]
        w = spans.weight[i] * spans.weight[i] * work.extra[q]
        d = velocity[i] * spans.dt[i]
        for p in range(overlap.shape[1]):
            m = overlap[i, p]
            if m == 0.0:
                continue
            row = first[i] + p
            right[row] += w * m * d
            for r in range(p + 1):
                matrix[row, band - (p - r)] += w * m * overlap[i, r]


@kernel
def _residuals(velocity, use, spans, solution, out):
    """Compute the standardised residuals of the pairs."""
    overlap = spans.overlap
    for q in range(use.size):
        i = use[q]
        r = velocity[i] * spans.dt[i]
        for p in range(overlap.shape[1]):
            if overlap[i, p] != 0.0:
                r -= overlap[i, p] * solution[spans.first[i] + p]
        out[q] = r * spans.weight[i]


@kernel
def _biweights(residual, n, scratch, extra):
    """Write Tukey weights of standardised residuals, and return the largest change."""
    for q in range(n):
        scratch[q] = abs(residual[q])
    scale = max(MAD_TO_SIGMA * median(scratch, n), 0.1)
    change = 0.0
    for q in range(n):
        u = residual[q] / (_TUKEY * scale)
        w = (1.0 - u * u) ** 2 if abs(u) < 1.0 else 0.0
        change = max(change, abs(w - extra[q]))
        extra[q] = w
    return change


@kernel
def _shared_variance(use, spans, work, gain, out):
    """Compute the variance when each image has its own position error: see `annual_fit.shared_image_variance`."""
    overlap, influence, image_sigma = spans.overlap, work.influence, spans.image_sigma
    out[:] = 0.0
    influence[:] = 0.0
    for q in range(use.size):
        i = use[q]
        variance = 1.0 / (spans.weight[i] * spans.weight[i])
        gain[:] = 0.0
        for p in range(overlap.shape[1]):
            if overlap[i, p] != 0.0:
                gain[spans.first[i] + p] = overlap[i, p] * work.extra[q] / variance
        banded.solve(work.matrix, gain)
        own = max(variance - 2.0 * image_sigma * image_sigma, 0.0)
        for k in range(out.size):
            out[k] += gain[k] * gain[k] * own
            influence[spans.images[0, i], k] -= gain[k]
            influence[spans.images[1, i], k] += gain[k]
    for m in range(influence.shape[0]):
        for k in range(out.size):
            out[k] += image_sigma * image_sigma * influence[m, k] * influence[m, k]


@kernel
def _invert_cell(velocity, use, spans, rounds, work, out, error):
    """Invert one component of one cell into `out` and `error` (m,), and return the reduced chi2."""
    n, prior = use.size, rounds.prior
    right, variance, residual, extra, inverse = work.right, work.variance, work.residual, work.extra, work.inverse
    for q in range(n):
        extra[q] = 1.0
    for attempt in range(rounds.rounds):
        _assemble(velocity, use, spans, prior, work)
        if not banded.factor(work.matrix):
            return np.nan
        banded.solve(work.matrix, right)
        _residuals(velocity, use, spans, right, residual)
        if attempt == rounds.rounds - 1 or _biweights(residual, n, work.scratch, extra) < _SETTLED:
            break
    banded.inverse_diagonal(work.matrix, inverse, variance)
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
    if spans.image_sigma > 0.0:
        # the prior's share stays; the data's share is replaced by what shared images allow
        _shared_variance(use, spans, work, work.scratch[: right.size], error)
        for k in range(right.size):
            variance[k] = max(variance[k], error[k])
    for k in range(right.size):
        out[k] = right[k]
        error[k] = np.sqrt(variance[k] * max(chi2, 1.0))
    return chi2


@kernel
def _work(n_pair, size, spans, band):
    """Return the working memory of the inversion of one cell."""
    return Work(
        np.empty((size, band + 1)),
        np.zeros((size, band + 1)),
        np.empty(size),
        np.empty(size),
        np.empty(n_pair),
        np.empty(n_pair),
        np.empty(max(n_pair, size)),
        np.zeros((spans.images.max() + 1 if spans.image_sigma > 0.0 else 1, size)),
    )


@kernel
def _invert_cells(cells, spans, rounds, out, error, count):
    """Invert each cell, one component after the other, with NaN before the first pair and after the last."""
    n_pair, size = cells.vx.shape[1], out.shape[2]
    overlap = spans.overlap
    work = _work(n_pair, size, spans, rounds.band)
    use, row = np.empty(n_pair, np.int64), np.zeros(n_pair)
    for cell in range(cells.vx.shape[0]):
        n = 0
        for i in range(n_pair):
            seen = cells.vx[cell, i] != FILL_VELOCITY and cells.vy[cell, i] != FILL_VELOCITY
            if seen and cells.keep[i] and overlap[i, 0] > 0.0:
                use[n] = i
                n += 1
        out[cell] = np.nan
        error[cell] = np.nan
        for q in range(n):
            for p in range(overlap.shape[1]):
                if overlap[use[q], p] > 0.0:
                    count[cell, spans.first[use[q]] + p] += 1
        if n < rounds.minimum:
            continue
        for c in range(2):
            values = cells.vx if c == 0 else cells.vy
            for q in range(n):
                row[use[q]] = values[cell, use[q]] + cells.shift[c, use[q]]
            own = Spans(spans.dt, spans.weight[c], spans.first, overlap, spans.images, spans.image_sigma)
            _invert_cell(row, use[:n], own, rounds, work, out[cell, c], error[cell, c])
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
    vx: np.ndarray,
    vy: np.ndarray,
    pairs: Design,
    steps: Steps,
    *,
    smoothness: float,
    robust: bool = Inversion.robust,
    image_sigma: float = Inversion.image_sigma,
    minimum: int = Inversion.minimum,
    held: np.ndarray | None = None,
    threads: int = 1,
) -> dict[str, np.ndarray]:
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
    velocity, error = np.empty((n_cell, 2, size)), np.empty((n_cell, 2, size))
    count = np.zeros((n_cell, size), "int32")
    weight = 1.0 / (pairs.sigma * pairs.dt)
    spans = Spans(pairs.dt, weight, steps.first, steps.overlap, pairs.images, float(image_sigma))
    band = max(1, steps.overlap.shape[1] - 1)
    rounds = Rounds(1.0 / float(smoothness) ** 2, _ROUNDS if robust else 1, minimum, band)
    keep = pairs.keep if held is None else pairs.keep & ~held

    def work(share):
        cells = Cells(vx[share], vy[share], pairs.shift, keep)
        _invert_cells(cells, spans, rounds, velocity[share], error[share], count[share])

    in_threads(work, n_cell, threads)
    return {"velocity": velocity, "error": error, "pairs": count}


def invert_reference(
    velocity: np.ndarray, pairs: Design, steps: Steps, *, smoothness: float, component: int = 0
) -> tuple[np.ndarray, ...]:
    """
    Invert one cell with dense matrices and without robust weights, as the reference implementation.

    Returns values, and errors before chi2.
    """
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
