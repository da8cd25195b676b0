"""A made-up world for any place: truth that conserves mass, granules of every product that lie in the region."""

import numpy as np
import pyproj
import pytest
import shapely
from numpy.testing import assert_allclose
from tests.conftest import ROOT

from nunatak import simulation
from nunatak.geometry.region import load
from nunatak.granules import PRODUCTS, parse
from nunatak.granules.products import products_with
from nunatak.runtime import NunatakError
from nunatak.simulation import itslive_elevation, orbit
from nunatak.study import simulated_world

PLACES = {
    "a glacier of Greenland": {"bbox": [-34.88, 66.466, -34.68, 66.651]},
    "an outline of Iceland": {"lonlat": [[-18, 64.0], [-15.2, 64.0], [-16.2, 64.8], [-18, 64.8]]},
    "a place in metres": {"bbox": [1.0e6, -4.5e5, 1.1e6, -3.5e5], "crs": "EPSG:3413"},
    "UTM in Patagonia": {"bbox": [6.0e5, 4.50e6, 6.2e5, 4.53e6], "crs": "EPSG:32718"},
    "the Himalaya": {"bbox": [86.7, 27.8, 87.0, 28.1]},
    "the equator": {"bbox": [37.3, -3.1, 37.4, -3.0]},
    "over the antimeridian, south": {"bbox": [178, -79, -178, -78], "crosses_antimeridian": True},
    "over the antimeridian, north": {"bbox": [178, 70.5, -177, 71.8], "crosses_antimeridian": True},
    "about the north pole": {"bbox": [-180, 86, 180, 90]},
    "about the south pole": {"bbox": [-180, -90, 180, -86]},
    "all of Greenland": {"name": "greenland"},
}
MONTHS = [str(month) for month in np.arange("2019-01", "2021-01", dtype="datetime64[M]")]


def place_of(spec, **more):
    """What a study of 2019 and 2020 tells the simulation of a region."""
    return {
        "region": load(spec).as_dict(),
        "altimetry_region": None,
        "focus": None,
        "on_ice": [],
        "start": "2019-01-01T00:00:00",
        "end": "2021-01-01T00:00:00",
        "months": MONTHS,
        "rgt": None,
        "cycles": None,
        **more,
    }


@pytest.mark.parametrize("spec", PLACES.values(), ids=list(PLACES))
def test_every_place_has_ice_that_conserves_mass(spec):
    """Ice in the middle of the region, a rate that is balance less divergence, a thickness that lasts for decades."""
    world = simulation.world("mine", "tiny", place_of(spec))
    truth, region = world.truth, load(spec)
    middle = shapely.centroid(region.projected(world.crs))
    assert truth.ice(middle.x, middle.y)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-1, 1, (2, 600)) * truth.shape.a + np.array([[truth.shape.x0], [truth.shape.y0]])
    x, y = x[truth.ice(x, y)], y[truth.ice(x, y)]
    assert len(x) > 100
    factors = [term.factor for term in (*truth.flow, *truth.balance)]
    for t in (1990.0, 2019.4, 2023.7):
        rate = np.tensordot([f.value(t) for f in factors], truth.change_patterns(x, y), axes=1)
        assert_allclose(rate, truth.mass_balance(x, y, t) - truth.flux_divergence(x, y, t), rtol=0, atol=1e-12)
        assert_allclose(truth.height_rate(x, y, t), rate, rtol=0, atol=1e-12)
        h = 1e-3
        moved = (truth.thickness(x, y, t + h) - truth.thickness(x, y, t - h)) / (2 * h)
        assert_allclose(moved, rate, atol=5e-5)
    for t in (1985.0, 2030.0):
        assert truth.thickness(x, y, t).min() > 50
    speed = np.hypot(*truth.velocity(x, y, 2019.5))
    assert 5 < np.median(speed) < 500 and speed.max() < 10000


@pytest.mark.parametrize("spec", PLACES.values(), ids=list(PLACES))
def test_the_map_scale_is_that_of_proj_at_every_place(spec):
    """Lengths and areas of the truth are true ones also far from the poles."""
    world = simulation.world("mine", "tiny", place_of(spec))
    x, y = (np.linspace(-1, 1, 50) * world.truth.shape.a + c for c in (world.truth.shape.x0, world.truth.shape.y0))
    proj = pyproj.Proj(world.crs)
    factors = proj.get_factors(*proj(x, y, inverse=True))
    assert_allclose(world.truth.scale(x, y), factors.meridional_scale, rtol=1e-9)


