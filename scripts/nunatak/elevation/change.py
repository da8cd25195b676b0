"""
Compute the height change between epochs of ATL15, and the surface at an epoch.

delta_h counts from the datum of 2020.0. The datum is removed in two ways: in the difference of two epochs it cancels,
and adding the ATL14 surface turns delta_h into a height. Both give the same change between two epochs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from nunatak.elevation.sampling import sample
from nunatak.runtime import NunatakError
from nunatak.times import decimal_year

# Largest distance of an epoch or the middle of an interval from the one sought: a tenth of a month.
_TOLERANCE_YEARS = 0.01


def nearest_epoch(change: xr.Dataset, when: Any) -> int:
    """
    Return the index of the epoch nearest to a time.

    Parameters
    ----------
    change : Dataset with coordinate decimal_year (time)
    when : datetime64, ISO text, or decimal year

    Raises
    ------
    NunatakError : `when` lies more than the spacing of epochs outside the record
    """
    year = float(when) if isinstance(when, int | float | np.floating) else float(decimal_year(np.datetime64(when)))
    years = change.decimal_year.values
    index = int(np.argmin(np.abs(years - year)))
    spacing = np.diff(years).max() if years.size > 1 else 0.25
    if abs(years[index] - year) > spacing:
        raise NunatakError(
            f"epoch {year:.2f} lies outside the record {years[0]:.2f} to {years[-1]:.2f}; choose one inside it"
        )
    return index


def difference(change: xr.Dataset, i: int, k: int, *, rates: Mapping[float, xr.Dataset] | None = None) -> xr.Dataset:
    """
    Return the height change from epoch i to epoch k.

    Parameters
    ----------
    change : Dataset as `products.atl15.read_height_change` returns it
    i, k : indices of epochs
    rates : {lag in quarters: Dataset of dhdt, dhdt_sigma}. If one spans exactly these epochs, its dhdt_sigma times the
        lag is the error, because it accounts for errors that the two epochs share. Default: none

    Returns
    -------
    Dataset (y, x):
        dh : m, positive where the surface rose
        dh_sigma : m, one standard error. Without a matching lag it is estimated as the quadrature of the two epochs
        dh_sigma_bound : m, upper bound. Without a matching lag it is the sum of the two (fully correlated in time)
        ice_area : m2, mean of the two epochs, 0 where either has no ice
        interpolated : bool, no data in the cell at epoch k (data_count 0), if the product states it
        attrs: since, until (UTC text), years, sigma_from ("dhdt_lag4", "quadrature" or "same epoch")
    """
    start, end = change.isel(time=i), change.isel(time=k)
    years = float(end.decimal_year - start.decimal_year)
    area = [epoch.ice_area.values for epoch in (start, end)]
    mean_area = np.where((area[0] > 0) & (area[1] > 0), 0.5 * (area[0] + area[1]), 0.0)
    dh = end.delta_h.values - start.delta_h.values
    estimate, bound, source = _difference_sigma(start, end, years, rates)
    seen = np.isfinite(dh)
    fields = {
        "dh": (dh, {"units": "m", "long_name": "height change", "ancillary_variables": "dh_sigma"}),
        "dh_sigma": (np.where(seen, estimate, np.nan), {"units": "m"}),
        "dh_sigma_bound": (np.where(seen, bound, np.nan), {"units": "m"}),
        "ice_area": (mean_area, {"units": "m2"}),
    }
    if "data_count" in change:
        fields["interpolated"] = ((mean_area > 0) & ~(end.data_count.values > 0), {})
    spans = {"since": str(start.time.values), "until": str(end.time.values), "years": years, "sigma_from": source}
    return xr.Dataset(
        {name: (("y", "x"), values, attrs) for name, (values, attrs) in fields.items()},
        coords={"y": change.y, "x": change.x},
        attrs={**change.attrs, **spans},
    )


def change_since(
    change: xr.Dataset, since: Any = None, *, rates: Mapping[float, xr.Dataset] | None = None
) -> xr.Dataset:
    """
    Return the height change of every epoch relative to one.

    Parameters
    ----------
    change, rates : as in `difference`
    since : epoch (see `nearest_epoch`). Default: the first

    Returns
    -------
    Dataset (time, y, x) of the variables of `difference`, with years and sigma_from by time
    """
    i = nearest_epoch(change, change.decimal_year.values[0] if since is None else since)
    parts = [difference(change, i, k, rates=rates) for k in range(change.time.size)]
    result = xr.concat([part.drop_attrs(deep=False) for part in parts], dim=change.time)
    result["years"] = ("time", [part.attrs["years"] for part in parts], {"units": "yr"})
    result["sigma_from"] = ("time", [part.attrs["sigma_from"] for part in parts])
    result.attrs = {**change.attrs, "since": parts[0].attrs["since"]}
    return result.assign_coords(decimal_year=change.decimal_year)


def change_between(
    change: xr.Dataset, start: Any, end: Any, *, rates: Mapping[float, xr.Dataset] | None = None
) -> xr.Dataset:
    """
    Return the height change between two epochs, dh (m), and the rate dhdt (m/yr), with errors.

    Parameters
    ----------
    change, rates : as in `difference`
    start, end : epochs, see `nearest_epoch`

    Returns
    -------
    Dataset (y, x) as of `difference`, with dhdt, dhdt_sigma (m/yr)

    Raises
    ------
    NunatakError : both fall on one epoch, or one lies outside the record
    """
    i, k = nearest_epoch(change, start), nearest_epoch(change, end)
    if i == k:
        raise NunatakError(f"start {start} and end {end} fall on the same epoch {change.time.values[i]}; choose two")
    result = difference(change, i, k, rates=rates)
    years = result.attrs["years"]
    result["dhdt"] = (result.dh / years).assign_attrs(units="m/yr", long_name="rate of height change")
    result["dhdt_sigma"] = (result.dh_sigma / abs(years)).assign_attrs(units="m/yr")
    return result


def _difference_sigma(start, end, years, rates):
    """Return estimate and bound of the error of a difference of two epochs, m, and their source."""
    sigma = start.delta_h_sigma.values, end.delta_h_sigma.values
    if not years:
        return np.zeros_like(sigma[0]), np.zeros_like(sigma[0]), "same epoch"
    estimate, bound = np.hypot(*sigma), sigma[0] + sigma[1]
    matching = _matching_rate(rates, float(start.decimal_year), float(end.decimal_year))
    if matching is None:
        return estimate, bound, "quadrature"
    name, dhdt_sigma = matching
    finite = np.isfinite(dhdt_sigma)
    estimate = np.where(finite, dhdt_sigma * abs(years), estimate)
    return estimate, np.where(finite, estimate, bound), name


def _matching_rate(rates, start, end):
    """Return name and dhdt_sigma of the lag whose interval is exactly start .. end (decimal years), or None."""
    for quarters, rate in (rates or {}).items():
        if abs(abs(end - start) - rate.attrs["lag_years"]) > _TOLERANCE_YEARS:
            continue
        distance = np.abs(rate.decimal_year.values - 0.5 * (start + end))
        k = int(np.argmin(distance))
        if distance[k] < _TOLERANCE_YEARS:
            return f"dhdt_lag{quarters:g}", rate.dhdt_sigma.values[k]
    return None


def surface_at(surface: xr.Dataset, change: xr.Dataset, when: Any) -> xr.Dataset:
    """
    Return the surface at an epoch, ATL14 height plus delta_h, on the ATL14 grid.

    Parameters
    ----------
    surface : Dataset as `products.atl14.read_surface` returns it, in the coordinate system of `change`
    change : Dataset as `products.atl15.read_height_change` returns it
    when : epoch, see `nearest_epoch`

    Returns
    -------
    Dataset (y, x): h, h_sigma (m, WGS84 ellipsoid), NaN where either product has no value. delta_h is interpolated
        bilinearly between its cell centres

    Notes
    -----
    Errors add in quadrature. ASSUME: the error of the reference surface, made at short wavelengths by the roughness
    between tracks, and that of delta_h are independent.
    """
    if surface.attrs["crs"] != change.attrs["crs"]:
        raise NunatakError(
            f"surface in {surface.attrs['crs']} and change in {change.attrs['crs']}: read one hemisphere at a time"
        )
    epoch = change.isel(time=nearest_epoch(change, when))
    px, py = (axis.ravel() for axis in np.meshgrid(surface.x.values, surface.y.values))
    fields = np.stack([epoch.delta_h.values, epoch.delta_h_sigma.values])
    (dh, dh_sigma), _ = sample(fields, change.x.values, change.y.values, px, py)
    shape = surface.h.shape
    return xr.Dataset(
        {
            "h": (("y", "x"), surface.h.values + dh.reshape(shape), {"units": "m"}),
            "h_sigma": (("y", "x"), np.hypot(surface.h_sigma.values, dh_sigma.reshape(shape)), {"units": "m"}),
        },
        coords={"y": surface.y, "x": surface.x, "time": epoch.time},
        attrs=dict(surface.attrs),
    )
