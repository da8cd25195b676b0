"""ATL15 and ATL14 files: names, groups, traps of the real ones, what readers get from them."""

import h5py
import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from nunatak.products import atl14 as read14
from nunatak.products import atl15 as read15
from nunatak.simulation import atl14, atl15, height_change, world

FILL = np.float32(3.4028235e38)


@pytest.fixture(scope="module")
def place():
    return world("austfonna", "tiny")


@pytest.fixture(scope="module")
def files(place, tmp_path_factory):
    folder = tmp_path_factory.mktemp("atl15")
    return {path.name.split("_")[3]: path for path in atl15.write(place, folder)}


@pytest.fixture(scope="module")
def surface(place, tmp_path_factory):
    (path,) = atl14.write(place, tmp_path_factory.mktemp("atl14"))
    return path


def groups_of(path):
    found = [None]
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Group) else None)
    return found


def test_names(files, surface):
    """Region, cycles, resolution, release."""
    assert sorted(files) == ["01km", "10km", "20km", "40km"]
    assert files["01km"].name == "ATL15_SV_0312_01km_005_01.nc"
    assert surface.name == "ATL14_SV_0312_100m_005_01.nc"


@pytest.mark.parametrize("resolution", ["01km", "40km"])
def test_xarray_opens_every_group(files, surface, resolution):
    """With the engine h5netcdf, dimensions named and times decoded."""
    for path in (files[resolution], surface):
        for group in groups_of(path):
            with xr.open_dataset(path, group=group, engine="h5netcdf") as dataset:
                assert not [d for d in dataset.dims if str(d).startswith("phony_dim_") and str(d) != "phony_dim_1"]
    with xr.open_dataset(files[resolution], group="delta_h", engine="h5netcdf") as dataset:
        assert dataset.delta_h.dims == ("time", "y", "x")
        assert str(dataset.time.values[0])[:16] == "2019-01-01T06:00"


def test_groups_and_variables(files):
    """The lags the record allows, plain names in each, counts and misfits at 1 km only."""
    for resolution, path in files.items():
        with h5py.File(path) as file:
            assert set(file) == {
                "METADATA",
                "delta_h",
                "dhdt_lag1",
                "dhdt_lag4",
                "dhdt_lag8",
                "orbit_info",
                "quality_assessment",
                "tile_stats",
            }
            axes = {"Polar_Stereographic", "time", "x", "y"}
            extra = {"data_count", "misfit_rms", "misfit_scaled_rms"} if resolution == "01km" else set()
            assert set(file["delta_h"]) == axes | {"delta_h", "delta_h_sigma", "ice_area"} | extra
            assert set(file["dhdt_lag4"]) == axes | {"dhdt", "dhdt_sigma", "ice_area"}
            assert file.attrs["nunatak_source"] == b"SIMULATED"
            assert file.attrs["GDAL_AREA_OR_POINT"] == b"Area"


def test_georeferencing_has_the_traps_of_the_real_files(files):
    """y ascends; GeoTransform starts at a cell centre and descends; the Earth's axis is in km; int8 scalar."""
    with h5py.File(files["10km"]) as file:
        group = file["delta_h"]
        x, y, projection = group["x"][:], group["y"][:], group["Polar_Stereographic"]
        assert np.all(np.diff(y) == 1e4) and np.all(np.diff(x) == 1e4)
        assert x[0] % 1e4 == 5e3
        assert projection.shape == () and projection.dtype == np.int8
        assert projection.attrs["semi_major_axis"] == 6378.137
        assert projection.attrs["spatial_epsg"] == b"3413"
        assert_allclose(projection.attrs["GeoTransform"], [x.min(), 1e4, 0, y.max(), 0, -1e4])
    with h5py.File(files["01km"]) as file:
        assert np.all(file["delta_h/x"][:] % 1e3 == 0)
        assert file["delta_h/time"].attrs["units"] == b"days since 2018-01-01"
        assert file["delta_h/time"][4] == pytest.approx(730.5)
    with h5py.File(files["40km"]) as file:
        assert file["delta_h/x"][0] % 4e4 == 2e4
        assert b"4040" in file["delta_h/delta_h"].attrs["description"]


def test_fills_are_written_where_there_is_no_ice(files):
    """float32 maximum in every grid, no NaN on disk, ice_area included."""
    with h5py.File(files["01km"]) as file:
        for name in ("delta_h", "delta_h_sigma", "ice_area", "data_count", "misfit_rms"):
            values = file["delta_h"][name][:]
            assert not np.isnan(values).any()
            assert file["delta_h"][name].attrs["_FillValue"][0] == FILL
        masked = file["delta_h/ice_area"][:] == FILL
        assert masked.any() and not masked.all()
        assert np.array_equal(file["delta_h/delta_h"][:] == FILL, masked)


