"""
Reference ground tracks of ICESat-2: where they run, when they are flown, and which pass over a box.

1,387 tracks are repeated every 91 nodal days at 92 degrees. Real segments lie within a kilometre and ten seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nunatak.constants import N_RGT, SEGMENT_LENGTH
from nunatak.geometry.ground_track import NODAL_DAYS, REVOLUTION, canonical
from nunatak.times import SAFE_HOLDS

# One node and the time of one revolution, from orbit_info (lan, crossing_time) of two ATL06 granules of cycle 03,
# RGT 0277 and RGT 0338: 61 revolutions in 345,100.28 s, while the node moved by 61 x 360 x 91 / 1387 degrees.
NODE_RGT, NODE_CYCLE = 277, 3
_NODE_LONGITUDE = -39.06055  # degrees east
_NODE_DELTA_TIME = 40641819.36  # s since 2018-01-01
_NODE_STEP = 360.0 * NODAL_DAYS / N_RGT  # degrees westward from one track to the next

PAIR_SPACING = 3240.0  # m between beam pairs on the ground, from y_atc of ATL06 granules of cycles 03 to 13


@dataclass(frozen=True)
class Pass:
    """The run of segments of one track and one granule region that lies in a box: segment_id `first` to `last`."""

    rgt: int
    region_number: int
    first: int
    last: int

    @property
    def segment_id(self) -> np.ndarray:
        """Return every segment of the run, (n,) int32."""
        return np.arange(self.first, self.last + 1, dtype="int32")


def node_longitude(rgt: int | np.ndarray) -> Any:
    """Compute the longitude of the ascending node of a reference ground track, degrees east in [-180, 180)."""
    return (_NODE_LONGITUDE - (np.asarray(rgt) - NODE_RGT) * _NODE_STEP + 180.0) % 360.0 - 180.0


def node_delta_time(rgt: int | np.ndarray, cycle: int | np.ndarray) -> Any:
    """Time at which a track's revolution begins at the ascending node, s since 2018-01-01."""
    revolutions = (np.asarray(rgt) - NODE_RGT) + (np.asarray(cycle) - NODE_CYCLE) * N_RGT
    return _NODE_DELTA_TIME + revolutions * REVOLUTION


def track_length() -> float:
    """Return the length of one revolution on the ground, m."""
    return canonical().length


def n_segments() -> int:
    """Return the number of whole segments of 20 m in one revolution."""
    return int(track_length() // SEGMENT_LENGTH)


def ground_point(rgt: int | np.ndarray, x_atc: np.ndarray, y_atc: np.ndarray) -> tuple[np.ndarray, ...]:
    """
    Compute longitude, latitude and flight azimuth (degrees) of points given along and across a reference track (m).

    Parameters
    ----------
    rgt : int, the reference ground track
    x_atc : (n,) array, distance along the track, m
    y_atc : (n,) array, distance to the left of the reference track, m
    """
    lon, lat, azimuth = canonical().position(np.asarray(x_atc, dtype=float), np.asarray(y_atc, dtype=float))
    return (lon + node_longitude(rgt) + 180.0) % 360.0 - 180.0, lat, azimuth


def delta_time_at(rgt: int | np.ndarray, cycle: int | np.ndarray, x_atc: float | np.ndarray) -> Any:
    """
    Time at which a pass reaches x_atc, s since 2018-01-01.

    Parameters
    ----------
    rgt : int, the reference ground track
    cycle : int, the cycle
    x_atc : (n,) array, distance along the track, m
    """
    return node_delta_time(rgt, cycle) + canonical().elapsed(x_atc)


def in_data_gap(time: np.ndarray) -> Any:
    """
    Return whether no science data were taken at a time (bool array).

    Parameters
    ----------
    time : datetime64 array, UTC
    """
    time = np.asarray(time, dtype="datetime64[ns]")
    return np.any([(time >= start) & (time < end) for start, end in SAFE_HOLDS], axis=0)


def region_number(x_atc: np.ndarray) -> np.ndarray:
    """
    Return the granule region 1 to 14 of a place along the track.

    Parameters
    ----------
    x_atc : (n,) array, distance along the track, m
    """
    return np.searchsorted(canonical().region_starts, np.asarray(x_atc, dtype=float), side="right").astype("int32") + 1


def region_segments(region: int) -> tuple[int, ...]:
    """
    Return the first and last segment_id of a whole granule region.

    Parameters
    ----------
    region : int, the granule region 1 to 14
    """
    starts = np.concatenate([[0.0], canonical().region_starts, [track_length()]])
    first = int(np.ceil(starts[region - 1] / SEGMENT_LENGTH)) + 1
    last = int(np.ceil(starts[region] / SEGMENT_LENGTH))
    return first, min(last, n_segments())


def passes(bbox: tuple[float, ...], *, rgts: list[int] | None = None, margin: float = 0.0) -> list[Pass]:
    """
    Find runs of segments of the reference tracks inside a box of longitude and latitude.

    Parameters
    ----------
    bbox : west, south, east, north in degrees; west > east crosses the antimeridian
    rgts : tracks to look at; all by default
    margin : degrees of latitude, and as many metres of longitude, added on every side

    Returns
    -------
    list of Pass, sorted by rgt and place along the track, one for each run and granule region
    """
    west, south, east, north = bbox
    ids, x, lon, lat = canonical().every_tenth
    near = (lat >= south - margin) & (lat <= north + margin)
    ids, x, lon, lat = ids[near], x[near], lon[near], lat[near]
    region = region_number(x)
    width = (east - west) % 360.0 or 360.0
    slack = margin / np.maximum(np.cos(np.deg2rad(lat)), 1e-3)
    found = []
    for rgt in range(1, N_RGT + 1) if rgts is None else sorted(rgts):
        east_of = (lon + node_longitude(rgt) - west + slack) % 360.0
        inside = np.flatnonzero(east_of <= width + 2 * slack)
        if inside.size == 0:
            continue
        breaks = (np.diff(ids[inside]) > 10) | (np.diff(region[inside]) != 0)
        for run in np.split(inside, np.flatnonzero(breaks) + 1):
            last = min(int(ids[run[-1]]) + 9, region_segments(int(region[run[0]]))[1])
            found.append(Pass(int(rgt), int(region[run[0]]), int(ids[run[0]]), last))
    return found
