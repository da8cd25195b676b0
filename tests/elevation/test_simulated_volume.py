"""From simulated ATL15 and ATL14 granules through readers and sums back to the truth they were made from."""

import numpy as np
import pytest
import shapely
from numpy.testing import assert_allclose

from nunatak.elevation import cell_coverage, change_since, region_change, region_rates, surface_at
from nunatak.geometry.grid import Grid
from nunatak.products import atl14, atl15
from nunatak.simulation import atl14 as write_atl14
from nunatak.simulation import atl15 as write_atl15
from nunatak.simulation import world


@pytest.fixture(scope="module")
def austfonna(tmp_path_factory):
    """The tiny world, its 1 km and 40 km ATL15, and its ATL14."""
    folder, made = tmp_path_factory.mktemp("granules"), world("austfonna", "tiny")
    paths = {path.name.split("_")[3]: path for path in write_atl15.write(made, folder, resolutions=("01km", "40km"))}
    return made, paths, write_atl14.write(made, folder)


def whole(dataset):
    return np.ones((dataset.y.size, dataset.x.size))


def test_region_volume_comes_back_from_the_granules(austfonna):
    """A region that cuts through cells: within three sigma, and the ice area within 0.5 %."""
    made, paths, _ = austfonna
    change = atl15.read_height_change(paths["01km"])
    rates = {lag: atl15.read_rates(paths["01km"], lag) for lag in atl15.lags(paths["01km"])}
    left, bottom, right, top = Grid.of(change).bounds
    region = shapely.box(left + 20_300, bottom + 20_300, right - 20_300, top - 20_300)
    row = region_change(change, cell_coverage(Grid.of(change), region), region="r", rates=rates).iloc[-1]
    truth, area = made.truth.region_volume_change(region, *change.decimal_year.values[[0, -1]])
    assert abs(row.volume_change - truth / 1e9) < 3 * row.volume_sigma
    assert_allclose(row.area, area / 1e6, rtol=5e-3)


def test_counting_cells_instead_of_true_area_is_four_per_cent_short(austfonna):
    _, paths, _ = austfonna
    change = atl15.read_height_change(paths["01km"])
    row = region_change(change, whole(change), region="r").iloc[-1]
    dh = change_since(change).dh[-1]
    inside = change.ice_area[-1] > 0.999 * float(change.ice_area.max())  # cells full of ice, where the fault is pure
    true = float((dh * change.ice_area[-1]).where(inside).sum())
    counted = float((dh * 1e6).where(inside).sum())
    assert -0.050 < counted / true - 1 < -0.038
    assert row.volume_change < 0


def test_resolutions_close_over_the_whole_file(austfonna):
    """1 km and 40 km hold the same ice and the same errors: their volumes agree to 1 %."""
    _, paths, _ = austfonna
    volumes = []
    for path in paths.values():
        change = atl15.read_height_change(path)
        volumes.append(region_change(change, whole(change), region="r").volume_change.iloc[-1])
    assert_allclose(*volumes, rtol=0.01)


def test_annual_rates_close_on_quarterly_ones(austfonna):
    """Four quarterly volumes make one annual volume, where the ice does not change."""
    _, paths, _ = austfonna
    quarterly, annual = (
        region_rates(atl15.read_rates(paths["40km"], lag), np.ones((4, 4)), region="r") for lag in (1, 4)
    )
    sums = 0.25 * np.convolve(quarterly.volume_rate, np.ones(4), "valid")
    assert_allclose(annual.volume_rate, sums, rtol=1e-3, atol=1e-3)


def test_surface_at_an_epoch_is_the_true_surface_within_its_error(austfonna):
    made, paths, surfaces = austfonna
    change = atl15.read_height_change(paths["01km"])
    x, y = float(change.x.mean()), float(change.y.mean())
    bounds = (x - 3000, y - 3000, x + 3000, y + 3000)
    surface = surface_at(atl14.read_surface(surfaces, bounds=bounds), change, 2019.5)
    truth = made.truth.surface(*np.meshgrid(surface.x.values, surface.y.values), 2019.5)
    z = ((surface.h - truth) / surface.h_sigma).values
    assert np.isfinite(z).mean() > 0.99
    assert np.sqrt(np.nanmean(z**2)) < 3
