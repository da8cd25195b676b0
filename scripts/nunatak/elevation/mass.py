"""Convert volume to mass, and correct height change for firn and uplift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from nunatak.constants import DATUM_YEAR, GLACIER_DENSITY, GLACIER_DENSITY_SIGMA, ICE_DENSITY, SEA_WATER_DENSITY
from nunatak.runtime import NunatakError
from nunatak.times import decimal_year


@dataclass(frozen=True)
class Density:
    """Density that converts a volume change into a mass change, kg m-3."""

    value: float
    sigma: float

    def afloat(self) -> Density:
        """
        Return the density that converts the volume by which the surface of floating ice rises into its mass.

        Most of the change of floating ice is under water.
        """
        return Density(BUOYANCY * self.value, BUOYANCY * self.sigma)


# thickness of floating ice over the height of its surface, without firn
BUOYANCY = SEA_WATER_DENSITY / (SEA_WATER_DENSITY - ICE_DENSITY)
# ASSUME: firn on glaciers neither thickens nor thins over the years in question; 850 +- 60 kg m-3 (Huss 2013).
GLACIER = Density(GLACIER_DENSITY, GLACIER_DENSITY_SIGMA)
# For a change without firn air and bedrock motion, which is a change of ice.
ICE = Density(ICE_DENSITY, 0.0)


def mass_change(volume: Any, volume_sigma: Any, density: Density) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the mass change of a volume change: M = rho V, var M = (rho sigma_V)^2 + (V sigma_rho)^2.

    Parameters
    ----------
    volume, volume_sigma : km3
    density : Density

    Returns
    -------
    mass, mass_sigma : Gt

    Examples
    --------
    >>> mass, sigma = mass_change(-10.0, 1.0, GLACIER)
    >>> float(mass), round(float(sigma), 3)
    (-8.5, 1.04)
    """
    volume = np.asarray(volume, dtype=float)
    mass = density.value / 1000 * volume
    return mass, np.hypot(density.value / 1000 * np.asarray(volume_sigma), density.sigma / 1000 * volume)


def ice_equivalent(change: xr.Dataset, firn_air_content: xr.DataArray, uplift: xr.DataArray) -> xr.Dataset:
    """
    Return the height change of ice alone, delta_h without firn air and the motion of the bedrock.

    dh_ice(t) = delta_h(t) - [FAC(t) - FAC(datum)] - uplift (t - datum)

    Parameters
    ----------
    change : Dataset as `products.atl15.read_height_change` returns it
    firn_air_content : DataArray on the cells of `change`, m: (time, y, x) with coordinate time (UTC) or decimal_year,
        linear in between, or (y, x), its change from the first to the last epoch
    uplift : DataArray (y, x), m/yr of the bedrock (glacial isostatic adjustment), positive up

    Returns
    -------
    Dataset like `change`, NaN where a correction is missing. attrs["corrected_for"] lists the corrections, and the
        variables `firn_air` and `uplift` (m since 2020.0) hold them

    Raises
    ------
    NunatakError : a field is on other cells, or a time series has no times
    """
    for name, field in (("firn air content", firn_air_content), ("uplift", uplift)):
        for axis in ("x", "y"):
            if field[axis].size != change[axis].size or not np.allclose(field[axis], change[axis]):
                raise NunatakError(f"{name}: its cells are not those of the height change; put it on their grid first")
    years = change.decimal_year.values
    motion = uplift.values * (years[:, None, None] - DATUM_YEAR)
    air = _since_datum(firn_air_content, years)
    dims = change.delta_h.dims
    result = change.assign(
        delta_h=(dims, change.delta_h.values - air - motion, change.delta_h.attrs),
        firn_air=(dims, air, {"units": "m"}),
        uplift=(dims, motion, {"units": "m"}),
    )
    return result.assign_attrs(corrected_for="firn air content, glacial isostatic adjustment")


def _since_datum(air, years):
    """Return the firn air content at each epoch less that at the datum, (time, y, x)."""
    if air.ndim == 2:
        # ASSUME: a change given only in total is linear in time. The seasons of the firn stay in the height change.
        return air.values * ((years - DATUM_YEAR) / (years[-1] - years[0]))[:, None, None]
    if "decimal_year" not in air.coords and "time" not in air.coords:
        raise NunatakError("firn air content: several layers without times; give a NetCDF file with a time coordinate")
    when = air.decimal_year.values if "decimal_year" in air.coords else decimal_year(air.time.values)
    by_year = xr.DataArray(air.values, dims=("year", "y", "x"), coords={"year": when})
    return by_year.interp(year=years).values - by_year.interp(year=DATUM_YEAR).values