@pytest.mark.parametrize("spec", PLACES.values(), ids=list(PLACES))
def test_tracks_cross_the_region_within_the_period(spec):
    """Tracks that are chosen for the study cross its region, and the cycles chosen are flown in its period."""
    world, region = simulation.world("mine", "tiny", place_of(spec)), load(spec)
    assert world.tracks
    for rgt, cycles in world.tracks.items():
        runs = orbit.passes(world.track_bbox, rgts=[rgt])
        tracks = [orbit.reference_track(rgt, segment_id=run.segment_id[::20]) for run in runs]
        # the box is a little wider than the region, so that tracks reach over its border
        room = region.geometry.buffer(0.5)
        assert any(shapely.contains_xy(room, t.longitude, t.latitude).any() for t in tracks), rgt
        assert len(cycles) >= 2
        times = [orbit.beam_track(rgt, c, "gt2l", segment_id=[run.first]).time[0] for run in runs for c in cycles]
        assert min(times) >= np.datetime64("2018-12-31T22") and max(times) < np.datetime64("2021-01-01T03")


SIMULATED = [name for name, row in PRODUCTS.items() if row.writer]
SEA_ICE = products_with(kept="sums")
GRIDS = products_with(kept="grid")


@pytest.mark.parametrize("product", SIMULATED)
@pytest.mark.parametrize("name", ["UTM in Patagonia", "over the antimeridian, south"])
def test_every_product_has_granules_in_the_region(name, product, tmp_path, monkeypatch):
    """
    Footprints touch the region, and names agree with the catalogue.

    Gridded products say where they end.
    """
    monkeypatch.setitem(itslive_elevation.MONTHS, "antarctica", ("2019-01", "2019-04"))
    spec, sea_ice = PLACES[name], product in SEA_ICE
    # short passes: this is about where granules lie, and not about how much is in them
    place = place_of(spec, months=MONTHS[:2], end="2019-03-01T00:00:00") if sea_ice else place_of(spec)
    world = simulation.world("mine", "tiny", place, sea_ice=sea_ice)
    if product in GRIDS and name == "UTM in Patagonia":
        with pytest.raises(NunatakError, match=f"products.{product}: .*covers? .* leave {product} out"):
            simulation.write_product(world, product, tmp_path)
        return
    if product not in ("itslive", *GRIDS, *SEA_ICE):
        object.__setattr__(world, "tracks", dict(list(world.tracks.items())[:1]))
        world.settings["atl11_tracks"] = tuple(world.tracks)
        world.settings["atl03_tracks"] = {rgt: cycles[:1] for rgt, cycles in world.tracks.items()}
    table = simulation.write_product(world, product, tmp_path)
    region = load(spec)
    footprints = [shapely.from_wkt(text) for text in table["geometry"]]
    assert len(table) and all(shapely.is_valid(shape) for shape in footprints)
    touching = [region.intersects(shape) for shape in footprints]
    # one pair in the archive is a stray from elsewhere
    assert sum(touching) >= len(table) - (1 if product == "itslive" else 0)
    north = shapely.centroid(region.geometry).y > 0
    if sea_ice:
        assert {parse(name).hemisphere for name in table["file_name"]} == {"north" if north else "south"}


def test_asked_tracks_that_pass_elsewhere_are_told_with_those_that_cross():
    """A copied study keeps the track numbers of its original; the message says which tracks cross the new region."""
    spec = PLACES["a glacier of Greenland"]
    with pytest.raises(NunatakError, match=r"rgt: 548 does not cross the region region; tracks that do: .*\b627\b"):
        simulation.world("mine", "tiny", place_of(spec, rgt=[548]))
    assert list(simulation.world("mine", "tiny", place_of(spec, rgt=[548, 627])).tracks) == [627]


def test_what_the_study_samples_lies_on_ice():
    """Points in the corners of the region, where the fitted margin would cut them off."""
    spec = PLACES["a glacier of Greenland"]
    corners = [[-34.88, 66.466], [-34.68, 66.651], [-34.70, 66.47]]
    truth = simulation.world("mine", "tiny", place_of(spec, on_ice=corners)).truth
    x, y = pyproj.Transformer.from_crs("EPSG:4326", truth.crs, always_xy=True).transform(*np.transpose(corners))
    assert truth.ice(np.array(x), np.array(y)).all()


@pytest.mark.parametrize("spec", list(PLACES.values())[:4], ids=list(PLACES)[:4])
def test_level_is_a_distance_at_the_margin(spec):
    """Ice shares of cells sum to the area inside the margin, also where a glacier is long and narrow."""
    truth = simulation.world("mine", "tiny", place_of(spec)).truth
    shape = truth.shape
    side = max(shape.a, shape.b) * 1.5
    axis = np.arange(-side, side, side / 100)
    x, y = np.meshgrid(axis + shape.x0, axis + shape.y0)
    cell = side / 100
    # the area of |u/a|^4 + |v/b|^4 = 1 is 4 a b gamma(5/4)^2 / gamma(3/2)
    assert truth.ice_fraction(x, y, cell).sum() * cell**2 == pytest.approx(3.7081 * shape.a * shape.b, rel=2e-3)


def test_the_table_of_shipped_worlds_is_that_of_the_simulation():
    """Parsing a study imports no simulation, so its table of boxes is a copy."""
    assert {name: simulation.world(name, "tiny").bbox for name in simulation.names()} == simulated_world.SHIPPED
    told = (ROOT / "config" / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in told for name in simulation.names())
