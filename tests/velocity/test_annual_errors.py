"""Annual velocities, trend and cycle over realisations: within their errors; not given where nothing decides them."""

import numpy as np
import pytest
from tests.builders.velocity import cells_of, cube_of, mean_over, noisy_cube, pair_times

from nunatak.velocity import Filters, annual_fields, composite, magnitude_mean
from nunatak.velocity.annual_cells import fit_cells
from nunatak.velocity.design import design
from nunatak.velocity.filters import NO_FILTERS


def test_annual_speeds_trend_and_cycle_are_recovered():
    """Over realisations of noise, gaps and outliers: errors neither too small nor too large, by shares within them."""
    z = {"v": [], "amp": [], "phase": [], "trend": []}
    for seed in range(3):
        motion = {"trend": 15.0, "amplitude": 80.0, "phase": 60.0}
        cube, _ = noisy_cube(np.random.default_rng(seed), outliers=0.03, **motion)
        annual = composite(cube)
        steady = mean_over(annual["year_start"].values, annual["year_end"].values, trend=15.0)
        z["v"].append((annual["v"].values - steady[:, None, None]) / annual["v_error"].values)
        z["amp"].append((annual["v_amp"] - 80) / annual["v_amp_error"])
        z["phase"].append((annual["v_phase"] - 60) / annual["v_phase_error"])
        z["trend"].append((annual["dv_dt"] - 15) / annual["dv_dt_error"])
    for name, parts in z.items():
        off = np.abs(np.stack(parts))
        assert 0.62 <= np.mean(off < 1) <= 0.78, name  # 0.683 of a normal distribution
        assert 0.92 <= np.mean(off < 2) <= 0.99, name  # 0.954


def test_errors_are_those_of_realisations_with_the_trend_inside_the_years():
    """4000 realisations of 60 pairs: annual means and coefficients scatter as their errors and covariance say."""
    rng = np.random.default_rng(1)
    start, end = pair_times(rng, 60, first=2000, last=2006)
    speed = mean_over(start, end, trend=300.0, amplitude=80.0, phase=60.0, reference=2003.0)
    v = speed[:, None, None] + 20 * rng.standard_normal((60, 1, 4000))
    cube = cube_of(v, v, start, end)
    out = fit_cells(cells_of(cube)[0], cells_of(cube)[0], design(cube), NO_FILTERS)
    np.testing.assert_allclose(out["annual"][:, 0].std(axis=0) / out["sigma"][:, 0].mean(axis=0), 1.0, atol=0.05)
    a, b, var_a, var_b, cov_ab, _ = out["cycle"][:, 0].T
    found = np.cov(a, b)
    np.testing.assert_allclose(np.diag(found) / [var_a.mean(), var_b.mean()], 1.0, atol=0.08)
    assert abs(found[0, 1] - cov_ab.mean()) < 0.05 * np.sqrt(found[0, 0] * found[1, 1])


@pytest.mark.parametrize("amplitude", [0.0, 15.0, 80.0])
def test_cycles_of_summer_pairs_are_within_their_errors_whether_they_show_or_not(amplitude):
    """Pairs from November to January tell little of a cycle: amplitude and phase stay within 2 sigma in 92 to 99 %."""
    rng = np.random.default_rng(30)
    middle = np.sort(rng.integers(2000, 2012, 220) + rng.uniform(-0.17, 0.08, 220))
    half = rng.choice([8, 16, 32], 220) / 365.25
    start, end = middle - half, middle + half
    speed = mean_over(start, end, trend=25.0, amplitude=amplitude, phase=60.0)
    v = speed[:, None, None] + 20 * rng.standard_normal((220, 1, 1500))
    annual = composite(cube_of(v, 0 * v, start, end))
    z = (annual["v_amp"] - amplitude) / annual["v_amp_error"]
    assert 0.92 <= (np.abs(z) <= 2).mean() <= 0.99
    days = (annual["v_phase"] - 60 + 182.625) % 365.25 - 182.625
    assert 0.92 <= (np.abs(days) <= 2 * annual["v_phase_error"]).mean() <= 0.99
    if amplitude == 0:
        assert (annual["v_phase_error"] > 100).mean() > 0.9 and float(annual["v_amp"].median()) > 10


def test_years_that_are_hardly_seen_are_named_and_have_no_velocity():
    """Spans of 40 pairs each, and in the last cell too few pairs of any kind."""
    spans = {
        "known": (2000.5, 2000.55),
        "only_touched": (2000.95, 2001.02),
        "error_too_large": (2003.3, 2003.35),
        "not_separable": (2005.96, 2006.04),
    }
    start, end = np.repeat(list(spans.values()), 40, axis=0).T
    sigma = np.where(start == 2003.3, 4000.0, 20.0)
    v = 1000 + 20 * np.random.default_rng(31).standard_normal((start.size, 1, 2))
    v[29:, 0, 1] = np.nan
    cube = cube_of(v, 0 * v, start, end, sigma=sigma)
    options = {"seasonal": False, "filters": Filters(window=0)}
    annual = composite(cube, **options)
    words = annual["status"].attrs["flag_meanings"].split()
    told = [words[k] for k in annual["status"].values[:, 0, 0]]
    assert dict(zip(annual["year"].values.tolist(), told, strict=True)) == {
        2000: "known",
        2001: "only_touched",
        2002: "no_pairs",
        2003: "error_too_large",
        2004: "no_pairs",
        2005: "not_separable",
        2006: "not_separable",
    }
    assert {words[k] for k in annual["status"].values[:, 0, 1]} == {"too_few_pairs"}
    for name in ("vx", "vy", "v"):
        np.testing.assert_array_equal(np.isfinite(annual[name]), annual["status"] == 0)
    assert float(annual["v_error"].sel(year=2003)[0, 0]) > 200  # the error is told all the same
    every = composite(cube, error_limit=None, **options)
    assert np.isfinite(every["v"].sel(year=2003)[0, 0])


