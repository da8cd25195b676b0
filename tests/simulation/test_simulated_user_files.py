"""Simulated rasters of a user's: what is read of them is the truth, in our units."""

import numpy as np
import pytest

from nunatak import simulation
from nunatak.files.quantities import read_quantity
from nunatak.geometry.grid import Grid
from nunatak.simulation import user_files
from nunatak.study.simulated_world import RASTERS


@pytest.fixture(scope="module", params=["pine_island", "austfonna"])
def made(request, tmp_path_factory):
    """A world, its files, and a grid of 1 km in the middle of them."""
    world = simulation.world(request.param, "tiny")
    paths = user_files.write(world, tmp_path_factory.mktemp("user"))
    left, bottom, right, top = world.surface_bounds
    x, y = (left + right) / 2, (bottom + top) / 2
    return world, paths, Grid.from_bounds(world.crs, (x - 12e3, y - 12e3, x + 12e3, y + 12e3), 1000.0)


def test_a_study_finds_them_by_their_names(made):
    """The study's room does not know the simulation's, and names the files itself."""
    paths = made[1]
    assert {name: paths[name].name for name in RASTERS} == RASTERS


@pytest.mark.parametrize("name", ["thickness", "thickness_netcdf"])
def test_thickness_is_the_truth_within_its_error(made, name):
    world, paths, grid = made
    x, y = np.meshgrid(grid.x, grid.y)
    true = world.truth.thickness(x, y, user_files.THICKNESS_YEAR)
    read = read_quantity(str(paths[name]), grid, quantity="thickness").values
    assert np.isfinite(read).mean() > 0.95
    z = ((read - true) / (user_files.THICKNESS_SHARE * true))[np.isfinite(read)]
    assert 0.6 < np.std(z) < 1.4


def test_mass_balance_is_the_mean_of_the_year(made):
    """Against a quadrature of the truth in time."""
    world, paths, grid = made
    x, y = np.meshgrid(grid.x, grid.y)
    read = read_quantity(str(paths["smb"]), grid, quantity="smb", years=(2020, 2020))
    middles = 2020 + (np.arange(24) + 0.5) / 24
    true = np.mean([world.truth.mass_balance(x, y, t) for t in middles], axis=0)
    inside = np.isfinite(read.values[0])
    # bilinear, from cells of 250 m
    np.testing.assert_allclose(read.values[0][inside], true[inside], atol=0.02)
    assert read.sizes["time"] == 1 and inside.mean() > 0.95


def test_firn_does_not_change(made):
    _, paths, grid = made
    read = read_quantity(str(paths["firn"]), grid, quantity="firn")
    assert read.sizes["time"] >= 2 and float(read.min()) == float(read.max()) == user_files.FIRN_AIR
