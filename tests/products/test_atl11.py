"""ATL11: the real granule read as h5py reads it, points and cycles by blocks, one line for each broken file."""

import h5py
import numpy as np
import pandas as pd
import pytest
from tests.builders.studies import damage
from tests.builders.tracks import CYCLES, N_POINTS, write_atl11

from nunatak.geometry import region
from nunatak.products import GranuleError, atl11, atl11_crossings
from nunatak.runtime import NunatakError
from nunatak.study import Period
from nunatak.times import cycle_start, utc_to_delta_time

REAL = "real/ATL11/processed_ATL11_135803_0311_004_01.h5"
NAME = "ATL11_054803_0306_006_01.h5"


@pytest.fixture
def granule(tmp_path):
    return write_atl11(tmp_path / NAME)


def test_real_granule_counts_as_h5py_counts(data):
    """Points, finite heights, best quality, a box of half the latitudes and one cycle, for each pair."""
    path = data(REAL)
    table, statuses = atl11.read_heights(path)
    south = float(table.latitude.median())
    clipped, _ = atl11.read_heights(path, region=region.load({"bbox": [-30, south, -18, 67]}))
    eighth, _ = atl11.read_heights(path, cycles=[8])
    with h5py.File(path) as file:
        for status, pair in zip(statuses, atl11.PAIRS, strict=True):
            group = file[pair]
            finite = group["h_corr"][:] < 1e30
            best = finite & (group["quality_summary"][:] == 0)
            north = finite & (group["latitude"][:] >= south)[:, None]
            rows = table[table.pair == pair]
            assert status.n_found == finite.shape[0] == len(group["ref_pt"])
            assert len(rows) == status.n_kept == finite.sum()
            assert (rows.quality_summary == 0).sum() == best.sum()
            assert (clipped.pair == pair).sum() == north.sum()
            column = list(group["cycle_number"][:]).index(8)
            assert (eighth.pair == pair).sum() == finite[:, column].sum()
    assert (table.rgt == 1358).all() and len(table) == 32377


def test_real_values_are_those_of_h5py(data):
    """A row is the point and cycle it says it is."""
    path = data(REAL)
    table, _ = atl11.read_heights(path, pairs=["pt2"], variables=["dac", "misfit_rms"])
    with h5py.File(path) as file:
        group = file["pt2"]
        point = np.searchsorted(group["ref_pt"][:], table.ref_pt)
        cycle = np.searchsorted(group["cycle_number"][:], table.cycle)
        for name, where in (("h_corr", "h_corr"), ("h_corr_sigma", "h_corr_sigma"), ("dac", "cycle_stats/dac")):
            values = group[where][:][point, cycle]
            np.testing.assert_array_equal(table[name], np.where(values > 1e30, np.nan, values))
        np.testing.assert_array_equal(table.latitude, group["latitude"][:][point])
        np.testing.assert_array_equal(table.misfit_rms, group["ref_surf/misfit_RMS"][:][point])
        seconds = group["delta_time"][:][point, cycle]
    expected = np.datetime64("2018-01-01") + (seconds * 1e6).astype("timedelta64[us]")
    assert np.abs(table.time.to_numpy() - expected).max() < np.timedelta64(2, "us")


def test_real_crossings_lie_on_reference_points(data):
    """Every crossing has the position of one of the pair's own points, and none is of the track itself."""
    path = data(REAL)
    crossings, statuses = atl11_crossings.read_crossings(path)
    assert [s.n_kept for s in statuses] == [722, 736, 852]
    points = atl11.read_heights(path)[0].drop_duplicates(["pair", "ref_pt"])
    with h5py.File(path) as file:
        for pair, rows in crossings.groupby("pair", observed=True):
            ref_pt, latitude = file[pair]["ref_pt"][:], file[pair]["latitude"][:]
            at = np.searchsorted(ref_pt, rows.ref_pt)
            np.testing.assert_array_equal(ref_pt[at], rows.ref_pt)
            np.testing.assert_array_equal(latitude[at], rows.latitude)
    assert len(points) and not (crossings.rgt_crossing == 1358).any()
    assert crossings.spot.between(1, 6).all() and crossings.cycle.min() == 1


def test_rows_are_points_and_cycles_with_a_height(granule):
    """Every fifth height of cycle 4 is a fill: no row. The cycle of a column is the one the file names."""
    table, statuses = atl11.read_heights(granule, pairs=["pt1"])
    assert len(table) == 3 * N_POINTS - 4 == statuses[0].n_kept
    assert sorted(table.cycle.unique()) == list(CYCLES)
    np.testing.assert_array_equal(table[table.cycle == 6].h_corr, 498.0)
    assert table.attrs["units"]["h_corr"] == "m"


