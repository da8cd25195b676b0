"""Heights against a known surface: bias and the calibration of their error, over realisations of photons."""

from __future__ import annotations

import numpy as np
import pytest

from nunatak.photons import fit_heights, photons_from_arrays

LENGTH = 20000.0  # m of track
PULSE_SIGMA = 0.68e-9 * 299792458 / 2  # m, of the transmitted pulse in height
FOOTPRINT = 2.75  # m, one sigma of the spot on the ground (11 m in diameter within 1/e2)


def surface(kind, x):
    """Height of flat, 2-degree and rough ice (waves of 30 and 110 m, roughness of the metre scale from photons)."""
    if kind == "flat":
        return np.full(x.shape, 800.0)
    if kind == "slope":
        return 800 + np.tan(np.radians(2)) * x
    return 800 + 0.25 * np.sin(2 * np.pi * x / 110) + 0.08 * np.sin(2 * np.pi * x / 31)


def photons(kind, seed, background=2e5, per_pulse=6.0):
    """Pulses each 0.7 m; photons spread by footprint and pulse; background over 30 m about the surface."""
    rng = np.random.default_rng(seed)
    pulse = np.arange(0, LENGTH, 0.7)
    x = np.repeat(pulse, rng.poisson(per_pulse, len(pulse)))
    ground = surface(kind, x + rng.normal(0, FOOTPRINT, len(x)))
    roughness = 0.1 if kind == "rough" else 0.0
    h = ground + rng.normal(0, np.hypot(PULSE_SIGMA, roughness), len(x))
    noise = rng.poisson(background * 2 * 30 / 299792458, len(pulse))
    xn = np.repeat(pulse, noise)
    hn = surface(kind, xn) + rng.uniform(-15, 15, len(xn))
    return photons_from_arrays(np.r_[x, xn], np.r_[h, hn], background_rate=background)


@pytest.mark.parametrize(("kind", "limit"), [("flat", 0.01), ("slope", 0.02), ("rough", 0.05)])
def test_bias(kind, limit):
    """The mean error of good heights stays below 1, 2 and 5 cm."""
    table = fit_heights(photons(kind, 1), {"cnf": 0, "maxi": 6, "profile": "anchored"})
    good = table[table["pflags"] == 0]
    error = good["h_mean"] - surface(kind, good["x_atc"].to_numpy())
    assert len(good) > 900
    assert abs(error.mean()) < limit
    assert abs(np.median(error)) < limit


def test_the_error_is_calibrated_on_flat_ice():
    """z = error / h_sigma over 20 realisations of disjoint extents: its NMAD lies between 0.8 and 1.3."""
    z = []
    for seed in range(20):
        table = fit_heights(photons("flat", seed), {"cnf": 0, "maxi": 6, "res": 40.0})
        good = table[(table["pflags"] == 0) & (table["h_sigma"] > 0)]
        z.append((good["h_mean"] - 800.0) / good["h_sigma"])
    z = np.concatenate(z)
    nmad = 1.4826 * np.median(np.abs(z - np.median(z)))
    assert len(z) > 9000
    assert 0.8 < nmad < 1.3


def test_presets_differ_in_false_positives():
    """On noise alone, weak signal confidence makes false heights and `fewer_false_positives` does not."""
    rng = np.random.default_rng(3)
    n = 6000
    x, h = np.sort(rng.uniform(0, LENGTH, n)), rng.uniform(0, 60, n)
    cloud = photons_from_arrays(x, h, confidence=rng.choice([0, 1, 4], n, p=[0.2, 0.78, 0.02]), background_rate=1e5)
    counts = {
        p: len(fit_heights(cloud, {"preset": p, "profile": "legacy"})) for p in ("atl06_like", "fewer_false_positives")
    }
    assert counts["atl06_like"] > 100
    assert counts["fewer_false_positives"] < 0.05 * counts["atl06_like"]
