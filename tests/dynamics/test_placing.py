"""Fields put on another grid and at dates between those of a record."""

import numpy as np
import pytest
import xarray as xr

from nunatak.dynamics.regrid import on_map, onto
from nunatak.dynamics.surface import above_points, at_years, carried, only_years, rate_between, yearly_change
from nunatak.geometry.grid import Grid
from nunatak.runtime import NunatakError

FINE = Grid("EPSG:3031", 0.0, 6000.0, 100.0, 100.0, 60, 60)


def field(function, grid=FINE):
    gx, gy = np.meshgrid(grid.x, grid.y)
    return xr.Dataset({"h": (("y", "x"), function(gx, gy))}, {"y": grid.y, "x": grid.x}, {"crs": grid.crs})


def test_a_coarser_grid_takes_means_of_what_lies_in_its_cells():
    """
    A checkerboard of +-1 has mean 0.

    Single cells of it have not.
    """
    board = field(lambda x, y: np.where((np.floor(x / 100) + np.floor(y / 100)) % 2, 1.0, -1.0))
    coarse = onto(board, ("h",), Grid("EPSG:3031", 1000.0, 5000.0, 500.0, 500.0, 8, 8))
    assert coarse.attrs["resampled"] == "means of 5 x 5 cells, then bilinear"
    assert float(np.abs(coarse["h"]).max()) <= 1 / 25 + 1e-12
    board["h"][30, 30] = np.nan
    holed = onto(board, ("h",), Grid("EPSG:3031", 1000.0, 5000.0, 500.0, 500.0, 8, 8))
    assert int(holed["h"].isnull().sum()) == 1, "a mean of which one is missing"
    sloped = onto(field(lambda x, y: 2 * x - y), ("h",), Grid("EPSG:3031", 1000.0, 5000.0, 230.0, 230.0, 8, 8))
    gx, gy = np.meshgrid(sloped["x"], sloped["y"])
    np.testing.assert_allclose(sloped["h"], 2 * gx - gy, rtol=1e-12, err_msg="a plane is a plane on any grid")


def test_what_lies_beyond_the_source_is_counted():
    grid = Grid("EPSG:3031", 3000.0, 5000.0, 100.0, 100.0, 20, 60)
    out = onto(field(lambda x, y: 0 * x), ("h",), grid)
    assert out.attrs["outside_share"] == pytest.approx(0.5) and out.attrs["resampled"] == "bilinear"
    assert float(out["h"].isnull().mean()) == pytest.approx(0.5, abs=0.02)
    uneven = field(lambda x, y: 0 * x).assign_coords(x=np.cumsum(np.linspace(50, 150, 60)))
    with pytest.raises(NunatakError, match="not evenly spaced"):
        onto(uneven, ("h",), grid)


def record():
    """Four epochs of which the third has a gap in the first cell."""
    dh = np.array([0.0, 1.0, 3.0, 4.0]).reshape(-1, 1, 1) * np.ones((4, 2, 2))
    dh[2, 0, 0] = np.nan
    data = {"delta_h": (("time", "y", "x"), dh), "delta_h_sigma": (("time", "y", "x"), 0 * dh + 0.3)}
    axes = {"decimal_year": ("time", [2000.0, 2001.0, 2002.0, 2004.0]), "y": [100.0, 0.0], "x": [0.0, 100.0]}
    return xr.Dataset(data, axes, {"crs": "EPSG:3031"})


def test_a_date_of_the_record_needs_no_value_at_the_next():
    change = yearly_change(record())
    at = at_years(change, [2001.0, 2001.5, 2003.0, 1990.0, 2010.0])["dh"].values
    np.testing.assert_allclose(at[:, 1, 1], [1.0, 2.0, 3.5, 0.0, 4.0])
    assert at[0, 0, 0] == 1.0 and np.isnan(at[1, 0, 0]) and np.isnan(at[2, 0, 0])
    np.testing.assert_allclose(rate_between(change, 2000.0, 2004.0)["dhdt"], 1.0, err_msg="the gap lies between")
    few = only_years(change, [2003.0, 2001.0, 2003.0, 2050.0])
    assert list(few["year"]) == [2001.0, 2003.0, 2004.0]
    np.testing.assert_allclose(rate_between(few, 2001.0, 2003.0)["dhdt"].values[1, 1], 1.25)


