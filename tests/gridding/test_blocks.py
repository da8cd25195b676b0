"""Exact medians per cell against NumPy's, one cell after the other."""

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.gridding import block_median, make_grid
from nunatak.gridding.bins import cell_numbers
from nunatak.gridding.blocks import block_median_reference

GRID = make_grid(preset="ease2_south", cell="25km")


def scattered(n=20_000, seed=0):
    """Points over the Ross Sea, a few without a value, a few outliers."""
    rng = np.random.default_rng(seed)
    value = rng.normal(0.3, 0.1, n)
    value[::97] = np.nan
    value[::101] = 50.0
    return pd.DataFrame(
        {"longitude": rng.uniform(170, 190, n), "latitude": rng.uniform(-78, -74, n), "value": value, "weight": 1.0}
    )


def test_medians_equal_the_slow_ones():
    """Count, median and MAD of every cell, with equal weights and without."""
    points = scattered()
    known = points[points["value"].notna()]
    cell = cell_numbers(known["longitude"].to_numpy(), known["latitude"].to_numpy(), GRID)
    value = known["value"].to_numpy()
    for weight in (None, "weight"):
        table = block_median(points, GRID, value="value", weight=weight)
        assert_array_equal(table["cell"], np.unique(cell))
        assert table["count"].sum() == len(known)
        assert_allclose(table["median"], block_median_reference(cell, value), rtol=1e-12)
        centre = dict(zip(table["cell"], table["median"], strict=True))
        deviation = np.abs(value - np.array([centre[c] for c in cell]))
        assert_allclose(table["mad"], block_median_reference(cell, deviation), rtol=1e-9)


def test_weights_move_the_median():
    """Values 1, 2, 3 with weights 1, 1, 5: half the weight is reached in 3."""
    points = {"longitude": [180.0] * 3, "latitude": [-75.0] * 3, "value": [1.0, 2.0, 3.0], "weight": [1.0, 1.0, 5.0]}
    assert list(block_median(points, GRID, value="value", weight="weight")["median"]) == [3.0]
    assert list(block_median(points, GRID, value="value")["median"]) == [2.0]


def test_nmad_is_the_noise_without_the_outliers():
    """Normal noise of 0.1 with 1 % outliers of 50: nmad is 0.1 to a few per cent."""
    points = scattered(50_000).assign(longitude=180.0, latitude=-75.0)
    assert_allclose(block_median(points, GRID, value="value")["nmad"], 0.1, rtol=0.03)


def test_nothing_in_the_grid_is_an_empty_table():
    """Points of the other hemisphere: no cell."""
    points = {"longitude": [0.0], "latitude": [75.0], "value": [1.0]}
    assert block_median(points, GRID, value="value").empty
