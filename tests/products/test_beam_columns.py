"""What the columns of a beam can hold: what cannot be is missing and told, what makes a beam senseless fails it."""

import h5py
import numpy as np
import pytest
from tests.builders import sea_ice
from tests.builders.studies import write_atl06
from tests.builders.tracks import write_atl11
from tests.fuzz.mutations import SAID, STORED, put

from nunatak.products import GranuleError, atl06, atl10, atl11
from nunatak.products.beam_columns import longest_rise

NAME = "ATL06_20190504033705_05480303_006_01.h5"
SEGMENTS = "gt1l/land_ice_segments"


@pytest.fixture
def granule(tmp_path):
    return write_atl06(tmp_path / NAME)


def change(path, name, act):
    """Put other values in the place of a dataset's own."""
    with h5py.File(path, "r+") as file:
        values = file[name][()]
        put(file, name, np.asarray(act(values)))


def gt1l(path, **options):
    """
    Return the rows and the status of the first beam.

    The other beams are whole.
    """
    table, statuses = atl06.read_segments(path, **options)
    assert {s.status for s in statuses[1:]} == {"present"} and not any(s.reason for s in statuses[1:])
    return table[table["beam"] == "gt1l"].reset_index(drop=True), statuses[0]


def put_at(place, value):
    def act(values):
        out = values.copy()
        out[place] = value
        return out

    return act


@pytest.mark.parametrize(
    ("name", "value", "column", "reason"),
    [
        ("h_li", 9001.0, "h_li", "1 h_li beyond -500 .. 9000"),
        ("h_li", -501.0, "h_li", "1 h_li beyond -500 .. 9000"),
        ("h_li", np.inf, "h_li", "1 h_li infinite"),
        ("h_li_sigma", -0.1, "h_li_sigma", "1 h_li_sigma beyond 0 .. 100000"),
        ("ground_track/x_atc", 5e4, "x_atc", "1 x_atc more than 100 m from where its id is"),
        ("fit_statistics/n_fit_photons", -1, "n_fit_photons", "1 n_fit_photons beyond 0 .. 10000"),
    ],
)
def test_a_value_that_cannot_be_is_missing_and_counted(granule, name, value, column, reason):
    whole, _ = gt1l(granule, variables=["n_fit_photons"])
    change(granule, f"{SEGMENTS}/{name}", put_at(4, value))
    table, status = gt1l(granule, variables=["n_fit_photons"])
    assert status.reason == reason and len(table) == len(whole)
    assert np.isnan(table[column][4]) and not np.isnan(whole[column][4])
    kept = table.index != 4
    np.testing.assert_array_equal(table[column][kept], whole[column][kept])


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("latitude", 91.0, "1 latitude beyond -90 .. 90"),
        ("latitude", 0.0, "1 latitude more than 1 degrees from both neighbours"),
        ("longitude", 1e4, "1 longitude beyond -180 .. 360"),
        ("delta_time", 1e19, "1 delta_time beyond 2.1e+07 .. 6.95e+08"),
        ("segment_id", 2**31 - 1, "1 segment_id missing"),
        ("segment_id", -5, "1 segment_id beyond 1 .. 2e+06"),
        ("segment_id", 999, "1 segment_id not in the order of the track"),
    ],
)
def test_a_row_without_place_time_or_id_is_left_out_and_counted(granule, name, value, reason):
    change(granule, f"{SEGMENTS}/{name}", put_at(4, value))
    table, status = gt1l(granule)
    assert status.reason == reason and (status.n_found, status.n_kept) == (50, 49)
    assert table["segment_id"].tolist() == [1000 + k for k in range(50) if k != 4]


