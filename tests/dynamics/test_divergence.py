"""Flux divergence against analytic fields, the true glacier, and realisations of its errors."""

import numpy as np
import pytest
import xarray as xr

from nunatak.dynamics import flux_divergence
from nunatak.geometry.grid import map_scale
from nunatak.runtime import NunatakError
from nunatak.simulation.worlds import world

UTM = "EPSG:32714"
X0, Y0 = 500e3, 1.7e6


def fields(vx, vy, h, *, n=41, cell=250.0, down=True, crs=UTM, x0=X0, y0=Y0):
    """Velocity and thickness by functions of the distance to a centre."""
    x = x0 + cell * (np.arange(n) - n // 2)
    y = y0 + cell * (np.arange(n) - n // 2) * (-1 if down else 1)
    gx, gy = np.meshgrid(x - x0, y - y0)
    axes = {"y": y, "x": x}
    grid = {name: (("y", "x"), f(gx, gy) + 0 * gx) for name, f in {"vx": vx, "vy": vy}.items()}
    grid |= {name: (("y", "x"), 0 * gx) for name in ("vx_error", "vy_error")}
    thick = xr.Dataset({"thickness": (("y", "x"), h(gx, gy) + 0.0 * gx), "thickness_sigma": (("y", "x"), 0 * gx)}, axes)
    return xr.Dataset(grid, axes, {"crs": crs}), thick


def test_uniform_extension_thins_by_the_strain_rate():
    """u = a x through ice of one thickness: div q = a H, with a map length k times that on the ground."""
    velocity, thickness = fields(lambda x, y: 0.01 * x, lambda x, y: 0.005 * y, lambda x, y: 800.0)
    out = flux_divergence(velocity, thickness)
    k = float(map_scale(UTM, X0, Y0))
    inner = out["flux_divergence"].values[15:26, 15:26]
    np.testing.assert_allclose(inner, 0.015 * 800 * k, rtol=1e-4)
    np.testing.assert_allclose(out["smoothing_length"].values[20, 20], 13 * 250 / k, rtol=1e-4)


def test_solid_rotation_has_no_divergence():
    """Ice that turns as a whole, of a thickness that depends on the distance to the centre alone."""
    velocity, thickness = fields(
        lambda x, y: -0.02 * y, lambda x, y: 0.02 * x, lambda x, y: 500.0 + 1e-6 * (x**2 + y**2)
    )
    out = flux_divergence(velocity, thickness, smoothing=2)
    gross = 0.02 * 2000 * 500 / 1000
    assert np.nanmax(np.abs(out["flux_divergence"].values)) < 1e-3 * gross


@pytest.mark.parametrize("down", [True, False])
def test_either_way_up_gives_the_same(down):
    velocity, thickness = fields(
        lambda x, y: 0.01 * x + 50, lambda x, y: 0.02 * y, lambda x, y: 600 - 0.01 * y, down=down
    )
    value = flux_divergence(velocity, thickness)["flux_divergence"].sortby("y").values
    assert value[20, 20] == pytest.approx(0.03 * 600, rel=2e-3)
    # d(H v)/dy = 0.02 H + v dH/dy, and H falls to the north
    assert value[28, 20] < value[12, 20]


def test_windows_that_tile_a_block_add_up_to_the_flux_through_its_outline():
    """Nine windows of 5 x 5 cells of one size: Gauss holds to rounding, whatever the field."""
    rng = np.random.default_rng(7)
    velocity, thickness = fields(lambda x, y: 0 * x, lambda x, y: 0 * x, lambda x, y: 0 * x + 1000.0, n=25)
    for name in ("vx", "vy"):
        velocity[name] = velocity[name] + rng.normal(0, 300, (25, 25))
    noisy = thickness + rng.uniform(-20, 20, (25, 25))  # one window size: 5 cells of 250 m for 1000 m at smoothing 1.2
    out = flux_divergence(velocity, noisy, smoothing=1.25)
    rows = np.array([7, 12, 17])
    part = out.isel(y=rows, x=rows)
    total = float((part["flux_divergence"] * part["smoothing_length"] ** 2).sum())
    h, u, v = (a.values for a in (noisy["thickness"], velocity["vx"], velocity["vy"]))
    k = map_scale(UTM, *np.meshgrid(velocity["x"], velocity["y"]))
    inside, mean = slice(5, 20), lambda a, i, j: (a[i] + a[j]) / 2
    outline = 0.0
    for sign, (i, j) in ((1, (19, 20)), (-1, (4, 5))):
        east = [mean(a.T, i, j)[inside] for a in (h, u, k)]
        south = [mean(a, i, j)[inside] for a in (h, v, k)]
        outline += sign * float((east[0] * east[1] / east[2]).sum() - (south[0] * south[1] / south[2]).sum()) * 250
    assert total == pytest.approx(outline, rel=1e-9)


def test_missing_edges_make_the_window_missing():
    velocity, thickness = fields(lambda x, y: 0.01 * x, lambda x, y: 0 * x, lambda x, y: 500.0)
    velocity["vx"][20, 20] = np.nan
    value = flux_divergence(velocity, thickness, smoothing=2.5)["flux_divergence"].values  # 5 x 5 cells
    assert np.isnan(value[20, 18]) and np.isnan(value[20, 23])
    assert np.isfinite(value[20, 20]), "the outline does not pass the missing cell"
    assert np.isfinite(value[20, 15]) and np.isnan(value[0, 0])


def test_the_true_glacier_comes_back_at_75_south():
    """The simulated glacier's divergence in closed form, averaged over the same windows: k is 0.99 there."""
    truth = world("pine_island").truth
    n, cell = 61, 480.0
    x = -1603794.0 + cell * (np.arange(n) - n // 2)
    y = -308842.0 - cell * (np.arange(n) - n // 2)
    gx, gy = np.meshgrid(x, y)
    vx, vy = truth.velocity(gx, gy, 2016.0)
    axes = {"y": y, "x": x}
    velocity = xr.Dataset({"vx": (("y", "x"), vx), "vy": (("y", "x"), vy)}, axes, {"crs": "EPSG:3031"})
    thickness = xr.Dataset({"thickness": (("y", "x"), truth.thickness(gx, gy, 2016.0))}, axes)
    out = flux_divergence(velocity, thickness, smoothing=1.5)
    true = truth.flux_divergence(gx, gy, 2016.0)
    value = out["flux_divergence"].values
    seen = np.isfinite(value)
    assert seen.mean() > 0.5
    half = np.rint((out["smoothing_length"].values * truth.scale(gx, gy) / cell - 1) / 2)
    averaged = np.full(true.shape, np.nan)
    for i, j in np.argwhere(seen):
        h = int(half[i, j])
        averaged[i, j] = true[i - h : i + h + 1, j - h : j + h + 1].mean()
    assert np.nanmax(np.abs(value - averaged)) < 0.02 * np.nanmax(np.abs(true))
    assert abs(np.nanmean(value - averaged)) < 1e-3 * np.nanmax(np.abs(true))


def correlated_noise(rng, n, cell, reach, draws):
    """Fields with a spherical correlation, by the root of their covariance."""
    gx, gy = np.meshgrid(np.arange(n) * cell, np.arange(n) * cell)
    away = np.hypot(gx.ravel()[:, None] - gx.ravel(), gy.ravel()[:, None] - gy.ravel())
    ratio = np.minimum(away / reach, 1)
    covariance = 1 - 1.5 * ratio + 0.5 * ratio**3
    root = np.linalg.cholesky(covariance + 1e-9 * np.eye(n * n))
    return (root @ rng.normal(size=(n * n, draws))).T.reshape(draws, n, n)


@pytest.mark.parametrize("reach", [800.0, 5000.0])
def test_stated_errors_are_those_of_realisations(reach):
    """Two hundred draws of correlated errors of velocity and thickness: z-scores between 0.85 and 1.15."""
    n, cell, draws = 25, 250.0, 200
    velocity, thickness = fields(
        lambda x, y: 0.02 * x + 400, lambda x, y: 0.01 * y - 200, lambda x, y: 687.5, n=n, cell=cell
    )
    velocity["vx_error"] = velocity["vy_error"] = 0 * velocity["vx"] + 12.0
    thickness["thickness_sigma"] = 0 * thickness["thickness"] + 20.0
    options = {"smoothing": 4, "velocity_range": reach, "thickness_range": reach}
    clean = flux_divergence(velocity, thickness, **options)
    rng = np.random.default_rng(3)
    noise = [correlated_noise(rng, n, cell / float(map_scale(UTM, X0, Y0)), reach, draws) for _ in range(3)]
    z = []
    for du, dv, dh in zip(*noise, strict=True):
        wrong = velocity.assign(vx=velocity["vx"] + 12 * du, vy=velocity["vy"] + 12 * dv)
        # 687.5 m make windows of 11 cells, and so do three standard errors more or less
        out = flux_divergence(wrong, thickness.assign(thickness=thickness["thickness"] + 20 * dh), **options)
        z.append((out["flux_divergence"] - clean["flux_divergence"]).values / clean["flux_divergence_sigma"].values)
    spread = np.nanmean(np.square(z)) ** 0.5
    assert 0.85 < spread < 1.15


def test_an_error_of_the_depth_factor_is_one_of_scale():
    velocity, thickness = fields(lambda x, y: 0.01 * x, lambda x, y: 0 * x, lambda x, y: 800.0)
    out = flux_divergence(velocity, thickness, factor=0.9, factor_sigma=0.045)
    share = (out["flux_divergence_sigma"] / out["flux_divergence"]).values[20, 10:31]
    np.testing.assert_allclose(share, 0.05, rtol=1e-6)


def test_an_error_is_missing_where_an_edge_of_the_outline_has_none():
    """
    The value stays.

    And a field without errors has none at all, rather than an error of 0.
    """
    velocity, thickness = fields(lambda x, y: 0.01 * x, lambda x, y: 0 * x, lambda x, y: 500.0)
    velocity["vx_error"][20, 20] = np.nan
    out = flux_divergence(velocity, thickness, smoothing=2.5)  # 5 x 5 cells
    sigma = out["flux_divergence_sigma"].values
    assert np.isnan(sigma[20, 18]) and np.isfinite(sigma[20, 20]) and np.isfinite(sigma[20, 15])
    assert np.isfinite(out["flux_divergence"].values[20, 18])
    bare = flux_divergence(velocity[["vx", "vy"]], thickness)
    assert bare["flux_divergence_sigma"].isnull().all() and bare["flux_divergence"].notnull().any()


def test_windows_in_blocks_are_those_of_all_at_once(monkeypatch):
    velocity, thickness = fields(lambda x, y: 0.01 * x, lambda x, y: 0.02 * y, lambda x, y: 500.0 + 0.02 * x)
    whole = flux_divergence(velocity, thickness + 1.0, smoothing=3)
    monkeypatch.setattr("nunatak.dynamics.divergence._AT_ONCE", 7)
    parts = flux_divergence(velocity, thickness + 1.0, smoothing=3)
    for name in ("flux_divergence", "smoothing_length"):
        np.testing.assert_array_equal(parts[name], whole[name])


def test_other_cells_are_refused():
    velocity, thickness = fields(lambda x, y: 0 * x, lambda x, y: 0 * x, lambda x, y: 800.0)
    with pytest.raises(NunatakError, match="different cells"):
        flux_divergence(velocity, thickness.assign_coords(x=thickness["x"] + 10))
