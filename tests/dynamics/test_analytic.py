"""Flux, divergence and budgets against fields whose answer is known in closed form, and on the Earth."""

import numpy as np
import pyproj
import pytest
import shapely
import xarray as xr

from nunatak.dynamics import flux_divergence, split_thinning, terms
from nunatak.dynamics.flux import discharge_by_year
from nunatak.geometry.grid import Grid, map_scale
from nunatak.simulation.worlds import world
from nunatak.velocity import flux_gate

SOUTH, NORTH = "EPSG:3031", "EPSG:3413"
GEOD = pyproj.Geod(ellps="WGS84")


def square(crs, x0, y0, *, half=10e3, cell=250.0):
    """A grid about a place, and the distances of its cells from it along the axes."""
    grid = Grid.from_bounds(crs, (x0 - half, y0 - half, x0 + half, y0 + half), cell)
    gx, gy = np.meshgrid(grid.x, grid.y)
    return grid, gx - x0, gy - y0


def velocity_of(grid, vx, vy, error=0.0):
    plane = np.zeros(grid.shape)
    fields = {"vx": vx + plane, "vy": vy + plane, "vx_error": plane + error, "vy_error": plane + error}
    axes = {"y": grid.y, "x": grid.x}
    return xr.Dataset({name: (("y", "x"), values) for name, values in fields.items()}, axes, {"crs": grid.crs})


def thickness_of(grid, values, sigma=0.0):
    fields = {"thickness": values + np.zeros(grid.shape), "thickness_sigma": np.full(grid.shape, float(sigma))}
    return xr.Dataset({n: (("y", "x"), v) for n, v in fields.items()}, {"y": grid.y, "x": grid.x}, {"crs": grid.crs})


def test_an_ice_stream_discharges_what_its_profile_holds():
    """Speed V exp(-y2 / 2 s2) through ice H deep: rho H V s sqrt(2 pi), on the ground s / k wide."""
    grid, _, y = square(SOUTH, -1600e3, -300e3, half=20e3)
    speed, width, depth = 1000.0, 3000.0, 1200.0
    velocity = velocity_of(grid, speed * np.exp(-((y / width) ** 2) / 2), 0.0)
    k = float(map_scale(SOUTH, -1600e3, -300e3))
    known = 917 * depth * speed * width * np.sqrt(2 * np.pi) / k / 1e12
    across = [(-1600e3, -318e3), (-1600e3, -282e3)]
    assert flux_gate(velocity, across, depth).discharge == pytest.approx(known, rel=1e-3)
    assert flux_gate(velocity, across, depth, factor=0.9).discharge == pytest.approx(0.9 * known, rel=1e-3)


@pytest.mark.parametrize("slant", [0.0, 30.0, 60.0, -45.0])
def test_plug_flow_through_a_trough_is_the_same_at_any_slant_of_the_gate(slant):
    """Ice of one speed in a parabolic trough of width w and depth H: rho V (2/3) H w, whatever the line."""
    grid, _, y = square(SOUTH, -1600e3, -300e3, half=16e3, cell=200.0)
    depth = 900 * np.maximum(1 - (y / 5000.0) ** 2, 0.0)
    velocity, thick = velocity_of(grid, 400.0, 0.0), thickness_of(grid, depth)
    reach = 6000 * np.array([np.tan(np.radians(slant)), 1.0])
    middle = np.array([-1600e3, -300e3])
    flux = flux_gate(
        velocity, [middle - reach, middle + reach], thick["thickness"], thickness_sigma=thick["thickness_sigma"]
    )
    k = float(map_scale(SOUTH, *middle))
    assert flux.discharge == pytest.approx(917 * 400 * (2 / 3) * 900 * 10e3 / k / 1e12, rel=2e-3)
    assert flux.angle == pytest.approx(90 - abs(slant), abs=0.1)


def place_where_the_map_is_3_percent_wrong():
    """At 62 N in EPSG:3413 a kilometre on the ground is 1.03 on the map."""
    x, y = pyproj.Transformer.from_crs(4326, NORTH, always_xy=True).transform(-45.0, 62.05)
    k = float(map_scale(NORTH, x, y))
    assert 1.029 < k < 1.031
    return x, y, k


def test_a_gate_is_as_wide_as_on_the_ground():
    """
    The geodesic between its ends tells its width.

    The map's own is 3 % more.
    """
    x, y, k = place_where_the_map_is_3_percent_wrong()
    grid, _, _ = square(NORTH, x, y)
    ends = [(x, y - 8000.0), (x, y + 8000.0)]
    to_earth = pyproj.Transformer.from_crs(NORTH, 4326, always_xy=True)
    ground = GEOD.line_length(*to_earth.transform(*np.transpose(ends)))
    flux = flux_gate(velocity_of(grid, 500.0, 0.0), ends, 800.0)
    assert flux.discharge == pytest.approx(917 * 500 * 800 * ground / 1e12, rel=1e-3)
    assert 16e3 / ground == pytest.approx(k, rel=1e-3)


