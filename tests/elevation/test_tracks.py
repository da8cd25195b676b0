"""Which tracks: boxes and points, ascending and descending, the pole and the antimeridian."""

import numpy as np
import pandas as pd
import pyproj
import pytest
from numpy.testing import assert_allclose

from nunatak.elevation import directions, tracks
from nunatak.elevation.tracks import distances
from nunatak.geometry.outlines import focus_outline
from nunatak.geometry.region import load
from nunatak.products import atl06
from nunatak.runtime import NunatakError

FOCUS = {"crs": "EPSG:3413", "xlim": [1.0e6, 1.1e6], "ylim": [-4.5e5, -3.5e5]}


def track(rgt, latitude, longitude=25.0, *, cycle=3, beam="gt1l", time="2019-05-04"):
    latitude = np.asarray(latitude, dtype=float)
    return pd.DataFrame(
        {
            "rgt": rgt,
            "cycle": cycle,
            "beam": beam,
            "segment_id": 100 + np.arange(latitude.size),
            "latitude": latitude,
            "longitude": np.broadcast_to(np.asarray(longitude, float), latitude.size),
            "time": np.datetime64(time, "ns"),
        }
    )


def test_a_granule_over_the_extreme_latitude_is_split_there():
    """Up to 87.9 and down again: the part before the top ascends, the rest, the top itself with it, descends."""
    up = np.linspace(87.0, 87.9, 10)
    table = track(5, np.concatenate([up, up[::-1] - 0.01]))
    ascending = directions(table)
    assert ascending[:9].all() and not ascending[9:].any()
    shuffled = table.sample(frac=1, random_state=3)
    np.testing.assert_array_equal(directions(shuffled), shuffled.segment_id < 109)


def test_southward_beams_descend_whatever_lies_beside():
    table = pd.concat([track(5, [80.0, 79.9, 79.8]), track(6, [79.0, 79.1]), track(7, [79.0])])
    np.testing.assert_array_equal(directions(table), [False] * 3 + [True] * 2 + [True])


def test_tracks_that_cross_a_box_or_come_near_a_point():
    """One through the box, one 11 km beside it, one far away."""
    latitude = np.linspace(79.5, 80.0, 51)
    table = pd.concat(
        [
            track(1, latitude, 25.0),
            track(1, latitude, 25.0, cycle=7),
            track(2, latitude, 26.6),
            track(3, latitude, 40.0),
        ]
    )
    box = load({"bbox": [24, 79.6, 26, 79.9]})
    inside = tracks(table, inside=box)
    assert inside.rgt.tolist() == [1] and inside.cycles.iloc[0] == "3 7" and inside.n_cycles.iloc[0] == 2
    near = tracks(table, inside=box, point=(25.0, 79.7), within=40e3)
    assert near.rgt.tolist() == [1, 2] and near.nearest.iloc[0] < 1e-6
    assert_allclose(near.nearest.iloc[1], 31.9e3, atol=300)
    assert tracks(table, point=(25.0, 79.7), within=1e3).rgt.tolist() == [1]
    with pytest.raises(NunatakError, match="`within` is measured from a point"):
        tracks(table, within=1e3)


def test_no_track_is_an_empty_table():
    found = tracks(track(1, [79.0, 79.1]), inside=load({"bbox": [24, 85, 26, 86]}))
    assert not len(found) and "direction" in found


def test_distance_at_the_pole_and_across_the_antimeridian():
    """Every longitude is the same point at the pole; 0.2 degrees of longitude at 80 N are 3.9 km."""
    assert_allclose(distances([0, 90, 180], [90, 90, 90], (45.0, 90.0)), 0.0, atol=1e-6)
    assert_allclose(distances([-179.9], [80.0], (179.9, 80.0)), 3879.0, atol=1.0)


def test_focus_becomes_a_region_with_curved_sides():
    """A point beside the middle of the box's edge is inside though beyond the corners' latitudes."""
    region = focus_outline(FOCUS)
    to_lonlat = pyproj.Transformer.from_crs("EPSG:3413", "EPSG:4326", always_xy=True)
    x, y = np.array([1.05e6, 1.0999e6, 1.1005e6, 1.0001e6]), np.array([-3.501e5, -4.0e5, -4.0e5, -4.499e5])
    np.testing.assert_array_equal(region.contains(*to_lonlat.transform(x, y)), [True, True, False, True])


def test_focus_over_the_pole_holds_the_pole():
    box = {"crs": "EPSG:3413", "xlim": [-5e5, 5e5], "ylim": [-5e5, 5e5]}
    assert focus_outline(box).contains([0, 100, -170], [90, 88, 88]).all()


def test_real_tracks_go_the_way_their_region_says(data):
    """Regions 03 and 05 of the northern granules: 03 ascends, 05 descends (formats of ATL03 to ATL12)."""
    granules = (("20190416093911_02770303_002_01", "ascending"), ("20190424220725_04070305_002_01", "descending"))
    for name, direction in granules:
        table, _ = atl06.read_segments(data(f"real/ATL06/processed_ATL06_{name}.h5"))
        assert set(tracks(table).direction) == {direction}
