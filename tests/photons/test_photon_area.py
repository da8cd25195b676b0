"""Polygons at poles and dateline, parts and holes, masks, and what the reference's first run loses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.parameters.values import rings
from nunatak.photons import FitParameters, ParameterError, photons_from_arrays
from nunatak.photons.area import _crossings, crossings_reference, in_area, in_mask, in_polygon, project

SQUARE = [{"lon": 10, "lat": 50}, {"lon": 20, "lat": 50}, {"lon": 20, "lat": 60}, {"lon": 10, "lat": 60}]


def box(west, south, east, north):
    """Corners of a box, counter-clockwise."""
    return [(west, south), (east, south), (east, north), (west, north)]


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(3, 12))
def test_ray_cast_kernel_is_its_definition(seed, n):
    """Any ring, any points."""
    rng = np.random.default_rng(seed)
    px, py, vx, vy = rng.uniform(-1, 1, 50), rng.uniform(-1, 1, 50), rng.uniform(-1, 1, n), rng.uniform(-1, 1, n)
    assert_array_equal(_crossings(px, py, vx, vy), crossings_reference(px, py, vx, vy))


def test_plane_formulas():
    """r = 2 tan(pi/4 - lat/2): 0 at the pole, 2 at the equator; the south turns the other way."""
    assert_allclose(np.hypot(*project(33.0, 0.0, "north_polar")), 2.0)
    assert_allclose(project(90.0, 90.0, "north_polar"), (0, 0), atol=1e-15)
    assert_allclose(project(90.0, 0.0, "south_polar"), (0, -2), atol=1e-12)


def test_closing_vertex_and_direction_do_not_matter():
    """Open, closed, clockwise: the same area."""
    lon, lat = np.array([15.0, 25.0, np.nan]), np.array([55.0, 55.0, 55.0])
    for ring in (SQUARE, [*SQUARE, SQUARE[0]], SQUARE[::-1]):
        assert in_polygon(lon, lat, rings(ring)).tolist() == [True, False, False]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_ring_about_the_pole_holds_the_pole(sign):
    """A polar plane is chosen by the first vertex; every longitude at 89 degrees is inside, none at 84."""
    ring = [(lon, sign * 85.0) for lon in range(-180, 180, 30)]
    lon = np.arange(-180, 180, 7.0)
    assert in_polygon(lon, np.full(lon.shape, sign * 89.0), (tuple(ring),)).all()
    assert not in_polygon(lon, np.full(lon.shape, sign * 84.0), (tuple(ring),)).any()


@pytest.mark.parametrize("ring", [box(170, -20, -170, -10), box(170, -20, 190, -10), box(-190, -20, -170, -10)])
def test_an_area_across_the_antimeridian(ring):
    """However its longitudes are written: 175 and -175 inside, 0 and 165 not."""
    lon = np.array([175.0, -175.0, 0.0, 165.0, -165.0])
    assert in_polygon(lon, np.full(5, -15.0), (tuple(ring),)).tolist() == [True, True, False, False, False]


def test_parts_holes_and_concave_areas():
    """A point inside an odd number of rings is in the area."""
    parts = rings([box(0, 0, 10, 10), box(4, 4, 6, 6), box(20, 0, 30, 10)])
    lon, lat = np.array([1.0, 5.0, 25.0, 15.0]), np.array([5.0, 5.0, 5.0, 5.0])
    assert in_polygon(lon, lat, parts).tolist() == [True, False, True, False]
    u_shape = rings([(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)])
    assert in_polygon(np.array([0.5, 1.5, 2.5]), np.array([2.0, 2.0, 2.0]), u_shape).tolist() == [True, False, True]


def test_compat_keeps_only_the_first_run():
    """Along the equator through two boxes: both are used, the reference loses the second."""
    photons = photons_from_arrays(np.arange(0, 10000, 1.0), np.zeros(10000))
    two = [box(0.01, -1, 0.02, 1), box(0.05, -1, 0.06, 1)]
    ours, theirs = (in_area(photons.track, FitParameters.of({"poly": two, "compat": c})) for c in (False, True))
    lon = photons.track.segments["reference_photon_lon"]
    assert_array_equal(ours, ((lon >= 0.01) & (lon < 0.02)) | ((lon >= 0.05) & (lon < 0.06)))
    assert_array_equal(theirs, (lon >= 0.01) & (lon < 0.02))


def test_mask_cells_count_by_their_centre():
    """A triangle burned to cells of 1 degree: a point is in when its cell's centre is."""
    triangle = {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [0, 4], [0, 0]]]}
    mask = {"geojson": {"type": "Feature", "properties": {}, "geometry": triangle}, "cellsize": 1.0}
    # cell [2, 3) x [1, 2) has its centre on x + y = 4, outside; [1, 2) x [1, 2) inside, its corner (1.9, 1.9) too
    lon, lat = np.array([1.9, 2.1, 0.1, 5.0, -0.1]), np.array([1.9, 1.2, 0.1, 1.0, 1.0])
    assert in_mask(lon, lat, mask).tolist()[:1] + in_mask(lon, lat, mask).tolist()[2:] == [True, True, False, False]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "not a list"),
        ([{"lon": 1}], "not a vertex"),
        ([(0, 0), (1, 1)], "fewer than 3"),
        ([(0, 100), (1, 1), (2, 2)], "not on the globe"),
        ([(0, 0)] * 20000, "at most 16384"),
    ],
)
def test_bad_polygons_are_refused(value, message):
    """Each in one line that says what is wrong."""
    with pytest.raises(ParameterError, match=message):
        rings(value)
