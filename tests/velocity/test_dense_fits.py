"""The banded fit of a cell against dense matrices, and the choice of its pairs against the slow one at every limit."""

from types import SimpleNamespace

import numpy as np
import pytest
from tests.builders.velocity import cells_of, cube_of, mean_over, pair_times

from nunatak.velocity.annual_cells import fit_cells
from nunatak.velocity.design import design
from nunatak.velocity.filters import NO_FILTERS, Filters, keep_cell, keep_reference, rules_of, scratch_of


def dense_fit(velocity, pairs, c, seasonal, trend_inside, image_sigma):
    """Return annual means and their errors, a, b, their variances and covariance, chi2, by the definition in words."""
    n_years, n = pairs.years.size, velocity.size
    matrix = np.zeros((n, n_years + 2))
    lever = np.zeros((n, n_years))
    for i in range(n):
        for j in range(pairs.overlap.shape[1]):
            if pairs.overlap[i, j] > 0:
                matrix[i, pairs.first[i] + j] = pairs.overlap[i, j]
                lever[i, pairs.first[i] + j] = pairs.lever[i, j]
    matrix[:, n_years:] = pairs.seasonal
    matrix = matrix[:, : n_years + 2 * seasonal]
    seen = np.flatnonzero((matrix[:, :n_years] != 0).any(axis=0))
    columns = np.r_[seen, np.arange(n_years, matrix.shape[1])]
    a = matrix[:, columns]
    variance = (pairs.sigma[c] * pairs.dt) ** 2
    weights = np.diag(1 / variance)
    inverse = np.linalg.inv(a.T @ weights @ a)
    first = inverse @ a.T @ weights @ (velocity * pairs.dt)
    years = a[:, : seen.size]
    doubts = np.diag(np.linalg.inv(years.T @ weights @ years))
    slope_of = np.zeros((n_years, columns.size))
    for k in range(n_years) if trend_inside else ():
        before, after = seen[seen < k], seen[seen > k]
        low = before[-1] if before.size else k
        high = after[0] if after.size else k
        if low == high or low not in seen or high not in seen:
            continue
        p, q = np.searchsorted(seen, [low, high])
        change, doubt = first[q] - first[p], doubts[p] + doubts[q]
        share = max(1 - doubt / change**2, 0.0)
        slope_of[k, q], slope_of[k, p] = share / (high - low), -share / (high - low)
    follow = np.eye(columns.size) - inverse @ a.T @ weights @ lever @ slope_of
    solution = follow @ first
    errors = np.diag(variance)
    if image_sigma:
        images = np.zeros((n, pairs.n_images))
        images[np.arange(n), pairs.images[0]], images[np.arange(n), pairs.images[1]] = -1, 1
        errors = image_sigma**2 * images @ images.T + np.diag(np.maximum(variance - 2 * image_sigma**2, 0))
    gain = follow @ inverse @ a.T @ weights
    covariance = gain @ errors @ gain.T
    rest = velocity * pairs.dt - lever @ (slope_of @ first) - a @ solution
    return seen, solution, covariance, rest @ weights @ rest / (n - columns.size)


@pytest.mark.parametrize("seasonal", [True, False])
@pytest.mark.parametrize("trend_inside", [True, False])
@pytest.mark.parametrize("image_sigma", [0.0, 1.5])
def test_fit_is_that_of_dense_matrices(seasonal, trend_inside, image_sigma):
    """With a gap of two years, pairs over three years, images shared by pairs, errors of all sizes."""
    rng = np.random.default_rng(21)
    start, end = pair_times(rng, 160, first=2000.0, last=2009.0, dt_days=(16, 64, 368, 700))
    kept = (end < 2004.1) | (start > 2006.2)
    start, end = start[kept], end[kept]
    n = start.size
    v = mean_over(start, end, trend=70.0, amplitude=40.0, phase=100.0) + rng.normal(0, 15, n)
    images = 2 * np.sort(rng.integers(0, n // 2, (2, n)), axis=0) + np.array([[0], [1]])
    cube = cube_of(v[:, None, None], -0.4 * v[:, None, None], start, end, sigma=rng.uniform(10, 60, n), images=images)
    pairs, (vx, vy) = design(cube), cells_of(cube)
    options = {"seasonal": seasonal, "trend_inside": trend_inside, "image_sigma": image_sigma}
    out = fit_cells(vx, vy, pairs, NO_FILTERS, **options)
    for c, row in enumerate((vx[0], vy[0])):
        seen, solution, covariance, chi2 = dense_fit(row.astype(float), pairs, c, **options)
        assert seen.size < pairs.years.size
        annual, sigma, cycle = out["annual"][0, c], out["sigma"][0, c], out["cycle"][0, c]
        assert np.isnan(np.delete(annual, seen)).all() and np.isnan(np.delete(sigma, seen)).all()
        np.testing.assert_allclose(annual[seen], solution[: seen.size], rtol=1e-7)
        np.testing.assert_allclose(sigma[seen], np.sqrt(np.diag(covariance))[: seen.size], rtol=1e-6)
        np.testing.assert_allclose(cycle[5], chi2, rtol=1e-6)
        if seasonal:
            np.testing.assert_allclose(cycle[:2], solution[-2:], rtol=1e-6)
            np.testing.assert_allclose(cycle[2:4], np.diag(covariance)[-2:], rtol=1e-6)
            if not image_sigma:
                np.testing.assert_allclose(cycle[4], covariance[-1, -2], rtol=1e-6)
        else:
            assert np.isnan(cycle[:5]).all()


@pytest.mark.parametrize("draw", range(6))
def test_pairs_are_chosen_as_by_the_slow_filters_at_every_limit(draw):
    """Whole velocities and separations at the edges of their bins meet every limit exactly somewhere."""
    rng, chosen = np.random.default_rng(draw), []
    for _ in range(60):
        n = int(rng.choice([4, 5, 6, 30, 60, 180]))
        days = rng.choice([8, 16, 17, 32, 33, 64, 65, 128, 129, 256, 257], n).astype(float)
        group = rng.integers(0, 2, n)
        speed = int(rng.choice([6, 40, 400]))
        vx = np.rint(speed + rng.normal(0, 3, n)) * np.where(days > rng.choice([16, 64, 300]), 0.1, 1).round()
        vy = np.rint(rng.normal(0, 2, n))
        wild = rng.random(n) < 0.05
        vx[wild] *= 9
        vx[rng.random(n) < 0.1] = np.nan
        filters = Filters(
            max_speed=float(rng.choice([speed + 3, 5000])),
            longest_separation=bool(rng.random() < 0.8),
            bin_minimum=int(rng.choice([3, 10])),
            window=int(rng.choice([0, 3, 15])),
            outlier_factor=float(rng.choice([1.0, 4.0])),
            before_minimum=int(rng.choice([1, 5])),
            after_minimum=int(rng.choice([1, 5])),
        )
        index = np.full(n, -1)
        present = np.flatnonzero(np.isfinite(vx) & np.isfinite(vy))
        index[: present.size] = present
        pairs = SimpleNamespace(dt=days / 365.25, group=group, group_names=("S1", "S2"))
        left = keep_cell(vx, vy, index, present.size, rules_of(pairs, filters), scratch_of(pairs, filters))
        expected = keep_reference(vx, vy, days, group, filters)
        np.testing.assert_array_equal(index[:left], np.flatnonzero(expected), err_msg=str(filters))
        chosen.append(expected.mean())
    assert 0.2 < np.mean(chosen) < 0.9
