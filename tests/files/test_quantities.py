"""Quantities of the user's: units and CF names are looked at and converted, and what is not clear is refused."""

import numpy as np
import pytest
import xarray as xr

from nunatak.files.quantities import read_firn, read_quantity
from nunatak.files.raster_reading import read_on_grid
from nunatak.files.rasters import georeference, write_cog, write_netcdf
from nunatak.files.user_rasters import fields_of
from nunatak.geometry.grid import Grid
from nunatak.runtime import NunatakError

CELLS = Grid("EPSG:3031", -1.61e6, -2.8e5, 500.0, 500.0, 20, 20)
GRID = Grid("EPSG:3031", -1.606e6, -2.82e5, 240.0, 240.0, 8, 10)
ELSEWHERE = Grid("EPSG:3413", 1.0e5, -2.0e6, 500.0, 500.0, 20, 20)
YEAR = 365.25 * 86400


def _netcdf(path, fields, *, on=CELLS, times=None):
    """A file of fields: name to (value or values by time, attributes)."""
    dims, made = (("time", "y", "x") if times is not None else ("y", "x")), {}
    for name, (value, attributes) in fields.items():
        values = np.asarray(value, "f4").reshape(-1, 1, 1) * np.ones(on.shape, "f4")
        made[name] = (dims, values if times is not None else values[0], attributes)
    coords = {} if times is None else {"time": np.array(times, "datetime64[ns]")}
    write_netcdf(georeference(xr.Dataset(made, coords=coords), on), path)
    return str(path)


def _mean(given, **arguments):
    return float(read_quantity(given, GRID, **arguments).mean())


@pytest.mark.parametrize(
    ("units", "value", "wanted"),
    [
        ("kg m-2 s-1", 917 / YEAR, 1.0),
        ("kg m**-2 yr^-1", 917.0, 1.0),
        ("kg/m2/a", 458.5, 0.5),
        ("mm w.e. yr-1", -917.0, -1.0),
        ("mmWE per year", 917.0, 1.0),
        ("m water equivalent per year", 0.917, 1.0),
        ("mm w.e. month-1", 91.7, 1.2),
        ("kg m-2 d-1", 917 / 365.25, 1.0),
        ("m of ice yr-1", 0.7, 0.7),
        ("m i.e. year-1", 0.7, 0.7),
    ],
)
def test_mass_balance_becomes_metres_of_ice_a_year(tmp_path, units, value, wanted):
    given = _netcdf(tmp_path / "smb.nc", {"smb": (value, {"units": units})})
    assert _mean(given, quantity="smb") == pytest.approx(wanted, rel=1e-5)


def test_metres_a_year_with_a_density_are_of_that(tmp_path):
    given = _netcdf(tmp_path / "smb.nc", {"smb": (0.5, {"units": "m yr-1", "density": 917.0})})
    assert _mean(given, quantity="smb") == pytest.approx(0.5)


def test_sums_of_months_are_rates_of_months_of_their_length(tmp_path):
    """31 mm in January and 28 mm in February are both a millimetre a day."""
    times = ["2015-01-15", "2015-02-15", "2016-02-15"]
    given = _netcdf(tmp_path / "smb.nc", {"smb": ([31.0, 28.0, 29.0], {"units": "mm w.e. month-1"})}, times=times)
    read = read_quantity(given, GRID, quantity="smb")
    np.testing.assert_allclose(read.mean(("y", "x")), 365.25 / 917, rtol=1e-6)
    kept = read_quantity(given, GRID, quantity="smb", years=(2016, 2020))
    np.testing.assert_array_equal(kept["time"], np.array(["2016-02-15"], "datetime64[ns]"))
    with pytest.raises(NunatakError, match=r"its times, 2015 to 2016, have none in the years 1990 to 2000"):
        read_quantity(given, GRID, quantity="smb", years=(1990, 2000))


