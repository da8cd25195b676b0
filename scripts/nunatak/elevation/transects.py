"""Compute height change and surface along a line, and describe them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import xarray as xr

from nunatak.elevation.change import change_since
from nunatak.elevation.sampling import FLAG_MEANINGS, sample
from nunatak.runtime import NunatakError

_GEOD = pyproj.Geod(ellps="WGS84")


def points_along(lonlat: Any, crs: str, spacing: float) -> xr.Dataset:
    """
    Return evenly spaced points along a line that is straight on the map between its vertices.

    Parameters
    ----------
    lonlat : (n, 2) vertices, degrees WGS84
    crs : the map's coordinate system
    spacing : largest distance between points, in the map's units

    Returns
    -------
    Dataset of dimension distance (m, geodesic on WGS84 from the first vertex, as the map would give 2.2 % less at
        Austfonna) with x, y, longitude, latitude

    Raises
    ------
    NunatakError : there are fewer than two vertices
    """
    vertices = np.asarray(lonlat, dtype=float)
    if vertices.ndim != 2 or vertices.shape[0] < 2 or vertices.shape[1] != 2:
        raise NunatakError(f"transect: {vertices.shape[0]} vertices; write at least two [longitude, latitude]")
    to_map = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    vx, vy = to_map.transform(vertices[:, 0], vertices[:, 1])
    parts = [
        np.linspace(0, 1, max(int(np.ceil(length / spacing - 1e-6)), 1), endpoint=False) + k
        for k, length in enumerate(np.hypot(np.diff(vx), np.diff(vy)))
    ]
    along = np.append(np.concatenate(parts), vertices.shape[0] - 1)
    index = np.arange(vertices.shape[0])
    x, y = np.interp(along, index, vx), np.interp(along, index, vy)
    longitude, latitude = to_map.transform(x, y, direction="INVERSE")
    steps = _GEOD.line_lengths(longitude, latitude)
    distance = np.concatenate([[0.0], np.cumsum(steps)])
    return xr.Dataset(
        {name: ("distance", values) for name, values in (("longitude", longitude), ("latitude", latitude))},
        coords={"distance": ("distance", distance, {"units": "m"}), "x": ("distance", x), "y": ("distance", y)},
    )


def transect(
    change: xr.Dataset,
    lonlat: Any,
    *,
    surface: xr.Dataset | None = None,
    since: Any = None,
    rates: Mapping[float, xr.Dataset] | None = None,
    spacing: float | None = None,
) -> xr.Dataset:
    """
    Return the height change, and the surface, along a line at every epoch.

    Parameters
    ----------
    change : Dataset as `products.atl15.read_height_change` returns it
    lonlat : (n, 2) vertices of the line, degrees WGS84
    surface : Dataset as `products.atl14.read_surface` returns it, for the surface itself. Default: none
    since : epoch that dh counts from. Default: the first
    rates : see `change_since`. Default: none
    spacing : metres between points. Default and maximum: half a cell of `change`

    Returns
    -------
    Dataset (time, distance): dh (m, since `since`), dh_sigma, dh_sigma_bound, delta_h, delta_h_sigma, flag (0 bilinear,
        1 from three neighbours, 2 nearest cell at a margin, 3 missing), with `surface` also h and h_sigma of the
        surface at each epoch (m, WGS84), and longitude, latitude, x, y by distance (m, geodesic)
    """
    half = change.attrs["resolution"] / 2
    line = points_along(lonlat, change.attrs["crs"], min(spacing or half, half))
    since_start = change_since(change, since, rates=rates)
    fields = {"delta_h": change.delta_h, "delta_h_sigma": change.delta_h_sigma}
    fields |= {name: since_start[name] for name in ("dh", "dh_sigma", "dh_sigma_bound")}
    dims = ("time", "distance")
    for name, field in fields.items():
        values, flag = sample(field.values, change.x.values, change.y.values, line.x.values, line.y.values, margin=True)
        line[name] = (dims, values, {"units": "m"})
        if name == "dh":
            line["flag"] = (dims, flag, {"flag_values": "0 1 2 3", "flag_meanings": FLAG_MEANINGS})
    if surface is not None:
        heights = np.stack([surface.h.values, surface.h_sigma.values])
        (h, h_sigma), _ = sample(heights, surface.x.values, surface.y.values, line.x.values, line.y.values, margin=True)
        line["h"] = (dims, h + line.delta_h.values, {"units": "m"})
        line["h_sigma"] = (dims, np.hypot(h_sigma, line.delta_h_sigma.values), {"units": "m"})
    line = line.assign_coords(time=change.time, decimal_year=change.decimal_year)
    line["sigma_from"] = since_start.sigma_from
    line.attrs = {**change.attrs, "since": since_start.attrs["since"]}
    return line


@dataclass(frozen=True)
class Lowering:
    """The largest lowering along a transect, as the parts of a sentence in a report."""

    dh: float
    """m, not negative if the surface sank nowhere"""
    sigma: float
    """m, one standard error"""
    distance: float
    """m from the start of the transect"""
    longitude: float
    latitude: float
    since: np.datetime64
    until: np.datetime64
    sigma_from: str
    flag: int
    """how the value was interpolated, see `transect`"""

    def sentence(self, name: str) -> str:
        """
        Return the sentence.

        Parameters
        ----------
        name : name of the transect
        """
        place = f"{_degrees(self.latitude, 'NS')}, {_degrees(self.longitude, 'EW')}"
        where = f"{self.distance / 1000:.1f} km along {name} ({place})"
        span = f"between {_day(self.since)} and {_day(self.until)}"
        if not self.dh < 0:
            rise = f"{self.dh:.2f} ± {self.sigma:.2f} m"
            return f"The surface sank nowhere along {name} {span}; the least rise, {rise}, lies {where}."
        return f"The largest lowering, {-self.dh:.2f} ± {self.sigma:.2f} m, lies {where}, {span}."


def largest_lowering(line: xr.Dataset, *, until: Any = None) -> Lowering:
    """
    Return where along a transect, and by when, the surface sank most.

    Parameters
    ----------
    line : Dataset as `transect` returns it
    until : epoch of the record (datetime64). Default: any epoch

    Returns
    -------
    Lowering

    Raises
    ------
    NunatakError : the transect has no height change
    """
    part = line if until is None else line.sel(time=[until], method="nearest")
    dh = part.dh.values.copy()
    dh[part.time.values == np.datetime64(line.attrs["since"])] = np.nan
    if not np.isfinite(dh).any():
        raise NunatakError("transect: no height change along it; draw it over ice inside the region")
    t, k = np.unravel_index(np.nanargmin(dh), dh.shape)
    return Lowering(
        dh=float(dh[t, k]),
        sigma=float(part.dh_sigma.values[t, k]),
        distance=float(part.distance[k]),
        longitude=float(part.longitude[k]),
        latitude=float(part.latitude[k]),
        since=np.datetime64(line.attrs["since"]),
        until=part.time.values[t],
        sigma_from=str(part.sigma_from.values[t]),
        flag=int(part.flag.values[t, k]),
    )


def _degrees(value, letters):
    """Return degrees with the letter of the hemisphere."""
    return f"{abs(value):.2f}° {letters[int(value < 0)]}"


def _day(time):
    """Return the day of a time as text."""
    return str(np.datetime64(time, "D"))
