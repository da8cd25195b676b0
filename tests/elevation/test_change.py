"""Change between epochs: the datum cancels, errors follow the lag groups, a change is not a rate."""

import numpy as np
import pytest
from tests.builders import studies

from nunatak.elevation import change_between, change_since, nearest_epoch, surface_at
from nunatak.runtime import NunatakError


@pytest.fixture
def change():
    rng = np.random.default_rng(0)
    return studies.height_change(rng.normal(-1, 0.3, (20, 20)), sigma=0.1)


def test_epochs_are_found_by_nearest_not_by_index(change):
    assert nearest_epoch(change, 2020.0) == 4
    assert nearest_epoch(change, np.datetime64("2020-01-01")) == 4
    assert nearest_epoch(change, "2019-01-01") == 0


def test_epoch_outside_the_record_is_refused(change):
    with pytest.raises(NunatakError, match=r"epoch 2023\.00 lies outside the record 2019\.00 to 2021\.00"):
        nearest_epoch(change, 2023.0)


def test_dh_is_not_called_a_rate(change):
    """Over two years -2 m is a change dh in m; its rate is -1 m/yr and bears another name."""
    steady = studies.height_change(-1.0)
    result = change_between(steady, 2019.0, 2021.0)
    np.testing.assert_allclose(result.dh, -2.0)
    np.testing.assert_allclose(result.dhdt, -1.0)
    assert (result.dh.attrs["units"], result.dhdt.attrs["units"]) == ("m", "m/yr")


def test_change_backward_in_time_has_the_other_sign(change):
    forward, backward = change_between(change, 2019.0, 2020.5), change_between(change, 2020.5, 2019.0)
    np.testing.assert_allclose(backward.dh, -forward.dh)
    np.testing.assert_allclose(backward.dhdt, forward.dhdt)
    np.testing.assert_allclose(backward.dhdt_sigma, forward.dhdt_sigma)


def test_one_epoch_twice_is_refused(change):
    with pytest.raises(NunatakError, match="fall on the same epoch"):
        change_between(change, 2020.0, 2020.05)


def test_both_ways_of_removing_the_datum_agree(change):
    """Difference of epochs = difference of the surfaces ATL14 + delta_h, to rounding of heights of 700 m."""
    on = studies.grid(200, 200, 100.0)
    surface = studies.surface(lambda x, y: 700 + 1e-3 * (x - x.min()) + 5 * np.sin(y / 700), on=on)
    start, end = surface_at(surface, change, 2019.0), surface_at(surface, change, 2020.75)
    direct = change_between(change, 2019.0, 2020.75)
    from nunatak.elevation.sampling import sample

    px, py = (axis.ravel() for axis in np.meshgrid(on.x, on.y))
    expected, _ = sample(direct.dh.values, change.x.values, change.y.values, px, py)
    np.testing.assert_allclose((end.h - start.h).values.ravel(), expected, atol=1e-11)


def test_surface_at_the_datum_is_atl14(change):
    surface = studies.surface(812.0)
    at_datum = surface_at(surface, change, 2020.0)
    np.testing.assert_allclose(at_datum.h, 812.0)


def test_surface_error_holds_both_products(change):
    surface = studies.surface(812.0, sigma=0.3)
    np.testing.assert_allclose(surface_at(surface, change, 2019.0).h_sigma, np.hypot(0.3, 0.1))


def test_surface_in_another_projection_is_refused(change):
    surface = studies.surface(812.0)
    surface.attrs["crs"] = "EPSG:3031"
    with pytest.raises(NunatakError, match="surface in EPSG:3031 and change in EPSG:3413"):
        surface_at(surface, change, 2019.0)


def test_error_of_a_difference_comes_from_the_matching_lag(change):
    """dhdt_sigma 0.05 m/yr over one year: 0.05 m, below the 0.14 m of two epochs as if they shared nothing."""
    rates = {4: studies.rates(change, 4, sigma=0.05)}
    result = change_between(change, 2019.25, 2020.25, rates=rates)
    np.testing.assert_allclose(result.dh_sigma, 0.05)
    assert result.attrs["sigma_from"] == "dhdt_lag4"


def test_error_without_a_matching_lag_is_an_estimate_with_its_bound(change):
    rates = {4: studies.rates(change, 4)}
    result = change_between(change, 2019.0, 2020.75, rates=rates)
    np.testing.assert_allclose(result.dh_sigma, np.hypot(0.1, 0.1))
    np.testing.assert_allclose(result.dh_sigma_bound, 0.2)
    assert result.attrs["sigma_from"] == "quadrature"


def test_ice_at_one_epoch_only_does_not_count():
    iced = np.ones((9, 20, 20), bool)
    iced[6:, 0, 0] = False
    change = studies.height_change(-1.0, iced=iced)
    result = change_between(change, 2019.0, 2021.0)
    assert float(result.ice_area[0, 0]) == 0 and np.isnan(result.dh[0, 0])


def test_area_is_the_mean_of_both_epochs():
    change = studies.height_change(-1.0, area=1e6)
    change.ice_area[8] = 0.5e6
    np.testing.assert_allclose(change_between(change, 2019.0, 2021.0).ice_area, 0.75e6)


def test_change_since_starts_at_zero(change):
    result = change_since(change, 2019.5)
    np.testing.assert_array_equal(result.dh[2], 0.0)
    np.testing.assert_array_equal(result.dh_sigma[2], 0.0)
    np.testing.assert_allclose(result.years, 0.25 * (np.arange(9) - 2))
    assert result.sigma_from.values[2] == "same epoch"


def test_cells_without_data_are_interpolated():
    count = np.full((20, 20), 3.0)
    count[:5] = 0
    change = studies.height_change(-1.0, data_count=count)
    assert int(change_between(change, 2019.0, 2021.0).interpolated.sum()) == 100


def test_a_cell_without_ice_is_not_interpolated():
    """Of a hundred cells without data, one has no ice at the later epoch."""
    iced, count = np.ones((9, 20, 20), bool), np.full((20, 20), 3.0)
    iced[6:, 0, 0], count[:5] = False, 0
    change = studies.height_change(-1.0, iced=iced, data_count=count)
    interpolated = change_between(change, 2019.0, 2021.0).interpolated
    assert int(interpolated.sum()) == 99 and not interpolated[0, 0]
