"""Time, converted in this module and nowhere else: GPS, UTC, `delta_time`, decimal years, cycles."""

from __future__ import annotations

from typing import Any

import numpy as np

from nunatak.constants import ATLAS_EPOCH, DAYS_PER_YEAR, REPEAT_PERIOD, SECONDS_PER_DAY

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# a little less than datetime64[ns] holds, and than timedelta64[ns] holds either way
_HELD, _LONGEST = (np.datetime64("1678-01-01", "s"), np.datetime64("2262-01-01", "s")), 9.2e9
_GPS_EPOCH = np.datetime64("1980-01-06T00:00:00", "ns")
# Leap seconds put into UTC since the GPS epoch (IERS Bulletin C); GPS runs ahead of UTC by their number.
_LEAPS = np.array(
    [
        "1981-07-01",
        "1982-07-01",
        "1983-07-01",
        "1985-07-01",
        "1988-01-01",
        "1990-01-01",
        "1991-01-01",
        "1992-07-01",
        "1993-07-01",
        "1994-07-01",
        "1996-01-01",
        "1997-07-01",
        "1999-01-01",
        "2006-01-01",
        "2009-01-01",
        "2012-07-01",
        "2015-07-01",
        "2017-01-01",
    ],
    dtype="datetime64[ns]",
)
# Cycle 03 began on 2019-03-29: the time of RGT 0548, cycle 03, less 548 of 1387 orbits.
_CYCLE_3 = np.datetime64("2019-03-29T04:00:00", "ns")

# Instants whose distances in nanoseconds from 1970, 1980, 2018 and 2019 are all below 2^63.
_COUNTED = np.array(["1727-01-01", "2262-04-11"], dtype="datetime64[s]")
# What a study, a name or a file may say; beyond lie mistakes, and "until further notice" written as 9999-12-31.
YEARS = (1900, 2200)

# ATLAS measured nothing in these times: 26 June to 9 July 2019 (NASA's page of the orbits, quoted in the manual of the
# R package IceSat2R; without the first and the last day, whose hours are not given), and 4 April 2022, 14:12 UTC, to
# 16 April (NSIDC's notice to users of April 2022).
SAFE_HOLDS = tuple(
    (np.datetime64(first, "s"), np.datetime64(last, "s"))
    for first, last in (("2019-06-27", "2019-07-09"), ("2022-04-04T14:12", "2022-04-16"))
)


def nanoseconds(time: Any) -> Any:
    """
    Return times as datetime64[ns].

    Times that nanoseconds cannot count become the first or last that they can. Years before 1727 and after 2261 would
    otherwise become others without a word.

    >>> nanoseconds("9999-12-31"), nanoseconds(np.datetime64("2019-01-01"))
    (np.datetime64('2262-04-11T00:00:00.000000000'), np.datetime64('2019-01-01T00:00:00.000000000'))
    """
    time = np.asarray(time, dtype="datetime64")
    counted = time.astype("datetime64[ns]")
    if time.dtype != counted.dtype:
        whole = time.astype("datetime64[s]")
        first, last = _COUNTED.astype("datetime64[ns]")
        counted = np.where(whole < _COUNTED[0], first, np.where(whole > _COUNTED[1], last, counted))
    return counted[()]


def check_year(instant: np.datetime64) -> np.datetime64:
    """
    Return an instant unless its year cannot be meant.

    Parameters
    ----------
    instant : np.datetime64

    Raises
    ------
    ValueError : NaT, before 1900 or after 2200
    """
    first, last = YEARS
    if not np.datetime64(f"{first}-01-01") <= instant <= np.datetime64(f"{last + 1}-01-01"):
        raise ValueError(f"{instant.astype('datetime64[D]')} is not between the years {first} and {last}")
    return instant


def within(
    time: list[np.datetime64] | np.datetime64 | np.ndarray, start: np.datetime64 | str, end: np.datetime64 | str
) -> Any:
    """
    Return which times lie from a start up to an end, which is left out (bool).

    NaT lies in no such interval.

    Parameters
    ----------
    time : array of datetime64, UTC
    start, end : instants, also such as nanoseconds cannot count

    >>> within(["2020-06-01", "NaT"], "1600-01-01", "9999-12-31")
    array([ True, False])
    """
    time = nanoseconds(time)
    return (time >= nanoseconds(start)) & (time < nanoseconds(end))


def delta_time_to_utc(delta_time: float | list[float] | np.ndarray) -> Any:
    """
    Convert an ICESat-2 `delta_time` (seconds since 2018-01-01) to UTC (datetime64[ns]).

    NaN becomes NaT, and so does what datetime64[ns] does not hold: it ends in 1677 and 2262. No leap second lies
    between that epoch and now, so none is applied.

    >>> delta_time_to_utc(40987866.9528).astype("datetime64[s]")
    np.datetime64('2019-04-20T09:31:06')
    """
    return _after(ATLAS_EPOCH, delta_time)


