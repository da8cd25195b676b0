"""ATL07: the real granules against an independent reading of the same files, and what subsets leave out."""

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tests.builders.sea_ice import segments, write_granule

from nunatak.products import atl07
from nunatak.products.segment_filter import SegmentFilter

REAL = (
    "processed_ATL07-01_20181201123226_09760101_001_01.h5",
    "processed_ATL07-01_20190225115500_09020201_003_02.h5",
    "processed_ATL07-01_20190226002919_09100201_003_02.h5",
)
NAME = "ATL07-02_20190916120000_12340401_006_01.h5"
EVERYTHING = SegmentFilter(types=None)


def plain_heights(path, strong_only):
    """Heights by h5py alone, beams chosen by the group's own attribute: a second opinion on the reader."""
    found = []
    with h5py.File(path) as file:
        for beam in sorted(name for name in file if name.startswith("gt")):
            group = file[beam].get("sea_ice_segments/heights")
            if group is None or (strong_only and file[beam].attrs["atlas_beam_type"] != b"strong"):
                continue
            heights = group["height_segment_height"][()]
            found.append(np.where(heights > 1e30, np.nan, heights))
    return np.concatenate(found)


@pytest.mark.parametrize("name", REAL)
def test_real_granules_against_h5py(data, name):
    """Same heights, in the same order, as an independent reading: strong beams, and all."""
    path = data(f"real/ATL07/{name}")
    for strength in ("strong", "all"):
        table, _ = atl07.read_segments(path, beams=strength, keep=EVERYTHING)
        assert_array_equal(table["height_segment_height"], plain_heights(path, strength == "strong"))


def test_real_subset_without_lengths_says_so(data):
    """The release 001 subset has neither lengths nor types: missing values, and the status names them."""
    path = data(f"real/ATL07/{REAL[0]}")
    table, statuses = atl07.read_segments(path, keep=EVERYTHING)
    assert np.isnan(table["height_segment_length_seg"]).all()
    assert (table["height_segment_type"] == 127).all()
    assert "lead" not in table
    assert "without height_segment_length_seg" in statuses[1].reason
    unfiltered = atl07.read_segments(path)[1][1]
    assert unfiltered.status == "failed"
    assert unfiltered.reason == (
        "gt1r has no 'height_segment_type' to filter by; fetch the whole granule or write types: all"
    )
    unweighted = atl07.read_segments(path, keep=EVERYTHING, variables=["height_segment_length_seg"])[1][1]
    assert unweighted.status == "failed" and "has no 'height_segment_length_seg'" in unweighted.reason


def test_real_empty_beams_are_missing(data):
    """Beams of which the subsetter left only a histogram axis are missing, not failed."""
    _, statuses = atl07.read_segments(data(f"real/ATL07/{REAL[1]}"))
    assert [s.status for s in statuses] == ["present", "outside", *["missing"] * 4]


def test_real_types_are_counted(data):
    """261 of 882 segments of gt1l are leads by type (67 + 23 + 44 + 127), 3 of them used as sea surface."""
    table, _ = atl07.read_segments(data(f"real/ATL07/{REAL[1]}"))
    assert int(table["lead"].sum()) == 261
    assert int((table["height_segment_ssh_flag"] == 1).sum()) == 3


def test_lead_follows_the_sea_surface_flag_without_types(tmp_path):
    """Where a granule has the flag but no types, leads are the segments used as sea surface."""
    columns = segments(2, height_segment_ssh_flag=np.array([0, 1], "i1"))
    del columns["height_segment_type"]
    path = write_granule(tmp_path / NAME, {"gt1l": columns}, product="ATL07", value="height_segment_height")
    assert_array_equal(atl07.read_segments(path, keep=EVERYTHING)[0]["lead"], [0, 1])
