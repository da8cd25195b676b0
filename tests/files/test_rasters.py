"""Grids on disk lie where they should, in GDAL's eyes, and equal content makes equal bytes."""

import subprocess
import sys

import numpy as np
import pytest
import rasterio
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.compute import code_reach
from nunatak.files.rasters import georeference, has_projection, write_cog, write_netcdf
from nunatak.geometry.grid import Grid
from nunatak.runtime import NunatakError

GRID = Grid("EPSG:3413", -850_000.0, 1_250_000.0, 25_000.0, 12_500.0, 3, 4)


@pytest.fixture
def field():
    """A value per cell that tells its row and column, one of them missing."""
    values = np.add.outer(10.0 * np.arange(3), np.arange(4.0))
    values[1, 2] = np.nan
    return values


def dataset(field):
    times = np.array(["2019-09-01", "2019-10-01"], dtype="datetime64[ns]")
    data = {"mean": (("time", "y", "x"), np.stack([field, field + 100]), {"units": "m"})}
    return georeference(xr.Dataset(data, coords={"time": times}), GRID)


def test_netcdf_lies_where_gdal_looks(tmp_path, field):
    """GDAL reads corner, cell, coordinate system and orientation of the NetCDF as the grid has them."""
    write_netcdf(dataset(field), tmp_path / "grid.nc")
    with rasterio.open(f"netcdf:{tmp_path / 'grid.nc'}:mean") as source:
        assert_allclose(tuple(source.transform)[:6], GRID.transform)
        assert source.crs.to_epsg() == 3413
        assert_array_equal(source.read(1), field)
        assert source.index(GRID.x[3], GRID.y[2]) == (2, 3)


def test_netcdf_is_cf_and_comes_back(tmp_path, field):
    """Bounds, grid mapping, units and times survive the file; compliance with CF names of the projection."""
    write_netcdf(dataset(field), tmp_path / "grid.nc", {"study": "ross_sea"})
    with xr.open_dataset(tmp_path / "grid.nc", engine="h5netcdf", decode_coords="all") as back:
        assert_array_equal(back["x_bnds"][0], [-850_000.0, -825_000.0])
        assert_array_equal(back["y_bnds"][0], [1_250_000.0, 1_237_500.0])
        assert back["spatial_ref"].attrs["grid_mapping_name"] == "polar_stereographic"
        assert back["x"].attrs["standard_name"] == "projection_x_coordinate"
        assert back["mean"].attrs["units"] == "m"
        assert back.attrs["study"] == "ross_sea"
        assert back["time"].values[1] == np.datetime64("2019-10-01")
        assert_array_equal(back["mean"][1], field + 100)


def test_fractional_seconds_survive(tmp_path):
    """A time between two seconds is not rounded to either."""
    time = np.array(["2019-09-01T00:00:00.250000"], dtype="datetime64[ns]")
    write_netcdf(xr.Dataset(coords={"time": time}), tmp_path / "t.nc")
    with xr.open_dataset(tmp_path / "t.nc", engine="h5netcdf") as back:
        assert back["time"].values[0] == time[0]


def test_cog_lies_where_gdal_looks(tmp_path, field):
    """Corner, cell, coordinate system, layer names, missing values and attributes of a COG."""
    write_cog(
        np.stack([field, 2 * field]),
        GRID,
        tmp_path / "map.tif",
        {"study": "x"},
        names=["mean", "std"],
        units=["m", "m"],
    )
    with rasterio.open(tmp_path / "map.tif") as source:
        assert_allclose(tuple(source.transform)[:6], GRID.transform)
        assert source.crs.to_epsg() == 3413
        assert source.descriptions == ("mean", "std")
        assert source.units == ("m", "m")
        assert source.tags()["study"] == "x"
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert np.isnan(source.nodata)
        assert_array_equal(source.read(2), 2 * field)


def test_counts_become_32_bit(tmp_path):
    """A 64-bit count is stored in 32 bits, and refused when it does not fit."""
    write_cog(np.full(GRID.shape, 7), GRID, tmp_path / "count.tif")
    with rasterio.open(tmp_path / "count.tif") as source:
        assert source.dtypes == ("int32",)
        assert_array_equal(source.read(1), 7)
    with pytest.raises(NunatakError, match=r"integers up to 4294967296 do not fit"):
        write_cog(np.full(GRID.shape, 2**32), GRID, tmp_path / "count.tif")


