"""Robust estimators: against numpy, against their definitions, and over groups, rows and classes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nunatak.compute.robust import (
    huber_weights,
    in_classes,
    median,
    moving_median,
    nmad,
    nmad_by,
    percentile,
    row_medians,
)


@settings(max_examples=50)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=40), st.integers(1, 8))
def test_medians_equal_numpy(values, half):
    """By selection, and of a moving window that is shorter at the ends."""
    values = np.array(values, dtype=float)
    assert median(values.copy(), values.size) == np.median(values)
    out = np.empty(values.size)
    moving_median(values, values.size, half, np.empty(2 * half + 1), out)
    expected = [np.median(values[max(i - half, 0) : i + half + 1]) for i in range(values.size)]
    np.testing.assert_array_equal(out, expected)


def test_percentiles_equal_numpy():
    """Between ranks and at both ends, of values in any order."""
    values = np.random.default_rng(0).normal(size=31)
    for share in (0.0, 0.02, 0.5, 0.98, 1.0):
        assert percentile(values.copy(), share) == pytest.approx(np.quantile(values, share), rel=1e-14)


def test_nmad_is_the_standard_deviation_that_outliers_do_not_move():
    """
    The NMAD is 1 for standard normal values, and 1.14 with a tenth of them far off.

    What is not finite is left out.
    """
    values = np.random.default_rng(1).normal(size=100_000)
    assert nmad(values) == pytest.approx(1.0, abs=0.01)
    values[::10] = 1e6
    assert nmad(values) == pytest.approx(1.14, abs=0.02)  # the median of |z| moves to its quantile 0.5 / 0.9
    assert nmad([5.0, np.nan, 7.0, np.inf, 6.0]) == 1.4826 and np.isnan(nmad([]))


def test_nmad_of_groups_rows_and_axes_is_that_of_each():
    """Against one call for each group, row and column."""
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"value": rng.normal(size=60), "a": rng.integers(0, 3, 60), "b": rng.integers(0, 2, 60)})
    found = nmad_by(table["value"], [table["a"], table["b"]])
    for key, rows in table.groupby(["a", "b"]):
        assert found[key] == nmad(rows["value"])
    rows = rng.normal(size=(40, 7))
    rows[rng.random(rows.shape) < 0.3] = np.nan
    rows[:, 0] = 1.0
    np.testing.assert_array_equal(row_medians(rows), np.nanmedian(rows, axis=1))
    np.testing.assert_array_equal(nmad(rows, axis=0), [nmad(column) for column in rows.T])


def test_huber_weights_are_the_influence_over_the_residual():
    """The definition: the derivative of Huber's loss over the residual, by differences of the loss."""

    def loss(z):
        return np.where(np.abs(z) <= 3.0, 0.5 * z**2, 3.0 * (np.abs(z) - 1.5))

    z = np.array([-9.0, -3.5, -1.0, 0.25, 2.0, 4.0])
    slope = (loss(z + 1e-6) - loss(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(huber_weights(z, 3.0), slope / z, rtol=1e-8)


def test_a_class_holds_its_lower_edge_and_nan_is_in_none():
    """Empty classes and what lies outside are left out."""
    values = np.array([0.0, 1.0, np.nan, 5.0, 3.9, -1.0])
    found = [(low, high, values[inside].tolist()) for low, high, inside in in_classes(values, (0, 1, 2, 4))]
    assert found == [(0, 1, [0.0]), (1, 2, [1.0]), (2, 4, [3.9])]
