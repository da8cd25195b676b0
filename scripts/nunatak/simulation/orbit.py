"""Ground tracks of ICESat-2: 1,387 tracks repeated every 91 nodal days at 92 degrees, six beams, segments of 20 m."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nunatak.constants import BEAMS, N_RGT, SEGMENT_LENGTH
from nunatak.simulation.ground_track import NODAL_DAYS, REVOLUTION, canonical
from nunatak.times import SAFE_HOLDS, delta_time_to_utc

# One node and the time of one revolution, from orbit_info (lan, crossing_time) of two ATL06 granules of cycle 03,
# RGT 0277 and RGT 0338: 61 revolutions in 345,100.28 s, while the node moved by 61 x 360 x 91 / 1387 degrees.
_NODE_RGT, _NODE_CYCLE = 277, 3
_NODE_LONGITUDE = -39.06055  # degrees east
_NODE_DELTA_TIME = 40641819.36  # s since 2018-01-01
_NODE_STEP = 360.0 * NODAL_DAYS / N_RGT  # degrees westward from one track to the next

PAIR_SPACING = 3240.0  # m between beam pairs on the ground, from y_atc of ATL06 granules of cycles 03 to 13
BEAM_SPACING = 90.0  # m between the beams of a pair
_POINTING_SIGMA = 5.0  # m, from cycle to cycle; y_atc of RGT 0627 in cycles 05 and 13 differ by up to 3 m


# ASSUME: the observatory turns round every 251 days, to backward first. That agrees with sc_orient of the ATL06
# granules at hand (forward to December 2018 and in November 2019, backward from February to June 2019 and in November
# 2021); the dates of the real manoeuvres stand in the real granules.
_FIRST_YAW_FLIP = np.datetime64("2018-12-28T17:00:00", "ns")
_YAW_FLIP_DAYS = 251.0


@dataclass(frozen=True)
class Track:
    """
    Points along one beam, or along the reference track.

    Attributes
    ----------
    time : datetime64[ns], UTC
    delta_time : s since 2018-01-01
    longitude, latitude : degrees, WGS84
    x_atc : m along the track from the ascending node; `segment_id` - 1 times 20 m at the centre of an ATL06 segment
    y_atc : m to the left of the reference track
    segment_id : int32, 1 at the ascending node
    azimuth : of the flight on the ground, degrees clockwise from north
    """

    time: np.ndarray
    delta_time: np.ndarray
    longitude: np.ndarray
    latitude: np.ndarray
    x_atc: np.ndarray
    y_atc: np.ndarray
    segment_id: np.ndarray
    azimuth: np.ndarray


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
    return (_NODE_LONGITUDE - (np.asarray(rgt) - _NODE_RGT) * _NODE_STEP + 180.0) % 360.0 - 180.0


def node_delta_time(rgt: int, cycle: int) -> float:
    """Time at which a track's revolution begins at the ascending node, s since 2018-01-01."""
    revolutions = (np.asarray(rgt) - _NODE_RGT) + (np.asarray(cycle) - _NODE_CYCLE) * N_RGT
    return _NODE_DELTA_TIME + revolutions * REVOLUTION


def revolution_number(rgt: int, cycle: int) -> int:
    """Compute the orbit number as orbit_info counts it (RGT 0277 of cycle 03 was orbit 3252)."""
    return 3252 + (rgt - _NODE_RGT) + (cycle - _NODE_CYCLE) * N_RGT


def track_length() -> float:
    """Return the length of one revolution on the ground, m."""
    return canonical().length


