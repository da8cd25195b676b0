"""Volume: true areas, partial cells, three errors, and mass only where it can be said."""

import numpy as np
import pytest
import shapely
from numpy.testing import assert_allclose
from tests.builders import studies

from nunatak.elevation import GLACIER, cell_coverage, change_between, region_change, region_rates, trend
from nunatak.geometry.grid import Grid
from nunatak.runtime import NunatakError

EVERYWHERE = np.ones((20, 20))


def test_volume_uses_true_area():
    """
    A lowering of 1 m/yr for two years over 20 x 20 km of map at 79.7 N loses 2 m x 418 km2 of true ground.

    Counting cells as 1 km2 would give 0.800 km3, 4 % too little.
    """
    table = region_change(studies.height_change(-1.0), EVERYWHERE, region="box")
    on = studies.grid()
    true_area = (1e6 / on.areal_scale()).sum()
    assert_allclose(table.volume_change.iloc[-1], -2.0 * true_area / 1e9, rtol=1e-12)
    assert_allclose(table.volume_change.iloc[-1], -0.800 * 1.044, rtol=5e-3)
    assert_allclose(table.area.iloc[-1], true_area / 1e6)


def test_volume_of_a_plane_and_a_bowl_matches_the_integral():
    """Planted dh: a plane and a Gaussian bowl; the sum over 1 km cells is the integral over true area to 0.1 %."""
    on = studies.grid(60, 60)
    centre = np.mean(on.bounds[::2]), np.mean(on.bounds[1::2])

    def rate(x, y):
        u, v = (x - centre[0]) / 1e4, (y - centre[1]) / 1e4
        return -0.5 + 0.2 * u - 3.0 * np.exp(-(u**2) - v**2)

    table = region_change(studies.height_change(rate(*np.meshgrid(on.x, on.y)), on=on), np.ones((60, 60)), region="b")
    fine = studies.grid(600, 600, 100.0)
    truth = (2.0 * rate(*np.meshgrid(fine.x, fine.y)) * 1e4 / fine.areal_scale()).sum() / 1e9
    assert_allclose(table.volume_change.iloc[-1], truth, rtol=1e-3)


def test_partial_cells_count_by_their_share():
    """Half a cell at the edge counts half, where centre-in-polygon would take all of it or none."""
    change = studies.height_change(-1.0, area=1e6)
    left, bottom, _, top = Grid.of(change).bounds
    coverage = cell_coverage(Grid.of(change), shapely.box(left, bottom, left + 4_500, top))
    table = region_change(change, coverage, region="strip")
    assert_allclose(table.volume_change.iloc[-1], -2.0 * 4.5 * 20 / 1000)
    assert table.n_cells.iloc[-1] == 100


def test_regions_that_share_cells_add_up():
    rng = np.random.default_rng(1)
    change = studies.height_change(rng.normal(-1, 1, (20, 20)))
    left, bottom, right, top = Grid.of(change).bounds
    middle = left + 7_300
    west, east = (
        region_change(change, cell_coverage(Grid.of(change), shapely.box(a, bottom, b, top)), region="half")
        for a, b in ((left, middle), (middle, right))
    )
    whole = region_change(change, EVERYWHERE, region="whole")
    assert_allclose(west.volume_change + east.volume_change, whole.volume_change, rtol=1e-9)


def test_mean_rate_is_weighted_by_area():
    """Half the ice in one cell: its rate weighs three times that of a cell with a third of it, not the same."""
    area = np.full((20, 20), 1e6)
    area[:, 10:] = 3e6
    rate = np.where(np.arange(20) < 10, -1.0, -2.0) * np.ones((20, 20))
    change = studies.height_change(rate, area=1.0)
    change["ice_area"] = change.ice_area * area
    table = region_change(change, EVERYWHERE, region="box")
    assert_allclose(table.mean_rate.iloc[-1], -1.75)
    assert_allclose(table.mean_dh.iloc[-1], -3.5)


