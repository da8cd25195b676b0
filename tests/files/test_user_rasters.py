"""Rasters of the user's: what is in the file is told before it is used, and what cannot be is refused."""

import re

import h5py
import numpy as np
import pytest
import rasterio
import xarray as xr
import yaml
from click.testing import CliRunner
from rasterio.rio.main import main_group

from nunatak import study
from nunatak.files import user_rasters
from nunatak.files.raster_reading import read_on_grid
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.geometry.grid import Grid
from nunatak.runtime import NunatakError

GRID = Grid("EPSG:3031", -1.6e6, -2.9e5, 120.0, 120.0, 30, 40)
CELLS = Grid("EPSG:3031", -1.61e6, -2.8e5, 500.0, 500.0, 60, 60)


def tif(path, values, nodata=None):
    layers = np.atleast_3d(np.asarray(values, "f4")) if np.ndim(values) == 2 else np.asarray(values, "f4")
    layers = layers.transpose(2, 0, 1) if np.ndim(values) == 2 else layers
    profile = {
        "driver": "GTiff",
        "count": len(layers),
        "height": CELLS.ny,
        "width": CELLS.nx,
        "dtype": "float32",
        "crs": "EPSG:3031",
        "transform": rasterio.Affine(*CELLS.transform),
        "nodata": nodata,
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(layers)
    return str(path)


def netcdf(path):
    """A file with three fields, as BedMachine has them."""
    fields = {
        name: (("y", "x"), np.full(CELLS.shape, value, "f4"))
        for name, value in (("bed", -900.0), ("thickness", 1200.0), ("errbed", 60.0))
    }
    write_netcdf(georeference(xr.Dataset(fields), CELLS), path)
    return str(path)


def with_gate(folder, **gate):
    """The study file with one gate, read as a run reads it."""
    path = folder / "mine.yaml"
    gates = {"g": {"lonlat": [[-101.1, -75.0], [-100.75, -75.12]], **gate}}
    given = {
        "title": "x",
        "region": {"bbox": [-101.2, -75.2, -100.5, -74.9]},
        "period": ["2015-01-01", "2016-12-31"],
        "products": {"itslive": {}},
        "gates": gates,
    }
    path.write_text(yaml.safe_dump(given))
    return study.load(path)


@pytest.mark.parametrize("undeclared", [-9999.0, 9.9e36])
def test_an_undeclared_fill_is_refused_with_the_remedy(tmp_path, undeclared):
    """Bilinear interpolation would mix it into thicknesses that look like some."""
    values = np.full(CELLS.shape, 1000.0)
    values[:, 25:] = undeclared
    given = tif(tmp_path / "thick.tif", values)
    with pytest.raises(NunatakError, match=r"thick.tif: .*beyond 0 to 5000; .*rio edit-info --nodata") as refused:
        read_on_grid(given, GRID, valid=(0, 5000))
    # the command that the line names
    command = re.search(r"rio (edit-info --nodata \S+) FILE", str(refused.value))[1].split()
    assert CliRunner().invoke(main_group, [*command, given]).exit_code == 0
    assert float(read_on_grid(given, GRID, valid=(0, 5000)).min()) == 1000
    declared = tif(tmp_path / "declared.tif", values, nodata=undeclared)
    read = read_on_grid(declared, GRID, valid=(0, 5000))
    assert float(read.max()) == 1000 and float(read.min()) == 1000 and np.isnan(read).any()


def test_what_lies_far_from_the_grid_is_not_asked(tmp_path):
    """A wrong value of another glacier refuses no gate."""
    values = np.full(CELLS.shape, 1000.0)
    values[-1, -1] = -9999
    assert float(read_on_grid(tif(tmp_path / "t.tif", values), GRID, valid=(0, 5000)).min()) == 1000


@pytest.mark.parametrize(
    ("given", "variable"), [("{}", "thickness"), ("netcdf:{}:thickness", None), ('NETCDF:"{}":thickness', None)]
)
def test_one_variable_of_several_is_read_by_its_name(tmp_path, given, variable):
    """By the key `variable` or in GDAL's way."""
    path = netcdf(tmp_path / "bed.nc")
    read = read_on_grid(given.format(path), GRID, variable=variable, valid=(0, 5000))
    np.testing.assert_allclose(read, 1200)
    user_rasters.check(given.format(path), variable)
    with pytest.raises(NunatakError, match=r"several variables; name one of .*thickness"):
        read_on_grid(path, GRID)


def test_a_band_is_read_by_its_number(tmp_path):
    path = tif(tmp_path / "two.tif", np.stack([np.full(CELLS.shape, v) for v in (700.0, 800.0)]))
    np.testing.assert_allclose(read_on_grid(path, GRID, variable=2), 800)
    with pytest.raises(NunatakError, match="has no band 3; it has 2"):
        read_on_grid(path, GRID, variable=3)


def test_a_study_is_told_what_is_wrong_with_a_raster_when_it_is_read(tmp_path):
    """Absent, several bands, several variables, a variable it does not have, numbers that are no thickness."""
    two = tif(tmp_path / "two.tif", np.stack([np.full(CELLS.shape, v) for v in (700.0, 800.0)]))
    three, gone = netcdf(tmp_path / "bed.nc"), str(tmp_path / "gone.tif")
    wrong = [
        ({"thickness": gone}, "gates.g: thickness: .*gone.tif: no such file"),
        ({"thickness": 1000.0, "thickness_sigma": gone}, "thickness_sigma: .*gone.tif: no such file"),
        ({"thickness": two}, "holds 2 bands; name one by its number"),
        ({"thickness": two, "variable": 5}, "has no band 5; it has 2"),
        ({"thickness": three}, "holds several variables; name one of .*thickness"),
        ({"thickness": f"netcdf:{three}:thick"}, "has no 'thick'; it holds"),
        ({"thickness": -9999.0}, "got -9999; write metres of ice"),
        ({"thickness": 0.0}, "got 0; write metres of ice"),
    ]
    for gate, told in wrong:
        with pytest.raises(study.StudyError, match=told):
            with_gate(tmp_path, **gate)
    for gate in ({"thickness": two, "variable": 2}, {"thickness": three, "variable": "thickness"}):
        assert with_gate(tmp_path, **gate).gates["g"].thickness == gate["thickness"]


@pytest.mark.parametrize("packing", [{"scale_factor": 0.1}, {"scale_factor": 0.1, "add_offset": 380.0}])
def test_packed_values_are_unpacked(tmp_path, packing):
    """400 m stored as integers with a scale and an offset, in a NetCDF variable and in a GeoTIFF band."""
    data = xr.DataArray(np.full(GRID.shape, 400.0), dims=("y", "x"))
    field = georeference(xr.Dataset({"thickness": data}), GRID)
    path = tmp_path / "packed.nc"
    field.to_netcdf(path, encoding={"thickness": {"dtype": "i2", "_FillValue": -9999, **packing}})
    np.testing.assert_allclose(read_on_grid(path, GRID, variable="thickness", valid=(0, 5000)), 400)
    raw = (400.0 - packing.get("add_offset", 0.0)) / packing["scale_factor"]
    band = tif(tmp_path / "packed.tif", np.full(GRID.shape, raw))
    with rasterio.open(band, "r+") as file:
        file.scales, file.offsets = (packing["scale_factor"],), (packing.get("add_offset", 0.0),)
    np.testing.assert_allclose(read_on_grid(band, GRID, valid=(0, 5000)), 400)


def test_the_attribute_missing_value_declares_a_fill_of_netcdf(tmp_path):
    path = netcdf(tmp_path / "bed.nc")
    with h5py.File(path, "a") as file:
        del file["thickness"].attrs["_FillValue"]
        file["thickness"][:, 25:] = -9999
        file["thickness"].attrs["missing_value"] = np.float32(-9999)
    read = read_on_grid(path, GRID, variable="thickness", valid=(0, 5000))
    assert float(read.min()) == 1200 and np.isnan(read).any()


def bare(path, *, units=None, scale=1.0, turned=False, uneven=False, dims=("y", "x")):
    """A NetCDF file with one field whose axes say no more than what is given."""
    field = georeference(xr.Dataset({"thickness": (("y", "x"), np.full(CELLS.shape, 1200.0, "f4"))}), CELLS)
    field = field.drop_vars(["x_bnds", "y_bnds"])
    marked = {axis: {**field[axis].attrs, "units": units} if units else {} for axis in "xy"}
    x = field["x"].values + uneven * np.arange(CELLS.nx) ** 2.0
    field = field.assign_coords(x=x * scale, y=field["y"].values * scale)
    for axis in "xy":
        field[axis].attrs = {key: value for key, value in marked[axis].items() if key != "bounds"}
    del field["spatial_ref"].attrs["GeoTransform"]
    field = field.transpose("x", "y") if turned else field
    field.rename(dict(zip(("y", "x"), dims, strict=True))).to_netcdf(path, engine="h5netcdf")
    return str(path)


@pytest.mark.parametrize(
    ("axes", "told"),
    [
        ({}, "has no coordinates of its cells"),
        ({"units": "m", "dims": ("j", "i")}, None),
        ({"dims": ("j", "i")}, "has no coordinates of its cells"),
        ({"units": "m", "uneven": True}, "has no coordinates of its cells"),
        ({"units": "km", "scale": 1e-3}, "has x and y in km where EPSG:3031 is in metres; multiply them by 1000"),
        ({"units": "m", "scale": 1e-3}, "lies at x -1610 to -1580, y -310 to -280 .* and the study at x -1.6e"),
        ({"units": "m", "turned": True}, r"is stored \(x, y\); write it as \(y, x\)"),
        ({"units": "m"}, None),
    ],
)
def test_a_raster_that_does_not_say_where_it_lies_is_refused(tmp_path, axes, told):
    """It would be read as missing everywhere."""
    path = bare(tmp_path / "bed.nc", **axes)
    if told is None:
        np.testing.assert_allclose(read_on_grid(path, GRID), 1200)
        return
    with pytest.raises(NunatakError, match=f"bed.nc: .*{told}"):
        read_on_grid(path, GRID)
    if "study" not in told:
        with pytest.raises(study.StudyError, match=f"gates.g: thickness: .*bed.nc: .*{told}"):
            with_gate(tmp_path, thickness=path)


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ({}, "has no coordinates of its cells"),
        ({"transform": rasterio.Affine.rotation(30) @ rasterio.Affine(*CELLS.transform)}, "is rotated against"),
        ({"transform": rasterio.Affine(*CELLS.transform), "crs": None}, "names no coordinate system; .*rio edit-info"),
    ],
)
def test_a_geotiff_without_a_place_is_refused(tmp_path, profile, told):
    given = {"driver": "GTiff", "count": 1, "height": 60, "width": 60, "dtype": "float32", "crs": "EPSG:3031"}
    path = tmp_path / "bed.tif"
    with rasterio.open(path, "w", **given | profile) as target:
        target.write(np.full((1, 60, 60), 1200, "f4"))
    with pytest.raises(NunatakError, match=f"bed.tif: {told}"):
        read_on_grid(path, GRID, valid=(0, 5000))


