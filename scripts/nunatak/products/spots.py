"""
Which of the six spots of the laser made a ground track, and so which beams are strong.

The spacecraft flies forward or backward; turned round, the beam that led on the left follows on the right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nunatak.constants import BEAMS
from nunatak.products import GranuleError, hdf5

if TYPE_CHECKING:
    import h5py

_BACKWARD, _FORWARD, _TURNING = _ORIENTATIONS = 0, 1, 2
_ODD = -1  # what is none of them
_SPOTS = frozenset("123456")
_ORIENT = "orbit_info/sc_orient"
UNKNOWN_SPOT = 0  # the spacecraft is turning (sc_orient 2), or the file does not say


def spots(file: h5py.File, beam: str, delta_time: np.ndarray) -> tuple[np.ndarray, str]:
    """
    Return the ATLAS spot (1 to 6, odd is strong) that made a ground track, at each time.

    Follows `orbit_info/sc_orient`, which can change inside a granule; without it, or where it holds what is no
    orientation, the beam's own attribute `atlas_spot_number`, which was written for the whole granule.

    Parameters
    ----------
    file : h5py.File
    beam : str, gt1l .. gt3r
    delta_time : (n,) array, seconds since 2018-01-01

    Returns
    -------
    spot : (n,) int8; 0 where the spacecraft was turning or the file does not say
    note : str, empty unless an orientation is none, orientation and attribute contradict each other, or both are absent
    """
    delta_time = np.asarray(delta_time, dtype=float)
    stated = hdf5.attribute(file[beam], "atlas_spot_number")
    stated = int(stated) if stated in _SPOTS else None
    orientation, odd = _orientation(file, delta_time)
    if orientation is None:
        spot = np.full(delta_time.shape, stated or UNKNOWN_SPOT, dtype="i1")
        return spot, "" if stated else "neither sc_orient nor atlas_spot_number tells strong from weak"
    place = BEAMS.index(beam) + 1
    known = [orientation == _BACKWARD, orientation == _FORWARD, orientation == _ODD]
    spot = np.select(known, [place, 7 - place, stated or UNKNOWN_SPOT], UNKNOWN_SPOT)
    if odd:
        told = f"atlas_spot_number {stated} is followed there" if stated else "strong and weak are not known there"
        return spot.astype("i1"), f"sc_orient holds {odd}, not 0, 1 or 2; {told}"
    note = ""
    if stated is not None and spot.size and not np.any((spot == stated) | (spot == UNKNOWN_SPOT)):
        note = f"atlas_spot_number {stated} contradicts sc_orient (spot {spot.flat[0]}); sc_orient is followed"
    return spot.astype("i1"), note


def is_strong(spot: np.ndarray) -> np.ndarray:
    """
    Return whether a spot is a strong beam: 1, 3 and 5 are.

    Parameters
    ----------
    spot : int array, spot 1 to 6
    """
    return np.asarray(spot) % 2 == 1


def _orientation(file, delta_time):
    """
    Return sc_orient in force at each time, None when the file lacks it, and what it holds that is no orientation.

    The text is empty where it holds orientations alone.
    """
    values = _stated(file, _ORIENT)
    if not values.size:
        return None, ""
    values, odd = _sound(values)
    if len(values) == 1:
        return np.full(delta_time.shape, values[0]), odd
    since = _stated(file, "orbit_info/sc_orient_time")
    if len(since) != len(values):
        raise GranuleError(
            f"{file.filename}: orbit_info: {len(values)} sc_orient but {len(since)} sc_orient_time; fetch it again"
        )
    order = np.argsort(since, kind="stable")
    index = np.searchsorted(since[order], delta_time, side="right") - 1
    return values[order][np.clip(index, 0, None)], odd


def _stated(file, name):
    """Return the values of a dataset that a granule states of itself, none where it is absent."""
    if not hdf5.has(file, name) or not file[name].size:
        return np.empty(0)
    if file[name].size > hdf5.MOST_STATED:
        raise GranuleError(f"{file.filename}: {name}: holds {file[name].size} values; fetch it again")
    return np.asarray(file[name][()]).ravel()


def _sound(values):
    """Return orientations with what is none of them marked, and the first such value in words."""
    sound = np.isin(values, _ORIENTATIONS) if values.dtype.kind in "fiu" else np.zeros(values.shape, bool)
    out = np.full(values.shape, _ODD, "i1")
    out[sound] = values[sound]
    return out, "" if sound.all() else hdf5.text(values[~sound])[:20]
