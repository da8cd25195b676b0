"""Velocities of version 2 are metres on the map: pairs, cubes and mosaics come out over ground."""

import h5py
import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import xarray as xr

from nunatak.geometry.grid import Grid
from nunatak.products.itslive.chunks import read_window
from nunatak.products.itslive.cubes import open_datacube
from nunatak.products.itslive.fields import FILL
from nunatak.products.itslive.ground import scale_field, to_ground, version_in, window_to_ground
from nunatak.products.itslive.index import index_pairs
from nunatak.products.itslive.mosaics import open_mosaic
from nunatak.products.itslive.pairs import open_pair, read_pair
from nunatak.simulation.itslive_files import write_granule
from nunatak.simulation.itslive_pairs import Pair
from nunatak.simulation.itslive_values import Measured
from nunatak.velocity import flux_gate

# longitude, latitude, EPSG, and the speed over ground of 1000 m/yr on the map: 1000 / k
PLACES = {
    "80 N": (-45.0, 80.0, 3413, 1023),  # k 0.97728
    "65 N": (-45.0, 65.0, 3413, 983),  # k 1.01750
    "80 S": (-100.0, -80.0, 3031, 1020),  # k 0.98021
    "UTM": (15.0, 79.0, 32633, 1000),  # k 0.9996
}
IDS = ("LC08_L1GT_{}_20180101_20200908_02_T2", "LC08_L1GT_{}_20180117_20200908_02_T2")
NAMES = {"v1": "G0240V01", "v2": "G0120V02", "v2a": "G0120V02"}


def granule(folder, place, layout):
    """A granule whose file says 1000 m/yr along x, 80 m/yr as error and -40 m/yr as shift; {path, grid}."""
    longitude, latitude, epsg, _ = PLACES[place]
    x, y = pyproj.Transformer.from_crs("EPSG:4326", epsg, always_xy=True).transform(longitude, latitude)
    cell = 240.0 if layout == "v1" else 120.0
    left, top = (np.floor(v / cell) * cell for v in (x - 20 * cell, y + 20 * cell))
    grid = Grid(f"EPSG:{epsg}", left, top, cell, cell, 40, 40)
    vx = np.full(grid.shape, 1000, "i2")
    vx[0, 0] = FILL
    measured = Measured(
        grid,
        vx,
        np.where(vx == FILL, FILL, 0).astype("i2"),
        np.full(grid.shape, 480, "u2"),
        np.zeros(grid.shape, "u1"),
        (80.0, 80.0),
        (-40.0, -40.0),
        1,
        90,
    )
    ids = [name.format("001113") for name in IDS]
    times = [np.datetime64(f"2018-01-{day}T15:00:00", "s") for day in ("01", "17")]
    pair = Pair(ids[0], ids[1], times[0], times[1], epsg, layout, (0.0, 0.0))
    path = folder / f"{'_X_'.join(ids)}_{NAMES[layout]}_P090.nc"
    with h5py.File(path, "w") as file:
        write_granule(file, pair, measured)
    return path, grid


def middle_of(path):
    """vx in the middle of a granule, as an index row and a window of it give it; the row."""
    row = index_pairs([path]).to_dict("records")[0]
    window = read_window(row, ("vx", "vy", "v", "v_error"), (0, row["ny"]), (0, row["nx"]))
    seen = window["vx"] != FILL
    return {name: values[seen] for name, values in window.items()}, row


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("layout", ["v2", "v2a"])
def test_version_2_is_divided_by_the_scale_of_the_map(tmp_path, place, layout):
    """1000 m/yr on the map is 1023 m/yr over ground at 80 N and 983 at 65 N; errors and shifts go with it."""
    path, _ = granule(tmp_path, place, layout)
    ground = PLACES[place][3]
    window, row = middle_of(path)
    assert window["vx"].size == 40 * 40 - 1  # what is missing stays so
    np.testing.assert_allclose(window["vx"], ground, atol=1)
    np.testing.assert_array_equal(window["v"], window["vx"])
    np.testing.assert_allclose(window["v_error"], round(np.hypot(80, 80)) * ground / 1000, atol=1)
    assert row["units_in_granule"] == "map" and row["map_scale"] == pytest.approx(1000 / ground, abs=6e-4)
    assert row["vx_error"] == pytest.approx(80 * ground / 1000, rel=1e-3)
    assert row["vy_stable_shift"] == pytest.approx(-40 * ground / 1000, rel=1e-3)
    pair = open_pair(path)
    np.testing.assert_allclose(float(pair["vx"].median()), ground, atol=0.6)
    assert pair.attrs["velocity_units_of"] == "ground"


