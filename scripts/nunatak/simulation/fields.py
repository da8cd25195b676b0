"""Analytic building blocks of a made-up glacier: flow with its divergence, and time factors with their integrals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from nunatak.constants import DATUM_YEAR

_TURN = 2 * np.pi


@dataclass(frozen=True)
class Dome:
    """
    Ice that spreads from a centre in all directions.

    flux = rate / 2 * (x - x0, y - y0) * exp(-r^2 / 2 radius^2), so that its divergence at the centre is `rate`.

    Attributes
    ----------
    x0, y0 : centre, m on the map
    rate : divergence at the centre, m/yr
    radius : reach of the flow, m
    """

    x0: float
    y0: float
    rate: float
    radius: float

    def flux(self, x: np.ndarray, y: np.ndarray) -> tuple[float | np.ndarray, ...]:
        """
        Compute the two components of the flux, m2/yr.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        dx, dy, bell = self._parts(x, y)
        return 0.5 * self.rate * dx * bell, 0.5 * self.rate * dy * bell

    def divergence(self, x: np.ndarray, y: np.ndarray) -> Any:
        """
        Compute the divergence of `flux` on the map, m/yr.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        dx, dy, bell = self._parts(x, y)
        return self.rate * bell * (1 - (dx * dx + dy * dy) / (2 * self.radius**2))

    def _parts(self, x, y):
        dx, dy = x - self.x0, y - self.y0
        return dx, dy, np.exp(-(dx * dx + dy * dy) / (2 * self.radius**2))


@dataclass(frozen=True)
class Stream:
    """
    Ice that gathers along an axis into a stream and runs through it.

    With a along and b across the axis, the width w(a) falls from `width_up` to `width_down` and the discharge D(a)
    rises from 0 to `discharge`, both by logistic steps. The flux is (D/w) B(b/w) (1, (b/w) w') with B(e) = exp(-e^2/2):
    streamlines follow the narrowing and the divergence is D' B / w, without a term of its own from the narrowing.

    Attributes
    ----------
    x0, y0 : origin of the axis, m on the map
    direction : of the flow, degrees counter-clockwise from the x axis
    discharge : of the unit profile, m3/yr; all of the stream carries sqrt(2 pi) times as much
    gather, gather_length : where along the axis (m) half of the discharge has come together, and over what length
    width_up, width_down : standard width of the profile far upstream and downstream, m
    narrow, narrow_length : where along the axis (m) the width is half-way, and over what length
    """

    x0: float
    y0: float
    direction: float
    discharge: float
    gather: float
    gather_length: float
    width_up: float
    width_down: float
    narrow: float
    narrow_length: float

    def flux(self, x: np.ndarray, y: np.ndarray) -> tuple[float | np.ndarray, ...]:
        """
        Compute the two components of the flux, m2/yr.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        a, b, (cos, sin) = self._axes(x, y)
        share = expit((a - self.gather) / self.gather_length)
        width, narrowing = self._width(a)
        e = b / width
        along = self.discharge * share / width * np.exp(-0.5 * e * e)
        across = along * e * narrowing
        return along * cos - across * sin, along * sin + across * cos

    def divergence(self, x: np.ndarray, y: np.ndarray) -> Any:
        """
        Compute the divergence of `flux` on the map, m/yr.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        a, b, _ = self._axes(x, y)
        share = expit((a - self.gather) / self.gather_length)
        width, _ = self._width(a)
        gathered = self.discharge * share * (1 - share) / self.gather_length
        return gathered / width * np.exp(-0.5 * (b / width) ** 2)

    def _axes(self, x, y):
        angle = np.deg2rad(self.direction)
        cos, sin = np.cos(angle), np.sin(angle)
        dx, dy = x - self.x0, y - self.y0
        return dx * cos + dy * sin, dy * cos - dx * sin, (cos, sin)

    def _width(self, a):
        step = expit((a - self.narrow) / self.narrow_length)
        span = self.width_down - self.width_up
        return self.width_up + span * step, span * step * (1 - step) / self.narrow_length


@dataclass(frozen=True)
class Constant:
    """A time factor that is always 1."""

    def value(self, t: float) -> np.ndarray:
        """
        Compute the factor at decimal year t.

        Parameters
        ----------
        t : float or array, decimal year
        """
        return np.ones_like(np.asarray(t, dtype=float))

    def integral(self, t: float | np.ndarray) -> Any:
        """
        Compute the integral of the factor from 2020.0 to t, years.

        Parameters
        ----------
        t : float or array, decimal year
        """
        return np.asarray(t, dtype=float) - DATUM_YEAR


@dataclass(frozen=True)
class Seasonal:
    """A yearly cycle, cos(2 pi (t - peak)), largest at the fraction `peak` of the year."""

    peak: float

    def value(self, t: float) -> Any:
        """
        Compute the factor at decimal year t.

        Parameters
        ----------
        t : float or array, decimal year
        """
        return np.cos(_TURN * (np.asarray(t, dtype=float) - self.peak))

    def integral(self, t: float | np.ndarray) -> Any:
        """
        Compute the integral of the factor from 2020.0 to t, years.

        Parameters
        ----------
        t : float or array, decimal year
        """
        at = np.sin(_TURN * (np.asarray(t, dtype=float) - self.peak))
        return (at - np.sin(_TURN * (DATUM_YEAR - self.peak))) / _TURN


@dataclass(frozen=True)
class Ramp:
    """A smooth step from 0 to 1 about the decimal year `centre`, 1 / (1 + exp(-(t - centre) / duration))."""

    centre: float
    duration: float

    def value(self, t: float) -> Any:
        """
        Compute the factor at decimal year t.

        Parameters
        ----------
        t : float or array, decimal year
        """
        return expit((np.asarray(t, dtype=float) - self.centre) / self.duration)

    def integral(self, t: float | np.ndarray) -> Any:
        """
        Compute the integral of the factor from 2020.0 to t, years.

        Parameters
        ----------
        t : float or array, decimal year
        """
        return self._softplus(np.asarray(t, dtype=float)) - self._softplus(DATUM_YEAR)

    def _softplus(self, t):
        return self.duration * np.logaddexp(0.0, (t - self.centre) / self.duration)