def test_a_divergence_is_that_on_the_ground():
    """Ground speeds a x over map metres stretch by a k on the ground: without k it is 3 % too small."""
    x, y, k = place_where_the_map_is_3_percent_wrong()
    grid, gx, _ = square(NORTH, x, y)
    out = flux_divergence(velocity_of(grid, 0.01 * gx, 0.0), thickness_of(grid, 800.0))
    middle = out["flux_divergence"].sel(x=x, y=y, method="nearest")
    assert float(middle) == pytest.approx(0.01 * 800 * k, rel=2e-3)
    assert abs(float(middle) / (0.01 * 800) - 1) > 0.028


def test_a_box_stores_what_its_area_on_the_ground_does():
    """
    The area of the geodesic polygon.

    That of the map is 6 % more.
    """
    x, y, k = place_where_the_map_is_3_percent_wrong()
    grid, _, _ = square(NORTH, x, y)
    box = shapely.box(x - 7000, y - 7000, x + 7000, y + 7000)
    to_earth = pyproj.Transformer.from_crs(NORTH, 4326, always_xy=True)
    lon, lat = to_earth.transform(*np.transpose(shapely.segmentize(box, 500).exterior.coords))
    ground = abs(GEOD.polygon_area_perimeter(lon, lat)[0])
    ice = terms.ice_of(box, thickness_of(grid, 800.0))
    assert ice.area == pytest.approx(ground, rel=1e-3) and box.area / ground == pytest.approx(k**2, rel=2e-3)


@pytest.mark.parametrize("ratio", [4.0, 2.0, 1.25])
def test_windows_resolve_waves_by_their_length(ratio):
    """Of a wave as long as `ratio` windows sin(pi / ratio) / (pi / ratio) is left, to the width of an edge."""
    cell, depth = 100.0, 525.0  # windows of 21 cells, 2100 m
    grid, gx, _ = square("EPSG:32714", 500e3, 1.7e6, half=12e3, cell=cell)
    length = ratio * 2100.0
    velocity = velocity_of(grid, 100 * np.sin(2 * np.pi * gx / length), 0.0)
    out = flux_divergence(velocity, thickness_of(grid, depth), smoothing=4)
    k = float(map_scale("EPSG:32714", 500e3, 1.7e6))
    assert float(out["smoothing_length"].median()) == pytest.approx(2100 / k, rel=1e-3)
    assert out.attrs["smoothing"] == 4.0, "in ice thicknesses"
    full = 100 * 2 * np.pi / length * depth * k
    left = np.sin(np.pi / ratio) / (np.pi / ratio) * np.cos(np.pi * cell / length)
    inner = out["flux_divergence"].values[np.isfinite(out["flux_divergence"].values)]
    assert np.abs(inner).max() == pytest.approx(full * abs(left), rel=1e-2)


def glacier(cell, crs=SOUTH, half=12e3):
    """Velocity and thickness of the true glacier at cells of one length."""
    truth = world("pine_island").truth
    grid, _, _ = square(crs, -1603794.0, -308842.0, half=half, cell=cell)
    gx, gy = np.meshgrid(grid.x, grid.y)
    vx, vy = truth.velocity(gx, gy, 2016.0)
    return truth, velocity_of(grid, vx, vy), thickness_of(grid, truth.thickness(gx, gy, 2016.0))


def test_discharge_and_divergence_do_not_depend_on_the_cells_of_velocity():
    """120 and 240 m, on the true glacier: discharge within 0.1 %, mean divergence within 1 % of its range."""
    gate = [(-1603794.0 - 4000, -308842.0 + 6000), (-1603794.0 + 4000, -308842.0 - 6000)]
    flux, spread = [], []
    for cell in (120.0, 240.0):
        _, velocity, thick = glacier(cell)
        flux.append(flux_gate(velocity, gate, thick["thickness"]).discharge)
        out = flux_divergence(velocity, thick, smoothing=1.5)
        inner = out["flux_divergence"].sel(x=slice(-1607e3, -1600e3), y=slice(-305e3, -312e3))
        spread.append((float(inner.mean()), float(inner.max() - inner.min())))
    assert flux[1] == pytest.approx(flux[0], rel=1e-3)
    assert abs(spread[1][0] - spread[0][0]) < 0.01 * spread[0][1]
    assert spread[1][1] == pytest.approx(spread[0][1], rel=0.05)


