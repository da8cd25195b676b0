"""Image pairs: three layouts read around HDF5, their odd metadata, and every way a file can be wrong."""

import json
import shutil

import h5py
import numpy as np
import pytest

from nunatak.products import GranuleError, inflate
from nunatak.products.itslive.chunks import read_window
from nunatak.products.itslive.fields import FILL, LAYOUT
from nunatak.products.itslive.ground import FIELDS, scale_field, to_ground, window_grid
from nunatak.products.itslive.index import index_pairs
from nunatak.products.itslive.pairs import open_pair, read_pair
from nunatak.simulation import itslive, worlds
from nunatak.simulation.itslive_files import write_granule
from nunatak.simulation.itslive_pairs import schedule
from nunatak.simulation.itslive_values import footprint, measure

LE07 = (
    "real/ITS_LIVE/LE07_L1GT_001113_20121118_20161127_01_T2_X_LE07_L1GT_232113_20121104_20161127_01_T2_G0240V01_P059.nc"
)
LT05 = (
    "real/ITS_LIVE/LT05_L1GS_219121_19841206_20200918_02_T2_X_LT05_L1GS_226120_19850124_20200918_02_T2_G0120V02_P000.nc"
)
VARIABLES = ("vx", "vy", "v", "v_error", "chip_size_width", "chip_size_height", "interp_mask")


@pytest.fixture(scope="module")
def written_pairs(tmp_path_factory):
    """A function that writes the first tiny simulated pair with given layout and quirks; {(layout, quirk): path}."""
    folder = tmp_path_factory.mktemp("pairs")
    world = worlds.world("pine_island", "tiny")
    pairs = schedule(world)
    grids = [(pair, footprint(world, pair)) for pair in pairs]
    truths = {key: itslive.Truth(world, grid) for key, grid in itslive.covers(grids).items()}

    def find(layout, *quirks):
        pair, grid = next(
            (p, g) for p, g in grids if p.layout == layout and set(quirks) <= p.quirks and "stray" not in p.quirks
        )
        measured = measure(world, pair, grid, truths[grid.crs, grid.dx])
        path = folder / itslive.file_name(pair, measured.percent_valid)
        if not path.exists():
            with h5py.File(path, "w") as file:
                write_granule(file, pair, measured)
        return path, pair, measured

    return find


def through_hdf5(path, name, rows, columns):
    """The same window by HDF5's own filters."""
    with h5py.File(path) as file:
        if name not in file:
            return np.full((rows[1] - rows[0], columns[1] - columns[0]), LAYOUT[name][2])
        values = file[name][0] if file[name].ndim == 3 else file[name][()]
        return values[slice(*rows), slice(*columns)]


def test_the_real_v1_pair_is_read_as_the_file_has_it(data):
    """The Landsat pair over Pine Island: dates in order, grid from x and y, values bit for bit."""
    row = read_pair(data(LE07))
    assert (row["layout"], row["epsg"], row["dx"]) == ("v1", 3031, 240.0)
    assert row["swapped"] and row["date_dt"] == 14
    assert str(row["acquisition_date_img1"])[:10] == "2012-11-04"
    assert row["id_img1"].split("_")[3] == "20121104"
    assert (row["path_row_img1"], row["path_row_img2"], row["geometry"]) == ("232113", "001113", "cross")
    assert (row["error_source"], round(row["vx_error"], 2), round(row["vy_error"], 2)) == (
        "stable_rmse",
        186.74,
        228.24,
    )
    index = index_pairs([data(LE07)]).to_dict("records")[0]
    window = read_window(index, VARIABLES, (0, 592), (0, 636))
    assert (window["vx"] != FILL).sum() == 163268
    for name in ("vx", "vy", "v", "chip_size_width", "interp_mask"):
        np.testing.assert_array_equal(window[name], through_hdf5(data(LE07), name, (0, 592), (0, 636)))
    assert not window["chip_size_height"].any()  # never written in the file: all missing


