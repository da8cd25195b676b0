"""Each walk against a slow one in plain Python, over gaps of every kind, in one piece and in blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.photons.test_photon_walks import cloud

from nunatak.photons import extents, photons_from_arrays, walks

GAPS = (20, 21, 22, 23, 30, 37, 38, 39, 40, 41, 42, 43, 44, 45)
SHAPES = {
    "whole": {},
    "empty": {"empty": (0, 1, 7, 8, 9, 30, 31)},
    "missing": {"missing": GAPS},
    "both": {"missing": GAPS, "empty": (5, 24, 25, 36)},
}


def track_of(photons):
    """Return (distance, id) of every segment, those missing from the file at their mean length, and each photon's."""
    dist, ids = photons.track.segments["segment_dist_x"], photons.track.segments["segment_id"]
    whole = np.arange(ids[0], ids[-1] + 1)
    return np.interp(whole, ids, dist), whole, ids[photons.segment_index()] - ids[0]


def legacy_extents(photons, length, step, by_segment):
    """
    Return (photons, centre, id) of the extents of the legacy walk.

    In metres, an extent begins a step after the last, less what true segments are shorter than 20 m. In segments, it
    begins where the segment of its first photon begins. As in the reference, no extent begins once the last photon
    was needed to see where one ends.
    """
    dist, ids, segment = track_of(photons)
    along = photons.photons["dist_ph_along"].astype("f8")
    start, passed, cursor, own, walked = dist[0], 0, 0, 0, []
    while True:
        step_of = segment - own if by_segment else dist[segment] - start + along
        rest = np.arange(len(along)) >= cursor
        within, beyond = rest & (step_of < length), rest & (step_of >= length)
        following = np.flatnonzero(rest & (step_of >= (int(step) if by_segment else step)))
        if within.any():
            half = 10.0 * length if by_segment else length / 2
            middle = int(length / 2) if by_segment else along[cursor] / 20 + int(length / 40)
            walked.append((np.flatnonzero(within).tolist(), start + half, int(ids[own] + middle + 0.5)))
        if not (beyond.any() and following.size) or max(np.argmax(beyond), following[0]) == len(along) - 1:
            return walked
        cursor, own = following[0], segment[following[0]]
        if by_segment:
            start = dist[own]
            continue
        start += step
        while passed + 1 < len(dist) and start >= dist[passed + 1]:
            start -= 20 - (dist[passed + 1] - dist[passed])
            passed += 1


def assert_extents(table, expected):
    """Hold a table of photons against (photons, centre, id) of extents."""
    counts = [len(members) for members, _, _ in expected]
    assert_array_equal(table["photon"], np.concatenate([members for members, _, _ in expected]))
    assert_allclose(table["segment_dist"], np.repeat([c for _, c, _ in expected], counts), rtol=0, atol=1e-6)
    assert_array_equal(table["segment_id"], np.repeat([s for _, _, s in expected], counts))
    assert_array_equal(table["count"], np.repeat(counts, counts))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("length", "step", "by_segment"),
    [(40.0, 20.0, False), (20.0, 7.0, False), (100.0, 33.0, False), (30.0, 70.0, False), (2, 1, True), (5, 3, True)],
)
def test_legacy_walk_is_the_slow_one(length, step, by_segment, shape):
    """Segments missing from the file are passed like empty ones of their mean length."""
    photons = cloud(np.random.default_rng(11), **SHAPES[shape])
    parameters = {"srt": 3, "cnf": 0, "cnt": 1, "ats": 0.0, "len": length, "res": step, "dist_in_seg": by_segment}
    expected = legacy_extents(photons, length, step, by_segment)
    assert len(expected) > 10
    assert_extents(extents(photons, {**parameters, "profile": "legacy"}), expected)


def with_noise(photons, rng, missed=0.5):
    """Photons in true order along the track, of which a share is not selected."""
    track, columns = photons.track, dict(photons.photons)
    along = np.minimum(columns["dist_ph_along"], track.segments["length"][photons.segment_index()] - 0.01)
    noise = rng.random(len(along)) < missed
    columns["signal_conf_ph"] = np.where(noise, 0, columns["signal_conf_ph"].T).T.astype("i1")
    return replace(photons, photons={**columns, "dist_ph_along": along.astype("f4")}), ~noise


