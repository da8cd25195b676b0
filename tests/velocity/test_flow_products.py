"""Flowlines, gates, strain rates and point series: analytic fields, either way up, true lengths."""

import numpy as np
import pytest
import xarray as xr
from tests.builders.velocity import cube_of, noisy_cube

from nunatak.geometry.grid import map_scale
from nunatak.runtime import NunatakError
from nunatak.times import from_decimal_year
from nunatak.velocity import NoVelocity, composite, flowline, flux_gate, model_series, point_series, strain_rates
from nunatak.velocity.sampling import Field
from nunatak.velocity.series import seasonal_at

UTM = "EPSG:32714"  # true to scale within 1e-3 near its middle
X0, Y0 = 500e3, 1.7e6


def field_of(vx, vy, *, crs=UTM, n=41, cell=500.0, descending=True, x0=X0, y0=Y0, **more):
    """A field of functions of (x - x0, y - y0) about a centre."""
    x = x0 + cell * (np.arange(n) - n // 2)
    y = y0 + cell * (np.arange(n) - n // 2) * (-1 if descending else 1)
    gx, gy = np.meshgrid(x - x0, y - y0)
    values = {"vx": vx(gx, gy), "vy": vy(gx, gy), **{k: f(gx, gy) for k, f in more.items()}}
    data = {k: (("y", "x"), np.broadcast_to(v, gx.shape).astype(float)) for k, v in values.items()}
    return xr.Dataset(data, {"x": x, "y": y}, {"crs": crs})


def test_a_circle_closes():
    """Solid rotation about a point: after one turn the line is back, and the time is that of a turn."""
    omega = 0.1  # per year
    field = field_of(lambda x, y: -omega * y, lambda x, y: omega * x)
    k = float(map_scale(UTM, X0, Y0))
    radius = 5000.0
    turn = 2 * np.pi * radius / k
    line = flowline(field, (X0 + radius, Y0), upstream=False, max_length=turn, min_speed=1.0)
    np.testing.assert_allclose(np.hypot(line["x"] - X0, line["y"] - Y0), radius, rtol=1e-4)
    assert line["distance"].iloc[-1] == pytest.approx(turn, rel=0.01)
    # ground speed omega * radius over a ground length: the turn takes 2 pi / omega, k enters the length alone
    assert line["travel_time"].iloc[-1] == pytest.approx(
        2 * np.pi / omega / k * line["distance"].iloc[-1] / turn, rel=1e-3
    )


def test_travel_time_through_accelerating_ice():
    """v = a x: from x1 to x2 in ln(x2 / x1) / a, on a map of another scale: k less."""
    crs, x0, y0 = "EPSG:3031", 0.0, -300e3
    field = field_of(lambda x, y: 0.02 * (x + 30e3), lambda x, y: 0 * x, crs=crs, x0=x0, y0=y0, n=81)
    line = flowline(field, (x0, y0), min_speed=1.0)
    k = float(map_scale(crs, x0, y0))
    assert k < 0.98
    start, last = 30e3, line["x"].iloc[-1] + 30e3
    assert line["travel_time"].iloc[-1] == pytest.approx(np.log(last / start) / 0.02 / k, rel=1e-3)
    assert line["travel_time"].iloc[0] < 0 < line["travel_time"].iloc[-1]
    assert (np.diff(line["distance"]) > 0).all() and (line["distance"] == 0).any()
    assert line["distance"].iloc[-1] == pytest.approx((last - start) / k, rel=1e-3)


@pytest.mark.parametrize(("limit", "ends"), [((10.0, 0.5), False), ((10.0, 0.3), True)])
def test_faster_ice_may_have_larger_errors(limit, ends):
    """Errors of 50 m/yr at 100 m/yr: the line may go on to 10 + 0.5 x 100 m/yr, not to 10 + 0.3 x 100."""
    field = field_of(lambda x, y: 100.0 + 0 * x, lambda x, y: 0 * x, v_error=lambda x, y: 50.0 + 0 * x)
    line = flowline(field, (X0, Y0), upstream=False, error_limit=limit)
    assert (line["x"].max() == X0) == ends and (line["x"].max() > X0 + 9000) == (not ends)


def test_a_line_ends_where_the_ice_does():
    """Slow ice, missing cells, an error too large."""
    field = field_of(lambda x, y: np.where(x < 3000, 100.0, 5.0), lambda x, y: 0 * x, v_error=lambda x, y: 1.0 + 0 * x)
    assert flowline(field, (X0, Y0))["x"].max() <= X0 + 3500
    holed = field.where(field["x"] < X0 + 2000)
    assert flowline(holed, (X0, Y0))["x"].max() < X0 + 2000
    wrong = field.assign(v_error=field["v_error"].where(field["x"] < X0 + 1000, 500.0))
    assert flowline(wrong, (X0, Y0))["x"].max() < X0 + 1600
    with pytest.raises(NunatakError, match="no velocity at"):
        flowline(holed, (X0 + 5000, Y0))
    with pytest.raises(NunatakError, match="step 2 cells"):
        flowline(field, (X0, Y0), step=2)


def test_discharge_of_uniform_flow():
    """100 m/yr through 1 km of ice 6 km wide: 0.55 Gt/yr to the right of the line, minus that the other way round."""
    field = field_of(
        lambda x, y: 100 + 0 * x, lambda x, y: 0 * x, vx_error=lambda x, y: 5 + 0 * x, vy_error=lambda x, y: 5 + 0 * x
    )
    gate = [(X0, Y0 - 3000), (X0, Y0 + 3000)]
    k = float(map_scale(UTM, X0, Y0))
    flux = flux_gate(field, gate, 1000.0, thickness_sigma=50.0, density_sigma=9.17)
    expected = 917 * 100 * 1000 * 6000 / k / 1e12
    assert flux.discharge == pytest.approx(expected, rel=1e-6) and flux.width == pytest.approx(6000 / k)
    assert flux.sigma_thickness == pytest.approx(0.05 * expected) and flux.sigma_velocity == pytest.approx(
        0.05 * expected
    )
    assert flux.sigma_density == pytest.approx(0.01 * expected)
    assert flux.sigma == pytest.approx(expected * np.sqrt(0.05**2 * 2 + 0.01**2))
    assert flux.observed_share == 1 and flux.shown
    assert flux_gate(field, gate[::-1], 1000.0).discharge == pytest.approx(-expected)
    slanted = [(X0 - 3000, Y0 - 3000), (X0 + 3000, Y0 + 3000)]
    assert flux_gate(field, slanted, 1000.0).discharge == pytest.approx(expected, rel=1e-4)
    independent = flux_gate(field, gate, 1000.0, correlation_length=1000.0)
    assert independent.sigma_velocity < 0.5 * flux.sigma_velocity


def test_a_gate_in_ice_at_rest_has_shares_by_length():
    """Nothing flows, so shares of the flux are not to be had: a third is not seen, two thirds are."""
    field = field_of(lambda x, y: 0 * x, lambda x, y: 0 * x)
    holed = field.where(np.abs(field["y"] - Y0) > 1000)
    flux = flux_gate(holed, [(X0, Y0 - 3000), (X0, Y0 + 3000)], 1000.0)
    assert flux.discharge == 0 and flux.thickness_share == 1 and 0.4 < flux.observed_share < 0.6


def test_gaps_of_a_gate_are_counted():
    """A third of the gate is not seen: bridged, and the observed share says so; none at all is refused."""
    field = field_of(lambda x, y: 100 + 0 * x, lambda x, y: 0 * x)
    gate = [(X0, Y0 - 3000), (X0, Y0 + 3000)]
    holed = field.where(np.abs(field["y"] - Y0) > 1000)
    flux = flux_gate(holed, gate, 1000.0)
    assert flux.discharge == pytest.approx(flux_gate(field, gate, 1000.0).discharge, rel=1e-6)
    assert 0.4 < flux.observed_share < 0.6
    thickness = xr.DataArray(np.full(field["vx"].shape, 800.0), field["vx"].coords, ("y", "x"))
    assert flux_gate(field, gate, thickness).discharge == pytest.approx(0.8 * flux.discharge, rel=1e-6)
    with pytest.raises(NunatakError, match="no velocity anywhere"):
        flux_gate(field.where(field["x"] > X0 + 5000), gate, 1000.0)
    with pytest.raises(NunatakError, match="no thickness anywhere"):
        flux_gate(field, gate, thickness.where(thickness["x"] > X0 + 5000))
    with pytest.raises(NunatakError, match="two or more points"):
        flux_gate(field, [(X0, Y0), (X0, Y0)], 1000.0)
    with pytest.raises(NunatakError, match="two or more points"):
        flux_gate(field, [(X0, Y0), (X0, np.inf)], 1000.0)
    with pytest.raises(NunatakError, match="no attribute crs"):
        flux_gate(field.assign_attrs(crs=""), gate, 1000.0)


@pytest.mark.parametrize("angle", [90.0, 60.0, 20.0])
def test_the_angle_of_a_gate_is_that_to_the_flow(angle):
    """Flow along x; 90 degrees is across it, and either way round is the same."""
    field = field_of(lambda x, y: 100 + 0 * x, lambda x, y: 0 * x)
    dx, dy = 2000 * np.cos(np.radians(angle)), 2000 * np.sin(np.radians(angle))
    gate = [(X0 - dx, Y0 - dy), (X0 + dx, Y0 + dy)]
    assert flux_gate(field, gate, 1000.0).angle == pytest.approx(angle, abs=0.01)
    assert flux_gate(field, gate[::-1], 1000.0).angle == pytest.approx(angle, abs=0.01)


def test_no_ice_has_a_flux_of_zero_and_no_velocity_has_none():
    """
    On rock nothing flows, seen or not.

    A gate on ice without a velocity is refused by a class of its own.
    """
    field = field_of(lambda x, y: 100 + 0 * x, lambda x, y: 0 * x)
    gate = [(X0, Y0 - 3000), (X0, Y0 + 3000)]
    rock = xr.DataArray(np.zeros(field["vx"].shape), field["vx"].coords, ("y", "x"))
    for velocity in (field, field.where(field["x"] > X0 + 5000)):
        flux = flux_gate(velocity, gate, rock, thickness_sigma=0 * rock)
        assert (flux.discharge, flux.sigma, flux.observed_share, flux.thickness_share) == (0, 0, 1, 1)
    half = rock.where(rock["y"] > Y0, 800.0)  # ice in the south, velocities in the north
    with pytest.raises(NoVelocity):
        flux_gate(field.where(field["y"] > Y0 + 500), gate, half, thickness_sigma=0 * rock)


def test_a_thickness_that_is_not_known_is_counted_and_doubtful():
    """Half a gate has no thickness: carried on, 0.5 of the flux, and its error is half of the thickness."""
    field = field_of(lambda x, y: 100 + 0 * x, lambda x, y: 0 * x)
    gate = [(X0, Y0 - 3000), (X0, Y0 + 3000)]
    whole = xr.DataArray(np.full(field["vx"].shape, 800.0), field["vx"].coords, ("y", "x"))
    flux = flux_gate(field, gate, whole.where(whole["y"] > Y0))
    assert flux.thickness_share == pytest.approx(0.45, abs=0.06) and flux.observed_share == 1
    known = flux_gate(field, gate, whole)
    assert known.thickness_share == 1 and flux.discharge == pytest.approx(known.discharge, rel=1e-6)
    share = flux.thickness_share
    expected = known.discharge * (0.1 * share + 0.5 * (1 - share))
    assert flux.sigma_thickness == pytest.approx(expected, rel=1e-3)
    assert not flux_gate(field, gate, whole.where(whole["y"] > Y0 + 500)).shown


@pytest.mark.parametrize("wrong", [-9999.0, 9.9e36, 6000.0])
def test_a_thickness_that_no_ice_has_is_refused(wrong):
    field = field_of(lambda x, y: 100 + 0 * x, lambda x, y: 0 * x)
    thickness = xr.DataArray(np.full(field["vx"].shape, 800.0), field["vx"].coords, ("y", "x"))
    gate = [(X0, Y0 - 3000), (X0, Y0 + 3000)]
    for given in (wrong, thickness.where(thickness["y"] > Y0, wrong)):
        with pytest.raises(NunatakError, match=r"flux gate: thickness of .* ice has 0 to 5000 m"):
            flux_gate(field, gate, given)


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("method", ["nominal", "logarithmic"])
def test_strain_of_a_linear_field(method, descending):
    """u = 1e-3 x + 4e-3 y, v = -2e-3 y: the gradients, whichever way y runs; true lengths make them k times larger."""
    field = field_of(lambda x, y: 200 + 1e-3 * x + 4e-3 * y, lambda x, y: 50 - 2e-3 * y, descending=descending)
    k = float(map_scale(UTM, X0, Y0))
    options = {"time": 0.01} if method == "logarithmic" else {}
    strain = strain_rates(field, method=method, **options).isel(x=slice(5, -5), y=slice(5, -5))
    for name, value in (("exx", 1e-3), ("eyy", -2e-3), ("exy", 2e-3)):
        np.testing.assert_allclose(strain[name], value * k, atol=3e-6)
    np.testing.assert_allclose(strain["e_eff"], k * np.sqrt(0.5 * (1e-6 + 4e-6) + 4e-6), rtol=2e-3)
    np.testing.assert_allclose(strain["e_lon"] + strain["e_trn"], strain["exx"] + strain["eyy"], atol=1e-12)


@pytest.mark.parametrize("method", ["nominal", "logarithmic"])
def test_a_rigid_rotation_has_no_strain(method):
    """Neither along the axes nor along the flow, also after the stakes have moved."""
    field = field_of(lambda x, y: -0.05 * y, lambda x, y: 0.05 * x)
    strain = strain_rates(field, method=method).isel(x=slice(6, -6), y=slice(6, -6))
    for name in ("exx", "eyy", "exy", "e_eff"):
        assert np.nanmax(np.abs(strain[name])) < 1e-6


def test_shear_along_the_flow():
    """Flow in x that is faster to the north: pure shear along the flow, with the sign of a left-hand margin."""
    field = field_of(
        lambda x, y: 500 + 0.01 * y,
        lambda x, y: 0 * x,
        vx_error=lambda x, y: 3 + 0 * x,
        vy_error=lambda x, y: 4 + 0 * x,
    )
    strain = strain_rates(field, half_length=1000.0).isel(x=slice(5, -5), y=slice(5, -5))
    k = float(map_scale(UTM, X0, Y0))
    np.testing.assert_allclose(strain["e_shr"], 0.005 * k, rtol=1e-3)
    np.testing.assert_allclose(strain["sigma"], 5 / 2000 * k, rtol=1e-3)
    with pytest.raises(NunatakError, match="choose nominal or logarithmic"):
        strain_rates(field, method="log")
    with pytest.raises(NunatakError, match="below one cell"):
        strain_rates(field, half_length=100.0)


def test_point_series_is_the_cell_or_the_mean_of_components():
    """One cell, a neighbourhood with gaps, a point outside."""
    v = np.arange(2 * 3 * 3, dtype=float).reshape(2, 3, 3)
    v[0, 1, 1] = np.nan
    cube = cube_of(v, -v, np.array([2001.1, 2001.2]), np.array([2001.2, 2001.3]))
    series = point_series(cube, {"middle": (120.0, -120.0)})
    assert series["vx"].tolist() == [13.0] and series["v"].tolist() == [np.hypot(13, 13)]
    around = point_series(cube, {"middle": (120.0, -120.0)}, radius=170.0)
    assert around["vx"].tolist() == [4.0, 13.0]
    with pytest.raises(NunatakError, match=r"far: .* lies outside the cube"):
        point_series(cube, {"far": (9e5, 0.0)})


def test_the_seasonal_model_interpolates_phases_as_angles():
    """Between days 364 and 2 lies the New Year, not July; the model follows the planted motion."""
    fields = {"v_amp": [[50.0, 50.0]], "v_phase": [[364.0, 2.0]], "v_amp_error": [[1.0, 1.0]]}
    annual = xr.Dataset(
        {k: (("y", "x"), np.repeat(v, 2, axis=0)) for k, v in fields.items()}, {"x": [0.0, 1.0], "y": [1.0, 0.0]}
    )
    amplitude, phase, error = seasonal_at(annual, 0.5, 0.5)
    assert amplitude == pytest.approx(50, rel=1e-3) and error == 1
    assert min(abs(phase - 0.375), abs(phase - 365.625)) < 0.6
    cube, _ = noisy_cube(np.random.default_rng(1), n=800, shape=(2, 2), sigma=5.0, amplitude=100.0, phase=50.0)
    fit = composite(cube)
    time = from_decimal_year(2004 + np.array([50 / 365.25, 50 / 365.25 + 0.5]))
    model = model_series(fit, 60.0, -60.0, time)
    np.testing.assert_allclose(model["v"], [1100, 900], atol=6)
    assert np.isnan(model_series(fit, 60.0, -60.0, from_decimal_year(np.array([1950.0])))["v"]).all()


def test_fields_are_bilinear_and_missing_next_to_missing():
    """A plane is met exactly; a point on a cell's centre needs that cell alone."""
    field = field_of(lambda x, y: x + 2 * y, lambda x, y: 0 * x)
    assert Field(field, ("vx",))(X0 + 130.0, Y0 - 70.0)[0] == pytest.approx(130 - 140)
    holed = field.where(field["x"] <= X0)
    assert Field(holed, ("vx",))(X0, Y0 + 30.0)[0] == pytest.approx(60)
    assert np.isnan(Field(holed, ("vx",))(X0 + 10.0, Y0)[0])
    assert np.isnan(Field(field, ("vx",))(X0 + 1e6, Y0)[0])