def test_the_real_v2_pair_has_the_lattice_of_its_coordinates(data):
    """GeoTransform is that of a cell centre there; the grid comes from x and y."""
    row = read_pair(data(LT05))
    assert (row["layout"], row["x0"], row["y0"], row["dx"]) == ("v2", -849907.5, -457132.5, 120.0)
    assert row["stable_shift_flag"] == 0 and row["vx_stable_shift"] == 0
    assert (row["x0"] - 60) % 120 == (-1716367.5 - 120) % 120  # edges of version 1 and 2 coincide
    index = index_pairs([data(LT05)]).to_dict("records")[0]
    window = read_window(index, ("vx", "vy"), (600, 1879), (5, 2016))
    assert (window["vx"] == FILL).all()


def test_one_granule_opens_with_units_and_missing_values(data):
    """For looking at a pair: NaN for missing, m/yr, the CRS known."""
    pair = open_pair(data(LE07))
    assert pair.attrs["crs"] == "EPSG:3031" and pair["vx"].attrs["units"] == "m/yr"
    assert int(np.isfinite(pair["v"]).sum()) == 163268
    assert float(pair["x"][0]) == -1716367.5 and float(pair["y"][0]) > float(pair["y"][-1])
    np.testing.assert_allclose(pair["v"], np.hypot(pair["vx"], pair["vy"]), atol=0.75)  # all three are rounded


@pytest.mark.parametrize(("layout", "quirk"), [("v1", "swapped"), ("v2", "old_names"), ("v2a", "pad_bug")])
def test_direct_reads_equal_hdf5(written_pairs, layout, quirk):
    """Windows inside, over chunk borders and at the edge, in the three layouts."""
    path, pair, measured = written_pairs(layout, quirk)
    row = index_pairs([path]).to_dict("records")[0]
    assert row["layout"] == layout and row["reader"] == "direct"
    assert abs(row["date_dt"] - pair.dt_days) < 1 and row["id_img1"] == pair.id_img1
    assert row["vx_error"] * row["map_scale"] == pytest.approx(measured.error[0], abs=1e-4)
    ny, nx = row["ny"], row["nx"]
    for rows, columns in (((0, ny), (0, nx)), ((10, 11), (20, 90)), ((ny - 7, ny), (nx - 5, nx))):
        window = read_window(row, VARIABLES, rows, columns)
        missing = window["vx"] == FILL
        for name in VARIABLES:
            expected = through_hdf5(path, name, rows, columns)
            if layout == "v2a" and name not in ("vx", "vy", "v", "v_error"):
                expected = np.where(missing, 0, expected)
            if name == "chip_size_height" and layout == "v1":
                expected = np.zeros_like(expected)  # HDF5 gives its own fill, 65535, for what was never written
            if layout != "v1" and name in FIELDS:
                expected = to_ground(expected, scale_field(window_grid(row, rows, columns)))
            np.testing.assert_array_equal(window[name], expected, err_msg=name)


def test_pad_cells_hold_no_chip_size(written_pairs):
    """Files made before hyp3-autorift 0.28.0 say 32769 m and interpolated in their padding."""
    path, _, measured = written_pairs("v2a", "pad_bug")
    row = index_pairs([path]).to_dict("records")[0]
    assert through_hdf5(path, "chip_size_width", (0, row["ny"]), (0, row["nx"])).max() == 32769
    window = read_window(row, VARIABLES, (0, row["ny"]), (0, row["nx"]))
    assert window["chip_size_width"].max() <= 960
    assert window["interp_mask"].sum() == measured.interpolated.sum()
    assert float(open_pair(path)["chip_size_width"].max()) <= 960


@pytest.mark.parametrize("quirk", ["bad_date", "empty", "no_shift"])
def test_odd_metadata_is_understood(written_pairs, quirk):
    """A date with a second time, a pair without a valid cell, a stable shift of NaN."""
    path, pair, _ = written_pairs("v2a" if quirk == "bad_date" else "v2", quirk)
    row = read_pair(path)
    assert row["acquisition_date_img1"] == pair.time1
    assert (row["vx_stable_shift"] == 0) == (quirk == "no_shift")


