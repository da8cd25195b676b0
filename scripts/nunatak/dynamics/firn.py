"""The air in the firn by decimal year, and its change between two dates, which is height without mass."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nunatak.constants import FIRN_RATE_ERROR
from nunatak.dynamics.regrid import on_map
from nunatak.dynamics.surface import FIRN, at_years
from nunatak.times import decimal_year

_ALWAYS = (1900.0, 2100.0)  # decimal years between which a rate alone goes on
_BESIDE = 0.05  # years by which a date may lie beyond a series


def firn_by_year(given, error):
    """
    Return the air content of the firn by decimal year.

    Parameters
    ----------
    given : DataArray of air content on (time, y, x), m, or of the rate of its change on (y, x), m/yr
    error : standard error of the change, as a share of it

    Returns
    -------
    Dataset on (year, y, x) with `firn` (m, relative to any one date); attribute `error_share`. A series goes on for
        half a step at both ends, at the rate of its first and its last step: the value of a mid-year is of that year
    """
    if "time" in given.dims:
        years, values = _widened(decimal_year(given["time"].values), given.values)
    else:
        years = np.array(_ALWAYS)
        values = (years - years[0]).reshape(-1, 1, 1) * given.values
    axes = {"year": years, "y": given["y"].values, "x": given["x"].values}
    return xr.Dataset({"firn": (("year", "y", "x"), values)}, axes, {"error_share": error})


def _widened(years, values):
    """Return a series in the order of its years, with half a step more at both ends."""
    order = np.argsort(years)
    years, values = years[order], values[order]
    if years.size < 2:
        return years, values
    ends = [years[0] - (years[1] - years[0]) / 2, years[-1] + (years[-1] - years[-2]) / 2]
    before, after = values[0] - (values[1] - values[0]) / 2, values[-1] + (values[-1] - values[-2]) / 2
    return np.array([ends[0], *years, ends[1]]), np.concatenate([before[None], values, after[None]])


def firn_on(grid, change, years):
    """
    Return the air content of the firn that a record of height change holds, at some dates on a grid.

    Parameters
    ----------
    grid : geometry.grid.Grid
    change : Dataset of `surface.yearly_change`
    years : decimal years

    Returns
    -------
    Dataset on (year, y, x) with `firn` and `firn_difference` between its two models, m. None: the record has none
    """
    return on_map(change, years, grid, names=FIRN) if "firn" in change else None


def firn_rate(firn, start, end):
    """
    Return the rate at which the air content of the firn changes between two dates.

    Parameters
    ----------
    firn : Dataset of `firn_by_year` or `firn_on`
    start, end : decimal years

    Returns
    -------
    Dataset (y, x) with `rate` and `rate_sigma`, m/yr; missing where a date lies beyond the series. The error is half of
        what the two models of a record differ by in this change, at least that of one model alone; else the share of it
        that `firn` states
    """
    first, last = firn["year"].values[[0, -1]]
    at = at_years(firn, [start, end])
    span = end - start
    rate = (at["firn"].values[1] - at["firn"].values[0]) / span
    if start < first - _BESIDE or end > last + _BESIDE:
        rate = np.full_like(rate, np.nan)
    if "firn_difference" in firn:
        apart = np.abs(np.diff(at["firn_difference"].values, axis=0)[0]) / span
        sigma = np.maximum(apart / 2, FIRN_RATE_ERROR * np.abs(rate))
    else:
        sigma = firn.attrs["error_share"] * np.abs(rate)
    fields = {"rate": (("y", "x"), rate), "rate_sigma": (("y", "x"), np.where(np.isfinite(rate), sigma, np.nan))}
    return xr.Dataset(fields, {"y": firn["y"], "x": firn["x"]})
