"""Ice equivalents: firn air and bedrock motion leave the height change before it becomes a mass."""

import builders
import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from nunatak.elevation import ICE, ice_equivalent, mass_change


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
    change = builders.height_change(-1.0)
    ice = ice_equivalent(change, *corrections(change, -0.3, 0.1))
    assert_allclose(ice.delta_h, builders.height_change(-0.8).delta_h, atol=1e-12)
    assert "firn air content" in ice.attrs["corrected_for"]


def test_correction_on_other_cells_is_refused():
    change = builders.height_change(-1.0)
    air, uplift = corrections(change, -0.3, 0.1)
    with pytest.raises(ValueError, match="firn air content: its cells are not those of the change"):
        ice_equivalent(change, air.isel(x=slice(0, 5)), uplift)


def test_pure_ice_has_no_density_error():
    assert_allclose(mass_change(-10.0, 0.5, ICE), (-9.17, 0.4585))
