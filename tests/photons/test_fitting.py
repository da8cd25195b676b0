"""The iterative fit against its plain definition, exact lines, and input that no line fits."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from nunatak.photons import FitParameters, extents, fit_heights, photons_from_arrays
from nunatak.photons.fitting import background_density, fit_line_reference
from nunatak.photons.heights import background_rates

OPEN = {"cnf": 0, "cnt": 2, "ats": 0.0, "len": 40.0, "res": 40.0, "maxi": 1}


def scene(seed=0, n=3000, noise=0.3, length=2000.0):
    """A waved surface with 0.15 m scatter, and noise photons over 40 m."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, length, n))
    h = 100 + 0.03 * x + 2 * np.sin(x / 150) + rng.normal(0, 0.15, n)
    is_noise = rng.random(n) < noise
    h[is_noise] = rng.uniform(80, 200, is_noise.sum())
    return photons_from_arrays(x, h, y_atc=rng.normal(0, 3, n), background_rate=4e5 if noise else 0.0)


def plain_fits(photons, p):
    """The plain definition over the extents of the walk."""
    out = {}
    for segment_id, members in extents(photons, p).groupby("segment_id"):
        density = background_density(p["len"], members["background_rate"].iloc[0], 7000.0)
        out[segment_id] = (
            fit_line_reference(
                members["x_atc"].to_numpy(),
                members["height"].to_numpy("f8"),
                float(density),
                count=p["cnt"],
                spread=p["ats"],
                max_iterations=p["maxi"],
                min_window=p.get("H_min_win", 3.0),
                max_dispersion=p.get("sigma_r_max", 5.0),
            ),
            members,
        )
    return out


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"maxi": 1},
        {"maxi": 30},
        {"H_min_win": 0.2},
        {"sigma_r_max": 0.1},
        {"cnt": 40},
        {"ats": 35.0},
        {"len": 90.0},
    ],
)
@pytest.mark.parametrize("noise", [0.0, 0.3, 0.85])
def test_kernel_and_plain_definition_agree(change, noise):
    """Same photons, flags and window; heights, errors and everything at the centre to rounding."""
    p = {"cnf": 0, "cnt": 10, "ats": 10.0, "len": 40.0, "res": 20.0, "maxi": 6, **change}
    photons = scene(noise=noise)
    table = fit_heights(photons, p).set_index("segment_id")
    plain = plain_fits(photons, p)
    assert len(table) == len(plain) > 40
    for segment_id, (fit, members) in plain.items():
        row = table.loc[segment_id]
        assert (row["n_fit_photons"], row["pflags"]) == (len(fit["used"]), fit["pflags"])
        for column in ("h_mean", "dh_fit_dx", "w_surface_window_final"):
            assert_allclose(row[column], fit[column], rtol=1e-9, atol=1e-9)
        flagged = fit["pflags"] & 11 != 0
        for column in ("rms_misfit", "h_sigma"):
            assert_allclose(row[column], 0.0 if flagged else fit[column], rtol=1e-8, atol=1e-10)
        used = members.iloc[fit["used"]]
        assert_allclose(row["y_atc"], fit["weights"] @ used["y_atc"].to_numpy("f8"), atol=1e-6)
        assert_allclose(row["longitude"], fit["weights"] @ used["longitude"].to_numpy(), atol=1e-9)


@settings(max_examples=60)
@given(st.integers(2, 60), st.integers(0, 10**6), st.sampled_from([0.0, 1e4, 3e6]), st.sampled_from([0, 1]))
def test_kernel_and_plain_definition_agree_on_few_photons(n, seed, rate, digits):
    """Any handful of photons, also with equal heights (rounded), with and without background."""
    rng = np.random.default_rng(seed)
    h = np.round(rng.uniform(-5, 5, n) * (rng.random(n) < 0.5), digits)
    photons = photons_from_arrays(np.sort(rng.uniform(0, 39.9, n)), h, background_rate=rate)
    p = {"cnf": 0, "cnt": 2, "ats": 0.0, "len": 40.0, "res": 40.0, "maxi": 6}
    table = fit_heights(photons, p)
    ((_, (fit, _)),) = plain_fits(photons, p).items()
    assert table["n_fit_photons"][0] == len(fit["used"])
    assert table["pflags"][0] == fit["pflags"]
    assert_allclose(table["h_mean"][0], fit["h_mean"], rtol=1e-7, atol=1e-7)
    assert_allclose(table["w_surface_window_final"][0], fit["w_surface_window_final"], rtol=1e-6)


@pytest.mark.parametrize(("h", "at_zero", "slope"), [([2, 4, 6, 8], 0.0, 2.0), ([4, 5, 6, 7], 3.0, 1.0)])
def test_least_squares_of_the_reference_tests(h, at_zero, slope):
    """x = 1..4: the two lines of SlideRule's own unit test (UT_Atl06Dispatch); ours gives the height at 20 m."""
    photons = photons_from_arrays([1.0, 2, 3, 4], h)
    table = fit_heights(photons, OPEN)
    assert_allclose(table["dh_fit_dx"][0], slope, rtol=1e-6)
    assert_allclose(table["h_mean"][0] - 20 * slope, at_zero, atol=1e-4)