@pytest.mark.parametrize(
    ("name", "act", "reason"),
    [
        ("delta_time", lambda v: v + 86400, "more than 24 h from the time in the granule's name"),
        ("delta_time", lambda v: v[::-1], "runs backwards along the track"),
        ("segment_id", lambda v: v[::-1], "does not ascend along the track"),
        ("segment_id", lambda v: v // 2 * 2, "does not ascend along the track"),
        ("segment_id", lambda v: v.astype("i8") + 2**40, "50 of 50 values beyond"),
        ("h_li", lambda v: np.where(v > 1e30, v, v + 1e6), "25 of 25 values beyond -500 .. 9000"),
        ("h_li", lambda v: v * 0, "is 0 everywhere, so was never written"),
        ("latitude", lambda v: v.astype("i4"), "holds int32 values where floats of 64 bits are expected"),
        ("latitude", lambda v: v.astype("f4"), "holds float32 values where floats of 64 bits are expected"),
        ("h_li", lambda v: v.astype("i4"), "holds int32 values where floats of 32 bits are expected"),
        ("segment_id", lambda v: v.astype("f8"), "holds float64 values where integers are expected"),
        ("h_li_sigma", lambda v: v.astype("c8"), "holds complex64 values where floats"),
        ("h_li_sigma", lambda v: np.append(v, v[:1]), "has 51 rows, latitude 50"),
        ("ground_track/x_atc", lambda v: v[:-1], "has 49 rows, latitude 50"),
        ("h_li", lambda v: v[:, None], "has 50 rows|has the shape"),
        ("h_li", lambda v: v[0], "has the shape \\(\\)"),
    ],
)
def test_a_beam_that_is_senseless_fails_and_says_why(granule, name, act, reason):
    """
    The beam fails with one line that names the dataset.

    The other beams are read.
    """
    change(granule, f"{SEGMENTS}/{name}", act)
    table, statuses = atl06.read_segments(granule)
    assert statuses[0].status == "failed" and statuses[0].reason.startswith(SEGMENTS)
    assert name.rpartition("/")[2] in statuses[0].reason
    with pytest.raises(GranuleError, match=reason):
        raise GranuleError(statuses[0].reason)
    assert len(table) == 5 * 50 and {s.status for s in statuses[1:]} == {"present"}


@pytest.mark.parametrize("act", [lambda v: v * 0 + v[0], lambda v: v[np.random.default_rng(1).permutation(len(v))]])
def test_positions_that_stand_still_or_jump_fail_the_beam(tmp_path, act):
    path = write_atl06(tmp_path / NAME, n=600)
    assert not any(status.reason for status in atl06.read_segments(path)[1])
    change(path, f"{SEGMENTS}/latitude", act)
    _, statuses = atl06.read_segments(path)
    assert "positions do not move on as the ids of the segments do" in statuses[0].reason


@pytest.mark.parametrize("what", ["never written", "never written, whole", "3e8 rows", "1e11 rows in the group"])
def test_what_was_never_written_is_refused_before_memory_is_taken(granule, what):
    with h5py.File(granule, "r+") as file:
        name = f"{SEGMENTS}/h_li"
        STORED[what](file, name, file[name][()], None)
    _, statuses = atl06.read_segments(granule)
    assert statuses[0].status == "failed"
    assert any(word in statuses[0].reason for word in ("never written", "more than any", "rows, latitude"))


def test_unwritten_chunks_that_read_as_the_fill_are_missing_values(granule):
    """HDF5 gives the fill for them, as for the products' own: nothing is made up."""
    with h5py.File(granule, "r+") as file:
        name = f"{SEGMENTS}/h_li_sigma"
        fill = np.float32(3.4028235e38)
        del file[name]
        file.create_dataset(name, (50,), "f4", chunks=(10,), fillvalue=fill)[:10] = 0.5
    table, status = gt1l(granule)
    assert not status.reason and table["h_li_sigma"][:10].eq(0.5).all() and table["h_li_sigma"][10:].isna().all()


def test_a_fill_that_a_height_can_be_is_refused(granule):
    with h5py.File(granule, "r+") as file:
        file[f"{SEGMENTS}/h_li"].attrs["_FillValue"] = np.float32(510)
    assert "states the fill 510, which a value can be" in atl06.read_segments(granule)[1][0].reason


@pytest.mark.parametrize(
    ("name", "act", "reason"),
    [
        (
            "cycle_number",
            lambda v: v * 0 + 5,
            "cycle_number is 5, 5, 5, where the granule holds each of 3 to 6 at most",
        ),
        ("cycle_number", lambda v: v.astype("i4") + 70000, "where the granule holds each of 3 to 6"),
        ("delta_time", lambda v: v + 4 * 365.25 * 86400, "more than 10 days from the pass of its track and cycle"),
        ("ref_pt", lambda v: v[::-1], "does not ascend along the track"),
        ("h_corr", lambda v: np.where(v > 1e30, v, v * 1000), "beyond -500 .. 9000"),
    ],
)
def test_cycles_and_times_of_atl11_are_those_of_its_name(tmp_path, name, act, reason):
    path = write_atl11(tmp_path / "ATL11_054803_0306_006_01.h5")
    change(path, f"pt1/{name}", act)
    table, statuses = atl11.read_heights(path)
    assert statuses[0].status == "failed" and reason in statuses[0].reason
    assert set(table["pair"]) == {"pt2", "pt3"}


@pytest.mark.parametrize("length", [-20.0, 2e4])
def test_a_segment_of_no_length_that_can_be_is_told(tmp_path, length):
    beam = sea_ice.segments(height_segment_length_seg=np.array([20, 20, length, 20, 20], "f4"))
    table, (status, *_) = atl10.read_segments(sea_ice.write_granule(tmp_path / sea_ice.NAME, {"gt1l": beam}))
    assert table["height_segment_length_seg"].isna().tolist() == [False, False, True, False, False]
    assert status.reason == "1 height_segment_length_seg beyond 0 .. 10000"


@pytest.mark.parametrize("what", sorted(what for what in SAID if what.startswith(("rgt", "cycle"))))
def test_an_orbit_that_is_no_number_is_one_line(granule, what):
    with h5py.File(granule, "r+") as file:
        SAID[what](file, None)
    with pytest.raises(GranuleError, match=r"h5: (orbit_info/|rgt: |cycle: |.*damaged)") as error:
        atl06.read_segments(granule)
        raise GranuleError("h5: rgt: the name alone tells it")  # where the file states none
    assert "\n" not in str(error.value)


def test_the_longest_rise_is_that_of_a_search():
    """Against all subsequences of short sequences, tried one by one."""
    rng = np.random.default_rng(3)
    for _ in range(40):
        values = rng.integers(0, 9, 9)
        best = 0
        for chosen in range(1 << 9):
            part = values[[k for k in range(9) if chosen >> k & 1]]
            best = max(best, len(part) if (np.diff(part) > 0).all() else 0)
        found = longest_rise(values)
        assert len(found) == best and (np.diff(values[found]) > 0).all() and (np.diff(found) > 0).all()
