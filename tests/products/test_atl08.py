"""ATL08: the join to ATL03's photons on real data, and granules that are not partners."""

from __future__ import annotations

import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.products import GranuleError, atl03, atl08

WYOMING_03, WYOMING_08 = "real/ATL03/atl03_clip_wyoming_gt1r.h5", "real/ATL08/atl08_clip_wyoming_gt1r.h5"
GOLDEN = "golden/photons/ATL03_20181019065445_03150111_006_02.h5"


def test_ground_photons_give_the_products_own_medians(data):
    """Wyoming: the median of class-1 photons of each 100 m segment is h_te_median in 8 of 9 (the last is cut)."""
    track = atl03.read_track(atl03.read_granule(data(WYOMING_03)), "gt1r")
    classed = atl08.classify(track, atl08.read_classes(data(WYOMING_08), "gt1r"))
    photons = next(atl03.photon_blocks(track, ("h_ph",)))
    segment_id = track.segments["segment_id"][photons.segment_index()]
    land = atl08.read_land_segments(data(WYOMING_08), "gt1r")
    medians = [
        np.median(photons.photons["h_ph"][(classed == 1) & (segment_id >= first) & (segment_id <= last)])
        for first, last in zip(land["segment_id_beg"], land["segment_id_end"], strict=True)
    ]
    same = np.abs(np.array(medians) - land["h_te_median"]) < 1e-3
    assert same.sum() == 8 and not same[-1]


def test_the_join_is_that_of_a_loop(data):
    """Each listed photon looked up one by one; all others are unclassified."""
    granule = atl03.read_granule(data(GOLDEN))
    path = data(GOLDEN.replace("ATL03", "ATL08"))
    for beam in ("gt1l", "gt3r"):
        track, classes = atl03.read_track(granule, beam), atl08.read_classes(path, beam)
        s = track.segments
        first = dict(zip(s["segment_id"].tolist(), s["photon"].tolist(), strict=True))
        expected = np.full(track.n_photons, 4)
        for segment_id, index, label in zip(classes.segment_id, classes.index, classes.classed, strict=True):
            expected[first[int(segment_id)] + index - 1] = label
        assert_array_equal(atl08.classify(track, classes), expected)
        cut = track.stretch((s["segment_id"] > 450020) & (s["segment_id"] < 450090))
        part = expected[cut.rows]
        assert_array_equal(atl08.classify(cut, classes), part)


def test_classes_of_the_other_beam_are_refused(data):
    """The weak beam follows 0.35 s behind, as in the granule itself."""
    granule = atl03.read_granule(data(GOLDEN))
    classes = atl08.read_classes(data(GOLDEN.replace("ATL03", "ATL08")), "gt1l")
    track = atl03.read_track(granule, "gt1l")
    assert (atl08.classify(track, classes) != 4).any()
    late = replace(classes, delta_time=track.segments["delta_time"].mean() + np.full(len(classes.index), 0.35))
    with pytest.raises(GranuleError, match=r"lists photons 0\.3\d* s from the segments"):
        atl08.classify(track, late)


def test_a_beam_under_two_names_is_refused(partner):
    granule, copied = partner
    path = copied("ATL08_20181019065445_03150111_006_02.h5")
    with h5py.File(path, "a") as file:
        del file["gt2r"]
        file["gt2r"] = file["gt1l"]
    with pytest.raises(GranuleError, match="gt2r is gt1l under another name"):
        atl08.check_same_granule(granule, path)


def test_a_beam_without_classes_is_unclassified(data):
    """The Ontario subset lacks gt3l and gt3r."""
    path = data("real/ATL08/processed_ATL08_20200821122613_08730802_004_01.h5")
    assert atl08.read_classes(path, "gt3r") is None
    assert atl08.read_land_segments(path, "gt3r") == {}
    track = atl03.read_track(atl03.read_granule(data(GOLDEN)), "gt1l")
    assert (atl08.classify(track, None) == 4).all()


def test_land_fields_follow_the_segments(data):
    """The land segment of an ATL03 segment is the last that begins at or before it."""
    classes = atl08.read_classes(data(WYOMING_08), "gt1r", fields=("h_te_median",))
    track = atl03.read_track(atl03.read_granule(data(WYOMING_03)), "gt1r")
    rows = atl08.land_rows(track, classes)
    beg = classes.land["segment_id_beg"]
    ids = track.segments["segment_id"]
    assert_array_equal(rows, [np.max(np.flatnonzero(beg <= i), initial=-1) for i in ids])
    assert_allclose(classes.land["h_te_median"], atl08.read_land_segments(data(WYOMING_08), "gt1r")["h_te_median"])


@pytest.fixture
def partner(data, tmp_path):
    """The granule, and a function that gives a copy of its ATL08 under any name."""
    granule = atl03.read_granule(data(GOLDEN))

    def copied(name):
        path = tmp_path / name
        shutil.copyfile(data(GOLDEN.replace("ATL03", "ATL08")), path)
        path.chmod(0o644)
        return path

    return granule, copied


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ATL08_20181019065445_03160111_006_02.h5", "rgt is 316, there 315"),
        ("ATL08_20181019065445_03150211_006_02.h5", "cycle is 2, there 1"),
        ("ATL08_20181019065446_03150111_006_02.h5", "time_start is"),
        ("ATL08_20181019065445_03150111_005_01.h5", "version is 005, there 006"),
        ("ATL06_20181019065445_03150111_006_02.h5", "ATL06 granule where ATL08 is expected"),
    ],
)
def test_another_granule_is_refused_by_name(partner, name, message):
    """Another track, cycle, time, release or product."""
    granule, copied = partner
    with pytest.raises(GranuleError, match=message):
        atl08.check_same_granule(granule, copied(name))


def test_revisions_may_differ(partner):
    """Release 007 pairs revision 02 with 01."""
    granule, copied = partner
    atl08.check_same_granule(granule, copied("ATL08_20181019065445_03150111_006_01.h5"))


def test_another_granule_is_refused_by_content(partner, data):
    """A file renamed: its orbit, or photons that the segments do not have, give it away."""
    granule, copied = partner
    path = copied("classes.h5")
    with h5py.File(path, "r+") as file:
        file["gt1l/signal_photons/classed_pc_indx"][10] = 5000
    with pytest.raises(GranuleError, match="lists photon 5000 of segment"):
        atl08.classify(atl03.read_track(granule, "gt1l"), atl08.read_classes(path, "gt1l"))
    with pytest.raises(GranuleError, match="rgt: the name says 315, the file 150"):
        atl08.check_same_granule(granule, data(WYOMING_08))


def test_a_subset_without_classes_is_refused(data, tmp_path):
    """Its photons would all be called unclassified; the granule is to be fetched whole."""
    granule = atl03.read_granule(data(GOLDEN))
    path = tmp_path / GOLDEN.rpartition("/")[2].replace("ATL03", "ATL08")
    shutil.copyfile(data(GOLDEN.replace("ATL03", "ATL08")), path)
    path.chmod(0o644)
    with h5py.File(path, "a") as file:
        for beam in atl03.BEAMS:
            del file[beam]["signal_photons"]
            file[beam].require_group("land_segments")
    with pytest.raises(
        GranuleError, match=r"holds signal_photons \(they hold: land_segments\).*fetch the whole granule"
    ):
        atl08.check_same_granule(granule, path)
