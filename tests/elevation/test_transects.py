"""Transects: geodesic distance, at most half a cell between points, and the sentence about the largest lowering."""

import numpy as np
import pyproj
import pytest
from numpy.testing import assert_allclose
from tests.builders import studies

from nunatak.elevation import largest_lowering, points_along, transect
from nunatak.elevation.sampling import MISSING, NEAREST
from nunatak.runtime import NunatakError


def lonlat(points):
    """Projected points as longitude and latitude."""
    back = pyproj.Transformer.from_crs("EPSG:3413", "EPSG:4326", always_xy=True)
    return np.column_stack(back.transform(*np.transpose(points)))


ON = studies.grid()
WEST = (ON.x[1], ON.y[10])
EAST = (ON.x[18], ON.y[10])


def test_distance_is_geodesic_not_projected():
    """17 km on the map at 79.7 N are 17.38 km on the ground: the projection's scale is 0.978."""
    line = points_along(lonlat([WEST, EAST]), "EPSG:3413", 500.0)
    ends = lonlat([WEST, EAST])
    _, _, along = pyproj.Geod(ellps="WGS84").inv(*ends[0], *ends[1])
    assert_allclose(line.distance[-1], along, rtol=1e-5)
    assert 1.02 < float(line.distance[-1]) / 17_000 < 1.025


def test_points_are_half_a_cell_apart_at_most_and_hold_the_vertices():
    bent = lonlat([WEST, (ON.x[9], ON.y[3]), EAST])
    line = points_along(bent, "EPSG:3413", 500.0)
    assert np.hypot(np.diff(line.x), np.diff(line.y)).max() <= 500.0 + 1e-6
    for lon, lat in bent:
        assert np.hypot(line.longitude - lon, line.latitude - lat).min() < 1e-9
    assert (np.diff(line.distance) > 0).all()


def test_wider_spacing_than_half_a_cell_is_narrowed():
    line = transect(studies.height_change(-1.0), lonlat([WEST, EAST]), spacing=5000.0)
    assert np.diff(line.x).max() <= 500.0 + 1e-6


def test_profiles_hold_the_planted_change_and_surface():
    rate = -(ON.x - ON.left) / 1e4 * np.ones((20, 1))
    change = studies.height_change(rate, sigma=0.1)
    surface = studies.surface(lambda x, y: 500 + (x - ON.left) / 1000)
    line = transect(change, lonlat([WEST, EAST]), surface=surface, rates={8: studies.rates(change, 8, sigma=0.02)})
    along = (line.x.values - ON.left) / 1e4
    assert_allclose(line.dh.values[-1], -2 * along, atol=1e-9)
    assert_allclose(line.h.values[4], 500 + 10 * along, atol=1e-6)  # at the datum
    assert_allclose(line.h_sigma.values[4], np.hypot(0.5, 0.1))
    assert_allclose(line.dh_sigma.values[-1], 0.04)
    assert line.sigma_from.values[-1] == "dhdt_lag8"


def test_margin_is_nearest_and_flagged():
    iced = np.ones((20, 20), bool)
    iced[:, :6] = False
    line = transect(studies.height_change(-1.0, iced=iced), lonlat([WEST, EAST]))
    flags = line.flag.values[-1]
    beyond = line.x.values < ON.x[6] - 500.1
    assert (flags[beyond] == MISSING).all() and np.isnan(line.dh.values[-1][beyond]).all()
    margin = (line.x.values < ON.x[6] - 1) & ~beyond
    assert margin.any() and (flags[margin] == NEAREST).all()


def test_largest_lowering_says_how_much_where_and_when():
    """A pit of 3 m/yr at the tenth cell: -6 m after two years, 9 km of map from the start."""
    rate = np.zeros((20, 20))
    rate[10, 10] = -3.0
    change = studies.height_change(rate, sigma=0.1)
    line = transect(change, lonlat([WEST, EAST]))
    low = largest_lowering(line)
    assert_allclose([low.dh, low.sigma], [-6.0, np.hypot(0.1, 0.1)])
    assert_allclose([low.longitude, low.latitude], lonlat([(ON.x[10], ON.y[10])])[0])
    assert_allclose(low.distance, 9_200, rtol=2e-3)
    assert low.since == change.time.values[0] and low.until == change.time.values[-1]
    assert low.sentence("A-A'") == (
        f"The largest lowering, 6.00 ± 0.14 m, lies {low.distance / 1000:.1f} km along A-A' "
        f"({low.latitude:.2f}° N, {low.longitude:.2f}° E), between 2019-01-01 and 2020-12-31."
    )


def test_largest_lowering_at_a_given_epoch():
    line = transect(studies.height_change(-1.0), lonlat([WEST, EAST]))
    assert_allclose(largest_lowering(line, until=np.datetime64("2020-01-01")).dh, -1.0)


def test_a_line_that_only_rises_is_not_said_to_sink():
    low = largest_lowering(transect(studies.height_change(0.5), lonlat([WEST, EAST])))
    assert low.dh > 0 and low.sentence("A").startswith("The surface sank nowhere along A")


def test_line_without_ice_is_refused():
    line = transect(studies.height_change(-1.0, iced=np.zeros((20, 20), bool)), lonlat([WEST, EAST]))
    with pytest.raises(NunatakError, match="no height change along it"):
        largest_lowering(line)


def test_one_vertex_is_no_line():
    with pytest.raises(NunatakError, match="1 vertices; write at least two"):
        points_along([[25.0, 79.7]], "EPSG:3413", 500.0)
