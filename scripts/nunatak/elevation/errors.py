"""Compute the error of a sum over cells whose errors are correlated in space."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

# Number of cells above which the disk approximation replaces the double sum (a quarter of a second for 5000).
EXACT_CELLS = 5000
_BLOCK = 128


@dataclass(frozen=True)
class SumErrors:
    """Standard error of a sum of cells for three assumptions on their correlation, as arrays over the sums."""

    independent: np.ndarray
    """errors of cells are independent: a lower bound"""
    correlated: np.ndarray
    """errors are correlated over a range"""
    fully_correlated: np.ndarray
    """errors are fully correlated: an upper bound"""


def sum_errors(
    weighted_sigma: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    area: Any,
    *,
    correlation_range: float,
    bound: np.ndarray | None = None,
) -> SumErrors:
    """
    Return the error of sums over cells.

    Parameters
    ----------
    weighted_sigma : (n_sum, n_cell) array, area x sigma of each cell, 0 for a cell that is not in a sum
    x, y : (n_cell,) cell centres, metres
    area : (n_sum,) total area of each sum, m2, for the disk approximation
    correlation_range : metres, range R of the spherical correlation
    bound : like `weighted_sigma`, for the upper bound. Default: `weighted_sigma`

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


def errors_of(
    sums: Iterable[tuple[np.ndarray, np.ndarray, float]], x: np.ndarray, y: np.ndarray, *, correlation_range: float
) -> SumErrors:
    """
    Return the error of sums that come one at a time, so that many large ones are not in memory at once.

    Parameters
    ----------
    sums : iterable of (weighted sigma (n_cell,), its bound (n_cell,), total area)
    x, y, correlation_range : as in `sum_errors`
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


def double_sum(s: np.ndarray, x: np.ndarray, y: np.ndarray, correlation_range: float) -> np.ndarray:
    """
    Return the variances sum_i sum_j s_i s_j rho(d_ij) of sums, in blocks of rows.

    Parameters
    ----------
    s : (n_sum, n_cell) weighted sigma
    x, y : (n_cell,) m
    correlation_range : m

    Returns
    -------
    (n_sum,)
    """
    order = np.lexsort((x, y))
    s, x, y = s[:, order], x[order], y[order]
    variance = np.zeros(s.shape[0])
    for first in range(0, x.size, _BLOCK):
        rows = slice(first, first + _BLOCK)
        # Only cells within the range in y are correlated with these.
        low, high = y[rows][0] - correlation_range, y[rows][-1] + correlation_range
        near = slice(np.searchsorted(y, low), np.searchsorted(y, high, side="right"))
        rho = spherical(np.hypot(x[rows, None] - x[near], y[rows, None] - y[near]), correlation_range)
        variance += np.einsum("ki,ki->k", s[:, rows], s[:, near] @ rho.T)
    return variance


def spherical(distance: Any, correlation_range: float) -> np.ndarray:
    """
    Return the spherical correlation, 1 at distance 0 and 0 from the range on.

    Parameters
    ----------
    distance : m
    correlation_range : m
    """
    ratio = np.minimum(np.asarray(distance, dtype=float) / correlation_range, 1.0)
    return 1 - 1.5 * ratio + 0.5 * ratio**3


def disk_factor(area: Any, correlation_range: float) -> np.ndarray:
    """
    Return the standard error of the mean over a disk, divided by that of one point.

    Parameters
    ----------
    area : m2, area of the disk
    correlation_range : m

    >>> round(float(disk_factor(1600e6, 10e3)), 3)
    0.198
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt(area / np.pi) / correlation_range
        variance = np.where(ratio >= 1, 0.2 / ratio**2, 1 - ratio + ratio**3 / 5)
    return np.sqrt(variance)