def test_volume_over_a_lag_closes_on_the_epochs():
    """Rates times areas over four quarters are the volume change between the epochs a year apart."""
    change = studies.height_change(np.random.default_rng(0).normal(-1, 0.5, (20, 20)))
    by_epoch = region_change(change, EVERYWHERE, region="box", since=2019.0)
    annual = region_rates(studies.rates(change, 4), EVERYWHERE, region="box")
    assert_allclose(annual.volume_rate.iloc[0], by_epoch.volume_change.iloc[4])
    assert_allclose(annual.mean_rate.iloc[0], by_epoch.mean_dh.iloc[4])
    assert (annual.lag == 4).all()


def test_resolutions_close():
    """A smooth change on 1 km and on 10 km: the same volume, to the curvature inside a 10 km cell."""
    fine, coarse = studies.grid(40, 40), studies.grid(4, 4, 10e3)

    def rate(on):
        x, y = np.meshgrid(on.x, on.y)
        return -1 + (x - fine.left) / 4e4 + 0.5 * (y - fine.top) / 4e4

    volumes = [
        region_change(studies.height_change(rate(on), on=on), np.ones(on.shape), region="r").volume_change.iloc[-1]
        for on in (fine, coarse)
    ]
    assert_allclose(*volumes, rtol=1e-3)


def test_error_triple_in_order_and_of_known_size():
    """400 cells of 0.1 m: quadrature gives 1/20 of the fully correlated error, a range of 10 km lies between."""
    change = studies.height_change(-1.0, sigma=0.1, area=1e6)
    rates = {8: studies.rates(change, 8, sigma=0.05)}
    row = region_change(change, EVERYWHERE, region="box", rates=rates).iloc[-1]
    assert_allclose(row.volume_sigma_fully_correlated, 400 * 0.1 / 1000)
    assert_allclose(row.volume_sigma_independent, 0.04 / 20)
    assert row.volume_sigma_independent < row.volume_sigma < row.volume_sigma_fully_correlated
    assert row.sigma_from == "dhdt_lag8"


def test_without_a_matching_lag_the_bound_is_the_sum_of_both_epochs():
    row = region_change(studies.height_change(-1.0, sigma=0.1, area=1e6), EVERYWHERE, region="box").iloc[-1]
    assert row.sigma_from == "quadrature"
    assert_allclose(row.volume_sigma_fully_correlated, 400 * 0.2 / 1000)
    assert_allclose(row.volume_sigma_independent, 400 * np.hypot(0.1, 0.1) / 20 / 1000)


def test_errors_cover_the_truth_as_often_as_they_say():
    """
    300 records with errors correlated over 10 km about a known change: 60-76 % within one sigma, 92 % within two.

    delta_h_sigma is honest, so no lag group is needed: the two epochs' errors are drawn independently.
    """
    from nunatak.elevation.errors import spherical

    rng = np.random.default_rng(2024)
    on = studies.grid()
    x, y = (axis.ravel() for axis in np.meshgrid(on.x, on.y))
    factor = np.linalg.cholesky(spherical(np.hypot(x[:, None] - x, y[:, None] - y), 10e3) + 1e-9 * np.eye(400))
    change = studies.height_change(-1.0, on=on, years=[2019.0, 2021.0], sigma=0.2)
    clean, truth = change.delta_h.copy(), -2.0 * float(change.ice_area[0].sum()) / 1e9
    z = []
    for _ in range(300):
        noise = (factor @ rng.normal(size=(400, 2))).T.reshape(2, 20, 20)
        change["delta_h"] = clean + 0.2 * noise
        row = region_change(change, EVERYWHERE, region="box").iloc[-1]
        z.append((row.volume_change - truth) / row.volume_sigma)
    z = np.abs(z)
    assert 0.60 <= np.mean(z < 1) <= 0.76
    assert np.mean(z < 2) >= 0.92


