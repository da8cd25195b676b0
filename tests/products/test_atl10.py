"""ATL10: both layouts, beams by orientation at each time, filters that are said, beams that fail one by one."""

import h5py
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from tests.builders.sea_ice import FILL, NAME, NEW, OLD, START, segments, write_granule

from nunatak.geometry.region import load
from nunatak.products import GranuleError, atl10, cloud
from nunatak.products.segment_filter import SegmentFilter
from nunatak.runtime import NunatakError


def status(statuses, beam):
    """The status of one beam."""
    return next(s for s in statuses if s.beam == beam)


@pytest.mark.parametrize("layout", [NEW, OLD])
def test_both_layouts_give_the_same_table(tmp_path, layout):
    """Freeboard, length and type come from where each release keeps them; columns bear the product's names."""
    path = write_granule(tmp_path / NAME, {"gt1l": segments(3), "gt1r": segments(3)}, layout=layout)
    table, statuses = atl10.read_segments(path)
    assert list(table["beam"]) == ["gt1l"] * 3
    assert_array_equal(table["spot"], 1)
    assert_array_equal(table["beam_fb_height"], np.float32(0.3))
    assert_array_equal(table["height_segment_length_seg"], 20.0)
    assert_array_equal(table["lead"], 0)
    assert table["rgt"].iloc[0] == 1234
    assert table["cycle"].iloc[0] == 4
    assert table.attrs["units"]["beam_fb_height"] == "m"
    assert status(statuses, "gt1r").reason == "no strong beam"
    assert status(statuses, "gt2l").status == "missing"


def test_the_error_keeps_the_name_of_its_release(tmp_path):
    """The freeboard's error is beam_fb_unc from release 006 on and beam_fb_sigma before."""
    new = write_granule(tmp_path / NAME, {"gt1l": segments(2, beam_fb_unc=[0.02, 0.03])})
    assert "beam_fb_unc" in atl10.read_segments(new, variables=["beam_fb_unc"])[0]
    with pytest.raises(GranuleError, match=r"gt1l/freeboard_segment has no 'beam_fb_sigma'"):
        atl10.read_segments(new, variables=["beam_fb_sigma"])


def test_fills_become_missing_in_every_variable(tmp_path):
    """3.4e38 in freeboard and length, the largest double in position: missing, and a segment nowhere is left out."""
    columns = segments(3, beam_fb_height=np.array([FILL, 0.2, 0.3], "f4"))
    columns["height_segment_length_seg"][1] = FILL
    columns["latitude"][2] = 1.7976931348623157e308
    table, _ = atl10.read_segments(write_granule(tmp_path / NAME, {"gt1l": columns}))
    assert_array_equal(table["beam_fb_height"], np.array([np.nan, 0.2], "f4"))
    assert_array_equal(table["height_segment_length_seg"], np.array([20, np.nan], "f4"))


def test_time_is_utc(tmp_path):
    """delta_time counts from midnight UTC of 2018-01-01: not 18 s later, as GPS time read as UTC would have it."""
    columns = segments(1, delta_time=[623.5 * 86400])
    table, _ = atl10.read_segments(write_granule(tmp_path / "made_up.h5", {"gt1l": columns}))
    assert table["time"][0] == pd.Timestamp("2019-09-16T12:00:00")


def test_strength_follows_the_orientation_at_each_time(tmp_path):
    """The spacecraft flips between the 2nd and 3rd segment: the strong beam is left before and right after."""
    beams = {"gt1l": segments(4), "gt1r": segments(4)}
    flip = ((0, START - 100), (1, START + 0.015))
    path = write_granule(tmp_path / NAME, beams, orientation=flip)
    strong, statuses = atl10.read_segments(path)
    assert list(strong["beam"]) == ["gt1l", "gt1l", "gt1r", "gt1r"]
    assert_array_equal(strong["spot"], [1, 1, 5, 5])
    assert [status(statuses, beam).n_kept for beam in beams] == [2, 2]
    weak, _ = atl10.read_segments(path, beams="weak")
    assert list(weak["beam"]) == ["gt1l", "gt1l", "gt1r", "gt1r"]
    assert_array_equal(weak["spot"], [6, 6, 2, 2])
    assert len(atl10.read_segments(path, beams="all")[0]) == 8


def test_transition_is_a_reason_not_a_crash(tmp_path):
    """While the spacecraft turns (sc_orient 2) no beam is strong: an empty table that says why."""
    path = write_granule(tmp_path / NAME, {"gt1l": segments(4)}, orientation=((2, 0.0),))
    table, statuses = atl10.read_segments(path)
    assert table.empty
    assert list(table.columns) == list(atl10.read_segments(path, beams="all")[0].columns[: len(table.columns)])
    assert status(statuses, "gt1l").status == "outside"
    assert "4 neither strong nor weak (sc_orient 2 or unknown)" in status(statuses, "gt1l").reason
    assert_array_equal(atl10.read_segments(path, beams="all")[0]["spot"], 0)


