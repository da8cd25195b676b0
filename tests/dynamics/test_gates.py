"""Gates by rule, shares of what the thickness rests on, and the same flux in another projection."""

import numpy as np
import pandas as pd
import pyproj
import pytest
import xarray as xr

from nunatak.dynamics import across_flowline, along_margin, shares_by_class
from nunatak.geometry.grid import map_scale
from nunatak.runtime import NunatakError
from nunatak.simulation.worlds import world
from nunatak.velocity import flowline, flux_gate

CRS, X0, Y0 = "EPSG:3031", -1603794.0, -308842.0


def stream(n=81, cell=500.0, width=6000.0, crs=CRS):
    """Ice that runs along x with a speed that falls off to the sides."""
    x = X0 + cell * (np.arange(n) - n // 2)
    y = Y0 - cell * (np.arange(n) - n // 2)
    _, gy = np.meshgrid(x, y - Y0)
    vx = 1000 * np.exp(-((gy / width) ** 2) / 2)
    axes = {"y": y, "x": x}
    return xr.Dataset({"vx": (("y", "x"), vx), "vy": (("y", "x"), 0 * vx)}, axes, {"crs": crs})


def test_a_gate_across_a_flowline_stands_across_and_ends_where_the_ice_is_slow():
    field = stream()
    line = flowline(field, (X0, Y0))
    gate = across_flowline(field, line, 5000.0, least=0.25)
    np.testing.assert_allclose(gate[0, 0], gate[1, 0], atol=1)
    k = float(map_scale(CRS, X0, Y0))
    end = X0 + 500 * 40
    assert gate[0, 0] == pytest.approx(end - 5000 * k, abs=600)
    reach = 6000 * np.sqrt(2 * np.log(4))
    np.testing.assert_allclose(np.abs(gate[:, 1] - Y0), reach, atol=260)
    flux = flux_gate(field, gate, 1000.0)
    assert flux.discharge > 0 and flux.angle > 89


def test_a_line_that_is_too_short_is_told():
    line = flowline(stream(), (X0, Y0))
    with pytest.raises(NunatakError, match="choose a distance"):
        across_flowline(stream(), line, 1e6)


def test_gates_along_the_margin_hold_all_that_leaves():
    """A square ice cap that spreads: the gate is one closed ring, and its flux is the divergence inside."""
    n, cell = 61, 250.0
    x = 500e3 + cell * (np.arange(n) - n // 2)
    y = 1.7e6 - cell * (np.arange(n) - n // 2)
    gx, gy = np.meshgrid(x - 500e3, y - 1.7e6)
    axes = {"y": y, "x": x}
    field = xr.Dataset({"vx": (("y", "x"), 0.05 * gx), "vy": (("y", "x"), 0.05 * gy)}, axes, {"crs": "EPSG:32714"})
    ice = np.maximum(np.abs(gx), np.abs(gy)) < 6000
    (ring,) = along_margin(field, ice, min_speed=50, inland=2000)
    np.testing.assert_allclose(ring[0], ring[-1])
    k = float(map_scale("EPSG:32714", 500e3, 1.7e6))
    inside = np.ptp(ring, axis=0).prod() / k**2
    flux = flux_gate(field, ring, 300.0, spacing=cell)
    assert flux.discharge == pytest.approx(0.1 * k * 300 * inside * 917 / 1e12, rel=2e-3)


def test_slow_margins_get_no_gate_and_the_edge_of_the_map_is_no_margin():
    field = stream()
    whole = np.ones(field["vx"].shape, dtype=bool)
    assert along_margin(field, whole, inland=2000) == []
    beyond = whole & (field["x"].values < X0 + 15000)
    gates = along_margin(field, beyond, min_speed=500, inland=2000)
    assert len(gates) == 1
    flux = flux_gate(field, gates[0], 1000.0)
    assert flux.discharge > 0 and np.ptp(gates[0][:, 0]) < 600
    assert np.ptp(gates[0][:, 1]) == pytest.approx(2 * 6000 * np.sqrt(2 * np.log(2)), abs=1100)


def test_shares_weigh_cells_by_their_flux():
    segments = pd.DataFrame({"x": [0.0, 10.0, 20.0], "y": [0.0, 0.0, 0.0], "discharge": [1.0, -2.0, 1.0]})
    codes = xr.DataArray([[2, 4, 5], [2, 4, 5]], {"y": [5.0, 0.0], "x": [0.0, 10.0, 20.0]}, ("y", "x"))
    shares = shares_by_class(segments, codes, {"conserved": (2,), "interpolated": (4, 6)})
    assert shares == {"conserved": 0.25, "interpolated": 0.5}


def test_a_gate_carries_the_same_ice_in_utm_and_in_the_polar_map():
    """Velocity and thickness of the true glacier on both maps: within 0.1 %."""
    truth = world("pine_island").truth
    ends = [(X0 - 4000.0, Y0 + 6000.0), (X0 + 4000.0, Y0 - 6000.0)]
    fluxes = []
    for crs in ("EPSG:3031", "EPSG:32714"):
        to_polar = pyproj.Transformer.from_crs(crs, "EPSG:3031", always_xy=True)
        from_polar = pyproj.Transformer.from_crs("EPSG:3031", crs, always_xy=True)
        gate = np.column_stack(from_polar.transform(*np.linspace(*ends, 40).T))
        middle = gate.mean(axis=0)
        x = middle[0] + 120.0 * (np.arange(161) - 80)
        y = middle[1] - 120.0 * (np.arange(161) - 80)
        gx, gy = np.meshgrid(x, y)
        px, py = to_polar.transform(gx, gy)
        qx, qy = to_polar.transform(gx + 1.0, gy)
        turn = np.arctan2(qy - py, qx - px)
        vx, vy = truth.velocity(px, py, 2016.0)
        axes = {"y": y, "x": x}
        field = xr.Dataset(
            {
                "vx": (("y", "x"), vx * np.cos(turn) + vy * np.sin(turn)),
                "vy": (("y", "x"), vy * np.cos(turn) - vx * np.sin(turn)),
            },
            axes,
            {"crs": crs},
        )
        thickness = xr.DataArray(truth.thickness(px, py, 2016.0), axes, ("y", "x"))
        fluxes.append(flux_gate(field, gate, thickness, factor=0.95).discharge)
    assert abs(fluxes[0]) > 1
    assert fluxes[1] == pytest.approx(fluxes[0], rel=1e-3)