def test_a_joined_record_is_taken_as_it_is_called_there_with_its_firn():
    joined = record().rename(delta_h="dh", delta_h_sigma="dh_sigma")
    joined["firn"] = 0.5 * joined["dh"]
    assert set(yearly_change(joined)) == {"dh", "dh_sigma", "dh_shape", "firn"}
    with pytest.raises(NunatakError, match="outside the height change"):
        rate_between(yearly_change(joined), 1999.0, 2001.0)


def trough(x, y):
    """Return a parabola across and along a trunk, m."""
    return 2e-7 * (x - 6100.0) ** 2 + 0.5e-7 * (y - 5700.0) ** 2 - 10.0


def means_of_trough(cell, points=40):
    """Return means of the cells of a grid over points of them, as a record that starts level."""
    grid = Grid("EPSG:3031", 0.0, 12_000.0, cell, cell, round(12_000 / cell), round(12_000 / cell))
    inside = ((np.arange(points) + 0.5) / points - 0.5) * cell
    x, y = (np.repeat(axis, points) + np.tile(inside, axis.size) for axis in (grid.x, grid.y))
    mean = trough(*np.meshgrid(x, y)).reshape(grid.y.size, points, grid.x.size, points).mean((1, 3))
    layers = np.stack([0 * mean, mean, mean])
    fields = {"delta_h": (("time", "y", "x"), layers), "delta_h_sigma": (("time", "y", "x"), 0 * layers)}
    times = {"decimal_year": ("time", [2016.0, 2018.0, 2020.0]), "y": grid.y, "x": grid.x}
    return xr.Dataset(fields, times, {"crs": grid.crs})


@pytest.mark.parametrize("cell", [1000.0, 2000.0])
def test_a_grid_of_wide_cells_says_how_far_its_means_lie_above_the_points_of_a_trough(cell):
    """What no noise explains is the whole error of a rate, and grows with the square of the cell."""
    fine = Grid("EPSG:3031", 4000.0, 8000.0, 50.0, 50.0, 80, 80)
    moving = on_map(yearly_change(means_of_trough(cell)), [2016.0, 2018.0], fine)
    rate = rate_between(moving, 2016.0, 2018.0)
    above = rate["dhdt"].values - trough(*np.meshgrid(fine.x, fine.y)) / 2
    assert above.mean() == pytest.approx((4e-7 + 1e-7) * cell**2 / 8 / 2, rel=0.01)
    np.testing.assert_allclose(rate["dhdt_sigma"], above.mean(), rtol=0.01)
    assert (above / rate["dhdt_sigma"]).values.max() < 1.6


def test_a_missing_neighbour_and_a_plane_say_nothing_of_the_shape():
    plane = xr.DataArray(np.add.outer(np.arange(5.0), 3 * np.arange(6.0)), dims=("y", "x"))
    np.testing.assert_allclose(above_points(plane), 0.0)
    bowl = xr.DataArray(np.add.outer(np.arange(5.0) ** 2, 0 * np.arange(6.0)), dims=("y", "x"))
    bowl[2, 3] = np.nan
    shape = above_points(bowl).values
    assert shape[2, 2] == 0.25 and shape[0, 2] == 0.0 and shape[1, 3] == 0.0 and np.isfinite(shape).all()


def test_a_gap_of_a_cell_is_bridged_for_a_thickness_alone():
    """A cell that sinks by 1 m/yr and lacks the first, two middle and the last dates, beside one never seen."""
    years = np.array([1990.0, 1991.0, 1992.0, 1994.0, 1995.0, 1996.0])
    dh = np.stack([np.stack([-(years - 1990), np.full(6, np.nan)], axis=1)], axis=1)
    dh[[0, 2, 3, 5], 0, 0] = np.nan
    fields = {name: (("year", "y", "x"), dh * factor) for name, factor in (("dh", 1.0), ("dh_sigma", -0.1))}
    change = xr.Dataset(fields, {"year": years, "y": [0.0], "x": [0.0, 1.0]}, {"crs": "EPSG:3031"})
    out = carried(change)
    np.testing.assert_allclose(out["dh"].values[:, 0, 0], [-1, -1, -2, -4, -5, -5])
    np.testing.assert_allclose(out["dh_sigma"].values[:, 0, 0], [0.1, 0.1, 0.2, 0.4, 0.5, 0.5])
    assert np.isnan(out["dh"].values[:, 0, 1]).all()
    assert np.isnan(rate_between(change, 1991.0, 1994.0)["dhdt"].values[0, 0]), "a rate is not made of a gap"
