"""ATL15 and ATL14: the grid comes from x, y and the EPSG code; quadrants join once; lags come from the file."""

import h5py
import numpy as np
import pytest
import xarray as xr
from tests.builders import studies
from tests.builders.studies import write_atl14, write_atl15

from nunatak.geometry.grid import Grid
from nunatak.products import GranuleError, atl14, atl15

NAME = "ATL15_SV_0325_01km_005_01.nc"


@pytest.fixture
def change():
    iced = np.ones((6, 8), bool)
    iced[0, :3] = False
    rate = -np.arange(48.0).reshape(6, 8) / 10
    return studies.height_change(rate, on=studies.grid(6, 8), iced=iced)


@pytest.fixture
def path(tmp_path, change):
    return write_atl15(tmp_path / NAME, change)


def test_grid_comes_from_coordinates_not_geotransform(path, change):
    """The file's GeoTransform is half a cell off and upside down, its semi_major_axis in km: neither shows."""
    read = atl15.read_height_change(path)
    assert read.attrs["crs"] == "EPSG:3413" and read.attrs["resolution"] == 1000
    np.testing.assert_array_equal(read.x, change.x)
    np.testing.assert_array_equal(read.y, change.y)
    assert (np.diff(read.y) < 0).all()
    grid = Grid.from_centres(read.attrs["crs"], read.x, read.y)
    assert (grid.left, grid.top) == (studies.AUSTFONNA["left"], studies.AUSTFONNA["top"])
    # float32 in the file
    np.testing.assert_allclose(read.delta_h, change.delta_h, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("unit", ["km", "degrees"])
def test_axes_in_another_unit(path, change, unit):
    """
    Axes in kilometres lie where those in metres do.

    What is no unit of length is refused by axis and unit.
    """
    with h5py.File(path, "a") as file:
        for group in (file[name] for name in file if "x" in file[name]):
            for axis in "xy":
                group[axis][...] = group[axis][()] / 1000
                group[axis].attrs["units"] = unit
    if unit == "degrees":
        with pytest.raises(GranuleError, match="delta_h/x: is in degrees, not in metres"):
            atl15.read_height_change(path)
        return
    read = atl15.read_height_change(path)
    assert read.attrs["resolution"] == 1000
    np.testing.assert_allclose(read.x, change.x)
    np.testing.assert_allclose(read.y, change.y)


def test_epochs_follow_the_products_formula(path):
    """2020.0 is 730.5 days after 2018-01-01: noon of 1 January 2020."""
    read = atl15.read_height_change(path)
    np.testing.assert_allclose(read.decimal_year, 2019 + 0.25 * np.arange(9), rtol=1e-12)
    assert read.time.values[4] == np.datetime64("2020-01-01T12:00")


def test_fills_and_no_ice_are_nan(path, change):
    read = atl15.read_height_change(path)
    np.testing.assert_array_equal(np.isnan(read.delta_h), np.isnan(change.delta_h))
    assert float(np.abs(read.ice_area).max()) < 1.1e6


@pytest.mark.parametrize("area", [0.0, None])
def test_value_without_ice_is_masked(path, area):
    """
    Heights, rates and their errors are masked where the area of ice is 0 or a fill.

    The last row of the file is our first.
    """
    with h5py.File(path, "a") as file:
        for name in ("delta_h/delta_h", "delta_h/delta_h_sigma", "dhdt_lag4/dhdt", "dhdt_lag4/dhdt_sigma"):
            file[name][:, 5, 0] = 7.0
            if area is not None:
                file[f"{name.partition('/')[0]}/ice_area"][:, 5, 0] = area
    read, annual = atl15.read_height_change(path), atl15.read_rates(path, 4)
    for values in (read.delta_h, read.delta_h_sigma, annual.dhdt, annual.dhdt_sigma):
        assert np.isnan(values[:, 0, 0]).all() and np.isfinite(values[:, 0, 3]).all()


def test_units_are_settled(path):
    read = atl15.read_height_change(path)
    assert read.ice_area.attrs["units"] == "m2" and read.delta_h.attrs["units"] == "m"
    assert atl15.read_rates(path, 4).dhdt.attrs["units"] == "m/yr"


def test_window_is_the_same_cells(path):
    whole = atl15.read_height_change(path)
    bounds = (whole.x.values[2], whole.y.values[4], whole.x.values[4] + 400, whole.y.values[2] + 400)
    window = atl15.read_height_change(path, bounds=bounds)
    xr.testing.assert_equal(window, whole.isel(x=slice(2, 5), y=slice(2, 5)))


@pytest.mark.parametrize(("right", "up"), [(-1, 0), (1, 0), (0, -1), (0, 1), (1, 1)])
def test_bounds_outside_are_refused(path, right, up):
    """Beside the grid on any side, also where the other coordinate lies within it."""
    left, bottom, width, height = studies.AUSTFONNA["left"], studies.AUSTFONNA["top"] - 6000.0, 8000.0, 6000.0
    left, bottom = left + right * (width + 10), bottom + up * (height + 10)
    with pytest.raises(GranuleError, match="do not touch the grid of any file given; widen them"):
        atl15.read_height_change(path, bounds=(left, bottom, left + width, bottom + height))


def test_lags_come_from_the_file(path):
    assert atl15.lags(path) == {1: "dhdt_lag1", 4: "dhdt_lag4"}


def test_rates_close_on_the_epochs(path):
    """The lag 4 rate is the difference of epochs a year apart, at the middle of the year."""
    read, annual = atl15.read_height_change(path), atl15.read_rates(path, 4)
    expected = read.delta_h.values[4:] - read.delta_h.values[:-4]
    np.testing.assert_allclose(annual.dhdt.values, expected, atol=1e-5)
    assert annual.decimal_year.values[0] == 2019.5 and annual.attrs["lag_years"] == 1


def test_absent_lag_names_those_there_are(path):
    with pytest.raises(GranuleError, match="no rates over 8 quarters; it has: 1, 4"):
        atl15.read_rates(path, 8)


def test_monthly_file_has_its_lags_in_months(tmp_path):
    """Groups of a monthly file are numbered in months: 3 months are one quarter."""
    monthly = studies.height_change(-1.0, on=studies.grid(4, 4), years=2019 + np.arange(14) / 12)
    path = tmp_path / "monthly.nc"
    write_atl15(path, monthly, lags=())
    with h5py.File(path, "a") as file:
        for months in (1, 3, 12):
            lagged = studies.rates(monthly, months)
            studies._write_grid(file.create_group(f"dhdt_lag{months}"), lagged)
    lags = atl15.lags(path)
    np.testing.assert_allclose(list(lags), [1 / 3, 1, 4])
    assert atl15.read_rates(path, 1).attrs["lag_years"] == 0.25


def test_group_whose_times_contradict_its_name_is_refused(tmp_path, change):
    path = write_atl15(tmp_path / NAME, change, groups={4: "dhdt_lag8"})
    with pytest.raises(GranuleError, match=r"dhdt_lag8: its epochs are 4 quarters apart, its name says 8"):
        atl15.lags(path)


def test_name_that_lies_about_the_resolution_is_refused(tmp_path, change):
    path = write_atl15(tmp_path / NAME.replace("01km", "10km"), change)
    with pytest.raises(GranuleError, match="the name says 10000 m, x is spaced 1000 m"):
        atl15.read_height_change(path)


def test_other_product_is_refused(tmp_path, change):
    path = write_atl15(tmp_path / NAME, change, short_name="ATL14")
    with pytest.raises(GranuleError, match="read as ATL15, but its short_name says ATL14"):
        atl15.read_height_change(path)


def test_missing_group_is_named(path):
    with h5py.File(path, "a") as file:
        del file["delta_h"]
    with pytest.raises(GranuleError, match=r"has no 'delta_h' \(it has: dhdt_lag1"):
        atl15.read_height_change(path)


def test_wkt_alone_places_the_grid(tmp_path, change):
    assert atl15.read_height_change(write_atl15(tmp_path / NAME, change, epsg=False)).attrs["crs"] == "EPSG:3413"


def test_file_without_coordinate_system_is_refused(tmp_path, change):
    path = write_atl15(tmp_path / NAME, change, epsg=False, wkt=False)
    with pytest.raises(GranuleError, match="Polar_Stereographic states neither spatial_epsg nor crs_wkt"):
        atl15.read_height_change(path)


def test_files_of_two_resolutions_are_refused(path, tmp_path):
    coarse = studies.height_change(-1.0, on=studies.grid(2, 2, 10e3))
    other = write_atl15(tmp_path / NAME.replace("01km", "10km"), coarse)
    with pytest.raises(GranuleError, match=r"resolution 10000.0 differs from 1000.0 of ATL15_SV"):
        atl15.read_height_change([path, other])


def test_simulated_source_travels_along(tmp_path, change):
    path = write_atl15(tmp_path / NAME, change, source="SIMULATED")
    assert atl15.read_height_change(path).attrs["nunatak_source"] == "SIMULATED"
    assert "nunatak_source" not in atl15.read_height_change(write_atl15(tmp_path / "plain.nc", change)).attrs


def quadrants(folder):
    """A whole field round the pole, and its four quadrant files, which all hold the nodes x = 0 and y = 0."""
    nodes = Grid("EPSG:3031", -4500.0, 4500.0, 1000.0, 1000.0, 9, 9)
    whole = studies.height_change(-np.arange(81.0).reshape(9, 9), on=nodes)
    parts = {
        "A1": whole.isel(x=slice(4, None), y=slice(None, 5)),
        "A2": whole.isel(x=slice(4, None), y=slice(4, None)),
        "A3": whole.isel(x=slice(None, 5), y=slice(4, None)),
        "A4": whole.isel(x=slice(None, 5), y=slice(None, 5)),
    }
    return whole, [write_atl15(folder / NAME.replace("SV", code), part) for code, part in parts.items()]


def test_quadrants_join_without_double_counting(tmp_path):
    whole, paths = quadrants(tmp_path)
    joined = atl15.read_height_change(paths)
    np.testing.assert_array_equal(joined.x, whole.x)
    np.testing.assert_array_equal(joined.y, whole.y)
    np.testing.assert_allclose(joined.delta_h, whole.delta_h, rtol=1e-6)
    np.testing.assert_allclose(joined.ice_area.sum(), whole.ice_area.sum(), rtol=1e-6)
    assert joined.attrs["region_code"] == "A1,A2,A3,A4"


def test_order_of_quadrants_does_not_matter(tmp_path):
    _, paths = quadrants(tmp_path)
    forward, backward = atl15.read_height_change(paths), atl15.read_height_change(paths[::-1])
    np.testing.assert_array_equal(forward.delta_h, backward.delta_h)


def test_shared_node_seen_by_one_quadrant_only_is_kept(tmp_path):
    whole, paths = quadrants(tmp_path)
    with h5py.File(paths[0], "a") as file:
        file["delta_h/delta_h"][:, :, 0] = np.float32(3.4028235e38)
    joined = atl15.read_height_change(paths)
    # the nodes x = 0 with y > 0 come from the western neighbour
    np.testing.assert_allclose(joined.delta_h.sel(x=0), whole.delta_h.sel(x=0), rtol=1e-6)


def test_window_over_one_quadrant_reads_only_that(tmp_path):
    _, paths = quadrants(tmp_path)
    window = atl15.read_height_change(paths, bounds=(2000, 2000, 3000, 3000))
    assert window.attrs["region_code"] == "A1" and window.x.size == 2


def test_window_one_column_into_the_neighbour_joins(tmp_path):
    whole, paths = quadrants(tmp_path)
    window = atl15.read_height_change(paths, bounds=(-1000, 1000, 1000, 2000))
    np.testing.assert_allclose(window.delta_h, whole.delta_h.sel(x=window.x, y=window.y), rtol=1e-6)
    assert list(window.x) == [-1000, 0, 1000]


def test_surface_of_atl14(tmp_path):
    dem = studies.surface(lambda x, y: 500 + (x - x.min()) / 1000, on=studies.grid(30, 30, 100.0))
    path = write_atl14(tmp_path / "ATL14_SV_0325_100m_005_01.nc", dem)
    read = atl14.read_surface(path)
    np.testing.assert_allclose(read.h, dem.h, rtol=1e-6)
    assert read.attrs["resolution"] == 100 and read.h.attrs["units"] == "m"
    left, top = dem.x.values[10], dem.y.values[10]
    # a single cell comes with its neighbours, because one cell tells no cell size
    window = atl14.read_surface(path, bounds=(left - 10, top - 10, left + 10, top + 10))
    np.testing.assert_allclose(window.h, dem.h[9:12, 9:12], rtol=1e-6)
    two = atl14.read_surface(path, bounds=(left - 10, top - 10, left + 110, top + 10))
    np.testing.assert_allclose(two.h, dem.h[9:12, 10:12], rtol=1e-6)
