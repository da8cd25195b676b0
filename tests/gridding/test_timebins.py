"""Bins of whole UTC days begin and end where the calendar says."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from nunatak.gridding.timebins import KINDS, bin_of, bins_between, day_of
from nunatak.runtime import NunatakError


@pytest.mark.parametrize(
    ("kind", "day", "start", "end"),
    [
        ("day", "2019-09-15", "2019-09-15", "2019-09-16"),
        ("week", "2019-09-15", "2019-09-09", "2019-09-16"),
        ("week", "2020-01-01", "2019-12-30", "2020-01-06"),
        ("ten_day", "2019-09-10", "2019-09-01", "2019-09-11"),
        ("ten_day", "2020-02-29", "2020-02-21", "2020-03-01"),
        ("month", "2019-12-31", "2019-12-01", "2020-01-01"),
        ("season", "2020-02-29", "2019-12-01", "2020-03-01"),
        ("season", "2019-09-15", "2019-09-01", "2019-12-01"),
        ("year", "2019-09-15", "2019-01-01", "2020-01-01"),
    ],
)
def test_bin_of_a_day(kind, day, start, end):
    """The bin holds the day, from its first day up to the first day after it."""
    found = [d.astype("datetime64[D]") for d in bin_of(day_of(np.array([day])), kind)]
    assert_array_equal(found, [[np.datetime64(start)], [np.datetime64(end)]])


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_bins_tile_the_calendar(kind):
    """Over three years the bins follow each other without gap or overlap."""
    starts, ends = bins_between("2018-10-14", "2021-11-01", kind)
    assert_array_equal(starts[1:], ends[:-1])


def test_midnight_belongs_to_the_new_day_and_the_old_year_before_1970_is_whole():
    """Days round down on either side of 1970."""
    assert_array_equal(day_of(["1970-01-01T00:00", "1969-12-31T23:59:59.999"]), [0, -1])


def test_period_end_is_excluded():
    """[2019-09-01, 2019-10-01) is one month."""
    assert len(bins_between("2019-09-01", "2019-10-01", "month")[0]) == 1


def test_unknown_bin_is_refused():
    """A misspelt bin names those that exist."""
    with pytest.raises(NunatakError, match="bins: 'fortnight' is not a time bin; choose from day, week"):
        bin_of(np.array([0]), "fortnight")


def test_one_bin_of_all_runs_from_the_first_day_to_the_last():
    """Not from 1970 on; of no day there is none."""
    days = day_of(np.array(["2019-09-06", "2019-09-01"]))
    start, end = bin_of(days, "all")
    assert [str(day.astype("datetime64[D]")) for day in (start[0], end[1])] == ["2019-09-01", "2019-09-07"]
    assert bin_of(days[:0], "all")[0].size == 0
