"""
Map scattered points with a Gaussian kernel: each node is a weighted mean of its neighbours in four quadrants.

A mean per cell leaves cells between tracks empty. A kernel fills them and gives an error. Weights are sigma^-2 *
exp(-d^2 / (2 length^2)). Neighbours are balanced over quadrants so that one dense track does not decide alone (as in
captoolkit's interpgaus). The error includes the scatter of the neighbours and their own errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    from nunatak.geometry.grid import Grid

_QUADRANTS = 4


def gaussian_kernel(
    points: Mapping[str, Any],
    grid: Grid,
    *,
    length: float,
    radius: float,
    per_quadrant: int = 6,
    minimum: int = 3,
    n_sigma: float | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Return value, error and number of neighbours at every cell centre.

    Parameters
    ----------
    points : mapping of (n,) arrays `x`, `y` (m, in the grid's coordinate system), `value` and optionally `sigma` (one
        standard error, positive). Rows that are not finite are left out
    grid : Grid
    length : m, of the Gaussian
    radius : m, beyond which no point counts
    per_quadrant : nearest neighbours taken from each quadrant around a node. Default: 6
    minimum : nodes with fewer neighbours are NaN. Default: 3
    n_sigma : largest distance of a neighbour from the neighbours' median, in standard deviations. Default: none, all
        are kept

    Returns
    -------
    value, error : (ny, nx) arrays, error = sqrt(weighted variance of the neighbours + weighted mean of sigma^2)
    count : (ny, nx) int32, neighbours used

    Raises
    ------
    NunatakError : there is no usable point, or a length is not positive
    """
    x, y = np.meshgrid(grid.x, grid.y)
    columns = _columns(points, length, radius)
    gaussian = Gaussian(length, radius, per_quadrant, minimum, n_sigma or 0.0)
    value, error, count = _estimate(x.ravel(), y.ravel(), np.full(x.size, -1), columns, gaussian)
    return value.reshape(grid.shape), error.reshape(grid.shape), count.reshape(grid.shape)