def test_melt_is_positive_whichever_way_the_file_counts(tmp_path):
    """A basal mass balance of CF is a gain: melt is negative there."""
    name = "land_ice_basal_specific_mass_balance_flux"
    gain = _netcdf(tmp_path / "a.nc", {"libmassbffl": (-917 / YEAR, {"units": "kg m-2 s-1", "standard_name": name})})
    melt = _netcdf(tmp_path / "b.nc", {"melt": (1.0, {"units": "m ice yr-1"})})
    assert _mean(gain, quantity="basal_melt") == pytest.approx(1.0) == _mean(melt, quantity="basal_melt")


def test_the_field_is_found_by_its_name_among_several(tmp_path):
    fields = {
        "bed": (-900.0, {"units": "m"}),
        "ice": (1.2, {"units": "km", "standard_name": "land_ice_thickness"}),
        "air": (12.0, {"units": "m"}),
    }
    given = _netcdf(tmp_path / "several.nc", fields)
    assert set(fields_of(given)) == set(fields)
    read = read_quantity(given, GRID, quantity="thickness")
    assert float(read.mean()) == pytest.approx(1200) and read.attrs["given_units"] == "km"
    assert _mean(given, quantity="firn", variable="air") == 12 == _mean(f"netcdf:{given}:air", quantity="firn")
    with pytest.raises(NunatakError, match="holds several variables; name one of"):
        read_quantity(given, GRID, quantity="firn")
    with pytest.raises(NunatakError, match="standard_name land_ice_thickness says ice thickness, not firn air content"):
        read_quantity(given, GRID, quantity="firn", variable="ice")


def test_geotiff_with_and_without_units(tmp_path):
    values = np.full(CELLS.shape, 1.2, "f4")
    write_cog(values, CELLS, tmp_path / "km.tif", units="km")
    assert _mean(str(tmp_path / "km.tif"), quantity="thickness") == pytest.approx(1200)
    write_cog(values * 1000, CELLS, tmp_path / "m.tif")
    assert _mean(str(tmp_path / "m.tif"), quantity="thickness") == pytest.approx(1200)
    write_cog(values, CELLS, tmp_path / "bare.tif")
    for quantity, message in (
        ("thickness", r"at most 1.2: is it in km\?"),
        ("smb", "surface mass balance without units"),
    ):
        with pytest.raises(NunatakError, match=message) as told:
            read_quantity(str(tmp_path / "bare.tif"), GRID, quantity=quantity)
        assert "\n" not in str(told.value) and "rio edit-info" in str(told.value)


def test_holes_stay_holes_and_their_share_is_told(tmp_path):
    values = np.full(CELLS.shape, 900.0, "f4")
    values[:, :12] = np.nan
    write_cog(values, CELLS, tmp_path / "t.tif", units="m")
    read = read_quantity(str(tmp_path / "t.tif"), GRID, quantity="thickness")
    share = read.attrs["missing_share"]
    assert 0.2 < share < 0.9 and share == pytest.approx(float(np.isnan(read).mean()))
    assert float(read.max()) == 900 == float(read.min())


@pytest.mark.parametrize(
    ("quantity", "value", "units", "message"),
    [
        ("smb", 40.0, "mm w.e.", r"in 'mm w.e.', which states no time; write the attribute units"),
        ("smb", 0.4, "m yr-1", "which is of ice or of water; write"),
        ("smb", 0.4, "furlongs yr-1", "is not a known amount"),
        ("smb", 400.0, "m ice yr-1", "values such as 400, beyond -40 to 40"),
        ("thickness", -3.0, "m", "values such as -3, beyond 0 to 5000"),
        ("thickness", 900.0, "km", r"beyond 0 to 5;"),
        ("firn", 12.0, "kg m-2", "firn air content in 'kg m-2', which is not a known length"),
        ("firn", 9999.0, "m", "values such as 9999, beyond -100 to 150"),
    ],
)
def test_what_is_not_clear_is_refused_in_one_line(tmp_path, quantity, value, units, message):
    given = _netcdf(tmp_path / "mine.nc", {"mine": (value, {"units": units})})
    with pytest.raises(NunatakError, match=message) as told:
        read_quantity(given, GRID, quantity=quantity)
    assert "\n" not in str(told.value) and "mine.nc" in str(told.value)


