"""What is drawn becomes an outline that a study reads as it was meant: round a pole, over the antimeridian."""

from __future__ import annotations

import math

import numpy as np
import pyproj
import pytest
import shapely

from nunatak.explorer import drawn
from nunatak.geometry import region
from nunatak.geometry.region import RegionError

SQUARE = [[-1e6, -1e6], [1e6, -1e6], [1e6, 1e6], [-1e6, 1e6]]


@pytest.mark.parametrize(("crs", "pole"), [("EPSG:3413", 90), ("EPSG:3031", -90)])
@pytest.mark.parametrize("form", ["polygon", "box"])
def test_a_square_round_a_pole_holds_the_pole(crs, pole, form):
    """In longitude and latitude its corners alone would enclose nothing."""
    corners = SQUARE if form == "polygon" else [SQUARE[0], SQUARE[2]]
    spec = drawn.area_spec({"form": form, "crs": crs, "coordinates": corners})
    found = region.load(spec)
    assert spec["crs"] == crs and "crosses_antimeridian" not in spec
    assert found.contains([0, 123, 0], [pole, pole * 0.95, -pole]).tolist() == [True, True, False]
    # 2000 km wide on the map; the scale there is between 0.97 and 1
    assert 4.0e6 < found.area_km2 < 4.25e6


def test_an_area_over_the_antimeridian_says_so():
    spec = drawn.area_spec({"form": "box", "crs": "EPSG:3031", "coordinates": [[-4e5, -2e6], [4e5, -1.4e6]]})
    assert spec == {"bbox": [-400000, -2000000, 400000, -1400000], "crs": "EPSG:3031", "crosses_antimeridian": True}
    assert region.load(spec).contains([180, 0], [-75, -75]).tolist() == [True, False]


@pytest.mark.parametrize("turn", [0, 360, -360])
def test_a_box_of_the_flat_map_may_lie_in_any_turn(turn):
    spec = drawn.area_spec(
        {"form": "box", "crs": "lonlat", "coordinates": [[170 + turn, 62], [190 + turn, 70]]},
    )
    assert spec == {"bbox": [170.0, 62.0, -170.0, 70.0], "crosses_antimeridian": True}
    assert region.load(spec).bounds == (170.0, 62.0, -170.0, 70.0)


def test_a_polygon_keeps_all_its_vertices():
    """2,000 of them, a metre or more apart: nothing is simplified."""
    ring = [[1e6 + 3e5 * math.cos(a), -4e5 + 2e5 * math.sin(a)] for a in [2 * math.pi * k / 2000 for k in range(2000)]]
    spec = drawn.area_spec({"form": "polygon", "crs": "EPSG:3413", "coordinates": [*ring, ring[0]]})
    assert len(spec["lonlat"]) == 2000
    assert all(math.dist(a, b) <= 1 for a, b in zip(spec["lonlat"], ring, strict=True))


@pytest.mark.parametrize(
    ("corners", "said"),
    [
        ([[0, 0], [1e6, 1e6], [1e6, 0], [0, 1e6]], "not a simple ring"),
        ([[0, 0], [1e6, 1e6], [2e6, 2e6]], "no area"),
        ([[0, 0], [math.nan, 1e6], [2e6, 2e6]], "pairs of numbers"),
        ([], "0 vertices"),
    ],
)
def test_a_drawing_that_encloses_nothing_is_refused(corners, said):
    with pytest.raises(RegionError, match=said):
        drawn.area_spec({"form": "polygon", "crs": "EPSG:3413", "coordinates": corners})


def test_a_line_comes_in_degrees_and_a_focus_in_metres():
    """The check points of Austfonna and of the front of Basin 3."""
    line = {"crs": "EPSG:3413", "coordinates": [[1044363.292, -400893.508], [1112782.040, -405019.540]]}
    assert drawn.line_lonlat(line) == [[24.0, 79.7], [25.0, 79.1]]
    box = {"crs": "EPSG:3413", "coordinates": [[1.1e6, -3.5e5], [1.0e6, -4.5e5]]}
    assert drawn.focus_limits(box) == {"crs": "EPSG:3413", "xlim": [1000000, 1100000], "ylim": [-450000, -350000]}
    with pytest.raises(RegionError, match="a map in metres"):
        drawn.focus_limits({"crs": "lonlat", "coordinates": [[0, 70], [1, 71]]})


@pytest.mark.parametrize("crs", drawn.MAPS)
def test_an_outline_goes_to_the_map_it_is_asked_for(crs):
    """Its rings close, and its area is that on the ellipsoid whatever the map."""
    outline = region.load("svalbard")
    shown = drawn.drawing_of(outline, crs)
    assert shown["area_km2"] == outline.area_km2
    assert all(ring[0] == ring[-1] for polygon in shown["polygons"] for ring in polygon)


@pytest.mark.parametrize("crs", drawn.MAPS)
def test_a_footprint_that_is_cut_at_the_antimeridian_has_no_side_there(crs):
    """Two halves of one box: each is an open line, and no line runs along longitude 180."""
    halves = shapely.MultiPolygon([shapely.box(178, 78, 180, 80), shapely.box(-180, 78, -178, 80)])
    lines = drawn.footprint_lines(halves, crs)
    ends = {tuple(np.round(end, 3)) for line in lines for end in (line[0], line[-1])}
    to_map = None if crs == "lonlat" else pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform
    length = sum(shapely.LineString(line).length for line in lines)
    whole = shapely.box(178, 78, 182, 80).segmentize(0.5)
    around = whole if crs == "lonlat" else shapely.transform(whole, to_map, interleaved=False)
    assert length == pytest.approx(around.length, rel=1e-3)
    assert len(ends) >= 2
