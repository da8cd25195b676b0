"""The closed forms against PROJ wherever they are used, and PROJ itself where they are not."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.gridding.projection import EQUAL_AREA, NO_CLOSED_FORM, STEREOGRAPHIC, projection
from nunatak.runtime import NunatakError

POLAR = {
    "EPSG:3413": STEREOGRAPHIC,
    "EPSG:3031": STEREOGRAPHIC,
    "EPSG:3976": STEREOGRAPHIC,
    "EPSG:3411": STEREOGRAPHIC,
    "EPSG:3412": STEREOGRAPHIC,
    "EPSG:6931": EQUAL_AREA,
    "EPSG:6932": EQUAL_AREA,
}


@pytest.mark.parametrize("crs", POLAR)
def test_closed_form_within_a_micrometre_of_proj(crs):
    """Closer than 1e-6 m to PROJ from the equator to 88.5 degrees, whatever the longitude's convention."""
    plane = projection(crs)
    assert plane.kind == POLAR[crs]
    rng = np.random.default_rng(0)
    latitude = plane.parameters[1] * np.concatenate([rng.uniform(0, 88.5, 40_000), rng.uniform(87, 88.5, 40_000)])
    longitude = rng.uniform(-180, 360, latitude.size)
    x, y = plane.project(longitude, latitude)
    x0, y0 = plane.forward(longitude, latitude)
    assert np.hypot(x - x0, y - y0).max() < 1e-6


@pytest.mark.parametrize("crs", POLAR)
def test_proj_beyond_the_closed_form(crs):
    """Nearer the pole and beyond the equator the numbers are PROJ's own."""
    plane = projection(crs)
    latitude = plane.parameters[1] * np.array([88.6, 89.999, 90.0, -1.0])
    longitude = np.array([10.0, -170.0, 0.0, 50.0])
    assert_array_equal(plane.project(longitude, latitude), plane.forward(longitude, latitude))


def test_other_systems_are_left_to_proj():
    """UTM, and an oblique equal-area projection, have no closed form here."""
    for crs in ("EPSG:32633", "EPSG:3035"):
        plane = projection(crs)
        assert plane.kind == NO_CLOSED_FORM
        assert_allclose(plane.project([15.0], [79.0]), plane.forward([15.0], [79.0]))


def test_unknown_system_is_refused():
    """A number that is no EPSG code is named."""
    with pytest.raises(NunatakError, match="crs: 'EPSG:99999' is unknown to PROJ"):
        projection("EPSG:99999")
