"""Error of a sum over cells whose errors are correlated in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Above so many cells the double sum (5000: a quarter of a second) gives way to the disk approximation.
EXACT_CELLS = 5000
_BLOCK = 512


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
    independent = np.sqrt((s**2).sum(axis=1))
    used = np.flatnonzero(s.any(axis=0))
    if used.size <= EXACT_CELLS:
        correlated = np.sqrt(double_sum(s[:, used], np.asarray(x)[used], np.asarray(y)[used], correlation_range))
    else:
        correlated = s.sum(axis=1) * disk_factor(np.asarray(area, dtype=float), correlation_range)
    return SumErrors(independent, np.maximum(correlated, independent), upper.sum(axis=1))


def double_sum(s, x, y, correlation_range):
    """(n_sum,) variances sum_i sum_j s_i s_j rho(d_ij) of sums s (n_sum, n_cell), in blocks of rows."""
    variance = np.zeros(s.shape[0])
    for first in range(0, x.size, _BLOCK):
        rows = slice(first, first + _BLOCK)
        rho = spherical(np.hypot(x[rows, None] - x, y[rows, None] - y), correlation_range)
        variance += np.einsum("ki,ki->k", s[:, rows], s @ rho.T)
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
