"""ATL06: every real granule read as h5py reads it, regions and periods by row ranges, one line for each broken file."""

import h5py
import numpy as np
import pandas as pd
import pytest
from tests.builders.studies import damage, write_atl06
from tests.builders.tiny_granules import without_segments

from nunatak.constants import BEAMS
from nunatak.elevation import filters
from nunatak.geometry import region
from nunatak.products import GranuleError, atl06, atl06_filters
from nunatak.runtime import NunatakError
from nunatak.study import Period

NAME = "ATL06_20190504033705_05480303_006_01.h5"


@pytest.fixture
def granule(tmp_path):
    return write_atl06(tmp_path / NAME)


def independent_counts(path, box):
    """(segments, heights that can be, flag 0, inside the box) of a granule, straight from h5py."""
    west, south, east, north = box
    total = np.zeros(4, dtype=int)
    with h5py.File(path) as file:
        for beam in BEAMS:
            if beam not in file or "land_ice_segments" not in file[beam]:
                continue
            group = file[beam]["land_ice_segments"]
            lat, lon = group["latitude"][:], group["longitude"][:]
            inside = (lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)
            flag = group["atl06_quality_summary"][:]
            h = group["h_li"][:]  # one granule has 15 heights 500 to 1600 m below the ellipsoid
            total += [lat.size, ((h >= -500) & (h <= 9000)).sum(), (flag == 0).sum(), inside.sum()]
    return tuple(total)


def test_all_real_granules_count_as_h5py_counts(data):
    """Segments, heights that can be, best quality and a box of half the granule's latitudes, for all 22 granules."""
    paths = sorted(data("real/ATL06").glob("*.h5"))
    assert len(paths) == 22
    for path in paths:
        table, statuses = atl06.read_segments(path)
        south, north = table.latitude.median(), table.latitude.max()
        box = (table.longitude.min(), south, table.longitude.max(), north)
        clipped, clipped_statuses = atl06.read_segments(path, region=region.load({"bbox": list(box)}))
        flagged = int((table.atl06_quality_summary == 0).sum())
        counts = (len(table), int(table.h_li.notna().sum()), flagged, len(clipped))
        assert counts == independent_counts(path, box), path.name
        assert sum(s.n_found for s in statuses) == len(table)
        assert sum(s.n_kept for s in clipped_statuses) == len(clipped)
        assert table.spot.between(1, 6).all()


def test_real_values_are_those_of_h5py(data):
    path = data("real/ATL06/processed_ATL06_20191106230008_06270503_006_01.h5")
    table, _ = atl06.read_segments(path, beams=["gt2l"], variables=["dh_fit_dy", "geophysical/tide_ocean"])
    with h5py.File(path) as file:
        group = file["gt2l/land_ice_segments"]
        for name, where in (("latitude", "latitude"), ("x_atc", "ground_track/x_atc"), ("segment_id", "segment_id")):
            np.testing.assert_array_equal(table[name], group[where][:])
        h = group["h_li"][:]
        np.testing.assert_array_equal(table.h_li, np.where(h > 1e30, np.nan, h))
        seconds = group["delta_time"][:]
    expected = np.datetime64("2018-01-01") + (seconds * 1e6).astype("timedelta64[us]")
    assert np.abs(table.time.to_numpy() - expected).max() < np.timedelta64(2, "us")
    assert (table.rgt == 627).all() and (table.cycle == 5).all()
    assert table.attrs["units"]["h_li"] == "m"


def test_beam_without_segments_is_a_row_with_its_reason(data):
    path = data("real/ATL06/processed_ATL06_20181226035130_13520105_001_01.h5")
    table, statuses = atl06.read_segments(path)
    by_beam = {status.beam: status for status in statuses}
    assert by_beam["gt1l"].status == "missing"
    assert by_beam["gt1l"].reason == "gt1l has no land_ice_segments (it has: residual_histogram)"
    assert by_beam["gt2l"].n_kept == 688 == (table.beam == "gt2l").sum()


def test_absent_beam_group_is_a_row_with_its_reason(data):
    path = data("real/ATL06/processed_ATL06_20190613193602_11690305_002_01.h5")
    _, statuses = atl06.read_segments(path)
    assert [s.status for s in statuses] == ["missing"] * 2 + ["present"] * 4
    assert "no group gt1l" in statuses[0].reason


def test_fills_are_nan_and_flags_stay(granule):
    table, _ = atl06.read_segments(granule, beams=["gt1l"], variables=["n_fit_photons"])
    np.testing.assert_array_equal(table.h_li.isna(), np.arange(50) % 2 == 1)
    np.testing.assert_array_equal(table.n_fit_photons.isna(), np.arange(50) % 2 == 1)
    assert table.atl06_quality_summary.dtype == "i1"


def test_file_without_attributes_reads_the_same(tmp_path, granule):
    bare = write_atl06(tmp_path / "processed_ATL06_20190504033705_05480303_006_01.h5", attributes=False)
    expected, _ = atl06.read_segments(granule)
    found, _ = atl06.read_segments(bare)
    assert found.equals(expected)


