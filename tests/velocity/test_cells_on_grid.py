"""Values of a region's cells are those of the whole grid, whoever reads them."""

import numpy as np
import pytest
import xarray as xr

from nunatak.files.rasters import write_netcdf
from nunatak.velocity.cells_on_grid import CellsOnGrid

MASK = np.array([[True, False, True], [False, False, True]])


@pytest.fixture
def both():
    """Three cells in four years on the grid, and the whole array."""
    values = np.arange(12, dtype="f4").reshape(3, 4)
    whole = np.full((4, 2, 3), np.nan, "f4")
    whole[:, MASK] = values.T
    return CellsOnGrid(values, MASK, np.nan), whole


def test_numpy_takes_it_for_the_whole_array(both):
    cells, whole = both
    assert (cells.shape, cells.dtype, cells.ndim, cells.size, cells.nbytes) == (whole.shape, "f4", 3, 24, 96)
    np.testing.assert_array_equal(cells, whole)
    np.testing.assert_array_equal(cells[1], whole[1])
    np.testing.assert_array_equal(2 * cells + cells, 3 * whole)
    np.testing.assert_array_equal(np.concatenate([cells, cells]), np.concatenate([whole, whole]))
    np.testing.assert_array_equal(cells.astype("f8"), whole.astype("f8"))


def test_xarray_takes_it_for_the_whole_array(both):
    cells, whole = (xr.DataArray(values, dims=("year", "y", "x")) for values in both)
    xr.testing.assert_equal(cells.isel(year=2, x=slice(1, 3)), whole.isel(year=2, x=slice(1, 3)))
    xr.testing.assert_equal(cells.mean("year"), whole.mean("year"))
    assert isinstance(cells.variable._data, CellsOnGrid), "and leaves it as it is"


def test_files_are_the_same_bytes(both, tmp_path):
    for name, values in zip(("cells", "whole"), both, strict=True):
        write_netcdf(xr.Dataset({"v": (("year", "y", "x"), values)}), tmp_path / f"{name}.nc")
    assert (tmp_path / "cells.nc").read_bytes() == (tmp_path / "whole.nc").read_bytes()