def test_storage_and_discharge_do_not_depend_on_the_cells_of_height_change():
    """
    Height change of the true glacier at 1 and at 10 km: storage within 3 %, discharge within 0.3 %.

    The box is eight coarse cells wide; one of 14 km stores 8 % less, since cells of 10 km smooth the trunk.
    """
    truth, velocity, _ = glacier(1000.0, half=45e3)
    grid = Grid.of(velocity)
    gx, gy = np.meshgrid(grid.x, grid.y)
    placed = thickness_of(grid, truth.thickness(gx, gy, 2019.0), 30.0).assign_attrs(reference_year=2019.0)
    annual = velocity.expand_dims(year=[2022]).assign(year_start=("year", [2022.0]), year_end=("year", [2023.0]))
    box = shapely.box(-1643e3, -349e3, -1563e3, -269e3)
    ice, gate = terms.ice_of(box, placed), [(-1603e3, -316e3), (-1603e3, -302e3)]
    options = {"density": 917.0, "factor": 1.0, "factor_sigma": 0.0}
    found = []
    for cell in (1000.0, 10000.0):
        coarse = Grid.from_bounds(SOUTH, (-1670e3, -380e3, -1540e3, -240e3), cell)
        change = height_change(truth, coarse, (2019.0, 2023.0))
        stored, _ = terms.storage(rate_on(change, ice), ice, density=917.0, correlation_range=5000.0)
        table, _ = discharge_by_year(annual, placed, gate, change, **options)
        found.append((stored, table["discharge"].iloc[0], table["thickness_change"].iloc[0]))
    (fine, flow, moved), (wide, flow_wide, moved_wide) = found
    assert moved < -1 and moved_wide < -1, "the surface falls"
    assert wide.value == pytest.approx(fine.value, rel=0.03)
    assert flow_wide == pytest.approx(flow, rel=3e-3)


def height_change(truth, grid, years):
    """Height change of the true glacier as means over the cells of a grid."""
    fine = Grid.from_bounds(grid.crs, grid.bounds, 500.0)
    gx, gy = np.meshgrid(fine.x, fine.y)
    n = int(grid.dx / 500)
    dh = [truth.surface_change(gx, gy, t).reshape(grid.ny, n, grid.nx, n).mean(axis=(1, 3)) for t in years]
    fields = {"dh": (("year", "y", "x"), dh), "dh_sigma": (("year", "y", "x"), np.full((len(years), *grid.shape), 0.1))}
    return xr.Dataset(fields, {"year": list(years), "y": grid.y, "x": grid.x}, {"crs": grid.crs})


def rate_on(change, ice):
    from nunatak.dynamics.regrid import on_map
    from nunatak.dynamics.surface import rate_between

    return rate_between(on_map(change, (2019.0, 2023.0), ice.window), 2019.0, 2023.0)


def test_stated_errors_of_gates_are_those_of_realisations():
    """Fifty draws of errors that are alike along the gate, as they are taken to be: z-scores from 0.8 to 1.3."""
    grid, _, y = square(SOUTH, -1600e3, -300e3, half=8e3)
    velocity = velocity_of(grid, 500 * np.exp(-((y / 4000.0) ** 2)), 0.0, error=15.0)
    thick = thickness_of(grid, 900 - 0.02 * np.abs(y), 40.0)
    gate, rng = [(-1600e3, -306e3), (-1600e3, -294e3)], np.random.default_rng(4)
    options = {"thickness_sigma": thick["thickness_sigma"], "factor": 0.95, "factor_sigma": 0.02}
    clean = flux_gate(velocity, gate, thick["thickness"], **options)
    z = []
    for du, dh, df in rng.normal(size=(50, 3)):
        wrong = velocity.assign(vx=velocity["vx"] + 15 * du)
        flux = flux_gate(wrong, gate, thick["thickness"] + 40 * dh, **options | {"factor": 0.95 + 0.02 * df})
        z.append((flux.discharge - clean.discharge) / clean.sigma)
    assert 0.8 < np.std(z) < 1.3 and abs(np.mean(z)) < 0.35


def test_stated_errors_of_the_residual_are_those_of_realisations():
    """Fifty draws of height change, snow, firn and melt on a fixed divergence whose error is drawn with them."""
    shape, rng = (6, 7), np.random.default_rng(9)
    plane = {"y": np.arange(6.0), "x": np.arange(7.0)}

    def field(**values):
        return xr.Dataset({n: (("y", "x"), np.broadcast_to(v, shape).astype(float)) for n, v in values.items()}, plane)

    sigmas = {"dhdt": 0.3, "flow": 0.5, "smb": 0.1, "firn": 0.2, "basal": 0.15}
    z = []
    for _ in range(50):
        error = {name: sigma * rng.normal(size=shape) for name, sigma in sigmas.items()}
        flow = field(flux_divergence=2.0 + error["flow"], flux_divergence_sigma=0.5).assign_attrs(crs=SOUTH, sign="-")
        given = {"smb": 0.4, "firn": -0.1, "basal": 0.5}
        known = {n: field(rate=v + error[n], rate_sigma=sigmas[n]) for n, v in given.items()}
        true = 0.4 - 0.1 - 0.5 - 2.0
        out = split_thinning(field(dhdt=true + error["dhdt"], dhdt_sigma=0.3), flow, **known)
        z.append((out["residual"] / out["residual_sigma"]).values)
    assert 0.8 < np.std(z) < 1.3 and abs(np.mean(z)) < 0.1
