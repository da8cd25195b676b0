"""Which photons pass: each test alone, its values as one or a list, and flags that cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from nunatak.photons import PhotonError, photons_from_arrays, select, yapc
from nunatak.photons.yapc import by_distance_reference


def seven(**more):
    """Seven photons with the seven confidences -2 .. 4."""
    return photons_from_arrays(np.arange(7.0), np.zeros(7), confidence=np.arange(-2, 5), **more)


def given(photons, **columns):
    """The same photons with further columns."""
    return replace(photons, photons={**photons.photons, **columns})


@pytest.mark.parametrize(
    ("cnf", "kept"),
    [
        (-2, [-2, -1, 0, 1, 2, 3, 4]),
        (3, [3, 4]),
        ([3], [3]),
        ([0, 4], [0, 4]),
        ("atl03_low", [2, 3, 4]),
        ("high", [4]),
        (["atl03_tep", 1], [-2, 1]),
    ],
)
def test_confidence_one_value_and_above_a_list_exactly(cnf, kept):
    """Numbers and names."""
    assert_array_equal(np.arange(-2, 5)[select(seven(), {"cnf": cnf})], kept)


@pytest.mark.parametrize("srt", [0, 1, 2, 3, 4, "land_ice", "srt_ocean"])
def test_surface_type_chooses_the_column(srt):
    """Only the column of the surface type counts; dynamic takes the highest."""
    column = {"land_ice": 3, "srt_ocean": 1}.get(srt, srt)
    conf = np.full((5, 5), -1, "i1")
    np.fill_diagonal(conf, 4)
    photons = given(photons_from_arrays(np.arange(5.0), np.zeros(5)), signal_conf_ph=conf)
    assert_array_equal(select(photons, {"srt": srt, "cnf": 4}), np.arange(5) == column)
    assert select(photons, {"srt": -1, "cnf": 4}).all()
    assert select(photons, {"cnf": 4}).all()


@pytest.mark.parametrize(
    ("quality", "kept"),
    [
        (0, [0]),
        ([0, 1], [0, 1]),
        (3, [3]),
        (25, [25]),
        ("nominal", [0]),
        ("atl03_quality_tx_part_sat", [10]),
        ("atl03_quality_tx_full_sat_noise_streak", [25]),
    ],
)
def test_quality_is_always_exact(quality, kept):
    """One value means that value alone, to 25 as in release 007."""
    photons = photons_from_arrays(np.arange(26.0), np.zeros(26), quality=np.arange(26))
    assert_array_equal(np.flatnonzero(select(photons, {"quality_ph": quality})), kept)


def test_classes_and_degraded_pointing():
    """ATL08 classes exactly; podppd by its bits, and not in the legacy walk."""
    photons = photons_from_arrays(np.arange(5.0) * 20, np.zeros(5))
    classed = given(photons, atl08_class=np.arange(5, dtype="u1"))
    assert_array_equal(np.flatnonzero(select(classed, {"atl08_class": ["atl08_ground", 3]})), [1, 3])
    photons.track.segments["podppd_flag"] = np.arange(5, dtype="i1")
    for podppd, kept in ((1, [0]), (0b10001, [0, 4]), (0, [0, 1, 2, 3, 4])):
        assert_array_equal(np.flatnonzero(select(photons, {"podppd": podppd, "profile": "xseries"})), kept)
        assert select(photons, {"podppd": podppd, "profile": "legacy"}).all()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"signal_conf_ph": np.full((7, 5), 5, "i1")}, "signal_conf_ph is 5"),
        ({"signal_conf_ph": np.full((7, 5), -3, "i1")}, "signal_conf_ph is -3"),
        ({"quality_ph": np.full(7, 26, "i1")}, "quality_ph is 26"),
        ({"atl08_class": np.full(7, 9, "u1")}, "atl08_class is 9"),
    ],
)
def test_flags_that_cannot_be_stop_the_beam(columns, message):
    """As in the reference; here with the photon and the value."""
    with pytest.raises(PhotonError, match=message):
        select(given(seven(), **columns), {"cnf": -2})


def test_a_score_threshold_works_and_compat_makes_it_one():
    """The reference takes the threshold for true, so that 100 acts as 1."""
    photons = given(photons_from_arrays(np.arange(4.0), np.zeros(4)), weight_ph=np.array([0, 1, 99, 200], "u1"))
    request = {"yapc": {"version": 0, "score": 100}}
    assert select(photons, request).tolist() == [False, False, False, True]
    assert select(photons, {**request, "compat": True}).tolist() == [False, True, True, True]


def test_yapc_version_3_is_its_definition():
    """Every pair of photons looked at."""
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 400, 600))
    photons = photons_from_arrays(x, rng.normal(0, 3, 600))
    segment = photons.segment_index()
    begin = np.searchsorted(segment, np.arange(segment[0], segment[-1] + 2))
    at = photons.track.segments["segment_dist_x"][segment] + photons.photons["dist_ph_along"]
    for win_x, win_h, knn in ((15.0, 6.0, 5), (40.0, 2.0, 3)):
        settings = {"version": 3, "win_x": win_x, "win_h": win_h, "min_ph": knn}
        plain = by_distance_reference(at, photons.photons["h_ph"], begin, knn, win_x / 2, win_h / 2)
        assert_array_equal(yapc(photons, {"yapc": settings}), plain)


def test_yapc_version_2_by_hand():
    """Four photons in one segment, knn 1, window 4 m: the nearest in height gives 1 - dh/2 of 255."""
    photons = photons_from_arrays([1.0, 2.0, 3.0, 12.0], [0.0, 0.5, 3.0, 0.0])
    settings = {"version": 2, "win_h": 4.0, "win_x": 10.0, "knn": 1}
    # the last photon lies beyond 5 m of all others; the third has its nearest 2.5 m off, more than the half window
    assert yapc(photons, {"yapc": settings, "cnt": 2}).tolist() == [191, 191, 0, 0]


def test_yapc_version_2_distance_is_measured_across_segments():
    """Neighbours 2 m apart in two segments are near; the reference (compat) compares 19 m with 1 m."""
    photons = photons_from_arrays([18.0, 19.0, 21.0, 22.0], [0.0, 9.0, 0.0, 9.5])
    settings = {"yapc": {"version": 2, "win_h": 4.0, "win_x": 6.0, "knn": 1}, "cnt": 2}
    assert yapc(photons, settings).tolist() == [255, 191, 255, 191]
    assert yapc(photons, {**settings, "compat": True}).tolist() == [0, 0, 0, 0]


def test_older_releases_without_quality_count_as_nominal():
    """Release 003 has no quality_ph: all nominal, so asking for another value keeps none."""
    photons = seven()
    without = replace(photons, photons={k: v for k, v in photons.photons.items() if k != "quality_ph"})
    assert select(without, {"cnf": -2}).all()
    assert not select(without, {"cnf": -2, "quality_ph": [1]}).any()
