"""Extents against a slow walk written from the specification, and the laws an anchored walk obeys."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.photons import FitParameters, extents, fit_heights, photons_from_arrays

ALL = {"srt": 3, "cnf": 0, "cnt": 1, "ats": 0.0, "profile": "legacy"}


def cloud(rng, n_segments=60, per_segment=8, empty=(), missing=(), beam="gt1r"):
    """Photons on segments 1000 ..., some without photons, some missing from the file; lengths scatter about 20.04 m."""
    x = np.sort(rng.uniform(0, n_segments * 20.0, n_segments * per_segment))
    ids = np.floor(x / 20).astype(int)
    x = x[~np.isin(ids, [*empty, *missing])] + 20000
    photons = photons_from_arrays(x, 100 + 0.01 * x + rng.normal(0, 0.1, len(x)), beam=beam)
    segments = {k: v.copy() for k, v in photons.track.segments.items()}
    steps = rng.normal(20.04, 0.05, len(segments["segment_id"]))
    segments["segment_dist_x"] = 9e6 + np.cumsum(steps) - steps
    segments["length"] = steps
    keep = ~np.isin(segments["segment_id"] - 1000, missing)
    track = replace(photons.track, segments={k: v[keep] for k, v in segments.items()})
    return replace(photons, track=track)


def slow_walk(photons, length, step, by_segment):
    """Section 5.1 of the specification word for word: (first photon ids, centre) of every extent with a photon."""
    dist, ids = photons.track.segments["segment_dist_x"], photons.track.segments["segment_id"]
    segment, along = photons.segment_index(), photons.photons["dist_ph_along"].astype("f8")
    start, start_segment, cursor, es, found = dist[0], 0, 0, 0, []
    while True:
        members, following, beyond, i = [], None, False, cursor
        while not (beyond and following is not None) and i < len(along):
            d, k = dist[segment[i]] - start + along[i], segment[i] - es
            if following is None and (k >= int(step) if by_segment else d >= step):
                following = i
            if k < length if by_segment else d < length:
                members.append(i)
            else:
                beyond = True
            i += 1
        if members:
            half = length * 20 / 2 if by_segment else length / 2
            portion = 0 if by_segment else along[cursor] / 20
            middle = int(length / 2) if by_segment else int(length / 20 / 2)
            found.append((members, start + half, int(ids[es] + portion + middle + 0.5)))
        if i >= len(along):
            return found
        if by_segment:
            start = dist[es + int(step)] if es + int(step) < len(dist) else start
        else:
            start += step
            while start_segment + 1 < len(dist) and start >= dist[start_segment + 1]:
                start += dist[start_segment + 1] - dist[start_segment] - 20
                start_segment += 1
        cursor, es = following, segment[following]


@pytest.mark.parametrize(
    ("length", "step", "by_segment"),
    [
        (40.0, 20.0, False),
        (20.0, 20.0, False),
        (100.0, 33.0, False),
        (30.0, 70.0, False),
        (2, 1, True),
        (5, 2, True),
        (2, 4, True),
    ],
)
@pytest.mark.parametrize("gaps", [{}, {"empty": (0, 1, 7, 8, 9, 30)}, {"missing": tuple(range(20, 29))}])
def test_compat_walk_is_the_specified_one(length, step, by_segment, gaps):
    """With compat the walk is that of the reference, its slips at empty and missing segments included."""
    photons = cloud(np.random.default_rng(1), **gaps)
    parameters = {**ALL, "len": length, "res": step, "dist_in_seg": by_segment, "compat": True}
    table = extents(photons, parameters)
    expected = slow_walk(photons, length, step, by_segment)
    assert_array_equal(table["photon"], np.concatenate([m for m, _, _ in expected]))
    counts = [len(m) for m, _, _ in expected]
    assert_allclose(table["segment_dist"], np.repeat([c for _, c, _ in expected], counts), rtol=0, atol=1e-6)
    assert_array_equal(table["segment_id"], np.repeat([s for _, _, s in expected], counts))


@pytest.mark.parametrize("by_segment", [False, True])
def test_without_gaps_the_right_walk_is_the_reference_walk(by_segment):
    """The two differ only where segments are empty or missing."""
    photons = cloud(np.random.default_rng(2))
    size = {"len": 2, "res": 1} if by_segment else {}
    right = extents(photons, {**ALL, **size, "dist_in_seg": by_segment})
    compat = extents(photons, {**ALL, **size, "dist_in_seg": by_segment, "compat": True})
    assert_array_equal(right["photon"], compat["photon"])
    assert_array_equal(right["segment_dist"], compat["segment_dist"])


def test_right_walk_passes_missing_segments_at_their_true_distance():
    """Nine segments missing from the file are a gap of 180 m: no extent is longer than 40 m, none after it is lost."""
    photons = cloud(np.random.default_rng(3), missing=tuple(range(20, 29)))
    right, compat = (extents(photons, {**ALL, "compat": c}) for c in (False, True))
    assert right["x_atc"].abs().max() < 20.5
    assert compat["x_atc"].abs().max() > 100
    assert right["extent_id"].nunique() > compat["extent_id"].nunique() + 5
    assert right["segment_id"].max() == 1059  # the walk ends with the extent that holds the last photon


def test_segments_missing_and_segments_empty_give_the_same_extents():
    """Whether the file keeps rows for segments without photons does not matter (but for their scatter in length)."""
    gap = tuple(range(20, 29))
    empty = cloud(np.random.default_rng(3), empty=gap)
    segments = {k: np.delete(v, gap) for k, v in empty.track.segments.items()}
    missing = replace(empty, track=replace(empty.track, segments=segments))
    a, b = (fit_heights(p, {**ALL, "cnt": 5}) for p in (empty, missing))
    assert_array_equal(a["segment_id"], b["segment_id"])
    assert_allclose(a["x_atc"], b["x_atc"], rtol=0, atol=0.5)


def test_by_segment_the_distance_is_that_of_the_extents_own_segment():
    """After empty segments the reference takes another row's distance; right, the centre is among the photons."""
    photons = cloud(np.random.default_rng(4), empty=(10, 11, 12, 13))
    right, compat = (
        extents(photons, {**ALL, "dist_in_seg": True, "len": 2, "res": 1, "compat": c}) for c in (False, True)
    )
    assert right["x_atc"].abs().max() < 21
    assert compat["x_atc"].abs().max() > 60


