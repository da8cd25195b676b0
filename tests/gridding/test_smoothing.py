"""The Gaussian kernel against its definition, its invariances, and its error against withheld tracks."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.gridding import Grid, gaussian_kernel, leave_one_track_out
from nunatak.gridding.smoothing import estimate_reference
from nunatak.runtime import NunatakError

GRID = Grid("EPSG:3413", 0.0, 100_000.0, 10_000.0, 10_000.0, 10, 10)


def scattered(n=400, seed=0):
    """Points with known errors over the grid."""
    rng = np.random.default_rng(seed)
    sigma = rng.uniform(0.05, 0.2, n)
    x, y = rng.uniform(0, 1e5, (2, n))
    return {"x": x, "y": y, "value": 1.0 + x / 1e5 + rng.normal(0, sigma), "sigma": sigma}


def test_kernel_equals_its_definition():
    """Value, error and neighbours at every node."""
    points = scattered()
    value, error, count = gaussian_kernel(points, GRID, length=8e3, radius=15e3, per_quadrant=3)
    for row in range(GRID.ny):
        for column in range(GRID.nx):
            expected = estimate_reference(GRID.x[column], GRID.y[row], points, length=8e3, radius=15e3, per_quadrant=3)
            assert_allclose([value[row, column], error[row, column], count[row, column]], expected, rtol=1e-12)


def test_a_constant_stays_constant():
    """Equal values give that value with the points' own error, and nothing beyond the radius."""
    points = scattered() | {"value": np.full(400, 0.3), "sigma": np.full(400, 0.1)}
    value, error, _ = gaussian_kernel(points, GRID, length=8e3, radius=15e3)
    assert_allclose(value, 0.3)
    assert_allclose(error, 0.1)
    far = Grid("EPSG:3413", 5e6, 5e6, 1e4, 1e4, 2, 2)
    assert np.isnan(gaussian_kernel(points, far, length=8e3, radius=15e3)[0]).all()


def slow_estimate(x, y, points, *, length, radius, per_quadrant, minimum, n_sigma, track):
    """Value, error and number of neighbours of one node, in words: the nearest of four quadrants, less outliers."""
    dx, dy = points["x"] - x, points["y"] - y
    distance = np.hypot(dx, dy)
    chosen = []
    for east in (False, True):
        for north in (False, True):
            near = (distance <= radius) & ((dx >= 0) == east) & ((dy >= 0) == north) & (points["track"] != track)
            near = np.flatnonzero(near)
            chosen += near[np.argsort(distance[near], kind="stable")][:per_quadrant].tolist()
    v = points["value"][chosen]
    if n_sigma and v.size > 2:
        within = np.abs(v - np.median(v)) <= n_sigma * v.std()
        chosen, v = np.array(chosen)[within].tolist(), v[within]
    if len(chosen) < minimum:
        return np.nan, np.nan, len(chosen)
    s = points["sigma"][chosen] if "sigma" in points else np.ones(v.size)
    w = np.exp(-(distance[chosen] ** 2) / (2 * length**2)) / s**2
    mean = np.average(v, weights=w)
    own = np.average(s**2, weights=w) if "sigma" in points else 0.0
    return mean, np.sqrt(np.average((v - mean) ** 2, weights=w) + own), len(chosen)


@pytest.mark.parametrize("n_sigma", [None, 1.0, 1.5])
@pytest.mark.parametrize("sigma", [True, False])
def test_points_on_a_lattice_meet_every_limit(sigma, n_sigma):
    """Nodes and points of whole kilometres: points on axes between quadrants, at the radius, and beyond the points."""
    rng = np.random.default_rng(7)
    places = np.stack(np.meshgrid(np.arange(2.0, 10.0), np.arange(3.0, 9.0)), -1).reshape(-1, 2)
    x, y = 1000 * rng.permutation(places[rng.random(len(places)) < 0.8]).T
    points = {"x": x, "y": y, "value": rng.integers(0, 4, x.size).astype(float), "track": rng.integers(0, 3, x.size)}
    if sigma:
        points["sigma"] = rng.uniform(0.1, 0.4, x.size)
    grid = Grid("EPSG:3413", -500.0, 12_500.0, 1000.0, 1000.0, 13, 13)
    settings = {"length": 1500.0, "radius": 2000.0, "per_quadrant": 9, "minimum": 4, "n_sigma": n_sigma}
    found = gaussian_kernel(points, grid, **settings)
    for row, column in np.ndindex(grid.shape):
        expected = slow_estimate(grid.x[column], grid.y[row], points, track=None, **settings)
        assert [values[row, column] for values in found] == pytest.approx(expected, nan_ok=True), (row, column)
    assert 0.1 < np.isnan(found[0]).mean() < 0.9
    residual, error = leave_one_track_out(points, **settings)
    for i in range(x.size):
        value, sigma_of, _ = slow_estimate(x[i], y[i], points, track=points["track"][i], **settings)
        assert [residual[i], error[i]] == pytest.approx([points["value"][i] - value, sigma_of], nan_ok=True)


