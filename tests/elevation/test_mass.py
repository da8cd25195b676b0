"""Ice equivalents: firn air and bedrock motion leave the height change before it becomes a mass."""

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from tests.builders import studies

from nunatak.elevation import BUOYANCY, ICE, ice_equivalent, mass_change, region_change
from nunatak.runtime import NunatakError
from nunatak.times import from_decimal_year


def corrections(change, fac_rate, uplift):
    on = {"y": change.y, "x": change.x}
    years = np.array([2018.5, 2022.0])
    air = fac_rate * (years[:, None, None] - 2020.0) * np.ones((2, 20, 20)) + 12.0
    return (
        xr.DataArray(air, dims=("time", "y", "x"), coords={**on, "decimal_year": ("time", years)}),
        xr.DataArray(np.full((20, 20), uplift), dims=("y", "x"), coords=on),
    )


def test_firn_air_and_uplift_leave_the_ice():
    """-1.0 m/yr, of which -0.3 is air lost from firn and +0.1 the rising bed: -0.8 m/yr of ice."""
    change = studies.height_change(-1.0)
    ice = ice_equivalent(change, *corrections(change, -0.3, 0.1))
    assert_allclose(ice.delta_h, studies.height_change(-0.8).delta_h, atol=1e-12)
    assert "firn air content" in ice.attrs["corrected_for"]


def test_a_region_tells_volume_firn_and_mass_side_by_side():
    """
    Ice, air and rising bed add up to the change of the surface.

    Mass is of the ice alone.
    """
    change = studies.height_change(-1.0)
    ice = ice_equivalent(change, *corrections(change, -0.3, 0.1))
    whole = np.ones(ice.delta_h.shape[1:])
    table = region_change(ice, whole, region="sheet", density=ICE)
    surface = region_change(change, whole, region="sheet")["volume_change"]
    assert_allclose(table["volume_change"] + table["firn_change"] + table["gia_change"], surface, atol=1e-12)
    assert_allclose(table["firn_change"], 0.3 * surface, atol=1e-12)
    assert_allclose(table["mass_change"], 0.917 * table["volume_change"])
    assert table.attrs["units"]["firn_change"] == "km3" and "firn_change" not in region_change(
        change, whole, region="a"
    )


def test_floating_ice_thickens_by_more_than_its_surface_rises():
    assert_allclose(BUOYANCY, 1028 / (1028 - 917))
    mass, sigma = mass_change(1.0, 0.1, ICE.afloat())
    assert_allclose((mass, sigma), (0.917 * BUOYANCY, 0.0917 * BUOYANCY))


def test_correction_on_other_cells_is_refused():
    change = studies.height_change(-1.0)
    air, uplift = corrections(change, -0.3, 0.1)
    with pytest.raises(NunatakError, match="firn air content: its cells are not those of the height change"):
        ice_equivalent(change, air.isel(x=slice(0, 5)), uplift)


def test_times_of_the_firn_may_be_dates():
    change = studies.height_change(-1.0)
    air, uplift = corrections(change, -0.3, 0.0)
    dated = air.drop_vars("decimal_year").assign_coords(time=from_decimal_year(air.decimal_year.values))
    assert_allclose(ice_equivalent(change, dated, uplift).delta_h, studies.height_change(-0.7).delta_h, atol=1e-9)


def test_firn_change_of_the_whole_record_is_spread_evenly():
    """-0.6 m of air from 2019 to 2021 is -0.3 m/yr."""
    change = studies.height_change(-1.0)
    air, uplift = corrections(change, -0.3, 0.0)
    whole = xr.full_like(uplift, -0.6)
    assert_allclose(
        ice_equivalent(change, whole, uplift).delta_h, ice_equivalent(change, air, uplift).delta_h, atol=1e-9
    )


def test_firn_layers_without_times_are_refused():
    change = studies.height_change(-1.0)
    air, uplift = corrections(change, -0.3, 0.0)
    with pytest.raises(NunatakError, match="several layers without times; give a NetCDF file"):
        ice_equivalent(change, air.drop_vars("decimal_year"), uplift)


def test_epochs_beyond_the_firn_record_are_nan_not_extrapolated():
    change = studies.height_change(-1.0, years=2019 + 0.25 * np.arange(17))
    ice = ice_equivalent(change, *corrections(change, -0.3, 0.1))
    assert np.isnan(ice.delta_h[-1]).all() and np.isfinite(ice.delta_h[0]).all()


def test_pure_ice_has_no_density_error():
    assert_allclose(mass_change(-10.0, 0.5, ICE), (-9.17, 0.4585))
