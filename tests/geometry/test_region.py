"""Regions: every way to give one, the antimeridian, the poles, files, refusals."""

from __future__ import annotations

import json

import numpy as np
import pyogrio.raw
import pyproj
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from nunatak.geometry import polygons, region
from nunatak.geometry.polygons import RegionError
from nunatak.geometry.region import Region, load

SQUARE = [[20.0, 79.0], [24.0, 79.0], [24.0, 80.0], [20.0, 80.0]]

longitude = st.floats(-180, 180).map(lambda v: round(v, 6))
latitude = st.floats(-90, 90).map(lambda v: round(v, 6))


def inside_polar_cap(lon, lat, corners, pole):
    """Slow and obvious: a point is inside when it lies poleward of the ring at its longitude."""
    turned = [(c[0] - corners[0][0]) % 360 for c in corners] + [360.0]
    edge = np.interp((lon - corners[0][0]) % 360, turned, [c[1] for c in corners] + [corners[0][1]])
    return lat >= edge if pole > 0 else lat <= edge


@given(longitude, longitude, st.tuples(latitude, latitude).map(sorted), longitude, latitude)
def test_a_box_holds_what_lies_between_its_sides(west, east, sides, lon, lat):
    """West to east the given way round, across 180 or not, its edges included."""
    south, north = sides
    assume(west != east and north - south > 1e-3 and (east - west) % 360 > 1e-3 and (east - west) % 360 < 359.9)
    assume(not {west, east} & {180.0, -180.0})
    box = load({"bbox": [west, south, east, north], "crosses_antimeridian": west > east})
    at_pole = abs(lat) == 90.0
    expected = south <= lat <= north and (at_pole or (lon - west) % 360 <= (east - west) % 360)
    assert bool(box.contains(lon, lat)) == expected
    assert box.contains(round(lon) + 360, lat) == box.contains(round(lon), lat)
    np.testing.assert_allclose(box.bounds, (west, south, east, north), atol=1e-9)


