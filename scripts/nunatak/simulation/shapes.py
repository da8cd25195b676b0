"""Outline, surface and bed of made-up glaciers on 1 January 2020, all in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Cap:
    """
    One ice cap with a lobed margin.

    Attributes
    ----------
    x0, y0 : centre, m on the map
    radius : mean radius, m
    summit, edge : height of the surface above the sea at the centre and at the margin, m
    thickness, edge_thickness : the same for the thickness, m
    lobes : (number, relative amplitude, phase in radians) of each wave of the margin
    """

    x0: float
    y0: float
    radius: float
    summit: float
    edge: float
    thickness: float
    edge_thickness: float
    lobes: tuple = ()

    def margin(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float | np.ndarray]:
        """
        Compute the distance from the centre and the radius of the margin in that direction, m.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        dx, dy = x - self.x0, y - self.y0
        r = np.hypot(dx, dy)
        angle = np.arctan2(dy, dx)
        waves = sum(amplitude * np.cos(n * angle + phase) for n, amplitude, phase in self.lobes)
        return r, self.radius * (1 + waves)

    @property
    def reach(self) -> float:
        """Return a radius that no part of the cap leaves, m."""
        return self.radius * (1 + sum(abs(amplitude) for _, amplitude, _ in self.lobes))


@dataclass(frozen=True)
class Caps:
    """
    Ice caps that do not touch, on land and islands.

    Attributes
    ----------
    caps : tuple of `Cap`
    ripple : height of the undulation of the ice surface, m
    relief : height of the hills between the caps, m
    """

    caps: tuple
    ripple: float = 4.0
    relief: float = 160.0

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
        """
        Compute level, surface and thickness of points.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`

        Returns
        -------
        level : about the distance to the margin, m, positive on ice
        height : surface of the ice above the sea, m; NaN off ice
        thickness : of the ice, m; NaN off ice
        """
        x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        level = np.full(x.shape, -np.inf)
        height, thickness = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
        for cap in self.caps:
            beyond = np.hypot(x - cap.x0, y - cap.y0) - cap.reach
            np.maximum(level, -beyond - cap.reach + cap.radius, out=level, where=beyond > 0)
            near = beyond <= 0
            if not near.any():
                continue
            xn, yn = x[near], y[near]
            r, margin = cap.margin(xn, yn)
            level[near] = np.maximum(level[near], margin - r)
            inner = np.clip(1 - (r / margin) ** 2, 0.0, 1.0)
            dome = inner * (1.5 - 0.5 * inner)
            on = r < margin
            surface = cap.edge + (cap.summit - cap.edge) * dome + self.ripple * inner * _undulation(xn, yn)
            height[near] = np.where(on, surface, height[near])
            ice = cap.edge_thickness + (cap.thickness - cap.edge_thickness) * dome
            thickness[near] = np.where(on, ice, thickness[near])
        return level, height, thickness

    def land(self, x: np.ndarray, y: np.ndarray, level: np.ndarray) -> np.ndarray:
        """
        Compute the height of the ground off ice above the sea, m. At the margin it meets the bed of the ice.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        level : (n,) array, distance from the margin as `evaluate` returns it
        """
        return _hills(x, y, level, self.caps[0].edge - self.caps[0].edge_thickness, self.relief)