@pytest.mark.parametrize("flag", [np.nan, "none"])
def test_a_flag_or_date_that_is_none_costs_no_pair(written_pairs, tmp_path, flag):
    """An unknown flag counts as no correction; a month 13 gives way to the date in the name."""

    def spoil(file):
        file["vx"].attrs["stable_shift_flag"] = flag
        file["img_pair_info"].attrs["acquisition_date_img1"] = "20151399T00:00:00"

    path, pair, _ = written_pairs("v2", "no_shift")
    row = index_pairs([copy_with(path, tmp_path, spoil)]).iloc[0]
    assert (row["status"], row["stable_shift_flag"]) == ("present", 0)
    assert abs(row["acquisition_date_img1"] - pair.time1) < np.timedelta64(1, "D")


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [("vx", "stable_shift_flag", 1e30), ("vx", "stable_shift", FILL), ("chip_size_width", "_FillValue", 1e30)],
)
def test_a_number_that_cannot_be_meant_is_as_if_it_were_not_there(written_pairs, tmp_path, name, attribute, value):
    """A flag and a fill beyond their types, a fill where a shift stands: no job ends, no velocity moves."""
    path, *_ = written_pairs("v2", "no_shift")

    def spoil(file):
        file[name].attrs[attribute] = value

    spoiled = copy_with(path, tmp_path, spoil)
    row = index_pairs([spoiled]).to_dict("records")[0]
    assert row["status"] == "present" and row["stable_shift_flag"] in (0, 1, 2)
    assert abs(row["vx_stable_shift"]) < 1000
    window, expected = (
        read_window(one, ("vx", "chip_size_width"), (0, 100), (0, 100))
        for one in (row, index_pairs([path]).to_dict("records")[0])
    )
    for key, values in expected.items():
        np.testing.assert_array_equal(window[key], values)


def test_a_second_index_opens_no_granule(written_pairs, monkeypatch):
    """What an earlier index knows of an unchanged file is taken over."""
    path, *_ = written_pairs("v1")
    known = index_pairs([path])
    monkeypatch.setattr("nunatak.products.itslive.index.read_pair", lambda path: pytest.fail("opened"))
    again = index_pairs([path], known=known)
    assert again.equals(known)


def test_inflate_libraries_agree_and_refuse_damage():
    """libdeflate, ISA-L and zlib give the same bytes; a cut stream and a wrong size are said."""
    import zlib

    raw = np.random.default_rng(0).integers(0, 50, 4000).astype("i2").tobytes()
    packed = zlib.compress(raw)
    for name in ("deflate", "isal", "zlib"):
        try:
            _, using = inflate.library(name)
        except ImportError:
            continue
        assert bytes(inflate.inflate(packed, len(raw), using)) == raw
        with pytest.raises(inflate.InflateError, match="damaged chunk"):
            inflate.inflate(packed[:-9], len(raw), using)
    with pytest.raises(inflate.InflateError, match="damaged chunk"):
        inflate.inflate(packed, len(raw) + 2, inflate.library("zlib")[1])


def test_shuffle_is_undone_like_its_definition():
    """The kernel against shifting planes of bytes."""
    rng = np.random.default_rng(1)
    values = rng.integers(-32768, 32767, (7, 9), dtype="i2")
    raw = np.ascontiguousarray(values.reshape(-1).view("u1").reshape(-1, 2).T).tobytes()
    out = np.empty((3, 4), "i2")
    inflate.unshuffle_window(raw, (7, 9), 2, 5, out)
    np.testing.assert_array_equal(out, values[2:5, 5:9])
    reference = inflate.unshuffle_reference(raw, 2, (7, 9), (2, 5), (5, 9))
    np.testing.assert_array_equal(reference.astype("u2").view("i2"), values[2:5, 5:9])


