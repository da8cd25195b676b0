"""Change by elevation: every band holds its own cells, by area, and says what was not seen."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.builders import studies

from nunatak.elevation import cell_heights, change_between, change_by_elevation, region_change
from nunatak.geometry.grid import Grid


def four_cells(dh=(1.0, 2.0, 3.0, 4.0), heights=(10.0, 60.0, 110.0, 160.0), area=1e6):
    on = Grid("EPSG:3413", 0, 2000, 1000, 1000, 2, 2)
    change = studies.height_change(np.reshape(dh, (2, 2)), on=on, years=[2020.0, 2021.0], area=area)
    return change_between(change, 2020.0, 2021.0), np.reshape(heights, (2, 2))


def test_each_band_holds_its_own_cells():
    """Four cells worked by hand: bands 0-50, 50-100, 100-150, 150-200 hold 1, 2, 3, 4 and not 2, 3, 4, 1."""
    change, heights = four_cells()
    table = change_by_elevation(change, heights, np.ones((2, 2)), region="r", band=50)
    assert_allclose(table.mean_dh, [1, 2, 3, 4])
    assert_allclose(table.band_low, [0, 50, 100, 150])
    assert_allclose(table.band_high, [50, 100, 150, 200])


def test_edge_belongs_to_the_upper_band_and_heights_may_be_negative():
    change, heights = four_cells(heights=(-50.0, -0.001, 0.0, 50.0))
    table = change_by_elevation(change, heights, np.ones((2, 2)), region="r", band=50)
    assert_allclose(table.band_low, [-50, 0, 50])
    assert_allclose(table.mean_dh, [1.5, 3, 4])


def test_empty_band_between_is_a_row_without_a_mean():
    change, heights = four_cells(heights=(10.0, 20.0, 110.0, 120.0))
    table = change_by_elevation(change, heights, np.ones((2, 2)), region="r", band=50)
    assert_allclose(table.area, [2, 0, 2])
    assert np.isnan(table.mean_dh[1]) and table.n_cells[1] == 0


def test_unobserved_ice_is_a_share_of_the_band():
    change, heights = four_cells(heights=(10.0, 10.0, 10.0, 160.0))
    change["dh"][0, 0] = np.nan
    table = change_by_elevation(change, heights, np.ones((2, 2)), region="r", band=200)
    assert_allclose(table.unobserved_share, 0.25)
    assert_allclose(table.mean_dh, 3.0)
    assert_allclose(table.volume_change, 9e6 / 1e9)


def test_bands_add_up_to_the_region():
    rng = np.random.default_rng(0)
    change = studies.height_change(rng.normal(-1, 1, (20, 20)))
    coverage = rng.uniform(0, 1, (20, 20))
    heights = rng.uniform(0, 800, (20, 20))
    table = change_by_elevation(change_between(change, 2019.0, 2021.0), heights, coverage, region="r")
    whole = region_change(change, coverage, region="r").iloc[-1]
    assert_allclose(table.volume_change.sum(), whole.volume_change)
    assert_allclose(table.area.sum(), whole.ice_area)


def test_cell_height_is_the_mean_of_the_surface_in_it():
    """A plane of 1 m per km: the mean over a cell is the height at its centre; a cell without surface is NaN."""
    surface = studies.surface(lambda x, y: x / 1000)
    grid = Grid.of(studies.height_change(-1.0)).pad(1)
    heights = cell_heights(surface, grid)
    assert_allclose(heights[1:-1, 1:-1], np.broadcast_to(grid.x[1:-1] / 1000, (20, 20)))
    assert np.isnan(heights[0]).all()


def test_ice_without_a_height_is_in_no_band_but_counted():
    change, heights = four_cells(heights=(10.0, 60.0, np.nan, 160.0))
    table = change_by_elevation(change, heights, np.ones((2, 2)), region="r")
    assert_allclose(table.attrs["area_without_height"], 1.0)
    assert_allclose(table.area.sum(), 3.0)


def test_region_without_ice_is_refused():
    change, heights = four_cells()
    with pytest.raises(ValueError, match="r has no ice with a height"):
        change_by_elevation(change, heights, np.zeros((2, 2)), region="r")