def test_a_mismatch_at_the_turn_of_a_year_makes_no_wild_year():
    """A false match 900 m/yr off that reaches three days into a year of its own: ten times as much there, not given."""
    rng = np.random.default_rng(32)
    start, end = pair_times(rng, 200, first=2000, last=2003, dt_days=(16, 32))
    start, end = np.append(start, 2003 - 29 / 365.25), np.append(end, 2003 + 3 / 365.25)
    v = 1000 + 20 * rng.standard_normal((201, 1, 1))
    v[-1] += 900
    annual = composite(cube_of(v, 0 * v, start, end), filters=NO_FILTERS, seasonal=False)
    assert np.nanmax(annual["v"]) < 1100 and np.isfinite(annual["v"]).sum() == 3


def test_noise_does_not_become_speed():
    """Ice at rest: components average to 0, speeds to 1.25 sigma, which is why they are not averaged."""
    rng = np.random.default_rng(6)
    start, end = pair_times(rng, 300)
    noise = [30.0 * rng.standard_normal((300, 8, 8)) for _ in range(2)]
    cube = cube_of(*noise, start, end, sigma=30.0)
    annual = composite(cube, method="mean")
    assert abs(float(annual["vx"].mean())) < 1.0 and float(annual["v"].mean()) < 10
    biased = magnitude_mean(cube)
    assert float(biased.mean()) == pytest.approx(1.2533 * 30, rel=0.02)
    assert "1.25 sigma" in biased.attrs["bias"]


@pytest.mark.parametrize("method", ["lsq", "mean", "median"])
def test_a_stack_without_any_value_gives_nothing_and_says_so(method, caplog):
    """Every year of every cell is without pairs: NaN, not zero, and no trend or cycle either."""
    start, end = pair_times(np.random.default_rng(33), 40)
    nothing = np.full((40, 2, 3), np.nan)
    annual = composite(cube_of(nothing, nothing, start, end), method=method)
    assert "no cell has enough of the 40 pairs" in caplog.text
    for name in ("v", "v_error", "v0", "dv_dt", *(["v_amp", "v_phase_error"] if method == "lsq" else [])):
        assert np.isnan(annual[name]).all(), name
    assert (annual["status"] == 1).all() and np.isnan(magnitude_mean(cube_of(nothing, nothing, start, end))).all()


def test_one_year_alone_has_a_mean_and_a_cycle_with_finite_errors_but_no_trend():
    """ITS_LIVE's error of the amplitude divides by the number of years less one; a line needs three years."""
    rng = np.random.default_rng(34)
    start, end = pair_times(rng, 200, first=2001, last=2002, dt_days=(16, 32))
    speed = mean_over(start, end, amplitude=80.0, phase=60.0)[:, None, None]
    v = speed + 20 * rng.standard_normal((200, 2, 2))
    annual = composite(cube_of(v, 0 * v, start, end))
    assert annual["year"].values.tolist() == [2001]
    for name in ("v", "v_error", "v0", "v0_error", "v_amp", "v_amp_error", "v_phase", "v_phase_error"):
        assert np.isfinite(annual[name]).all(), name
    np.testing.assert_allclose(annual["v_amp"], 80, atol=4 * float(annual["v_amp_error"].max()))
    assert np.isnan(annual["dv_dt"]).all() and np.isnan(annual["dv_dt_error"]).all()


@pytest.mark.parametrize("errors", [(0.5, 0.5, 0.0), (0.9, 0.3, 0.2), (0.2, 1.0, -0.1)])
def test_the_error_of_a_phase_is_half_the_angle_to_where_two_errors_reach(errors):
    """By points on the ellipse of two errors about (3, 4), seen from the origin."""
    sigma_a, sigma_b, covariance = errors
    root = np.linalg.cholesky([[sigma_a**2, covariance], [covariance, sigma_b**2]])
    around = np.linspace(0, 2 * np.pi, 100_001)
    a, b = np.array([[3.0], [4.0]]) + 2 * root @ [np.cos(around), np.sin(around)]
    turned = np.abs(np.angle((a + 1j * b) / (3 + 4j))).max()
    by_chance, error = annual_fields._angle_error(*np.array([[3.0], [4.0], [sigma_a**2], [sigma_b**2], [covariance]]))
    assert not by_chance[0] and error[0] == pytest.approx(turned / 2, rel=1e-6)
