"""ITS_LIVE's own datacubes and mosaics: the real cube, small made-up stores, over HTTP ranges."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
import zarr
from tests.builders.datacubes import write_datacube

from nunatak.files import remote
from nunatak.products import GranuleError, datacube_layers
from nunatak.products.itslive.cubes import open_datacube
from nunatak.products.itslive.mosaics import open_mosaic
from nunatak.velocity import composite

TIBET = "real/ITS_LIVE_cube/ITS_LIVE_vel_EPSG32646_G0120_X750000_Y3350000_crop_1986-2020.zarr"


def test_the_real_cube_is_read_by_slice(data):
    """12 401 layers with repeated dates: sorted, complete, the integers of the store, sensors told apart."""
    cube = open_datacube(data(TIBET), bounds=(785000, 3312000, 787000, 3314000), variables=("vx", "vy", "v"))
    assert cube.sizes["time"] == 12401 and cube.attrs["crs"] == "EPSG:32646"
    assert 14 <= cube.sizes["x"] <= 18 and float(cube["y"][0]) > float(cube["y"][-1])
    assert (np.diff(cube["time"].values) >= np.timedelta64(0)).all()
    assert len(set(cube["granule_id"].values)) == 12401
    assert str(cube["time"].values[0])[:4] == "1986" and str(cube["time"].values[-1])[:4] == "2020"
    raw = xr.open_zarr(data(TIBET), chunks=None, mask_and_scale=False, decode_times=False)
    names = np.array([str(url).rsplit("/", 1)[-1].removesuffix(".nc") for url in raw["granule_url"].values])
    for i in (5, 6000, 12000):
        layer = raw["vx"][int(np.nonzero(names == cube["granule_id"].values[i])[0][0])]
        np.testing.assert_array_equal(cube["vx"][i], layer.sel(x=cube["x"], y=cube["y"]))
    counts = cube["group"].to_series().value_counts()
    assert counts["S1"] == 244 and {"L45", "L7", "L89", "S2"} <= set(counts.index)


def test_annual_composites_by_sensor_of_the_real_cube(data):
    """Each sensor's own years, NaN elsewhere, in well under a minute; medians that a slow glacier can have."""
    began = time.process_time()
    cube = open_datacube(data(TIBET))
    for group, years in (("L45", (1986, 2012)), ("L7", (1999, 2021)), ("L89", (2013, 2021)), ("S2", (2015, 2021))):
        annual = composite(cube.isel(time=np.nonzero(cube["group"].values == group)[0]))
        seen = annual["year"].values[np.isfinite(annual["v"]).any(("y", "x"))]
        assert years[0] <= seen.min() and seen.max() <= years[1]
        assert 0 < float(annual["v"].median()) < 60
    assert time.process_time() - began < 600  # a hang, not a speed


def small_cube(folder, n=6):
    """A datacube of 4 x 5 cells with unsorted layers and a fill in every metadata variable."""
    rng = np.random.default_rng(1)
    order = np.array([3, 0, 5, 1, 4, 2][:n])
    start = 15000.0 + 10 * order
    values = rng.integers(-100, 100, (n, 4, 5)).astype("i2")
    values[:, 0, 0] = -32767
    layer = {
        "acquisition_date_img1": start,
        "acquisition_date_img2": start + 16,
        "date_dt": np.full(n, 16.0, "f4"),
        "mission_img1": np.full(n, "L"),
        "mission_img2": np.full(n, "L"),
        "satellite_img1": np.full(n, "8"),
        "satellite_img2": np.full(n, "8"),
        "vx_error": np.full(n, -32767.0, "f4"),
        "vy_error": np.full(n, 4.0, "f4"),
        "granule_url": np.array([f"https://a.b/c/granule{i}.nc" for i in order]),
    }
    store = xr.Dataset(
        {
            "vx": (("mid_date", "y", "x"), values, {"missing_value": -32767, "map_scale_corrected": 1}),
            "vy": (("mid_date", "y", "x"), values),
        },
        {"mid_date": start + 8.0001, "y": 1000.0 - 120 * np.arange(4), "x": 120.0 * np.arange(5)},
        {"projection": "3031"},
    ).assign({name: ("mid_date", v) for name, v in layer.items()})
    store.to_zarr(folder / "cube.zarr", zarr_format=2)
    return folder / "cube.zarr", values[np.argsort(order)]


