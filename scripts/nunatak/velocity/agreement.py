"""Annual velocities of two sources held against each other, year by year and in their mean."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from nunatak.compute.robust import nmad
from nunatak.runtime import NunatakError
from nunatak.velocity.annual_fields import speed_error

_NAMES = ("v", "vx", "vy")
_SIGMAS = 2.0


def at_places_of(other: xr.Dataset, annual: xr.Dataset) -> xr.Dataset:
    """
    Return annual velocities at the cells and years of another composite, NaN where they have none.

    A cell takes the nearest one that is at most half a cell away: values are not resampled.

    Parameters
    ----------
    other : Dataset of `composites.composite` or `mosaic_years.annual_of_mosaics`
    annual : Dataset whose cells (y, x) and years are wanted

    Raises
    ------
    NunatakError : they are in different projections
    """
    if other.attrs["crs"] != annual.attrs["crs"]:
        raise NunatakError(
            f"itslive_mosaic: the mosaics are in {other.attrs['crs']}, the velocities of itslive in "
            f"{annual.attrs['crs']}; give products.itslive the crs and cell of the mosaics"
        )
    names = [f"{name}{end}" for name in _NAMES for end in ("", "_error")]
    half = {axis: abs(float(other[axis][1] - other[axis][0])) / 2 for axis in ("y", "x")}
    placed = other[names]
    for axis, tolerance in half.items():
        placed = placed.reindex({axis: annual[axis].values}, method="nearest", tolerance=tolerance * (1 + 1e-6))
    return placed.reindex(year=annual["year"].values)


def agreement(annual: xr.Dataset, other: xr.Dataset) -> pd.DataFrame:
    """
    Return how annual velocities differ from another source's, a row for every year that both have and one for the mean.

    Parameters
    ----------
    annual, other : annual velocities of two sources; `other` at the places of `annual`, see `at_places_of`

    Returns
    -------
    DataFrame with `year` (0 of the mean over the years in common), `cells` that both have, and of v, vx and vy
        `bias_<name>` (median of annual less other, m/yr), `nmad_<name>` (m/yr) and `within_<name>`, the share within
        two standard errors of both
    """
    rows = [_row(0, *common_means(annual, other)[:2])]
    for year in annual["year"].values:
        rows.append(_row(int(year), *(_fields(source.sel(year=year)) for source in (annual, other))))
    return pd.DataFrame([row for row in rows if row["cells"] or row["year"] == 0])


def _fields(source):
    """Return the components, the speed and their errors of one year, {name: (y, x) array}."""
    return {f"{name}{end}": source[f"{name}{end}"].values for name in _NAMES for end in ("", "_error")}


def difference(annual: xr.Dataset, other: xr.Dataset) -> xr.Dataset:
    """
    Return the mean velocities of two sources and their difference on the cells of the first.

    Parameters
    ----------
    annual, other : as of `agreement`

    Returns
    -------
    Dataset (y, x) of `v`, `v_other`, `difference` (m/yr) and `years`, the years in common, which both means are of
    """
    own, theirs, n = common_means(annual, other)
    means = {"v": own["v"], "v_other": theirs["v"], "difference": own["v"] - theirs["v"]}
    words = {
        "v": "speed of the study, mean of the years in common",
        "v_other": "speed of the mosaics, mean of the years in common",
        "difference": "speed of the study less that of the mosaics",
    }
    fields = {k: (("y", "x"), v.astype("f4"), {"units": "m/yr", "long_name": words[k]}) for k, v in means.items()}
    fields["years"] = (("y", "x"), n.astype("i4"), {"units": "1", "long_name": "years in common"})
    return xr.Dataset(fields, {"y": annual["y"], "x": annual["x"]}, {"crs": annual.attrs["crs"]})


def common_means(annual: xr.Dataset, other: xr.Dataset) -> tuple[dict, dict, np.ndarray]:
    """
    Return the mean velocities of two sources over the years that both have in a cell.

    Parameters
    ----------
    annual, other : as of `agreement`

    Returns
    -------
    own, theirs : {name: (y, x) array, m/yr} of v, vx, vy and their errors
    n : (y, x) years in common
    """
    both = np.isfinite(annual["vx"].values + other["vx"].values)
    n = both.sum(axis=0)
    count = np.where(n > 0, n, np.nan)
    found = []
    for source in (annual, other):
        means = {c: np.where(both, source[c].values, 0.0).sum(axis=0) / count for c in ("vx", "vy")}
        for c in ("vx", "vy"):
            variance = np.where(both, source[f"{c}_error"].values, 0.0) ** 2
            means[f"{c}_error"] = np.sqrt(variance.sum(axis=0)) / count
        means["v"] = np.hypot(means["vx"], means["vy"])
        means["v_error"] = speed_error(*(means[name] for name in ("vx", "vy", "vx_error", "vy_error")))
        found.append(means)
    return found[0], found[1], n


def _row(year, own, theirs):
    """Return the row of one year, or of the mean, from {name: (y, x) array} of both."""
    known = np.isfinite(own["vx"] + theirs["vx"])
    row = {"year": year, "cells": int(known.sum())}
    for name in _NAMES:
        off = (own[name] - theirs[name])[known].astype("f8")
        error = np.hypot(own[f"{name}_error"], theirs[f"{name}_error"])[known]
        seen = row["cells"] > 0
        row[f"bias_{name}"] = float(np.median(off)) if seen else np.nan
        row[f"nmad_{name}"] = float(nmad(off)) if seen else np.nan
        row[f"within_{name}"] = float((np.abs(off) <= _SIGMAS * error).mean()) if seen else np.nan
    return row