def test_types_and_flags_and_limits_are_applied_and_said(tmp_path):
    """Cloud goes by default; ice only, quality and concentration when asked; each with its count in the status."""
    columns = segments(
        6,
        height_segment_type=np.array([0, 1, 1, 5, 9, 1], "i1"),
        beam_fb_height=np.array([0.1, 0.2, 12, 0, 0, 0.4], "f4"),
        beam_fb_quality_flag=np.array([1, 1, 1, 1, 1, 5], "i1"),
    )
    path = write_granule(tmp_path / NAME, {"gt1l": columns})
    table, statuses = atl10.read_segments(path)
    assert_array_equal(table["height_segment_type"], [1, 5, 9, 1])
    assert_array_equal(table["lead"], [0, 1, 1, 0])
    assert status(statuses, "gt1l").reason == "1 dropped by height_segment_type; 1 dropped by beam_fb_height"
    ice = SegmentFilter(types=(1,), flags={"beam_fb_quality_flag": (1, 2, 3)}, limits={"beam_fb_height": (0, 10)})
    table, _ = atl10.read_segments(path, keep=ice)
    assert_array_equal(table["beam_fb_height"], np.array([0.2], "f4"))


@pytest.mark.parametrize(("layout", "name"), [(NEW, "ice_conc_amsr2"), (NEW, "ice_conc_ssmi"), (OLD, "ice_conc")])
def test_concentration_limit_keeps_unknown(tmp_path, layout, name):
    """Below 50 % goes, unknown stays; releases from 006 on have two concentrations, those before one."""
    dense = SegmentFilter(limits={name: (50, None)})
    columns = segments(3, **{name: np.array([40, 60, FILL], "f4")})
    table, _ = atl10.read_segments(write_granule(tmp_path / NAME, {"gt1l": columns}, layout=layout), keep=dense)
    assert_array_equal(table[name], np.array([60, np.nan], "f4"))


def test_a_beam_that_cannot_be_filtered_fails(tmp_path):
    """Nothing passes unfiltered: a beam without the variable fails, with what it has instead; with none left all do."""
    old = SegmentFilter(limits={"ice_conc": (50, None)})
    other = segments(3, ice_conc_amsr2=np.full(3, 90, "f4"))
    path = write_granule(tmp_path / NAME, {"gt1l": segments(3, ice_conc=np.full(3, 90, "f4")), "gt2l": other})
    table, statuses = atl10.read_segments(path, keep=old)
    assert set(table["beam"]) == {"gt1l"}
    assert status(statuses, "gt2l").status == "failed"
    assert status(statuses, "gt2l").reason == (
        "gt2l has no 'ice_conc' to filter by; filter by ice_conc_amsr2, which it has, or leave the filter out"
    )
    with h5py.File(path, "a") as file:
        del file["gt1l"]
    with pytest.raises(GranuleError, match="no beam could be read; the first: gt2l has no 'ice_conc' to filter by"):
        atl10.read_segments(path, keep=old)
    del other["height_segment_type"]
    with pytest.raises(GranuleError, match="fetch the whole granule or write types: all"):
        atl10.read_segments(write_granule(path, {"gt1l": other}))


@pytest.mark.parametrize("written", ["/heights/ice_conc_ssmi", "freeboard_segment/heights/ice_conc_ssmi"])
def test_a_path_is_read_below_each_beam(tmp_path, written):
    """However a path is written, each beam gets its own values; one of another beam is refused."""
    beams = {beam: segments(1, ice_conc_ssmi=np.array([value], "f4")) for beam, value in (("gt1l", 10), ("gt2l", 20))}
    path = write_granule(tmp_path / NAME, beams)
    table, _ = atl10.read_segments(path, variables=[written])
    assert_array_equal(table["ice_conc_ssmi"], [10, 20])
    with pytest.raises(NunatakError, match=r"is a path of one beam, gt2l; write 'heights/ice_conc_ssmi'"):
        atl10.read_segments(path, keep=SegmentFilter(limits={"gt2l/heights/ice_conc_ssmi": (50, None)}))


def test_beams_without_the_group_of_freeboard_are_refused(tmp_path):
    """A subset of the leads alone: not an empty granule but one to fetch whole."""
    path = write_granule(tmp_path / NAME, {"gt1l": segments(3)})
    with h5py.File(path, "a") as file:
        del file["gt1l/freeboard_segment"]
        file["gt1l/leads/latitude"] = np.zeros(2)
    with pytest.raises(GranuleError, match=r"none of its beams \(gt1l\) holds freeboard_segment .*hold: leads.*whole"):
        atl10.read_segments(path)


