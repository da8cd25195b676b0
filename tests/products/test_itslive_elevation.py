"""ITS_LIVE's height record: both spellings, windows, months, flags, pole hole, constant cells and firn."""

import h5py
import numpy as np
import pytest
from tests.builders import sheets as made

from nunatak.products import GranuleError, sheets
from nunatak.products.itslive_elevation import read_elevation, read_shelf

BUCKET = "ANT_G1920V01_GroundedIceHeight.nc"
RNG = np.random.default_rng(20180101)


@pytest.fixture
def values():
    """Twelve months of a trend with noise, in 5 x 6 cells: dh, rmse and flags."""
    dh = (-0.1 * np.arange(12)[:, None, None] + 0.01 * RNG.standard_normal((12, 5, 6))).round(3)
    return dh, np.full(dh.shape, 0.25), np.ones(dh.shape)


def _counts(data):
    told = {key.removeprefix("values_"): value for key, value in data.attrs.items() if key.startswith("values_")}
    return told, told["read"] - sum(told.get(why, 0) for why in ("not_ice", "no_data", "pole_hole", "constant"))


@pytest.mark.parametrize(("nsidc", "packed"), [(False, None), (True, None), (True, 0.001)])
def test_both_copies_read_alike(tmp_path, values, nsidc, packed):
    """Bucket and NSIDC names, floats and packed numbers: the same heights, errors, times and place."""
    dh, rmse, _ = values
    dh[3, 2, 2] = np.nan
    data = read_elevation(made.write_antarctica(tmp_path / BUCKET, *values, nsidc=nsidc, packed=packed))
    np.testing.assert_allclose(data.dh, dh, atol=1e-6)
    np.testing.assert_allclose(data.dh_sigma, np.where(np.isnan(dh), np.nan, rmse), atol=1e-6)
    assert data.dh.dtype == np.float32 and set(data) == {"dh", "dh_sigma", "quality", "basin"}
    # 12890.5 days after 1950-01-01
    assert data.time.values[0] == np.datetime64("1985-04-17T12:00")
    assert data.attrs["crs"] == "EPSG:3031" and data.attrs["resolution"] == 1920
    assert data.attrs["relative_to"] == "2013-12-16" and data.attrs["version"] == "1.0"
    told, kept = _counts(data)
    assert told["read"] == dh.size - 1 == told["kept"] == kept


def test_window_and_period(tmp_path, values):
    """Cells that touch the bounds and months inside the period, the end left out."""
    path = made.write_antarctica(tmp_path / BUCKET, *values)
    left, top = made.ANT_X0 + 1.6 * made.STEP, made.ANT_Y0 - 0.6 * made.STEP
    bounds = (left, top - 1.5 * made.STEP, left + 1.5 * made.STEP, top)
    whole = read_elevation(path)
    span = (whole.time.values[2], whole.time.values[5])
    part = read_elevation(path, bounds=bounds, period=span, variables=("quality",), crs="EPSG:3031")
    xarray_part = whole.sel(time=slice(span[0], span[1])).isel(time=slice(0, 3), x=slice(2, 4), y=slice(1, 3))
    np.testing.assert_array_equal(part.dh, xarray_part.dh)
    np.testing.assert_array_equal(part.time, xarray_part.time)
    assert set(part) == {"dh", "dh_sigma", "quality"}


def test_greenland_rows_are_turned_and_cells_off_the_ice_left_out(tmp_path, values):
    """y ascends in the file, mask 0 is no ice, firn air content of both models comes along."""
    dh, rms, _ = values
    mask = np.ones((5, 6))
    mask[0], mask[1] = 0, 2
    firn = {"dfac_gemb": 0.1 * dh, "dfac_gsfc": 0.2 * dh}
    path = made.write_greenland(
        tmp_path / "Greenland_G1920V01_IceSheetGlacierIceHeight.nc", dh, rms, mask=mask, firn=firn
    )
    data = read_elevation(path)
    assert (np.diff(data.y) < 0).all() and data.attrs["crs"] == "EPSG:3413"
    np.testing.assert_allclose(data.dh[:, :4], dh[:, :0:-1], atol=1e-6)
    assert np.isnan(data.dh[:, 4]).all() and np.isnan(data.dh_sigma[:, 4]).all()
    np.testing.assert_allclose(data.dfac_gsfc[:, :4], 0.2 * dh[:, :0:-1], atol=1e-6)
    assert data.time.values[0] == np.datetime64("1992-01-15") and data.attrs["relative_to"] == "2014-01-01"
    told, kept = _counts(data)
    assert told["not_ice"] == 12 * 6 and told["kept"] == kept == 12 * 24