@pytest.mark.parametrize(
    "size", [{"len": 40.0, "res": 20.0}, {"len": 40.0, "res": 15.0}, {"len": 2, "res": 1, "dist_in_seg": True}]
)
def test_anchored_extents_do_not_depend_on_the_area(size):
    """Cut the track anywhere: the extents in the overlap are the same, to the last bit; a cut extent is left out."""
    photons = cloud(np.random.default_rng(5), empty=(15, 16, 33), missing=(40, 41))
    parameters = {**ALL, **size, "profile": "anchored", "cnt": 5}
    whole = fit_heights(photons, parameters).set_index("x_atc")
    n = len(photons.track.segments["segment_id"])
    for first, last in ((0, 30), (7, n), (16, 44), (34, 50)):
        rows = np.arange(n)
        track = photons.track.stretch((rows >= first) & (rows < last))
        low = track.segments["photon"][0]
        columns = {k: v[low : low + track.n_photons] for k, v in photons.photons.items()}
        part = fit_heights(replace(photons, track=track, photons=columns), parameters).set_index("x_atc")
        assert len(part) >= 0.7 * (last - first) / (0.75 if size["res"] == 15 else 1) - 6
        columns = ["segment_id", "h_mean", "dh_fit_dx", "n_fit_photons", "h_sigma", "latitude"]
        assert_array_equal(part[columns], whole.loc[part.index, columns])


def test_anchored_extents_are_centred_like_atl06():
    """len 40, res 20: segment m is centred at the beginning of ATL03 segment m, two segments long."""
    photons = cloud(np.random.default_rng(6))
    table = fit_heights(photons, {**ALL, "profile": "anchored"})
    s = photons.track.segments
    assert_array_equal(table["segment_id"], np.arange(1000, 1061))
    inner = table[(table["segment_id"] > 1000) & (table["segment_id"] < 1060)]
    assert_allclose(inner["x_atc"], s["segment_dist_x"][1:], atol=1e-6, rtol=0)


def test_anchored_extents_begin_with_the_first_photon_however_alone():
    """40 m every 20 m: one at 1105 m lies in those centred at 1100 and 1120 m, three at 1405 m in 1400 and 1420 m."""
    photons = photons_from_arrays(np.array([1105.0, 1405.0, 1410.0, 1412.0]), np.full(4, 100.0))
    found = extents(photons, {**ALL, "profile": "anchored", "len": 40.0, "res": 20.0, "pass_invalid": True})
    places = [(s, 20.0 * s + x) for s, x in found[["segment_id", "x_atc"]].itertuples(index=False)]
    three = [1405.0, 1410.0, 1412.0]
    assert places == [(55, 1105.0), (56, 1105.0), *((70, x) for x in three), *((71, x) for x in three)]


def test_invalid_extents_are_kept_on_request_and_flagged_in_the_xseries():
    """One photon alone fails cnt; pass_invalid keeps it, with flag 2 and no height."""
    photons = photons_from_arrays(np.r_[np.linspace(0, 39, 30), 500.0, 900.0, 901.0], np.zeros(33))
    for profile in ("legacy", "xseries", "anchored"):
        parameters = {"cnf": 0, "profile": profile}
        assert len(fit_heights(photons, parameters)) == len(fit_heights(photons, parameters).query("pflags == 0")) > 0
        kept = fit_heights(photons, {**parameters, "pass_invalid": True})
        alone = kept[kept["x_atc"].between(400, 600)]
        assert len(alone) >= 1
        assert (alone["pflags"] & 2 == 2).all()
        assert alone["h_mean"].isna().all()


def test_an_extent_of_the_xseries_has_the_id_nearest_to_its_centre():
    """Segments of 20 m about whole multiples of their ids: the centre lies within half a segment of its own."""
    photons = cloud(np.random.default_rng(5))
    table = fit_heights(photons, {"profile": "xseries", "cnf": 0, "ats": 5, "cnt": 5, "len": 40, "res": 17})
    segments = photons.track.segments
    table = table[table["x_atc"] <= segments["segment_dist_x"].max()]  # no segment is told beyond
    own = np.interp(table["x_atc"], segments["segment_dist_x"], segments["segment_id"])
    assert len(table) > 40 and np.abs(own - table["segment_id"]).max() <= 0.51


def test_provenance_names_every_value():
    """A run can be repeated from the parameters in the table's attributes."""
    table = fit_heights(photons_from_arrays(np.linspace(0, 100, 200), np.zeros(200)), {"cnf": 0, "maxi": 3})
    assert table.attrs["parameters"]["max_iterations"] == 3
    assert set(table.attrs["parameters"]) == set(FitParameters().provenance())
    assert table.attrs["units"]["h_mean"] == "m"
