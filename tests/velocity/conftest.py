"""Simulated image pairs, written once for the tests of the velocity package."""

import pytest

from nunatak.simulation import itslive, itslive_cubes, worlds


@pytest.fixture(scope="session")
def pine_island():
    """The tiny simulated Pine Island."""
    return worlds.world("pine_island", "tiny")


@pytest.fixture(scope="session")
def simulated_pairs(pine_island, tmp_path_factory):
    """Folder with all granules of the tiny archive."""
    folder = tmp_path_factory.mktemp("itslive")
    itslive.write(pine_island, folder)
    return folder


@pytest.fixture(scope="session")
def simulated_cubes(pine_island, tmp_path_factory):
    """Paths of all datacubes of the tiny archive, of Zarr 2 and of Zarr 3 with shards."""
    return itslive_cubes.write(pine_island, tmp_path_factory.mktemp("cubes"))