def copy_with(path, tmp_path, change):
    target = tmp_path / path.name
    shutil.copy(path, target)
    with h5py.File(target, "a") as file:
        change(file)
    return target


def rewrite(name, kind=None, **options):
    def change(file):
        values, attributes = file[name][()], dict(file[name].attrs)
        values = values.astype(kind or values.dtype)
        del file[name]
        dataset = file.create_dataset(name, data=values, **options)
        for key, value in attributes.items():
            if key != "DIMENSION_LIST":
                dataset.attrs[key] = value

    return change


@pytest.mark.parametrize(
    "options",
    [{"chunks": (50, 50), "compression": "lzf"}, {"chunks": (50, 50), "compression": "gzip", "fletcher32": True}, {}],
)
def test_unexpected_filters_go_through_hdf5_and_say_so(written_pairs, tmp_path, caplog, options):
    """lzf, a checksum, no chunks at all: same values, with a warning that names the reason."""
    path, *_ = written_pairs("v2", "no_shift")
    changed = copy_with(path, tmp_path, rewrite("vx", **options))
    row = index_pairs([changed]).to_dict("records")[0]
    assert row["reader"].startswith("h5py: vx") and "read through h5py" in caplog.text
    window = read_window(row, ("vx", "vy"), (3, 120), (7, 110))
    on_map = through_hdf5(path, "vx", (3, 120), (7, 110))
    expected = to_ground(on_map, scale_field(window_grid(row, (3, 120), (7, 110))))
    np.testing.assert_array_equal(window["vx"], expected)


def delete(*names):
    def change(file):
        for name in names:
            del file[name]

    return change


def both_dates_equal(file):
    file["img_pair_info"].attrs["acquisition_date_img2"] = file["img_pair_info"].attrs["acquisition_date_img1"]


def descending_x(file):
    file["x"][...] = file["x"][()][::-1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (delete("vy"), "has no 'vy'"),
        (delete("img_pair_info"), "has no 'img_pair_info'"),
        (delete("mapping"), "no spatial_epsg"),
        (lambda file: file["mapping"].attrs.__setitem__("spatial_epsg", np.nan), "no spatial_epsg"),
        (lambda file: delete("vx")(file) or file.create_group("vx"), "has no 'vx'"),
        (lambda file: delete("v_error")(file) or file.create_group("v_error"), "v_error: is no dataset"),
        (descending_x, "x must ascend and y descend"),
        (both_dates_equal, "a pair needs two dates"),
        (lambda file: file["vx"].attrs.__setitem__("units", "m/day"), "unit 'm/day' is not metres per year"),
        (lambda file: file["mapping"].attrs.__setitem__("spatial_epsg", np.inf), "no spatial_epsg"),
        (lambda file: file["mapping"].attrs.__setitem__("spatial_epsg", 4326), "spatial_epsg 4326 is no projected"),
        (lambda file: file["mapping"].attrs.__setitem__("spatial_epsg", 99999), "spatial_epsg 99999 is no projected"),
        (rewrite("x", "c8"), "x: holds complex64 values where floats or integers"),
        (rewrite("vx", "c8"), "vx holds complex64, not numbers"),
        (rewrite("interp_mask", "?"), "interp_mask holds bool, not numbers"),
        (lambda file: file["x"].__setitem__(3, 0.0) or file["x"].__setitem__(1, 9e9), "not evenly spaced"),
    ],
)
def test_a_broken_pair_is_refused_in_words(written_pairs, tmp_path, change, message):
    """One line that names the file and the field; the index keeps it as failed."""
    path, *_ = written_pairs("v2", "no_shift")
    broken = copy_with(path, tmp_path, change)
    with pytest.raises(GranuleError, match=message):
        read_pair(broken)
    row = index_pairs([broken]).iloc[0]
    assert row["status"] == "failed" and broken.name in row["reason"]