def test_flags_and_constant_cells_are_no_observations(tmp_path, values):
    """
    Each value is lost for one reason.

    A flag of the pole hole that lies far from the pole counts as low quality.
    """
    dh, _, quality = values
    quality[4, 0, 0], quality[:, 1, 1], quality[:, 1, 2] = 0, 3, 2
    dh[:, 2, 3] = 0.7
    near = made.STEP * (np.arange(6) - 2.5)
    data = read_elevation(made.write_antarctica(tmp_path / BUCKET, *values, x=near, y=-near[:5]))
    told, kept = _counts(data)
    assert told == {"read": 360, "no_data": 1, "pole_hole": 12, "constant": 12, "kept": 335, "low_quality": 12}
    assert kept == 335 and np.isnan(data.dh[:, 1, 1]).all() and np.isnan(data.dh[4, 0, 0])
    assert np.isfinite(data.dh[:, 1, 2]).all()
    far = read_elevation(made.write_antarctica(tmp_path / f"far_{BUCKET}", *values))
    told, _ = _counts(far)
    assert told["pole_hole"] == 0 and told["low_quality"] == 24


def test_one_month_tells_no_constant_cell(tmp_path, values):
    values[0][:, 2, 3] = 0.7
    path = made.write_antarctica(tmp_path / BUCKET, *values)
    first = read_elevation(path, period=("1985-04-01", "1985-05-01"))
    assert first.sizes["time"] == 1 and first.attrs["values_constant"] == 0


def test_shelves(tmp_path):
    """Land is no shelf, 9999 stands for missing, and the errors of firn air content are not given."""
    dh = 0.1 * np.arange(4)[:, None, None] * np.ones((4, 2, 3))
    path = tmp_path / "ANT_G1920V01_IceShelfMelt.nc"
    with h5py.File(path, "w") as file:
        made.axes(
            file,
            made.STEP * np.arange(3),
            -made.STEP * np.arange(2),
            15417 + 91 * np.arange(4),
            "days since 1950-01-01",
        )
        made.put(file, "mapping", np.int8(0), spatial_epsg="3031.0")
        for name, layer in {"height_change": dh, "height_change_err": dh + 0.1, "fac": dh + 9, "fac_err": dh}.items():
            made.put(file, name, layer.astype("f4"))
        smb_err = np.full(dh.shape, 9999.0, "f4")
        smb_err[0] = 0.2
        made.put(file, "smb_err", smb_err, units="m")
        made.put(file, "ID", np.array([[1, 182, 255], [0, 7, 255]], "u1"))
    data = read_shelf(path)
    np.testing.assert_array_equal(data.shelf, [[1, 182, 0], [0, 7, 0]])
    assert int(np.isfinite(data.dh[2]).sum()) == 3 and "fac_err" not in data
    assert np.isnan(data.smb_sigma[1:]).all() and float(data.smb_sigma[0, 0, 0]) == pytest.approx(0.2)
    with pytest.raises(GranuleError, match="record of floating ice shelves; take that of grounded ice"):
        read_elevation(path)


def test_what_does_not_fit_is_named(tmp_path, values):
    """Another sheet, no overlap in place or time, no place at all, a damaged layout: one line each."""
    path = made.write_antarctica(tmp_path / BUCKET, *values)
    for arguments, message in (
        ({"bounds": (0, 0, 1, 1), "crs": "EPSG:3413"}, r"is of Antarctica \(EPSG:3031\).* in EPSG:3413; take"),
        ({"bounds": (0, 0, 1, 1)}, r"does not touch the bounds \(0, 0, 1, 1\) in EPSG:3031"),
        ({"period": ("2022-01-01", "2023-01-01")}, "record of 1985-04-17 to 1986-03-18 has no month in the period"),
        ({"variables": ("dhdt",)}, "no variable 'dhdt' is known; choose dh"),
    ):
        with pytest.raises(GranuleError, match=message) as told:
            read_elevation(path, **arguments)
        assert "\n" not in str(told.value) and BUCKET in str(told.value)
    with pytest.raises(GranuleError, match="is not the record of floating ice"):
        read_shelf(path)
    with h5py.File(path, "a") as file:
        del file["dh"]
        made.put(file, "dh", np.zeros((5, 6, 12), "f4"))
    with pytest.raises(GranuleError, match=r"dh: is 5 x 6 x 12, not time x y x x \(12 x 5 x 6\)"):
        read_elevation(path)
    with h5py.File(path, "a") as file:
        file["mapping"].attrs["spatial_epsg"] = "3976"
    with pytest.raises(GranuleError, match=r"is EPSG:3976; the grids of ice sheets are in EPSG:3413 or EPSG:3031"):
        read_elevation(path)


@pytest.mark.parametrize("how", ["epsg_number", "crs_wkt", "standard_parallel", "proj4"])
def test_sheet_is_known_from_any_statement(tmp_path, how):
    import pyproj

    stated = {
        "epsg_number": "3413",
        "proj4": "+init=epsg:3413",
        "standard_parallel": 70.0,
        "crs_wkt": pyproj.CRS.from_epsg(3413).to_wkt(),
    }[how]
    with h5py.File(tmp_path / "sheet.nc", "w") as file:
        mapping = made.put(file, "mapping", np.int8(0))
        (file if how in ("epsg_number", "proj4") else mapping).attrs[how] = stated
        assert sheets.sheet_of(file) == "greenland"
