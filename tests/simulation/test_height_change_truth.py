"""Height change as arrays: errors as large as they say, averages that conserve volume, rates that are differences."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from numpy.testing import assert_allclose

from nunatak.simulation import height_change, noise, world

REALISATIONS = 240


@pytest.fixture(scope="module")
def place():
    return world("austfonna", "tiny")


@pytest.fixture(scope="module")
def truth(place):
    return height_change.truth(place, height_change.data_counts(place))


@pytest.fixture(scope="module")
def realisations():
    """Estimates of a small iced grid, 5 epochs with the datum in the middle, true change zero; 1 km and 10 km."""
    rng = np.random.default_rng(20180101)
    axis = np.arange(21) * 1e3
    spread = 0.05 + 0.05 * rng.random((21, 21))
    shape = (5, 21, 21)
    still = height_change.HeightChange(
        axis, axis, 1e3, 2020.0 + 0.25 * np.arange(-2, 3), np.zeros(shape), np.full(shape, 1e6), spread
    )
    drawn = [height_change.with_errors(still, rng) for _ in range(REALISATIONS)]
    return still, drawn, [height_change.coarsen(change, 1e4) for change in drawn]


def assert_honest(z):
    """Standardised errors: 60 to 76 % within one sigma, at least 92 % within two."""
    assert 0.60 < np.mean(np.abs(z) < 1) < 0.76
    assert np.mean(np.abs(z) < 2) > 0.92


def test_delta_h_sigma_is_honest(realisations):
    """Of nodes and of 10 km averages, at every epoch but the datum, where both are zero."""
    for drawn in realisations[1:]:
        for epoch in (0, 1, 3, 4):
            assert_honest(np.stack([c.delta_h[epoch] / c.delta_h_sigma()[epoch] for c in drawn]))
        assert all(np.all(c.delta_h[2] == 0) and np.all(c.delta_h_sigma()[2] == 0) for c in drawn)


def test_dhdt_sigma_is_honest_and_less_than_quadrature(realisations):
    """Two epochs share the datum's error: sigma of their difference is not the root of the sum of squares."""
    for drawn in realisations[1:]:
        for lag in (1, 4):
            rates = [c.rates(lag) for c in drawn]
            assert_honest(np.stack([dhdt / sigma for _, dhdt, sigma, _ in rates]))
    change = realisations[1][0]
    sigma = change.delta_h_sigma()
    quadrature = np.hypot(sigma[3], sigma[4]) / 0.25
    assert np.all(change.rates(1)[2][3] < 0.9 * quadrature)


def test_errors_are_correlated_as_stated(realisations):
    """Correlation over 2, 5 and 12 km is the spherical one with a range of 10 km."""
    _, drawn, _ = realisations
    fields = np.stack([c.delta_h[4] / c.delta_h_sigma()[4] for c in drawn])
    for steps in (2, 5, 12):
        measured = np.mean(fields[:, :, steps:] * fields[:, :, :-steps])
        assert_allclose(measured, noise.spherical(steps * 1e3, 10e3), atol=0.08)


def test_field_is_exact_whatever_the_grid():
    """Unit variance and no correlation through the seam of the torus, on a grid narrower than the range."""
    field = noise.CorrelatedField((8, 30), 1e3, 10e3)
    rng = np.random.default_rng(5)
    draws = np.stack([field.draw(rng) for _ in range(600)])
    assert_allclose(draws.var(), 1.0, atol=0.05)
    assert abs(np.mean(draws[:, 0, 0] * draws[:, 0, 29])) < 0.13  # 3 / sqrt(600)
    assert_allclose(np.mean(draws[:, 0] * draws[:, 7]), noise.spherical(7e3, 10e3), atol=0.06)


def test_persistent_series_has_the_correlation_asked_for():
    """corr(i, j) = persistence^|i - j|, and the difference's sigma follows."""
    field = noise.CorrelatedField((40, 40), 1e3, 1e3)
    series = noise.persistent_series(field, np.random.default_rng(6), 5, 0.6)
    for lag in (1, 3):
        assert_allclose(np.mean(series[lag:] * series[:-lag]), 0.6**lag, atol=0.06)
        difference = (series[lag:] - series[:-lag]).std()
        assert_allclose(difference, noise.difference_sigma(lag, 0.6), rtol=0.05)