def test_version_1_is_over_ground_as_it_is(tmp_path):
    """`map_scale_corrected` is 1 there: nothing is divided."""
    window, row = middle_of(granule(tmp_path, "80 N", "v1")[0])
    assert set(window["vx"]) == {1000} and row["vx_error"] == 80
    assert (row["units_in_granule"], row["map_scale"]) == ("ground", 1.0)


@pytest.mark.parametrize(("layout", "stated", "expected"), [("v2", 1, 1000), ("v1", 0, 1023)])
def test_the_attribute_decides_before_the_version(tmp_path, layout, stated, expected):
    """A file of version 2 that was corrected, and one of version 1 that was not."""
    path, _ = granule(tmp_path, "80 N", layout)
    with h5py.File(path, "a") as file:
        for name in ("vx", "vy"):
            file[name].attrs["map_scale_corrected"] = np.array([stated], "i1")
    np.testing.assert_allclose(middle_of(path)[0]["vx"], expected, atol=1)
    assert read_pair(path)["units_in_granule"] == ("ground" if stated else "map")


def test_a_real_pair_of_version_2_is_in_map_units(data):
    """Landsat 5 over West Antarctica has no `map_scale_corrected`; the Landsat 7 pair of version 1 says 1."""
    folder = data("real/ITS_LIVE")
    row = read_pair(next(folder.glob("LT05*V02*.nc")))
    assert row["units_in_granule"] == "map" and 0.97 < row["map_scale"] < 0.99
    assert read_pair(next(folder.glob("LE07*V01*.nc")))["units_in_granule"] == "ground"


def test_the_flux_of_a_gate_has_the_areal_scale_in_it(tmp_path):
    """Map velocity x map width x thickness / k^2, for a gate across the flow at 80 N: 4.7 % more than without k."""
    path, grid = granule(tmp_path, "80 N", "v2")
    pair = open_pair(path)
    x, (south, north) = grid.x[20], (grid.y[30], grid.y[10])
    flux = flux_gate(pair, [(x, south), (x, north)], 500.0, density=1000.0)
    k = float(scale_field(grid)[20, 20])
    expected = 1000.0 * (north - south) * 500.0 * 1000.0 / 1e12 / k**2
    assert flux.discharge == pytest.approx(expected, rel=1e-3)
    assert expected == pytest.approx(1.047 * k**2 * expected, rel=1e-3)


def test_windows_are_divided_as_the_definition_says():
    """The kernel against `to_ground`, over several nodes; fill, zero and what int16 does not hold."""
    grid = Grid("EPSG:3413", -2.0e5, -1.0e6, 120.0, 120.0, 200, 333)
    values = np.random.default_rng(3).integers(-9000, 9000, grid.shape).astype("i2")
    values[5, 5:9] = FILL, 0, 32700, -32700
    pair = {"epsg": 3413, "x0": grid.x[0], "y0": grid.y[0], "dx": 120.0, "dy": 120.0}
    exact = np.array(
        [
            [
                np.sqrt(pyproj.Proj(3413).get_factors(*pyproj.Proj(3413)(x, y, inverse=True)).areal_scale)
                for x in grid.x[::83]
            ]
            for y in grid.y[::50]
        ]
    )
    np.testing.assert_allclose(scale_field(grid)[::50, ::83], exact, rtol=1e-6)
    expected, out = to_ground(values, scale_field(grid)), values.copy()
    assert window_to_ground(out, pair, (0, 200), (0, 333)) == 2
    np.testing.assert_array_equal(out, expected)
    assert out[5, 5:9].tolist() == [FILL, 0, FILL, FILL]


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("LE07_a_X_b_G0240V01_P059.nc", 1),
        ("LT05_a_X_b_G0120V02_P000.nc", 2),
        ("ANT_G0240_2015.nc", 1),
        ("GRE_G0120_0000_vx.tif", 1),
        ("ITS_LIVE_velocity_120m_RGI05A_2015_V02.1.nc", 2),
        ("ITS_LIVE_velocity_120m_RGI01A_0000_v02_v.tif", 2),
        ("NSIDC-0776_RGI19A_2015_V02.0.nc", 2),
        ("mine.nc", None),
    ],
)
def test_names_tell_the_version(name, version):
    """Pairs, mosaics of NSIDC and of the bucket, and a name that says nothing."""
    assert version_in(name) == version