def test_standard_filter_keeps_best_quality_only(granule):
    table, _ = atl06.read_segments(granule)
    kept = table[filters.keep(table)]
    assert len(kept) == 6 * 25
    assert kept.h_li.notna().all() and (kept.atl06_quality_summary == 0).all()


def test_region_keeps_the_segments_inside(granule):
    south, north = 79.7 + 0.00018 * 9.5, 79.7 + 0.00018 * 19.5
    table, statuses = atl06.read_segments(granule, region=region.load({"bbox": [24, south, 26, north]}))
    assert set(table.segment_id) == set(range(1010, 1020))
    assert statuses[0].n_found == 50 and statuses[0].n_kept == 10


def test_segments_inside_a_concave_region_only(granule):
    """A region with a bite: the row range spans the bite, its rows are not kept."""
    lat = [79.7 + 0.00018 * k for k in (4.5, 9.5, 14.5, 19.5)]
    bitten = {
        "lonlat": [
            [24, lat[0]],
            [26, lat[0]],
            [26, lat[1]],
            [24.5, lat[1]],
            [24.5, lat[2]],
            [26, lat[2]],
            [26, lat[3]],
            [24, lat[3]],
        ]
    }
    table, _ = atl06.read_segments(granule, region=region.load(bitten), beams=["gt1l"])
    assert list(table.segment_id) == [*range(1005, 1010), *range(1015, 1020)]


def test_outside_is_not_empty(granule):
    table, statuses = atl06.read_segments(granule, region=region.load({"bbox": [24, 60, 26, 61]}))
    assert len(table) == 0 and list(table.columns)[:4] == ["beam", "spot", "rgt", "cycle"]
    assert {s.status for s in statuses} == {"outside"}
    assert statuses[0].reason == "no segment in region"


def test_period_keeps_its_days(granule):
    inside = Period.model_validate(["2019-05-04", "2019-05-04"])
    after = Period.model_validate(["2019-05-05", "2019-06-01"])
    assert len(atl06.read_segments(granule, period=inside)[0]) == 300
    table, statuses = atl06.read_segments(granule, period=after)
    assert len(table) == 0 and statuses[0].reason == "no segment in period"


def test_beams_in_order_and_known(granule):
    table, statuses = atl06.read_segments(granule, beams=["gt3r", "gt1l"])
    assert list(table.beam.unique()) == ["gt1l", "gt3r"] and [s.beam for s in statuses] == ["gt1l", "gt3r"]
    with pytest.raises(NunatakError, match="'gt4l' is not a ground track; choose from gt1l"):
        atl06.read_segments(granule, beams=["gt4l"])


def test_subset_without_ground_track_says_so(tmp_path):
    path = write_atl06(tmp_path / NAME, drop=("ground_track/x_atc", "ground_track/y_atc"))
    table, statuses = atl06.read_segments(path)
    assert table.x_atc.isna().all()
    assert statuses[0].reason == "subset without x_atc, y_atc"


def test_subset_without_heights_is_refused(tmp_path):
    path = write_atl06(tmp_path / NAME, drop=("h_li",))
    with pytest.raises(GranuleError, match=r"gt1l/land_ice_segments has no 'h_li' \(it has: .*fetch the whole granule"):
        atl06.read_segments(path)


def test_absent_variable_asked_for_is_refused(granule):
    with pytest.raises(GranuleError, match="has no 'tide_ocean'"):
        atl06.read_segments(granule, variables=["tide_ocean"])


def test_columns_of_different_length_cost_the_beam(granule):
    whole, _ = atl06.read_segments(granule)
    with h5py.File(granule, "a") as file:
        del file["gt1l/land_ice_segments/h_li"]
        file["gt1l/land_ice_segments/h_li"] = np.zeros(49, "f4")
    table, statuses = atl06.read_segments(granule)
    assert statuses[0].status == "failed"
    assert statuses[0].reason.startswith("gt1l/land_ice_segments: h_li has 49 rows, latitude 50")
    assert len(table) == len(whole) - 50 and "gt1l" not in set(table.beam)


def test_a_damaged_dataset_costs_its_beam_and_is_named(granule):
    """Bytes overwritten inside one beam's heights: the other five beams are read as before."""
    whole, _ = atl06.read_segments(granule)
    damage(granule, "gt2l/land_ice_segments/h_li")
    table, statuses = atl06.read_segments(granule)
    failed = next(s for s in statuses if s.beam == "gt2l")
    assert failed.status == "failed"
    assert failed.reason.startswith("gt2l/land_ice_segments/h_li: damaged: ")
    pd.testing.assert_frame_equal(table, whole[whole.beam != "gt2l"].reset_index(drop=True))