def n_segments() -> int:
    """Return the number of whole segments of 20 m in one revolution."""
    return int(track_length() // SEGMENT_LENGTH)


def reference_track(rgt: int, *, segment_id: np.ndarray | None = None, cycle: int = _NODE_CYCLE) -> Track:
    """
    Compute the reference ground track (y_atc = 0) at the centres of segments. Default: every 50th (1 km).

    Returns
    -------
    Track
    """
    ids = _segments(segment_id)
    return _track(rgt, cycle, ids, np.zeros(ids.size))


def beam_track(rgt: int, cycle: int, beam: str, *, segment_id: list[int] | np.ndarray | None = None) -> Track:
    """
    Compute the track of one beam at the centres of segments. Default: every 50th (1 km).

    The pointing wanders by some metres from cycle to cycle and slowly along the track, the same for all six beams.

    Parameters
    ----------
    rgt : int, the reference ground track
    cycle : int, the cycle
    beam : str, gt1l .. gt3r
    segment_id : (n,) int array, ids of the 20 m segments (default: None)

    Returns
    -------
    Track
    """
    ids = _segments(segment_id)
    y_atc = beam_offset(beam) + pointing_offset(rgt, cycle, (ids - 1) * SEGMENT_LENGTH)
    return _track(rgt, cycle, ids, y_atc)


def point_track(rgt: int, segment_id: np.ndarray, y_atc: np.ndarray, *, cycle: int = _NODE_CYCLE) -> Track:
    """
    Return points given by segment and distance to the left of the reference track (m), as a Track.

    Parameters
    ----------
    rgt : int, the reference ground track
    segment_id : (n,) int array, ids of the 20 m segments
    y_atc : (n,) array, distance to the left of the reference track, m
    cycle : int, the cycle
    """
    return _track(rgt, cycle, np.asarray(segment_id, dtype="int32"), np.asarray(y_atc, dtype=float))


def take(track: Track, keep: np.ndarray) -> Track:
    """
    Select the points of a track by a bool array or an index.

    Parameters
    ----------
    track : Track, points of a ground track
    keep : (n,) bool array or index
    """
    return Track(*(getattr(track, name)[keep] for name in Track.__dataclass_fields__))


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


def beam_offset(beam: str) -> float:
    """
    Compute the nominal y_atc of a beam, m: pairs 3.24 km apart, gt1 on the left, 90 m between the beams of a pair.

    Parameters
    ----------
    beam : str, gt1l .. gt3r
    """
    pair, side = divmod(BEAMS.index(beam), 2)
    return (1 - pair) * PAIR_SPACING + (0.5 - side) * BEAM_SPACING


def pointing_offset(rgt: int, cycle: int, x_atc: np.ndarray) -> np.ndarray:
    """
    Compute the departure of all six beams from their nominal y_atc on one pass, m.

    Parameters
    ----------
    rgt : int, the reference ground track
    cycle : int, the cycle
    x_atc : (n,) array, distance along the track, m
    """
    rng = np.random.default_rng([int(rgt), int(cycle), 92])
    shift, wander, phase = rng.normal(0, _POINTING_SIGMA), rng.normal(0, 2.0), rng.uniform(0, 2 * np.pi)
    return shift + wander * np.sin(np.asarray(x_atc) / 6.0e4 + phase)


def delta_time_at(rgt: int, cycle: int, x_atc: float | np.ndarray) -> Any:
    """
    Time at which a pass reaches x_atc, s since 2018-01-01.

    Parameters
    ----------
    rgt : int, the reference ground track
    cycle : int, the cycle
    x_atc : (n,) array, distance along the track, m
    """
    return node_delta_time(rgt, cycle) + canonical().elapsed(x_atc)


def spot(beam: str, orientation: int) -> int:
    """
    Return spot 1 to 6 of a beam: from left to right flying backward (0), from right to left flying forward (1).

    Parameters
    ----------
    beam : str, gt1l .. gt3r
    orientation : int, 0 backward, 1 forward
    """
    position = BEAMS.index(beam)
    return 6 - position if orientation == 1 else 1 + position


def is_strong(beam: str, orientation: int) -> bool:
    """
    Return whether a beam is strong: left of its pair flying backward, right flying forward.

    Parameters
    ----------
    beam : str, gt1l .. gt3r
    orientation : int, 0 backward, 1 forward
    """
    return spot(beam, orientation) % 2 == 1


def sc_orient(time: np.datetime64 | np.ndarray) -> Any:
    """
    Return the orientation of the observatory at a time: 0 backward, 1 forward (int8).

    Parameters
    ----------
    time : datetime64 array, UTC
    """
    flips = (np.asarray(time, dtype="datetime64[ns]") - _FIRST_YAW_FLIP) / np.timedelta64(86400, "s") / _YAW_FLIP_DAYS
    return (np.floor(flips) % 2).astype("int8")


def last_yaw_flip(time: np.datetime64 | np.ndarray) -> Any:
    """
    Return the time of the last change of orientation before a time (datetime64[ns]).

    Parameters
    ----------
    time : datetime64 array, UTC
    """
    days = (np.asarray(time, dtype="datetime64[ns]") - _FIRST_YAW_FLIP) / np.timedelta64(86400, "s")
    flips = np.floor(days / _YAW_FLIP_DAYS) * _YAW_FLIP_DAYS * 86400
    return _FIRST_YAW_FLIP + flips.astype("int64").astype("timedelta64[s]")


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


def _segments(segment_id):
    if segment_id is None:
        return np.arange(1, n_segments() + 1, 50, dtype="int32")
    return np.asarray(segment_id, dtype="int32")


def _track(rgt, cycle, ids, y_atc):
    x_atc = (ids - 1) * SEGMENT_LENGTH
    lon, lat, azimuth = ground_point(rgt, x_atc, y_atc)
    delta_time = delta_time_at(rgt, cycle, x_atc)
    return Track(delta_time_to_utc(delta_time), delta_time, lon, lat, x_atc, y_atc, ids, azimuth)
