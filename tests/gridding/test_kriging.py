"""Ordinary kriging: exact cases, the textbook system as an oracle, and an error that holds over realisations."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist

from nunatak.gridding import Grid, krige
from nunatak.runtime import NunatakError

GRID = Grid("EPSG:3413", 0.0, 50_000.0, 10_000.0, 10_000.0, 5, 5)
REACH, SILL = 30e3, 4.0


def scattered(n=60, seed=0):
    """Points with errors over the grid."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 5e4, (2, n))
    return {"x": x, "y": y, "value": rng.normal(10, 2, n), "sigma": rng.uniform(0.1, 1, n)}


def test_equals_the_textbook_system():
    """Weights from the (n + 1) system with a Lagrange multiplier give the same value and variance."""
    points = scattered()
    value, error = krige(points, GRID, reach=REACH, sill=SILL, nugget=0.2)
    place = np.column_stack([points["x"], points["y"]])
    system = np.ones((61, 61))
    system[:60, :60] = SILL * np.exp(-3 * cdist(place, place) / REACH) + np.diag(points["sigma"] ** 2 + 0.2)
    system[60, 60] = 0
    for row, column in ((0, 0), (2, 3), (4, 4)):
        near = SILL * np.exp(-3 * cdist([[GRID.x[column], GRID.y[row]]], place)[0] / REACH)
        solved = np.linalg.solve(system, np.append(near, 1))
        assert_allclose(value[row, column], solved[:60] @ points["value"], rtol=1e-10)
        assert_allclose(error[row, column] ** 2, SILL - solved[:60] @ near - solved[60], rtol=1e-9)


def test_a_point_without_error_is_honoured():
    """At a point the value is the point's and the error 0; far from all points the mean, with the full spread."""
    points = scattered() | {"sigma": np.zeros(60)}
    points["x"][0], points["y"][0] = GRID.x[2], GRID.y[2]
    value, error = krige(points, GRID, reach=REACH, sill=SILL)
    assert_allclose([value[2, 2], error[2, 2]], [points["value"][0], 0], atol=1e-6)
    far = Grid("EPSG:3413", 1e7, 1e7, 1e4, 1e4, 1, 1)
    assert krige(points, far, reach=REACH, sill=SILL)[1][0, 0] >= np.sqrt(SILL)


def test_error_is_calibrated():
    """Fields drawn with the covariance itself: squared errors over stated variances average to 1."""
    rng = np.random.default_rng(1)
    nodes = np.stack(np.meshgrid(GRID.x, GRID.y), axis=-1).reshape(-1, 2)
    ratios = []
    for seed in range(40):
        points = scattered(seed=seed)
        every = np.concatenate([nodes, np.column_stack([points["x"], points["y"]])])
        root = np.linalg.cholesky(SILL * np.exp(-3 * cdist(every, every) / REACH) + 1e-9 * np.eye(len(every)))
        field = 5 + root @ rng.normal(size=len(every))
        points["value"] = field[25:] + rng.normal(0, points["sigma"])
        value, error = krige(points, GRID, reach=REACH, sill=SILL)
        ratios.append(((value.ravel() - field[:25]) / error.ravel()) ** 2)
    assert_allclose(np.mean(ratios), 1.0, atol=0.15)


@pytest.mark.parametrize(
    ("change", "options", "text"),
    [
        ({"value": np.full(60, np.nan)}, {}, "none of 60 points has a position"),
        ({}, {"sill": 0.0}, "sill 0.0 must be positive"),
        ({"x": np.zeros(60), "y": np.zeros(60), "sigma": np.zeros(60)}, {}, "two points lie at one place"),
        ({name: np.zeros(5001) for name in ("x", "y", "value", "sigma")}, {}, "5001 points are more than 5000"),
    ],
)
def test_what_cannot_be_solved_is_said(change, options, text):
    """No points, too many, no spread, or two in one place: each in one line."""
    with pytest.raises(NunatakError, match=text):
        krige(scattered() | change, GRID, **({"reach": REACH, "sill": SILL} | options))
