"""Trend and acceleration of a sum over cells of which each was seen at some of the epochs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nunatak.elevation.trend import persistence

CURVED_YEARS = 5.0  # a shorter span tells no acceleration from the seasons
_BLOCK = 20000  # cells whose gaps are filled at a time


class Estimate(NamedTuple):
    """
    A coefficient of a fit with one standard error.

    The result is NaN where the record does not tell it.
    """

    value: float
    sigma: float


NOT_KNOWN = Estimate(np.nan, np.nan)


def fixed_set(seen, weight, *, coverage, longest):
    """
    Return the epochs and the cells of a period that a sum can be followed through.

    A sum over cells that change with time is no series. An epoch counts where `coverage` of the area has a value; a
    cell where it has one at that share of these epochs, and is never without one for more than `longest` of them.

    Parameters
    ----------
    seen : (n_epoch, n_cell) bool
    weight : (n_cell,) area of each cell
    coverage : 0 to 1
    longest : epochs

    Returns
    -------
    epochs : (n_epoch,) bool
    cells : (n_cell,) bool
    """
    ever = seen.any(axis=0)
    epochs = _well_seen(seen, weight, ever, coverage)
    cells = ever & (seen[epochs].sum(axis=0) >= max(coverage * epochs.sum(), 1))
    cells &= _longest_gap(seen[epochs]) <= longest
    return epochs & _well_seen(seen, weight, cells, coverage), cells


def _well_seen(seen, weight, cells, coverage):
    """Return which epochs have values in a share of the area of some cells."""
    area = weight[cells]
    return (seen[:, cells] @ area >= coverage * area.sum()) & seen[:, cells].any(axis=1)


def _longest_gap(seen):
    """Return the longest run of epochs without a value, also at the ends, (n_cell,)."""
    longest = run = np.zeros(seen.shape[1], dtype=int)
    for epoch in seen:
        run = np.where(epoch, 0, run + 1)
        longest = np.maximum(longest, run)
    return longest


def design_of(years, middle, *, curved):
    """
    Return the columns one, time, half its square where `curved`, and cosine and sine of the year.

    Parameters
    ----------
    years : (n,) decimal years
    middle : the year that time counts from
    """
    t = np.asarray(years, dtype=float) - middle
    square = [0.5 * t**2] if curved else []
    return np.stack([np.ones_like(t), t, *square, np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)], axis=1)


def total(values, weight, design, like=None):
    """
    Return the weighted sum over cells at every epoch, gaps filled by the cell's own curve.

    Least squares of a filled series give the coefficients of the cells' own fits: what is filled adds no trend.

    Parameters
    ----------
    values : (n_epoch, n_cell), NaN where not observed
    weight : (n_cell,)
    design : (n_epoch, p), the curve
    like : (n_epoch, n_cell) what curves are fitted to. Default: the values

    Returns
    -------
    sums : (n_epoch,) in the unit of weight times value
    share : (n_epoch,) part of the weight that was observed
    """
    sums, observed = np.zeros(len(values)), np.zeros(len(values))
    for first in range(0, values.shape[1], _BLOCK):
        own = slice(first, first + _BLOCK)
        block, known = values[:, own].astype("f8"), (values if like is None else like)[:, own].astype("f8")
        seen = np.isfinite(block)
        fitted = design @ _coefficients(np.nan_to_num(known), np.isfinite(known), design)
        sums += np.where(seen, block, fitted) @ weight[own]
        observed += seen @ weight[own]
    return sums, observed / weight.sum()


def _coefficients(values, seen, design):
    """Fit every cell by least squares over the epochs with a value, and return the coefficients, (p, n_cell)."""
    p = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), p * p)
    normal = (seen.T.astype("f8") @ products).reshape(-1, p, p)
    right = (values.T @ design)[:, :, None]
    return (np.linalg.pinv(normal, hermitian=True, rcond=1e-9) @ right)[:, :, 0].T


def fit(sums, share, sigma, design, *, moved=None, moved_sigma=0.0):
    """
    Return the slope of a series of sums, and the coefficient after it, with their errors.

    Parameters
    ----------
    sums, share : as `total` returns them
    sigma : (n_epoch,) stated error of the observed part of every sum
    design : (n_epoch, p)
    moved : (n_epoch,) bool, epochs that share an error. Default: none do
    moved_sigma : that error

    Returns
    -------
    list of p Estimate, not known but for columns 1 and 2 of the design

    Notes
    -----
    The variance of a coefficient is the larger of two: what the residuals say, their persistence (AR(1)) counted, and
    what the stated errors say, independent from epoch to epoch. Both are those of the observed part over its share.
    What the shared error does to the coefficient is added.
    """
    solve = np.linalg.pinv(design)
    coefficients = solve @ sums
    residual = (sums - design @ coefficients) / share
    n, p = design.shape
    variance = (residual**2).sum() / max(n - p, 1)
    lagged = (residual[1:] * residual[:-1]).sum() / max((residual**2).sum(), 1e-300)
    stated = solve**2 @ (np.asarray(sigma) / share) ** 2
    common = (solve[:, moved].sum(axis=1) * moved_sigma) ** 2 if moved is not None else np.zeros(p)
    found = [NOT_KNOWN] * p
    for column in range(1, min(p, 3)):
        r, _, inflation = persistence(design, column)
        scatter = variance * (solve[column] ** 2).sum() * np.interp(lagged, r, inflation)
        sigma_of = np.sqrt(max(scatter, stated[column]) + common[column])
        found[column] = Estimate(float(coefficients[column]), float(sigma_of))
    return found
