"""The change of the surface by decimal year, at dates and between two of them, from gridded height change."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nunatak.runtime import NunatakError

HEIGHTS = ("dh", "dh_sigma", "dh_shared", "dh_shape")
FIRN = ("firn", "firn_difference")
_BESIDE = 0.05  # years by which a year of velocity may reach beyond the record
COVERED = 0.8  # of the cells of the fullest year that a year of velocity needs to count for budgets
_NAMES = {"delta_h": "dh", "delta_h_sigma": "dh_sigma"}  # of ATL15, and here


def yearly_change(change):
    """
    Return height change with the decimal year as its first dimension.

    Parameters
    ----------
    change : Dataset on (time, y, x) with `decimal_year`: `delta_h`, `delta_h_sigma` as `products.atl15` reads them, or
        a record of `elevation.record`, which further has `from_atl15`, `offset_sigma`, and where they are known
        `firn`, `firn_difference`; m

    Returns
    -------
    Dataset on (year, y, x) with `dh`, `dh_sigma` and, where they are known, `firn` and `firn_difference` between its
        models (m), and the attributes of `change`. Of a joined record also `dh_shared`: the error that all epochs of
        the older record have in common, 0 at those of ATL15, so that it is in a change from one to the other alone.
        `dh_shape`: what a mean of a cell, interpolated to a point, lies above the point (`above_points`)
    """
    named = change.rename({name: ours for name, ours in _NAMES.items() if name in change})
    if "offset_sigma" in named:
        shared = named["offset_sigma"].where(~named["from_atl15"].astype(bool), 0.0)
        named = named.assign(dh_shared=shared.fillna(0.0))
    named = named.assign(dh_shape=above_points(named["dh"]))
    kept = [name for name in (*HEIGHTS, *FIRN) if name in named]
    return xr.Dataset(
        {name: (("year", "y", "x"), named[name].transpose("time", "y", "x").values) for name in kept},
        {"year": change["decimal_year"].values, "y": change["y"].values, "x": change["x"].values},
        change.attrs,
    )


def above_points(heights):
    """
    Return by how much means of cells, interpolated to a point, lie above the heights of points.

    Parameters
    ----------
    heights : DataArray (..., y, x), means of cells, m

    Returns
    -------
    DataArray as `heights`; 0 along an axis on which a neighbour is missing

    Notes
    -----
    A parabola of second difference D lies D / 24 below its mean over a cell, and on average over the cell D / 12 below
    the line between its neighbours: D / 8 in all, for each axis. In a trunk that sinks faster than its sides a coarser
    grid thus shows too little of it, everywhere in the same sense, in every year: no error that more years would lower.
    """
    beside = [heights.shift({axis: step}) for axis in ("y", "x") for step in (1, -1)]
    return sum((one + other - 2 * heights).fillna(0.0) for one, other in (beside[:2], beside[2:])) / 8


def named(change, names):
    """Return the variables of some names that a Dataset has."""
    return change[[name for name in names if name in change]]


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


def carried(change):
    """
    Return a height change in which every cell that was ever seen has a value at every date.

    Parameters
    ----------
    change : Dataset of `yearly_change`

    Returns
    -------
    Dataset of its `HEIGHTS`: linear in time between the dates that a cell was seen at, before the first and after the
        last as at those. A thickness moves by it; a rate does not, since it would take a gap for a year without change
    """
    fields, years = named(change, HEIGHTS).transpose("year", "y", "x"), change["year"].values
    seen = np.isfinite(fields["dh"].values)
    place = np.arange(years.size, dtype="i4")[:, None, None]
    last = np.maximum.accumulate(np.where(seen, place, -1), axis=0)
    following = np.minimum.accumulate(np.where(seen, place, years.size)[::-1], axis=0)[::-1]
    before = np.clip(np.where(last >= 0, last, following), 0, years.size - 1)
    after = np.clip(np.where(following < years.size, following, last), 0, years.size - 1)
    y, x = np.ogrid[: seen.shape[1], : seen.shape[2]]
    out = {name: np.empty_like(fields[name].values) for name in fields}
    for k, year in enumerate(years):  # one date at a time, so that few copies are held
        step = years[after[k]] - years[before[k]]
        share = np.where(step > 0, (year - years[before[k]]) / np.where(step > 0, step, 1.0), 0.0)
        for name, layers in out.items():
            first, second = (fields[name].values[ends[k], y, x] for ends in (before, after))
            layers[k] = first + share * (second - first)
    layers = {name: (("year", "y", "x"), values) for name, values in out.items()}
    return xr.Dataset(layers, fields.coords, change.attrs)


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
        independent of each other, apart from what they share

    Raises
    ------
    NunatakError : a date outside the record
    """
    first, last = change["year"].values[[0, -1]]
    if not (first - 1e-6 <= start < end <= last + 1e-6):
        raise NunatakError(
            f"rate: {start:.2f} to {end:.2f} lies outside the height change of {first:.2f} to {last:.2f}"
        )
    at = at_years(named(change, HEIGHTS), [start, end])
    dh = at["dh"].values
    values = {"dhdt": (dh[1] - dh[0]) / (end - start), "dhdt_sigma": sigma_of(at, 1, 0) / (end - start)}
    return xr.Dataset(
        {name: (("y", "x"), value) for name, value in values.items()},
        {"y": change["y"], "x": change["x"]},
        change.attrs,
    )