def xseries_extents(photons, selected, length, step, count, spread):
    """Extents of whole steps from the first selected photon: those with enough photons, far enough apart."""
    dist, ids, segment = track_of(photons)
    place = dist[segment] + photons.photons["dist_ph_along"]
    start, walked = place[selected].min(), []
    while start <= place[selected].max():
        members = np.flatnonzero(selected & (place >= start) & (place < start + length))
        if members.size >= count and np.ptp(place[members]) >= spread:
            own = segment[members[0]]
            centre = start + length / 2
            walked.append((members.tolist(), centre, int(ids[own] + np.floor((centre - dist[own]) / 20 + 0.5))))
        start += step
    return walked


def anchored_extents(photons, selected, length, step, count, spread):
    """Extents of whole steps of segment ids that lie in the area as a whole, each with its number."""
    track = photons.track
    s, segment = track.segments, photons.segment_index()
    along = photons.photons["dist_ph_along"]
    unit = s["segment_id"][segment] + np.clip(along / s["length"][segment], 0, 1 - 1e-9)
    walked = []
    for number in range(int((unit[0] - length) // step), int(unit[-1] // step) + 2):
        low, high = number * step, number * step + length
        held = np.flatnonzero((unit >= low) & (unit < high))
        members = held[selected[held]]
        whole = low >= track.id_before + 1 and high <= track.id_after and s["inside"][segment[held]].all()
        place = s["segment_dist_x"][segment[members]] + along[members]
        if not (whole and members.size >= max(count, 1) and (members.size == 1 or np.ptp(place) >= spread)):
            continue
        middle = low + length / 2
        below = np.flatnonzero(s["segment_id"] <= middle)
        own = max(segment[held[0]], below[-1] if below.size else 0)
        centre = s["segment_dist_x"][own] + (middle - s["segment_id"][own]) * s["length"][own]
        walked.append((members.tolist(), centre, int(np.floor(middle + 0.5))))
    return walked


SELECTIVE = {"srt": 3, "cnf": 2}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("length", "step", "count", "spread"),
    [(40.0, 20.0, 1, 0.0), (40.0, 40.0, 8, 25.0), (30.0, 70.0, 3, 12.0), (100.0, 33.0, 20, 85.0)],
)
def test_xseries_walk_is_the_slow_one(length, step, count, spread, shape):
    rng = np.random.default_rng(12)
    photons, selected = with_noise(cloud(rng, **SHAPES[shape]), rng)
    parameters = {**SELECTIVE, "profile": "xseries", "len": length, "res": step, "cnt": count, "ats": spread}
    expected = xseries_extents(photons, selected, length, step, count, spread)
    assert len(expected) > 2
    assert_extents(extents(photons, parameters), expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("length", "step", "count", "spread"),
    [(2.0, 1.0, 1, 0.0), (2.0, 2.0, 6, 25.0), (1.5, 3.5, 3, 12.0), (5.0, 1.75, 20, 85.0)],
)
def test_anchored_walk_is_the_slow_one(length, step, count, spread, shape):
    """On the whole track, on a part with a hole in it, and in a part that begins and ends beside other photons."""
    rng = np.random.default_rng(13)
    photons, _ = with_noise(cloud(rng, **SHAPES[shape]), rng, 0.4)
    rows = np.arange(len(photons.track.segments["segment_id"]))
    parameters = {**SELECTIVE, "profile": "anchored", "len": 20 * length, "res": 20 * step, "cnt": count, "ats": spread}
    walked = 0
    for inside in (rows >= 0, (rows != 12) & (rows > 3), (rows > 2) & (rows < 17)):
        track = photons.track.stretch(inside)
        low = track.segments["photon"][0]
        columns = {name: values[low : low + track.n_photons] for name, values in photons.photons.items()}
        part = replace(photons, track=track, photons=columns)
        taken = (columns["signal_conf_ph"][:, 3] >= 2) & track.segments["inside"][part.segment_index()]
        expected = anchored_extents(part, taken, length, step, count, spread)
        walked += len(expected)
        table = extents(part, parameters)
        assert len(table) == sum(len(members) for members, _, _ in expected)
        if expected:
            assert_extents(table, expected)
    assert walked > 2


@pytest.mark.parametrize(
    "walk",
    [
        {"profile": "legacy", "len": 40.0, "res": 15.0},
        {"profile": "legacy", "len": 3, "res": 2, "dist_in_seg": True},
        {"profile": "legacy", "len": 40.0, "res": 90.0, "compat": True},
        {"profile": "xseries", "len": 40.0, "res": 15.0},
        {"profile": "xseries", "len": 20.0, "res": 50.0},
        {"profile": "anchored", "len": 40.0, "res": 15.0},
    ],
    ids=lambda walk: "-".join(map(str, walk.values())),
)
@pytest.mark.parametrize("capacity", [3, 1 << 15])
def test_blocks_of_any_size_and_any_room_for_extents_change_nothing(walk, capacity, monkeypatch):
    """Blocks hold one photon, primes of them, or all, and three extents are written at a time."""
    rng = np.random.default_rng(14)
    photons, _ = with_noise(cloud(rng, n_segments=40, **SHAPES["both"]), rng, 0.3)
    parameters = {**SELECTIVE, **walk, "cnt": 3, "ats": 5.0, "pass_invalid": capacity == 3}
    whole = extents(photons, parameters)
    monkeypatch.setattr(walks, "_CAPACITY", capacity)
    for size in (1, 7, 31, len(photons)):
        cuts = range(0, len(photons), size)
        parts = [{name: values[i : i + size] for name, values in photons.photons.items()} for i in cuts]
        blocks = [replace(photons, photons=part, first=i) for i, part in zip(cuts, parts, strict=True)]
        table = extents(blocks, parameters)
        assert len(table) == len(whole) > 50
        for name in ("photon", "extent_id", "segment_id", "segment_dist", "x_atc", "count"):
            assert_array_equal(table[name], whole[name], err_msg=f"{name}, blocks of {size}")


def test_an_extent_holds_its_first_edge_and_not_its_last():
    """Photons every 20 m, extents of 40 m: each of the x-series holds two, with a spread of 20 m that is enough."""
    photons = photons_from_arrays(np.arange(1000.0, 1200.0, 20.0), np.zeros(10))
    parameters = {"cnf": 0, "profile": "xseries", "len": 40.0, "res": 20.0, "cnt": 2, "ats": 20.0}
    table = extents(photons, parameters)
    assert_array_equal(table.groupby("extent_id")["photon"].agg(list).tolist(), [[i, i + 1] for i in range(9)])
    assert extents(photons, {**parameters, "ats": 20.01}).empty
    assert extents(photons, {**parameters, "cnt": 3}).empty
    legacy = extents(photons, {**parameters, "profile": "legacy"})
    assert_array_equal(legacy.groupby("extent_id")["photon"].agg(list).tolist(), [[i, i + 1] for i in range(8)])
    assert extents(photons, {**parameters, "profile": "legacy", "ats": 20.01}).empty
    assert extents(photons, {**parameters, "profile": "legacy", "cnt": 3}).empty


def test_rows_name_the_pair_and_the_beam():
    """Tracks 1 to 3 are pairs of beams, and gt counts 10 to 60."""
    for k, beam in enumerate(("gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r")):
        photons = photons_from_arrays(np.arange(0.0, 80.0, 2.0), np.zeros(40), beam=beam, rgt=7, cycle=9, region=4)
        row = extents(photons, {"cnf": 0, "len": 40.0, "res": 40.0}).iloc[0]
        assert (row["beam"], row["track"], row["gt"]) == (beam, 1 + k // 2, 10 * (k + 1))
        assert (row["rgt"], row["cycle"], row["region"], row["spot"]) == (7, 9, 4, 1)