def test_volume_agrees_with_the_truth_only_with_true_areas(place, truth):
    """The product's sum over the grid is the quadrature of the truth to 0.5 %; map areas miss it by 4 %."""
    first, last = 0, truth.years.size - 1
    dh = truth.delta_h[last] - truth.delta_h[first]
    area = 0.5 * (truth.ice_area[last] + truth.ice_area[first])
    left, bottom, right, top = place.height_bounds
    box = shapely.box(left - 500, bottom - 500, right + 500, top + 500)
    expected, _ = place.truth.region_volume_change(box, truth.years[first], truth.years[last])
    assert_allclose(np.nansum(dh * area), expected, rtol=5e-3)
    mapped = area * place.truth.scale(*np.meshgrid(truth.x, truth.y)) ** 2
    assert 0.03 < 1 - np.nansum(dh * mapped) / expected < 0.06


@pytest.mark.parametrize("cell", [1e4, 2e4, 4e4])
def test_averages_conserve_volume(truth, cell):
    """Area and volume of 10, 20 and 40 km cells are those of the nodes, when no ice lies on the outer edge."""
    coarse = height_change.coarsen(truth, cell)
    assert_allclose(coarse.ice_area.sum(axis=(1, 2)), truth.ice_area.sum(axis=(1, 2)), rtol=1e-12)
    volume = [np.nansum((c.delta_h[8] - c.delta_h[0]) * c.ice_area[4]) for c in (truth, coarse)]
    assert_allclose(volume[1], volume[0], rtol=2e-3)  # ice_area changes a little in time


def test_edge_nodes_count_half():
    """Two 10 km cells: a node on their common edge gives half of its area to each."""
    axis = np.arange(21) * 1e3
    area = np.zeros((1, 11, 21))
    area[0, 5, 10] = 8.0
    dh = np.where(area > 0, 3.0, np.nan)
    change = height_change.HeightChange(axis, axis[:11], 1e3, np.array([2020.0]), dh, area, np.ones((11, 21)))
    coarse = height_change.coarsen(change, 1e4)
    assert coarse.x.tolist() == [5000.0, 15000.0] and coarse.y.tolist() == [5000.0]
    assert coarse.ice_area.tolist() == [[[4.0, 4.0]]]
    assert coarse.delta_h.tolist() == [[[3.0, 3.0]]]
    assert_allclose(coarse.spread, 1.0)


def test_spread_of_an_average_is_the_double_sum(truth):
    """Against the sum over all pairs of nodes, written as two loops, for one 10 km cell."""
    part = replace(
        truth,
        x=truth.x[80:91],
        y=truth.y[80:91],
        delta_h=truth.delta_h[:, 80:91, 80:91],
        ice_area=truth.ice_area[:, 80:91, 80:91],
        spread=truth.spread[80:91, 80:91],
    )
    weight = part.ice_area.mean(axis=0).copy()
    weight[[0, -1]] *= 0.5
    weight[:, [0, -1]] *= 0.5
    nodes = [(i, j) for i in range(11) for j in range(11)]
    total = 0.0
    for a in nodes:
        for b in nodes:
            rho = noise.spherical(1e3 * np.hypot(a[0] - b[0], a[1] - b[1]), 10e3)
            total += weight[a] * weight[b] * part.spread[a] * part.spread[b] * rho
    assert_allclose(height_change.coarsen(part, 1e4).spread, np.sqrt(total) / weight.sum(), rtol=1e-10)


@pytest.mark.parametrize("lag", [1, 4, 8])
def test_rates_are_differences_over_the_lag(truth, lag):
    """dhdt times the lag is the difference of epochs; the area is the mean of both, nothing where one has no ice."""
    years, dhdt, sigma, area = truth.rates(lag)
    assert_allclose(years, truth.years[:-lag] + lag / 8)
    assert_allclose(dhdt * lag / 4, truth.delta_h[lag:] - truth.delta_h[:-lag], atol=1e-12)
    both = (truth.ice_area[lag:] > 0) & (truth.ice_area[:-lag] > 0)
    assert_allclose(area, np.where(both, 0.5 * (truth.ice_area[lag:] + truth.ice_area[:-lag]), 0.0))
    assert np.array_equal(np.isfinite(sigma), both)
    assert not both.all() and np.any(truth.ice_area[0] != truth.ice_area[-1])
