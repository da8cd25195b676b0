"""Ground tracks against orbit mechanics written down independently, and against real granules."""

import h5py
import numpy as np
import pyproj
import pytest
from numpy.testing import assert_allclose

from nunatak.constants import BEAMS, N_RGT
from nunatak.simulation import orbit

GEOD = pyproj.Geod(ellps="WGS84")


def crossing(rgt, latitude, climbs=True):
    """Longitude and azimuth where a reference track passes a latitude."""
    track = orbit.reference_track(rgt, segment_id=np.arange(1, orbit.n_segments(), 100))
    rising = np.gradient(track.latitude) > 0
    part = np.flatnonzero(rising == climbs)
    order = part[np.argsort(track.latitude[part])]
    lon = np.rad2deg(np.unwrap(np.deg2rad(track.longitude[order])))
    azimuth = np.rad2deg(np.unwrap(np.deg2rad(track.azimuth[order])))
    return np.interp(latitude, track.latitude[order], lon), np.interp(latitude, track.latitude[order], azimuth)


def test_neighbouring_tracks_are_one_1387th_of_the_equator_apart():
    """All 1,387 nodes are evenly spaced, 360 / 1387 degrees: 28.9 km."""
    nodes = np.sort(orbit.node_longitude(np.arange(1, N_RGT + 1)))
    assert_allclose(np.diff(nodes), 360 / N_RGT, rtol=1e-9)


def test_a_cycle_brings_the_track_back():
    """After 1,387 revolutions the same track is flown again, 91 nodal days later: 90.8 solar days."""
    days = (orbit.node_delta_time(548, 4) - orbit.node_delta_time(548, 3)) / 86400
    assert days == pytest.approx(1387 * orbit.REVOLUTION / 86400)
    assert days == pytest.approx(90.82, abs=0.01)
    step = orbit.node_delta_time(549, 3) - orbit.node_delta_time(548, 3)
    assert step == pytest.approx(orbit.REVOLUTION)


@pytest.mark.parametrize("latitude", [0.0, 30.0, -55.0, 70.0, 79.7, -75.0, 86.0])
@pytest.mark.parametrize("climbs", [True, False])
def test_heading_follows_from_inclination_and_earth_rotation(latitude, climbs):
    """Azimuth from the velocity in space less the turning of the ground, on a sphere; to 1 %."""
    _, azimuth = crossing(548, latitude, climbs)
    # geocentric latitude below the orbit, speeds on a sphere in units of the orbit's angular rate
    geocentric = np.arctan((1 - 1 / 298.257) ** 2 * np.tan(np.deg2rad(latitude)))
    cos_i, turns = np.cos(np.deg2rad(92.0)), 91 / 1387
    east = cos_i / np.cos(geocentric) - turns * np.cos(geocentric)
    north = np.sqrt(max(np.cos(geocentric) ** 2 - cos_i**2, 0.0)) / np.cos(geocentric) * (1 if climbs else -1)
    expected = np.rad2deg(np.arctan2(east, north))
    difference = (azimuth - expected + 180) % 360 - 180
    assert abs(difference) < 0.01 * max(abs(np.rad2deg(np.arctan2(abs(east), abs(north)))), 1.0) + 0.06


@pytest.mark.parametrize("latitude", [60.0, 79.7, -75.0])
def test_ascending_and_descending_tracks_cross_at_the_right_angle(latitude):
    """Twice the heading's angle to the meridian, to 1 %."""
    up, down = (crossing(548, latitude, climbs)[1] for climbs in (True, False))
    geocentric = np.arctan((1 - 1 / 298.257) ** 2 * np.tan(np.deg2rad(latitude)))
    cos = np.cos(geocentric)
    east = np.cos(np.deg2rad(92.0)) / cos - 91 / 1387 * cos
    north = np.sqrt(cos**2 - np.cos(np.deg2rad(92.0)) ** 2) / cos
    expected = 2 * np.rad2deg(np.arctan2(-east, north))
    measured = (180 + up - down) % 360
    assert_allclose(min(measured, 360 - measured), expected, rtol=0.01)


@pytest.mark.parametrize("latitude", [0.0, 70.0, 79.7])
def test_spacing_of_tracks_on_the_ground(latitude):
    """Tracks whose nodes are 360 / 1387 degrees apart are as far apart on any parallel: to 1 %."""
    order = np.argsort(orbit.node_longitude(np.arange(1, N_RGT + 1))) + 1
    a, b = int(order[700]), int(order[701])
    first, second = crossing(a, latitude)[0], crossing(b, latitude)[0]
    gap = abs((second - first + 180) % 360 - 180)
    assert_allclose(gap, 360 / N_RGT, rtol=0.01)


def test_tracks_reach_88_degrees():
    """The inclination of 92 degrees sets the highest latitude."""
    track = orbit.reference_track(1)
    assert track.latitude.max() == pytest.approx(88.0, abs=0.05)
    assert track.latitude.min() == pytest.approx(-88.0, abs=0.05)


def test_x_atc_is_length_on_the_ground():
    """Geodesics between points 1 km apart add up to x_atc."""
    track = orbit.reference_track(100, segment_id=np.arange(300_001, 320_001, 50))
    _, _, step = GEOD.inv(track.longitude[:-1], track.latitude[:-1], track.longitude[1:], track.latitude[1:])
    assert_allclose(step, 1000.0, rtol=1e-5)
    assert_allclose(track.x_atc, (track.segment_id - 1) * 20.0)