def test_cycles_are_found_by_number_not_by_place(granule):
    table, _ = atl11.read_heights(granule, pairs=["pt1"], cycles=[6, 99])
    assert set(table.cycle) == {6} and len(table) == N_POINTS


def test_region_and_period(granule):
    south, north = 79.7 + 0.00054 * 4.5, 79.7 + 0.00054 * 9.5
    box = region.load({"bbox": [24, south, 26, north]})
    table, _ = atl11.read_heights(granule, region=box)
    assert set(table.ref_pt) == {1000 + 3 * k for k in range(5, 10)}
    year = Period.model_validate(["2019-07-01", "2019-10-31"])
    assert set(atl11.read_heights(granule, period=year)[0].cycle) == {4}
    nothing, statuses = atl11.read_heights(granule, region=region.load({"bbox": [24, 60, 26, 61]}))
    assert not len(nothing) and {s.status for s in statuses} == {"outside"}


def test_points_across_the_antimeridian_and_at_the_pole(tmp_path):
    """Longitudes of either side of 180 and a point at the pole lie in the regions that hold them."""
    longitude = np.where(np.arange(N_POINTS) < 10, 179.9, -179.9)
    path = write_atl11(tmp_path / NAME, longitude=longitude)
    box = region.load({"bbox": [179, 79, -179, 80], "crosses_antimeridian": True})
    assert atl11.read_heights(path, region=box)[0].ref_pt.nunique() == N_POINTS
    latitude = np.append(np.full(N_POINTS - 1, 89.5), 90.0)
    polar = write_atl11(tmp_path / NAME.replace("0548", "0549"), latitude=latitude, rgt=549)
    cap = region.load({"bbox": [-180, 89.9, 180, 90]})
    assert set(atl11.read_heights(polar, region=cap)[0].ref_pt) == {1000 + 3 * (N_POINTS - 1)}


def test_pair_that_is_absent_is_a_row_with_its_reason(tmp_path):
    _, statuses = atl11.read_heights(write_atl11(tmp_path / NAME, pairs=("pt1", "pt3")))
    assert [s.status for s in statuses] == ["present", "missing", "present"]
    assert "no group pt2" in statuses[1].reason


def test_granule_without_crossings_or_with_empty_ones(tmp_path, granule):
    with h5py.File(granule, "a") as file:
        del file["pt1/crossing_track_data"]
    crossings, statuses = atl11_crossings.read_crossings(granule)
    assert statuses[0].reason == "pt1 has no crossing_track_data" and statuses[1].status == "present"
    assert set(crossings.pair) == {"pt2", "pt3"} and len(crossings) == 4, "one of three heights is a fill"
    assert atl11_crossings.no_crossings().columns.equals(crossings.columns)
    assert np.isnan(crossings.along_track_rss).all() and "along_track_rss" in statuses[1].reason


def test_crossings_of_a_period(tmp_path):
    """Crossings of three cycles: those of the period are read, and where there is none the pair says so."""
    cycles = np.array([3, 4, 5], "i1")
    changes = {
        "cycle_number": cycles,
        "delta_time": utc_to_delta_time(cycle_start(cycles + 44 / 1387)),
        "h_corr": np.array([501.0, 502.0, 503.0], "f4"),
    }
    path = write_atl11(tmp_path / NAME, **{f"crossing_track_data/{name}": v for name, v in changes.items()})
    found, statuses = atl11_crossings.read_crossings(path, period=Period.model_validate(["2019-06-15", "2019-07-15"]))
    assert found.h_corr.tolist() == [502.0] * 3 and {s.status for s in statuses} == {"present"}
    assert len(atl11_crossings.read_crossings(path)[0]) == 9
    later = Period.model_validate(["2020-07-01", "2020-07-31"])
    found, statuses = atl11_crossings.read_crossings(path, period=later)
    assert not len(found) and {(s.status, s.n_found) for s in statuses} == {("outside", 3)}
    box = region.load({"bbox": [24, 79.7, 26, 79.703]})  # the first two lie at 79.70054, the third at 79.7054
    assert atl11_crossings.read_crossings(path, region=box)[0].h_corr.tolist() == [501.0, 502.0] * 3


def test_file_without_attributes_and_ancillary_data_reads_the_same(tmp_path, granule):
    """Third-party clips lose fills and scalars: the layout's own defaults stand in."""
    bare = write_atl11(tmp_path / f"processed_{NAME}", attributes=False, ancillary=False)
    assert atl11.read_heights(bare)[0].equals(atl11.read_heights(granule)[0])


