"""The period of a study: which times it holds, and its stretches without a gap."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nunatak.study import Period

days = st.dates(min_value=date(1984, 1, 1), max_value=date(2035, 12, 31))
months = st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True)


@given(days, days)
def test_the_last_day_of_a_period_belongs_to_it(one, other):
    """Start and end given as days: both whole days are in, their neighbours are not."""
    first, last = sorted([one, other])
    period = Period.model_validate([first, last.isoformat()])
    noon = np.datetime64("1970-01-01T12:00") - np.datetime64("1970-01-01")
    moments = [np.datetime64(day) + noon for day in (first, last, first - timedelta(1), last + timedelta(1))]
    assert period.contains(moments).tolist() == [True, True, False, False]
    assert not period.contains(np.datetime64("NaT"))


@given(days, days, months)
def test_the_spans_of_a_period_hold_the_times_it_holds(one, other, chosen):
    """Day by day: a time lies in the period when it lies in one of its spans; spans do not touch."""
    first, last = sorted([one, other])
    last = min(last, first + timedelta(900))
    every = np.arange(np.datetime64(first) - 40, np.datetime64(last) + 40)
    try:
        period = Period.model_validate({"start": first, "end": last, "months": chosen})
    except ValidationError as error:
        assert "no day of it lies in the months given" in str(error)
        assert not np.isin(every[40:-40].astype("datetime64[M]").astype(int) % 12 + 1, chosen).any()
        return
    spans = period.spans()
    expected = np.any([(every >= start) & (every < end) for start, end in spans], axis=0)
    np.testing.assert_array_equal(period.contains(every), expected)
    assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_an_instant_as_the_end_is_the_end():
    """A date-time is not widened to its day, and a time zone is brought to UTC."""
    period = Period.model_validate(["2019-01-01T06:00", "2019-01-02T06:00+02:00"])
    assert (str(period.start), str(period.end)) == ("2019-01-01T06:00:00", "2019-01-02T04:00:00")
    assert str(Period.model_validate(["2019-01-01", "2019-12-31"])) == "2019-01-01 to 2019-12-31"


def test_months_of_years():
    """By name, short name or number; the spans are those months, the years those given."""
    for september in ("September", "sep", 9):
        period = Period.model_validate({"years": [2019, 2021], "months": [september]})
        assert period.years == (2019, 2020, 2021)
        assert [str(start)[:10] for start, _ in period.spans()] == ["2019-09-01", "2020-09-01", "2021-09-01"]
        assert str(period.spans()[0][1]) == "2019-10-01T00:00:00"
    winter = Period.model_validate({"years": [2019, 2020], "months": ["November", "December", "January"]})
    assert [str(start)[:7] for start, _ in winter.spans()] == ["2019-01", "2019-11", "2020-11"]


@pytest.mark.parametrize(
    "given", [["2019-01-01", "9999-12-31"], ["2019-01-01", "2262-04-12"], ["1600-01-01", "2020-01-01"]]
)
def test_a_period_in_years_that_cannot_be_meant_is_refused(given):
    """
    Times in nanoseconds reach from 1677 to 2262.

    A period beyond them held no time at all, without a word.
    """
    with pytest.raises(ValidationError, match="is not between the years 1900 and 2200; write a date within them"):
        Period.model_validate(given)


def test_the_longest_period_holds_what_lies_in_it():
    """Also when it is read again from what was written of it."""
    longest = Period.model_validate(["1900-01-01", "2200-12-31"])
    again = Period.model_validate(longest.model_dump())
    assert again == longest and again.contains(
        ["1900-01-01", "2020-06-01", "2200-12-31T23:59", "2201-01-01"]
    ).tolist() == [
        True,
        True,
        True,
        False,
    ]
