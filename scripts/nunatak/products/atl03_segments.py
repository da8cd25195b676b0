"""The 20 m segments of a beam of ATL03 made sound: counts that fit the photons, lengths, velocities."""

from __future__ import annotations

import numpy as np

from nunatak.constants import SEGMENT_LENGTH
from nunatak.products import GranuleError, hdf5

_SUBSET_SURPLUS = 1  # photons
_FALL = 0.25 * SEGMENT_LENGTH  # m that photons go back from the end of one segment to the start of the next
_FEWEST = 3  # photons of both segments, so that a photon more or less is still inside one of them
_SHARE = 0.9  # of the ends of segments that fit the counts


def check_lengths(file, beam, segments, counts):
    """Refuse columns of segments that differ in length from the counts."""
    for name, values in segments.items():
        if len(values) != len(counts):
            raise GranuleError(
                f"{file.filename}: {beam}/geolocation: {name} has {len(values)} rows, segment_ph_cnt {len(counts)}; "
                "remove it and fetch it again"
            )


def clipped(file, beam, segment_id, counts):
    """
    Take one photon too many off the count that has it, the last one in subsets made by NSIDC from 2023 to 2025; say so.

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


def without_gaps(distance, segment_id):
    """Distances with fills (segments without photons) interpolated by segment id."""
    distance = distance.astype("f8")
    known = np.isfinite(distance)
    if not known.all() and known.any():
        distance[~known] = np.interp(segment_id[~known], segment_id[known], distance[known])
    return distance


def lengths(group, segments):
    """True length of each segment: the file's own, else the way to the next segment, else nominal."""
    if hdf5.has(group, "geolocation/segment_length"):
        length = hdf5.read(group, "geolocation/segment_length").astype("f8")
    else:
        length = np.full(len(segments["segment_id"]), np.nan)
        next_to = np.diff(segments["segment_id"]) == 1
        length[:-1][next_to] = np.diff(segments["segment_dist_x"])[next_to]
    sound = (length > 0.5 * SEGMENT_LENGTH) & (length < 2 * SEGMENT_LENGTH)
    return np.where(sound, length, SEGMENT_LENGTH)


def velocity(group):
    """Norm of the spacecraft's velocity, float32 as the reference keeps it."""
    v = hdf5.read(group, "geolocation/velocity_sc").astype("f8")
    return np.sqrt((v**2).sum(axis=1)).astype("f4")