def test_a_field_of_another_ice_sheet_is_told(tmp_path):
    given = _netcdf(tmp_path / "firn.nc", {"fac": (12.0, {"units": "m"})}, on=ELSEWHERE)
    with pytest.raises(NunatakError, match=r"firn.nc: lies at x 100000 to 110000"):
        read_quantity(given, GRID, quantity="firn")


def test_a_file_that_is_none_is_told(tmp_path):
    (tmp_path / "words.tif").write_text("thickness: 900 m")
    for name, message in (("absent.tif", "no such file"), ("words.tif", "neither GeoTIFF nor NetCDF")):
        with pytest.raises(NunatakError, match=rf"{name}: .*{message}"):
            read_quantity(str(tmp_path / name), GRID, quantity="thickness")


def test_a_number_is_a_field_of_it():
    read = read_quantity(900, GRID, quantity="thickness")
    assert read.shape == GRID.shape and float(read.min()) == 900 and read.attrs["units"] == "m"
    with pytest.raises(NunatakError, match="thickness: -3 m is not between 0 and 5000"):
        read_quantity(-3, GRID, quantity="thickness")


def test_series_are_read_with_their_times(tmp_path):
    """Whole dates, of any calendar that has them, without a further package."""
    times = ["2015-07-01", "2016-07-01"]
    given = _netcdf(tmp_path / "s.nc", {"fac": ([10.0, 11.0], {"units": "m"})}, times=times)
    read = read_on_grid(given, GRID)
    np.testing.assert_array_equal(read["time"], np.array(times, "datetime64[ns]"))
    assert read_quantity(given, GRID, quantity="firn").mean(("y", "x")).values.tolist() == [10.0, 11.0]


def test_firn_is_air_content_along_time_or_one_rate(tmp_path):
    times = ["2020-01-01", "2021-01-01"]
    series = _netcdf(tmp_path / "fac.nc", {"fac": ([2000.0, 1900.0], {"units": "cm"})}, times=times)
    content = read_firn(series, GRID)
    np.testing.assert_allclose(content.mean(("y", "x")), [20.0, 19.0])
    rate = read_firn(_netcdf(tmp_path / "rate.nc", {"fac": (-30.0, {"units": "cm yr-1"})}), GRID)
    assert rate.dims == ("y", "x") and float(rate.mean()) == pytest.approx(-0.3)
    assert float(read_firn(-0.25, GRID)[0, 0]) == -0.25


@pytest.mark.parametrize(
    ("value", "units", "times", "words"),
    [
        (20.0, "m", None, "air content without times; give air content along time"),
        ([0.1, 0.2], "m yr-1", ["2020-01-01", "2021-01-01"], "a rate along time; give air content"),
        (0.2, "kg m-2 yr-1", None, "which is no length a year; write metres of air"),
    ],
)
def test_other_firn_is_refused(tmp_path, value, units, times, words):
    given = _netcdf(tmp_path / "fac.nc", {"fac": (value, {"units": units})}, times=times)
    with pytest.raises(NunatakError, match=words):
        read_firn(given, GRID)


@pytest.mark.parametrize("stated", ["surface_altitude", "bedrock_altitude", "height_above_reference_ellipsoid"])
def test_a_height_above_a_datum_is_no_thickness(tmp_path, stated):
    given = _netcdf(tmp_path / "dem.nc", {"h": (800.0, {"units": "m", "standard_name": stated})})
    with pytest.raises(NunatakError, match=f"{stated} says a height above a datum, not ice thickness; name another"):
        read_quantity(given, GRID, quantity="thickness")


def test_firn_of_another_sheet_is_refused(tmp_path):
    given = _netcdf(tmp_path / "fac.nc", {"fac": (-0.2, {"units": "m yr-1"})}, on=ELSEWHERE)
    with pytest.raises(NunatakError, match=r"fac.nc: lies at x .* and the study at x"):
        read_firn(given, GRID)
