"""Flux divergence of a glacier, by the net flux through the sides of windows, with its error."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import xarray as xr

from nunatak.elevation.errors import spherical
from nunatak.geometry.grid import map_scale
from nunatak.parameters.dynamics import Dynamics
from nunatak.runtime import NunatakError
from nunatak.velocity.sampling import crs_of

# Pieces of a window's side within which errors are taken as one; more change an error by less than 2 %.
_PIECES = 6
_AT_ONCE = 100_000  # windows whose sides are summed together; a window takes some kilobytes meanwhile


def flux_divergence(
    velocity,
    thickness,
    *,
    factor=Dynamics.depth_factor,
    factor_sigma=Dynamics.depth_factor_sigma,
    smoothing=Dynamics.smoothing,
    velocity_range=Dynamics.velocity_range,
    thickness_range=Dynamics.thickness_range,
    crs=None,
):
    """
    Return the divergence of the ice flux, differentiated over several ice thicknesses.

    Parameters
    ----------
    velocity : Dataset with `vx`, `vy`, `vx_error`, `vy_error` on (y, x), m/yr over ground at the surface
    thickness : Dataset with `thickness`, `thickness_sigma` on the same cells, m
    factor, factor_sigma : depth-averaged over surface velocity, and its standard error
    smoothing : side of a window in ice thicknesses; a window has at least 3 cells a side
    velocity_range, thickness_range : distance over which errors are correlated (spherical), true m
    crs : of x and y. Default: the attribute `crs` of `velocity`

    Returns
    -------
    Dataset on (y, x): `flux_divergence` and `flux_divergence_sigma` (m/yr of ice), `smoothing_length` (true m); its
        attribute `smoothing` is the same in ice thicknesses.
        Missing where an edge of the window's outline has no velocity or no thickness; the error also where such an
        edge has no error of one of them

    Raises
    ------
    NunatakError : velocity and thickness on different cells

    Notes
    -----
    div q = k^2 [d(H u / k)/dx + d(H v / k)/dy] with ground velocities u, v, thickness H and the map scale k. Thickness
    and velocity at an edge are the means of the two cells beside it. A window's value is the net flux through its
    outline over its true area (Gauss), so that the values of windows that tile a block add up to the flux through the
    outline of the block. Errors of velocity and thickness are carried through the same sums with their correlation.
    Source: Van Tricht et al. 2021 (doi:10.5194/tc-15-4445-2021) for the smoothing by thickness.
    """
    crs = crs_of(velocity, crs)
    _same_cells(velocity, thickness)
    edges = _Edges(velocity, thickness, factor, crs)
    half = _half_windows(thickness["thickness"].values, smoothing, edges)
    value, sigma, length = (np.full(half.shape, np.nan) for _ in range(3))
    for h, rows, columns in _blocks(half):
        area = edges.window_area(rows, columns, h)
        net = edges.net_flux(rows, columns, h)
        variance = edges.variance(rows, columns, h, velocity_range, thickness_range)
        value[rows, columns] = net / area
        sigma[rows, columns] = np.sqrt(variance + (net * factor_sigma / factor) ** 2) / area
        length[rows, columns] = np.sqrt(area)
    sigma[~np.isfinite(value)] = np.nan
    out = {
        "flux_divergence": (("y", "x"), value, {"units": "m/yr", "long_name": "divergence of the ice flux"}),
        "flux_divergence_sigma": (("y", "x"), sigma, {"units": "m/yr", "long_name": "error of the divergence"}),
        "smoothing_length": (("y", "x"), length, {"units": "m", "long_name": "side of the window on the ground"}),
    }
    numbers = {"depth_factor": float(factor), "smoothing": float(smoothing)}
    attributes = {"crs": str(crs), "sign": "dh/dt + div q = smb - basal melt", **numbers}
    return xr.Dataset(out, {"y": velocity["y"], "x": velocity["x"]}, attributes)


def _blocks(half):
    """Yield windows of one size by their middles, at most `_AT_ONCE` together: half size, rows, columns."""
    for h in np.unique(half[half > 0]):
        rows, columns = np.nonzero(half == h)
        for first in range(0, rows.size, _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            yield h, rows[part], columns[part]


def _same_cells(velocity, thickness):
    for axis in ("x", "y"):
        if velocity[axis].size != thickness[axis].size or not np.allclose(velocity[axis], thickness[axis]):
            raise NunatakError(
                "flux divergence: velocity and thickness lie on different cells; put the thickness on the "
                "grid of the velocity first"
            )


def _half_windows(thickness, smoothing, edges):
    """
    Return how many cells lie to either side of a window's middle, (ny, nx), at least 1.

    It is 0 where there is no ice or no room.
    """
    with np.errstate(invalid="ignore"):
        half = np.rint((smoothing * thickness * edges.k / edges.cell - 1) / 2)
    half = np.where(np.isfinite(half) & (thickness > 0), np.maximum(half, 1), 0).astype(int)
    ny, nx = half.shape
    row, column = np.indices(half.shape)
    room = np.minimum.reduce([row, column, ny - 1 - row, nx - 1 - column]) - 1
    return np.where(half <= room, half, 0)


class _Edges:
    """
    Fluxes through the edges of cells, and their sums along the sides of windows.

    Arrays of vertical edges are (ny, nx - 1): between a cell and the one to the right of it. Those of horizontal
    edges are (ny - 1, nx), between a row and the next, and their flux counts towards the next row. Each is kept as
    sums along the column or row of edges, so that the flux through a side of any length is one difference.
    """

    def __init__(self, velocity, thickness, factor, crs):
        x, y = velocity["x"].values.astype(float), velocity["y"].values.astype(float)
        self.cell = float(np.sqrt(abs(x[1] - x[0]) * abs(y[1] - y[0])))
        self.dx, self.dy = abs(x[1] - x[0]), abs(y[1] - y[0])
        up = np.sign(y[1] - y[0])
        self.k = map_scale(crs, *np.meshgrid(x, y))
        h, u, v = (np.asarray(a, float) for a in (thickness["thickness"], velocity["vx"], velocity["vy"]))
        self.area = _cumulated(_cumulated(self.dx * self.dy / self.k**2, 0), 1)
        hx, hy = _middle(h, 1), _middle(h, 0)
        ux, vy = _middle(u, 1), _middle(v, 0)
        wx, wy = factor * self.dy / _middle(self.k, 1), factor * self.dx / _middle(self.k, 0)
        self.x_flux, self.y_flux = _cumulated(wx * hx * ux, 0), _cumulated(up * wy * hy * vy, 1)
        self.x_missing = _cumulated(~np.isfinite(hx * ux), 0)
        self.y_missing = _cumulated(~np.isfinite(hy * vy), 1)
        eh = _error(thickness, "thickness_sigma", h)
        eu, ev = _error(velocity, "vx_error", u), _error(velocity, "vy_error", v)
        # what an error of one standard error does to the flux through an edge
        self.x_by_v, self.y_by_v = _cumulated(wx * hx * _middle(eu, 1), 0), _cumulated(wy * hy * _middle(ev, 0), 1)
        self.x_by_h = _cumulated(wx * ux * _middle(eh, 1), 0)
        self.y_by_h = _cumulated(up * wy * vy * _middle(eh, 0), 1)
        self.x_vague = _cumulated(~np.isfinite(_middle(eu, 1) * _middle(eh, 1)), 0)
        self.y_vague = _cumulated(~np.isfinite(_middle(ev, 0) * _middle(eh, 0)), 1)

    def window_area(self, rows, columns, h):
        """Compute the true area of windows, m2."""
        r0, r1, c0, c1 = rows - h, rows + h + 1, columns - h, columns + h + 1
        total = self.area
        return total[r1, c1] - total[r0, c1] - total[r1, c0] + total[r0, c0]

    def net_flux(self, rows, columns, h):
        """Return the flux out of windows (m3/yr), NaN where an edge of the outline has no flux."""
        missing = sum(part for _, part in self._sides(rows, columns, h, self.x_missing, self.y_missing))
        net = sum(sign * part for sign, part in self._sides(rows, columns, h, self.x_flux, self.y_flux))
        return np.where(missing > 0, np.nan, net)

    def _sides(self, rows, columns, h, along_x, along_y, first=None, last=None):
        """Yield the sign and the sum of each side of windows, or of a piece of it: right, left, further row, first."""
        first, last = -h if first is None else first, h + 1 if last is None else last
        r0, r1, c0, c1 = rows + first, rows + last, columns + first, columns + last
        for sign, edge in ((1, columns + h), (-1, columns - h - 1)):
            yield sign, along_x[r1, edge] - along_x[r0, edge]
        for sign, edge in ((1, rows + h), (-1, rows - h - 1)):
            yield sign, along_y[edge, c1] - along_y[edge, c0]

    def variance(self, rows, columns, h, velocity_range, thickness_range):
        """
        Return the variance of the net flux by errors of velocity and thickness, (m3/yr)2.

        It is NaN where an edge of the outline has no error.
        """
        vague = sum(part for _, part in self._sides(rows, columns, h, self.x_vague, self.y_vague))
        cuts = np.unique(np.rint(np.linspace(-h, h + 1, min(_PIECES, 2 * h + 1) + 1)).astype(int))
        places, by_v, by_h = [], [], []
        for first, last in pairwise(cuts):
            along = (first + last - 1) / 2
            places += [(h + 0.5, along), (-h - 0.5, along), (along, h + 0.5), (along, -h - 0.5)]
            by_v += [s * p for s, p in self._sides(rows, columns, h, self.x_by_v, self.y_by_v, first, last)]
            by_h += [s * p for s, p in self._sides(rows, columns, h, self.x_by_h, self.y_by_h, first, last)]
        k = self.k[rows, columns].mean()
        distance = np.array(places) * self.cell / k
        distance = np.hypot(*(distance[:, None] - distance[None]).T)
        piece = (2 * h + 1) / (len(cuts) - 1) * self.cell / k
        alike = np.arange(len(places)) % 4 < 2
        same = alike[:, None] == alike[None]  # vx errs apart from vy
        by_velocity = _quadratic(by_v, _correlation(distance, piece, velocity_range) * same)
        by_thickness = _quadratic(by_h, _correlation(distance, piece, thickness_range))
        return np.where(vague > 0, np.nan, by_velocity + by_thickness)


def _correlation(distance, piece, correlation_range):
    """
    Return the correlation between the mean errors of pieces of that length.

    For a piece with itself it is the variance of its mean error.
    """
    rho = spherical(distance, correlation_range)
    lags = (np.arange(20) + 0.5) / 20
    mean = np.sum(2 * (1 - lags) * spherical(lags * piece, correlation_range)) / 20
    np.fill_diagonal(rho, mean)
    return rho


def _quadratic(parts, rho):
    """Sum a_i a_j rho_ij over pieces, for every window."""
    parts = np.array(parts)
    return np.maximum(np.einsum("iw,iw->w", parts, rho @ parts), 0.0)


def _middle(values, axis):
    """Compute the mean of neighbouring cells along an axis."""
    near, far = (np.take(values, np.arange(a, values.shape[axis] - 1 + a), axis) for a in (0, 1))
    return (near + far) / 2


def _cumulated(values, axis):
    """
    Return the sums from the first row or column on, with a zero before the first.

    Missing values count as zero.
    """
    sums = np.cumsum(np.nan_to_num(np.asarray(values, float)), axis)
    return np.concatenate([np.zeros_like(np.take(sums, [0], axis)), sums], axis)


def _error(dataset, name, like):
    return np.asarray(dataset[name], float) if name in dataset else np.full_like(like, np.nan)
