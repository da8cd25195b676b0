"""HDF5 granules: broken files say what is wrong, fills become NaN, attributes come in any style."""

import h5py
import numpy as np
import pytest
from tests.builders.studies import write_atl06

from nunatak.products import GranuleError, hdf5


def opened(path):
    with hdf5.open_granule(path) as file:
        return list(file)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(GranuleError, match=r"ATL06_x\.h5: does not exist; fetch it again"):
        opened(tmp_path / "ATL06_x.h5")


def test_folder_is_not_a_granule(tmp_path):
    with pytest.raises(GranuleError, match="is a folder where a granule is expected"):
        opened(tmp_path)


def test_file_without_bytes(tmp_path):
    (tmp_path / "a.h5").touch()
    with pytest.raises(GranuleError, match=r"a\.h5: holds no bytes"):
        opened(tmp_path / "a.h5")


def test_web_page_saved_as_granule(tmp_path):
    (tmp_path / "a.h5").write_text("<!DOCTYPE html>\n<html><title>Earthdata Login</title>")
    with pytest.raises(GranuleError, match=r"web page .*<!DOCTYPE html> <html>.*check the login") as caught:
        opened(tmp_path / "a.h5")
    assert "\n" not in str(caught.value)


def test_other_format(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(GranuleError, match="is not an HDF5 file"):
        opened(tmp_path / "a.h5")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_file(tmp_path, share):
    path = write_atl06(tmp_path / "a.h5")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(GranuleError, match=r"a\.h5: .*truncated.*remove it and fetch it again") as caught:
        opened(path)
    assert "\n" not in str(caught.value)


def test_damage_inside_is_found_while_reading(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(10000.0), chunks=(10000,), compression="gzip")
        offset = file["x"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 200] = b"\xff" * 200
    path.write_bytes(content)
    with pytest.raises(GranuleError, match=r"a\.h5: x: damaged: .*remove it"), hdf5.open_granule(path) as file:
        hdf5.read(file, "x")


@pytest.mark.parametrize(
    ("value", "read"),
    [(b"weak ", "weak"), ("weak", "weak"), (np.array(["weak"], object), "weak"), (np.array([b"weak"]), "weak")],
)
def test_attribute_styles(value, read):
    assert hdf5.text(value) == read


@pytest.fixture
def columns(tmp_path):
    with h5py.File(tmp_path / "columns.h5", "w") as file:
        file["plain"] = np.array([1.0, 3.4028235e38, 2.0], "f4")
        file["wide"] = np.array([1.0, 3.4028235e38, 1.7976931348623157e308])
        file["own"] = np.array([1.0, -9999.0, 2.0], "f4")
        file["own"].attrs["_FillValue"] = np.float32(-9999)
        file["count"] = np.array([1, 2147483647, 3], "i4")
        file["id"] = np.array([0, 5, 6], "i4")
        file["id"].attrs["_FillValue"] = np.int32(0)
        file["table"] = np.arange(12.0).reshape(4, 3)
    with h5py.File(tmp_path / "columns.h5") as file:
        yield file


def test_fills_are_nan_without_any_attribute(columns):
    np.testing.assert_array_equal(hdf5.read(columns, "plain"), [1, np.nan, 2])
    np.testing.assert_array_equal(hdf5.read(columns, "wide"), [1, np.nan, np.nan])


def test_stated_fill_is_nan(columns):
    np.testing.assert_array_equal(hdf5.read(columns, "own"), [1, np.nan, 2])


def test_integers_keep_their_type_unless_asked(columns):
    assert hdf5.read(columns, "count").dtype == "i4"
    np.testing.assert_array_equal(hdf5.read(columns, "count", as_float=True), [1, np.nan, 3])
    np.testing.assert_array_equal(hdf5.read(columns, "id", as_float=True), [np.nan, 5, 6])


def test_rows_and_windows(columns):
    np.testing.assert_array_equal(hdf5.read(columns, "table", slice(1, 3)), [[3, 4, 5], [6, 7, 8]])
    np.testing.assert_array_equal(hdf5.read(columns, "table", (slice(2, 4), slice(0, 1))), [[6], [9]])
    assert hdf5.read(columns, "table", slice(2, 2)).shape == (0, 3)


def test_absent_dataset_says_what_there_is(columns):
    with pytest.raises(GranuleError, match=r"has no 'h_li' \(it has: count, id, .*fetch the whole granule"):
        hdf5.read(columns, "h_li")


def spots(path, beam, seconds):
    with hdf5.open_granule(path) as file:
        start = file[f"{beam}/land_ice_segments/delta_time"][0]
        return hdf5.spots(file, beam, start + np.asarray(seconds))


@pytest.mark.parametrize(("orient", "gt1l", "gt3r"), [(0, 1, 6), (1, 6, 1)])
def test_strong_is_left_backward_and_right_forward(tmp_path, orient, gt1l, gt3r):
    path = write_atl06(tmp_path / "a.h5", turns=((0.0, orient),))
    assert spots(path, "gt1l", [0.0])[0] == gt1l
    assert spots(path, "gt3r", [0.0])[0] == gt3r
    assert hdf5.is_strong(spots(path, "gt1l", [0.0])[0]) == (orient == 0)


def test_spot_follows_a_turn_inside_the_granule(tmp_path):
    """Backward, then turning, then forward: gt2l is spot 3, unknown, spot 4."""
    path = write_atl06(tmp_path / "a.h5", turns=((0.0, 0), (10.0, 2), (20.0, 1)))
    spot, note = spots(path, "gt2l", [0.0, 12.0, 30.0])
    np.testing.assert_array_equal(spot, [3, 0, 4])
    assert note == ""


def test_orientations_count_from_their_times_whatever_their_order(tmp_path):
    """
    The same two turns are written down latest first.

    Before the first time, the first orientation holds.
    """
    path = write_atl06(tmp_path / "a.h5", turns=((20.0, 1), (10.0, 2), (0.0, 0)))
    np.testing.assert_array_equal(spots(path, "gt2l", [-5.0, 0.0, 12.0, 30.0])[0], [3, 3, 0, 4])


@pytest.mark.parametrize("text_arrays", [False, True])
def test_beam_attribute_stands_in_for_a_missing_orientation(tmp_path, text_arrays):
    path = write_atl06(tmp_path / "a.h5", orbit=False, text_arrays=text_arrays)
    np.testing.assert_array_equal(spots(path, "gt1l", [0.0])[0], [6])


def test_contradicting_beam_attribute_is_noted(tmp_path):
    path = write_atl06(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file["gt1l"].attrs["atlas_spot_number"] = np.bytes_("1")
    spot, note = spots(path, "gt1l", [0.0])
    assert spot == 6
    assert note == "atlas_spot_number 1 contradicts sc_orient (spot 6); sc_orient is followed"


@pytest.mark.parametrize(("name", "value"), [("scale_factor", 0.001), ("add_offset", 100.0)])
def test_packed_values_are_refused(tmp_path, name, value):
    """A granule that somebody packed is no original; a scale of one and an offset of none say nothing."""
    with h5py.File(tmp_path / "packed.h5", "w") as file:
        file["h"] = np.arange(5)
        file["h"].attrs["scale_factor"], file["h"].attrs["add_offset"] = 1.0, 0.0
        assert hdf5.read(file, "h").tolist() == [0, 1, 2, 3, 4]
        file["h"].attrs[name] = value
        with pytest.raises(GranuleError, match=f"h: packed with {name} {value:g}.*fetch the original granule"):
            hdf5.read(file, "h")