def test_a_cut_file_and_a_damaged_chunk_are_told_apart_from_data(written_pairs, tmp_path):
    """Cut after indexing, cut before, and bytes overwritten inside a chunk."""
    path, *_ = written_pairs("v2", "no_shift")
    copy = tmp_path / path.name
    shutil.copy(path, copy)
    row = index_pairs([copy]).to_dict("records")[0]
    content = copy.read_bytes()
    copy.write_bytes(content[: len(content) // 2])
    with pytest.raises(GranuleError, match="changed since it was indexed"):
        read_window(row, ("vx",), (0, 10), (0, 10))
    assert index_pairs([copy]).iloc[0]["status"] == "failed"
    _, _, offset, stored = json.loads(row["chunks"])["vx"]["at"][0]
    copy.write_bytes(content[: offset + 10] + bytes(stored - 20) + content[offset + stored - 10 :])
    with pytest.raises(GranuleError, match="damaged chunk"):
        read_window(row, ("vx",), (0, 10), (0, 10))


def test_a_file_that_is_no_granule_fails_with_its_reason(tmp_path):
    """A web page, an absent file."""
    page = tmp_path / "page.nc"
    page.write_text("<html>login</html>")
    table = index_pairs([page, tmp_path / "absent.nc"])
    assert list(table["status"]) == ["failed", "failed"]
    reasons = " ".join(table["reason"])
    assert "web page" in reasons and "does not exist" in reasons


def test_a_renamed_pair_still_knows_its_images(written_pairs, tmp_path):
    """Version 2 keeps the images' names inside; version 1 then goes by mission and path and row alone."""
    path, pair, _ = written_pairs("v2", "no_shift")
    renamed = tmp_path / "mine.nc"
    shutil.copy(path, renamed)
    assert read_pair(renamed)["id_img1"] == pair.id_img1
    path, pair, _ = written_pairs("v1")
    shutil.copy(path, renamed)
    row = read_pair(renamed)
    assert row["group"] == "L7" and abs(row["date_dt"] - pair.dt_days) < 1


def saved_again(path, tmp_path, change=lambda pair: pair, **encoding):
    """The pair as xarray writes it, each velocity in a form of its own."""
    import xarray as xr

    target = tmp_path / path.name
    with xr.open_dataset(path, engine="h5netcdf", mask_and_scale=True, decode_times=False) as pair:
        changed = change(pair.load())
        names = [name for name in ("vx", "vy", "v") if name in changed]
        for name in changed.variables:
            changed[name].encoding = {}
        changed.to_netcdf(target, engine="h5netcdf", encoding={name: dict(encoding) for name in names})
    return target


def layer(path, names=("vx", "vy", "v")):
    row = index_pairs([path]).to_dict("records")[0]
    assert row["status"] == "present", row["reason"]
    return read_window(row, names, (0, row["ny"]), (0, row["nx"]))


@pytest.mark.parametrize(
    "encoding",
    [
        {"dtype": "i2", "scale_factor": 0.5, "_FillValue": FILL},
        {"dtype": "i4", "scale_factor": 0.1, "add_offset": 100.0, "_FillValue": -2147483647},
        {"dtype": "i2", "add_offset": -3.0, "_FillValue": -32768},
        {"dtype": "f4", "_FillValue": np.float32(9.96921e36)},
        {"dtype": "f8"},
        {"dtype": "i4", "_FillValue": FILL},
    ],
)
def test_a_pair_saved_again_gives_the_same_layer(written_pairs, tmp_path, encoding):
    """Packed, floats, wider integers, another fill: the values are those of the granule, also in `open_pair`."""
    path, *_ = written_pairs("v2", "no_shift")
    again = saved_again(path, tmp_path, **encoding)
    expected, got = layer(path), layer(again)
    for name in expected:
        np.testing.assert_array_equal(got[name], expected[name], err_msg=name)
        shown = open_pair(again)[name]
        np.testing.assert_allclose(shown, open_pair(path)[name], atol=1e-3)
        np.testing.assert_allclose(shown, np.where(expected[name] == FILL, np.nan, expected[name]), atol=0.501)
        assert shown.attrs["units"] == "m/yr" and "scale_factor" not in shown.attrs


@pytest.mark.parametrize("kind", ["f4", "i4"])
def test_values_beyond_int16_are_missing_and_counted(written_pairs, tmp_path, caplog, kind):
    """40,000 m/yr must not come out as -25,536."""
    path, *_ = written_pairs("v2", "no_shift")
    row, column = np.argwhere(layer(path)["vx"] != FILL)[0]

    def wild(pair):
        pair["vx"][row, column] = 40_000
        pair["vy"][row, column] = -40_000
        return pair

    got = layer(saved_again(path, tmp_path, wild, dtype=kind, _FillValue=FILL))
    assert got["vx"][row, column] == FILL and got["vy"][row, column] == FILL
    assert "vx: 1 cells beyond 32767 m/yr are taken as missing" in caplog.text
    assert got["v"][row, column] == layer(path)["v"][row, column]


@pytest.mark.parametrize("side", [90, None])
def test_a_pair_stored_x_y_is_read_the_right_way_round(written_pairs, tmp_path, side):
    """A square one cannot be told by its shape, only by the names of its dimensions."""
    path, *_ = written_pairs("v2", "no_shift")
    straight, turned = tmp_path / "straight", tmp_path / "turned"
    straight.mkdir()
    turned.mkdir()

    def cut(pair):
        return pair.isel(x=slice(0, side), y=slice(5, None if side is None else side + 5))

    expected = layer(saved_again(path, straight, cut, dtype="i2", _FillValue=FILL))
    got = layer(saved_again(path, turned, lambda pair: cut(pair).transpose("x", "y"), dtype="i2", _FillValue=FILL))
    assert (expected["vx"] != expected["vx"].T).any() if side else expected["vx"].shape[0] != expected["vx"].shape[1]
    for name in expected:
        np.testing.assert_array_equal(got[name], expected[name])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file["vx"].attrs.__setitem__("error", [5.0, 80.0]), r"vx: error holds several numbers \(5, 80\)"),
        (lambda file: file["vy"].attrs.__setitem__("units", "m/day"), "vy: unit 'm/day' is not metres per year"),
        (lambda file: rewrite_cut(file, "vy"), "vy is .* where x and y hold"),
    ],
)
def test_what_would_be_cut_to_one_value_is_refused(written_pairs, tmp_path, change, message):
    """A list of errors, a component in another unit or of another shape."""
    path, *_ = written_pairs("v2", "no_shift")
    row = index_pairs([copy_with(path, tmp_path, change)]).iloc[0]
    assert row["status"] == "failed"
    with pytest.raises(GranuleError, match=message):
        read_pair(tmp_path / path.name)


def rewrite_cut(file, name):
    values = file[name][()]
    del file[name]
    file.create_dataset(name, data=values[:-1])


def test_an_index_of_an_older_reading_is_not_believed(written_pairs):
    """What an earlier program said of a file may lack what this one looks for."""
    path, *_ = written_pairs("v1")
    known = index_pairs([path])
    older = known.assign(reading=1, vx_error=1e6)
    assert index_pairs([path], known=older).equals(known)
    assert index_pairs([path], known=older.drop(columns="reading")).equals(known)


def test_a_satellite_written_as_a_number_is_no_group_of_its_own():
    """Version 1 holds 8.0, cubes cut it to two characters."""
    from nunatak.granules import group_of
    from nunatak.products.itslive.scenes import platform_of

    assert [platform_of("L", satellite) for satellite in ("8", "8.0", "8.", "08", " 8", "8.00")] == ["LC08"] * 6
    assert {group_of(platform_of("S", satellite)) for satellite in ("1A", "1", "1.", "1.0")} == {"S1"}
    assert platform_of("S", "2B") == "S2B"
