"""Bilinear sampling and its rule for missing neighbours."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.elevation.sampling import BILINEAR, MISSING, NEAREST, RENORMALISED, sample

X, Y = np.array([0.0, 1.0, 2.0]), np.array([2.0, 1.0, 0.0])
PLANE = 10.0 + X + 100 * Y[:, None]


def test_a_plane_is_met_everywhere_between_centres():
    px, py = np.array([0.0, 0.3, 1.7, 2.0]), np.array([0.0, 1.9, 0.4, 2.0])
    values, flag = sample(PLANE, X, Y, px, py)
    assert_allclose(values, 10 + px + 100 * py)
    assert (flag == BILINEAR).all()


def test_order_of_rows_does_not_matter():
    px, py = np.array([0.3, 1.2]), np.array([0.4, 1.5])
    assert_allclose(sample(PLANE, X, Y, px, py)[0], sample(PLANE[::-1], X, Y[::-1], px, py)[0])


def test_three_of_four_are_weighted_anew():
    holed = PLANE.copy()
    holed[2, 0] = np.nan  # the corner (0, 0), value 10
    values, flag = sample(holed, X, Y, [0.5], [0.5])
    assert_allclose(values, (11 + 110 + 111) / 3)
    assert flag[0] == RENORMALISED


def test_two_of_four_are_missing_and_at_a_margin_nearest():
    holed = PLANE.copy()
    holed[:, 0] = np.nan
    assert np.isnan(sample(holed, X, Y, [0.6], [0.6])[0]).all()
    values, flag = sample(holed, X, Y, [0.6], [0.6], margin=True)
    assert_allclose(values, 111.0)
    assert flag[0] == NEAREST


def test_nearest_without_a_value_stays_missing():
    holed = PLANE.copy()
    holed[:, 0] = np.nan
    values, flag = sample(holed, X, Y, [0.4], [0.6], margin=True)
    assert np.isnan(values[0]) and flag[0] == MISSING


def test_point_on_a_centre_needs_only_that_centre():
    alone = np.full((3, 3), np.nan)
    alone[1, 1] = 7.0
    assert_allclose(sample(alone, X, Y, [1.0], [1.0])[0], [7.0])


def test_outside_the_outer_cells_there_is_nothing():
    values, flag = sample(PLANE, X, Y, [-0.4, -0.6], [1.0, 1.0], margin=True)
    assert_array_equal(np.isnan(values), [False, True])
    assert flag[1] == MISSING


@pytest.mark.parametrize("margin", [False, True])
def test_half_a_cell_beyond_the_outermost_centres_on_every_side(margin):
    """Grids of odd and even size: a point on the outer edge of the outer cell is in it, a little beyond it in none."""
    for n in (3, 4):
        x = np.arange(float(n))
        y = x[::-1]
        values = 10.0 + x + 100 * y[:, None]
        for beyond, inside in ((0.5, True), (0.51, False), (1.4, False)):
            px = np.array([-beyond, n - 1 + beyond, 1.0, 1.0])
            py = np.array([1.0, 1.0, -beyond, n - 1 + beyond])
            found, flag = sample(values, x, y, px, py, margin=margin)
            expected = 10 + np.clip(px, 0, n - 1) + 100 * np.clip(py, 0, n - 1)
            assert_allclose(found, expected if inside else np.nan)
            assert (flag == (BILINEAR if inside else MISSING)).all()
    only = np.full((4, 4), np.nan)
    only[0, 3] = 7.0  # at x = 3, y = 3
    assert_allclose(sample(only, x, y, [3.5, 3.5], [3.5, 2.9], margin=True)[0], 7.0)


def test_fields_are_sampled_together():
    values, _ = sample(np.stack([PLANE, 2 * PLANE]), X, Y, [0.3], [0.4])
    assert_allclose(values[1], 2 * values[0])


def slow_sample(values, x, y, px, py, margin):
    """Sample one point by the rule in words."""
    column, row = (px - x[0]) / (x[1] - x[0]), (py - y[0]) / (y[1] - y[0])
    if not (-0.5 <= column <= x.size - 0.5 and -0.5 <= row <= y.size - 0.5):
        return np.nan, MISSING
    at = np.clip(column, 0, x.size - 1), np.clip(row, 0, y.size - 1)
    weights = {}
    for i in range(y.size):
        for j in range(x.size):
            weight = max(1 - abs(at[1] - i), 0) * max(1 - abs(at[0] - j), 0)
            if weight > 0:
                weights[i, j] = weight
    known = {place: weight for place, weight in weights.items() if np.isfinite(values[place])}
    lost = len(weights) - len(known)
    if known and lost <= 1:
        total = sum(known.values())
        mean = sum(weight * values[place] for place, weight in known.items()) / total
        return mean, RENORMALISED if lost else BILINEAR
    nearest = values[int(np.clip(np.rint(row), 0, y.size - 1)), int(np.clip(np.rint(column), 0, x.size - 1))]
    return (nearest, NEAREST) if margin and np.isfinite(nearest) else (np.nan, MISSING)


@pytest.mark.parametrize("shape", [(2, 2), (2, 5), (4, 2), (5, 6)])
@pytest.mark.parametrize("margin", [True, False])
def test_points_anywhere_are_sampled_as_by_the_slow_rule(shape, margin):
    """Places at tenths of a cell, on centres, at the rim and beyond it, with a value in four missing."""
    rng = np.random.default_rng(sum(shape))
    y, x = 50.0 - 20.0 * np.arange(shape[0]), 7.0 + 10.0 * np.arange(shape[1])
    px, py = np.meshgrid(np.arange(-0.75, shape[1], 0.25) * 10 + 7, 50 - np.arange(-0.75, shape[0], 0.25) * 20)
    for missing in (0.0, 0.25):
        values = np.where(rng.random(shape) < missing, np.nan, rng.normal(0, 9, shape))
        sampled, flag = sample(values, x, y, px.ravel(), py.ravel(), margin=margin)
        expected = [slow_sample(values, x, y, *place, margin) for place in zip(px.ravel(), py.ravel(), strict=True)]
        assert_array_equal(flag, [known for _, known in expected])
        assert_allclose(sampled, [value for value, _ in expected], atol=1e-12)