def test_equal_content_is_equal_bytes(tmp_path, field):
    """Written twice, both formats give the same bytes."""
    for name in ("a", "b"):
        write_netcdf(dataset(field), tmp_path / f"{name}.nc", {"study": "x"})
        write_cog(field, GRID, tmp_path / f"{name}.tif", {"study": "x"})
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_another_shape_is_refused(tmp_path, field):
    """Values that do not fit the grid are named with both shapes."""
    with pytest.raises(NunatakError, match=r"3 x 3 cells do not fit the grid of 3 x 4"):
        georeference(xr.Dataset({"a": (("y", "x"), np.zeros((3, 3)))}), GRID)
    with pytest.raises(NunatakError, match=r"do not fit the grid of 3 x 4 cells"):
        write_cog(field.T, GRID, tmp_path / "x.tif")
    assert not list(tmp_path.iterdir())


def test_geographic_grid_is_named_in_degrees():
    """On longitude and latitude the coordinates carry the names and units of CF for degrees."""
    grid = Grid("EPSG:4326", 10.0, 80.0, 0.5, 0.25, 2, 2)
    out = georeference(xr.Dataset({"a": (("y", "x"), np.zeros((2, 2)))}), grid)
    assert out["x"].attrs["standard_name"] == "longitude"
    assert out["y"].attrs["units"] == "degrees_north"


WRITE = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from nunatak.geometry.grid import Grid
from nunatak.files.rasters import write_cog
from nunatak.runtime import NunatakError
try:
    write_cog(np.zeros((3, 4)), Grid("EPSG:3413", -850_000.0, 1_250_000.0, 25_000.0, 12_500.0, 3, 4), sys.argv[2])
except NunatakError as error:
    print(error)
"""


@pytest.mark.parametrize("variable", ["PROJ_LIB", "PROJ_DATA"])
def test_a_raster_that_lost_its_projection_is_refused(tmp_path, variable):
    """With the data of another PROJ, GDAL would write a local system without a word."""
    command = [sys.executable, "-c", WRITE, str(code_reach.SCRIPTS), str(tmp_path / "map.tif")]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), variable: str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    assert "the projection was lost" in line and f"{variable}={tmp_path} may be of another installation" in line
    assert list(tmp_path.glob("*.tif*")) == []


def test_a_projection_that_a_geotiff_cannot_hold_is_refused(tmp_path):
    """GDAL takes the spherical equal-area projection of EPSG:3975 for the ellipsoidal one of EPSG:6933."""
    with pytest.raises(NunatakError, match="choose another crs"):
        write_cog(np.zeros((3, 4)), Grid("EPSG:3975", 100_000.0, 1_000_000.0, 10.0, 10.0, 3, 4), tmp_path / "map.tif")


@pytest.mark.parametrize("system", ["EPSG:3031", "EPSG:4326", 'LOCAL_CS["polar stereographic",UNIT["metre",1]]', None])
def test_a_raster_elsewhere_is_told_from_one_in_its_place(tmp_path, system):
    write_cog(np.zeros((3, 4)), GRID, tmp_path / "map.tif")
    assert has_projection(tmp_path / "map.tif", GRID.proj)
    with rasterio.open(tmp_path / "map.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as source:
        source.crs = rasterio.CRS.from_user_input(system) if system else rasterio.CRS()
    assert not has_projection(tmp_path / "map.tif", GRID.proj)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:6931", "EPSG:32733", "+proj=laea +lat_0=79 +lon_0=20 +datum=WGS84"])
def test_a_raster_of_any_usual_system_has_its_projection(tmp_path, crs):
    """Degrees, zones and systems without a code are no loss."""
    grid = Grid(crs, 15.0, 85.0, 0.5, 0.5, 3, 4)
    write_cog(np.zeros((3, 4)), grid, tmp_path / "map.tif")
    assert has_projection(tmp_path / "map.tif", grid.proj)
