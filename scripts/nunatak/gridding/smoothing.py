"""
Maps from scattered points by a Gaussian kernel: each node is a weighted mean of its neighbours in four quadrants.

A bucket mean leaves empty cells between tracks; a kernel fills them and says how well. Weights are
sigma^-2 * exp(-d^2 / (2 length^2)), neighbours are balanced over quadrants so that one dense track does not decide
alone (as in captoolkit's interpgaus), and the error holds the scatter of the neighbours and their own errors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.runtime import NunatakError

_QUADRANTS = 4


def gaussian_kernel(points, grid, *, length, radius, per_quadrant=6, minimum=3, n_sigma=None):
    """
    Value and error on every cell centre.

    Parameters
    ----------
    points : mapping of (n,) arrays `x`, `y` (m, in the grid's coordinate system), `value`, and, where known, `sigma`
        (one standard error, positive); rows that are not finite are left out
    grid : Grid
    length : of the Gaussian, m
    radius : beyond which no point counts, m
    per_quadrant : nearest neighbours taken from each quadrant around a node
    minimum : neighbours without which a node stays NaN
    n_sigma : drop neighbours further than this many standard deviations from the neighbours' median; None keeps all

    Returns
    -------
    value, error : (ny, nx) arrays; error = sqrt(weighted variance of the neighbours + weighted mean of sigma^2)
    count : (ny, nx) int32, neighbours used

    Raises
    ------
    NunatakError : no usable point, or lengths that are not positive
    """
    x, y = np.meshgrid(grid.x, grid.y)
    columns = _columns(points, length, radius)
    gaussian = Gaussian(length, radius, per_quadrant, minimum, n_sigma or 0.0)
    value, error, count = _estimate(x.ravel(), y.ravel(), np.full(x.size, -1), columns, gaussian)
    return value.reshape(grid.shape), error.reshape(grid.shape), count.reshape(grid.shape)


def leave_one_track_out(points, *, length, radius, per_quadrant=6, minimum=3, n_sigma=None):
    """
    Each point less the estimate at its place from all other tracks: an honest test of the map and its errors.

    Parameters
    ----------
    points : as for `gaussian_kernel`, with `track` (n,) integers

    Returns
    -------
    residual, error : (n,) arrays, NaN where too few points of other tracks are near
    """
    columns = _columns(points, length, radius)
    gaussian = Gaussian(length, radius, per_quadrant, minimum, n_sigma or 0.0)
    value, error, _ = _estimate(columns["x"], columns["y"], columns["track"], columns, gaussian)
    residual = np.full(columns["kept"].shape, np.nan)
    errors = residual.copy()
    residual[columns["kept"]], errors[columns["kept"]] = columns["value"] - value, error
    return residual, errors


def estimate_reference(x, y, points, *, length, radius, per_quadrant=6):
    """The definition for one node (without the n-sigma filter): value, error and number of neighbours."""
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
    """Finite points in order of the square of side `radius` they lie in."""
    if not (length > 0 and radius > 0):
        raise NunatakError(f"gaussian_kernel: length {length} and radius {radius} must be positive, in metres")
    x, y, value = (np.asarray(points[name], dtype="f8") for name in ("x", "y", "value"))
    sigma = np.asarray(points["sigma"], dtype="f8") if "sigma" in points else np.ones(x.size)
    track = np.asarray(points["track"], dtype="int64") if "track" in points else np.zeros(x.size, "int64")
    kept = np.isfinite(x) & np.isfinite(y) & np.isfinite(value) & np.isfinite(sigma) & (sigma > 0)
    if not kept.any():
        raise NunatakError(f"gaussian_kernel: none of {x.size} points has a position, a value and a positive sigma")
    known = "sigma" in points
    return {
        "x": x[kept],
        "y": y[kept],
        "value": value[kept],
        "sigma": sigma[kept],
        "track": track[kept],
        "kept": kept,
        "sigma_known": known,
    }


class Gaussian(NamedTuple):
    """The kernel of a map and which neighbours count."""

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
    """Estimate each node from its nearest neighbours; points of the node's own track are left out."""
    radius, k = gaussian.radius, gaussian.per_quadrant
    nearest = np.empty((_QUADRANTS, k), dtype=np.int64)
    distance2 = np.empty((_QUADRANTS, k))
    found = np.empty(_QUADRANTS, dtype=np.int64)
    chosen = np.empty(_QUADRANTS * k, dtype=np.int64)
    for i in range(x.size):
        found[:] = 0
        column, row = int((x[i] - points.left) // radius), int((y[i] - points.bottom) // radius)
        for r in range(max(row - 1, 0), min(row + 2, points.ny)):
            for c in range(max(column - 1, 0), min(column + 2, points.nx)):
                for j in range(points.start[r * points.nx + c], points.start[r * points.nx + c + 1]):
                    if own_track[i] >= 0 and points.track[j] == own_track[i]:
                        continue
                    dx, dy = points.x[j] - x[i], points.y[j] - y[i]
                    d2 = dx * dx + dy * dy
                    if d2 <= radius * radius:
                        _insert(nearest, distance2, found, (2 if dx >= 0 else 0) + (1 if dy >= 0 else 0), j, d2, k)
        n = 0
        for q in range(_QUADRANTS):
            for m in range(found[q]):
                chosen[n] = nearest[q, m]
                n += 1
        if gaussian.n_sigma > 0 and n > 2:
            n = _without_outliers(chosen, n, points.value, gaussian.n_sigma)
        count[i] = n
        if n >= gaussian.minimum:
            value[i], error[i] = _weighted(chosen[:n], x[i], y[i], points, gaussian.length)


@kernel
def _insert(nearest, distance2, found, q, j, d2, k):
    """Keep the k nearest of a quadrant in order."""
    m = found[q]
    if m == k and d2 >= distance2[q, k - 1]:
        return
    if m < k:
        found[q] = m + 1
    else:
        m = k - 1
    while m > 0 and distance2[q, m - 1] > d2:
        distance2[q, m], nearest[q, m] = distance2[q, m - 1], nearest[q, m - 1]
        m -= 1
    distance2[q, m], nearest[q, m] = d2, j


@kernel
def _without_outliers(chosen, n, pv, n_sigma):
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
