"""ATL20 in the layout its readers describe: x and y, never grid_lon; month and days; what is broken is named."""

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from nunatak.products import GranuleError
from nunatak.products.atl20 import read_freeboard

NAME = "ATL20-02_20190901000000_12340401_004_01.h5"
X = np.array([-37_500.0, -12_500.0, 12_500.0])
Y = np.array([62_500.0, 37_500.0])


def write_grid(path, *, ascending=False, vectors=False, days=(1, 15)):
    """A file of two rows and three columns whose value tells row (from the top) and column."""
    y = Y[::-1] if ascending else Y
    values = np.array([[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]], "f4") / 100
    values[0, 2] = 3.4028235e38
    values = values[::-1] if ascending else values
    with h5py.File(path, "w") as file:
        grid_x, grid_y = (X, y) if vectors else np.meshgrid(X, y)
        file["grid_x"], file["grid_y"] = grid_x, grid_y
        file["grid_lon"] = np.full(values.shape, 123.0)
        file["monthly/mean_fb"] = values
        for day in days:
            file[f"daily/day{day:02d}/mean_fb"] = values + np.float32(day)
    return path


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("vectors", [False, True])
def test_month_is_north_up_whatever_the_file(tmp_path, ascending, vectors):
    """Rows from the top, fills missing, place from x and y."""
    month = read_freeboard(write_grid(tmp_path / NAME, ascending=ascending, vectors=vectors))
    expected = np.array([[0.0, 0.01, np.nan], [0.10, 0.11, 0.12]])
    np.testing.assert_allclose(month["mean_fb"][0], expected, rtol=1e-6)
    assert_array_equal(month["x"], X)
    assert_array_equal(month["y"], Y)
    assert month["time"].values[0] == np.datetime64("2019-09-01")
    assert month.attrs["crs"] == "EPSG:3412"


def test_days_have_their_dates(tmp_path):
    """day01 and day15 of the file's month."""
    days = read_freeboard(write_grid(tmp_path / NAME), daily=True)
    assert_array_equal(days["time"], np.array(["2019-09-01", "2019-09-15"], "M8[ns]"))
    np.testing.assert_allclose(days["mean_fb"][1, 1, 0], 15.1, rtol=1e-6)


def test_what_is_broken_is_named(tmp_path):
    """No days, no month, another shape, another product, another name: each in one line."""
    with pytest.raises(GranuleError, match="no daily/dayNN group; read the monthly grid"):
        read_freeboard(write_grid(tmp_path / NAME, days=()), daily=True)
    with h5py.File(tmp_path / NAME, "a") as file:
        del file["monthly/mean_fb"]
        file["monthly/mean_fb"] = np.zeros((3, 3))
    with pytest.raises(GranuleError, match=r"monthly: \(3, 3\) values do not fit grid_y x grid_x of \(2, 3\)"):
        read_freeboard(tmp_path / NAME)
    with h5py.File(tmp_path / NAME, "a") as file:
        del file["monthly"]
    with pytest.raises(GranuleError, match="has no 'monthly'"):
        read_freeboard(tmp_path / NAME)
    with pytest.raises(GranuleError, match="give it its own name back"):
        read_freeboard(write_grid(tmp_path / "freeboard.h5"))
    with pytest.raises(GranuleError, match="the name is that of an ATL10 granule"):
        read_freeboard(write_grid(tmp_path / NAME.replace("ATL20", "ATL10")))