def test_unobserved_ice_is_counted():
    change = studies.height_change(-1.0, area=1e6)
    change["delta_h"] = change.delta_h.where(change.x > change.x[4])
    row = region_change(change, EVERYWHERE, region="box").iloc[-1]
    assert_allclose([row.area, row.ice_area, row.unobserved_share], [300, 400, 0.25])


def test_interpolated_share_is_by_area():
    count = np.where(np.arange(20) < 5, 0.0, 3.0) * np.ones((20, 20))
    row = region_change(studies.height_change(-1.0, data_count=count, area=1e6), EVERYWHERE, region="box").iloc[-1]
    assert_allclose(row.interpolated_share, 0.25)


def test_interpolated_share_is_unknown_where_the_file_does_not_say():
    change = studies.height_change(-1.0).drop_vars("data_count")
    assert region_change(change, EVERYWHERE, region="box").interpolated_share.isna().all()


def test_glacier_gets_a_mass_and_an_ice_sheet_a_volume():
    """850 +- 60 kg m-3; (rho sigma_V)^2 + (V sigma_rho)^2."""
    change = studies.height_change(-1.0, area=1e6)
    volume = region_change(change, EVERYWHERE, region="box")
    assert (volume.quantity == "volume").all() and "mass_change" not in volume
    row = region_change(change, EVERYWHERE, region="box", density=GLACIER).iloc[-1]
    assert row.quantity == "mass"
    assert_allclose(row.mass_change, 0.85 * -0.8)
    assert_allclose(row.mass_sigma, np.hypot(0.85 * row.volume_sigma, 0.8 * 0.06))


def test_units_are_in_the_table():
    table = region_change(studies.height_change(-1.0), EVERYWHERE, region="box", density=GLACIER)
    assert table.attrs["units"]["volume_change"] == "km3" and table.attrs["units"]["mass_change"] == "Gt"
    yearly = region_rates(studies.rates(studies.height_change(-1.0), 4), EVERYWHERE, region="b", density=GLACIER)
    assert yearly.attrs["units"]["mass_change"] == "Gt/yr"
    assert "frontal retreat" in table.attrs["note"]


def test_volume_follows_from_mapped_rate_and_area():
    """Law: sum of rate x area x years = volume change, whichever way the rate was made."""
    change = studies.height_change(np.random.default_rng(0).normal(-1, 0.5, (20, 20)), area=1e6)
    volume = region_change(change, EVERYWHERE, region="box").volume_change.iloc[-1]
    mapped = change_between(change, 2019.0, 2021.0)
    assert_allclose(float((mapped.dhdt * mapped.ice_area).sum()) * 2 / 1e9, volume)
    assert_allclose(float((trend(change, annual=False).dhdt * mapped.ice_area).sum()) * 2 / 1e9, volume)


def test_region_off_the_grid_is_refused():
    with pytest.raises(NunatakError, match="it covers no cell of the grid"):
        region_change(studies.height_change(-1.0), np.zeros((20, 20)), region="elsewhere")


def test_region_without_ice_has_no_change():
    """A region that the grid covers but no ice: zero volume over zero area, not an error."""
    change = studies.height_change(-1.0, iced=np.arange(20) < 10)
    row = region_change(change, np.where(np.arange(20) >= 10, 1.0, 0.0) * np.ones((20, 20)), region="sea").iloc[-1]
    assert row.volume_change == 0 and row.area == 0 and np.isnan(row.mean_rate)


def test_cells_without_ice_do_not_push_a_region_to_the_disk(monkeypatch):
    """400 cells, 200 with ice, a limit of 250 for the exact sum: it is exact."""
    from nunatak.elevation import errors

    change = studies.height_change(-1.0, iced=np.arange(20) < 10)
    exact = region_change(change, EVERYWHERE, region="half").volume_sigma
    monkeypatch.setattr(errors, "EXACT_CELLS", 250)
    assert_allclose(region_change(change, EVERYWHERE, region="half").volume_sigma, exact)
