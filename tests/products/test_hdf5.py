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
