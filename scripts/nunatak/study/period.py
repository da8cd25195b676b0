"""The period of a study: from a time to a time, or certain months of certain years."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
from pydantic import field_serializer, field_validator, model_validator

from nunatak.granules.products import product_row
from nunatak.study.base import MONTHS, Listed, Model, Month, key
from nunatak.times import SAFE_HOLDS, YEARS, check_year, nanoseconds, within

_DAY = np.timedelta64(1, "D")


class Period(Model):
    """
    A span of time. The start belongs to it and the end does not.

    A date given as the end means the whole of that day, a date-time means that instant. With `months` only the days
    of those months count; with `years` the period runs from the first of those months to the last.

    Examples
    --------
    >>> Period.model_validate(["2019-01-01", "2023-01-01"]).end
    np.datetime64('2023-01-02T00:00:00')
    >>> Period.model_validate({"years": [2019, 2022], "months": ["September"]}).contains(["2020-09-30", "2020-10-01"])
    array([ True, False])
    """

    start: Any = key(..., "first instant", unit="UTC")
    end: Any = key(..., "last day (a date), or the instant it ends (a date-time)", unit="UTC")
    months: Listed[Month] | None = key(None, "only these months, by name or number")

    @model_validator(mode="before")
    @classmethod
    def _forms(cls, given):
        if isinstance(given, (list, tuple)):
            if len(given) != 2:
                raise ValueError(f"got {len(given)} dates; write [first day, last day]")
            return {"start": given[0], "end": given[1]}
        if isinstance(given, dict) and "years" in given:
            return _of_years(given)
        if given is None or not isinstance(given, dict):
            raise ValueError(
                f"got {given!r}; write [first day, last day] or {{years: [2019, 2022], months: [September]}}"
            )
        return given

    @field_validator("start", mode="before")
    @classmethod
    def _start(cls, value):
        return _instant(value)[0]

    @field_validator("end", mode="before")
    @classmethod
    def _end(cls, value):
        instant, whole_day = _instant(value)
        return instant + _DAY if whole_day else instant

    @model_validator(mode="after")
    def _ordered(self):
        if self.end <= self.start:
            last = self.end - _DAY if self.end == self.end.astype("datetime64[D]") else self.end
            raise ValueError(f"ends {_short(last)} before it begins {_short(self.start)}; write the earlier date first")
        if not self.spans():
            raise ValueError("no day of it lies in the months given; widen one of the two")
        return self

    @field_serializer("start", "end")
    def _text(self, value):
        return str(value)

    @property
    def years(self) -> tuple[int, ...]:
        """List the calendar years it touches."""
        return tuple(sorted({int(str(month)[:4]) for month in self.calendar_months()}))

    def calendar_months(self) -> list[np.datetime64]:
        """List the months it touches, as datetime64[M]."""
        last = (self.end - np.timedelta64(1, "s")).astype("datetime64[M]")
        every = np.arange(self.start.astype("datetime64[M]"), last + 1)
        return [month for month in every if self.months is None or _number(month) in self.months]

    def spans(self) -> list[tuple[np.datetime64, np.datetime64]]:
        """List the stretches without a gap, as (start, end) with the end left out."""
        joined: list[tuple[np.datetime64, np.datetime64]] = []
        for month in self.calendar_months():
            start = max(month.astype("datetime64[s]"), self.start)
            end = min((month + 1).astype("datetime64[s]"), self.end)
            if joined and joined[-1][1] == start:
                start = joined.pop()[0]
            joined.append((start, end))
        return joined

    def contains(self, time) -> np.ndarray:
        """
        Return which times lie in the period (bool).

        NaT lies in no period.
        """
        inside = within(time, self.start, self.end)
        if self.months is not None:
            inside &= np.isin(_number(nanoseconds(time).astype("datetime64[M]")), self.months)
        return inside

    def __str__(self):
        last = (self.end - np.timedelta64(1, "s")).astype("datetime64[D]")
        text = f"{self.start.astype('datetime64[D]')} to {last}"
        return text if self.months is None else f"{', '.join(MONTHS[m - 1] for m in self.months)} within {text}"


def refuse_safe_hold(period: Period, products) -> None:
    """
    Refuse a period in which ICESat-2 measured nothing, where a product comes in granules of single passes.

    Parameters
    ----------
    products : names of the study's products; gridded ones, ATL11 and image pairs hold other times too

    Raises
    ------
    ValueError : all of the period lies within safe holds
    """
    passes = [name for name in products if product_row(name).bucket in ("cycle", "month")]
    for first, last in SAFE_HOLDS:
        inside = all(first <= start and end <= last for start, end in period.spans())
        if passes and inside:
            raise ValueError(
                f"period: ICESat-2 was in safe hold from {_short(first)} to {_short(last)} and measured nothing; no "
                f"granule of {', '.join(passes)} exists for {period}; widen the period"
            )


def _number(month):
    """Return the month of the year, 1 to 12, of datetime64[M]."""
    return month.astype("int64") % 12 + 1


def _of_years(given):
    unknown = sorted(set(given) - {"years", "months"})
    if unknown:
        raise ValueError(f"unknown key {unknown[0]} beside years; write {{years: [2019, 2022], months: [September]}}")
    years = given["years"]
    years = list(years) if isinstance(years, (list, tuple)) else [years, years]
    if len(years) != 2 or not all(isinstance(year, int) and YEARS[0] <= year <= YEARS[1] for year in years):
        raise ValueError(f"years: got {given['years']!r}; write [first year, last year]")
    if years[0] > years[1]:
        raise ValueError(f"years: {years[0]} comes after {years[1]}; write the earlier year first")
    return {"start": f"{years[0]}-01-01", "end": f"{years[1]}-12-31", "months": given.get("months")}


def _instant(value):
    """Parse a date, a date-time or its text to (datetime64[s], whether only a day was given), in a plausible year."""
    instant, whole_day = _read_instant(value)
    try:
        return check_year(instant), whole_day
    except ValueError as error:
        raise ValueError(f"{error}; write a date within them, for an open end today's") from None


def _read_instant(value):
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[s]"), False
    if isinstance(value, str):
        try:
            value = (
                datetime.fromisoformat(value.strip()) if len(value.strip()) > 10 else date.fromisoformat(value.strip())
            )
        except ValueError as error:
            raise ValueError(
                f"{value!r} is not a date ({error}); write one such as 2019-01-01 or 2019-01-01T12:00"
            ) from error
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            value = value.astimezone(timezone(timedelta(0))).replace(tzinfo=None)
        return np.datetime64(value, "s"), False
    if isinstance(value, date):
        return np.datetime64(value, "s"), True
    raise ValueError(f"got {value!r}; write a date such as 2019-01-01")


def _short(instant):
    text = str(instant)
    return text.removesuffix("T00:00:00")
