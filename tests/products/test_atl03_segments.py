"""Segments of ATL03 with one number that cannot be: the walk ends, other heights stay, and it is told."""

from __future__ import annotations

import shutil

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.photons import fit_heights
from nunatak.products import atl03
from nunatak.products.atl03_segments import lengths, without_gaps

GOLDEN = "golden/photons/ATL03_20181019065445_03150111_006_02.h5"
BEAM = "gt1r"
COLUMNS = ("h_ph", "dist_ph_along", "dist_ph_across", "lat_ph", "lon_ph", "delta_time", "signal_conf_ph", "quality_ph")
PARAMETERS = {"srt": 3, "cnf": 1, "ats": 5.0, "cnt": 5}


@pytest.fixture
def copy(data, tmp_path):
    """A copy of the made-up granule that a test may break."""
    path = tmp_path / GOLDEN.rpartition("/")[2]
    shutil.copyfile(data(GOLDEN), path)
    path.chmod(0o644)
    return path


def heights(path, profile):
    """Return the fitted heights of the beam, its track, and what was left out."""
    track = atl03.read_track(atl03.read_granule(path), BEAM)
    table = fit_heights(atl03.photon_blocks(track, COLUMNS), {**PARAMETERS, "profile": profile})
    return table, track


@pytest.mark.parametrize("profile", ["legacy", "xseries", "anchored"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("geolocation/segment_id", 2147483647),
        ("geolocation/segment_id", -2147483648),
        ("geolocation/segment_id", 0),
        ("geolocation/segment_dist_x", 1e15),
        ("geolocation/segment_dist_x", 2e8),
        ("geolocation/segment_dist_x", "5 km on"),
        ("heights/dist_ph_along", 1e12),
    ],
)
def test_one_impossible_number_ends_no_walk_and_moves_no_other_height(copy, name, value, profile):
    """Fills of integers, and places light years away, went on for ever."""
    whole, before = heights(copy, profile)
    counts = before.segments["segment_ph_cnt"]
    place = int(np.flatnonzero(counts > 8)[30])
    with h5py.File(copy, "r+") as file:
        at = place if name.startswith("geolocation") else int(before.segments["photon"][place]) + 2
        stored = file[f"{BEAM}/{name}"]
        stored[at] = stored[at] + 5000.0 if value == "5 km on" else value
    spoilt, track = heights(copy, profile)
    away = np.abs(whole["x_atc"] - before.segments["segment_dist_x"][place]) > 100
    assert 0 < (~away).sum() < 12 < away.sum()
    near = np.abs(spoilt["x_atc"] - before.segments["segment_dist_x"][place]) <= 100
    assert len(spoilt[~near]) == away.sum()
    for column in ("segment_id", "n_fit_photons", "h_mean", "h_sigma"):
        assert_array_equal(spoilt.loc[~near, column], whole.loc[away, column])
    assert_allclose(spoilt.loc[~near, "x_atc"], whole.loc[away, "x_atc"], atol=1e-6)
    left_out = np.flatnonzero(~track.segments["inside"] & (counts > 0)).tolist()
    if value in (1e15, 2e8):  # a fill, or beyond the Earth: its neighbours tell where the segment is
        assert left_out == [] and len(spoilt) == len(whole)
        assert value == 1e15 or "1 segment_dist_x beyond" in track.note
    elif name.startswith("geolocation"):
        assert left_out == [place] and name.rpartition("/")[2].removeprefix("segment_") in track.note
    else:
        assert track.left_out == {"photons more than 10 m beyond their segments": 1}


def test_lengths_are_the_files_or_the_distances_between(copy):
    """Lengths of less than 10 m or more than 40 m are none, and a gap in the file is no length."""
    with h5py.File(copy, "r+") as file:
        group = file[BEAM]
        ids = np.array([5, 6, 7, 9, 10, 11])
        distance = np.array([100.0, 120.5, 140.0, 179.0, 185.0, 230.0])
        segments = {"segment_id": ids, "segment_dist_x": distance}
        assert "geolocation/segment_length" not in group
        assert_array_equal(lengths(group, segments), [20.5, 19.5, 20.0, 20.0, 20.0, 20.0])
        group["geolocation/segment_length"] = np.array([10.0, 10.1, 39.9, 40.0, -20.0, np.nan], "f8")
        assert_array_equal(lengths(group, segments), [20.0, 10.1, 39.9, 20.0, 20.0, 20.0])


def test_distances_of_empty_segments_lie_between_their_neighbours():
    found = without_gaps(np.array([np.nan, 100.0, np.nan, 180.0, np.nan]), np.array([4, 5, 6, 9, 10]))
    assert_array_equal(found, [100.0, 100.0, 120.0, 180.0, 180.0])
    assert np.isnan(without_gaps(np.full(3, np.nan), np.arange(3))).all()
