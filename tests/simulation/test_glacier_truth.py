"""The truth: its parts obey their laws, the surface follows from them, areas and lengths are true ones."""

import numpy as np
import pyproj
import pytest
import shapely
from numpy.testing import assert_allclose

from nunatak.simulation import world
from nunatak.simulation.fields import Constant, Dome, Ramp, Seasonal, Stream
from nunatak.simulation.glacier import BalanceTerm, FlowTerm, Glacier
from nunatak.simulation.shapes import Cap, Caps

FIELDS = [
    Dome(1e4, -2e4, 0.15, 3e4),
    Stream(0.0, 5e3, 35.0, 1e9, 2e3, 7e3, 2e4, 8e3, 1e4, 5e3),
    Stream(0.0, 5e3, -123.0, 4e10, -3e4, 2e4, 1e5, 1e4, -8e4, 3e4),
]
FACTORS = [Constant(), Seasonal(0.3), Ramp(2006.0, 2.5), Ramp(2023.0, 0.4)]


def points(name, n=400):
    """Random points on the ice of a world, well inside the margin."""
    place = world(name, "tiny")
    rng = np.random.default_rng(1)
    left, bottom, right, top = place.height_bounds
    x, y = rng.uniform(left, right, 20 * n), rng.uniform(bottom, top, 20 * n)
    deep = np.flatnonzero(place.truth.shape.evaluate(x, y)[0] > 500)[:n]
    return place.truth, x[deep], y[deep]


@pytest.mark.parametrize("field", FIELDS)
def test_divergence_is_that_of_the_flux(field):
    """Central differences of the flux, which are exact to the fourth order, give the analytic divergence."""
    rng = np.random.default_rng(2)
    x, y = rng.uniform(-4e4, 4e4, (2, 500))
    h = 50.0

    def slope(component, dx, dy):
        near, far = (
            field.flux(x + k * dx, y + k * dy)[component] - field.flux(x - k * dx, y - k * dy)[component]
            for k in (1, 2)
        )
        return (8 * near - far) / (12 * h)

    numeric = slope(0, h, 0) + slope(1, 0, h)
    exact = field.divergence(x, y)
    # the flux is known to 1e-16 of itself, its difference over 100 m to 1e-16 * |q| / h
    scale = np.hypot(*field.flux(x, y)).max() * 1e-13 + np.abs(exact).max() * 1e-6
    assert_allclose(numeric, exact, atol=scale)


@pytest.mark.parametrize("factor", FACTORS)
def test_integral_is_that_of_the_factor(factor):
    """Gauss quadrature of each year's factor gives the growth of its integral, which is zero in 2020.0."""
    node, weight = np.polynomial.legendre.leggauss(40)
    for start in (1984.0, 2019.25, 2023.0):
        numeric = np.sum(weight * factor.value(start + (node + 1) / 2)) / 2
        assert_allclose(factor.integral(start + 1) - factor.integral(start), numeric, rtol=1e-10, atol=1e-12)
    assert factor.integral(2020.0) == 0.0


@pytest.mark.parametrize("name", ["austfonna", "pine_island"])
def test_mass_is_conserved_to_rounding(name):
    """The rate of the surface, from the exact factors, is mass balance less divergence at any time."""
    truth, x, y = points(name)
    factors = [term.factor for term in (*truth.flow, *truth.balance)]
    for t in (1990.0, 2019.4, 2023.7):
        rate = np.tensordot([f.value(t) for f in factors], truth.change_patterns(x, y), axes=1)
        assert_allclose(rate, truth.mass_balance(x, y, t) - truth.flux_divergence(x, y, t), rtol=0, atol=1e-12)
        assert_allclose(truth.height_rate(x, y, t), rate, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["austfonna", "pine_island"])
def test_surface_moves_as_mass_conservation_says(name):
    """Differences of the surface and of the thickness in time give mass balance less divergence."""
    truth, x, y = points(name)
    h = 1e-3
    for t in (2019.4, 2022.9):
        expected = truth.mass_balance(x, y, t) - truth.flux_divergence(x, y, t)
        for quantity in (truth.surface, truth.thickness):
            numeric = (quantity(x, y, t + h) - quantity(x, y, t - h)) / (2 * h)
            # second order in h: third derivatives are about (2 pi)^2 times the seasonal rate of 2 m/yr
            assert_allclose(numeric, expected, atol=5e-5)


@pytest.mark.parametrize("name", ["austfonna", "pine_island"])
def test_divergence_is_the_true_one(name):
    """Flux through the sides of a small quadrangle over its true area is the divergence: map distortion counts."""
    truth, x, y = points(name, n=100)
    t, h = 2021.3, 100.0
    q = {side: truth.flux(x + h * side[0], y + h * side[1], t) for side in [(1, 0), (-1, 0), (0, 1), (0, -1)]}
    k = {side: truth.scale(x + h * side[0], y + h * side[1]) for side in q}
    # a side of 2 h on the map is 2 h / k long on the ground, the quadrangle holds (2 h / k)^2
    through = sum(2 * h / k[s] * (q[s][0] * s[0] + q[s][1] * s[1]) for s in q)
    divergence = through / (2 * h / truth.scale(x, y)) ** 2
    exact = truth.flux_divergence(x, y, t)
    assert_allclose(divergence, exact, atol=1e-3 * np.abs(exact).max())
    ignoring = sum((q[s][0] * s[0] + q[s][1] * s[1]) for s in q) / (2 * h)
    assert np.abs(ignoring - exact).max() > 5 * np.abs(divergence - exact).max()


