"""Velocity at points: means over cells within a radius, and the model of a composite, written out."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tests.builders.velocity import cube_of

from nunatak.times import from_decimal_year
from nunatak.velocity import model_series, point_series


@pytest.mark.parametrize("radius", [120.0, 150.0, 240.0, 300.0])
def test_a_neighbourhood_is_every_cell_whose_centre_lies_within(radius):
    """Of cells of 120 m about a centre, with a third of the values missing, each component at times alone."""
    rng = np.random.default_rng(2)
    start = np.array([2001.1, 2001.2, 2001.4])
    vx, vy = np.rint(rng.normal(0, 300, (2, 3, 7, 8)))
    for v in (vx, vy):
        v[rng.random(v.shape) < 0.3] = np.nan
    cube = cube_of(vx, vy, start, start + 0.05)
    x, y = float(cube["x"][3]), float(cube["y"][2])
    table = point_series(cube, {"here": (x, y)}, radius=radius)
    near = np.hypot(cube["x"].values - x, cube["y"].values[:, None] - y) <= radius
    both = np.isfinite(vx) & np.isfinite(vy) & near
    expected = [[v[k][both[k]].mean() for k in range(3)] for v in (vx, vy)]
    np.testing.assert_allclose(table[["vx", "vy"]].T, expected)
    np.testing.assert_allclose(table["v"], np.hypot(*expected))
    assert (table["point"] == "here").all() and (table["x"] == x).all() and (table["y"] == y).all()
    np.testing.assert_array_equal(table["time"], cube["time"])
    rim, corner = (point_series(cube, {"rim": (x + 59.9, y + 59.9)}, radius=r) for r in (0.0, 80.0))
    alone = np.isfinite(vx[:, 2, 3]) & np.isfinite(vy[:, 2, 3])
    np.testing.assert_array_equal(rim["vx"], vx[alone, 2, 3])
    assert corner["vx"].equals(rim["vx"])  # 84.7 m from the nearest centre


def annual(amplitude, amplitude_error):
    """Return three years of 100, nothing, and 160 m/yr at four cells, with a cycle whose maximum is on day 91.3125."""
    years = np.array([2010.0, 2011.0, 2012.0])
    v = np.array([100.0, np.nan, 160.0])[:, None, None] * np.ones((3, 2, 2))
    cells = {"v_amp": amplitude, "v_phase": 365.25 / 4, "v_amp_error": amplitude_error}
    return xr.Dataset(
        {"v": (("year", "y", "x"), v), "v_error": (("year", "y", "x"), 0 * v + [[[3.0]], [[9.0]], [[5.0]]])}
        | {name: (("y", "x"), np.full((2, 2), value)) for name, value in cells.items()},
        {
            "x": [0.0, 1.0],
            "y": [1.0, 0.0],
            "year": years,
            "year_start": ("year", years),
            "year_end": ("year", years + 1),
        },
    )


def test_the_model_joins_annual_means_and_adds_the_cycle():
    """
    Between the middles of 2010 and 2012 the mean rises by 30 m/yr a year.

    Nothing is said in 2011, which has no mean, or beside the years.
    """
    t = np.array([2009.99, 2010.25, 2010.75, 2011.5, 2012.25, 2012.5, 2013.01])
    time = from_decimal_year(t)
    model = model_series(annual(12.0, 4.0), 0.5, 0.5, time)
    steady = np.array([np.nan, 100, 107.5, np.nan, 152.5, 160, np.nan])
    cycle = 12 * np.cos(2 * np.pi * (t - 0.25))
    np.testing.assert_allclose(model["v"], steady + cycle, atol=1e-3)
    errors = np.array([np.nan, 3, 3.25, np.nan, 4.75, 5, np.nan])
    np.testing.assert_allclose(model["v_error"], np.hypot(errors, 4.0), atol=1e-3)
    assert model.attrs["units"] == {"v": "m/yr", "v_error": "m/yr"} and (model["time"] == pd.Series(time)).all()
    chance = model_series(annual(8.0, 4.0), 0.5, 0.5, time)  # an amplitude of two of its errors is chance
    np.testing.assert_allclose(chance["v"], steady, atol=1e-3)
    bare = model_series(annual(12.0, 4.0).drop_vars("v_amp"), 0.5, 0.5, time)
    np.testing.assert_allclose(bare["v"], steady, atol=1e-3)
    np.testing.assert_allclose(bare["v_error"], errors, atol=1e-3)
    nowhere = model_series(annual(12.0, 4.0) * np.nan, 0.5, 0.5, time)
    assert nowhere[["v", "v_error"]].isna().all(axis=None)
