"""The 20 m segments of a beam of ATL03 made sound: counts that fit the photons, lengths, velocities."""

from __future__ import annotations

import numpy as np

from nunatak.constants import SEGMENT_LENGTH
from nunatak.products import GranuleError, hdf5

_SUBSET_SURPLUS = 1  # photons
_FORWARD = 0.9  # share of segments whose last photon lies ahead of the first


def check_lengths(file, beam, segments, counts):
    """Refuse columns of segments that differ in length from the counts."""
    for name, values in segments.items():
        if len(values) != len(counts):
            raise GranuleError(
                f"{file.filename}: {beam}/geolocation: {name} has {len(values)} rows, segment_ph_cnt {len(counts)}; "
                "remove it and fetch it again"
            )


def clipped(file, beam, counts):
    """
    Take the one photon off the last count that subsets made by NSIDC from 2023 to 2025 have too many; say so.

    Raises
    ------
    GranuleError : the counts do not fit the photons otherwise
    """
    n_photons = hdf5.length(file[beam], "heights/h_ph")
    surplus = int(counts.sum()) - n_photons
    if surplus == 0:
        return ""
    fewer = counts.copy()
    fewer[np.flatnonzero(counts)[-1:]] -= surplus
    if surplus == _SUBSET_SURPLUS and _in_order(file[beam], fewer):
        counts[:] = fewer
        return "segment_ph_cnt counts one photon more than there are; the last count is clipped"
    raise GranuleError(
        f"{file.filename}: {beam}: segment_ph_cnt adds up to {counts.sum()}, heights hold {n_photons} photons; "
        "remove it and fetch it again"
    )


def _in_order(group, counts):
    """Whether photons go forward within nearly all segments; a count that is wrong further up shifts all after it."""
    several = counts > 1
    ends = np.cumsum(counts)[several]
    along = hdf5.read(group, "heights/dist_ph_along")
    return bool(np.mean(along[ends - 1] >= along[ends - counts[several]]) > _FORWARD) if several.any() else True


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