@pytest.mark.parametrize("shape", ["short", "two columns", "one value"])
def test_a_dataset_of_another_shape_costs_its_beam(granule, shape):
    """The granule goes on without the beam, and the reason names what went wrong."""
    whole, _ = atl06.read_segments(granule)
    with h5py.File(granule, "a") as file:
        values = file["gt2l/land_ice_segments/h_li_sigma"][:]
        del file["gt2l/land_ice_segments/h_li_sigma"]
        made = {"short": values[:-3], "two columns": np.stack([values, values], axis=1), "one value": values[0]}
        file["gt2l/land_ice_segments/h_li_sigma"] = made[shape]
    table, statuses = atl06.read_segments(granule)
    failed = next(s for s in statuses if s.beam == "gt2l")
    assert failed.status == "failed" and failed.reason
    pd.testing.assert_frame_equal(table, whole[whole.beam != "gt2l"].reset_index(drop=True))


def test_beams_without_the_group_of_segments_are_refused(granule):
    """A subset of another group: not an empty granule but one to fetch whole; without any beam it is empty."""
    without_segments(granule)
    with pytest.raises(GranuleError, match=r"none of its beams \(gt1l, .*\) holds land_ice_segments .*segment_quality"):
        atl06.read_segments(granule)
    with h5py.File(granule, "a") as file:
        for beam in BEAMS:
            del file[beam]
    table, statuses = atl06.read_segments(granule)
    assert table.empty and {s.status for s in statuses} == {"missing"}


@pytest.mark.parametrize("written", ["/fit_statistics/n_fit_photons", "land_ice_segments/fit_statistics/n_fit_photons"])
def test_a_path_is_read_below_each_beam(granule, written):
    """However a path is written, each beam gets its own values."""
    with h5py.File(granule, "a") as file:
        for number, beam in enumerate(BEAMS):
            file[f"{beam}/land_ice_segments/fit_statistics/n_fit_photons"][:] = 100 + number
    table, _ = atl06.read_segments(granule, variables=[written])
    assert table.groupby("beam", observed=True)["n_fit_photons"].first().tolist() == [100.0 + n for n in range(6)]


def test_a_path_of_one_beam_is_refused(granule):
    """Read as it stands, it would give one beam's values to all."""
    with pytest.raises(NunatakError, match=r"is a path of one beam, gt2r; write 'fit_statistics/n_fit_photons'"):
        atl06.read_segments(granule, variables=["/gt2r/fit_statistics/n_fit_photons"])


def test_a_flag_that_is_filtered_by_must_be_there(tmp_path):
    """A subset without the quality flag cannot be filtered by it; without a filter it is read."""
    path = write_atl06(tmp_path / NAME, drop=("atl06_quality_summary",))
    assert (atl06.read_segments(path)[0].atl06_quality_summary == 127).all()
    with pytest.raises(GranuleError, match=r"has no 'atl06_quality_summary'.*fetch the whole granule"):
        atl06.read_segments(path, needed=atl06_filters.needed("standard"))
    assert atl06_filters.needed("none") == ()


def test_name_of_another_track_is_refused(tmp_path):
    path = write_atl06(tmp_path / NAME.replace("0548", "0549"))
    with pytest.raises(GranuleError, match="rgt: the name says 549, the file 548"):
        atl06.read_segments(path)


def test_other_product_under_an_atl06_name_is_refused(granule):
    with h5py.File(granule, "a") as file:
        file.attrs["short_name"] = np.bytes_("ATL03")
    with pytest.raises(GranuleError, match="read as ATL06, but its short_name says ATL03"):
        atl06.read_segments(granule)


def test_name_of_another_product_is_refused(granule):
    renamed = granule.rename(granule.with_name(granule.name.replace("ATL06", "ATL08")))
    with pytest.raises(GranuleError, match="the name is that of an ATL08 granule"):
        atl06.read_segments(renamed)


def test_renamed_granule_takes_track_and_cycle_from_its_content(granule):
    table, _ = atl06.read_segments(granule.rename(granule.with_name("mine.h5")))
    assert (table.rgt == 548).all() and (table.cycle == 3).all()


def test_renamed_granule_that_tells_nothing_is_refused(tmp_path):
    with pytest.raises(GranuleError, match="neither its name nor its content tells track and cycle"):
        atl06.read_segments(write_atl06(tmp_path / "mine.h5", orbit=False))


def test_unknown_release_is_read_when_its_layout_is_known(tmp_path):
    path = write_atl06(tmp_path / NAME.replace("_006_", "_999_"))
    assert len(atl06.read_segments(path)[0]) == 300


def test_unknown_release_with_unknown_layout_is_refused(tmp_path):
    path = tmp_path / NAME.replace("_006_", "_999_")
    with h5py.File(path, "w") as file:
        file["beam_1/heights"] = np.zeros(3)
    with pytest.raises(GranuleError, match=r"release 999 with a layout that is not known.*\(the file holds: beam_1\)"):
        atl06.read_segments(path)


def test_empty_subset_of_a_known_release_is_no_error(tmp_path):
    table, statuses = atl06.read_segments(write_atl06(tmp_path / NAME, beams=()))
    assert len(table) == 0 and {s.status for s in statuses} == {"missing"}
