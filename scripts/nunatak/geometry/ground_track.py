"""The shape that all ground tracks share, from the orbit: place, direction and time along one revolution."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline

from nunatak.constants import N_RGT, ORBIT_INCLINATION, SEGMENT_LENGTH

REVOLUTION = 5657.3816  # s, between the crossings named in `orbit`
NODAL_DAYS = 91  # turns of the Earth against the orbit plane in one cycle
_ORBIT_RADIUS = 6.874e6  # m, mean distance from the Earth's centre: 496 km above a mean radius of 6,378 km
# Latitudes at which a new region begins, in the order of flight from the ascending node, and whether the track
# climbs there. Regions 4 and 11 hold the turning points (names and boxes of ATL03 granules).
_REGION_BOUNDS = (
    (27.0, True),
    (59.5, True),
    (80.0, True),
    (80.0, False),
    (59.5, False),
    (27.0, False),
    (0.0, False),
    (-27.0, False),
    (-50.0, False),
    (-79.0, False),
    (-79.0, True),
    (-50.0, True),
    (-27.0, True),
)
_WGS84_A, _WGS84_F = 6378137.0, 1 / 298.257223563
_WGS84_E2 = _WGS84_F * (2 - _WGS84_F)


class GroundTrack:
    """The shape of every track: the one whose ascending node lies at longitude 0."""

    def __init__(self):
        u = np.deg2rad(np.arange(-1.0, 361.0 + 1e-9, 0.1))
        ground = _ellipsoid_point(*_subsatellite(u))
        # chords of 11 km are 1.3 mm shorter than the arc; their sum over 20 points each is not
        fine = np.linspace(u[0], u[-1], (u.size - 1) * 20 + 1)
        steps = np.linalg.norm(np.diff(_ellipsoid_point(*_subsatellite(fine)), axis=1), axis=0)
        x = np.concatenate([[0.0], np.cumsum(steps)])[::20]
        x = x - np.interp(0.0, u, x)
        self._ground = CubicSpline(x, ground, axis=1)
        self._u = CubicSpline(x, u)
        self.length = float(CubicSpline(u, x)(2 * np.pi))
        lat = np.rad2deg(_subsatellite(u)[1])
        self.region_starts = np.array([self._crossing(x, lat, bound, climbs) for bound, climbs in _REGION_BOUNDS])

    def _crossing(self, x, lat, bound, climbs):
        """Return x_atc in one revolution where the latitude passes a bound while it rises (or falls)."""
        rising = np.diff(lat) > 0
        above = lat > bound
        hits = np.flatnonzero(
            (above[1:] != above[:-1]) & (rising == climbs) & (x[:-1] >= -1.0) & (x[1:] <= self.length + 1)
        )
        i = hits[0]
        return x[i] + (bound - lat[i]) / (lat[i + 1] - lat[i]) * (x[i + 1] - x[i])

    @cached_property
    def every_tenth(self) -> tuple[np.ndarray, ...]:
        """Return segment_id, x_atc, longitude and latitude of every tenth segment of the track."""
        ids = np.arange(1, int(self.length // SEGMENT_LENGTH) + 1, 10, dtype="int32")
        x = (ids - 1) * SEGMENT_LENGTH
        lon, lat, _ = self.position(x, np.zeros(x.size))
        return ids, x, lon, lat

    def elapsed(self, x_atc: float | np.ndarray) -> Any:
        """
        Time since the node, s.

        Parameters
        ----------
        x_atc : (n,) array, distance along the track, m
        """
        return self._u(np.asarray(x_atc, dtype=float)) / (2 * np.pi) * REVOLUTION

    def position(self, x_atc: np.ndarray, y_atc: np.ndarray) -> tuple[np.ndarray, ...]:
        """
        Compute longitude (degrees east of the node), latitude and azimuth of points along and across the track.

        Parameters
        ----------
        x_atc : (n,) array, distance along the track, m
        y_atc : (n,) array, distance to the left of the reference track, m
        """
        ground, tangent = self._ground(x_atc), self._ground(x_atc, 1)
        lon, lat = _lonlat(ground)
        up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
        left = np.cross(up, tangent, axis=0)
        left /= np.linalg.norm(left, axis=0)
        north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
        east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)])
        azimuth = np.arctan2((tangent * east).sum(axis=0), (tangent * north).sum(axis=0))
        lon, lat = _lonlat(ground + y_atc * left)
        return np.rad2deg(lon), np.rad2deg(lat), np.rad2deg(azimuth)


@lru_cache(maxsize=1)
def canonical():
    return GroundTrack()


def _subsatellite(u):
    """
    Compute longitude east of the node and geodetic latitude (radians) below a circular orbit at argument of latitude u.
    """
    incline = np.deg2rad(ORBIT_INCLINATION)
    lon = np.arctan2(np.cos(incline) * np.sin(u), np.cos(u)) - u * NODAL_DAYS / N_RGT
    sin = np.sin(incline) * np.sin(u)
    z, p = _ORBIT_RADIUS * sin, _ORBIT_RADIUS * np.sqrt(1 - sin**2)
    return lon, _geodetic_latitude(p, z)


def _geodetic_latitude(p, z, rounds=2):
    """
    Compute the geodetic latitude of a point p from the axis and z above the equator plane by Bowring's formula.

    One round is exact on the ellipsoid, two are within 1e-9 rad at the height of the orbit.
    """
    b = _WGS84_A * (1 - _WGS84_F)
    ep2 = _WGS84_E2 / (1 - _WGS84_E2)
    beta = np.arctan2(_WGS84_A * z, b * p)
    for _ in range(rounds):
        lat = np.arctan2(z + ep2 * b * np.sin(beta) ** 3, p - _WGS84_E2 * _WGS84_A * np.cos(beta) ** 3)
        beta = np.arctan2((1 - _WGS84_F) * np.sin(lat), np.cos(lat))
    return lat


def _ellipsoid_point(lon, lat):
    """Compute (3, n) Earth-centred coordinates on the WGS84 ellipsoid, m."""
    n = _WGS84_A / np.sqrt(1 - _WGS84_E2 * np.sin(lat) ** 2)
    return np.stack([n * np.cos(lat) * np.cos(lon), n * np.cos(lat) * np.sin(lon), n * (1 - _WGS84_E2) * np.sin(lat)])


def _lonlat(point):
    """Compute longitude and geodetic latitude (radians) of Earth-centred points close to the ellipsoid."""
    return np.arctan2(point[1], point[0]), _geodetic_latitude(np.hypot(point[0], point[1]), point[2], 1)