@given(
    st.floats(-180, 180),
    st.floats(0.1, 30),
    st.floats(62, 84),
    st.floats(0.1, 4),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_a_projected_outline_holds_the_same_points(west, width, south, height, north, seed):
    """Points in the region are in its projected outline and the others are not, across 180 too."""
    east = (west + width + 180) % 360 - 180
    sides = (south, south + height) if north else (-south - height, -south)
    box = load({"bbox": [west, sides[0], east, sides[1]], "crosses_antimeridian": west > east})
    random = np.random.default_rng(seed)
    lon = west - width / 2 + 2 * width * random.random(200)
    lat = sides[0] - height / 2 + 2 * height * random.random(200)
    lat = np.clip(lat, -90, 90)
    outline = box.projected(box.natural_crs)
    x, y = pyproj.Transformer.from_crs("OGC:CRS84", box.natural_crs, always_xy=True).transform(lon, lat)
    near = shapely.distance(shapely.boundary(outline), shapely.points(x, y)) < 2.0  # m, what following the edges costs
    assert outline.is_valid
    np.testing.assert_array_equal(box.contains(lon, lat)[~near], shapely.contains_xy(outline, x, y)[~near])


@given(
    st.lists(st.integers(-179, 179), min_size=4, max_size=12, unique=True).map(sorted),
    st.integers(0, 2**32 - 1),
    st.sampled_from([90, -90]),
)
def test_a_ring_round_a_pole_holds_it(turns, seed, pole):
    """A ring given by its corners holds the pole it goes round, and every point poleward of its edge."""
    assume(max(np.diff([*turns, turns[0] + 360])) < 179)
    random = np.random.default_rng(seed)
    corners = [[float(lon), float(np.sign(pole) * random.uniform(60, 85))] for lon in turns]
    cap = load({"lonlat": corners, "crosses_antimeridian": True})
    lon, lat = random.uniform(-180, 180, 300), np.sign(pole) * random.uniform(50, 90, 300)
    lon[0], lat[0] = 33.0, pole
    np.testing.assert_array_equal(cap.contains(lon, lat), inside_polar_cap(lon, lat, corners, pole))
    assert (cap.bounds[0], cap.bounds[2]) == (-180.0, 180.0)
    outline = cap.projected(cap.natural_crs)
    assert outline.geom_type == "Polygon" and not outline.interiors  # no slit, no hole at the pole
    assert outline.contains(shapely.Point(0, 0))


@given(st.sampled_from([0.05, 0.3, 2.0]), st.integers(0, 2**32 - 1))
def test_both_halves_make_the_whole(step, seed):
    """A region across 180 holds what its two halves hold together, and has their area."""
    random = np.random.default_rng(seed)
    west, east = 180 - step - 5 * random.random(), -180 + step + 5 * random.random()
    whole = load({"bbox": [west, -78, east, -72], "crosses_antimeridian": True})
    halves = [load({"bbox": [west, -78, 180, -72]}), load({"bbox": [-180, -78, east, -72]})]
    lon, lat = 180 + 20 * (random.random(200) - 0.5), -75 + 8 * (random.random(200) - 0.5)
    np.testing.assert_array_equal(whole.contains(lon, lat), halves[0].contains(lon, lat) | halves[1].contains(lon, lat))
    np.testing.assert_allclose(whole.area_km2, sum(half.area_km2 for half in halves), rtol=1e-12)
    assert whole.projected("EPSG:3031").geom_type == "Polygon"


def test_a_box_that_begins_at_180_does_not_cross_it():
    """180 and -180 are one meridian, whichever is written."""
    box = load({"bbox": [180, -78, -170, -70], "crosses_antimeridian": True})
    assert box.bounds == (-180.0, -78.0, -170.0, -70.0) and not box.crosses_antimeridian


def test_an_outline_cut_at_180_already_crosses_it(tmp_path):
    """As files hold it; it is one region with west beyond east."""
    halves = shapely.MultiPolygon([shapely.box(175, -78, 180, -72), shapely.box(-180, -78, -170, -72)])
    path = write(tmp_path / "halves.geojson", [halves], "EPSG:4326", "GeoJSON", name=["a"])
    cut = load({"polygon": str(path), "crosses_antimeridian": True})
    assert cut.crosses_antimeridian and cut.bounds == (175.0, -78.0, -170.0, -72.0)


def test_the_poles_are_one_point_whatever_their_longitude():
    """A wedge that reaches the pole holds it at every longitude; one that stops short of it does not."""
    wedge, short = load({"bbox": [0, -90, 90, -60]}), load({"bbox": [0, -89, 90, -60]})
    np.testing.assert_array_equal(wedge.contains([0, 120, -180, 45], -90), True)
    assert not short.contains(45, -90)
    np.testing.assert_array_equal(wedge.contains([np.nan, 45, 45], [-90, np.nan, -95]), False)


def test_areas_are_those_of_the_ellipsoid():
    """A zone has the area of the closed formula, and a small polygon that of geodesics."""
    ellipsoid = pyproj.Geod(ellps="WGS84")
    e = np.sqrt(ellipsoid.es)
    s = np.sin(np.radians(60))
    zone = (
        np.pi
        * ellipsoid.b**2
        * (1 / (1 - ellipsoid.es) + np.arctanh(e) / e - s / (1 - ellipsoid.es * s**2) - np.arctanh(e * s) / e)
    )
    np.testing.assert_allclose(load("southern_ocean").area_km2 * 1e6, zone, rtol=1e-9)
    small = load({"lonlat": [[23, 79.5], [23.02, 79.5], [23.02, 79.51], [23, 79.51]]})
    geodesic, _ = ellipsoid.geometry_area_perimeter(small.geometry)
    np.testing.assert_allclose(small.area_km2 * 1e6, abs(geodesic), rtol=1e-5)  # its sides are no geodesics


@pytest.mark.parametrize(
    "spec",
    [
        {"lonlat": SQUARE},
        {"lonlat": [*SQUARE, SQUARE[0]]},
        {"lonlat": [{"lon": lon, "lat": lat} for lon, lat in SQUARE]},
        {"lonlat": [value for point in SQUARE for value in point]},
        {"bbox": [20, 79, 24, 80]},
        SQUARE,
        [20, 79, 24, 80],
    ],
)
def test_every_form_of_a_list_means_the_same(spec):
    """Pairs, mappings, one flat list, open or closed, and the box: one and the same square."""
    assert load(spec).geometry.equals(shapely.box(20, 79, 24, 80))


@pytest.mark.parametrize("name", list(region.gazetteer()))
def test_every_shipped_region_is_sound(name):
    """Its outline is valid, projects in one piece, and `make regions` lists it."""
    shipped = load(name)
    outline = shipped.projected(shipped.natural_crs)
    assert shipped.geometry.is_valid and outline.is_valid and outline.geom_type == "Polygon"
    assert shipped.natural_crs in ("EPSG:3413", "EPSG:3031")
    assert f"\n{name} " in "\n" + region.listing()


def test_shipped_regions_hold_the_extents_of_the_product(data):
    """The outlines of the ATL14/15 regions leave out none of the ice: nearly all of its extent is inside."""
    extents = json.loads(data("real/vectors/ATL14_15_region_extent_polygons.json").read_text())
    for name, entry in region.gazetteer().items():
        code = entry.get("code")
        if not isinstance(code, str) or f"{code}_poly" not in extents:
            continue
        product = shapely.make_valid(shapely.Polygon(extents[f"{code}_poly"]))
        shared = shapely.intersection(load(name).geometry, product).area / product.area
        # SV's own outline takes in Jan Mayen, far from the archipelago; A3's runs along the coast
        assert shared > (0.5 if code == "SV" else 0.97), f"{name} holds {shared:.3f} of {code}"


def test_projections_of_choice():
    """Polar stereographic in the polar caps, UTM between them, also where the middle lies beyond 180."""
    assert load({"bbox": [10, 79, 30, 81]}).natural_crs == "EPSG:3413"
    assert load("ross_sea").natural_crs == "EPSG:3031"
    assert load({"bbox": [95.9, 29.9, 96.0, 29.95]}).natural_crs == "EPSG:32646"
    assert load({"bbox": [-74, -50, -73, -49]}).natural_crs == "EPSG:32718"
    fiji = load({"bbox": [179, -18, -176, -16], "crosses_antimeridian": True})
    assert fiji.natural_crs == "EPSG:32701"


def test_a_region_survives_being_written_out():
    """As plain values through JSON and back, the simplification with it."""
    made = load({"lonlat": [[20, 79], [22, 79.0001], [24, 79], [24, 80], [20, 80]], "tolerance": 5000})
    again = Region.from_dict(json.loads(json.dumps(made.as_dict())))
    assert again == made
    assert again.simplification.vertices_after < again.simplification.vertices_before


def write(path, parts, crs, driver, *, layer=None, append=False, **columns):
    """A vector file of polygons, through GDAL."""
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(parts)),
        [np.array(v, dtype=object) for v in columns.values()],
        list(columns),
        crs=crs,
        driver=driver,
        geometry_type=parts[0].geom_type,
        layer=layer,
        append=append,
    )
    return path


