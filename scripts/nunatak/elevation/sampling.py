"""Interpolate a gridded field at points bilinearly, with a rule for missing neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

BILINEAR, RENORMALISED, NEAREST, MISSING = 0, 1, 2, 3
FLAG_MEANINGS = "bilinear renormalised nearest missing"


def sample(
    values: Any, x: np.ndarray, y: np.ndarray, px: np.ndarray, py: np.ndarray, *, margin: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return bilinear values of a grid at points.

    If one of the four neighbours is NaN, the other three are weighted anew. If fewer are left the value is NaN or, with
    `margin`, that of the nearest cell, if it has a value.

    Parameters
    ----------
    values : (..., ny, nx) array
    x : (nx,) cell centres, evenly spaced, ascending
    y : (ny,) cell centres, evenly spaced, ascending or descending
    px, py : (n,) point coordinates, in the system of x and y
    margin : whether to use the nearest cell at the edge of the data. Default: False

    Returns
    -------
    sampled : (..., n) float64, NaN outside the grid (more than half a cell beyond the outermost centre)
    flag : (..., n) int8: 0 bilinear, 1 renormalised over three, 2 nearest, 3 missing
    """
    values = np.asarray(values)
    column, row = _position(x, px), _position(y, py)
    inside = (column >= -0.5) & (column <= x.size - 0.5) & (row >= -0.5) & (row <= y.size - 0.5)
    column, row = np.where(inside, column, 0.0), np.where(inside, row, 0.0)
    left = np.clip(np.floor(column).astype(int), 0, max(x.size - 2, 0))
    low = np.clip(np.floor(row).astype(int), 0, max(y.size - 2, 0))
    right, high = np.minimum(left + 1, x.size - 1), np.minimum(low + 1, y.size - 1)
    u, v = np.clip(column - left, 0, 1), np.clip(row - low, 0, 1)
    total, weight = (np.zeros((*values.shape[:-2], column.size)) for _ in range(2))
    n_usable = np.zeros(total.shape, dtype=int)
    for i, p in ((low, 1 - v), (high, v)):
        for j, q in ((left, 1 - u), (right, u)):
            corner = values[..., i, j].astype("f8")
            finite = np.isfinite(corner)
            total += np.where(finite, p * q * np.where(finite, corner, 0.0), 0.0)
            weight += np.where(finite, p * q, 0.0)
            n_usable += finite | (p * q == 0)  # a neighbour without weight is not needed
    usable = inside & (n_usable >= 3) & (weight > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        sampled = np.where(usable, total / weight, np.nan)
    flag = np.where(usable, np.where(n_usable == 4, BILINEAR, RENORMALISED), MISSING).astype("i1")
    if margin:
        i = np.clip(np.rint(row).astype(int), 0, y.size - 1)
        j = np.clip(np.rint(column).astype(int), 0, x.size - 1)
        nearest = values[..., i, j]
        fallback = ~usable & inside & np.isfinite(nearest)
        sampled, flag = np.where(fallback, nearest, sampled), np.where(fallback, NEAREST, flag).astype("i1")
    return sampled, flag


def _position(axis, points):
    """Return the fractional index of points on an evenly spaced axis."""
    axis, points = np.asarray(axis, dtype=float), np.asarray(points, dtype=float)
    step = (axis[-1] - axis[0]) / (axis.size - 1)
    return (points - axis[0]) / step
