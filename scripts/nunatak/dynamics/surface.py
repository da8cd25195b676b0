"""The change of the surface by decimal year, and its rate between two dates, from gridded height change."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nunatak.runtime import NunatakError


def yearly_change(change):
    """
    Return height change with the decimal year as its first dimension.

    Parameters
    ----------
    change : Dataset as `products.atl15.read_height_change` returns it: `delta_h`, `delta_h_sigma` on (time, y, x)

    Returns
    -------
    Dataset on (year, y, x) with `dh` and `dh_sigma` (m), and the attributes of `change`
    """
    years = change["decimal_year"].values
    renamed = {"dh": change["delta_h"].values, "dh_sigma": change["delta_h_sigma"].values}
    return xr.Dataset(
        {name: (("year", "y", "x"), values) for name, values in renamed.items()},
        {"year": years, "y": change["y"].values, "x": change["x"].values},
        change.attrs,
    )


def rate_between(change, start, end):
    """
    Return the rate of height change between two dates.

    Parameters
    ----------
    change : Dataset of `yearly_change`
    start, end : decimal years within it

    Returns
    -------
    Dataset (y, x) with `dhdt` and `dhdt_sigma`, m/yr; heights between epochs are linear, and the errors of both dates
        independent of each other

    Raises
    ------
    NunatakError : a date outside the record
    """
    first, last = change["year"].values[[0, -1]]
    if not (first - 1e-6 <= start < end <= last + 1e-6):
        raise NunatakError(
            f"rate: {start:.2f} to {end:.2f} lies outside the height change of {first:.2f} to {last:.2f}"
        )
    at = change[["dh", "dh_sigma"]].interp(year=np.clip([start, end], first, last))
    dh, sigma = at["dh"].values, at["dh_sigma"].values
    values = {"dhdt": (dh[1] - dh[0]) / (end - start), "dhdt_sigma": np.hypot(sigma[0], sigma[1]) / (end - start)}
    return xr.Dataset(
        {name: (("y", "x"), value) for name, value in values.items()},
        {"y": change["y"], "x": change["x"]},
        change.attrs,
    )


def shared_years(change, starts, ends):
    """
    Return which years of velocity lie within a record of height change.

    Parameters
    ----------
    change : Dataset of `yearly_change`
    starts, ends : (n,) first and last decimal year of each year of velocity

    Returns
    -------
    (n,) bool; a year whose ends lie a twentieth of a year beyond the record counts as within
    """
    first, last = change["year"].values[[0, -1]]
    return (np.asarray(starts) >= first - 0.05) & (np.asarray(ends) <= last + 0.05)
