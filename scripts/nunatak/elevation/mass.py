"""From volume to mass, where that can be said, and the corrections that allow it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nunatak.constants import DATUM_YEAR, GLACIER_DENSITY, GLACIER_DENSITY_SIGMA, ICE_DENSITY


@dataclass(frozen=True)
class Density:
    """The density that turns a volume change into a mass change, kg m-3."""

    value: float
    sigma: float


# ASSUME: firn on glaciers neither thickens nor thins over the years in question; 850 +- 60 kg m-3 (Huss 2013).
GLACIER = Density(GLACIER_DENSITY, GLACIER_DENSITY_SIGMA)
# For a change from which firn air and bedrock motion have been taken: what is left is ice.
ICE = Density(ICE_DENSITY, 0.0)


def mass_change(volume, volume_sigma, density):
    """
    Mass change of a volume change: M = rho V, var M = (rho sigma_V)^2 + (V sigma_rho)^2.

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


def ice_equivalent(change, firn_air_content, uplift):
    """
    Height change of ice alone: firn air and the motion of the bedrock taken out of delta_h.

    dh_ice(t) = delta_h(t) - [FAC(t) - FAC(datum)] - uplift (t - datum)

    Parameters
    ----------
    change : Dataset as `products.atl15.read_height_change` returns it
    firn_air_content : DataArray (time, y, x), m, with coordinate decimal_year, on the cells of `change`; linear in
        between its times
    uplift : DataArray (y, x), m/yr of the bedrock (glacial isostatic adjustment), positive up

    Returns
    -------
    Dataset like `change`; NaN where a correction is NaN. attrs["corrected_for"] says what was taken out
    """
    for name, field in (("firn air content", firn_air_content), ("uplift", uplift)):
        if not (np.array_equal(field.x, change.x) and np.array_equal(field.y, change.y)):
            raise ValueError(f"{name}: its cells are not those of the change; resample it first")
    air = firn_air_content.swap_dims(time="decimal_year")
    since = air.interp(decimal_year=change.decimal_year.values) - air.interp(decimal_year=DATUM_YEAR)
    motion = uplift.values * (change.decimal_year.values[:, None, None] - DATUM_YEAR)
    dims = change.delta_h.dims
    corrected = change.assign(delta_h=(dims, change.delta_h.values - since.values - motion, change.delta_h.attrs))
    return corrected.assign_attrs(corrected_for="firn air content, glacial isostatic adjustment")
