"""The columns of one beam, held to what its product can hold: what cannot be is missing, and the reason says so."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from nunatak.constants import FILL_I4, SEGMENT_LENGTH
from nunatak.products import GranuleError, hdf5
from nunatak.products.columns import ANY
from nunatak.products.stored import where
from nunatak.times import utc_to_delta_time

MOST_ROWS = 10**7  # of a beam; an orbit has 2 x 10^6 segments of 20 m
PASS_SECONDS = 86400.0  # between the time in a name and any measurement of its pass, which takes 95 minutes at most
_SENSELESS = 0.5  # share of a needed column beyond what can be, from which on nothing of the beam is believed
_IN_ORDER = 0.9  # share of ids that ascend, below which ids tell nothing
_DRIFT = 0.004  # of the way along the track
_NEAR, _AWAY = 0.1, 1.0  # degrees of latitude
_APART = 250  # rows, 5 km or more along the track
_EARTH, _OFF = 6.371e6, 0.3  # m; share of the way that positions are off at most, on a sphere and with bent tracks
_FEW = 3  # rows from which on an order or a value of all rows tells something


class BeamColumns:
    """
    Reads the columns of one beam.

    Parameters
    ----------
    group : h5py.Group that the paths of columns begin at
    columns : mapping of names to products.columns.Column
    like : path of the column whose length every other one must have
    needed : names of columns without which the beam is of no use: where more than half of one cannot be, it fails
    most : rows that the beam has at most. Default: `MOST_ROWS`
    """

    def __init__(self, group, columns, *, like, needed=(), most=MOST_ROWS):
        self.group, self.columns, self.like, self.needed = group, columns, like, needed
        self.n = hdf5.length(group, like)
        if self.n > most:
            raise GranuleError(f"{where(group, like)}: states {self.n} rows, more than any beam has; fetch it again")
        self.beyond: dict[str, int] = {}
        """values that cannot be, counted by what is wrong with them"""

    def read(
        self,
        name: str,
        path: str | None = None,
        rows: slice | tuple[slice, ...] = slice(None),
        *,
        as_float: bool = False,
    ) -> np.ndarray:
        """
        Return rows of a column, in which impossible values are missing.

        A missing value is NaN, or the fill of int32 among integers.

        Parameters
        ----------
        name : str, the dataset's name
        path : str or Path, the granule (default: None)
        rows : slice, or int array, rows of the dataset
        as_float : bool, whether values become float with NaN (default: True)
        """
        path, column = path or name, self.columns.get(name, ANY)
        length = hdf5.length(self.group, path)
        if length != self.n:
            raise GranuleError(
                f"{self.group.file.filename}: {self.group.name.lstrip('/')}: {path} has {length} rows, "
                f"{self.like} {self.n}; remove it and fetch it again"
            )
        values = hdf5.read(self.group, path, rows, column=column, as_float=as_float, limit=np.inf)
        if values.dtype.kind == "f":
            values = self.without(name, values, np.isinf(values), "infinite")
            values[np.abs(values) > hdf5.FILL_LIMIT] = np.nan
        if not column.all_zero and values.size >= _FEW and not values.any():
            raise GranuleError(f"{where(self.group, path)}: is 0 everywhere, so was never written; fetch it again")
        return self.within(name, values, column.low, column.high) if column.bounded else values

    def within(self, name: str, values: np.ndarray, low: float, high: float, said: str | None = None) -> np.ndarray:
        """
        Return values with those beyond two limits missing and counted.

        Parameters
        ----------
        name : of the column
        values : array, changed
        low, high : limits that belong to it, numbers or arrays of a shape that fits
        said : what is wrong with them. Default: the limits
        """
        with np.errstate(invalid="ignore"):
            beyond = (values < low) | (values > high)
        if values.dtype.kind in "iu":
            missing = values == self._fill(values.dtype)
            beyond &= ~missing
            if name in self.needed:
                self.count(f"{name} missing", int(np.count_nonzero(missing)))
        return self.without(name, values, beyond, said or f"beyond {low:g} .. {high:g}")

    def without(self, name: str, values: np.ndarray, beyond: np.ndarray, said: str) -> np.ndarray:
        """
        Return values with some missing and counted under what is wrong with them.

        Too many of them fail the beam.

        Parameters
        ----------
        name : str, the dataset's name
        values : float array
        beyond : (n,) bool array, the values that become missing
        said : str, what is wrong with the values
        """
        n = int(np.count_nonzero(beyond))
        if not n:
            return values
        known = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
        if name in self.needed and n > _SENSELESS * np.count_nonzero(known):
            raise GranuleError(f"{where(self.group, name)}: {n} of {known.sum()} values {said}; fetch it again")
        self.beyond[f"{name} {said}"] = self.beyond.get(f"{name} {said}", 0) + n
        if values.dtype.kind not in "iu":
            values[beyond] = np.nan
            return values
        wide = values.astype("i8") if values.dtype.itemsize < 4 and self._fill(values.dtype) == FILL_I4 else values
        wide[beyond] = self._fill(values.dtype)
        return wide

    @staticmethod
    def _fill(dtype):
        """Return what stands for a missing integer: the products' own, as far as the type holds it."""
        return min(FILL_I4, np.iinfo(dtype).max)

    def times(self, delta_time: np.ndarray, start: np.datetime64 | None, seconds: float = PASS_SECONDS) -> np.ndarray:
        """
        Return `delta_time` with what is too far from the time in the granule's name missing and counted.

        Parameters
        ----------
        delta_time : array, seconds since 2018-01-01; changed
        start : datetime64 of the name, None where it tells none
        seconds : that a measurement is from it at most

        Raises
        ------
        GranuleError : more than half of them are, or time runs against the order of the rows
        """
        if start is not None:
            first = float(utc_to_delta_time(start))
            said = f"more than {seconds / 3600:g} h from the time in the granule's name"
            delta_time = self.within("delta_time", delta_time, first - seconds, first + seconds, said)
        known = delta_time[np.isfinite(delta_time)]
        if known.size >= _FEW and np.mean(np.diff(known) < 0) > _SENSELESS:
            raise GranuleError(f"{where(self.group, 'delta_time')}: runs backwards along the track; fetch it again")
        return delta_time

    def positions(self, latitude: np.ndarray, longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return positions along a track, those far from both their neighbours missing and counted.

        Parameters
        ----------
        latitude, longitude : (n,) arrays, degrees; changed
        """
        if len(latitude) < _FEW:
            return latitude, longitude
        before, here, after = latitude[:-2], latitude[1:-1], latitude[2:]
        with np.errstate(invalid="ignore"):
            away = (np.abs(after - before) < _NEAR) & (np.abs(here - (before + after) / 2) > _AWAY)
        alone = np.concatenate([[False], away, [False]])
        latitude = self.without("latitude", latitude, alone, f"more than {_AWAY:g} degrees from both neighbours")
        longitude[alone] = np.nan
        return latitude, longitude

    def along(self, name: str, distance: np.ndarray, ids: np.ndarray, metres: float = 100.0) -> np.ndarray:
        """
        Return distances along the track, those that do not fit the ids of their segments missing and counted.

        A segment is 20.0 to 20.05 m long, so that distance and id grow apart by a few metres in a thousand.

        Parameters
        ----------
        name : of the column of distances
        distance : (n,) array, m; changed
        ids : (n,) array of segment ids
        metres : that a distance is off in the middle of the beam at most
        """
        known = np.isfinite(distance) & (ids != self._fill(ids.dtype))
        if not known.any():
            return distance
        rest = distance - SEGMENT_LENGTH * ids
        far = np.abs(ids - np.median(ids[known])) * SEGMENT_LENGTH
        with np.errstate(invalid="ignore"):
            off = known & (np.abs(rest - np.median(rest[known])) > metres + _DRIFT * far)
        return self.without(name, distance, off, f"more than {metres:g} m from where its id is")

    def on_course(self, name: str, ids: np.ndarray, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
        """
        Return which ids can be believed (`ascending`), where positions move on as they do.

        Looked at are rows so far apart that position and id can be told from each other, by at least 5 km.

        Parameters
        ----------
        name : of the column of ids
        ids : (n,) array of segment ids, each 20 m along the track
        latitude, longitude : (n,) arrays, degrees

        Raises
        ------
        GranuleError : fewer than nine in ten ids ascend, or positions do not move on in more than half of the rows
        """
        sound = self.ascending(name, ids)
        ids, latitude, longitude = ids[sound], latitude[sound], longitude[sound]
        if len(ids) <= _APART:
            return sound
        north, east = np.radians(latitude), np.radians(longitude)
        a, b = slice(None, -_APART), slice(_APART, None)
        half = np.sin((north[b] - north[a]) / 2) ** 2
        half += np.cos(north[a]) * np.cos(north[b]) * np.sin((east[b] - east[a]) / 2) ** 2
        way = 2 * _EARTH * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
        expected = SEGMENT_LENGTH * (ids[b].astype("f8") - ids[a])
        known = np.isfinite(way)
        off = np.abs(way - expected)[known] > _OFF * expected[known]
        if off.size and off.mean() > _SENSELESS:
            raise GranuleError(
                f"{where(self.group, 'latitude')}: positions do not move on as the ids of the segments do; "
                "fetch it again"
            )
        return sound

    def ascending(self, name: str, values: np.ndarray) -> np.ndarray:
        """
        Return which of a column's ids can be believed: those in range that ascend along the track.

        Parameters
        ----------
        name : str, the dataset's name
        values : float array

        Raises
        ------
        GranuleError : fewer than nine in ten do
        """
        sound = values != self._fill(values.dtype)
        chosen = np.flatnonzero(sound)
        ids = values[chosen].astype("i8")
        if (np.diff(ids) > 0).all():
            return sound
        rising = longest_rise(ids)
        if len(rising) < _IN_ORDER * len(ids):
            raise GranuleError(f"{where(self.group, name)}: does not ascend along the track; fetch it again")
        keep = np.zeros(len(values), bool)
        keep[chosen[rising]] = True
        self.count(f"{name} not in the order of the track", int(sound.sum() - keep.sum()))
        return keep

    def count(self, said: str, n: int) -> None:
        """
        Add to what the beam's reason tells.

        Parameters
        ----------
        said : str, what is wrong with the values
        n : int, how many
        """
        if n:
            self.beyond[said] = self.beyond.get(said, 0) + n

    def reasons(self) -> list[str]:
        """Return what was left out, a line for each: "3 h_li beyond -500 .. 9000"."""
        return [f"{n} {said}" for said, n in self.beyond.items()]


def longest_rise(values: np.ndarray) -> np.ndarray:
    """
    Return the places of the longest part of a sequence that ascends.

    Parameters
    ----------
    values : float array

    >>> longest_rise(np.array([3, 9, 4, 5, 1, 6])).tolist()
    [0, 2, 3, 5]
    """
    ends: list[int] = []
    places: list[int] = []
    before = np.empty(len(values), dtype="i8")
    for i, value in enumerate(values.tolist()):
        k = bisect_left(ends, value)
        before[i] = places[k - 1] if k else -1
        if k == len(ends):
            ends.append(value)
            places.append(i)
        else:
            ends[k], places[k] = value, i
    out, at = [], places[-1] if places else -1
    while at >= 0:
        out.append(at)
        at = int(before[at])
    return np.array(out[::-1], dtype="i8")