def test_the_datum_epoch_is_zero(files):
    """2020.0 is the fifth quarter of a record that starts in 2019.0."""
    change = read15.read_height_change(files["01km"])
    datum = change.isel(time=4)
    assert float(datum.decimal_year) == pytest.approx(2020.0)
    assert np.nanmax(np.abs(datum.delta_h)) == 0
    assert np.nanmax(datum.delta_h_sigma) == 0


@pytest.mark.parametrize("resolution", ["01km", "20km"])
def test_rates_close_with_height_change(files, resolution):
    """dhdt of lag 1 times a quarter is the difference of neighbouring epochs, to the rounding of both."""
    change, rates = read15.read_height_change(files[resolution]), read15.read_rates(files[resolution], 1)
    assert list(read15.lags(files[resolution])) == [1, 4, 8]
    difference = change.delta_h.diff("time").values
    known = np.isfinite(rates.dhdt.values)
    assert known.any()
    # values are kept to 2^-14 m and m/yr
    assert_allclose(0.25 * rates.dhdt.values[known], difference[known], atol=1.1 * 2.0**-14)


def test_resolutions_agree_in_area_and_volume(files):
    """Sums over the whole file of 1, 10, 20 and 40 km."""
    change = {r: read15.read_height_change(path) for r, path in files.items()}
    for r in ("10km", "20km", "40km"):
        fine, coarse = change["01km"], change[r]
        assert_allclose(coarse.ice_area.sum(), fine.ice_area.sum(), rtol=1e-5)
        volume = [float(((c.delta_h[8] - c.delta_h[0]) * c.ice_area[0]).sum()) for c in (fine, coarse)]
        assert_allclose(volume[1], volume[0], rtol=5e-3)


def test_some_nodes_are_interpolated(files):
    """data_count is zero under clouds and between tracks, positive elsewhere, known on ice only."""
    change = read15.read_height_change(files["01km"])
    count = change.data_count.where(change.ice_area > 0)
    assert 0.05 < float((count == 0).sum() / count.notnull().sum()) < 0.7
    with h5py.File(files["01km"]) as file:
        misfit = file["delta_h/misfit_rms"][:]
        assert np.array_equal(
            misfit != FILL, (file["delta_h/data_count"][:] > 0) & (file["delta_h/data_count"][:] < 1e30)
        )


def test_surface_is_the_truth_within_its_sigma(place, surface):
    """ATL14 at 2020.0: two thirds of the cells within one sigma of the truth, fills off the ice."""
    read = read14.read_surface(surface)
    gx, gy = np.meshgrid(read.x, read.y)
    z = (read.h.values - place.truth.surface(gx, gy, 2020.0)) / read.h_sigma.values
    assert 0.66 < np.mean(np.abs(z[np.isfinite(z)]) < 1) < 0.70
    assert np.array_equal(np.isfinite(read.h.values), place.truth.ice(gx, gy))
    assert_allclose(float(read.ice_area.mean()), 1e4 / 0.956, rtol=5e-3)  # k2 at 79.7 N


def test_antarctic_quadrants_share_their_axis(tmp_path):
    """A2 and A3 both hold the row y = 0, with the same values; a reader must count it once."""
    place = world("pine_island", "full")
    small = {**place.__dict__, "height_bounds": (-1640e3, -80e3, -1560e3, 80e3), "period": (2019.5, 2020.5)}
    place = type(place)(**small)
    paths = atl15.write(place, tmp_path, resolutions=("01km", "10km"))
    assert [p.name[:11] for p in paths] == ["ATL15_A2_03", "ATL15_A2_03", "ATL15_A3_03", "ATL15_A3_03"]
    with h5py.File(paths[0]) as north, h5py.File(paths[2]) as south:
        assert north["delta_h/y"][0] == south["delta_h/y"][-1] == 0
        assert np.array_equal(north["delta_h/delta_h"][:, 0], south["delta_h/delta_h"][:, -1])
    whole = height_change.truth(place)
    joined = read15.read_height_change([paths[0], paths[2]])
    assert joined.sizes["y"] == whole.y.size
    assert_allclose(float(joined.ice_area.sum()), whole.ice_area.sum(), rtol=1e-6)
    with h5py.File(paths[1]) as north, h5py.File(paths[3]) as south:
        assert north["delta_h/y"][0] == 5e3 and south["delta_h/y"][-1] == -5e3