@pytest.mark.parametrize("stated", [548.0, np.bytes_("548.0"), np.array(["548"], dtype=object), np.array([548])])
def test_renamed_granule_takes_the_track_from_its_attribute(tmp_path, stated):
    path = write_atl11(tmp_path / "mine.h5", ancillary=False)
    with h5py.File(path, "a") as file:
        file["pt1"].attrs["ReferenceGroundTrack"] = stated
    assert (atl11.read_heights(path)[0].rgt == 548).all()


def test_renamed_granule_that_tells_nothing_is_refused(tmp_path):
    path = write_atl11(tmp_path / "mine.h5", ancillary=False, attributes=False)
    with pytest.raises(GranuleError, match="neither its name nor its content tells the track"):
        atl11.read_heights(path)


def test_pre_release_layout_is_refused_by_name(tmp_path):
    path = tmp_path / NAME
    with h5py.File(path, "w") as file:
        file["pt2/corrected_h/h_corr"] = np.zeros((3, 2))
    with pytest.raises(GranuleError, match=r"pre-release 002 \(heights in pt2/corrected_h\).*fetch a release of 003"):
        atl11.read_heights(path)


def test_name_of_another_track_is_refused(tmp_path):
    with pytest.raises(GranuleError, match="rgt: the name says 549, the file 548"):
        atl11.read_heights(write_atl11(tmp_path / NAME.replace("0548", "0549")))
    with pytest.raises(GranuleError, match="rgt: the name says 549, the file 548"):
        atl11.read_heights(write_atl11(tmp_path / NAME.replace("0548", "0549"), ancillary=False))


def test_other_product_is_refused(granule):
    renamed = granule.rename(granule.with_name("ATL06_20190504033705_05480303_006_01.h5"))
    with pytest.raises(GranuleError, match="the name is that of an ATL06 granule"):
        atl11.read_heights(renamed)


def test_heights_of_another_shape_are_refused(tmp_path):
    path = write_atl11(tmp_path / NAME, h_corr=np.zeros((N_POINTS, 2), "f4"))
    with pytest.raises(GranuleError, match=r"h_corr has shape \(20, 2\), expected \(20, 3\) \(points, cycles\)"):
        atl11.read_heights(path)


def test_file_with_nothing_of_atl11_is_refused(tmp_path):
    path = tmp_path / NAME
    with h5py.File(path, "w") as file:
        file["other"] = np.zeros(3)
    with pytest.raises(GranuleError, match=r"no beam pair .*\(it holds: other\)"):
        atl11.read_heights(path)


def test_subset_without_surface_says_so(tmp_path):
    path = write_atl11(tmp_path / NAME, drop=("ref_surf/e_slope", "quality_summary"))
    table, statuses = atl11.read_heights(path)
    assert table.e_slope.isna().all() and (table.quality_summary == 127).all()
    assert statuses[0].reason == "subset without e_slope, quality_summary"


def test_a_damaged_pair_costs_no_other(granule):
    """The pair fails by name and dataset, the others are read."""
    whole, _ = atl11.read_heights(granule)
    damage(granule, "pt2/h_corr")
    table, statuses = atl11.read_heights(granule)
    assert [s.status for s in statuses] == ["present", "failed", "present"]
    assert statuses[1].reason.startswith("pt2/h_corr: damaged: ")
    pd.testing.assert_frame_equal(table, whole[whole.pair != "pt2"].reset_index(drop=True))


def test_absent_variables(granule):
    """One that is asked for is an error, an optional one NaN and said, an unknown one refused with the list."""
    with pytest.raises(GranuleError, match=r"has no 'dac'.*fetch the whole granule"):
        atl11.read_heights(granule, variables=["dac"])
    table, statuses = atl11.read_heights(granule, optional=["dac", "tide_ocean"])
    assert table.dac.isna().all() and table.tide_ocean.isna().all() and statuses[0].reason == "subset without dac"
    with pytest.raises(NunatakError, match="ATL11 has no variable 'h_li'"):
        atl11.read_heights(granule, variables=["h_li"])
    with pytest.raises(NunatakError, match="'gt1l' is not a beam pair; choose from pt1"):
        atl11.read_heights(granule, pairs=["gt1l"])


def test_table_without_a_row_has_the_same_columns(granule):
    table, _ = atl11.read_heights(granule, variables=["tide_ocean"])
    assert atl11.no_heights(["tide_ocean"]).columns.equals(table.columns)