@pytest.mark.parametrize(
    ("driver", "end"), [("GeoJSON", "geojson"), ("ESRI Shapefile", "shp"), ("GPKG", "gpkg"), ("KML", "kml")]
)
def test_outlines_from_files(tmp_path, driver, end):
    """All four formats give the same outline, holes and parts included."""
    ring = shapely.Polygon(SQUARE, [[[21, 79.3], [23, 79.3], [23, 79.7], [21, 79.7]]])
    two = shapely.MultiPolygon([ring, shapely.box(30, 78, 31, 78.5)])
    path = write(tmp_path / f"outline.{end}", [two], "EPSG:4326", driver, basin=["3"])
    found = load({"polygon": str(path)})
    assert found.geometry.equals(two)
    assert found.name == "outline"
    np.testing.assert_array_equal(found.contains([20.5, 22.0, 30.5, 25.0], [79.5, 79.5, 78.2, 79.5]), [1, 0, 1, 0])


def test_an_outline_in_a_projection_keeps_its_straight_edges(tmp_path):
    """A square of 3413 is the same square when projected back, and needs no flag to hold the pole."""
    square = shapely.box(1.0e6, -4.5e5, 1.1e6, -3.5e5)
    path = write(tmp_path / "square.gpkg", [square], "EPSG:3413", "GPKG")
    back = load({"polygon": str(path)}).projected("EPSG:3413")
    assert back.symmetric_difference(square).area < 1e-5 * square.area  # half a metre along its sides
    assert load({"bbox": [1.0e6, -4.5e5, 1.1e6, -3.5e5], "crs": "EPSG:3413"}).projected("EPSG:3413").equals(back)
    pole = load({"bbox": [-1e6, -1e6, 1e6, 1e6], "crs": "EPSG:3031"})
    assert pole.contains(0, -90) and not pole.crosses_antimeridian
    assert pole.projected("EPSG:3031").symmetric_difference(shapely.box(-1e6, -1e6, 1e6, 1e6)).area < 1e-5 * 4e12


