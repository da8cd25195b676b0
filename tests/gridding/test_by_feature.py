"""Series and rates of features against sums by hand, and layers that are gone through once whatever the features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nunatak.gridding.by_feature import means_by_feature, ranked, rates_by_feature


def test_means_are_those_of_the_known_cells():
    layer = np.arange(12.0).reshape(3, 4)
    layer[0, 1] = np.nan
    cells = np.array([0, 0, 0, 1, 2]), np.array([0, 0, 2, 1, 0]), np.array([0, 1, 3, 1, 1])
    mean, count = means_by_feature([layer, layer + 1], cells, 4)
    np.testing.assert_array_equal(mean, [[5.5, 5, np.nan, np.nan], [6.5, 6, np.nan, np.nan]])
    np.testing.assert_array_equal(count, [[2, 1, 0, 0]] * 2)


def test_a_layer_is_read_once_however_many_features_there_are():
    read = []

    def layers(n):
        for k in range(n):
            read.append(k)
            yield np.full((50, 50), float(k))

    rng = np.random.default_rng(1)
    for n in (1, 1000):
        read.clear()
        cells = np.arange(n), rng.integers(0, 50, n), rng.integers(0, 50, n)
        mean, _ = means_by_feature(layers(7), cells, n)
        assert read == list(range(7)) and mean.shape == (7, n)


def test_rates_are_those_of_a_weighted_fit():
    rng = np.random.default_rng(2)
    years = np.arange(2000.0, 2012) + 0.5
    errors = rng.uniform(0.5, 3, (12, 40))
    values = 100 + 2.5 * (years[:, None] - 2006) + errors * rng.normal(size=(12, 40))
    values[rng.random(values.shape) < 0.2] = np.nan
    values[2:, 39] = np.nan
    table = rates_by_feature(years, values, errors)
    for k in range(39):
        known = np.isfinite(values[:, k])
        fit, cov = np.polyfit(years[known] - 2006, values[known, k], 1, w=1 / errors[known, k], cov="unscaled")
        chi2 = (((values[known, k] - np.polyval(fit, years[known] - 2006)) / errors[known, k]) ** 2).sum()
        scale = max(chi2 / (known.sum() - 2), 1.0)
        assert table["rate"][k] == pytest.approx(fit[0], rel=1e-9)
        assert table["rate_error"][k] == pytest.approx(np.sqrt(cov[0, 0] * scale), rel=1e-9)
        assert (table["n"][k], table["first"][k]) == (known.sum(), years[known][0])
    assert np.isnan(table["rate"][39]) and table["n"][39] <= 2
    off = np.abs(table["rate"][:39] - 2.5) / table["rate_error"][:39]
    assert off.mean() < 1.2


def test_the_fastest_change_comes_first():
    rates = pd.DataFrame({"feature": list("abcd"), "quantity": ["v"] * 3 + ["h"], "rate": [1.0, -3.0, np.nan, 2.0]})
    table = ranked(rates)
    assert table["feature"].tolist() == ["d", "b", "a", "c"] and table["rank"].tolist()[:3] == [1, 1, 2]
    assert pd.isna(table["rank"][3])
