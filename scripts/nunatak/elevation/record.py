"""
The long record: height change of all altimeters joined, cell by cell, with that of ATL15.

Both are heights relative to a day of their own. They are put together by the difference of their means over the epochs
that they share, never by assuming a common zero.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from nunatak.constants import DATUM_YEAR
from nunatak.elevation.quarters import PER_YEAR
from nunatak.elevation.regridding import onto_coarser
from nunatak.elevation.trend import persistence
from nunatak.geometry.grid import Grid
from nunatak.runtime import NunatakError
from nunatak.times import from_decimal_year

NONE, JOINED, ATL15_ALONE, ITSLIVE_ALONE = range(4)
PARTS = "none joined atl15_alone itslive_alone"
FIRN_MODELS = ("dfac_gemb", "dfac_gsfc")
_KEPT = ("crs", "sheet", "relative_to")  # beside the numbers of values by what became of them
# Shared epochs that a cell is joined by: a year of quarters, so that seasons which differ do not shift it.
FEWEST_SHARED = PER_YEAR


def of_one_source(record):
    """
    Return the record of all altimeters alone, in the form of the joined one.

    Parameters
    ----------
    record : Dataset (time, y, x) of `quarters.quarterly` with dh, dh_sigma (m), `ice_area` (y, x; m2), and where there
        are firn models dfac_gemb, dfac_gsfc (m of air)

    Returns
    -------
    Dataset (time, y, x) with delta_h, delta_h_sigma (m, relative to the day in the attribute relative_to), ice_area,
        from_atl15 (bool; nowhere), part (y, x; codes in `PARTS`), and firn, firn_sigma, firn_difference (m of air)
    """
    seen = np.isfinite(record["dh"].values)
    part = np.where(seen.any(axis=0), ITSLIVE_ALONE, NONE)
    return _assembled(record, (record["dh"].values, record["dh_sigma"].values), np.zeros_like(seen), part)


def join(record, change):
    """
    Return the record of all altimeters joined with ATL15.

    ATL15 stands where it has a value; the other record is moved to its datum by the difference of both over the shared
    epochs, and stands before and in gaps. Cells without `FEWEST_SHARED` shared epochs are not joined: of those ATL15
    alone is kept, because the other record has no height in its datum.

    Parameters
    ----------
    record : as of `of_one_source`
    change : Dataset (time, y, x) of ATL15 with delta_h, delta_h_sigma, ice_area and decimal_year; on a finer grid it is
        averaged over the cells of the record, on a coarser one the record over those of ATL15

    Returns
    -------
    Dataset as of `of_one_source`, relative to 2020.0, with from_atl15 (where ATL15 stands) and further
        offset, offset_sigma (y, x; m) : what was added to the other record, and its standard error, which all of its
        epochs share and delta_h_sigma does not hold
        n_shared (y, x) : shared epochs
        itslive, itslive_sigma (shared, y, x) : the other record, moved, at the shared epochs, whose decimal years are
        shared_year

    Raises
    ------
    NunatakError : the two share no epoch or no cell

    Notes
    -----
    The difference of the means is that of the shared epochs alone, each weighing the same; its error is the scatter of
    the differences, persistence counted, and not less than their stated errors allow.
    """
    record, change = on_one_grid(record, change)
    record, change, shared = _on_one_axis(record, change)
    ours = change["delta_h"].values
    theirs, error = record["dh"].values, record["dh_sigma"].values
    sigma = np.hypot(change["delta_h_sigma"].values, error)[shared]
    offset, offset_sigma, n_shared = offset_of((ours - theirs)[shared], sigma)
    if not np.isfinite(offset).any():
        raise NunatakError(
            f"record: no cell has {FEWEST_SHARED} epochs of both ITS_LIVE and ATL15 "
            f"(at most {int(n_shared.max(initial=0))}); widen the period or the region, or leave one of them out"
        )
    moved = theirs + offset
    from_atl15 = np.isfinite(ours)
    values = (
        np.where(from_atl15, ours, moved),
        np.where(from_atl15, change["delta_h_sigma"].values, np.where(np.isfinite(moved), error, np.nan)),
    )
    part = _part(np.isfinite(offset), from_atl15.any(axis=0), np.isfinite(theirs).any(axis=0))
    area = change["ice_area"].values
    result = _assembled(
        record.assign(ice_area=(("y", "x"), np.where(area > 0, area, record["ice_area"]))), values, from_atl15, part
    )
    plane, layers = ("y", "x"), ("shared", "y", "x")
    result["offset"] = (plane, offset.astype("f4"), {"units": "m", "ancillary_variables": "offset_sigma"})
    result["offset_sigma"] = (plane, offset_sigma.astype("f4"), {"units": "m"})
    result["n_shared"] = (plane, n_shared.astype("i4"))
    result["itslive"] = (layers, moved[shared].astype("f4"), {"units": "m"})
    result["itslive_sigma"] = (layers, np.where(np.isfinite(moved), error, np.nan)[shared], {"units": "m"})
    result["shared_year"] = ("shared", record["decimal_year"].values[shared], {"units": "years"})
    return result.assign_attrs(relative_to=str(DATUM_YEAR))


def offset_of(difference, sigma):
    """
    Return the mean difference of two records over the epochs that they share, with its standard error.

    Parameters
    ----------
    difference : (n, ...) one record less the other at every shared epoch, NaN where either has no value
    sigma : (n, ...) standard error of each difference

    Returns
    -------
    offset, offset_sigma, n_shared : (...) arrays; NaN for fewer than `FEWEST_SHARED` values. Persistence of the
        differences is that of all cells together, since a few epochs of one cell do not tell it
    """
    seen = np.isfinite(difference)
    count = seen.sum(axis=0)
    enough = count >= FEWEST_SHARED
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(seen, difference, 0.0).sum(axis=0) / count
        residual = np.where(seen & enough, difference - mean, 0.0)
        variance = (residual**2).sum(axis=0) / (count - 1)
        scatter = np.sqrt(variance / count * _inflation(residual, seen & enough))
        stated = np.sqrt(np.where(seen, sigma**2, 0.0).sum(axis=0)) / count
    return np.where(enough, mean, np.nan), np.where(enough, np.maximum(scatter, stated), np.nan), count


def _inflation(residual, seen):
    """
    Compute how much larger the variance of a mean is than its scatter says, by the lag-1 autocorrelation of all cells.
    """
    n = len(residual)
    pairs = seen[1:] & seen[:-1]
    squares = (residual**2).sum()
    if n < FEWEST_SHARED or not squares > 0 or not pairs.any():
        return 1.0
    lagged = (residual[1:] * residual[:-1])[pairs].sum() / pairs.sum() * seen.sum()
    r, _, inflation = persistence(np.ones((n, 1)), column=0)
    return float(np.interp(lagged / squares, r, inflation))


def on_one_grid(record, change):
    """
    Return both on the coarser of their grids, by area.

    ATL15's ice area there is that of the epoch nearest to 2020.0.

    Raises
    ------
    NunatakError : they lie in different coordinate systems, or do not meet
    """
    nearest = int(np.argmin(np.abs(change["decimal_year"].values - DATUM_YEAR)))
    fine, coarse = Grid.of(change), Grid.of(record)
    if change.attrs["crs"] == record.attrs["crs"] and not _meet(fine.bounds, coarse.bounds):
        raise NunatakError(
            f"record: ITS_LIVE's cells {_said(coarse.bounds)} and ATL15's {_said(fine.bounds)} do not meet; "
            "take granules of one place"
        )
    if fine.dx <= coarse.dx:
        change = onto_coarser(change, ("delta_h", "delta_h_sigma"), coarse, area="ice_area")
    else:
        names = [name for name in record if name != "ice_area" and record[name].dims[-2:] == ("y", "x")]
        record = onto_coarser(record, names, fine, area="ice_area")
    return record, change.assign(ice_area=(("y", "x"), change["ice_area"].values[nearest]))


def _meet(one, other):
    """Return whether two boxes (left, bottom, right, top) overlap."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _said(bounds):
    return f"({', '.join(f'{value:.0f}' for value in bounds)})"