def test_one_broken_beam_is_recorded_and_skipped(tmp_path):
    """A beam without freeboard fails by name; the others are read; a granule with none left is refused."""
    broken = segments(3)
    path = write_granule(tmp_path / NAME, {"gt1l": segments(3), "gt2l": broken})
    with h5py.File(path, "a") as file:
        del file["gt2l/freeboard_segment/beam_fb_height"]
    table, statuses = atl10.read_segments(path)
    assert len(table) == 3
    assert status(statuses, "gt2l").status == "failed"
    assert "no 'beam_fb_height'" in status(statuses, "gt2l").reason
    with h5py.File(path, "a") as file:
        del file["gt1l"]
    with pytest.raises(GranuleError, match=r"no beam could be read; the first: gt2l.*no 'beam_fb_height'"):
        atl10.read_segments(path)


def test_a_damaged_chunk_costs_one_beam(tmp_path):
    """Bytes overwritten inside one beam's freeboard: that beam fails, the granule does not."""
    path = tmp_path / NAME
    rng = np.random.default_rng(1)
    noise = {beam: segments(4000, beam_fb_height=rng.normal(0.3, 0.1, 4000).astype("f4")) for beam in ("gt1l", "gt2l")}
    write_granule(path, noise)
    with h5py.File(path, "a") as file:
        values = file["gt2l/freeboard_segment/beam_fb_height"][()]
        del file["gt2l/freeboard_segment/beam_fb_height"]
        packed = file["gt2l/freeboard_segment"].create_dataset(
            "beam_fb_height", data=values, compression="gzip", chunks=(4000,)
        )
        where = packed.id.get_chunk_info(0)
    with open(path, "r+b") as stream:
        stream.seek(where.byte_offset)
        stream.write(b"\x00" * where.size)
    table, statuses = atl10.read_segments(path)
    assert len(table) == 4000
    assert status(statuses, "gt2l").status == "failed"


def test_region_across_the_antimeridian(tmp_path):
    """A box from 170 E to 170 W keeps segments on both sides of 180 and drops those between -170 and 170."""
    region = load({"bbox": [170, -78, -170, -74], "crosses_antimeridian": True}, folder=tmp_path)
    columns = segments(4, longitude=np.array([169.0, 179.9, -179.9, -169.0]))
    table, _ = atl10.read_segments(write_granule(tmp_path / NAME, {"gt1l": columns}), region=region)
    assert_array_equal(table["longitude"], [179.9, -179.9])


def test_another_product_is_refused(tmp_path):
    """A granule named ATL10 that says it is ATL06, and one named ATL07, are refused."""
    with pytest.raises(GranuleError, match=r"short_name says ATL06"):
        atl10.read_segments(write_granule(tmp_path / NAME, {"gt1l": segments()}, product="ATL06", layout=NEW))
    other = tmp_path / NAME.replace("ATL10", "ATL07")
    with pytest.raises(GranuleError, match=r"the name is that of an ATL07 granule"):
        atl10.read_segments(write_granule(other, {"gt1l": segments()}))


def test_another_epoch_is_refused(tmp_path):
    """Times that count from elsewhere cannot be converted."""
    path = write_granule(tmp_path / NAME, {"gt1l": segments()})
    with h5py.File(path, "a") as file:
        file["ancillary_data/atlas_sdp_gps_epoch"][0] = 0.0
    with pytest.raises(GranuleError, match=r"atlas_sdp_gps_epoch is 0.0"):
        atl10.read_segments(path)


@pytest.mark.parametrize(
    ("beams", "text"), [("strongest", "choose strong, weak, all"), (["gt4l"], "'gt4l' is not a ground")]
)
def test_unknown_beams_are_refused(tmp_path, beams, text):
    """A misspelt strength or ground track names what exists."""
    with pytest.raises(NunatakError, match=text):
        atl10.read_segments(tmp_path / NAME, beams=beams)


def test_h5coro_gives_what_h5py_gives(tmp_path):
    """Read through h5coro (its file driver, where it is installed) the table and statuses are the same."""
    path = write_granule(tmp_path / NAME, {"gt1l": segments(), "gt2l": segments(), "gt1r": segments()})
    plain, statuses = atl10.read_segments(path)
    through, others = atl10.read_segments(path, reader="h5coro")
    pd.testing.assert_frame_equal(through, plain)
    assert others == statuses


def test_a_dataset_that_cannot_be_fetched_costs_one_beam():
    """What the cloud reader returns as nothing is absent from the file in memory; nothing at all is refused."""
    held = {"gt1l/freeboard_segment/latitude": np.zeros(2), "gt1l/freeboard_segment/longitude": None}
    with cloud.open_granule("s3://bucket/x.h5", held, fetch=lambda *_: held) as file:
        assert list(file["gt1l/freeboard_segment"]) == ["latitude"]
    with (
        pytest.raises(GranuleError, match=r"h5coro read none of 2 datasets"),
        cloud.open_granule("s3://bucket/x.h5", held, fetch=lambda *_: dict.fromkeys(held)),
    ):
        pass


def test_unknown_reader_is_refused(tmp_path):
    """A misspelt reader names those that exist."""
    with pytest.raises(NunatakError, match=r"reader: 'pytables' is not known; choose from h5py, h5coro"):
        atl10.read_segments(tmp_path / NAME, reader="pytables")