def test_a_small_cube_is_sorted_cut_and_cleaned(tmp_path):
    """By hand: order of time, a period, a box, a fill that becomes NaN."""
    path, values = small_cube(tmp_path)
    cube = open_datacube(path)
    np.testing.assert_array_equal(cube["vx"], values)
    assert np.isnan(cube["vx_error"]).all() and cube["vy_error"].values[0] == 4
    assert cube["platform"].values.tolist() == ["LC08"] * 6
    period = (np.datetime64("2011-02-05"), np.datetime64("2011-03-06"))
    some = open_datacube(path, bounds=(100, 800, 500, 900), period=period, chunks={})
    assert dict(some.sizes) == {"time": 3, "y": 1, "x": 4} and some["vx"].chunks is not None
    np.testing.assert_array_equal(some["vx"], values[1:4, 1:2, 1:5])


@pytest.mark.parametrize(
    "encoding",
    [
        {"dtype": "f4"},
        {"dtype": "i4", "_FillValue": 99999},
        {"dtype": "i2", "scale_factor": 0.5, "_FillValue": -32768},
        {"dtype": "i2", "add_offset": 7.0, "_FillValue": -32767},
    ],
)
def test_a_cube_saved_again_gives_the_same_layers(tmp_path, encoding):
    """As xarray writes what it opened: floats, packed, another fill, dates in other units, axes turned."""
    path, values = small_cube(tmp_path)
    with xr.open_zarr(path, decode_times=False, mask_and_scale=False) as store:
        again = store.load().transpose("y", "x", "mid_date")
    for name in ("vx", "vy"):
        again[name] = again[name].astype("f4").where(again[name] != -32767)
        again[name].attrs["map_scale_corrected"] = 1
    for name in again.variables:
        again[name].encoding = {}
    for number in (1, 2):
        name = f"acquisition_date_img{number}"
        again[name] = again[name] * 24
        again[name].attrs["units"] = "hours since 1970-01-01"
    again.to_zarr(tmp_path / "again.zarr", zarr_format=2, encoding={name: dict(encoding) for name in ("vx", "vy")})
    for chunks in (None, {}):
        cube = open_datacube(tmp_path / "again.zarr", chunks=chunks)
        assert cube["vx"].dtype == "int16"
        np.testing.assert_array_equal(cube["vx"], values)
        np.testing.assert_array_equal(cube["time"], open_datacube(path)["time"])


PART = {
    "period": (np.datetime64("2011-04-08"), np.datetime64("2011-07-17")),  # layers 7 to 16 by time
    "bounds": (300, 300, 700, 900),
}


def test_a_period_and_a_window_are_those_of_the_whole_cube(tmp_path, monkeypatch):
    """However few cells are read at a time: values, names, times and errors of each chosen layer, in order of time."""
    path = tmp_path / "cube.zarr"
    values, order = write_datacube(path)
    whole = open_datacube(path)
    assert set(whole["platform"].values) == {"LC08"} and set(whole["group"].values) == {"L89"}
    np.testing.assert_array_equal(whole["vx"], values["vx"][np.argsort(order)])
    for block in (datacube_layers._BLOCK, 1, 2 * 10 * 3 * 3):
        monkeypatch.setattr(datacube_layers, "_BLOCK", block)
        some = open_datacube(path, **PART)
        expected = whole.sel(time=slice(*PART["period"]), x=slice(300, 700), y=slice(900, 300))
        assert dict(some.sizes) == {"time": 10, "y": 5, "x": 3}
        xr.testing.assert_identical(some, expected.assign_attrs(some.attrs))


def state(path, corrected, **attributes):
    """Write `map_scale_corrected` (None takes it away) and attributes of the whole cube into a store."""
    store = zarr.open_group(path, mode="r+", zarr_format=2, use_consolidated=False)
    for name in ("vx", "vy"):
        kept = {key: v for key, v in store[name].attrs.items() if key != "map_scale_corrected"}
        store[name].attrs.put(kept if corrected is None else {**kept, "map_scale_corrected": corrected})
    store.attrs.update(attributes)
    zarr.consolidate_metadata(path, zarr_format=2)


