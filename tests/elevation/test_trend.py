"""The trend of a cell: planted slopes come back, the annual cycle does not lean on them, errors know persistence."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.builders import studies

from nunatak.elevation import trend
from nunatak.elevation.trend import effective_number, fit_trend, trend_reference

YEARS = 2019 + 0.25 * np.arange(25)


def record(rng, shape=(25, 7, 300), gaps=0.05, masked=0.3):
    """Random heights with gaps, and cells that are never iced."""
    values = rng.normal(size=shape).astype("f4")
    values[rng.random(shape) < gaps] = np.nan
    values[:, rng.random(shape[1:]) < masked] = np.nan
    return values


@pytest.mark.parametrize("annual", [False, True])
def test_kernel_agrees_with_least_squares(annual):
    """Every pattern of gaps, also beyond one block of cells: 1e-9 of values of size 1."""
    values = record(np.random.default_rng(3))
    assert_allclose(
        fit_trend(YEARS, values, annual=annual)["dhdt"], trend_reference(YEARS, values, annual=annual), atol=1e-9
    )


def test_planted_trend_and_cycle_come_back():
    """-2 m/yr and a cycle of 0.5 m that peaks on day 91 (a quarter of a year)."""
    h = -2.0 * (YEARS - 2020) + 0.5 * np.cos(2 * np.pi * (YEARS - 0.25))
    fit = fit_trend(YEARS, h[:, None, None])
    assert_allclose(fit["dhdt"], -2.0)
    assert_allclose(fit["amplitude"], 0.5)
    assert_allclose(fit["day_of_maximum"], 365.25 / 4)
    assert_allclose(fit["residual_rms"], 0.0, atol=1e-12)


def test_annual_cycle_does_not_lean_on_the_trend():
    """A record of 2.5 years of pure cycle: a bare line leans, the line beside a cycle does not."""
    years = YEARS[:11]
    h = np.cos(2 * np.pi * (years - 0.125))[:, None, None]
    assert abs(fit_trend(years, h, annual=False)["dhdt"].item()) > 0.05
    assert_allclose(fit_trend(years, h, annual=True)["dhdt"], 0.0, atol=1e-12)


@pytest.mark.parametrize("annual", [False, True])
def test_error_without_persistence_is_the_textbook_one(annual):
    """
    sqrt(sum of squared residuals / (n - p) x entry of the inverse normal matrix), where residuals look independent.

    Half of the records of independent noise do; chance makes the others look persistent, and their errors larger.
    """
    values = np.random.default_rng(5).normal(0, 0.1, (25, 1, 4000))
    columns = [np.ones(25), YEARS - 2022]
    if annual:
        columns += [np.sin(2 * np.pi * YEARS), np.cos(2 * np.pi * YEARS)]
    matrix = np.stack(columns, axis=1)
    _, squares, _, _ = np.linalg.lstsq(matrix, values[:, 0], rcond=None)
    textbook = np.sqrt(squares / (25 - len(columns)) * np.linalg.inv(matrix.T @ matrix)[1, 1])
    fit = fit_trend(YEARS, values, annual=annual)
    alone = fit["n_effective"][0] == 25
    assert 0.4 < alone.mean() < 0.6
    assert_allclose(fit["dhdt_sigma"][0, alone], textbook[alone])
    assert (fit["dhdt_sigma"][0, ~alone] > textbook[~alone]).all()
    assert_allclose(fit["residual_rms"][0], np.sqrt(squares / 25))


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.6])
@pytest.mark.parametrize("annual", [False, True])
def test_error_covers_the_truth_as_often_as_it_says(rho, annual):
    """4000 records with noise of persistence rho about a planted trend: 68 % within one sigma, 95 % within two."""
    rng = np.random.default_rng(11)
    noise = np.empty((25, 1, 4000))
    noise[0] = rng.normal(size=4000)
    for k in range(1, 25):
        noise[k] = rho * noise[k - 1] + np.sqrt(1 - rho**2) * rng.normal(size=4000)
    fit = fit_trend(YEARS, noise - 0.7 * (YEARS - 2020)[:, None, None], annual=annual)
    z = np.abs(fit["dhdt"] + 0.7) / fit["dhdt_sigma"]
    assert 0.63 < np.mean(z < 1) < 0.73
    assert 0.88 < np.mean(z < 2) < 0.97  # with 9 independent epochs the tails are those of Student's t


def test_persistence_widens_the_error():
    """
    25 epochs with noise of rho = 0.6 are worth 25 x 0.4 / 1.6 independent ones.

    Treated as independent, they would claim half the error.
    """
    rng = np.random.default_rng(7)
    noise = np.empty((25, 1, 2000))
    noise[0] = rng.normal(size=2000)
    for k in range(1, 25):
        noise[k] = 0.6 * noise[k - 1] + 0.8 * rng.normal(size=2000)
    fit = fit_trend(YEARS, noise, annual=False)
    naive = fit["residual_rms"] / np.sqrt(((YEARS - YEARS.mean()) ** 2).sum())
    assert 1.8 < np.median(fit["dhdt_sigma"] / naive) < 2.3
    assert_allclose(np.median(fit["n_effective"]), 25 * 0.4 / 1.6, rtol=0.15)


def test_effective_number_never_exceeds_the_number():
    assert_allclose(effective_number(24, np.array([-0.4, 0.0, 0.5])), [24, 24, 8])


def test_too_few_epochs_are_nan():
    values = np.full((25, 1, 2), np.nan)
    values[:8, 0, 0] = np.arange(8)
    values[:7, 0, 1] = np.arange(7)
    fit = fit_trend(YEARS, values, annual=False, min_epochs=8)
    assert_allclose(fit["dhdt"], [[4.0, np.nan]])
    assert_allclose(fit["n_epochs"], [[8, 7]])
    assert np.isnan(fit["dhdt_sigma"][0, 1])


def test_epochs_of_one_season_cannot_tell_a_cycle():
    """Eight Januaries hold no annual cycle: NaN, not a number made of rounding."""
    years = 2012.0 + np.arange(8)
    assert np.isnan(fit_trend(years, np.random.default_rng(0).normal(size=(8, 1, 1)))["dhdt"]).all()


def test_trend_of_a_dataset_carries_units():
    change = studies.height_change(-1.5, years=YEARS, iced=np.arange(400).reshape(20, 20) > 5)
    result = trend(change)
    assert_allclose(result.dhdt.values.ravel()[6:], -1.5)
    assert np.isnan(result.dhdt.values.ravel()[:6]).all()
    assert result.dhdt.attrs["units"] == "m/yr" and result.attrs["crs"] == "EPSG:3413"


def test_wrong_number_of_epochs_is_refused():
    with pytest.raises(ValueError, match=r"values of shape \(3, 1, 1\) for 4 epochs"):
        fit_trend(YEARS[:4], np.zeros((3, 1, 1)))