def _on_one_axis(record, change):
    """Return both on the quarters that either has, and the indices of those that both have."""
    own = np.round(change["decimal_year"].values * PER_YEAR).astype(int)
    others = np.round(record["decimal_year"].values * PER_YEAR).astype(int)
    shared = np.intersect1d(own, others)
    if not shared.size:
        spans = [f"{steps[0] / PER_YEAR:.2f} to {steps[-1] / PER_YEAR:.2f}" for steps in (others, own)]
        raise NunatakError(
            f"record: ITS_LIVE ({spans[0]}) and ATL15 ({spans[1]}) share no quarter; widen the period, or leave one "
            "of them out"
        )
    steps = np.arange(min(own[0], others[0]), max(own[-1], others[-1]) + 1)
    _, first = np.unique(own, return_index=True)  # of a monthly file the first epoch of each quarter
    parts = [
        data.isel(time=pick).assign_coords(time=index / PER_YEAR).reindex(time=steps / PER_YEAR)
        for data, pick, index in ((record, slice(None), others), (change, first, own[first]))
    ]
    record, change = (part.assign_coords(decimal_year=("time", steps / PER_YEAR, {"units": "years"})) for part in parts)
    return record, change, np.flatnonzero(np.isin(steps, shared))


def _part(joined, ours, theirs):
    """Return which of the records a cell has, (ny, nx)."""
    return np.select([joined, ours, theirs], [JOINED, ATL15_ALONE, ITSLIVE_ALONE], NONE)