def test_only_chunks_that_hold_a_chosen_layer_are_asked_for(tmp_path, served, monkeypatch):
    """Over HTTP: names of the period's layers, none where no names are wanted, cells of the window and no others."""
    address, _ = served
    write_datacube(tmp_path / "cube.zarr")
    asked = []
    read = remote.read_object
    monkeypatch.setattr(remote, "read_object", lambda where, *given: asked.append(str(where)) or read(where, *given))

    def chunks_of(name, **options):
        asked.clear()
        open_datacube(f"{address}/cube.zarr", **PART, **options)
        found = [where.rsplit("/", 1)[-1] for where in asked if f"cube.zarr/{name}/" in where]
        return sorted(key for key in found if not key.startswith("."))

    # layers 7 to 11 and 13 to 17: chunks 1 to 4 of the names, 0 and 1 of the velocities; rows 1 to 5, columns 3 to 5
    assert chunks_of("vx") == ["0.0.1", "0.1.1", "1.0.1", "1.1.1"]
    assert chunks_of("granule_url") == ["1", "2", "3", "4"]
    assert chunks_of("granule_url", names=False) == []
    # where nothing else tells the version, those of the period's layers; none where the cube says where it came from
    state(tmp_path / "cube.zarr", None)
    assert chunks_of("granule_url", names=False) == ["1", "2", "3", "4"]
    state(tmp_path / "cube.zarr", None, url="https://a.b/datacubes/v2-updated-october2024/N60W050/cube.zarr")
    assert chunks_of("granule_url", names=False) == []
    state(tmp_path / "cube.zarr", 1)
    numbered = open_datacube(tmp_path / "cube.zarr", **PART, names=False)
    assert numbered["granule_id"].values[:3].tolist() == ["layer0000007", "layer0000008", "layer0000009"]
    np.testing.assert_array_equal(numbered["vx"], open_datacube(tmp_path / "cube.zarr", **PART)["vx"])


def test_a_cube_that_does_not_fit_is_refused(tmp_path):
    """Nothing in the box, nothing in the period, no such variable, no store."""
    path, _ = small_cube(tmp_path)
    with pytest.raises(GranuleError, match=r"holds no cell of it; the store covers x 0\.\.480"):
        open_datacube(path, bounds=(1e6, 0, 2e6, 1))
    with pytest.raises(GranuleError, match="no layer in the period"):
        open_datacube(path, period=("1990-01-01", "1991-01-01"))
    with pytest.raises(GranuleError, match="has no 'vr'"):
        open_datacube(path, variables=("vr",))
    with pytest.raises(GranuleError, match="not a readable datacube"):
        open_datacube(tmp_path / "absent.zarr")


@pytest.fixture
def served(tmp_path, tmp_path_factory):
    """The URL under which the folder is served by another process, and the file that counts the bytes sent."""
    note = tmp_path_factory.mktemp("server") / "sent"
    script = Path(__file__).with_name("range_server.py")
    command = [sys.executable, str(script), str(tmp_path), str(note)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}", note
        server.terminate()


def mosaic(folder, n=600):
    """An annual mosaic: NetCDF in chunks, and its speed as a GeoTIFF."""
    rng = np.random.default_rng(2)
    values = rng.integers(0, 3000, (n, n)).astype("i2")
    values[:50] = -32767
    x, y = 60.0 + 120 * np.arange(n), -60.0 - 120 * np.arange(n)
    kept = {"units": "meter/year", "map_scale_corrected": 1}
    store = xr.Dataset({"v": (("y", "x"), values, kept), "vx": (("y", "x"), values, kept)}, {"y": y, "x": x})
    store["mapping"] = ((), 0, {"spatial_epsg": 3031})
    options = {name: {"_FillValue": -32767, "chunksizes": (60, 60), "zlib": True} for name in ("v", "vx")}
    store.to_netcdf(folder / "mosaic_0000.nc", engine="h5netcdf", encoding=options)
    profile = {
        "driver": "GTiff",
        "width": n,
        "height": n,
        "count": 1,
        "dtype": "int16",
        "crs": "EPSG:3031",
        "transform": rasterio.Affine(120, 0, 0, 0, -120, 0),
        "nodata": -32767,
        "tiled": True,
    }
    with rasterio.open(folder / "mosaic_0000_v.tif", "w", **profile) as target:
        target.write(values, 1)
        target.update_tags(map_scale_corrected=1)
    return values


