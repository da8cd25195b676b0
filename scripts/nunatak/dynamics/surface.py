"""The change of the surface by decimal year, at dates and between two of them, from gridded height change."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nunatak.runtime import NunatakError

_NAMES = {"delta_h": "dh", "delta_h_sigma": "dh_sigma"}  # of ATL15, and here


def yearly_change(change):
    """
    Return height change with the decimal year as its first dimension.

    Parameters
    ----------
    change : Dataset on (time, y, x) with `decimal_year`: `delta_h`, `delta_h_sigma` as `products.atl15` reads them, or
        `dh`, `dh_sigma` and where they are known `firn`, `firn_sigma` of a joined record; m

    Returns
    -------
    Dataset on (year, y, x) with `dh`, `dh_sigma` and `firn`, `firn_sigma` where they are known (m), and the attributes
        of `change`
    """
    named = change.rename({name: ours for name, ours in _NAMES.items() if name in change})
    kept = [name for name in ("dh", "dh_sigma", "firn", "firn_sigma") if name in named]
    return xr.Dataset(
        {name: (("year", "y", "x"), named[name].transpose("time", "y", "x").values) for name in kept},
        {"year": change["decimal_year"].values, "y": change["y"].values, "x": change["x"].values},
        change.attrs,
    )


def at_years(change, years):
    """
    Return fields by year at the dates asked for, linear between the two dates beside each.

    Parameters
    ----------
    change : Dataset on (year, y, x), years ascending
    years : (n,) decimal years; those beyond the first or last of `change` take that of its end

    Returns
    -------
    Dataset on (year, y, x), in the order asked; a date of the record needs no value at others
    """
    known = change["year"].values
    years = np.clip(np.asarray(years, float), known[0], known[-1])
    before = np.clip(np.searchsorted(known, years, side="right") - 1, 0, known.size - 1)
    after = np.minimum(before + 1, known.size - 1)
    step = known[after] - known[before]
    share = np.where(step > 0, (years - known[before]) / np.where(step > 0, step, 1.0), 0.0)[:, None, None]
    out = {}
    for name in change:
        first, second = (change[name].isel(year=k).values for k in (before, after))
        out[name] = (("year", "y", "x"), np.where(share > 0, first + share * (second - first), first))
    return xr.Dataset(out, {"year": years, "y": change["y"], "x": change["x"]}, change.attrs)


def only_years(change, years):
    """Return fields by year at the dates asked for alone, each once and ascending, as `at_years` has them."""
    return at_years(change, np.unique(np.clip(years, *change["year"].values[[0, -1]])))


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
    at = at_years(change[["dh", "dh_sigma"]], [start, end])
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
