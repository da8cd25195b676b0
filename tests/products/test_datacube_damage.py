"""Datacubes with chunks that are absent or damaged, or coordinates and dates that cannot be: filled, or one line."""

import json
import os
import shutil

import numpy as np
import pytest
import xarray as xr
import zarr
from tests.builders.datacubes import write_datacube

from nunatak.files import remote
from nunatak.products import GranuleError
from nunatak.products.itslive.cubes import open_datacube
from nunatak.products.itslive.mosaics import open_mosaic

FILL = -32767


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A cube of 40 layers and 8 x 9 cells in chunks of 10 x 3 x 3, as the archive writes it: no fill value stated."""
    path = tmp_path_factory.mktemp("whole") / "cube.zarr"
    write_datacube(path)
    assert json.loads((path / "vx" / ".zarray").read_text())["fill_value"] is None
    return path


@pytest.fixture
def cube(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "cube.zarr")


def values_of(path, name="vx"):
    return zarr.open_array(str(path / name), mode="r", zarr_format=2)[...]


def rewrite(path, name, change):
    with zarr.config.set({"array.write_empty_chunks": True}):
        array = zarr.open_array(str(path / name), mode="r+", zarr_format=2)
        array[...] = change(array[...])


def drop(path, name):
    shutil.rmtree(path / name)
    listed = json.loads((path / ".zmetadata").read_text())
    listed["metadata"] = {key: kept for key, kept in listed["metadata"].items() if not key.startswith(f"{name}/")}
    (path / ".zmetadata").write_text(json.dumps(listed))


def told(path, **options):
    with pytest.raises(GranuleError) as refused:
        open_datacube(path, **options)
    assert "\n" not in str(refused.value) and str(path) in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("chunks", [None, {}])
def test_an_absent_chunk_is_fill_and_never_a_velocity_of_zero(cube, whole, chunks, caplog):
    (cube / "vx" / "1.2.0").unlink()
    cut, before = open_datacube(cube, chunks=chunks).load(), open_datacube(whole)
    order = np.argsort(values_of(whole, "acquisition_date_img1"), kind="stable")
    inside = np.zeros((40, 8, 9), bool)
    inside[10:20, 6:9, 0:3] = True
    inside = inside[order]
    assert (cut["vx"].values[inside] == FILL).all() and (before["vx"].values[inside] != FILL).any()
    np.testing.assert_array_equal(cut["vx"].values[~inside], before["vx"].values[~inside])
    np.testing.assert_array_equal(cut["vy"], before["vy"])
    if chunks is None:
        assert cut.attrs["absent_chunks"] == 1 and before.attrs["absent_chunks"] == 0
        assert "cube.zarr: 1 chunks are absent; what they hold is missing" in caplog.text


def test_an_absent_chunk_is_fill_whatever_the_store_says_of_it(tmp_path):
    """In format 3 a fill value of 0 stands for what was never written."""
    write_datacube(tmp_path / "cube.zarr", zarr_format=3)
    assert zarr.open_array(str(tmp_path / "cube.zarr" / "vx"), mode="r").fill_value == 0
    (tmp_path / "cube.zarr" / "vx" / "c" / "0" / "0" / "0").unlink()
    cut = open_datacube(tmp_path / "cube.zarr")
    assert (cut["vx"].values[:10, :3, :3] == FILL).all() and cut.attrs["absent_chunks"] == 1


@pytest.mark.parametrize(
    "name", ["x", "y", "acquisition_date_img1", "acquisition_date_img2", "mission_img1", "granule_url"]
)
def test_an_absent_chunk_of_anything_else_is_refused(cube, name):
    (cube / name / "0").unlink()
    assert f"{name}/0: the chunk is absent; fetch the cube again" in told(cube)


def test_errors_whose_chunk_is_absent_are_missing(cube):
    (cube / "vx_error" / "0").unlink()
    assert np.isnan(open_datacube(cube)["vx_error"]).all()


def test_a_failed_request_is_an_error_and_not_fill(cube, monkeypatch):
    """Of a service that answers all but one chunk."""
    content = {str(p.relative_to(cube)): p.read_bytes() for p in cube.rglob("*") if p.is_file()}

    def answered(address, session, part=None):
        key = str(address).removeprefix("https://host/cube.zarr/")
        if key == "vx/0.0.0":
            raise remote.NotReadable(f"{address}: answered 503, 5 times; wait and run again")
        return content.get(key)

    monkeypatch.setattr(remote, "read_object", answered)
    with pytest.raises(GranuleError, match=r"cube\.zarr/vx/0\.0\.0: answered 503, 5 times"):
        open_datacube("https://host/cube.zarr")
    content["vx/0.0.0"] = content["vx/0.0.1"]
    monkeypatch.setattr(remote, "read_object", lambda address, *_: content.get(str(address).split(".zarr/")[1]))
    del content["vy/3.0.0"]  # answered 404
    assert open_datacube("https://host/cube.zarr").attrs["absent_chunks"] == 1


def cut_short(chunk):
    chunk.write_bytes(chunk.read_bytes()[:20])


def of_noise(chunk):
    chunk.write_bytes(bytes(range(256)) * 8)


def a_pipe(chunk):
    chunk.unlink()
    os.mkfifo(chunk)


def a_folder(chunk):
    chunk.unlink()
    chunk.mkdir()


def a_link_to_itself(chunk):
    chunk.unlink()
    chunk.symlink_to(chunk)


def a_dangling_link(chunk):
    chunk.unlink()
    chunk.symlink_to("nowhere")


@pytest.mark.parametrize(
    ("place", "spoil"),
    [
        ("vx/2.1.0", lambda chunk: chunk.write_bytes(b"")),
        ("vx/2.1.0", cut_short),
        ("vx/2.1.0", of_noise),
        ("vx/2.1.0", a_pipe),
        ("x/0", cut_short),
        ("acquisition_date_img1/0", of_noise),
        ("acquisition_date_img1/0", a_pipe),
        ("granule_url/1", a_folder),
        ("vx/0.0.0", a_link_to_itself),
        ("vx/0.0.0", a_dangling_link),
    ],
)
def test_a_damaged_chunk_is_named(cube, place, spoil):
    spoil(cube / place)
    assert f"{place}: damaged (" in told(cube)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "5", "[" * 100_000, '{"metadata": 5}', '{"metadata": {}}', "\0" * 9]
)
def test_damaged_metadata_is_one_line(cube, text):
    for name in (".zmetadata", ".zgroup", ".zattrs"):
        (cube / name).write_text(text)
    told(cube)


@pytest.mark.parametrize(
    "change",
    [
        {"shape": "abc"},
        {"shape": [40, 8, 10**9]},
        {"shape": [40, 8]},
        {"chunks": [0, 0, 0]},
        {"chunks": [10**9] * 3},
        {"dtype": "zzz"},
        {"dtype": "|O"},
        {"dtype": "|S8"},
        {"compressor": {"id": "nope"}},
        {"compressor": {"id": "gzip", "level": 1}},
        {"order": "X"},
        {"zarr_format": 9},
    ],
)
def test_metadata_of_an_array_that_cannot_be_is_one_line(cube, change):
    listed = json.loads((cube / ".zmetadata").read_text())
    listed["metadata"]["vx/.zarray"] |= change
    (cube / ".zmetadata").write_text(json.dumps(listed))
    (cube / "vx" / ".zarray").write_text(json.dumps(listed["metadata"]["vx/.zarray"]))
    told(cube)


@pytest.mark.parametrize("stated", [5, ["a", "b", "c"], ["mid_date", "y"], None])
def test_dimensions_that_are_not_those_of_a_cube_are_refused(cube, stated):
    listed = json.loads((cube / ".zmetadata").read_text())
    listed["metadata"]["vx/.zattrs"]["_ARRAY_DIMENSIONS"] = stated
    (cube / ".zmetadata").write_text(json.dumps(listed))
    assert "vx: lies along" in told(cube)


@pytest.mark.parametrize(
    "name", ["x", "y", "mid_date", "acquisition_date_img1", "acquisition_date_img2", "mission_img1"]
)
def test_coordinates_and_dates_must_be_there(cube, name):
    drop(cube, name)
    assert f"has no {name!r}" in told(cube)


def one_off(values):
    values[3] += 50
    return values


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("x", one_off),
        ("y", np.zeros_like),
        ("y", lambda v: v * np.nan),
        ("x", lambda v: v[::-1]),
        ("x", lambda v: v * np.inf),
    ],
)
def test_coordinates_must_be_those_of_a_grid(cube, name, change):
    rewrite(cube, name, change)
    said = told(cube)
    assert f"{name}: the coordinates are not evenly spaced" in said or "x must ascend and y descend" in said


def layer_of_1900(values):
    values[7] = -25567
    return values


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "acquisition_date_img1",
            layer_of_1900,
            r"is not between 1982 and today in 1 of 40 layers \(the first is layer 7",
        ),
        ("acquisition_date_img2", lambda v: v + 36500, "acquisition_date_img2 is not between 1982 and today in 40"),
        ("acquisition_date_img1", lambda v: v * np.nan, "acquisition_date_img1 is not between 1982 and today in 40"),
        ("acquisition_date_img2", lambda v: v * 0 + 1e30, "acquisition_date_img2 is not between 1982 and today in 40"),
        ("acquisition_date_img1", lambda v: v + 20, "acquisition_date_img2 is before acquisition_date_img1 in 40"),
        ("acquisition_date_img2", lambda v: v + 5, "date_dt is not the days between the images in 40"),
        ("date_dt", lambda v: v * np.nan, "date_dt is not the days between the images in 40"),
    ],
)
def test_dates_must_be_possible(cube, name, change, said):
    rewrite(cube, name, change)
    with pytest.raises(GranuleError, match=said):
        open_datacube(cube)


def test_errors_that_cannot_be_are_missing(cube):
    rewrite(cube, "vx_error", lambda v: np.where(np.arange(40) == 3, -4, np.where(np.arange(40) == 5, np.inf, 2)))
    errors = open_datacube(cube)["vx_error"].values
    assert np.isnan(errors).sum() == 2 and set(errors[np.isfinite(errors)]) == {2.0}


@pytest.mark.parametrize("stated", [-1, None, 4326, 3031.5, "<script>"])
def test_a_projection_that_is_none_is_refused(cube, stated):
    listed = json.loads((cube / ".zmetadata").read_text())
    listed["metadata"][".zattrs"]["projection"] = stated
    (cube / ".zmetadata").write_text(json.dumps(listed))
    (cube / ".zattrs").write_text(json.dumps(listed["metadata"][".zattrs"]))
    assert "is no EPSG code of a map projection" in told(cube)


@pytest.mark.parametrize("period", [("1600-01-01", "9999-12-31"), ("1677-01-01", "2262-12-31")])
def test_a_period_beyond_what_nanoseconds_count_means_what_it_says(whole, period):
    assert open_datacube(whole, period=tuple(map(np.datetime64, period))).sizes["time"] == 40


def test_a_mosaic_without_coordinates_is_refused(tmp_path):
    """xarray would make up places 0, 1, 2."""
    field = xr.Dataset({"v": (("y", "x"), np.ones((3, 3), "i2"))}, attrs={"projection": 3031})
    field.to_netcdf(tmp_path / "mosaic.nc", engine="h5netcdf")
    with pytest.raises(GranuleError, match=r"mosaic\.nc: has no 'x'"):
        open_mosaic(tmp_path / "mosaic.nc")
