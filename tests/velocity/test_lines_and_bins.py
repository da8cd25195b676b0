"""Lines through annual velocities, errors of speeds and bins of separation, each held against written-out numbers."""

import numpy as np
import pytest
from tests.builders.velocity import cube_of

from nunatak.velocity import composite
from nunatak.velocity.annual_fields import line_through, speed_error
from nunatak.velocity.filters import NO_FILTERS, separation_bins

TIME = np.array([-1.0, 0.5, 1.5, 4.0])  # their weighted mean lies far from 0
SIGMA = np.array([1.0, 2.0, 0.5, 3.0])


def test_line_off_its_centre_is_that_of_polyfit():
    """Value, slope and both errors at time 0, for years that scatter more than their errors and for years on a line."""
    scattered, straight = np.array([10.0, 16.0, 11.0, 32.0]), 7.0 + 3.0 * TIME
    mean, mean_error, slope, slope_error = line_through(TIME, np.stack([scattered, straight]), np.stack([SIGMA] * 2))
    for k, values in enumerate((scattered, straight)):
        expected, covariance = np.polyfit(TIME, values, 1, w=1 / SIGMA, cov="unscaled")
        chi2 = np.sum(((values - np.polyval(expected, TIME)) / SIGMA) ** 2) / (4 - 2)
        assert (chi2 > 4) == (k == 0)
        np.testing.assert_allclose([slope[k], mean[k]], expected)
        errors = np.sqrt(np.diag(covariance) * max(chi2, 1.0))
        np.testing.assert_allclose([slope_error[k], mean_error[k]], errors)


def test_years_on_one_side_give_the_weighted_mean_and_no_slope():
    """2, 5 and 8 with errors 1, 1 and 2: their weighted mean, with an error by the scatter of three about one mean."""
    values, sigma = np.array([[2.0, 5.0, 8.0]]), np.array([[1.0, 1.0, 2.0]])
    mean, error, slope, slope_error = line_through(np.array([1.0, 2.0, 3.0]), values, sigma)
    expected = (2 + 5 + 8 / 4) / 2.25
    chi2 = ((2 - expected) ** 2 + (5 - expected) ** 2 + (8 - expected) ** 2 / 4) / (3 - 1)
    np.testing.assert_allclose([mean, error], [[expected], [np.sqrt(chi2 / 2.25)]])
    assert np.isnan(slope).all() and np.isnan(slope_error).all()


@pytest.mark.parametrize("missing", [0, 3])
def test_years_without_a_value_are_on_no_side(missing):
    """The only year before, or after, the reference has no value: all others lie on one side, there is no slope."""
    time = np.array([-1.0, 1.0, 2.0, 3.0]) if missing == 0 else np.array([-3.0, -2.0, -1.0, 1.0])
    values = np.array([[1.0, 2.0, 4.0, 8.0]])
    values[0, missing] = np.nan
    mean, _, slope, slope_error = line_through(time, values, np.ones((1, 4)))
    assert mean == np.nanmean(values) and np.isnan(slope) and np.isnan(slope_error)


def test_missing_years_do_not_count():
    """A year without a value or without a positive error is as if it were not there."""
    values = np.array([[10.0, np.nan, 16.0, 11.0, 32.0, 99.0]])
    sigma = np.array([[1.0, 1.0, 2.0, 0.5, 3.0, 0.0]])
    gaps = line_through(np.array([-1.0, 0.2, 0.5, 1.5, 4.0, 5.0]), values, sigma)
    whole = line_through(TIME, np.array([[10.0, 16.0, 11.0, 32.0]]), SIGMA[None])
    np.testing.assert_allclose(np.ravel(gaps), np.ravel(whole))


@pytest.mark.parametrize("reference", [2001.5, 2003.0, 2007.25])
def test_v0_follows_the_trend_to_the_reference_year(reference):
    """Ice that speeds up by 300 m/yr a year: v0 is the speed of that moment, wherever the middle of the years lies."""
    start = np.arange(2000.05, 2009.9, 0.1)
    v = (3000.0 + 300 * (start + 0.025 - 2000))[:, None, None]
    cube = cube_of(0.6 * v, -0.8 * v, start, start + 0.05)
    annual = composite(cube, seasonal=False, filters=NO_FILTERS, reference_year=reference)
    expected = 3000 + 300 * (reference - 2000)
    found = [float(annual[name].squeeze()) for name in ("v0", "vx0", "vy0", "dv_dt")]
    np.testing.assert_allclose(found, [expected, 0.6 * expected, -0.8 * expected, 300.0], rtol=2e-3)


def test_error_of_a_speed_adds_its_components_in_quadrature():
    """
    Errors of 3 and 4 m/yr give 5 / sqrt(2) for equal components.

    Along one axis the error is that of the component there, and at rest the larger one.
    """
    vx, vy = np.array([100.0, 100.0, 0.0, 0.0]), np.array([100.0, 0.0, -50.0, 0.0])
    np.testing.assert_allclose(speed_error(vx, vy, 3.0, 4.0), [5 / np.sqrt(2), 3.0, 4.0, 4.0])


def test_bins_of_separation_hold_their_upper_edge():
    """
    Repeats of 16, 32, 64, 128 and 256 days lie in the bins that end there.

    Each sensor group has bins of its own.
    """
    days = [1, 16, 17, 32, 33, 64, 65, 128, 129, 256, 257, 900]
    assert separation_bins(days).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert separation_bins([16, 32, 900], [0, 1, 2]).tolist() == [0, 7, 17]
