"""
Ordinary kriging of a few thousand points: the linear estimate of least variance, with its error, for small regions.

Each point's own error stands on the diagonal of the covariance, so that a poor point is not honoured exactly
(as in captoolkit's interpkrig). All points are solved together; for more of them take `gaussian_kernel`.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

from nunatak.runtime import NunatakError

MOST_POINTS = 5000
_NODES = 2000  # solved at a time, so that memory stays near 100 MB


def krige(points, grid, *, reach, sill, nugget=0.0):
    """
    Value and error on every cell centre, from an exponential covariance sill * exp(-3 d / reach).

    Parameters
    ----------
    points : mapping of (n,) arrays `x`, `y` (m, in the grid's coordinate system), `value`, and, where known, `sigma`
        (one standard error); rows that are not finite are left out
    grid : Grid
    reach : distance at which 95 % of the covariance is gone, m
    sill : variance of the field around its mean, in the value's unit squared
    nugget : variance of what is not resolved, likewise

    Returns
    -------
    value, error : (ny, nx) arrays; the error is of the smooth field, without the nugget

    Raises
    ------
    NunatakError : no usable point or too many, reach or sill not positive, or two points in one place without errors
    """
    if not (reach > 0 and sill > 0 and nugget >= 0):
        raise NunatakError(f"krige: reach {reach} and sill {sill} must be positive, nugget {nugget} not negative")
    place, value, variance = _usable(points)
    covariance = sill * np.exp(-3 * cdist(place, place) / reach)
    covariance[np.diag_indices_from(covariance)] += variance + nugget
    try:
        factor = cho_factor(covariance)
    except np.linalg.LinAlgError as error:
        raise NunatakError("krige: two points lie at one place without an error; give sigma or a nugget") from error
    ones = cho_solve(factor, np.ones(len(value)))
    weighted = cho_solve(factor, value)
    mean = weighted.sum() / ones.sum()  # generalised least squares
    nodes = np.stack(np.meshgrid(grid.x, grid.y), axis=-1).reshape(-1, 2)
    out = np.empty((2, len(nodes)))
    for start in range(0, len(nodes), _NODES):
        part = slice(start, start + _NODES)
        near = sill * np.exp(-3 * cdist(nodes[part], place) / reach)
        solved = cho_solve(factor, near.T)
        out[0, part] = mean + near @ (weighted - mean * ones)
        # the second term is the price of not knowing the mean
        out[1, part] = sill - (near.T * solved).sum(0) + (1 - solved.sum(0)) ** 2 / ones.sum()
    return out[0].reshape(grid.shape), np.sqrt(np.maximum(out[1], 0.0)).reshape(grid.shape)


def _usable(points):
    """Places, values and error variances of finite points, few enough to solve."""
    x, y, value = (np.asarray(points[name], dtype="f8") for name in ("x", "y", "value"))
    sigma = np.asarray(points["sigma"], dtype="f8") if "sigma" in points else np.zeros(x.size)
    kept = np.isfinite(x) & np.isfinite(y) & np.isfinite(value) & np.isfinite(sigma)
    if not kept.any():
        raise NunatakError(f"krige: none of {x.size} points has a position, a value and a sigma")
    if kept.sum() > MOST_POINTS:
        raise NunatakError(f"krige: {kept.sum()} points are more than {MOST_POINTS}; thin them or use gaussian_kernel")
    return np.column_stack([x[kept], y[kept]]), value[kept], sigma[kept] ** 2
