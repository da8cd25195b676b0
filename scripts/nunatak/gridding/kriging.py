"""
Estimate a field from a few thousand points by ordinary kriging, with its error, for small regions.

Each point's own error stands on the diagonal of the covariance, so that a poor point is not reproduced exactly (as in
captoolkit's interpkrig). All points are solved together. For more points use `gaussian_kernel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    from nunatak.geometry.grid import Grid

MOST_POINTS = 5000
_NODES = 2000  # solved at a time, to keep memory near 100 MB


def krige(
    points: Mapping[str, np.ndarray], grid: Grid, *, reach: float, sill: float, nugget: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return value and error at every cell centre, from an exponential covariance sill * exp(-3 d / reach).

    Parameters
    ----------
    points : mapping of (n,) arrays `x`, `y` (m, in the grid's coordinate system), `value` and optionally `sigma` (one
        standard error). Rows that are not finite are left out
    grid : Grid
    reach : m, distance at which the covariance has fallen by 95 %
    sill : variance of the field around its mean, in the value's unit squared
    nugget : variance of the unresolved part, in the same unit. Default: 0

    Returns
    -------
    value, error : (ny, nx) arrays. The error is that of the smooth field, without the nugget

    Raises
    ------
    NunatakError : there is no usable point or too many, reach or sill is not positive, or two points without errors lie
        at one place
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
        # The second term is the variance of the estimated mean.
        out[1, part] = sill - (near.T * solved).sum(0) + (1 - solved.sum(0)) ** 2 / ones.sum()
    return out[0].reshape(grid.shape), np.sqrt(np.maximum(out[1], 0.0)).reshape(grid.shape)


def _usable(points):
    """Return positions, values and error variances of the finite points, or raise an error if there are too many."""
    x, y, value = (np.asarray(points[name], dtype="f8") for name in ("x", "y", "value"))
    sigma = np.asarray(points["sigma"], dtype="f8") if "sigma" in points else np.zeros(x.size)
    kept = np.isfinite(x) & np.isfinite(y) & np.isfinite(value) & np.isfinite(sigma)
    if not kept.any():
        raise NunatakError(f"krige: none of {x.size} points has a position, a value and a sigma")
    if kept.sum() > MOST_POINTS:
        raise NunatakError(f"krige: {kept.sum()} points are more than {MOST_POINTS}; thin them or use gaussian_kernel")
    return np.column_stack([x[kept], y[kept]]), value[kept], sigma[kept] ** 2
