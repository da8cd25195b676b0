"""Footprints hold every position and little else."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely

from nunatak.archives.local import footprint


def held(shape, lon, lat):
    """Whether every position lies in the shape, also after it was written as text."""
    shape = shapely.from_wkt(footprint.to_text(shape))
    assert shape.is_valid
    shapely.prepare(shape)
    return shapely.intersects_xy(shape, lon, lat).all()


def orbit(first, last, *, step=0.02, inclination=92.0, node=0.0):
    """Time (s), longitude, latitude of a circular orbit between two angles from the ascending node (degrees)."""
    u = np.arange(first, last, step)
    time = u / 360 * 94.3 * 60
    lat = np.degrees(np.arcsin(np.sin(np.radians(inclination)) * np.sin(np.radians(u))))
    east = np.arctan2(np.cos(np.radians(inclination)) * np.sin(np.radians(u)), np.cos(np.radians(u)))
    return time, (node + np.degrees(east) - time * 360 / 86164 + 180) % 360 - 180, lat


@pytest.mark.parametrize("ascending", [-179.9, -60.0, 25.0, 179.95])
@pytest.mark.parametrize(("first", "last"), [(60, 80), (80, 100), (100, 120), (-100, -80), (0, 180)])
def test_every_position_of_a_track_lies_in_its_footprint(first, last, ascending):
    """At any longitude, over the pole's neighbourhood and along half an orbit."""
    time, lon, lat = orbit(first, last, node=ascending)
    assert held(footprint.along_track(time, lon, lat), lon, lat)


def test_a_track_over_the_antimeridian_does_not_touch_greenwich():
    """The longitudes 179.9 and -179.9 are neighbours."""
    lat = np.linspace(-78, -77, 200)
    lon = (np.linspace(179.5, 181.5, 200) + 180) % 360 - 180
    shape = footprint.along_track(np.arange(200) * 0.1, lon, lat)
    assert held(shape, lon, lat)
    assert not shape.intersects(shapely.box(-178, -90, 178, 90))


def test_a_track_is_a_thin_strip():
    """A search 10 km beside a track does not find it."""
    time, lon, lat = orbit(62, 75)
    shape = footprint.along_track(time, lon, lat)
    beside = lon + 10 / (111.2 * np.cos(np.radians(lat)))
    shapely.prepare(shape)
    assert not shapely.intersects_xy(shape, beside, lat).any()


def test_positions_that_are_none_are_left_out():
    """Fills and values off the globe make no footprint; nothing else makes none."""
    assert footprint.along_track([0, 1], [np.nan, 10], [80, 3.4e38]) is None
    shape = footprint.along_track([0, 1], [10, np.nan], [80, 80])
    assert shape.contains(shapely.Point(10, 80)) and shape.area < 1e-3
    assert footprint.to_text(None) is None


@pytest.mark.parametrize(
    ("bounds", "crs"),
    [
        ((-670e3, -3350e3, 870e3, -610e3), "EPSG:3413"),  # Greenland
        ((-500, -500, 2800e3, 2800e3), "EPSG:3031"),  # an Antarctic quadrant: the pole is its corner
        ((-3000e3, -3000e3, 3000e3, 3000e3), "EPSG:3031"),  # the pole in the middle
        ((-300e3, 900e3, 400e3, 2000e3), "EPSG:3413"),  # across the antimeridian
        ((300e3, 6000e3, 700e3, 7000e3), "EPSG:32660"),  # a zone that ends at the antimeridian
        ((500e3, 9400e3, 700e3, 9900e3), "EPSG:32633"),  # near the pole, whose plane coordinates are finite
    ],
)
def test_every_cell_of_a_grid_lies_in_its_footprint(bounds, crs):
    left, bottom, right, top = bounds
    x, y = (v.ravel() for v in np.meshgrid(np.linspace(left, right, 151), np.linspace(bottom, top, 151)))
    lon, lat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    shape = footprint.of_grid(bounds, crs)
    assert held(shape, (lon + 180) % 360 - 180, lat)


def test_a_quadrant_does_not_reach_the_opposite_one():
    """A1 (x and y positive) is 0 to 90 E but for the cap at the pole."""
    shape = footprint.of_grid((-500, -500, 2800e3, 2800e3), "EPSG:3031")
    assert not shape.intersects(shapely.box(-170, -80, -100, -65))
    assert shape.intersects(shapely.Point(45, -75))


def test_a_grid_beside_the_antimeridian_stays_on_its_side():
    shape = footprint.of_grid((300e3, 900e3, 400e3, 1000e3), "EPSG:3413")  # 116 E
    assert 100 < shape.bounds[0] < shape.bounds[2] < 130