def _assembled(record, values, from_atl15, part):
    """Return the Dataset of a record, from (value, error) of (time, y, x)."""
    dims = ("time", "y", "x")
    fields = {
        "delta_h": (dims, values[0].astype("f4"), {"units": "m", "ancillary_variables": "delta_h_sigma"}),
        "delta_h_sigma": (dims, values[1].astype("f4"), {"units": "m"}),
        "from_atl15": (dims, from_atl15.astype("u1"), {"flag_values": [0, 1], "flag_meanings": "itslive atl15"}),
        "ice_area": (("y", "x"), record["ice_area"].values, {"units": "m2"}),
        "part": (("y", "x"), part.astype("u1"), {"flag_values": [0, 1, 2, 3], "flag_meanings": PARTS}),
    }
    years = record["decimal_year"].values
    fields |= _firn(record, years)
    time = from_decimal_year(years)
    kept = {name: value for name, value in record.attrs.items() if name in _KEPT or name.startswith("values_")}
    return xr.Dataset(
        fields,
        {"time": time, "decimal_year": ("time", years, {"units": "years"}), "y": record["y"], "x": record["x"]},
        kept | {"resolution": Grid.of(record).dx},
    )


def _firn(record, years):
    """
    Compute the mean of the two firn models relative to 2020.0, half their difference as its error, and the difference.
    """
    if not all(name in record for name in FIRN_MODELS):
        return {}
    models = [record[name].values for name in FIRN_MODELS]
    known = np.flatnonzero(np.isfinite(models[0]).any(axis=(1, 2)) & np.isfinite(models[1]).any(axis=(1, 2)))
    if not known.size:
        return {}
    zero = known[np.argmin(np.abs(years[known] - DATUM_YEAR))]
    one, other = (model - model[zero] for model in models)
    dims = ("time", "y", "x")
    return {
        "firn": (dims, (0.5 * (one + other)).astype("f4"), {"units": "m", "ancillary_variables": "firn_sigma"}),
        "firn_sigma": (dims, (0.5 * np.abs(one - other)).astype("f4"), {"units": "m"}),
        "firn_difference": (dims, (one - other).astype("f4"), {"units": "m", "long_name": "GEMB less GSFC-FDM"}),
    }
