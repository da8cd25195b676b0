"""Elevation and velocity along a flowline and of regions by year, against fields whose answers are written down."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nunatak.dynamics.along import UNITS, along_flowline, thinned
from nunatak.dynamics.by_region import regions_by_year
from nunatak.dynamics.lag import lags_of_years
from nunatak.geometry.grid import Grid, map_scale

GRID = Grid("EPSG:3031", -1.61e6, -3.0e5, 200.0, 200.0, 60, 100)
YEARS = np.array([2018, 2019, 2020, 2021])
GX, GY = np.meshgrid(GRID.x, GRID.y)
STRETCH, FASTER, SINKING = 2e-3, 30.0, -1.5  # 1/yr along the flow on the map, m/yr more each year, m/yr


def annual(**changes):
    """Ice that flows along x, is stretched evenly and gains 30 m/yr each year; the error of the speed is 4 m/yr."""
    v = np.stack([1000 + STRETCH * (GX - GRID.x[0]) + FASTER * (year - 2018) for year in YEARS])
    dims = ("year", "y", "x")
    fields = {"vx": (dims, v), "vy": (dims, 0 * v), "v": (dims, v.copy()), "v_error": (dims, np.full_like(v, 4.0))}
    fields |= {"v_mean": (dims[1:], v.mean(axis=0))}
    fields |= {"year_start": ("year", YEARS * 1.0), "year_end": ("year", YEARS + 1.0)}
    return xr.Dataset({**fields, **changes}, {"year": YEARS, "y": GRID.y, "x": GRID.x}, {"crs": GRID.crs})


def change(first=2019.0, last=2022.0):
    """A surface that sinks by 1.5 m/yr; the error of every epoch is 0.1 m. Cells of 1 km."""
    coarse = Grid.from_bounds(GRID.crs, (-1.615e6, -3.2e5, -1.585e6, -2.95e5), 1000.0)
    epochs = np.arange(first, last + 0.01, 0.25)
    dh = SINKING * (epochs - 2020)[:, None, None] + np.zeros((epochs.size, *coarse.shape))
    fields = {"dh": (("year", "y", "x"), dh), "dh_sigma": (("year", "y", "x"), np.full_like(dh, 0.1))}
    return xr.Dataset(fields, {"year": epochs, "y": coarse.y, "x": coarse.x}, {"crs": GRID.crs})


def thickness(surface=True):
    fields = {"thickness": np.full(GRID.shape, 1200.0), "thickness_sigma": np.full(GRID.shape, 50.0)}
    fields |= {"surface": 400.0 + 0 * GX} if surface else {}
    about = {"crs": GRID.crs, "reference_year": 2020.5}
    return xr.Dataset({k: (("y", "x"), v) for k, v in fields.items()}, {"y": GRID.y, "x": GRID.x}, about)


def path():
    """A straight line along x, with distances on the ground."""
    x = GRID.x[4:-4]
    y = np.full(x.size, GRID.y[30])
    k = map_scale(GRID.crs, x, y)
    distance = np.concatenate([[0.0], np.cumsum(np.diff(x) * 2 / (k[1:] + k[:-1]))])
    return pd.DataFrame({"distance": distance - 5000.0, "x": x, "y": y})


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
    """From mid-2019 on 1.5 m/yr down; 2018 is not in the record, its thickness is that of the record's first day."""
    by_year = line.groupby("year")[["dh", "dh_sigma", "dhdt", "dhdt_sigma", "surface", "thickness"]].median()
    assert by_year["dh"].tolist() == pytest.approx([np.nan, 0, -1.5, -3.0], nan_ok=True)
    assert by_year["dhdt"].tolist() == pytest.approx([np.nan, *[SINKING] * 3], nan_ok=True)
    assert by_year["dhdt_sigma"].tolist() == pytest.approx([np.nan, *[0.1 * np.sqrt(2)] * 3], nan_ok=True)
    assert by_year["dh_sigma"].tolist() == pytest.approx([np.nan, 0, *[0.1 * np.sqrt(2)] * 2], nan_ok=True)
    moved = np.array([1.5 * 1.5, 1.5, 0, -1.5])  # 2019.0 instead of 2018.5
    np.testing.assert_allclose(by_year["surface"], 400 + moved)
    np.testing.assert_allclose(by_year["thickness"], 1200 + moved)


def test_without_height_change_or_surface_they_are_missing():
    table = along_flowline(annual(), path(), thickness(surface=False))
    assert table[["surface", "dh", "dhdt", "dh_sigma"]].isna().all(axis=None)
    assert (table["thickness"] == 1200).all() and table.attrs["half_length"] == 1200
    assert "dh_since" not in table.attrs


def test_points_nearer_than_the_spacing_are_left_out():
    thin = thinned(path(), 450.0)
    assert np.diff(thin["distance"]).min() >= 400 and len(thin) < len(path()) / 2
    assert thin["distance"].iloc[0] == path()["distance"].iloc[0]


def test_a_year_that_sees_slow_ice_alone_is_no_slow_year():
    """The plain mean of 2020 would be 40 m/yr below; that of v - v_mean on the same cells is not."""
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