@pytest.mark.parametrize("profile", ["legacy", "xseries", "anchored"])
def test_a_plane_gives_itself(profile):
    """Photons on a line: its height at the centre, its slope, no error, and all of them kept."""
    x = np.linspace(0, 400, 801)
    table = fit_heights(photons_from_arrays(x, 50 + 0.05 * x), {"cnf": 0, "profile": profile})
    assert (table["pflags"] == 0).all()
    assert_allclose(table["h_mean"], 50 + 0.05 * table["x_atc"], atol=1e-5)  # heights are float32
    assert_allclose(table["dh_fit_dx"], 0.05, atol=1e-6)
    assert table["h_sigma"].max() < 1e-5


def test_across_slope_comes_from_the_beam_pair():
    """Two beams 90 m apart on a plane that falls 0.02 across and rises 0.01 along; a lone beam has none."""
    x = np.linspace(0, 400, 801)
    left = photons_from_arrays(x, 10 + 0.01 * x + 0.02 * 45, y_atc=np.full(801, -45.0), beam="gt2l")
    right = photons_from_arrays(x, 10 + 0.01 * x - 0.02 * 45, y_atc=np.full(801, 45.0), beam="gt2r")
    alone = photons_from_arrays(x, np.zeros(801), beam="gt1l")
    table = fit_heights([alone, left, right], {"cnf": 0})
    assert_allclose(table["dh_fit_dy"][table["gt"].isin([30, 40])], -0.02, atol=1e-6)
    assert table["dh_fit_dy"][table["gt"] == 10].isna().all()


def test_longitudes_across_the_antimeridian():
    """Photons at 179.99 and -179.99 have their extent between them, not at 0."""
    x = np.linspace(0, 39, 40)
    lon = (180 + (x - 20) * 1e-4 + 180) % 360 - 180
    table = fit_heights(photons_from_arrays(x, np.zeros(40), longitude=lon), OPEN)
    assert_allclose(np.abs(table["longitude"]), 180, atol=1e-9)


@pytest.mark.parametrize(("x", "expected"), [([5.0], 2), ([5.0] * 30, 2)])
def test_one_photon_or_one_place_is_flagged_not_a_crash(x, expected):
    """No line goes through one place: too few photons, NaN, no exception."""
    for profile in ("legacy", "anchored", "xseries"):
        photons = photons_from_arrays(x, np.arange(len(x), dtype="f8"))
        table = fit_heights(photons, {"cnf": 0, "cnt": 1, "ats": 0.0, "pass_invalid": True, "profile": profile})
        assert (table["pflags"] & expected).all() and table["h_mean"].isna().all() and len(table) >= 1


def test_background_above_all_photons():
    """N_sig <= 1: the dispersion is the spread over the number; the fit ends without a crash."""
    rng = np.random.default_rng(0)
    photons = photons_from_arrays(np.sort(rng.uniform(0, 400, 400)), rng.uniform(0, 50, 400), background_rate=1e9)
    table = fit_heights(photons, {"cnf": 0, "cnt": 2, "ats": 1.0, "maxi": 10})
    assert np.isfinite(table["h_mean"]).all() and len(table) > 10


def test_fills_and_nan_heights_never_take_part():
    """A photon without a height is rejected; the others give the line they would give alone."""
    x = np.linspace(0, 39, 40)
    h = 10 + 0.1 * x
    h[[3, 17]] = np.nan
    table = fit_heights(photons_from_arrays(x, h), OPEN)
    assert table["n_fit_photons"][0] == 38
    assert_allclose(table["h_mean"][0], 12.0, atol=1e-5)


def test_classic_and_compact_columns():
    """The older names, and the four columns of compact."""
    photons = scene()
    classic = fit_heights(photons, {"cnf": 0, "columns": "classic"})
    assert {"lat", "lon", "distance", "delta_time", "dh_fit_dy"} <= set(classic)
    assert not {"latitude", "x_atc", "time"} & set(classic)
    assert list(fit_heights(photons, {"cnf": 0, "compact": True})) == ["delta_time", "lat", "lon", "h_mean"]
    older = extents(photons, {"cnf": 0, "columns": "classic"})
    assert {"distance", "segment_dist", "delta_time"} <= set(older)


def test_background_is_that_of_the_time_of_a_segment():
    """
    Profile xseries takes the last record at or before a segment, and other profiles interpolate.

    The records are at 0, 1 and 2 s. Beyond them, the first and the last one hold.
    """
    track = SimpleNamespace(
        background_time=np.array([0.0, 1.0, 2.0]),
        background_rate=np.array([10.0, 20.0, 40.0]),
        segments={"delta_time": np.array([-1.0, 0.5, 1.0, 1.5, 9.0])},
    )
    extents = {"segment": np.arange(5)}
    for profile, expected in (("xseries", [10, 10, 20, 20, 40]), ("legacy", [10, 15, 20, 30, 40])):
        found = background_rates(track, extents, FitParameters.of({"profile": profile}))
        assert found.tolist() == expected