@pytest.mark.parametrize("crs", ["EPSG:3413", "EPSG:3031"])
def test_scale_is_that_of_proj(crs):
    """k agrees with PROJ's factors between 58 degrees and the pole."""
    truth = Glacier(crs, None, (), ())
    r, angle = np.random.default_rng(3).uniform([[1e3], [0.0]], [[3.5e6], [6.28]], (2, 300))
    x, y = r * np.cos(angle), r * np.sin(angle)
    proj = pyproj.Proj(crs)
    factors = proj.get_factors(*proj(x, y, inverse=True))
    assert_allclose(truth.scale(x, y), factors.meridional_scale, rtol=1e-9)
    assert_allclose(truth.scale(x, y) ** 2, factors.areal_scale, rtol=1e-9)


def test_velocity_is_flux_over_thickness():
    """At every place; zero on land and sea."""
    truth, x, y = points("pine_island")
    vx, vy = truth.velocity(x, y, 2020.5)
    qx, qy = truth.flux(x, y, 2020.5)
    thickness = truth.thickness(x, y, 2020.5)
    assert_allclose(vx * thickness, qx, rtol=1e-12)
    assert_allclose(vy * thickness, qy, rtol=1e-12)
    assert_allclose(truth.surface(x, y, 2020.5) - truth.bed(x, y), thickness, rtol=1e-12)
    sea = (np.array([-1.67e6]), np.array([-3.9e5]))
    assert not truth.ice(*sea)
    assert_allclose(truth.velocity(*sea, 2020.5), 0.0)
    assert truth.surface(*sea, 2020.5) == truth.geoid


def test_ice_fraction_is_the_share_of_area():
    """A round cap: cells inside 1, outside 0, and the sum of the shares is the cap's area."""
    cap = Cap(250.0, -130.0, 20e3, 500.0, 60.0, 400.0, 120.0)
    truth = Glacier("EPSG:3413", Caps((cap,)), (), ())
    x, y = np.meshgrid(np.arange(-25e3, 25.1e3, 1e3), np.arange(-25e3, 25.1e3, 1e3))
    fraction = truth.ice_fraction(x, y, 1e3)
    assert_allclose(fraction.sum() * 1e6, np.pi * 20e3**2, rtol=1e-3)
    r = np.hypot(x - 250, y + 130)
    assert np.all(fraction[r < 19e3] == 1) and np.all(fraction[r > 21e3] == 0)
    assert ((fraction > 0) & (fraction < 1)).sum() > 50


def test_volume_change_of_a_uniform_loss():
    """Every point of the ice loses 2 m in a year: the volume is 2 m times the true area of the cap."""
    cap = Cap(1.0427e6, -3.8985e5, 20e3, 500.0, 60.0, 400.0, 120.0)
    truth = Glacier("EPSG:3413", Caps((cap,)), (), (BalanceTerm(lambda h: np.full_like(h, -2.0), Constant()),))
    region = shapely.Point(cap.x0, cap.y0).buffer(30e3)
    volume, area = truth.region_volume_change(region, 2019.0, 2020.0, cell=200.0)
    disk = shapely.Point(cap.x0, cap.y0).buffer(20e3, quad_segs=256)
    to_lonlat = pyproj.Transformer.from_crs("EPSG:3413", "EPSG:4326", always_xy=True)
    true_area = abs(
        pyproj.Geod(ellps="WGS84").geometry_area_perimeter(
            shapely.transform(disk, to_lonlat.transform, interleaved=False)
        )[0]
    )
    assert_allclose(area, true_area, rtol=2e-3)
    assert_allclose(volume, -2.0 * area, rtol=1e-12)
    assert abs(np.pi * 20e3**2 / true_area - 1) > 0.03  # map area would be wrong by 4 %


def test_a_flow_without_source_moves_no_surface():
    """Far downstream, where a stream no longer gathers, the divergence vanishes though the flux does not."""
    stream = Stream(0.0, 0.0, 0.0, 1e9, 0.0, 1e3, 2e4, 8e3, 1e4, 2e3)
    assert stream.flux(np.array(1e5), np.array(0.0))[0] == pytest.approx(1e9 / 8e3)
    assert stream.divergence(np.array(1e5), np.array(0.0)) == pytest.approx(0.0, abs=1e-30)
    truth = Glacier("EPSG:3413", Caps((Cap(0, 0, 2e5, 500, 60, 400, 120),)), (FlowTerm(stream, Constant()),), ())
    assert truth.surface_change(np.array(1e5), np.array(0.0), 2030.0) == pytest.approx(0.0, abs=1e-25)


def test_austfonna_looks_like_austfonna():
    """A summit that thickens, a margin that thins, a basin inside the focus box that lowers by metres a year."""
    truth = world("austfonna").truth
    x, y = np.meshgrid(np.arange(1.0e6, 1.1e6, 1e3), np.arange(-4.5e5, -3.5e5, 1e3))
    ice = truth.ice(x, y)
    rate = (truth.surface_change(x, y, 2023.0, since=2019.0) / 4)[ice]
    assert -8 < rate.min() < -3 and 0.2 < rate.max() < 1.0
    assert truth.thickness(x, y, 2030.0)[ice].min() > 50
    assert 100 < np.hypot(*truth.velocity(x, y, 2019.5)).max() < 3000


def test_pine_island_looks_like_pine_island():
    """Some 3 to 5 km/yr on the trunk, faster in 2022 than in 1995, and lowering."""
    truth = world("pine_island").truth
    trunk = (np.array(-1603794.0), np.array(-308842.0))
    speed = [float(np.hypot(*truth.velocity(*trunk, t))) for t in (1995.0, 2022.0)]
    assert 2000 < speed[0] < 0.9 * speed[1] < 5000
    assert truth.height_rate(*trunk, 2020.0) < -1
