"""The air in the firn between two dates, and the error that the epochs of an older record share."""

import numpy as np
import xarray as xr

from nunatak.dynamics.firn import firn_by_year, firn_on, firn_rate
from nunatak.dynamics.surface import rate_between, yearly_change
from nunatak.dynamics.thickness import thickness_in_time
from nunatak.geometry.grid import Grid

GRID = Grid("EPSG:3031", -1600e3, -300e3, 500.0, 500.0, 4, 5)


def layers(values, **dims):
    """A field of one value, or of a value by time."""
    axes = {**dims, "y": GRID.y, "x": GRID.x}
    shape = (*(1 for _ in dims), *GRID.shape)
    return xr.DataArray(np.reshape(values, (-1, 1, 1)[-len(shape) :]) * np.ones(shape), axes, tuple(axes))


def test_a_rate_is_the_same_between_any_two_dates():
    firn = firn_by_year(layers(-0.3), 0.2)
    for span in ((1985.0, 2020.5), (2019.0, 2019.25)):
        rate = firn_rate(firn, *span)
        np.testing.assert_allclose(rate["rate"], -0.3)
        np.testing.assert_allclose(rate["rate_sigma"], 0.06)


def test_a_series_gives_the_change_between_two_dates_and_nothing_beyond_it():
    times = np.array(["2019-01-01", "2020-01-01", "2021-01-01", "2022-01-01"], "datetime64[ns]")
    firn = firn_by_year(layers([20.0, 19.0, 19.5, 21.5], time=times), 0.1)
    np.testing.assert_allclose(firn_rate(firn, 2019.0, 2020.0)["rate"], -1.0, rtol=5e-3)
    np.testing.assert_allclose(firn_rate(firn, 2019.0, 2022.0)["rate"], 0.5, rtol=5e-3)
    np.testing.assert_allclose(firn_rate(firn, 2019.0, 2022.0)["rate_sigma"], 0.05, rtol=5e-3)
    beyond = firn_rate(firn, 2021.0, 2023.0)
    assert beyond["rate"].isnull().all() and beyond["rate_sigma"].isnull().all()


def test_means_of_years_are_of_whole_years():
    """Three values in the middle of 2019 to 2021 tell the changes from the start of 2019 to the end of 2021."""
    times = np.array(["2019-07-02T12", "2020-07-02", "2021-07-02T06"], "datetime64[ns]")
    firn = firn_by_year(layers([20.0, 19.0, 17.0], time=times), 0.1)
    for span, rate in (((2019.0, 2020.0), -1.0), ((2020.0, 2021.0), -1.5), ((2021.0, 2022.0), -2.0)):
        np.testing.assert_allclose(firn_rate(firn, *span)["rate"], rate, rtol=1e-2)
    assert firn_rate(firn, 2021.0, 2022.3)["rate"].isnull().all()


def record(**more):
    """A record whose first three epochs are of older altimeters."""
    year = np.array([2016.0, 2017.0, 2018.0, 2019.0, 2020.0])
    dh = -2.0 * (year - 2020).reshape(-1, 1, 1) * np.ones((5, *GRID.shape))
    axes = {"decimal_year": ("time", year), "y": GRID.y, "x": GRID.x}
    data = {"delta_h": (("time", "y", "x"), dh), "delta_h_sigma": (("time", "y", "x"), 0 * dh + 0.3)}
    old = (year < 2018.5).reshape(-1, 1, 1) * np.ones(dh.shape, bool)
    data |= {"from_atl15": (("time", "y", "x"), ~old.astype(bool))}
    data |= {"offset_sigma": (("y", "x"), np.full(GRID.shape, 0.4)), **more}
    return yearly_change(xr.Dataset(data, axes, {"crs": GRID.crs}))


def test_the_error_of_joining_is_in_changes_across_the_join_alone():
    change, both = record(), 0.3 * np.sqrt(2)
    for span, sigma in (((2016.0, 2018.0), both), ((2019.0, 2020.0), both), ((2017.0, 2020.0), np.hypot(both, 0.4))):
        rate = rate_between(change, *span)
        np.testing.assert_allclose(rate["dhdt_sigma"] * (span[1] - span[0]), sigma, rtol=1e-6)
    thick = xr.Dataset(
        {name: (("y", "x"), np.full(GRID.shape, v)) for name, v in (("thickness", 900), ("thickness_sigma", 0))}
    )
    thick = thick.assign_coords(y=GRID.y, x=GRID.x)
    moved = thickness_in_time(thick, change, [2016, 2019], reference_year=2020)["thickness_sigma"].values
    np.testing.assert_allclose(moved[:, 0, 0], [np.hypot(both, 0.4), both])


def test_firn_of_the_record_errs_by_half_of_what_its_models_differ_by():
    """Models that differ by 0.2 m less each year: 0.1 m/yr, whatever they differ by at both dates."""
    firn = 0.5 * (np.arange(5.0)).reshape(-1, 1, 1) * np.ones((5, *GRID.shape))
    firn[4] = np.nan  # the firn ends a year before the record
    dims = ("time", "y", "x")
    apart = 3.0 - 0.2 * (np.arange(5.0)).reshape(-1, 1, 1) * np.ones((5, *GRID.shape))
    change = record(firn=(dims, firn), firn_difference=(dims, apart))
    window = Grid("EPSG:3031", -1599.5e3, -300.5e3, 500.0, 500.0, 2, 2)
    held = firn_on(window, change, [2016.0, 2018.0, 2020.0])
    rate = firn_rate(held, 2016.0, 2018.0)
    np.testing.assert_allclose(rate["rate"], 0.5)
    np.testing.assert_allclose(rate["rate_sigma"], 0.1)
    alike = record(firn=(dims, firn), firn_difference=(dims, 0 * apart))
    alone = firn_rate(firn_on(window, alike, [2016.0, 2018.0]), 2016.0, 2018.0)
    np.testing.assert_allclose(alone["rate_sigma"], 0.134 * 0.5, err_msg="at least that of one model")
    assert firn_rate(held, 2018.0, 2020.0)["rate"].isnull().all()
    assert firn_on(window, record(), [2016.0]) is None