def test_a_projected_outline_across_180_must_be_said(tmp_path):
    """It is refused without the flag and cut in two with it."""
    spec = {"bbox": [-3e5, -1.6e6, 3e5, -1.2e6], "crs": "EPSG:3031"}
    with pytest.raises(RegionError, match="crosses the antimeridian; say so with crosses_antimeridian: true"):
        load(spec)
    cut = load({**spec, "crosses_antimeridian": True})
    assert cut.crosses_antimeridian and cut.geometry.geom_type == "MultiPolygon"
    assert cut.bounds[0] > 0 > cut.bounds[2]


def test_features_are_chosen_by_attribute_and_layer(tmp_path):
    """Only the features with the value; a wrong name, value or layer is told with what there is."""
    boxes = [shapely.box(20, 79, 21, 80), shapely.box(22, 79, 23, 80)]
    path = str(write(tmp_path / "basins.gpkg", boxes, "EPSG:4326", "GPKG", basin=["2", "3"]))
    assert load({"polygon": path, "attribute": {"basin": "3"}}).geometry.equals(boxes[1])
    assert load({"polygon": path, "attribute": {"basin": [2, 3]}, "layer": "basins"}).area_km2 > 0
    with pytest.raises(RegionError, match=r"basins\.gpkg has no attribute 'basn'; did you mean basin"):
        load({"polygon": path, "attribute": {"basn": "3"}})
    with pytest.raises(RegionError, match=r"no feature with basin 7; it has 2, 3"):
        load({"polygon": path, "attribute": {"basin": "7"}})
    with pytest.raises(RegionError, match=r"layer: \S*basins\.gpkg has no layer 'lakes'; it has basins"):
        load({"polygon": path, "layer": "lakes"})


def test_outlines_in_several_layers_are_chosen_or_joined(tmp_path):
    """The first layer is never taken silently; layers without an outline are no choice."""
    boxes = [shapely.box(20, 79, 21, 80), shapely.box(22, 79, 23, 80)]
    path = tmp_path / "all.gpkg"
    for name, shape in (("ice", boxes[0]), ("points", shapely.Point(20, 79))):
        write(path, [shape], "EPSG:4326", "GPKG", layer=name, append=path.exists())
    assert load({"polygon": str(path)}).geometry.equals(boxes[0])
    write(path, [boxes[1]], "EPSG:4326", "GPKG", layer="lakes", append=True, basin=["3"])
    with pytest.raises(RegionError, match=r"all\.gpkg: holds outlines in several layers: ice, lakes; add layer: with"):
        load({"polygon": str(path)})
    assert load({"polygon": str(path), "layer": "lakes"}).geometry.equals(boxes[1])
    assert load({"polygon": str(path), "layer": ["ice", "lakes"]}).geometry.equals(shapely.union_all(boxes))


def test_folders_of_kml_are_layers(tmp_path):
    """As Google Earth saves an outline in each of two folders."""
    corners = [" ".join(f"{x},{y},0" for x, y in shapely.box(w, 79, w + 1, 80).exterior.coords) for w in (20, 22)]
    placed = [
        f"<Folder><name>{name}</name><Placemark><name>a</name><Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}"
        "</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Folder>"
        for name, ring in zip(("north", "south"), corners, strict=True)
    ]
    path = tmp_path / "mine.kml"
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>mine</name>'
        f"{''.join(placed)}</Document></kml>"
    )
    with pytest.raises(RegionError, match="several layers: north, south; add layer"):
        load({"polygon": str(path)})
    assert load({"polygon": str(path), "layer": "south"}).bounds == (22.0, 79.0, 23.0, 80.0)
    assert load({"polygon": str(path), "layer": ["north", "south"]}).bounds == (20.0, 79.0, 23.0, 80.0)


