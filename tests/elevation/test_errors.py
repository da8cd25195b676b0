"""Errors of sums: the three views in order, and the published numbers for 40 x 40 km."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from nunatak.elevation import errors, sum_errors
from nunatak.elevation.errors import disk_factor, spherical


def square(n=40, cell=1000.0):
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(n) * cell, np.arange(n) * cell))
    return x, y, np.full((1, n * n), cell**2)


def test_spherical_correlation():
    assert_allclose(spherical([0, 5e3, 10e3, 20e3], 10e3), [1, 0.3125, 0, 0])


def test_forty_kilometres_square_with_a_range_of_ten():
    """0.185 sigma exactly, 0.198 for the disk, 0.025 as if independent, 1 fully correlated (sigma of the mean)."""
    x, y, weights = square()
    total = weights.sum()
    found = sum_errors(weights, x, y, [total], correlation_range=10e3)
    assert_allclose(found.correlated / total, 0.185, atol=5e-4)
    assert_allclose(disk_factor(total, 10e3), 0.198, atol=5e-4)
    assert_allclose(found.independent / total, 0.025)
    assert_allclose(found.fully_correlated / total, 1.0)


def test_double_sum_is_the_quadratic_form():
    rng = np.random.default_rng(2)
    x, y = rng.uniform(0, 30e3, (2, 700))
    s = rng.uniform(0, 2, (3, 700))
    rho = spherical(np.hypot(x[:, None] - x, y[:, None] - y), 8e3)
    expected = [np.sqrt(v @ rho @ v) for v in s]
    assert_allclose(sum_errors(s, x, y, np.ones(3), correlation_range=8e3).correlated, expected, rtol=1e-12)


def test_noise_of_that_correlation_has_that_error():
    """4000 fields drawn with the spherical correlation: their sums scatter as the double sum says."""
    x, y, weights = square(12)
    rho = spherical(np.hypot(x[:, None] - x, y[:, None] - y), 6e3)
    factor = np.linalg.cholesky(rho + 1e-10 * np.eye(x.size))
    noise = factor @ np.random.default_rng(4).normal(size=(x.size, 4000))
    scatter = (weights @ noise).std()
    assert_allclose(sum_errors(weights, x, y, [1.0], correlation_range=6e3).correlated, scatter, rtol=0.04)


def test_many_cells_use_the_disk(monkeypatch):
    x, y, weights = square()
    monkeypatch.setattr(errors, "EXACT_CELLS", 100)
    total = weights.sum()
    found = sum_errors(weights, x, y, [total], correlation_range=10e3)
    assert_allclose(found.correlated / total, disk_factor(total, 10e3))


@pytest.mark.parametrize("correlation_range", [100.0, 5e3, 50e3, 1e7])
def test_bounds_enclose_the_middle_value(correlation_range):
    x, y, weights = square(15)
    found = sum_errors(weights, x, y, [weights.sum()], correlation_range=correlation_range)
    assert found.independent <= found.correlated <= found.fully_correlated


def test_disk_factor_is_continuous_where_its_two_forms_meet():
    area = np.pi * 10e3**2
    assert_allclose(disk_factor(area * (1 - 1e-9), 10e3), disk_factor(area, 10e3), rtol=1e-6)