@pytest.mark.parametrize(("chunks", "dtype"), [(None, "i2"), ({}, "i2"), (None, "f4")])
def test_a_datacube_of_both_versions_is_over_ground_in_every_layer(tmp_path, chunks, dtype):
    """Layers by their granules' names; errors, too."""
    path = tmp_path / "cube.zarr"
    values = np.full((3, 4, 5), 1000, dtype)
    values[:, 0, 0] = FILL
    start = 15000.0 + 10 * np.arange(3)
    names = [
        f"https://a.b/LC08_a_X_LC08_b_{kind}_P0{i}1.nc" for i, kind in enumerate(("G0120V02", "G0240V01", "G0120V02"))
    ]
    store = xr.Dataset(
        {name: (("mid_date", "y", "x"), values) for name in ("vx", "vy", "v")},
        {"mid_date": start + 8, "y": -1.07e6 - 120 * np.arange(4), "x": 120.0 * np.arange(5)},
        {"projection": "3413"},
    ).assign(
        {
            key: ("mid_date", v)
            for key, v in {
                "acquisition_date_img1": start,
                "acquisition_date_img2": start + 16,
                "vx_error": np.full(3, 10.0),
                "mission_img1": np.full(3, "L"),
                "mission_img2": np.full(3, "L"),
                "satellite_img1": np.full(3, "8"),
                "satellite_img2": np.full(3, "8"),
                "granule_url": np.array(names),
            }.items()
        }
    )
    store.to_zarr(path, zarr_format=2)
    cube = open_datacube(path, variables=("vx", "v"), chunks=chunks)
    for name in ("vx", "v"):
        seen = cube[name].values[:, 1, 2]
        np.testing.assert_allclose(seen, [1023, 1000, 1023], atol=0.8)
        assert cube[name].dtype == np.int16 and (cube[name].values[:, 0, 0] == FILL).all()
    np.testing.assert_allclose(cube["vx_error"], [10.23, 10.0, 10.23], atol=0.01)
    assert cube["units_in_granule"].values.tolist() == ["map", "ground", "map"]
    numbered = open_datacube(path, variables=("vx", "v"), chunks=chunks, names=False)
    np.testing.assert_array_equal(numbered["vx"], cube["vx"])
    assert numbered["units_in_granule"].values.tolist() == ["map", "ground", "map"]
    assert cube.attrs["velocity_units_of"] == "ground"


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("ITS_LIVE_velocity_120m_RGI05A_2015_V02.1.nc", {}, 1023),
        ("GRE_G0120_2015.nc", {}, 1000),
        ("mine.nc", {"map_scale_corrected": 1}, 1000),
        ("ITS_LIVE_velocity_120m_RGI05A_0000_v02_v.tif", {}, 1023),
    ],
)
def test_mosaics_are_over_ground(tmp_path, name, attributes, expected):
    """Velocities, their errors and trends are divided, phases and counts are not."""
    x, y = 60.0 + 120 * np.arange(8), -1.07e6 - 120 * np.arange(6)
    fields = {"v": 1000.0, "vx": 1000.0, "v_error": 100.0, "dv_dt": 100.0, "v_phase": 100.0, "count": 100.0}
    if name.endswith(".nc"):
        store = xr.Dataset(
            {key: (("y", "x"), np.full((6, 8), v, "f4"), attributes) for key, v in fields.items()}, {"y": y, "x": x}
        )
        store["mapping"] = ((), 0, {"spatial_epsg": 3413})
        store.to_netcdf(tmp_path / name, engine="h5netcdf")
    else:
        profile = {
            "driver": "GTiff",
            "width": 8,
            "height": 6,
            "count": 1,
            "dtype": "float32",
            "crs": "EPSG:3413",
            "transform": rasterio.Affine(120, 0, 0, 0, -120, -1.07e6 + 60),
        }
        with rasterio.open(tmp_path / name, "w", **profile) as target:
            target.write(np.full((6, 8), 1000, "f4"), 1)
        fields = {"v": 1000.0}
    mosaic = open_mosaic(tmp_path / name)
    for key, value in fields.items():
        factor = 1.0 if key in ("v_phase", "count") else expected / 1000
        np.testing.assert_allclose(mosaic[key], value * factor, rtol=6e-4, err_msg=key)
    assert mosaic.attrs["velocity_units_of"] == "ground"


