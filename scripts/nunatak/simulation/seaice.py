"""
Sea ice with floes and leads, of the Ross Sea or anywhere: what is true of it at any place and time, in closed form.

Ice drifts, so floes and leads are drawn anew for every pass; what stays are their statistics: mean freeboard, share of
leads, spread. They are what a cell of a grid should show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pyproj

from nunatak.constants import DAYS_PER_YEAR
from nunatak.simulation.worlds import World

_SEED = 20180101
_BBOX = (160.0, -79.0, -150.0, -70.0)  # the region `ross_sea`
# 2019-09-01 to 2019-10-01, and the first week, in ATL14/15's decimal years (days since 2018-01-01 over 365.25)
_MONTH = (2018.0 + 608 / DAYS_PER_YEAR, 2018.0 + 638 / DAYS_PER_YEAR)
_WEEK = (_MONTH[0], 2018.0 + 614 / DAYS_PER_YEAR)
# 2019, and 2019-08-25 to 2019-09-08
_YEAR = (2018.0 + 365 / DAYS_PER_YEAR, 2018.0 + 730 / DAYS_PER_YEAR)
_FORTNIGHT = (2018.0 + 601 / DAYS_PER_YEAR, 2018.0 + 615 / DAYS_PER_YEAR)

# A made-up coast, broadly that of the Ross Sea: longitude of the western shore by latitude, and latitude of the ice
# shelf's front by longitude (east of 180 counted on).
_WEST_LATITUDE = (-78.5, -77.5, -76.0, -75.0, -74.0, -73.0, -72.0, -71.3, -70.9, -60.0)
_WEST_LONGITUDE = (166.0, 163.5, 162.5, 163.0, 165.5, 169.3, 170.2, 170.5, 160.0, 160.0)
_FRONT_LONGITUDE = (160.0, 170.0, 180.0, 190.0, 200.0, 202.0, 210.0)
_FRONT_LATITUDE = (-77.5, -77.5, -78.2, -78.4, -78.5, -77.2, -76.8)


@dataclass(frozen=True)
class SeaIce:
    """
    The statistics of sea ice by place and time: x, y in metres of `crs`, t in decimal years, freeboards in metres.

    Attributes
    ----------
    crs : coordinate system of x and y
    thin, thick : freeboard of ice in the polynya along the shelf front, and far from it
    season : share of the freeboard that is gone half a year from the time it is thickest
    thickest : fraction of the year at which ice is thickest, mid-October by default
    patch_spread, segment_spread : spread between and within stretches of ice, as shares of the mean; both are gamma
        distributed, so that ice is never below the water
    reference_sigma : error of the local sea surface, one draw per pass
    """

    crs: str = "EPSG:6932"
    thin: float = 0.12
    thick: float = 0.38
    season: float = 0.5
    thickest: float = 0.79
    patch_spread: float = 0.35
    segment_spread: float = 0.25
    reference_sigma: float = 0.015

    def sea(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        """
        Return whether a place is water or sea ice, not land or ice shelf.

        Parameters
        ----------
        lon : (n,) array, longitude, degrees
        lat : (n,) array, latitude, degrees
        """
        east = np.mod(lon, 360.0)
        west = np.interp(lat, _WEST_LATITUDE, _WEST_LONGITUDE)
        front = np.interp(east, _FRONT_LONGITUDE, _FRONT_LATITUDE)
        return (east > west) & (east < 210.0) & (lat > front)

    def ice_freeboard(self, x: np.ndarray, y: np.ndarray, t: float | np.ndarray) -> np.ndarray:
        """
        Compute the mean freeboard of ice between leads.

        Parameters
        ----------
        x : array, m on the map of `crs`
        y : array, m on the map of the truth, of the shape of `x`
        t : float or array, decimal year
        """
        growth = 1 - self.season * (1 - np.cos(2 * np.pi * (t - self.thickest))) / 2
        return self._of_place(x, y) * (1 + 0.15 * np.sin(x / 4.0e5)) * growth

    def _of_place(self, x, y):
        """Compute the freeboard of ice between leads at the time it is thickest."""
        offshore = (np.hypot(x, y) - 1.33e6) / 2.5e5  # m from the pole; the shelf front lies at about 1.33e6
        return self.thin + (self.thick - self.thin) * (1 - np.exp(-(np.maximum(offshore, 0.0) ** 1.5)))

    def lead_share(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """
        Compute the share of a track's length over leads.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        return 0.06 + 0.04 * np.sin(x / 3.0e5) * np.cos(y / 3.5e5)

    def concentration(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """
        Compute the ice concentration, per cent.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        return 100.0 * (1.0 - 0.5 * self.lead_share(x, y))

    def freeboard(self, x: np.ndarray, y: np.ndarray, t: float | np.ndarray) -> np.ndarray:
        """
        Compute the mean freeboard of all that a track crosses, leads included: what a length-weighted mean estimates.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        t : float or array, decimal year
        """
        return (1 - self.lead_share(x, y)) * self.ice_freeboard(x, y, t)

    def spread(self, x: np.ndarray, y: np.ndarray, t: float, *, noise: float = 0.0) -> np.ndarray:
        """
        Compute the standard deviation of segments around `freeboard`, with noise of one standard deviation `noise`.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        t : float or array, decimal year
        noise : float, standard deviation of the noise, m (default: 0.0)
        """
        share, ice = self.lead_share(x, y), self.ice_freeboard(x, y, t)
        second = (1 - share) * ice**2 * (1 + self.patch_spread**2) * (1 + self.segment_spread**2)
        return np.sqrt(second - ((1 - share) * ice) ** 2 + noise**2)

    def sea_surface(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """
        Compute the height of the sea above the mean sea surface, m.

        Parameters
        ----------
        x : array, m on the map of the truth
        y : array, m on the map of the truth, of the shape of `x`
        """
        return 0.25 * np.sin(x / 5.0e5) + 0.15 * np.cos(y / 3.0e5)

    def plane(self, lon: float | np.ndarray, lat: float | np.ndarray) -> tuple[float | np.ndarray, ...]:
        """
        Compute x, y of longitude and latitude.

        Parameters
        ----------
        lon : (n,) array, longitude, degrees
        lat : (n,) array, latitude, degrees
        """
        return _transformer(self.crs).transform(lon, lat)

    def place(self, x: float, y: float) -> tuple[float, ...]:
        """
        Compute longitude and latitude of x, y.

        Parameters
        ----------
        x : float or array, m
        y : float or array, m
        """
        return _transformer(self.crs).transform(x, y, direction="INVERSE")


@dataclass(frozen=True)
class WideSea(SeaIce):
    """
    Sea ice everywhere, without land: thin about a place and thicker away from it.

    Attributes
    ----------
    x0, y0 : where the ice is thinnest, m of `crs`
    """

    x0: float = 0.0
    y0: float = 0.0

    def sea(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        """
        Return whether a place is water or sea ice: always.

        Parameters
        ----------
        lon : (n,) array, longitude, degrees
        lat : (n,) array, latitude, degrees
        """
        return np.ones(np.broadcast_shapes(np.shape(lon), np.shape(lat)), dtype=bool)

    def _of_place(self, x, y):
        """Compute the freeboard of ice between leads at the time it is thickest."""
        away = np.hypot(x - self.x0, y - self.y0) / 4.0e5
        return self.thin + (self.thick - self.thin) * (1 - np.exp(-(away**1.5)))


@lru_cache(maxsize=4)
def _transformer(crs):
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def build(size: str) -> World:
    """
    Build the world of the study `ross_sea`.

    Size `tiny` is its first week on a few tracks.

    Parameters
    ----------
    size : str, `full` or `tiny`
    """
    tiny = size == "tiny"
    return World(
        name="ross_sea",
        size=size,
        seed=_SEED,
        truth=SeaIce(),
        crs="EPSG:6932",
        bbox=_BBOX,
        period=_WEEK if tiny else _MONTH,
        cycles=(4, 5),
        track_bbox=(174.0, -77.5, -172.0, -71.0) if tiny else _BBOX,
        # every n-th pair of passes; mean length of a strong beam's segments (real ones are shorter: 8 GB a month)
        settings={"stride": 1 if tiny else 2, "segment_length": 100.0 if tiny else 60.0},
    )


def build_year(size: str) -> World:
    """
    Build the world of the study `ross_sea_year`: the same sea ice from January to December 2019.

    Size `tiny` has two weeks.

    Parameters
    ----------
    size : str, `full` or `tiny`
    """
    tiny = size == "tiny"
    return replace(
        build(size),
        name="ross_sea_year",
        period=_FORTNIGHT if tiny else _YEAR,
        cycles=(1, 6),
        # fewer passes and longer segments than in `ross_sea`, or a year would fill a disk
        settings={"stride": 3 if tiny else 12, "segment_length": 200.0 if tiny else 150.0},
    )
