"""Time: GPS, UTC, delta_time, decimal years and cycles, on real files and across leap seconds."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nunatak import times
from nunatak.constants import ATLAS_EPOCH_GPS_SECONDS
from nunatak.granules import names

seconds = st.floats(0, 2e9, allow_nan=False)
instants = st.datetimes(
    min_value=np.datetime64("1980-01-07", "us").item(), max_value=np.datetime64("2060-01-01", "us").item()
)


@given(st.floats(-1e9, 1e9))
def test_delta_time_and_back(value):
    """To UTC and back keeps a delta_time to what a float64 of that size can tell."""
    np.testing.assert_allclose(times.utc_to_delta_time(times.delta_time_to_utc(value)), value, atol=2.5e-7, rtol=0)


@given(instants)
def test_gps_and_back(instant):
    """UTC to GPS seconds and back is the same instant."""
    utc = np.datetime64(instant, "us")
    assert abs(times.gps_to_utc(times.utc_to_gps(utc)) - utc) <= np.timedelta64(1, "us")


def test_leap_seconds_at_known_days():
    """GPS runs 0 s ahead of UTC in 1980, 13 s in 2000, 17 s in 2016 and 18 s since 2017 (IERS Bulletin C)."""
    days = np.array(["1980-02-01", "2000-01-01", "2016-12-31", "2017-01-01", "2024-01-01"], dtype="datetime64[ns]")
    plain = (days - np.datetime64("1980-01-06", "ns")) / np.timedelta64(1, "s")
    np.testing.assert_array_equal(times.utc_to_gps(days) - plain, [0, 13, 17, 18, 18])


@given(st.integers(0, 17))
def test_no_second_is_lost_at_a_leap(which):
    """GPS seconds around each leap: UTC steps on by one second each time but over the leap itself."""
    leap = times.utc_to_gps(times._LEAPS[which])
    utc = times.gps_to_utc(leap + np.arange(-3.0, 3.0))
    steps = np.diff(utc) / np.timedelta64(1, "s")
    assert sorted(steps.tolist()) == [0.0, 1.0, 1.0, 1.0, 1.0]  # 23:59:60 has no name of its own


def test_gps_of_a_delta_time_is_that_of_its_utc():
    """The epoch of delta_time is 1198800018 GPS seconds: both ways to UTC agree."""
    delta = np.array([0.0, 40987866.9528, 2.5e8])
    apart = times.gps_to_utc(delta + ATLAS_EPOCH_GPS_SECONDS) - times.delta_time_to_utc(delta)
    assert (abs(apart) < np.timedelta64(1, "us")).all()


@pytest.mark.parametrize(
    "name",
    [
        "ATL06/processed_ATL06_20190420093051_03380303_005_01.h5",
        "ATL06/processed_ATL06_20211102121853_06271303_006_01.h5",
    ],
)
def test_a_granules_own_start_in_both_clocks(data, name):
    """start_delta_time and data_start_utc of a real granule are one instant, to a microsecond."""
    with h5py.File(data(f"real/{name}")) as granule:
        delta = granule["ancillary_data/start_delta_time"][0]
        stated = granule["ancillary_data/data_start_utc"][0].decode().rstrip("Z")
    assert abs(times.delta_time_to_utc(delta) - np.datetime64(stated)) <= np.timedelta64(1, "us")


def test_decimal_years_count_days_of_a_common_length():
    """365.25 days each from 2018-01-01, as ATL14/15 have it: 2020.0 is noon of 1 January 2020."""
    assert times.decimal_year(np.datetime64("2018-01-01")) == 2018.0
    assert times.decimal_year(np.datetime64("2020-01-01T12:00")) == 2020.0
    assert times.from_decimal_year(2019.0) == np.datetime64("2019-01-01T06:00")


@given(st.floats(1984, 2060))
def test_decimal_year_and_back(year):
    """There and back to a few hundredths of a second."""
    np.testing.assert_allclose(times.decimal_year(times.from_decimal_year(year)), year, rtol=0, atol=1e-9)


def test_quarters_have_the_name_of_their_year():
    """Quarterly epochs drift through the day but keep their names."""
    epochs = times.from_decimal_year(2019 + np.arange(17) / 4) + np.timedelta64(9, "h")
    np.testing.assert_array_equal(times.nominal_quarter(epochs), 2019 + np.arange(17) / 4)


def test_days_since_an_epoch():
    """ATL14/15 count from 2018, ITS_LIVE cubes from 1970."""
    assert times.days_to_utc(365.25) == np.datetime64("2019-01-01T06:00")
    assert times.days_to_utc(18262.5, since="1970-01-01") == np.datetime64("2020-01-01T12:00")


def test_unknown_times_stay_unknown():
    """NaN becomes NaT and back, alone and among others, in every conversion."""
    for convert in (times.delta_time_to_utc, times.gps_to_utc, times.days_to_utc, times.from_decimal_year):
        assert np.isnat(convert(np.nan))
        assert np.isnat(convert(np.array([np.nan, 2000.0]))).tolist() == [True, False]
    assert np.isnan(times.utc_to_delta_time(np.datetime64("NaT")))


def test_cycles_of_real_granules(data):
    """Nominal cycles lie within one of those in the names, and match them away from the ends of a cycle."""
    from nunatak.granules import parse

    names = data("recorded/cmr/atl03_v007_88S_names.txt").read_text().split()
    parsed = [parse(name) for name in names]
    nominal = times.cycle_at(np.array([granule.time_start for granule in parsed]))
    off = nominal - np.array([granule.cycle for granule in parsed])
    assert abs(off).max() <= 1
    assert (off == 0).mean() > 0.9


def test_a_cycle_begins_where_it_says():
    """The start of a cycle falls in it, the moment before in the one before."""
    cycles = np.arange(2, 40)
    starts = times.cycle_start(cycles)
    np.testing.assert_array_equal(times.cycle_at(starts + np.timedelta64(1, "s")), cycles)
    np.testing.assert_array_equal(times.cycle_at(starts - np.timedelta64(1, "s")), cycles - 1)


@pytest.mark.parametrize(
    "instant", ["9999-12-31", "2262-04-12", "1677-09-21", "1700-01-01", "1600-01-01", "0001-01-01"]
)
def test_an_instant_that_nanoseconds_cannot_count_stays_on_its_side(instant):
    """numpy wraps: 9999 would be 1816 and 1600 would be 2184."""
    now, later = np.datetime64("2020-06-01"), np.datetime64(instant) > np.datetime64("2020-06-01")
    assert (times.nanoseconds(instant) > now) == later
    assert (times.utc_to_delta_time(np.datetime64(instant)) > times.utc_to_delta_time(now)) == later
    assert (times.decimal_year([np.datetime64(instant)])[0] > 2020.5) == later
    assert times.within([now], *(("1970-01-01", instant) if later else (instant, "2100-01-01"))).all()


def test_names_and_files_with_dates_that_cannot_be_meant_are_refused():
    with pytest.raises(names.GranuleNameError, match="99991231T000000: not an acquisition date"):
        names.image_date("99991231T000000")
    with pytest.raises(names.GranuleNameError, match="not between the years 1900 and 2200"):
        names.parse("ATL06_99990101101056_05480303_006_02.h5")
