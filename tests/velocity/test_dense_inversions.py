"""The banded inversion of a cell against dense matrices, with weights for outliers and images that pairs share."""

from itertools import pairwise

import numpy as np
import pytest
from tests.builders.velocity import FILL, cells_of, cube_of, pair_times

from nunatak.velocity.design import design
from nunatak.velocity.inverse_cells import invert_cells
from nunatak.velocity.inversion import _steps


def dense_inversion(velocity, pairs, steps, c, used, *, smoothness, robust, image_sigma):
    """Return values and errors of one component of one cell, by the definition in words."""
    size = steps.edges.size - 1
    matrix = np.zeros((used.size, size))
    for row, i in enumerate(used):
        for j in range(steps.overlap.shape[1]):
            if steps.overlap[i, j] > 0:
                matrix[row, steps.first[i] + j] = steps.overlap[i, j]
    dt, weight = pairs.dt[used], 1 / (pairs.sigma[c] * pairs.dt)[used] ** 2
    difference = np.diff(np.eye(size), axis=0) / smoothness
    prior = difference.T @ difference
    extra = np.ones(used.size)
    for attempt in range(10 if robust else 1):
        normal = matrix.T @ (matrix * (weight * extra)[:, None]) + prior
        solution = np.linalg.solve(normal, matrix.T @ (weight * extra * velocity[used] * dt))
        residual = (velocity[used] * dt - matrix @ solution) * np.sqrt(weight)
        if attempt == (9 if robust else 0):
            break
        u = residual / (4.685 * max(1.4826 * np.median(np.abs(residual)), 0.1))
        before, extra = extra, np.where(np.abs(u) < 1, (1 - u**2) ** 2, 0.0)
        if np.abs(extra - before).max() < 0.1:
            break
    inverse = np.linalg.inv(normal)
    told = size - np.trace(inverse @ prior)  # unknowns that the pairs decide
    chi2 = (extra * residual**2).sum() / max(extra.sum() - told, 1.0)
    variance = np.diag(inverse).copy()
    if image_sigma:
        images = np.zeros((used.size, pairs.n_images))
        rows = np.arange(used.size)
        images[rows, pairs.images[0, used]], images[rows, pairs.images[1, used]] = -1, 1
        errors = image_sigma**2 * images @ images.T + np.diag(np.maximum(1 / weight - 2 * image_sigma**2, 0))
        gain = inverse @ (matrix * (weight * extra)[:, None]).T
        variance = np.maximum(variance, np.diag(gain @ errors @ gain.T))
    return solution, np.sqrt(variance * max(chi2, 1.0)), chi2


@pytest.mark.parametrize("robust", [True, False])
@pytest.mark.parametrize("image_sigma", [0.0, 2.0])
@pytest.mark.parametrize("noise", [8.0, 80.0])
def test_inversion_is_that_of_dense_matrices(robust, image_sigma, noise):
    """With errors of all sizes, a pair in ten wild, and pairs that are missing or kept out."""
    rng = np.random.default_rng(31)
    start, end = pair_times(rng, 130, first=2000.3, last=2004.2, dt_days=(16, 48, 150))
    n = start.size
    v = 800 + 60 * np.sin(2 * np.pi * start) + rng.normal(0, noise, (2, n))
    v[:, ::10] += rng.choice([-900, 900], (2, n // 10))
    v[0, 5], v[1, 17] = np.nan, np.nan
    images = 2 * np.sort(rng.integers(0, n // 3, (2, n)), axis=0) + np.array([[0], [1]])
    cube = cube_of(*v[:, :, None, None], start, end, sigma=rng.uniform(12, 60, n), images=images)
    pairs, (vx, vy) = design(cube), cells_of(cube)
    pairs.keep[40:43] = False
    steps = _steps(pairs, 40.0, "2000-08-01", "2003-11-20")
    options = {"smoothness": 40.0, "robust": robust, "image_sigma": image_sigma}
    out = invert_cells(vx, vy, pairs, steps, minimum=5, **options)
    inside = (start >= steps.edges[0] - 1e-9) & (end <= steps.edges[-1] + 1e-9)
    used = np.flatnonzero((vx[0] != FILL) & (vy[0] != FILL) & pairs.keep & inside)
    assert 60 < used.size < n - 10
    counted = [((start[used] < high) & (end[used] > low)).sum() for low, high in pairwise(steps.edges)]
    np.testing.assert_array_equal(out["pairs"][0], counted)
    seen = np.flatnonzero(counted)
    between = slice(seen[0], seen[-1] + 1)
    for c, row in enumerate((vx[0], vy[0])):
        values, errors, chi2 = dense_inversion(row.astype(float), pairs, steps, c, used, **options)
        assert (chi2 > 1.2) == (noise > 50 or not robust)
        np.testing.assert_allclose(out["velocity"][0, c, between], values[between], rtol=1e-6)
        np.testing.assert_allclose(out["error"][0, c, between], errors[between], rtol=1e-6)
        for name in ("velocity", "error"):
            assert np.isnan(np.delete(out[name][0, c], np.r_[between])).all()
    few = invert_cells(vx, vy, pairs, steps, minimum=used.size + 1, **options)
    assert np.isnan(few["velocity"]).all()
    enough = invert_cells(vx, vy, pairs, steps, minimum=used.size, **options)
    np.testing.assert_array_equal(enough["velocity"], out["velocity"])