@dataclass(frozen=True)
class Oval:
    """
    One ice cap or glacier with a margin between an ellipse and a rectangle, (u / a)^4 + (v / b)^4 = 1.

    Attributes
    ----------
    x0, y0 : centre, m on the map
    direction : of the first axis, degrees counter-clockwise from the x axis
    a, b : half lengths of the axes, m
    summit, edge, thickness, edge_thickness : as of `Cap`
    ripple, relief : as of `Caps`
    """

    x0: float
    y0: float
    direction: float
    a: float
    b: float
    summit: float
    edge: float
    thickness: float
    edge_thickness: float
    ripple: float = 4.0
    relief: float = 160.0

    def evaluate(
        self, x: float | np.ndarray, y: float | np.ndarray
    ) -> tuple[float | np.ndarray, np.ndarray, np.ndarray]:
        """
        Compute level, surface and thickness of points, as `Caps.evaluate` does.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        angle = np.deg2rad(self.direction)
        dx, dy = x - self.x0, y - self.y0
        u = np.abs(dx * np.cos(angle) + dy * np.sin(angle)) / self.a
        v = np.abs(dy * np.cos(angle) - dx * np.sin(angle)) / self.b
        share = np.sqrt(np.sqrt(u**4 + v**4))
        # the gradient of `share` makes a distance of what is left to 1, exact to the first order
        safe = np.maximum(share, 1e-3)
        steep = np.hypot((u / safe) ** 3 / self.a, (v / safe) ** 3 / self.b)
        level = (1 - share) / np.maximum(steep, 0.5 / max(self.a, self.b))
        inner = np.clip(1 - share**2, 0.0, 1.0)
        dome = inner * (1.5 - 0.5 * inner)
        surface = self.edge + (self.summit - self.edge) * dome + self.ripple * inner * _undulation(x, y)
        ice = self.edge_thickness + (self.thickness - self.edge_thickness) * dome
        on = level > 0
        return level, np.where(on, surface, np.nan), np.where(on, ice, np.nan)

    def land(self, x: np.ndarray, y: np.ndarray, level: np.ndarray) -> np.ndarray:
        """
        Compute the height of the ground off ice above the sea, m. At the margin it meets the bed of the ice.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        level : (n,) array, distance from the margin as `evaluate` returns it
        """
        return _hills(x, y, level, self.edge - self.edge_thickness, self.relief)


@dataclass(frozen=True)
class Sheet:
    """
    Part of an ice sheet that ends in the sea along a wavy coast.

    Attributes
    ----------
    x0, y0 : a point of the coast's mean line, m on the map
    direction : seaward, degrees counter-clockwise from the x axis
    front, interior : height of the surface above the sea at the coast and far inland, m
    rise : distance over which the surface rises, m
    front_thickness, interior_thickness : the same for the thickness, m
    deepening : distance over which the thickness grows, m
    ripple : height of the undulation of the ice surface, m
    """

    x0: float
    y0: float
    direction: float
    front: float
    interior: float
    rise: float
    front_thickness: float
    interior_thickness: float
    deepening: float
    ripple: float = 6.0

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> tuple[float | np.ndarray, np.ndarray, np.ndarray]:
        """
        Compute level, surface and thickness of points, as `Caps.evaluate` does.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        angle = np.deg2rad(self.direction)
        dx, dy = x - self.x0, y - self.y0
        seaward = dx * np.cos(angle) + dy * np.sin(angle)
        along = dy * np.cos(angle) - dx * np.sin(angle)
        # the coast retreats and advances along its length, but not at the origin, where the stream meets the sea
        coast = 9e3 * (np.cos(along / 21e3) - 1) + 4e3 * (np.cos(along / 8e3) - 1)
        level = coast - seaward
        inland = np.maximum(level, 0.0)
        inner = -np.expm1(-inland / 2e4)
        surface = self.front + (self.interior - self.front) * -np.expm1(-inland / self.rise)
        surface += self.ripple * inner * _undulation(x, y)
        ice = self.front_thickness + (self.interior_thickness - self.front_thickness) * -np.expm1(
            -inland / self.deepening
        )
        on = level > 0
        return level, np.where(on, surface, np.nan), np.where(on, ice, np.nan)

    def land(self, x: np.ndarray, y: np.ndarray, level: np.ndarray) -> np.ndarray:
        """
        Compute the height of the sea floor above the sea, m. At the coast it meets the bed of the ice.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        level : (n,) array, distance from the margin as `evaluate` returns it
        """
        away = 1 - np.exp(np.minimum(level, 0.0) / 1e4)
        return self.front - self.front_thickness + away * (90.0 * np.cos(x / 8e3) * np.cos(y / 11e3) - 150.0)


def _undulation(x, y):
    """Compute surface waves of 5 to 20 km length, between -2 and 2."""
    return np.sin(x / 2.9e3 + 0.7) * np.cos(y / 3.3e3) + np.cos(x / 1.1e3 - y / 0.9e3) * np.sin(y / 2.1e3 + 0.3)


def _hills(x, y, level, edge, relief):
    """
    Compute the height of the ground off ice above the sea, m: `edge` at the margin, hills of `relief` away from it.
    """
    away = 1 - np.exp(np.minimum(level, 0.0) / 6e3)
    hills = np.cos(x / 7.0e3) * np.cos(y / 9.0e3) + 0.5 * np.sin((x + 2 * y) / 15e3)
    return edge + away * (relief * hills - 60.0)