def test_an_index_of_before_is_made_anew(tmp_path):
    """Rows that do not tell the units are not believed: their errors are those of the file."""
    path, _ = granule(tmp_path, "80 N", "v2")
    known = index_pairs([path]).drop(columns=["units_in_granule", "map_scale"]).assign(vx_error=80.0)
    again = index_pairs([path], known=pd.DataFrame(known))
    assert again["vx_error"].iloc[0] == pytest.approx(80 / 0.9773, rel=1e-3)


@pytest.mark.parametrize("stated", ["yes", "", [], [0, 1], 2, np.nan])
def test_a_word_for_the_units_fails_its_pair_and_no_other(tmp_path, stated):
    """
    What is neither 0 nor 1 is told in one line.

    Pairs beside it are read.
    """
    (tmp_path / "other").mkdir()
    good, _ = granule(tmp_path / "other", "80 N", "v2")
    broken, _ = granule(tmp_path, "80 N", "v2")
    with h5py.File(broken, "a") as file:
        file["vx"].attrs["map_scale_corrected"] = stated
    table = index_pairs([broken, good]).set_index("path")
    assert table.loc[str(good), "status"] == "present"
    assert table.loc[str(broken), "status"] == "failed"
    assert "vx: map_scale_corrected holds" in table.loc[str(broken), "reason"]


@pytest.mark.parametrize(("unit", "expected"), [("km", 1000.0), ("Kilometers", 1000.0), ("", 1.0)])
def test_axes_in_kilometres_lie_where_they_lie_in_metres(tmp_path, unit, expected):
    """A pair whose axes are in km has the grid and the scale of the same pair in metres."""
    path, grid = granule(tmp_path, "80 N", "v2")
    with h5py.File(path, "a") as file:
        for axis in "xy":
            file[axis][...] = file[axis][()] / expected
            file[axis].attrs["units"] = unit
    row = read_pair(path)
    assert (row["dx"], row["dy"]) == pytest.approx((120.0, 120.0))
    np.testing.assert_allclose((row["x0"], row["y0"]), (grid.x[0], grid.y[0]), atol=1e-3)
    assert row["map_scale"] == pytest.approx(0.97728, abs=1e-4)


@pytest.mark.parametrize(("unit", "shrunk", "told"), [("degrees", 1, "is in degrees"), ("", 1000, "no units")])
def test_axes_of_another_unit_fail_the_pair(tmp_path, unit, shrunk, told):
    """Degrees, and cells of 12 cm without a unit."""
    path, _ = granule(tmp_path, "80 N", "v2")
    with h5py.File(path, "a") as file:
        for axis in "xy":
            file[axis][...] = file[axis][()] / shrunk
            file[axis].attrs["units"] = unit
    row = index_pairs([path]).iloc[0]
    assert row["status"] == "failed" and f"x: {told}" in row["reason"].replace("cells of 0.12 and ", "")


def test_mosaics_and_cubes_in_kilometres_are_read_in_metres(tmp_path):
    """Coordinates, bounds and the scale of the map are those of the same field in metres."""
    x, y = 60.0 + 120 * np.arange(8), -1.07e6 - 120 * np.arange(6)
    field = xr.Dataset({"vx": (("y", "x"), np.full((6, 8), 1000, "f4"))}, {"y": y / 1e3, "x": x / 1e3})
    field["mapping"] = ((), 0, {"spatial_epsg": 3413})
    for axis in "xy":
        field[axis].attrs["units"] = "km"
    path = tmp_path / "ITS_LIVE_velocity_120m_RGI05A_2015_V02.1.nc"
    field.to_netcdf(path, engine="h5netcdf")
    mosaic = open_mosaic(path, bounds=(0, -1.0703e6, 500, -1.06e6))
    np.testing.assert_allclose(mosaic["x"], x[:4])
    np.testing.assert_allclose(mosaic["vx"], 1023, atol=0.7)
    layers = {"acquisition_date_img1": [15000.0], "acquisition_date_img2": [15016.0]}
    layers |= {f"{key}_img{i}": ["L" if key == "mission" else "8"] for key in ("mission", "satellite") for i in (1, 2)}
    cube = field.drop_vars("mapping").expand_dims(mid_date=[15008.0]).astype("i2").assign_attrs(projection="3413")
    cube.assign({key: ("mid_date", v) for key, v in layers.items()}).to_zarr(tmp_path / "c.zarr", zarr_format=2)
    read = open_datacube(tmp_path / "c.zarr", variables=("vx",))
    np.testing.assert_allclose(read["x"], x)
    np.testing.assert_allclose(read["vx"], 1023, atol=0.7)