SPIKES = {
    "out of a side": [(0, 0), (10, 0), (10, 10), (5, 10), (5, 15), (5, 10), (0, 10)],
    "into a side": [(0, 0), (10, 0), (10, 10), (5, 10), (5, 5), (5, 10), (0, 10)],
    "at a corner": [(0, 0), (10, 0), (10, 10), (13, 15), (10, 10), (0, 10)],
    "along a side": [(0, 0), (10, 0), (15, 0), (10, 0), (10, 10), (0, 10)],
}


@pytest.mark.parametrize("turn", [1, -1], ids=["anticlockwise", "clockwise"])
@pytest.mark.parametrize("spike", SPIKES.values(), ids=list(SPIKES))
@pytest.mark.parametrize(
    ("driver", "end"), [("GeoJSON", "geojson"), ("ESRI Shapefile", "shp"), ("GPKG", "gpkg"), ("KML", "kml")]
)
def test_a_spike_is_taken_off_in_every_format(tmp_path, driver, end, spike, turn):
    """It has no area, whichever way a format lets its rings go round."""
    corners = [(20 + x / 10, 70 + y / 10) for x, y in spike][::turn]
    path = write(tmp_path / f"spike.{end}", [shapely.Polygon(corners)], "EPSG:4326", driver, a=["1"])
    found = load({"polygon": str(path)})
    assert found.geometry.is_valid and found.geometry.symmetric_difference(shapely.box(20, 70, 21, 71)).area < 1e-12


def test_a_ring_that_crosses_itself_is_still_refused():
    """A figure of eight does not say what is inside."""
    with pytest.raises(RegionError, match="the outline is not a simple ring"):
        load({"lonlat": [[20, 70], [22, 71], [22, 70], [20, 71.5]]})


def test_simplifying_says_what_it_did(data):
    """Vertices before and after and the change of area, on a real outline; every corner stays within the tolerance."""
    path = str(data("real/vectors/glims_pine_island.shp"))
    whole, simple = load({"polygon": path}), load({"polygon": path, "tolerance": 2000})
    did = simple.simplification
    assert (did.vertices_before, did.vertices_after < 500) == (942, True)
    np.testing.assert_allclose(did.area_before, whole.area_km2)
    np.testing.assert_allclose(did.area_after, simple.area_km2)
    assert f"942 vertices became {did.vertices_after}" in str(did) and "km2" in str(did)
    outlines = [r.projected("EPSG:3031").boundary for r in (whole, simple)]
    assert shapely.hausdorff_distance(*outlines) < 2000 * 1.1


def test_real_outlines_are_read(data):
    """GeoJSON in 3031, GeoPackage in 3413 and GeoJSON in degrees, each where its glacier is."""
    flade = load({"polygon": str(data("real/vectors/Flade_Isblink_poly.gpkg"))})
    front = load({"polygon": str(data("real/vectors/PIG_front_20210325.geojson"))})
    assert flade.contains(-16.6, 81.15) and not flade.contains(0, 0)
    assert front.contains(-101.5, -75.0)


def broken(tmp_path, coordinates):
    """A GeoJSON file with one ring as given."""
    path = tmp_path / "ring.geojson"
    shape = {"type": "Polygon", "coordinates": [coordinates]}
    path.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": shape}))
    return {"polygon": str(path)}


def test_a_ring_in_a_file_must_be_closed(tmp_path):
    """A list in a study is closed for its writer; an open ring in a file is a broken file."""
    with pytest.raises(RegionError, match=r"ring\.geojson: a ring is not closed .*; repeat its first corner"):
        load(broken(tmp_path, SQUARE))


