"""Assign whole UTC days to bins: day, week, ten days, month, season, year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.runtime import NunatakError
from nunatak.times import nanoseconds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

KINDS = ("day", "week", "ten_day", "month", "season", "year", "all")
NANOSECONDS_PER_DAY = 86_400_000_000_000


def day_of(time: ArrayLike) -> np.ndarray:
    """
    Return the days since 1970-01-01 of UTC times, rounded down.

    Parameters
    ----------
    time : UTC times

    Returns
    -------
    int64 array of the shape of `time`

    >>> int(day_of(np.datetime64("1970-01-02T23:59:59")))
    1
    """
    return np.asarray(time, dtype="datetime64").astype("datetime64[D]").astype("int64")


def bin_of(day: ArrayLike, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the first day of each day's bin, and the first day after the bin.

    Weeks begin on Monday (ISO 8601). Ten-day bins begin on the 1st, 11th and 21st, and the third lasts to the end of
    the month. Seasons begin in December, March, June and September. "all" is one bin from the first day to the last.

    Parameters
    ----------
    day : (n,) days since 1970-01-01
    kind : one of `KINDS`

    Returns
    -------
    start, end : (n,) int64, days since 1970-01-01

    Raises
    ------
    NunatakError : the kind is unknown

    >>> [str(d.astype("datetime64[D]")) for d in bin_of(day_of(["2019-09-30"]), "ten_day")[0]]
    ['2019-09-21']

    Raises
    ------
    NunatakError : the kind is unknown
    """
    day = np.asarray(day, dtype="int64")
    if kind == "day":
        return day, day + 1
    if kind == "week":
        start = day - (day + 3) % 7  # 1970-01-01 was a Thursday
        return start, start + 7
    if kind == "ten_day":
        first = _first_of_month(_month(day))
        third = np.minimum((day - first) // 10, 2)
        return first + 10 * third, np.where(third < 2, first + 10 * (third + 1), _first_of_month(_month(day) + 1))
    if kind in ("month", "season", "year"):
        length, offset = {"month": (1, 0), "season": (3, 1), "year": (12, 0)}[kind]
        start = (_month(day) + offset) // length * length - offset
        return _first_of_month(start), _first_of_month(start + length)
    if kind == "all":
        first, last = (day.min(), day.max()) if day.size else (0, 0)
        return np.full(day.shape, first), np.full(day.shape, last + 1)
    raise NunatakError(f"bins: {kind!r} is not a time bin; choose from {', '.join(KINDS)}")


def bins_between(start: Any, end: Any, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """
    Return all bins that a period [start, end) of dates touches, in order.

    Parameters
    ----------
    start, end : dates, the end excluded
    kind : one of `KINDS`

    Returns
    -------
    starts, ends : int64 arrays, days since 1970-01-01
    """
    days = np.arange(int(day_of(start)), int(day_of(nanoseconds(end) - np.timedelta64(1, "ns"))) + 1)
    starts, ends = bin_of(days, kind)
    starts, first = np.unique(starts, return_index=True)
    return starts, ends[first]


def as_dates(day: ArrayLike) -> np.ndarray:
    """
    Return datetime64[ns] from days since 1970-01-01.

    Parameters
    ----------
    day : days since 1970-01-01
    """
    return np.asarray(day, dtype="int64").astype("datetime64[D]").astype("datetime64[ns]")


def _month(day):
    """Return the months since 1970-01 of days."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype("int64")


def _first_of_month(month):
    """Return the first day of months."""
    return month.astype("datetime64[M]").astype("datetime64[D]").astype("int64")
