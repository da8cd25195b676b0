"""The land that the package holds: where it is, how true, and packed without loss."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from nunatak.geometry import land, packed

WHOLE = {"EPSG:3031": (-3e6, 3e6, -3e6, 3e6), "EPSG:3413": (-3e6, 3e6, -3.6e6, 3e6)}
SOUTH = {
    "pole": (0, -90, True),
    "Vinson": (-85.6, -78.5, True),
    "Ross Island": (168, -77.6, True),
    "Ross Ice Shelf": (180, -82, False),
    "Ronne Ice Shelf": (-60, -78, False),
    "Amery Ice Shelf": (71.5, -69.5, False),
    "Amundsen Sea": (-115, -71, False),
}
NORTH = {
    "Summit": (-38.5, 72.58, True),
    "Austfonna": (24, 79.7, True),
    "Disko": (-53.5, 69.9, True),
    "Iceland": (-18, 65, True),
    "pole": (0, 90, False),
    "Baffin Bay": (-66, 73, False),
    "Fram Strait": (0, 79, False),
}


@pytest.mark.parametrize(("crs", "places"), [("EPSG:3031", SOUTH), ("EPSG:3413", NORTH)])
def test_places_lie_on_land_or_at_sea(crs, places):
    """In Antarctica the edge is the grounding line, so that ice shelves are sea."""
    whole = land.within(crs, WHOLE[crs])
    project = Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform
    found = {name: whole.contains(shapely.Point(project(lon, lat))) for name, (lon, lat, _) in places.items()}
    assert found == {name: on_land for name, (*_, on_land) in places.items()}


def test_antarctica_has_its_grounded_area():
    """
    About 12.3 million km2 without ice shelves.

    No slit runs along the antimeridian.
    """
    whole = land.within("EPSG:3031", WHOLE["EPSG:3031"])
    largest = max(shapely.get_parts(whole), key=lambda part: part.area)
    corners = shapely.get_coordinates(shapely.segmentize(largest.exterior, 20e3))
    lonlat = Transformer.from_crs("EPSG:3031", "OGC:CRS84", always_xy=True).transform(*corners.T)
    # the ring goes round the pole, where lines of constant longitude would close it on the wrong side
    area = abs(Geod(ellps="WGS84").polygon_area_perimeter(*lonlat)[0])
    assert area / 1e12 == pytest.approx(12.3, abs=0.4)
    assert largest.contains(shapely.LineString([(0, -1.0e6), (0, -1.0e5)]).buffer(1e3)) is False
    assert largest.contains(shapely.LineString([(0, -3.0e5), (0, 1.0e6)]).buffer(1e3)) is True


def test_a_window_away_from_the_poles_is_cut_from_the_world():
    """
    Iceland in its UTM zone, about 103,000 km2.

    Southern Norway and the Alps have land as well.
    """
    iceland = land.within("EPSG:32627", (2e5, 1e6, 6.98e6, 7.42e6))
    assert iceland.area / 1e6 == pytest.approx(102_800, rel=0.03)
    alps = land.within("EPSG:32632", (3e5, 5e5, 5.0e6, 5.2e6))
    assert alps.area == pytest.approx(4e10, rel=1e-3)


def test_a_map_of_the_hemisphere_reaches_beyond_the_polar_layer():
    """Land as far as 25 N is of the world's layer, the halves left and right of the antimeridian joined."""
    whole = land.within("EPSG:3413", (-9e6, 9e6, -9e6, 9e6))
    project = Transformer.from_crs("OGC:CRS84", "EPSG:3413", always_xy=True).transform
    for place in ((100, 40), (-100, 40), (10, 30), (180, 68.5)):
        assert whole.contains(shapely.Point(project(*place)).buffer(3e3)), place


def test_the_file_says_where_it_is_from_and_is_whole():
    assert "world-atlas" in land.contents()["source"] and "public domain" in land.contents()["licence"]
    for name, layer in land.contents()["layers"].items():
        assert hashlib.sha256(layer["data"].encode()).hexdigest() == layer["sha256"], name
        shapes = land.polygons(name)
        assert len(shapes) == layer["polygons"]
        assert shapely.get_num_coordinates(shapes).sum() == layer["points"]
        assert shapely.is_valid(shapes).all()


@given(
    st.lists(st.tuples(st.integers(-(2**30), 2**30), st.integers(-(2**30), 2**30), st.integers(8, 2**20)), max_size=5),
    st.sampled_from([0.01, 1.0, 250.0]),
)
def test_polygons_come_back_as_they_were_packed(squares, quantum):
    """Squares with a hole, anywhere: vertices to the quantum, rings in their order."""
    shapes = [
        shapely.Polygon(
            quantum * np.array([(x, y), (x + n, y), (x + n, y + n), (x, y + n)]),
            [quantum * np.array([(x + 2, y + 2), (x + 4, y + 2), (x + 4, y + 4)])],
        )
        for x, y, n in squares
    ]
    back = packed.decode(packed.encode(shapes, quantum), quantum)
    assert len(back) == len(shapes)
    for shape, again in zip(shapes, back, strict=True):
        assert shapely.equals_exact(shape, again, tolerance=quantum * 1e-6)


def test_what_is_smaller_than_the_quantum_is_left_out():
    kept = packed.quantised([shapely.box(0, 0, 1, 1), shapely.box(0, 0, 1000, 1000)], 250.0)
    assert [shape.area for shape in kept] == [1e6]