def utc_to_delta_time(time: np.datetime64 | np.ndarray) -> Any:
    """
    Return the seconds since 2018-01-01 of a UTC time (float64), the inverse of `delta_time_to_utc`.

    NaT becomes NaN.
    """
    return (nanoseconds(time) - ATLAS_EPOCH) / np.timedelta64(1, "s")


def gps_to_utc(gps_seconds: float) -> Any:
    """
    Convert seconds since 1980-01-06 in GPS time to UTC, with the leap seconds of that day (datetime64[ns]).

    >>> gps_to_utc(1198800018.0).astype("datetime64[s]")
    np.datetime64('2018-01-01T00:00:00')
    """
    gps = _after(_GPS_EPOCH, gps_seconds)
    leaps_in_gps = _LEAPS + np.arange(len(_LEAPS)) * np.timedelta64(1, "s")
    return gps - np.searchsorted(leaps_in_gps, gps, side="right") * np.timedelta64(1, "s")


def utc_to_gps(time: np.datetime64) -> Any:
    """Return the seconds since 1980-01-06 in GPS time of a UTC time, the inverse of `gps_to_utc`."""
    utc = nanoseconds(time)
    leaps = np.searchsorted(_LEAPS, utc, side="right")
    return (utc - _GPS_EPOCH) / np.timedelta64(1, "s") + leaps


def decimal_year(time: np.datetime64 | np.ndarray) -> Any:
    """
    Convert a UTC time to a decimal year in years of 365.25 days from 2018-01-01, as ATL14/15 count them.

    >>> float(decimal_year(np.datetime64("2020-01-01T12:00")))
    2020.0
    """
    return 2018.0 + utc_to_delta_time(time) / SECONDS_PER_DAY / DAYS_PER_YEAR


def from_decimal_year(year: float | np.ndarray) -> Any:
    """Convert a decimal year in ATL14/15's count to UTC. It is the inverse of `decimal_year`."""
    return delta_time_to_utc((np.asarray(year, dtype=float) - 2018.0) * DAYS_PER_YEAR * SECONDS_PER_DAY)


def days_to_utc(days: float | np.ndarray, *, since: str = "2018-01-01") -> Any:
    """
    Return the UTC of a number of days since a date.

    The date of ATL14/15 is 2018-01-01, that of the ITS_LIVE cubes 1970-01-01.
    """
    return _after(np.datetime64(since, "ns"), np.asarray(days, dtype=float) * SECONDS_PER_DAY)


def nominal_quarter(time: Any) -> np.ndarray:
    """Round a decimal year to the nearest quarter: the name of an ATL15 epoch, not its time."""
    return np.round(decimal_year(time) * 4) / 4


def day(time: Any) -> str:
    """
    Return a date in words.

    >>> day(np.datetime64("2019-04-02T13:30"))
    '2 Apr 2019'
    """
    date = np.datetime64(time, "D").item()
    return f"{date.day} {_MONTHS[date.month - 1]} {date.year}"


def month(time):
    """
    Return the month of an ATL15 epoch, by its nominal quarter: 2021.0 is stored as 31 December 2020, 18:00.

    >>> month("2020-12-31T18:00")
    'Jan 2021'
    """
    year = float(nominal_quarter(np.datetime64(time, "ns")))
    return f"{_MONTHS[round(year % 1 * 12)]} {int(year)}"


def cycle_at(time: np.ndarray) -> np.ndarray:
    """
    Return the ICESat-2 cycle a time falls in, to within a few days (safe holds shifted some cycles).

    A granule's own cycle comes from its name; this only tells which cycles a period can touch.

    >>> int(cycle_at(np.datetime64("2019-05-04")))
    3
    """
    elapsed = (nanoseconds(time) - _CYCLE_3) / np.timedelta64(1, "D")
    return np.maximum(np.floor(elapsed / REPEAT_PERIOD).astype(int) + 3, 1)


def cycle_start(cycle: np.ndarray) -> np.ndarray:
    """Return the UTC at which a cycle begins in the same nominal calendar."""
    return _after(_CYCLE_3, (np.asarray(cycle, dtype=float) - 3) * REPEAT_PERIOD * SECONDS_PER_DAY)


def _after(epoch, seconds):
    """
    Return the time a number of seconds after an epoch, datetime64[ns].

    It is NaT for NaN and beyond the years 1677 to 2262. Whole seconds and the rest are counted apart, to keep the
    nanoseconds of large counts.
    """
    value = np.asarray(seconds, dtype=float)
    first, last = ((end - epoch.astype("datetime64[s]")) / np.timedelta64(1, "s") for end in _HELD)
    first, last = max(first, -_LONGEST), min(last, _LONGEST)
    with np.errstate(invalid="ignore"):
        known = (value >= first) & (value <= last)
    whole = np.floor(np.where(known, value, 0.0))
    rest = np.round((np.where(known, value, 0.0) - whole) * 1e9)
    span = (whole.astype("int64") * 1_000_000_000 + rest.astype("int64")).astype("timedelta64[ns]")
    return epoch + np.where(known, span, np.timedelta64("NaT"))