def test_a_ring_that_touches_itself_is_mended():
    """A ring traced from pixels meets itself in a corner; what it encloses is plain, so it is taken."""
    touching = [[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [2, 2], [2, 1.0], [3, 1], [3, 3], [0, 3]]
    assert shapely.is_valid_reason(shapely.Polygon(touching)).startswith("Ring Self-intersection")
    assert load({"lonlat": touching}).geometry.is_valid
    np.testing.assert_array_equal(load({"lonlat": touching}).contains([0.5, 1.5, 2.5], [0.5, 1.5, 2.5]), [1, 0, 1])


@pytest.mark.parametrize(
    ("turned", "meant"),
    [
        ({"bbox": [305, 60, 312, 70]}, {"bbox": [-55, 60, -48, 70]}),
        ({"bbox": [0, -90, 360, -60]}, {"bbox": [-180, -90, 180, -60]}),
        (
            {"bbox": [170, -78, 200, -70], "crosses_antimeridian": True},
            {"bbox": [170, -78, -160, -70], "crosses_antimeridian": True},
        ),
        ({"lonlat": [[350, 60], [10, 60], [0, 70]]}, {"lonlat": [[-10, 60], [10, 60], [0, 70]]}),
        (
            {"lonlat": [[175, -70], [190, -70], [180, -75]], "crosses_antimeridian": True},
            {"lonlat": [[175, -70], [-170, -70], [180, -75]], "crosses_antimeridian": True},
        ),
    ],
)
def test_longitudes_from_0_to_360_are_the_same_places(turned, meant):
    assert load(turned).geometry.equals(load(meant).geometry)
    assert load(turned).bounds == load(meant).bounds


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"bbx": [1, 2, 3, 4]}, "bbx: unknown key; did you mean bbox"),
        ({}, "got none of them; write exactly one of name, bbox, lonlat, polygon"),
        ({"bbox": [1, 2, 3, 4], "name": "svalbard"}, "got name and bbox; write exactly one"),
        (7, "got 7; write a name, bbox, lonlat or polygon"),
        ("Austfona", "no region 'Austfona'; did you mean austfonna"),
        ("Xyz", "no region 'Xyz'; `make regions` lists the known ones"),
        ({"bbox": [10, 81, 30, 79]}, "south 81 lies above north 79"),
        ({"bbox": [30, 79, 10, 81]}, "west 30 lies beyond east 10; exchange them, or say crosses_antimeridian: true"),
        ({"bbox": [10, 79, 10, 81]}, "encloses no area"),
        ({"bbox": [10, 79, 30]}, r"got \[10, 79, 30\]; write \[west, south, east, north\]"),
        ({"bbox": [10, 79, 30, "x"]}, "write four numbers"),
        ({"bbox": [10, 79, 30, 95]}, "latitude 95 lies beyond the pole; write longitude first"),
        ({"bbox": [170, -78, 200, -70]}, "west 170 lies beyond east -160; exchange them, or say crosses_antimeridian"),
        ({"bbox": [-190, -78, -170, -70]}, "longitude -190 is more than half a turn"),
        ({"lonlat": [[350, 60], [370, 60], [360, 70]]}, "longitude 350 is more than half a turn"),
        ({"bbox": [0, 0, 1, 1], "crs": "EPSG:999999"}, "crs: unknown coordinate system 'EPSG:999999'"),
        ({"bbox": [0, 0, 1, 1], "crs": "EPSG:3855"}, r"'EPSG:3855' \(EGM2008 height, Vertical CRS\) places nothing"),
        ({"bbox": [0, 0, 1, 1], "crs": ["EPSG:3413"]}, r"crs: got \['EPSG:3413'\]; write a coordinate system"),
        ({"polygon": 5}, "polygon: got 5; write the path of a file"),
        ({"polygon": "a.gpkg", "layer": 3}, "layer: got 3; write the layer's name, or a list of names"),
        ({"polygon": "a.gpkg", "attribute": "name"}, "attribute: got 'name'; write {name: value}"),
        ({"bbox": [0, 0, 1, 1], "crosses_antimeridian": "no"}, "crosses_antimeridian: got 'no'; write true or false"),
        ({"lonlat": SQUARE, "tolerance": True}, "tolerance: got True; write a positive number"),
        ({"bbox": [0, 0, 1, 1], "crs": "EPSG:4978"}, r"'EPSG:4978' \(WGS 84, Geocentric CRS\) places nothing"),
        ({"lonlat": [[0, 0], [1, 1]]}, "2 corners enclose no area; give at least three"),
        ({"lonlat": [[0, 0], [1, 1], [2, 2]]}, "encloses no area"),
        ({"lonlat": [[0, 0], [1, 1], [1, 0], [0, 1]]}, r"not a simple ring \(Self-intersection\[0.5 0.5\]\)"),
        ({"lonlat": [[79, 120], [80, 121], [80, 120]]}, "latitude 120 lies beyond the pole; write longitude first"),
        ({"lonlat": [[170, -70], [-170, -70], [-170, -75]]}, "from longitude 170 to -170 goes more than half round"),
        ({"lonlat": [1, 2, 3]}, "got 3 numbers; a flat list holds longitude and latitude in turn"),
        ({"lonlat": [{"lon": 1, "lat": 2}, {"lon": 1}]}, r"got {'lon': 1}; write each point as {lon: .., lat: ..}"),
        ({"lonlat": "20 79"}, r"got '20 79'; write a list of \[longitude, latitude\] pairs"),
        ({"lonlat": [[1, 2], [3, "x"], [5, 6]]}, "not a list of pairs of numbers"),
        ({"polygon": "nowhere.shp"}, r"polygon: nowhere\.shp is not there"),
        ({"lonlat": SQUARE, "tolerance": -1}, "tolerance: got -1; write a positive number of metres"),
        ({"lonlat": SQUARE, "tolerance": 1e7}, "tolerance: 1e\\+07 m is wider than the region itself"),
        ({"bbox": [0, 0, 1e12, 1e12], "crs": "EPSG:32633"}, "lies outside its coordinate system"),
    ],
)
def test_refusals_name_value_and_remedy(spec, words):
    """Each mistake has one line of its own."""
    with pytest.raises(RegionError, match=words) as refused:
        load(spec)
    assert "\n" not in str(refused.value)