def leave_one_track_out(
    points: Mapping[str, Any],
    *,
    length: float,
    radius: float,
    per_quadrant: int = 6,
    minimum: int = 3,
    n_sigma: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """
    Subtract from each point the estimate from all other tracks, as an independent test of the map and its errors.

    Parameters
    ----------
    points : as for `gaussian_kernel`, with `track` (n,) integers
    length, radius, per_quadrant, minimum, n_sigma : as for `gaussian_kernel`

    Returns
    -------
    residual, error : (n,) arrays, NaN when too few points of other tracks are near
    """
    columns = _columns(points, length, radius)
    gaussian = Gaussian(length, radius, per_quadrant, minimum, n_sigma or 0.0)
    value, error, _ = _estimate(columns["x"], columns["y"], columns["track"], columns, gaussian)
    residual = np.full(columns["kept"].shape, np.nan)
    errors = residual.copy()
    residual[columns["kept"]], errors[columns["kept"]] = columns["value"] - value, error
    return residual, errors


def estimate_reference(
    x: float, y: float, points: Mapping[str, np.ndarray], *, length: float, radius: float, per_quadrant: int = 6
) -> tuple[float, float, int]:
    """
    Estimate one node without the n-sigma filter, as the reference implementation.

    Parameters
    ----------
    x, y : m, the node
    points, length, radius, per_quadrant : as for `gaussian_kernel`

    Returns
    -------
    value, error, count
    """
    dx, dy = points["x"] - x, points["y"] - y
    distance = np.hypot(dx, dy)
    quadrant = (dx >= 0) * 2 + (dy >= 0)
    chosen = []
    for q in range(_QUADRANTS):
        near = np.flatnonzero((quadrant == q) & (distance <= radius))
        chosen += list(near[np.argsort(distance[near], kind="stable")][:per_quadrant])
    v, s, d = points["value"][chosen], points["sigma"][chosen], distance[chosen]
    w = s**-2.0 * np.exp(-(d**2) / (2 * length**2))
    mean = np.sum(w * v) / np.sum(w)
    return mean, np.sqrt(np.sum(w * (v - mean) ** 2) / np.sum(w) + np.sum(w * s**2) / np.sum(w)), len(chosen)


def _columns(points, length, radius):
    """Return the finite points as arrays, and whether their errors are given."""
    if not (length > 0 and radius > 0):
        raise NunatakError(f"gaussian_kernel: length {length} and radius {radius} must be positive, in metres")
    x, y, value = (np.asarray(points[name], dtype="f8") for name in ("x", "y", "value"))
    sigma = np.asarray(points["sigma"], dtype="f8") if "sigma" in points else np.ones(x.size)
    track = np.asarray(points["track"], dtype="int64") if "track" in points else np.zeros(x.size, "int64")
    kept = np.isfinite(x) & np.isfinite(y) & np.isfinite(value) & np.isfinite(sigma) & (sigma > 0)
    if not kept.any():
        raise NunatakError(f"gaussian_kernel: none of {x.size} points has a position, a value and a positive sigma")
    has_sigma = "sigma" in points
    return {
        "x": x[kept],
        "y": y[kept],
        "value": value[kept],
        "sigma": sigma[kept],
        "track": track[kept],
        "kept": kept,
        "sigma_known": has_sigma,
    }


class Gaussian(NamedTuple):
    """Settings of the kernel and of the choice of neighbours."""

    length: float
    """m"""
    radius: float
    """m"""
    per_quadrant: int
    minimum: int
    n_sigma: float
    """0 keeps all neighbours"""


class Points(NamedTuple):
    """Points in the order of the squares they lie in: row * nx + column."""

    x: np.ndarray
    y: np.ndarray
    value: np.ndarray
    sigma: np.ndarray
    track: np.ndarray
    sigma_known: bool
    start: np.ndarray
    """first point of each square, and the number of points"""
    left: float
    bottom: float
    nx: int
    ny: int


def _estimate(x, y, track, columns, gaussian):
    """Sort the points by squares and estimate all nodes."""
    radius = gaussian.radius
    left, bottom = columns["x"].min(), columns["y"].min()
    column = ((columns["x"] - left) // radius).astype("int64")
    row = ((columns["y"] - bottom) // radius).astype("int64")
    nx, ny = int(column.max()) + 1, int(row.max()) + 1
    order = np.argsort(row * nx + column, kind="stable")
    start = np.searchsorted((row * nx + column)[order], np.arange(nx * ny + 1))
    value, error, count = np.full(x.size, np.nan), np.full(x.size, np.nan), np.zeros(x.size, "int32")
    points = Points(
        x=columns["x"][order],
        y=columns["y"][order],
        value=columns["value"][order],
        sigma=columns["sigma"][order],
        track=columns["track"][order],
        sigma_known=columns["sigma_known"],
        start=start,
        left=float(left),
        bottom=float(bottom),
        nx=nx,
        ny=ny,
    )
    _estimate_nodes(x, y, np.asarray(track), points, gaussian, value, error, count)
    return value, error, count


@kernel
def _estimate_nodes(x, y, own_track, points, gaussian, value, error, count):
    """Estimate each node from its nearest neighbours, without points of the node's own track."""
    radius, k = gaussian.radius, gaussian.per_quadrant
    nearest = np.empty((_QUADRANTS, k), dtype=np.int64)
    distance2 = np.empty((_QUADRANTS, k))
    n_near = np.empty(_QUADRANTS, dtype=np.int64)
    chosen = np.empty(_QUADRANTS * k, dtype=np.int64)
    for i in range(x.size):
        n_near[:] = 0
        column, row = int((x[i] - points.left) // radius), int((y[i] - points.bottom) // radius)
        for r in range(max(row - 1, 0), min(row + 2, points.ny)):
            for c in range(max(column - 1, 0), min(column + 2, points.nx)):
                for j in range(points.start[r * points.nx + c], points.start[r * points.nx + c + 1]):
                    if own_track[i] >= 0 and points.track[j] == own_track[i]:
                        continue
                    dx, dy = points.x[j] - x[i], points.y[j] - y[i]
                    d2 = dx * dx + dy * dy
                    if d2 <= radius * radius:
                        _insert(nearest, distance2, n_near, (2 if dx >= 0 else 0) + (1 if dy >= 0 else 0), j, d2, k)
        n = 0
        for q in range(_QUADRANTS):
            for m in range(n_near[q]):
                chosen[n] = nearest[q, m]
                n += 1
        if gaussian.n_sigma > 0 and n > 2:
            n = _without_outliers(chosen, n, points.value, gaussian.n_sigma)
        count[i] = n
        if n >= gaussian.minimum:
            value[i], error[i] = _weighted(chosen[:n], x[i], y[i], points, gaussian.length)


@kernel
def _insert(nearest, distance2, n_near, q, j, d2, k):
    """Insert a point into the k nearest of its quadrant, in order of distance."""
    m = n_near[q]
    if m == k and d2 >= distance2[q, k - 1]:
        return
    if m < k:
        n_near[q] = m + 1
    else:
        m = k - 1
    while m > 0 and distance2[q, m - 1] > d2:
        distance2[q, m], nearest[q, m] = distance2[q, m - 1], nearest[q, m - 1]
        m -= 1
    distance2[q, m], nearest[q, m] = d2, j


@kernel
def _without_outliers(chosen, n, pv, n_sigma):
    """Keep the neighbours within n_sigma standard deviations of their median, and return their number."""
    values = pv[chosen[:n]]
    median, spread = np.median(values), np.std(values)
    m = 0
    for i in range(n):
        if abs(pv[chosen[i]] - median) <= n_sigma * spread:
            chosen[m] = chosen[i]
            m += 1
    return m


@kernel
def _weighted(chosen, x, y, points, length):
    """Return the weighted mean of the chosen points and its error."""
    px, py, pv, ps = points.x, points.y, points.value, points.sigma
    sw, swv, sws = 0.0, 0.0, 0.0
    for j in chosen:
        d2 = (px[j] - x) ** 2 + (py[j] - y) ** 2
        w = np.exp(-d2 / (2 * length * length)) / (ps[j] * ps[j])
        sw += w
        swv += w * pv[j]
        sws += w * ps[j] * ps[j]
    mean = swv / sw
    scatter = 0.0
    for j in chosen:
        d2 = (px[j] - x) ** 2 + (py[j] - y) ** 2
        w = np.exp(-d2 / (2 * length * length)) / (ps[j] * ps[j])
        scatter += w * (pv[j] - mean) ** 2
    own = sws / sw if points.sigma_known else 0.0
    return mean, np.sqrt(scatter / sw + own)
