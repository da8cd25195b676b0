"""Error of a sum over cells whose errors are correlated in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Above so many cells the double sum (5000: a quarter of a second) gives way to the disk approximation.
EXACT_CELLS = 5000
_BLOCK = 128


@dataclass(frozen=True)
class SumErrors:
    """One standard error of a sum of cells under three views of their correlation; arrays over the sums."""

    independent: np.ndarray
    """no cell knows of another: a lower bound"""
    correlated: np.ndarray
    """correlated over a range"""
    fully_correlated: np.ndarray
    """all cells err together: an upper bound"""


def sum_errors(weighted_sigma, x, y, area, *, correlation_range, bound=None):
    """
    The error of sums over cells.

    Parameters
    ----------
    weighted_sigma : (n_sum, n_cell) array, area x sigma of each cell; 0 for a cell that is not in a sum
    x, y : (n_cell,) cell centres, metres
    area : (n_sum,) total area of each sum, m2, for the disk approximation
    correlation_range : metres, range R of the spherical correlation
    bound : like `weighted_sigma`, for the upper bound; default the same

    Returns
    -------
    SumErrors of (n_sum,) arrays, in the unit of `weighted_sigma`

    Notes
    -----
    var = sum_i sum_j s_i s_j rho(d_ij), rho(d) = 1 - 1.5 d/R + 0.5 (d/R)^3 within R, exact up to `EXACT_CELLS` cells;
    beyond, that of a disk of the same area (Rolstad and others 2009, J. Glaciol. 55, 666-680).
    ASSUME: distances in the projection; its scale is within 3 % of 1 where there is land ice.
    """
    s = np.atleast_2d(np.asarray(weighted_sigma, dtype=float))
    upper = s if bound is None else np.atleast_2d(np.asarray(bound, dtype=float))
    return errors_of(zip(s, upper, area, strict=True), x, y, correlation_range=correlation_range)


def errors_of(sums, x, y, *, correlation_range):
    """
    `sum_errors` of sums that come one at a time, so that many large ones need not be held at once.

    Parameters
    ----------
    sums : iterable of (weighted sigma (n_cell,), its bound (n_cell,), total area)
    """
    exact = len(x) <= EXACT_CELLS
    kept, squares, totals, bounds, areas = [], [], [], [], []
    for weighted, upper, area in sums:
        squares.append(np.dot(weighted, weighted))
        totals.append(weighted.sum())
        bounds.append(upper.sum())
        areas.append(area)
        if exact:
            kept.append(weighted)
    independent = np.sqrt(squares)
    if exact:
        correlated = np.sqrt(double_sum(np.array(kept), np.asarray(x), np.asarray(y), correlation_range))
    else:
        correlated = np.array(totals) * disk_factor(np.array(areas, dtype=float), correlation_range)
    return SumErrors(independent, np.maximum(correlated, independent), np.array(bounds))


def double_sum(s, x, y, correlation_range):
    """(n_sum,) variances sum_i sum_j s_i s_j rho(d_ij) of sums s (n_sum, n_cell), in blocks of rows."""
    order = np.lexsort((x, y))
    s, x, y = s[:, order], x[order], y[order]
    variance = np.zeros(s.shape[0])
    for first in range(0, x.size, _BLOCK):
        rows = slice(first, first + _BLOCK)
        # only cells within the range in y can be correlated with these
        low, high = y[rows][0] - correlation_range, y[rows][-1] + correlation_range
        near = slice(np.searchsorted(y, low), np.searchsorted(y, high, side="right"))
        rho = spherical(np.hypot(x[rows, None] - x[near], y[rows, None] - y[near]), correlation_range)
        variance += np.einsum("ki,ki->k", s[:, rows], s[:, near] @ rho.T)
    return variance


def spherical(distance, correlation_range):
    """Spherical correlation: 1 at distance 0, 0 from `correlation_range` on."""
    ratio = np.minimum(np.asarray(distance, dtype=float) / correlation_range, 1.0)
    return 1 - 1.5 * ratio + 0.5 * ratio**3


def disk_factor(area, correlation_range):
    """
    Standard error of the mean over a disk, over the standard error of one point.

    >>> round(float(disk_factor(1600e6, 10e3)), 3)
    0.198
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt(area / np.pi) / correlation_range
        variance = np.where(ratio >= 1, 0.2 / ratio**2, 1 - ratio + ratio**3 / 5)
    return np.sqrt(variance)
