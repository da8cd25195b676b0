"""Ground tracks of ICESat-2: 1,387 tracks repeated every 91 nodal days at 92 degrees, six beams, segments of 20 m."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nunatak.constants import BEAMS, N_RGT, SEGMENT_LENGTH
from nunatak.geometry.ground_track import REVOLUTION as REVOLUTION
from nunatak.geometry.reference_tracks import (
    NODE_CYCLE,
    NODE_RGT,
    PAIR_SPACING,
    delta_time_at,
    ground_point,
    n_segments,
)
from nunatak.geometry.reference_tracks import Pass as Pass
from nunatak.geometry.reference_tracks import in_data_gap as in_data_gap
from nunatak.geometry.reference_tracks import node_delta_time as node_delta_time
from nunatak.geometry.reference_tracks import node_longitude as node_longitude
from nunatak.geometry.reference_tracks import passes as passes
from nunatak.geometry.reference_tracks import region_number as region_number
from nunatak.geometry.reference_tracks import region_segments as region_segments
from nunatak.times import delta_time_to_utc

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


def revolution_number(rgt: int, cycle: int) -> int:
    """Compute the orbit number as orbit_info counts it (RGT 0277 of cycle 03 was orbit 3252)."""
    return 3252 + (rgt - NODE_RGT) + (cycle - NODE_CYCLE) * N_RGT


def reference_track(rgt: int, *, segment_id: np.ndarray | None = None, cycle: int = NODE_CYCLE) -> Track:
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


def point_track(rgt: int, segment_id: np.ndarray, y_atc: np.ndarray, *, cycle: int = NODE_CYCLE) -> Track:
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


def _segments(segment_id):
    if segment_id is None:
        return np.arange(1, n_segments() + 1, 50, dtype="int32")
    return np.asarray(segment_id, dtype="int32")


def _track(rgt, cycle, ids, y_atc):
    x_atc = (ids - 1) * SEGMENT_LENGTH
    lon, lat, azimuth = ground_point(rgt, x_atc, y_atc)
    delta_time = delta_time_at(rgt, cycle, x_atc)
    return Track(delta_time_to_utc(delta_time), delta_time, lon, lat, x_atc, y_atc, ids, azimuth)
