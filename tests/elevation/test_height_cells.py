"""Heights thinned to cells, and cells of chunks joined, against values written out."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from nunatak.elevation.height_cells import COLUMNS, join_cells, map_cells, thin_heights
from nunatak.geometry.grid import Grid
from nunatak.geometry.region import load

CELLS = Grid("EPSG:32633", 0.0, 8_900_000.0, 1000.0, 1000.0, 3000, 1500)


def heights(**columns):
    """Return five heights: three beside each other near 15 E 79 N, one a kilometre on, one without a value."""
    table = {
        "longitude": [15.0, 15.001, 15.002, 15.05, 15.0],
        "latitude": [79.0, 79.0001, 79.0002, 79.0, 79.0],
        "h_li": [10.0, 40.0, 13.0, 7.0, np.nan],
        "rgt": [5, 5, 6, 5, 9],
        "cycle": [3, 4, 3, 3, 3],
        "time": pd.to_datetime(["2020-03-01", "2019-01-01", "2021-05-01", "2020-01-01", "2018-01-01"]),
    }
    return pd.DataFrame(table | columns)


def test_a_cell_has_the_median_of_its_heights_and_their_ends():
    thinned = thin_heights(heights(), "atl06", CELLS, height="h_li").sort_values("n").reset_index(drop=True)
    assert list(thinned.columns) == list(COLUMNS) and len(thinned) == 2
    alone, three = thinned.iloc[0], thinned.iloc[1]
    assert three[["h", "h_low", "h_high", "n", "n_passes"]].tolist() == [13.0, 10.0, 40.0, 3, 3]
    assert alone[["h", "h_low", "h_high", "n", "n_passes"]].tolist() == [7.0, 7.0, 7.0, 1, 1]
    assert [str(three[name])[:10] for name in ("time_first", "time_last")] == ["2019-01-01", "2021-05-01"]
    assert abs(three["x"] - 500_000) <= 500 and three["x"] % 1000 == 500 and three["y"] % 1000 == 500
    assert (three["longitude"], three["latitude"]) == (15.0, 79.0)
    assert thinned.attrs["units"]["h"] == "m"
    unknown = thin_heights(heights().drop(columns="cycle"), "atl06", CELLS, height="h_li")
    assert (unknown["n_passes"] == 0).all() and sorted(unknown["n"]) == [1, 3]


def test_heights_beside_the_grid_are_left_out():
    small = Grid("EPSG:32633", 0.0, 8_000_000.0, 1000.0, 1000.0, 10, 10)
    assert len(thin_heights(heights(), "atl06", small, height="h_li")) == 0


def test_chunks_of_a_cell_are_joined_by_their_numbers_of_heights():
    """Three heights of median 13 m and one of 7 m: 11.5 m, with the ends and passes of both."""
    later = heights(h_li=[21.0, np.nan, np.nan, np.nan, np.nan], cycle=[30, 4, 3, 3, 3])
    later["time"] += pd.Timedelta(days=2000)
    parts = [thin_heights(table, "atl06", CELLS, height="h_li") for table in (heights(), later)]
    other = thin_heights(heights(), "atl11", CELLS, height="h_li")
    joined = join_cells([*parts, other]).set_index(["product", "n"])
    assert len(joined) == 4 and (joined["h"].loc["atl11"].sort_index() == [7.0, 13.0]).all()
    cell = joined.loc[("atl06", 4)]
    assert cell[["h", "h_low", "h_high", "n_passes"]].tolist() == [15.0, 10.0, 40.0, 4]
    assert [str(cell[name])[:4] for name in ("time_first", "time_last")] == ["2019", "2025"]
    assert cell["longitude"] == 15.0
    empty = join_cells([])
    assert len(empty) == 0 and list(empty.columns) == list(COLUMNS) and empty["h"].dtype == "f8"


@pytest.mark.parametrize(("degrees", "cell"), [(0.1, 100.0), (0.3, 200.0), (0.8, 500.0), (2.0, 1000.0), (9.0, 5000.0)])
def test_a_map_has_about_three_hundred_cells(degrees, cell):
    """A degree of latitude is 111.6 km: the cell is the next of 1, 2 or 5 times a power of ten above a 300th."""
    grid = map_cells(load({"bbox": [15, 80 - degrees, 15.1, 80]}), "EPSG:32633")
    assert grid.dx == grid.dy == cell
    assert_allclose(grid.ny * cell, 111_650 * degrees + 2 * cell, atol=2 * cell)
