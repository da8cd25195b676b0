"""Simulated image pairs, written once for the tests of the velocity package."""

import pytest

from nunatak.simulation import itslive, worlds


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
