"""Elevation and velocity along a flowline and of regions by year, against fields whose answers are written down."""

from __future__ import annotations

import numpy as np
import pytest
from tests.builders.moving_ice import FASTER, GRID, GX, GY, SINKING, STRETCH, YEARS, annual, change, path, thickness

from nunatak.dynamics.along import UNITS, along_flowline, thinned
from nunatak.dynamics.by_region import regions_by_year
from nunatak.dynamics.lag import lags_of_years
from nunatak.geometry.grid import map_scale


@pytest.fixture(scope="module")
def line():
    return along_flowline(annual(), path(), thickness(), change(), half_length=1500.0)


def test_every_year_and_point_has_one_row(line):
    assert len(line) == len(YEARS) * len(path()) and list(line.columns) == ["year", *UNITS]
    assert line.attrs == {"half_length": 1500.0, "v_since": 2018, "dh_since": 2019.5}


def test_strain_is_that_of_even_stretching_over_lengths_on_the_ground(line):
    """A map metre is 1/k metres on the ground: the rate is k times that on the map. Near the ends it is missing."""
    inner = line.dropna(subset="strain")
    k = map_scale(GRID.crs, inner["x"].to_numpy(), inner["y"].to_numpy())
    np.testing.assert_allclose(inner["strain"], STRETCH * k, rtol=1e-4)
    np.testing.assert_allclose(inner["strain_sigma"], 4 * np.sqrt(2) / 3000)
    gone = set(line["distance"]) - set(inner["distance"])
    assert all(at < -5000 + 1500 or at > line["distance"].max() - 1500 for at in gone) and len(gone) > 8


def test_speed_change_counts_from_the_first_year_that_is_seen(line):
    by_year = line.groupby("year")[["v_change", "v_change_error"]].median()
    assert by_year["v_change"].tolist() == pytest.approx([0, 30, 60, 90])
    assert by_year["v_change_error"].tolist() == pytest.approx([0, *[4 * np.sqrt(2)] * 3])
    seen = annual()
    seen["vx"][0, :, 10:] = np.nan  # a tenth of the line is left: another year is compared with
    late = along_flowline(seen, path(), thickness(), change(), half_length=1500.0)
    assert late.attrs["v_since"] == 2019
    assert late[late["year"] == 2018]["v"].notna().sum() == 6


def test_heights_move_with_the_surface_and_are_missing_in_years_that_are_not_held_whole(line):
    """
    From mid-2019 on 1.5 m/yr down.

    2018 is not in the record, its thickness is that of the record's first day.
    """
    by_year = line.groupby("year")[["dh", "dh_sigma", "dhdt", "dhdt_sigma", "surface", "thickness"]].median()
    assert by_year["dh"].tolist() == pytest.approx([np.nan, 0, -1.5, -3.0], nan_ok=True)
    assert by_year["dhdt"].tolist() == pytest.approx([np.nan, *[SINKING] * 3], nan_ok=True)
    assert by_year["dhdt_sigma"].tolist() == pytest.approx([np.nan, *[0.1 * np.sqrt(2)] * 3], nan_ok=True)
    assert by_year["dh_sigma"].tolist() == pytest.approx([np.nan, 0, *[0.1 * np.sqrt(2)] * 2], nan_ok=True)
    moved = np.array([1.5 * 1.5, 1.5, 0, -1.5])  # 2019.0 instead of 2018.5
    np.testing.assert_allclose(by_year["surface"], 400 + moved)
    np.testing.assert_allclose(by_year["thickness"], 1200 + moved)


def test_what_the_older_record_shares_is_in_the_change_to_the_newer_one_alone():
    """The join of 2020.0 is wrong by 0.3 m: the rates of 2019 hold that, those of 2020 and 2021 do not."""
    record = change()
    record["dh_shared"] = record["dh_sigma"] * 0 + np.where(record["year"] < 2020, 0.3, 0.0)[:, None, None]
    table = along_flowline(annual(), path(), thickness(), record, half_length=1500.0)
    sigma = table.groupby("year")["dhdt_sigma"].median()
    assert sigma.loc[2019:].tolist() == pytest.approx([np.hypot(0.1 * np.sqrt(2), 0.3), *[0.1 * np.sqrt(2)] * 2])


def test_without_height_change_or_surface_they_are_missing():
    table = along_flowline(annual(), path(), thickness(surface=False))
    assert table[["surface", "dh", "dhdt", "dh_sigma"]].isna().all(axis=None)
    assert (table["thickness"] == 1200).all() and table.attrs["half_length"] == 1200
    assert "dh_since" not in table.attrs


