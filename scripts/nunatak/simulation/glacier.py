"""The truth behind the simulated archive: one glacier whose surface follows from its flux and its mass balance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj

if TYPE_CHECKING:
    import shapely

# Points of a cell's side on which its ice cover is judged; ATL15 sums a mask of 100 m.
_MASK_SAMPLES = 10
# Distances from the pole on the map, m: of latitude 57, and of the equator.
_POLAR, _EQUATOR = 3.7e6, 12.6e6


@dataclass(frozen=True)
class FlowTerm:
    """One part of the flux: a field (`flux`, `divergence`) times a time factor (`value`, `integral`)."""

    field: Any
    factor: Any


@dataclass(frozen=True)
class BalanceTerm:
    """One part of the surface mass balance: m/yr of ice as a function of height, times a time factor."""

    rate: Callable
    factor: Any


@dataclass(frozen=True)
class Glacier:
    """
    Bed, surface, thickness, velocity and mass balance of a made-up glacier at any place and time.

    The flux is prescribed and its divergence known in closed form; the surface is integrated in closed form from
    its shape on 1 January 2020, so that dH/dt = mass balance - div(flux) holds to rounding. The velocity is flux
    over thickness. The extent of the ice does not change.

    Attributes
    ----------
    crs : polar stereographic system of all x and y
    shape : outline, surface and thickness at 2020.0 (`shapes.Caps`, `shapes.Sheet`)
    flow : tuple of `FlowTerm`
    balance : tuple of `BalanceTerm`
    geoid : height of the sea above the ellipsoid, m

    Notes
    -----
    x and y are map metres; fluxes, velocities, thicknesses and areas are true ones. A map length is k times the true
    length, so the fields of `flow` are q / k on the map, q = k * field, and the true divergence is k^2 times the one
    on the map (conformal projection). Leaving k out changes a budget at 80 degrees north by 4 %.
    Times are decimal years, heights m above the WGS84 ellipsoid, rates m/yr of ice, fluxes m2/yr. Off the ice flux,
    velocity, mass balance and thickness are zero and the surface is the land or the sea.
    """

    crs: str
    shape: Any
    flow: tuple
    balance: tuple
    geoid: float = 0.0

    def ice(self, x: float | np.ndarray, y: float | np.ndarray) -> Any:
        """
        Return whether points lie on ice (bool array).

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        return self.shape.evaluate(x, y)[0] > 0

    def ice_fraction(self, x: np.ndarray, y: np.ndarray, cell: float) -> np.ndarray:
        """
        Compute the share of ice in square cells of side `cell` (m on the map) around points, from 10 x 10 points each.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        cell : float, the side of a cell, m
        """
        x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        level = self.shape.evaluate(x, y)[0]
        fraction = (level > 0).astype(float)
        # the level is a distance only about: twice the half diagonal leaves no cell of the margin out
        edge = np.abs(level) < 1.5 * cell
        offset = ((np.arange(_MASK_SAMPLES) + 0.5) / _MASK_SAMPLES - 0.5) * cell
        du, dv = np.meshgrid(offset, offset)
        inside = self.ice(x[edge][:, None] + du.ravel(), y[edge][:, None] + dv.ravel())
        fraction[edge] = inside.mean(axis=1)
        return fraction

    def scale(self, x: float | np.ndarray, y: float | np.ndarray) -> Any:
        """
        Compute k, the map length over the true length. True area is map area / k^2.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        squared = np.square(x) + np.square(y)
        near = _map_scale(self.crs)(squared)
        if np.all(squared < _POLAR**2):
            return near
        return np.where(squared < _POLAR**2, near, _map_scale(self.crs, _EQUATOR, 10)(squared))

    def bed(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """
        Compute the height of the bed, of the land or of the sea floor, m.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        level, height, thickness = self.shape.evaluate(x, y)
        return self.geoid + np.where(level > 0, height - thickness, self.shape.land(x, y, level))

    def surface(self, x: np.ndarray, y: np.ndarray, t: float | np.ndarray) -> np.ndarray:
        """
        Compute the height of the ice, the land or the sea, m.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        t : float or array, decimal year
        """
        level, height, _ = self.shape.evaluate(x, y)
        land = np.maximum(self.shape.land(x, y, level), 0.0)
        return self.geoid + np.where(level > 0, height, land) + self.surface_change(x, y, t)

    def surface_change(self, x: np.ndarray, y: np.ndarray, t: float | np.ndarray, since: float = 2020.0) -> Any:
        """
        Compute the change of the surface from `since` to t, m, zero off the ice.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        t : float or array, decimal year
        since : float, decimal year (default: 2020.0)
        """
        factors = [term.factor for term in (*self.flow, *self.balance)]
        patterns = self.change_patterns(x, y)
        return sum((f.integral(t) - f.integral(since)) * p for f, p in zip(factors, patterns, strict=True))

    def change_patterns(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """
        Compute the (n_term, ...) rates of surface change, m/yr.

        With `change_factors` they give the surface at any time.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        level, height, _ = self.shape.evaluate(x, y)
        on = level > 0
        k2 = np.square(self.scale(x, y))
        thinning = [-k2 * term.field.divergence(x, y) for term in self.flow]
        gain = [term.rate(height) for term in self.balance]
        return np.stack([np.where(on, rate, 0.0) for rate in thinning + gain])

    def change_factors(self, t: float | np.ndarray) -> np.ndarray:
        """
        Compute the (n_term, ...) integrals of the time factors from 2020.0 to t, years.

        Parameters
        ----------
        t : float or array, decimal year
        """
        return np.stack([term.factor.integral(t) for term in (*self.flow, *self.balance)])

    def thickness(self, x: np.ndarray, y: np.ndarray, t: float) -> np.ndarray:
        """
        Compute the thickness of the ice, m, zero off the ice.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        t : float or array, decimal year
        """
        level, _, thickness = self.shape.evaluate(x, y)
        return np.where(level > 0, thickness + self.surface_change(x, y, t), 0.0)

    def mass_balance(self, x: np.ndarray, y: np.ndarray, t: float) -> np.ndarray:
        """
        Compute the surface mass balance, m/yr of ice.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        t : float or array, decimal year
        """
        level, height, _ = self.shape.evaluate(x, y)
        total = sum(term.rate(height) * term.factor.value(t) for term in self.balance)
        return np.where(level > 0, total, 0.0)

    def flux(self, x: np.ndarray, y: np.ndarray, t: float) -> tuple[float | np.ndarray, ...]:
        """
        Compute the components of the ice flux along the map axes, m2/yr.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        t : float or array, decimal year
        """
        k = np.where(self.ice(x, y), self.scale(x, y), 0.0)
        qx, qy = 0.0, 0.0
        for term in self.flow:
            px, py = term.field.flux(x, y)
            factor = term.factor.value(t)
            qx, qy = qx + px * factor, qy + py * factor
        return k * qx, k * qy

    def flux_divergence(self, x: np.ndarray, y: np.ndarray, t: float) -> Any:
        """
        Compute the true divergence of the flux, m/yr.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        t : float or array, decimal year
        """
        k2 = np.where(self.ice(x, y), np.square(self.scale(x, y)), 0.0)
        return k2 * sum(term.field.divergence(x, y) * term.factor.value(t) for term in self.flow)

    def height_rate(self, x: np.ndarray, y: np.ndarray, t: float) -> Any:
        """
        Compute dH/dt = mass balance - divergence of the flux, m/yr.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        t : float or array, decimal year
        """
        return self.mass_balance(x, y, t) - self.flux_divergence(x, y, t)

    def velocity(self, x: np.ndarray, y: np.ndarray, t: float) -> tuple[float | np.ndarray, ...]:
        """
        Compute the components (vx, vy) along the map axes, true m/yr: flux over thickness, zero off the ice.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        t : float or array, decimal year
        """
        qx, qy = self.flux(x, y, t)
        thickness = self.thickness(x, y, t)
        per_metre = np.divide(1.0, thickness, out=np.zeros_like(thickness), where=thickness > 0)
        return qx * per_metre, qy * per_metre

    def slope(self, x: np.ndarray, y: np.ndarray, t: float | np.ndarray, step: float = 20.0) -> tuple[np.ndarray, ...]:
        """
        Compute the components of the surface slope along the map axes, true m/m, over 2 x `step` map metres.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        t : float or array, decimal year
        step : float, half the distance of the slope, m (default: 20.0)
        """
        k = self.scale(x, y)
        sx = (self.surface(x + step, y, t) - self.surface(x - step, y, t)) / (2 * step)
        sy = (self.surface(x, y + step, t) - self.surface(x, y - step, t)) / (2 * step)
        return k * sx, k * sy

    def region_volume_change(
        self, geometry: shapely.Polygon, t0: float, t1: float, cell: float = 500.0
    ) -> tuple[float, ...]:
        """
        Integrate the change of volume from t0 to t1 inside a polygon, m3, by quadrature with true areas.

        Parameters
        ----------
        geometry : shapely (Multi)Polygon in the glacier's CRS
        t0, t1 : decimal years, numbers or arrays of equal shape
        cell : side of the cells of the quadrature, m on the map; a cell counts as its centre does

        Returns
        -------
        volume, area : m3 (of the shape of the times) and m2 of ice
        """
        import shapely

        left, bottom, right, top = geometry.bounds
        x = np.arange(left + cell / 2, right + cell / 2, cell)
        rate = np.zeros(len(self.flow) + len(self.balance))  # of each term, m3 in its own time
        area = 0.0
        shapely.prepare(geometry)
        for y in np.arange(bottom + cell / 2, top + cell / 2, cell):
            keep = shapely.contains_xy(geometry, x, np.full_like(x, y))
            xs, ys = x[keep], np.full(int(keep.sum()), y)
            true = cell**2 / np.square(self.scale(xs, ys))
            rate += self.change_patterns(xs, ys) @ true
            area += float(np.sum(true[self.ice(xs, ys)]))
        return rate @ (self.change_factors(np.asarray(t1)) - self.change_factors(np.asarray(t0))), area


@lru_cache(maxsize=4)
def _map_scale(crs, reach=_POLAR, degree=8) -> Callable:
    """
    Fit k of a polar stereographic system as a polynomial in x^2 + y^2.

    PROJ's factors need a longitude and latitude per point; the polynomial agrees with them to 1e-9 from the pole to
    57 degrees of latitude, or with a reach of 12,600 km and degree 10 to the equator.
    """
    proj = pyproj.Proj(pyproj.CRS.from_user_input(crs))
    squared = np.square(np.linspace(1e3, reach, 800))
    lon, lat = proj(np.sqrt(squared), np.zeros_like(squared), inverse=True)
    k = np.asarray(proj.get_factors(lon, lat).meridional_scale)
    return np.polynomial.Polynomial.fit(squared, k, deg=degree)
