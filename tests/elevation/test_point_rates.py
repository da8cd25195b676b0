"""Rates at points: answers to be had in the head, the definition, errors that are what they say, bad passes named."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from track_builders import heights

from nunatak.elevation import point_rates
from nunatak.elevation.point_rates import RateOptions, pass_residuals, rates, track_outliers, without_tide
from nunatak.times import decimal_year, from_decimal_year

KEYS = ["rgt", "pair", "ref_pt"]
FIVE = 2019.0 + np.arange(5.0)


def test_rate_is_the_planted_one():
    """Five cycles a year apart, sinking 2 m/yr, 0.1 m error: -2 and 0.1 / sqrt(10)."""
    found = rates(heights(FIVE, 500 - 2.0 * (FIVE - 2019)), KEYS).iloc[0]
    assert_allclose([found.dhdt, found.dhdt_theil_sen], -2.0, rtol=1e-9)
    assert_allclose(found.dhdt_sigma, 0.1 / np.sqrt(10), rtol=1e-6)
    assert_allclose([found.year, found.h, found.h_sigma], [2021.0, 496.0, 0.1 / np.sqrt(5)], rtol=1e-6)
    assert found.n_cycles == 5 and np.isnan(found.amplitude)


def test_shared_error_stays_apart():
    """rms 0.03 m over four years and five passes: 0.03 / (4 sqrt(5 / 12)) m/yr, and dhdt_sigma as without it."""
    found = rates(heights(FIVE, 500.0, h_corr_sigma_systematic=0.03), KEYS).iloc[0]
    assert_allclose(found.dhdt_sigma_systematic, 0.03 / (4 * np.sqrt(5 / 12)), rtol=1e-6)
    assert_allclose(found.dhdt_sigma, 0.1 / np.sqrt(10), rtol=1e-6)


def test_outlier_bends_the_line_not_the_median_of_slopes():
    h = 500 - 2.0 * (FIVE - 2019)
    h[4] += 30
    found = rates(heights(FIVE, h), KEYS).iloc[0]
    assert found.dhdt > 3 and abs(found.dhdt_theil_sen + 2) < 1e-6
    assert found.dhdt_sigma > 1, "the misfit enlarges the error"


def test_kernel_agrees_with_the_definition():
    """Random times, heights and errors of 50 points, with gaps."""
    rng = np.random.default_rng(3)
    tables, expected = [], []
    for point in range(50):
        year = np.sort(rng.uniform(2019, 2024, rng.integers(4, 23)))
        h, sigma = rng.normal(3000, 2, year.size), rng.uniform(0.02, 0.5, year.size)
        table = heights(year, h, sigma, point=point)
        tables.append(table)
        expected.append(point_rates.rate_reference(decimal_year(table.time.to_numpy()), h, sigma))
    found = rates(pd.concat(tables).sample(frac=1, random_state=1), KEYS)
    assert_allclose(found[["dhdt", "dhdt_sigma"]], expected, rtol=1e-7)


def test_annual_cycle_is_taken_out():
    """0.5 m of seasons, sampled every 91 days, highest on 1 April; a line alone would lean."""
    year = 2019.1 + 0.249 * np.arange(11)
    h = 500 - 1.0 * (year - 2019) + 0.5 * np.cos(2 * np.pi * (year - 0.25))
    found = rates(heights(year, h, 0.02), KEYS, options=RateOptions(annual=True)).iloc[0]
    assert_allclose([found.dhdt, found.amplitude, found.day_of_maximum], [-1.0, 0.5, 91.3], rtol=1e-3)
    assert abs(rates(heights(year, h, 0.02), KEYS).iloc[0].dhdt + 1) > 0.02
    few = rates(heights(year[:7], h[:7], 0.02), KEYS, options=RateOptions(annual=True, min_years=1.0)).iloc[0]
    assert np.isnan(few.amplitude) and np.isfinite(few.dhdt), "seven heights get a line alone"


def test_seasons_that_cannot_be_told_from_the_line():
    """Nine heights of the same day of the year: a line, no cycle, no failure."""
    year = 2018.5 + np.arange(9.0)
    found = rates(heights(year, 500 - year), KEYS, options=RateOptions(annual=True)).iloc[0]
    assert_allclose(found.dhdt, -1.0, rtol=1e-6)
    assert np.isnan(found.amplitude)


@pytest.mark.parametrize(
    "year, why",
    [([2019.0], "one cycle"), ([2019.0, 2021.0], "two observations"), ([2019, 2019.2, 2019.4, 2019.6], "a short span"),
     ([2020.0] * 5, "no span")],
)  # fmt: skip
def test_too_little_gives_no_rate(year, why):
    found = rates(heights(np.array(year), 500.0), KEYS).iloc[0]
    assert np.isnan(found.dhdt) and np.isnan(found.dhdt_sigma), why
    assert found.n_cycles == len(year)


def test_two_observations_when_the_user_allows_them():
    found = rates(heights(np.array([2019.0, 2021.0]), [500, 496]), KEYS, options=RateOptions(min_cycles=2)).iloc[0]
    assert_allclose([found.dhdt, found.dhdt_sigma], [-2.0, np.hypot(0.1, 0.1) / 2], rtol=1e-6)


def test_nan_and_zero_errors_do_not_count():
    """A height without a usable sigma is dropped, not taken for perfect; without any other there is no point."""
    sigma = np.array([0.1, np.nan, 0.1, 0.0, 0.1, 0.1])
    year = 2019.0 + np.arange(6.0)
    found = rates(heights(year, np.where(np.arange(6) == 3, 900, 500.0), sigma), KEYS).iloc[0]
    assert found.n_cycles == 4 and abs(found.dhdt) < 1e-9
    assert len(rates(heights(year, 500.0, np.nan), KEYS)) == 0


def test_errors_are_what_they_say():
    """99 % of 4,000 rates, whatever the number of cycles, lie within three errors; with the pass's share within its."""
    rng = np.random.default_rng(11)
    n, inside = 4000, []
    for cycles in (4, 9, 23):
        year = 2019.3 + 0.26 * np.arange(cycles) * (8 / cycles)
        sigma = rng.uniform(0.02, 0.2, (n, cycles))
        bias = 0.03 * rng.standard_normal((n, cycles))
        h = 800 - 3.0 * (year - 2019) + sigma * rng.standard_normal((n, cycles)) + bias
        table = pd.DataFrame(
            {"ref_pt": np.repeat(np.arange(n), cycles), "time": np.tile(from_decimal_year(year), n),
             "h_corr": h.ravel(), "h_corr_sigma": sigma.ravel(), "h_corr_sigma_systematic": 0.03}
        )  # fmt: skip
        found = rates(table, ["ref_pt"])
        z = (found.dhdt + 3.0) / np.hypot(found.dhdt_sigma, found.dhdt_sigma_systematic)
        inside.append(np.mean(np.abs(z) < 3))
        assert 0.6 < np.std(z) < 1.1
    assert min(inside) >= 0.99