def test_files_that_hold_no_outline_are_refused(tmp_path):
    """Text, a line, an outline without a coordinate system: each said by name."""
    text = tmp_path / "notes.geojson"
    text.write_text("no outline here")
    with pytest.raises(RegionError, match=r"notes\.geojson: cannot be read .*; give GeoJSON, Shapefile"):
        load({"polygon": str(text)})
    line = tmp_path / "line.geojson"
    line.write_text(json.dumps({"type": "LineString", "coordinates": [[0, 0], [1, 1]]}))
    with pytest.raises(RegionError, match=r"line\.geojson: holds LineString and no polygon"):
        load({"polygon": str(line)})
    bare = write(tmp_path / "bare.shp", [shapely.box(0, 0, 1, 1)], "EPSG:4326", "ESRI Shapefile", a=["1"])
    bare.with_suffix(".prj").unlink()
    with pytest.raises(RegionError, match=r"bare\.shp: states no coordinate system; add crs"):
        load({"polygon": str(bare)})
    assert load({"polygon": str(bare), "crs": "EPSG:4326"}).geometry.equals(shapely.box(0, 0, 1, 1))


def test_a_projection_that_cannot_show_the_region_is_refused():
    """The South Pole lies infinitely far off in a projection of the Arctic."""
    with pytest.raises(RegionError, match="southern_ocean: reaches beyond what EPSG:3413 can show"):
        load("southern_ocean").projected("EPSG:3413")


def test_vertices_are_counted_without_the_closing_one():
    """Four corners of a square, and four more of its hole."""
    assert polygons.vertices(shapely.box(0, 0, 1, 1)) == 4
    assert polygons.vertices(shapely.Polygon(SQUARE, [[[21, 79.3], [23, 79.3], [23, 79.7], [21, 79.7]]])) == 8


def test_points_are_found_whatever_the_shape_of_their_arrays():
    """A grid of points answers with a grid."""
    lon, lat = np.meshgrid(np.linspace(19, 25, 7), np.linspace(78.5, 80.5, 5))
    inside = load({"lonlat": SQUARE}).contains(lon, lat)
    assert inside.shape == lon.shape
    np.testing.assert_array_equal(inside, (lon >= 20) & (lon <= 24) & (lat >= 79) & (lat <= 80))
