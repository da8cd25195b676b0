"""Checks of velocities hold when they are right, and fail when one thing is wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nunatak.checks import velocity
from nunatak.simulation import world

WORLD = {"name": "pine_island", "size": "tiny"}


def annual(noise=20.0, stated=20.0, offset=0.0):
    """Three years of 20 x 30 cells on the trunk: the truth's annual means with noise and its stated error."""
    x, y = -1.605e6 + 120.0 * np.arange(30), -3.05e5 - 120.0 * np.arange(20)
    edges = np.array([2014.0, 2015.0, 2016.0, 2017.0])
    truth = world(**WORLD).truth
    grid = np.meshgrid(x, y)
    times = [first + (np.arange(24) + 0.5) / 24 for first in edges[:-1]]
    means = np.stack([np.mean([truth.velocity(*grid, t) for t in year], axis=0) for year in times], axis=1)
    rng = np.random.default_rng(5)
    vx, vy = means + noise * rng.standard_normal(means.shape) + offset
    dims = ("year", "y", "x")
    v = np.hypot(vx, vy)
    fields = {"vx": (dims, vx), "vy": (dims, vy), "v": (dims, v), "v_error": (dims, np.full_like(v, stated)),
              "roi": (("y", "x"), np.ones((20, 30), "u1"))}  # fmt: skip
    coords = {"year": [2014, 2015, 2016], "year_start": ("year", edges[:-1]), "year_end": ("year", edges[1:]),
              "y": y, "x": x}  # fmt: skip
    return xr.Dataset(fields, coords, {"crs": "EPSG:3031", "method": "lsq", "n_pairs": 3})


def table():
    return pd.DataFrame({"fate": ["used"] * 3 + ["filter"], "why": ["", "", "", "months: mid-date in June"]})


def failed(dataset, pairs=None):
    return [c.name for c in velocity.composite_checks(dataset, table() if pairs is None else pairs) if not c.passed]


def test_a_sound_composite_passes():
    assert failed(annual()) == []
    check = velocity.against_truth(annual(), WORLD)
    assert check.passed and check.value == pytest.approx(0.954, abs=0.02)  # of a normal distribution


@pytest.mark.parametrize("wrong", [{"offset": 60.0}, {"stated": 5.0}])
def test_a_bias_or_an_error_that_is_too_small_shows_against_the_truth(wrong):
    assert not velocity.against_truth(annual(**wrong), WORLD).passed


def test_only_least_squares_is_held_against_means_of_years():
    assert not velocity.against_truth(annual().assign_attrs(method="median"), WORLD).applies


def test_averaged_speeds_show():
    """A speed that is not that of its components."""
    assert failed(annual().assign(v=annual()["v"] + 1.0)) == ["velocity_components"]


def test_a_lost_pair_and_one_without_a_reason_show():
    assert failed(annual(), table().iloc[1:]) == ["velocity_pairs"]
    assert failed(annual(), table().assign(why="")) == ["velocity_fates"]


def test_speeds_of_outliers_and_cells_outside_the_region_show():
    fast = annual()
    fast["vx"][0] = fast["v"][0] = 4e4
    fast["vy"][0] = 0.0
    assert failed(fast) == ["velocity_range"]
    outside = annual()
    outside["roi"][0, :] = 0
    assert failed(outside) == ["velocity_region"]