def test_beams_lie_where_their_names_say():
    """gt1l is leftmost; pairs are 3.24 km apart and 90 m within, measured on the ground."""
    ids = np.array([444_000], dtype="int32")
    tracks = {beam: orbit.beam_track(548, 3, beam, segment_id=ids) for beam in BEAMS}

    def distance(a, b):
        p, q = tracks[a], tracks[b]
        azimuth, _, metres = GEOD.inv(p.longitude[0], p.latitude[0], q.longitude[0], q.latitude[0])
        return metres, (azimuth - p.azimuth[0]) % 360

    metres, side = distance("gt1l", "gt1r")
    assert metres == pytest.approx(90.0, abs=0.1) and side == pytest.approx(90.0, abs=0.5)
    assert distance("gt1l", "gt2l")[0] == pytest.approx(3240.0, rel=1e-3)
    assert distance("gt2r", "gt3r")[0] == pytest.approx(3240.0, rel=1e-3)
    y = [tracks[beam].y_atc[0] for beam in BEAMS]
    assert y == sorted(y, reverse=True)


def test_strong_beams_are_left_flying_backward_and_right_flying_forward():
    """Spots 1, 3, 5 are strong; the order of the spots turns round with the observatory."""
    assert [orbit.spot(b, 0) for b in BEAMS] == [1, 2, 3, 4, 5, 6]
    assert [orbit.spot(b, 1) for b in BEAMS] == [6, 5, 4, 3, 2, 1]
    assert [b for b in BEAMS if orbit.is_strong(b, 0)] == ["gt1l", "gt2l", "gt3l"]
    assert [b for b in BEAMS if orbit.is_strong(b, 1)] == ["gt1r", "gt2r", "gt3r"]


def test_region_numbers_follow_latitude_and_direction():
    """1 to 14 along a revolution, 4 and 11 with the turning points, and region_segments covers them all once."""
    last = 0
    for region in range(1, 15):
        first, end = orbit.region_segments(region)
        assert first == last + 1
        assert set(orbit.region_number((np.array([first, end]) - 1) * 20.0)) == {region}
        last = end
    assert last == orbit.n_segments()
    track = orbit.reference_track(1)
    region = orbit.region_number(track.x_atc)
    assert region[np.argmax(track.latitude)] == 4 and region[np.argmin(track.latitude)] == 11
    assert_allclose(track.latitude[region == 3][[0, -1]], [59.5, 80.0], atol=0.02)


def test_passes_are_found_wherever_a_track_enters_the_box():
    """Against looking at every point of every tenth track; also across the antimeridian."""
    for bbox in [(20.0, 79.0, 28.0, 80.5), (170.0, -78.0, -160.0, -74.0)]:
        west, south, east, north = bbox
        rgts = list(range(1, N_RGT, 20))
        found = {p.rgt for p in orbit.passes(bbox, rgts=rgts)}
        ids = np.arange(1, orbit.n_segments(), 40)
        expected = set()
        for rgt in rgts:
            track = orbit.reference_track(rgt, segment_id=ids)
            lon = (track.longitude - west) % 360 <= (east - west) % 360
            if np.any(lon & (track.latitude >= south) & (track.latitude <= north)):
                expected.add(rgt)
        assert expected <= found and len(found - expected) <= 1  # a corner cut shorter than 800 m
        assert expected


def test_no_data_in_safe_holds():
    """27 June to 8 July 2019, and 4 (14:12) to 15 April 2022."""
    summer = np.array(["2019-06-26T23", "2019-06-27T01", "2019-07-08T23", "2019-07-09T01"], dtype="datetime64[ns]")
    assert orbit.in_data_gap(summer).tolist() == [False, True, True, False]
    spring = np.array(["2022-04-04T14", "2022-04-04T15", "2022-04-15T23", "2022-04-16T01"], dtype="datetime64[ns]")
    assert orbit.in_data_gap(spring).tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    "name, beam",
    [
        ("processed_ATL06_20190416093911_02770303_002_01.h5", "gt2l"),
        ("processed_ATL06_20181226035130_13520105_001_01.h5", "gt2l"),
        ("ATL06_20181013235645_02340114_209_01.h5", "gt1l"),
    ],
)
def test_real_granules_lie_on_our_tracks(data, name, beam):
    """Within a kilometre and ten seconds of real segments with the same x_atc and y_atc, flying the same way."""
    with h5py.File(data(f"real/ATL06/{name}")) as file:
        group = file[f"{beam}/land_ice_segments"]
        x, y = group["ground_track/x_atc"][:], group["ground_track/y_atc"][:]
        lon, lat, when = (group[v][:] for v in ("longitude", "latitude", "delta_time"))
        azimuth = group["ground_track/seg_azimuth"][:]
    known = (y < 1e6) & (azimuth < 1e6)
    track, cycle, region = (int(t) for t in (name[-18:-14], name[-14:-12], name[-12:-10]))
    ours = orbit.ground_point(track, x[known], y[known])
    _, _, metres = GEOD.inv(ours[0], ours[1], lon[known], lat[known])
    assert metres.max() < 1000
    assert_allclose(ours[2], azimuth[known], atol=0.1)
    assert_allclose(orbit.delta_time_at(track, cycle, x[known]), when[known], atol=10)
    assert set(orbit.region_number(x[known])) == {region}
