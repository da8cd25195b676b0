"""The 20 m segments of a beam of ATL03 made sound: counts, ids, distances, lengths, velocities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from nunatak.constants import SEGMENT_LENGTH
from nunatak.products import GranuleError, hdf5
from nunatak.products.beam_columns import BeamColumns

if TYPE_CHECKING:
    import h5py

    from nunatak.products.columns import Column

_SUBSET_SURPLUS = 1  # photons
_FALL = 0.25 * SEGMENT_LENGTH  # m that photons go back from the end of one segment to the start of the next
_FEWEST = 3  # photons of both segments, so that a photon more or less is still inside one of them
_SHARE = 0.9  # of the ends of segments that fit the counts
_ROWS = ("segment_id", "segment_dist_x", "delta_time", "reference_photon_lat", "reference_photon_lon")
ROWS = (*_ROWS, "segment_ph_cnt", "velocity_sc", "segment_length")  # all that is read here
# ASSUME: three days, because made-up granules of the readers compared with bear names two days off their photons
_PASS_SECONDS = 3 * 86400.0
_SPEEDS = 5000.0, 9000.0  # m/s over ground: in its orbit the spacecraft does 7.1 km/s
_METRES = 1000.0  # that a segment is from where its id is


def read(
    file: h5py.File, beam: str, columns: Mapping[str, Column], start: np.datetime64 | None
) -> tuple[dict[str, np.ndarray], list[str]]:
    """
    Read the segments of a beam.

    Parameters
    ----------
    file : open h5py.File
    beam : str
    columns : mapping of names to products.columns.Column
    start : datetime64 of the granule's name, None where it tells none

    Returns
    -------
    segments : dict of (n,) arrays: those of `atl03.Track.segments` without `spot`; `inside` is false for segments
        whose id or distance cannot be, and their photons take no part
    said : list of what was left out or mended, in words
    """
    group = file[beam]
    own = BeamColumns(group["geolocation"], columns, like="segment_ph_cnt", needed=_ROWS)
    counts = hdf5.read(group, "geolocation/segment_ph_cnt", column=columns["segment_ph_cnt"]).astype("i8")
    counts = np.maximum(counts, 0)
    segments = {name: own.read(name) for name in _ROWS}
    segments["delta_time"] = own.times(segments["delta_time"], start, _PASS_SECONDS)
    sound = own.ascending("segment_id", segments["segment_id"])
    ids = segments["segment_id"].astype("i8")
    if not sound.all():  # the walk needs ids in order; those of the neighbours are near
        rows = np.arange(len(ids))
        ids = np.floor(np.interp(rows, rows[sound], ids[sound])).astype("i8")
        own.count("segments without an id that can be", int(np.count_nonzero(~sound & (counts > 0))))
    stated = counts.copy()
    said = [clipped(file, beam, ids, counts)]
    without = np.isnan(segments["segment_dist_x"])
    segments["segment_dist_x"] = own.along("segment_dist_x", segments["segment_dist_x"], ids, _METRES)
    far = np.isnan(segments["segment_dist_x"]) & ~without
    segments["segment_id"] = ids
    segments["segment_dist_x"] = without_gaps(segments["segment_dist_x"], ids)
    segments["segment_ph_cnt"], segments["stated"] = counts, stated
    segments["photon"] = np.cumsum(counts) - counts
    segments["length"] = lengths(group, segments)
    segments["velocity"] = velocity(own)
    segments["inside"] = sound & ~far
    return segments, [*filter(None, said), *own.reasons()]


def clipped(file: h5py.File, beam: str, segment_id: np.ndarray, counts: np.ndarray) -> str:
    """
    Take one photon too many off the count that has it, and say so.

    In subsets made by NSIDC from 2023 to 2025 that is the last count.

    Parameters
    ----------
    segment_id : (n,) array
    counts : (n,) array, overwritten

    Raises
    ------
    GranuleError : the counts do not fit the photons otherwise, or the photons do not show which count it is
    """
    n_photons = hdf5.length(file[beam], "heights/h_ph")
    surplus = int(counts.sum()) - n_photons
    if surplus == 0:
        return ""
    told = ""
    if surplus == _SUBSET_SURPLUS:
        found = _too_long(hdf5.read(file[beam], "heights/dist_ph_along"), counts)
        last = int(np.flatnonzero(counts)[-1])
        if last in found or found.size == 1:
            chosen = last if last in found else int(found[0])
            counts[chosen] -= surplus
            which = "the last count" if chosen == last else f"the count of segment {segment_id[chosen]}"
            return f"segment_ph_cnt counts one photon more than there are; {which} is clipped"
        if found.size:
            told = f", one too many in one of the segments {segment_id[found[0]]} to {segment_id[found[-1]]}"
    raise GranuleError(
        f"{file.filename}: {beam}: segment_ph_cnt adds up to {counts.sum()}, heights hold {n_photons} photons{told}; "
        "remove it and fetch it again"
    )


def _too_long(along, counts):
    """
    Return the segments, of those with photons, whose count may be the one that has a photon too many.

    Parameters
    ----------
    along : (n,) array, m, of each photon from the start of its segment: it falls where a segment ends. Ends after the
        count that is too long come one photon earlier than the counts say
    """
    filled = np.flatnonzero(counts)
    n = counts[filled]
    ends = np.cumsum(n)[:-1]
    clear = np.flatnonzero((n[:-1] >= _FEWEST) & (n[1:] >= _FEWEST))
    falls = np.zeros((2, n.size))  # a photon earlier, as counted; after each segment
    for k in (0, 1):
        at = ends[clear] - 1 + k
        falls[k, clear] = along[at] - along[at - 1] < -_FALL
    earlier, counted = falls * (falls[0] != falls[1])
    # ends that fit where this segment is the one: those before it as counted, its own and those after it earlier
    fitting = np.cumsum(counted) - counted + earlier.sum() - np.cumsum(earlier) + earlier
    found = filled[fitting == fitting.max()]
    return found if fitting.max() >= _SHARE * (earlier.sum() + counted.sum()) else found[:0]


def without_gaps(distance: np.ndarray, segment_id: np.ndarray) -> np.ndarray:
    """
    Interpolate distances of segments without photons (fills) by segment id.

    Parameters
    ----------
    distance : (n_segment,) array, m, NaN where the file has a fill
    segment_id : (n_segment,) int array
    """
    distance = distance.astype("f8")
    known = np.isfinite(distance)
    if not known.all() and known.any():
        distance[~known] = np.interp(segment_id[~known], segment_id[known], distance[known])
    return distance


def lengths(group: h5py.Group, segments: Mapping[str, np.ndarray]) -> np.ndarray:
    """
    Return the true length of each segment: the file's own, else the distance to the next segment, else nominal.

    Parameters
    ----------
    group : h5py.Group
    segments : the rows of the segments
    """
    if hdf5.has(group, "geolocation/segment_length"):
        length = hdf5.read(group, "geolocation/segment_length").astype("f8")
    else:
        length = np.full(len(segments["segment_id"]), np.nan)
        next_to = np.diff(segments["segment_id"]) == 1
        length[:-1][next_to] = np.diff(segments["segment_dist_x"])[next_to]
    sound = (length > 0.5 * SEGMENT_LENGTH) & (length < 2 * SEGMENT_LENGTH)
    return np.where(sound, length, SEGMENT_LENGTH)


def velocity(own: BeamColumns) -> np.ndarray:
    """
    Return the norm of the spacecraft's velocity, float32 as the reference keeps it, NaN where it cannot be.

    Parameters
    ----------
    own : h5py.Group, the beam's group
    """
    v = own.read("velocity_sc").astype("f8")
    norm = np.sqrt((v**2).sum(axis=1)).astype("f4")
    return own.within("velocity_sc", norm, *_SPEEDS, f"of a speed beyond {_SPEEDS[0]:g} .. {_SPEEDS[1]:g} m/s")