def test_one_point_is_kept_for_each_stretch_of_the_line():
    thin = thinned(path(), 450.0)
    assert np.diff(thin["distance"]).min() >= 400 and len(thin) < len(path()) / 2
    assert thin["distance"].iloc[0] == path()["distance"].iloc[0]


def test_a_year_that_sees_slow_ice_alone_is_no_slow_year():
    """
    The plain mean of 2020 would be 40 m/yr below.

    That of v - v_mean on the same cells is not.
    """
    seen = annual()
    seen["v"][2, :, 60:] = np.nan
    west = (np.arange(100) < 80)[None] * np.ones(GRID.shape)
    table = regions_by_year(seen, change(), {"basin": west, "all": np.ones(GRID.shape)}, correlation_range=5e3)
    assert list(dict.fromkeys(table["region"])) == ["basin", "all"]
    basin = table[table["region"] == "basin"].set_index("year")
    assert np.diff(basin["speed"]) == pytest.approx([FASTER] * 3)
    assert basin["speed_share"].tolist() == pytest.approx([1, 1, 0.75, 1], abs=2e-3)
    true_area = 80 * 60 * 0.04 / float(np.mean(map_scale(GRID.crs, GX, GY))) ** 2
    assert basin["area"].iloc[0] == pytest.approx(true_area, rel=1e-3)
    assert basin["dhdt"].tolist() == pytest.approx([np.nan, *[SINKING] * 3], nan_ok=True)
    assert basin["dhdt_share"].tolist() == [0, 1, 1, 1]


def test_no_region_and_a_region_without_ice_have_no_numbers():
    none = regions_by_year(annual(), change(), {}, correlation_range=5e3)
    assert len(none) == 0 and "speed" in none
    bare = regions_by_year(annual(), change(), {"rock": np.zeros(GRID.shape)}, correlation_range=5e3)
    assert len(bare) == len(YEARS) and bare[["speed", "dhdt", "speed_share"]].isna().all(axis=None)


def test_errors_that_are_alike_everywhere_do_not_grow_smaller_by_area():
    whole = {"all": np.ones(GRID.shape)}
    alike = regions_by_year(annual(), change(), whole, correlation_range=1e9)
    assert alike["speed_sigma"].tolist() == pytest.approx([4.0] * 4, rel=1e-3)
    apart = regions_by_year(annual(), change(), whole, correlation_range=1000.0)
    assert (apart["speed_sigma"] < 0.3).all()


def test_thinning_that_follows_the_speed_by_two_years_is_found_at_that_lag():
    rng = np.random.default_rng(4)
    speed = 1000 + 50 * rng.standard_normal(30)
    rate = -0.02 * np.concatenate([[1000, 1000], speed[:-2]])
    table = lags_of_years(np.arange(1990, 2020), speed, rate)
    for name in ("values", "detrended"):
        own = table[table["series"] == name].set_index("lag")
        assert own["correlation"].idxmin() == 2 and own.loc[2, "correlation"] < -0.99 and own.loc[2, "p"] < 1e-6
        assert own.drop(2)["p"].min() > 1e-3


def test_two_trends_are_correlated_and_what_is_left_of_them_is_not():
    rng = np.random.default_rng(8)
    years = np.arange(2000, 2020)
    speed, rate = 10.0 * years + 3 * rng.standard_normal(20), -0.1 * years + 0.1 * rng.standard_normal(20)
    table = lags_of_years(years, speed, rate).set_index(["series", "lag"])
    assert table.loc[("values", 0), "correlation"] < -0.95
    assert abs(table.loc[("detrended", 0), "correlation"]) < 0.5 and table.loc[("detrended", 0), "p"] > 0.05
    assert table.loc[("values", 0), "n_effective"] < 6, "a trend is hardly more than one value"


def test_years_without_data_stay_gaps():
    """2010 is missing: pairs of neighbours across it do not count, and a line through it is fitted to the others."""
    years = np.array([2008, 2009, 2011, 2012, 2013])
    table = lags_of_years(years, years * 1.0, years * -1.0).set_index(["series", "lag"])
    assert table.loc[("values", 0), "n"] == 5 and table.loc[("values", 1), "n"] == 3
    assert np.isnan(table.loc[("detrended", 0), "p"])