BOX = (12000.0, -24000.0, 18000.0, -12000.0)


@pytest.mark.parametrize("name", ["mosaic_0000.nc", "mosaic_0000_v.tif"])
def test_a_mosaic_is_read_by_window_on_disk_and_over_http(tmp_path, served, name):
    """The same cells from a file and from ranges of it; far less than the file is sent."""
    values = mosaic(tmp_path)
    local = open_mosaic(tmp_path / name, bounds=BOX)
    np.testing.assert_array_equal(local["v"], values[100:200, 100:150])
    assert local.attrs["crs"] == "EPSG:3031" and float(local["y"][0]) > float(local["y"][-1])
    whole = open_mosaic(tmp_path / name)
    assert int(np.isnan(whole["v"]).sum()) == 50 * 600
    url, note = served
    remote = open_mosaic(f"{url}/{name}", bounds=BOX)
    xr.testing.assert_equal(remote["v"], local["v"])
    if name.endswith(".tif"):
        assert int(note.read_text()) < 0.6 * (tmp_path / name).stat().st_size


@pytest.mark.parametrize("end", ["nc", "tif"])
def test_a_packed_mosaic_is_read_in_its_unit(tmp_path, end):
    """Half metres per year and an offset: -1000 is -490 m/yr, the fill is missing."""
    stored, path = np.array([[-1000, 40], [-32767, 0]], "i2"), tmp_path / f"mosaic_v.{end}"
    x, y = np.array([60.0, 180.0]), np.array([180.0, 60.0])
    if end == "nc":
        packed = {"scale_factor": 0.5, "add_offset": 10.0, "_FillValue": np.int16(-32767)}
        fields = {"v": (("y", "x"), stored, packed), "mapping": ((), 0, {"spatial_epsg": 3031})}
        xr.Dataset(fields, {"x": x, "y": y}, {"map_scale_corrected": 1}).to_netcdf(path, engine="h5netcdf")
    else:
        place = {"crs": "EPSG:3031", "transform": rasterio.transform.from_origin(0, 240, 120, 120), "nodata": -32767}
        with rasterio.open(path, "w", driver="GTiff", width=2, height=2, count=1, dtype="int16", **place) as target:
            target.write(stored, 1)
            target.scales, target.offsets = (0.5,), (10.0,)
    speed = open_mosaic(path)["v"].values
    ratio = np.array([[-49, 3], [np.nan, 1]])  # to 10 m/yr: what is over ground by then has the same k in all four
    np.testing.assert_allclose(speed / speed[1, 1], ratio, rtol=1e-3)
    assert 9.5 < speed[1, 1] < 10.5


def test_a_cube_over_http_equals_the_one_on_disk(tmp_path, served):
    """Only its chunks are asked for; no copy is made."""
    path, _ = small_cube(tmp_path)
    xr.testing.assert_equal(open_datacube(f"{served[0]}/cube.zarr")["vx"], open_datacube(path)["vx"])


def test_a_broken_mosaic_is_refused(tmp_path):
    """No file, not a mosaic, no such variable."""
    mosaic(tmp_path, n=60)
    with pytest.raises(GranuleError, match="does not exist"):
        open_mosaic(tmp_path / "absent.nc")
    with pytest.raises(GranuleError, match="cannot be read"):
        open_mosaic(tmp_path / "absent.tif")
    options = {"driver": "GTiff", "height": 2, "width": 2, "count": 1, "dtype": "float32"}
    with rasterio.open(
        tmp_path / "nowhere.tif", "w", transform=rasterio.Affine(120, 0, 0, 0, -120, 240), **options
    ) as raster:
        raster.write(np.zeros((1, 2, 2), "f4"))
    with pytest.raises(GranuleError, match="names no EPSG code"):
        open_mosaic(tmp_path / "nowhere.tif")
    with pytest.raises(GranuleError, match="has no 'vy'"):
        open_mosaic(tmp_path / "mosaic_0000.nc", variables=("vy",))
    (tmp_path / "text.nc").write_text("no")
    with pytest.raises(GranuleError, match="not a readable mosaic"):
        open_mosaic(tmp_path / "text.nc")
