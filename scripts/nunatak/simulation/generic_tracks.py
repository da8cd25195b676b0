"""Which ground tracks see a generic world, cut to what, and how many passes and segments a size carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import shapely

from nunatak.constants import DAYS_PER_YEAR, N_RGT
from nunatak.runtime import NunatakError
from nunatak.simulation import orbit
from nunatak.times import decimal_year, delta_time_to_utc

if TYPE_CHECKING:
    from nunatak.geometry.region import Region

_PAD = 0.05  # degrees of latitude, and as many metres of longitude, about a region
_REACH = {"tiny": 40e3, "full": 300e3}  # m from the middle to the border of along-track granules, at most
_TRACKS = {"tiny": 3, "full": 8}  # where the study does not name them
_CYCLES = {"tiny": 3, "full": 40}
_PASSES = {"tiny": 40, "full": 500}  # over sea ice
_SEGMENTS = {"tiny": 3e5, "full": 1e7}  # of all beams over sea ice
_BEAMS = 4.0  # three strong ones, and three weak ones of a third as many segments
_NAMED = 12  # tracks that a message lists


def track_box(region: Region, crs: str, middle: tuple[float, ...], size: str) -> tuple[float, ...]:
    """
    Return the box (west, south, east, north) to which along-track granules are cut.

    It is the region's, or its part around `middle`.

    Parameters
    ----------
    region : Region, the study's region
    crs : CRS, the study's coordinate system
    middle : (x, y), m, the place around which files are cut
    size : str, `full` or `tiny`
    """
    shape = region.projected(crs)
    left, bottom, right, top = shapely.bounds(shape)
    reach = _REACH[size]
    if max(right - left, top - bottom) > 2 * reach:
        x, y = middle
        to_lonlat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        box = to_lonlat.transform_bounds(x - reach, y - reach, x + reach, y + reach, densify_pts=51)
        return tuple(float(v) for v in box)
    west, south, east, north = region.bounds
    south, north = max(south - _PAD, -90.0), min(north + _PAD, 90.0)
    aside = _PAD / max(np.cos(np.deg2rad(max(abs(south), abs(north)))), 1e-3)
    if (east - west) % 360.0 == 0 or (east - west) % 360.0 + 2 * aside >= 360.0:
        return -180.0, south, 180.0, north
    west, east = ((lon + 180) % 360 - 180 for lon in (west - aside, east + aside))
    return float(west), south, float(east), north


def choose(
    box: tuple[float, ...],
    region: Region,
    crs: str,
    middle: tuple[float, ...],
    size: str,
    place: Mapping[str, Any],
    cycles: tuple[int, ...],
) -> dict[int, tuple[int, ...]]:
    """
    Choose the tracks and the cycles in which they are seen.

    Those the study names, where they cross the box; else some that pass close to the middle, northward and southward in
    turn, so that they cross.

    Parameters
    ----------
    box : (west, south, east, north), degrees
    region : Region, the study's region
    crs : CRS, a projected coordinate system
    middle : (x, y), m, the place around which files are cut
    size : str, `full` or `tiny`
    place : mapping, what the study says of cycles, tracks and period
    cycles : sequence of int, the cycles wanted

    Returns
    -------
    dict of RGT to a tuple of cycles

    Raises
    ------
    NunatakError : none of the named tracks crosses the box
    """
    wanted = place.get("cycles") or list(range(cycles[0], cycles[1] + 1))
    asked = place.get("rgt")
    if asked is None:
        near = _near(box, crs, middle, _TRACKS[size])
        return {rgt: _seen(rgt, wanted, place, _CYCLES[size]) for rgt in near}
    crossing = sorted({run.rgt for run in orbit.passes(box, rgts=asked)})
    if not crossing:
        others = sorted({run.rgt for run in orbit.passes(box)})
        said = ", ".join(map(str, others[:_NAMED])) + (", ..." if len(others) > _NAMED else "") or "none"
        raise NunatakError(
            f"rgt: {', '.join(map(str, asked[:_NAMED]))} {'do' if len(asked) > 1 else 'does'} not cross the region "
            f"{region.name}; tracks that do: {said}"
        )
    return {rgt: _seen(rgt, wanted, place, _CYCLES[size]) for rgt in crossing}


def _seen(rgt, wanted, place, most):
    """Choose cycles evenly over those in which a track is flown within the period, or all wanted ones where none is."""
    when = delta_time_to_utc(np.array([orbit.node_delta_time(rgt, cycle) for cycle in wanted]))
    inside = (when >= np.datetime64(place["start"])) & (when < np.datetime64(place["end"]))
    inside &= np.isin(when.astype("datetime64[M]"), np.array(place["months"], dtype="datetime64[M]"))
    flown = [cycle for cycle, there in zip(wanted, inside, strict=True) if there] or wanted
    picked = np.unique(np.linspace(0, len(flown) - 1, min(len(flown), most)).astype(int))
    return tuple(flown[i] for i in picked)


def _near(box, crs, middle, n):
    """List RGTs of the n tracks that pass nearest to the middle inside a box, northward and southward ones in turn."""
    to_map = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    found: dict[bool, dict[int, float]] = {True: {}, False: {}}
    for run in orbit.passes(box):
        x = np.linspace(run.first - 1, run.last - 1, 30) * orbit.SEGMENT_LENGTH
        lon, lat, _ = orbit.ground_point(run.rgt, x, np.zeros(x.size))
        px, py = to_map.transform(lon, lat)
        away = float(np.hypot(np.subtract(px, middle[0]), np.subtract(py, middle[1])).min())
        kind = found[bool(lat[-1] > lat[0])]
        kind[run.rgt] = min(away, kind.get(run.rgt, np.inf))
    ordered = [sorted(kind, key=kind.__getitem__) for kind in found.values()]
    turns = [rgt for pair in zip(*(part + [None] * N_RGT for part in ordered), strict=False) for rgt in pair if rgt]
    return list(dict.fromkeys(turns))[:n]


def thinning(box: tuple[float, ...], period: tuple[float, ...], months: list[str], size: str) -> tuple[float, ...]:
    """
    Choose how many passes and segments of sea ice are made.

    Parameters
    ----------
    box : (west, south, east, north), degrees
    period : (start, end), decimal years
    months : sequence of datetime64[M]
    size : str, `full` or `tiny`

    Returns
    -------
    stride : every stride-th pair of passes is made
    length : mean length of a strong beam's segments, m
    """
    runs = orbit.passes(box)
    if not runs:
        return 1, 100.0
    repeats = (period[1] - period[0]) * DAYS_PER_YEAR / 91.0
    share = len(months) / 12.0 / (period[1] - period[0])
    tracks = len({run.rgt for run in runs})
    count = tracks * repeats * min(share, 1.0)
    stride = max(1, int(np.ceil(count / _PASSES[size])))
    ground = sum(run.last - run.first + 1 for run in runs) * orbit.SEGMENT_LENGTH / tracks * count / stride
    return stride, float(np.clip(_BEAMS * ground / _SEGMENTS[size], 60.0, 2000.0))


def cycle_of(year: float) -> int:
    """
    Return the cycle under way at a decimal year.

    Parameters
    ----------
    year : float, decimal year
    """
    began = [float(decimal_year(delta_time_to_utc(orbit.node_delta_time(1, cycle)))) for cycle in range(1, 100)]
    return max(1, int(np.searchsorted(began, year, side="right")))