def many_points(biases, n_points=200, seed=5):
    """Points of one track seen in passes with the given biases (m), 5 cm noise, -1 m/yr."""
    rng = np.random.default_rng(seed)
    cycles = len(biases)
    year = 2019.3 + 0.25 * np.arange(cycles)
    h = 600 - (year - 2019) + biases + 0.05 * rng.standard_normal((n_points, cycles))
    return pd.DataFrame(
        {"rgt": 741, "pair": "pt1", "ref_pt": np.repeat(np.arange(n_points), cycles),
         "cycle": np.tile(np.arange(cycles) + 3, n_points), "time": np.tile(from_decimal_year(year), n_points),
         "h_corr": h.ravel(), "h_corr_sigma": 0.05}
    )  # fmt: skip


def test_a_bad_pass_stands_out():
    """Cycle 9 lies 0.6 m too high: its median residual is 0.6 m, and it is the one with a large z."""
    biases = np.zeros(12)
    biases[6] = 0.6
    table = many_points(biases)
    found = pass_residuals(table, rates(table, KEYS), KEYS).set_index("cycle")
    assert abs(found.loc[9, "median"] - 0.6) < 0.03
    assert found["z"].abs().idxmax() == 9


def test_planted_pass_biases_are_found_within_3_cm():
    """One bias of 0.1 to 1 m in a track of twelve cycles, 60 tracks: found to 3 cm in at least 95 %."""
    rng, hits = np.random.default_rng(8), []
    for k in range(60):
        biases = np.zeros(12)
        cycle = rng.integers(0, 12)
        biases[cycle] = rng.choice([-1, 1]) * rng.uniform(0.1, 1.0)
        table = many_points(biases, n_points=60, seed=k)
        found = pass_residuals(table, rates(table, KEYS), KEYS).set_index("cycle")
        hits.append(abs(found.loc[cycle + 3, "median"] - biases[cycle]) < 0.03)
    assert np.mean(hits) >= 0.95


def test_track_that_disagrees_with_its_neighbours():
    """Of ten tracks the one that is 0.8 m/yr off heads the list, and is the only outlier."""
    rng = np.random.default_rng(2)
    rgt = np.repeat(np.arange(1, 11), 300)
    residual = 0.05 * rng.standard_normal(rgt.size) + 0.02 * rng.standard_normal(10)[rgt - 1] + 0.8 * (rgt == 7)
    residual[::50] = np.nan
    found = track_outliers(pd.DataFrame({"rgt": rgt}), residual)
    assert found.rgt.iloc[0] == 7 and found.outlier.tolist() == [True] + [False] * 9
    alone = track_outliers(pd.DataFrame({"rgt": [1, 1]}), [0.5, 0.5])
    assert not alone.outlier.any(), "one track has nobody to disagree with"


def test_tide_is_taken_off_floating_ice_only():
    table = heights(FIVE[:3], 50.0, tide_ocean=[0.5, -1.0, np.nan], dac=0.1)
    corrected = without_tide(table, np.array([True, False, True])).h_corr
    assert_allclose(corrected, [49.4, 50.0, np.nan])
    grounded = without_tide(table, np.zeros(3, bool)).h_corr
    assert_allclose(grounded, 50.0), "a missing tide costs no grounded height"
