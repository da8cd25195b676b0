"""Checks of velocities hold when they are right, and fail when one thing is wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj
import pytest
import xarray as xr

from nunatak.checks import from_maps, velocity, velocity_truth
from nunatak.simulation import world
from nunatak.velocity import flux_gate

WORLD = {"name": "pine_island", "size": "tiny"}


def annual(noise=20.0, stated=20.0, offset=0.0, late=0.0, weak=1.0, steeper=0.0):
    """
    Three years of 20 x 30 cells on the trunk: the truth's annual means, trend and cycle with noise and stated errors.

    `offset` m/yr is added to the means, `late` days to the phase, `steeper` m/yr per year to the trend; the amplitude
    is `weak` times the truth's.
    """
    x, y = -1.605e6 + 120.0 * np.arange(30), -3.05e5 - 120.0 * np.arange(20)
    edges = np.array([2014.0, 2015.0, 2016.0, 2017.0])
    truth = world(**WORLD).truth
    grid = np.meshgrid(x, y)
    times = [first + (np.arange(24) + 0.5) / 24 for first in edges[:-1]]
    monthly = np.stack([[truth.velocity(*grid, t) for t in year] for year in times])
    means = np.moveaxis(monthly.mean(axis=1), 1, 0)
    rng = np.random.default_rng(5)
    vx, vy = means + noise * rng.standard_normal(means.shape) + offset
    v, ux, uy = np.hypot(vx, vy), *(means.mean(axis=1) / np.hypot(*means.mean(axis=1)))
    speed = monthly[:, :, 0] * ux + monthly[:, :, 1] * uy
    drift = speed[-1].mean(axis=0) - speed[0].mean(axis=0)
    t = np.concatenate(times)
    cycle = speed.reshape(-1, 20, 30) - drift / 2 * (t - 2015.5)[:, None, None]
    a, b = (
        2 * np.tensordot(wave(2 * np.pi * t), cycle, 1) / t.size + 2 * noise * rng.standard_normal((20, 30)) / 20
        for wave in (np.sin, np.cos)
    )
    dims, still = ("year", "y", "x"), lambda value: (dims[1:], np.broadcast_to(value, (20, 30)))
    fields = {
        "vx": (dims, vx),
        "vy": (dims, vy),
        "v": (dims, v),
        **{f"{name}_error": (dims, np.full_like(v, stated)) for name in ("vx", "vy", "v")},
        "vx0": still(vx.mean(axis=0)),
        "vy0": still(vy.mean(axis=0)),
        "count": (dims, np.full(v.shape, 9)),
        "dv_dt": still((v[2] - v[0]) / 2 + steeper),
        "dv_dt_error": still(stated / np.sqrt(2)),
        "v_amp": still(weak * np.hypot(a, b)),
        "v_amp_error": still(stated / 10),
        "v_phase": still((np.arctan2(a, b) / (2 * np.pi) * 365.25 + late) % 365.25),
        "v_phase_error": still(stated / 10 / np.hypot(a, b) / (2 * np.pi) * 365.25),
        "roi": (("y", "x"), np.ones((20, 30), "u1")),
    }
    coords = {
        "year": [2014, 2015, 2016],
        "year_start": ("year", edges[:-1]),
        "year_end": ("year", edges[1:]),
        "y": y,
        "x": x,
    }
    about = {
        "crs": "EPSG:3031",
        "method": "lsq",
        "n_pairs": 3,
        "v0_first_year": 2014,
        "v0_last_year": 2016,
        "reference_year": 2015,
    }
    return xr.Dataset(fields, coords, about)


def table():
    return pd.DataFrame({"fate": ["used"] * 3 + ["filter"], "why": ["", "", "", "months: mid-date in June"]})


def failed(dataset, pairs=None):
    return [c.name for c in velocity.composite_checks(dataset, table() if pairs is None else pairs) if c.failed]


def beside_truth(dataset):
    return {c.name: c for c in velocity_truth.against_truth(dataset, WORLD)}


def test_a_sound_composite_passes():
    """Means, trend, amplitude and phase of a normal distribution about the truth."""
    assert failed(annual()) == []
    checks = beside_truth(annual())
    assert len(checks) == 14 and not any(c.failed for c in checks.values())
    for name, check in checks.items():
        about = 1.0 if "/spread" in name or "_scale" in name else 0.954
        assert check.value == pytest.approx(about, abs=0.2 if about == 1.0 else 0.03), name


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"offset": 60.0}, "velocity_against_truth"),
        ({"stated": 5.0}, "velocity_against_truth"),
        ({"steeper": 40.0}, "velocity_trend_against_truth"),
        ({"weak": 0.5}, "velocity_amplitude_against_truth"),
        ({"late": 20.0}, "velocity_phase_against_truth"),
        ({"offset": 60.0}, "velocity_vx_against_truth"),
        ({"stated": 100.0}, "velocity_vy_against_truth/spread"),
        ({"stated": 300.0}, "velocity_phase_against_truth/spread"),
    ],
)
def test_a_bias_or_an_error_that_is_too_small_shows_against_the_truth(wrong, name):
    assert not beside_truth(annual(**wrong))[name].held


def test_only_least_squares_is_held_against_means_of_years():
    assert not any(c.applies for c in beside_truth(annual().assign_attrs(method="median")).values())


def test_a_composite_without_a_cycle_has_none_to_check():
    found = beside_truth(annual().drop_vars(["v_amp", "v_phase", "v_amp_error", "v_phase_error"]))
    assert [name for name, c in found.items() if not c.applies] == [
        "velocity_amplitude_against_truth",
        "velocity_phase_against_truth",
    ]


def test_averaged_speeds_show():
    """A speed that is not that of its components."""
    assert failed(annual().assign(v=annual()["v"] + 1.0)) == ["velocity_components"]


def test_a_lost_pair_and_one_without_a_reason_show():
    assert failed(annual(), table().iloc[1:]) == ["velocity_pairs"]
    assert failed(annual(), table().assign(why="")) == ["velocity_fates"]


def test_a_cube_in_another_projection_is_held_against_the_same_truth():
    """Speeds stay, and a step along the components leads to the same place, whichever system they are given in."""
    import pyproj

    truth = world(**WORLD).truth
    x, y = -1.605e6 + 120.0 * np.arange(3), -3.05e5 - 120.0 * np.arange(3)
    to_utm = pyproj.Transformer.from_crs("EPSG:3031", "EPSG:32714", always_xy=True)
    px, py = to_utm.transform(x, y)
    axes = {"y": py, "x": px, "year": [2015], "year_start": ("year", [2015.0])}
    cube = xr.Dataset(coords=axes, attrs={"crs": "EPSG:32714"})
    cells = velocity_truth.Cells(cube, np.arange(3), np.arange(3))
    found = cells.monthly(truth)[5]
    t = cells._times[5]
    vx, vy = truth.velocity(x, y, t)
    np.testing.assert_allclose(np.hypot(*found), np.hypot(vx, vy), rtol=1e-9)
    k = truth.scale(x, y)
    qx, qy = to_utm.transform(x + k * vx / 100, y + k * vy / 100)
    np.testing.assert_allclose([(qx - px) * 100, (qy - py) * 100], found, rtol=0.02, atol=15)


def test_discharge_is_compared_at_gates_whose_thickness_is_a_number_with_their_density():
    """
    Ice of 100 m/yr through two gates of 1 km.

    The thickness of the second is a raster's, which nobody can tell.
    """
    x, y = 500e3 + 100.0 * np.arange(41), 1.7e6 - 100.0 * np.arange(41)
    stated = {"vx": 100.0, "vy": 0.0, "vx_error": 5.0, "vy_error": 5.0}
    fields = {n: (("year", "y", "x"), np.full((1, 41, 41), v)) for n, v in stated.items()}
    annual = xr.Dataset(fields, {"year": [2020], "x": x, "y": y}, {"crs": "EPSG:32714"})
    to_lonlat = pyproj.Transformer.from_crs("EPSG:32714", "EPSG:4326", always_xy=True)
    ends = [to_lonlat.transform(502e3, north) for north in (1.6985e6, 1.6975e6)]
    asked = {
        "number": {"lonlat": ends, "thickness": 500.0, "density": 900.0},
        "raster": {"lonlat": ends, "thickness": "bed.tif"},
    }
    flux = flux_gate(annual.isel(year=0), np.array([[502e3, 1.6985e6], [502e3, 1.6975e6]]), 1.0, crs="EPSG:32714")
    row = {"year": 2020, "width": flux.width, "observed_share": 1.0, "angle": flux.angle}
    area = abs(100.0 * flux.width / 1e6)
    sign = np.sign(flux.segments["v_across"].iloc[0])
    error = float((flux.segments["v_across_error"] * flux.segments["width"]).sum()) / 1e6
    row |= {"area_flux": sign * area, "area_flux_sigma": error}
    known = [sign * area * 500 * 900 / 1e6, 0.123]
    table = pd.DataFrame([{"gate": name, **row, "discharge": d} for name, d in zip(asked, known, strict=True)])
    assert from_maps.gates(table, annual, asked).held
    assert from_maps.gates(table.assign(discharge=[known[0] * 917 / 900, 0.123]), annual, asked).failed
    assert from_maps.gates(table.assign(discharge=[known[0], 0.2]), annual, asked).held