def sigma_of(at, later, earlier):
    """Return the standard error of the change from one to another date of `at_years`, by their numbers."""
    error = np.hypot(at["dh_sigma"].values[later], at["dh_sigma"].values[earlier])
    for name in ("dh_shared", "dh_shape"):  # the epochs have them in common, so that their difference counts
        if name in at:
            error = np.hypot(error, at[name].values[later] - at[name].values[earlier])
    return error


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
    return (np.asarray(starts) >= first - _BESIDE) & (np.asarray(ends) <= last + _BESIDE)


def covered_years(annual):
    """
    Return which years of velocity belong to the longest run of years that cover the map alike.

    A mean over years, and the height change over their span, are of the same ice only where no year between lacks
    most of it. Early years of a long record often hold a few strips of pairs.

    Parameters
    ----------
    annual : Dataset of a composite with `vx` (year, y, x)

    Returns
    -------
    (n,) bool; a year covers the map where it has `COVERED` of the cells of the fullest year. Of runs of one length the
        latest counts
    """
    cells = annual["vx"].notnull().sum(("y", "x")).values
    full = cells >= COVERED * max(cells.max(initial=0), 1)
    after_gap = np.diff(annual["year"].values, prepend=annual["year"].values[:1]) > 1
    run = np.cumsum(~full | after_gap)
    lengths = np.bincount(run, weights=full, minlength=1)
    longest = np.flatnonzero(lengths == lengths.max())[-1]
    return full & (run == longest)


def shared_spans(change, annual):
    """
    Return from when to when each year of velocity that lies within a record of height change lasts.

    Parameters
    ----------
    change : Dataset of `yearly_change`
    annual : Dataset of a composite: `vx` (year, y, x), `year`, `year_start`, `year_end`

    Returns
    -------
    dict of year: (2,) first and last decimal year, with year 0 for all of them together; empty where none lies within.
        Years are those of one run that covers the map (`covered_years`). A year that reaches a little beyond the
        record (`shared_years`) ends with it
    """
    starts, ends = annual["year_start"].values, annual["year_end"].values
    within = np.flatnonzero(shared_years(change, starts, ends))
    within = within[covered_years(annual.isel(year=within))]
    spans = {int(annual["year"][k]): np.clip([starts[k], ends[k]], *change["year"].values[[0, -1]]) for k in within}
    every = np.array(list(spans.values()))
    return spans | ({0: np.array([every.min(), every.max()])} if spans else {})