def test_a_node_with_three_neighbours_has_a_value_and_one_with_two_has_none():
    """Three points about the centre of a cell, at equal distances: their mean."""
    node = Grid("EPSG:3413", 0.0, 1000.0, 1000.0, 1000.0, 1, 1)
    around = np.radians([90.0, 210.0, 330.0])
    points = {"x": 500 + 100 * np.cos(around), "y": 500 + 100 * np.sin(around), "value": np.array([1.0, 2.0, 6.0])}
    value, _, count = gaussian_kernel(points, node, length=1e3, radius=2e3)
    assert value.item() == pytest.approx(3.0) and count.item() == 3
    assert np.isnan(gaussian_kernel({k: v[:2] for k, v in points.items()}, node, length=1e3, radius=2e3)[0]).all()


def test_order_of_points_does_not_matter():
    """Any order: the same map."""
    points = scattered()
    order = np.random.default_rng(1).permutation(400)
    shuffled = {name: values[order] for name, values in points.items()}
    one = gaussian_kernel(points, GRID, length=8e3, radius=15e3)
    other = gaussian_kernel(shuffled, GRID, length=8e3, radius=15e3)
    for a, b in zip(one, other, strict=True):
        assert_array_equal(a, b)


def test_outliers_are_dropped_when_asked():
    """One value of 100 among forty of 0.3 vanishes with n_sigma=3 and does not without."""
    rng = np.random.default_rng(2)
    points = {"x": rng.uniform(4e4, 6e4, 41), "y": rng.uniform(4e4, 6e4, 41), "value": np.full(41, 0.3)}
    points["value"][7] = 100.0
    node = Grid("EPSG:3413", 45e3, 55e3, 1e4, 1e4, 1, 1)
    options = {"length": 8e3, "radius": 2e4, "per_quadrant": 20}
    assert gaussian_kernel(points, node, **options)[0][0, 0] > 1
    assert_allclose(gaussian_kernel(points, node, **options, n_sigma=3)[0], 0.3)


def test_error_covers_withheld_tracks():
    """On a smooth field seen by ten tracks, residuals of a withheld track are of the size of the stated error."""
    rng = np.random.default_rng(3)
    track = np.repeat(np.arange(10), 100)
    y = np.tile(np.linspace(0, 1e5, 100), 10)
    x = 1e4 * track + 5e3 + rng.normal(0, 100, 1000)
    field = np.sin(x / 4e4) * np.cos(y / 4e4)
    points = {"x": x, "y": y, "value": field + rng.normal(0, 0.1, 1000), "sigma": np.full(1000, 0.1), "track": track}
    residual, error = leave_one_track_out(points, length=6e3, radius=2e4)
    known = np.isfinite(residual)
    assert known.mean() > 0.95
    assert 0.5 < np.std(residual[known] / error[known]) < 1.2
    alone = leave_one_track_out(points | {"track": np.zeros(1000, int)}, length=6e3, radius=2e4)[0]
    assert np.isnan(alone).all()


def test_useless_points_are_refused():
    """No finite point, or a radius of nothing, is said."""
    points = scattered(5)
    with pytest.raises(NunatakError, match="none of 5 points has a position, a value and a positive sigma"):
        gaussian_kernel(points | {"sigma": np.zeros(5)}, GRID, length=1e3, radius=1e4)
    with pytest.raises(NunatakError, match="radius 0 must be positive"):
        gaussian_kernel(points, GRID, length=1e3, radius=0)