def test_a_file_with_one_field_and_bounds_needs_no_name(tmp_path):
    field = georeference(xr.Dataset({"thickness": (("y", "x"), np.full(CELLS.shape, 1200.0, "f4"))}), CELLS)
    write_netcdf(field, tmp_path / "bed.nc")
    np.testing.assert_allclose(read_on_grid(tmp_path / "bed.nc", GRID), 1200)
    assert with_gate(tmp_path, thickness=str(tmp_path / "bed.nc")).gates["g"].variable is None


@pytest.mark.parametrize("how", ["link", "storage", "virtual"])
def test_a_netcdf_file_that_points_to_another_is_refused(tmp_path, how):
    """The values of the other file would be read, whatever it is."""
    field = georeference(xr.Dataset({"thickness": (("y", "x"), np.full(CELLS.shape, 1200.0, "f4"))}), CELLS)
    for name in ("bed.nc", "other.nc"):
        write_netcdf(field, tmp_path / name)
    with h5py.File(tmp_path / "bed.nc", "r+") as file:
        shape = file["thickness"].shape
        del file["thickness"]
        if how == "link":
            file["thickness"] = h5py.ExternalLink("other.nc", "thickness")
        elif how == "storage":
            file.create_dataset("thickness", shape, "f4", external=[("other.nc", 0, 4 * CELLS.nx * CELLS.ny)])
        else:
            layout = h5py.VirtualLayout(shape, "f4")
            layout[...] = h5py.VirtualSource("other.nc", "thickness", shape=shape)
            file.create_virtual_dataset("thickness", layout)
    with pytest.raises(ValueError, match=r"bed\.nc: thickness has its values in another file; write them into this"):
        user_rasters.check(tmp_path / "bed.nc")
    with pytest.raises(NunatakError, match="thickness has its values in another file"):
        read_on_grid(tmp_path / "bed.nc", GRID)


@pytest.mark.parametrize(
    "text", ["<VRTDataset rasterXSize='1' rasterYSize='1'/>", "<GDAL_WMS><Service/></GDAL_WMS>", "ncols 1"]
)
def test_a_raster_that_points_elsewhere_is_never_opened(tmp_path, text, monkeypatch):
    """
    Such a file is refused under any name, by the check of a study and by the reader.

    A TIFF that holds such a text is no raster either.
    """
    monkeypatch.setattr(rasterio, "open", lambda *_, **__: pytest.fail("opened"))
    for name, start in (("a.tif", b""), ("a.nc", b""), ("b.tif", b"II*\0" if text.startswith("<") else b"")):
        (tmp_path / name).write_bytes(start + text.encode())
        with pytest.raises(ValueError, match="is neither GeoTIFF nor NetCDF"):
            user_rasters.check(tmp_path / name)
        with pytest.raises(NunatakError, match="is neither GeoTIFF nor NetCDF"):
            read_on_grid(tmp_path / name, GRID)
