"""Thickness of a glacier through time: a map of one year, moved by the change of the surface."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nunatak.dynamics.surface import HEIGHTS, at_years, named, sigma_of
from nunatak.runtime import NunatakError


def thickness_in_time(thickness, change, years, *, reference_year):
    """
    Return the thickness of every year from a map of one year and the height change of the surface.

    Parameters
    ----------
    thickness : Dataset with `thickness` and `thickness_sigma` on (y, x), m
    change : Dataset with `dh` and `dh_sigma` on (year, y, x), m of ice relative to any one date, on the same cells, and
        the decimal years as `year`; None: the thickness does not change
    years : decimal years
    reference_year : decimal year of the map of thickness

    Returns
    -------
    Dataset on (year, y, x): `thickness` and `thickness_sigma` (m), `thickness_change` since the reference year (m).
        A year before the first or after the last of `change` takes that of its end

    Raises
    ------
    NunatakError : `change` on other cells

    Notes
    -----
    H(t) = H(reference) + s(t) - s(reference), at least 0; the bed does not move. Where the change of the surface is
    not known, the thickness stays that of the map, and where there is no ice it stays 0. The errors of both are
    independent. Source: Mankoff et al. 2020
    (doi:10.5194/essd-12-1367-2020) for the moving surface.
    """
    years = np.asarray(years, float)
    shape = (years.size, *thickness["thickness"].shape)
    if change is None:
        moved, error = np.zeros(shape), np.zeros(shape)
    else:
        moved, error = _since(change, thickness, years, reference_year)
    ice = thickness["thickness"].values != 0  # also where it is not known
    moved, error = np.where(ice, moved, 0.0), np.where(ice, error, 0.0)
    total = np.maximum(thickness["thickness"].values + moved, 0.0)
    sigma = np.hypot(np.broadcast_to(thickness["thickness_sigma"].values, shape), error)
    dims = ("year", "y", "x")
    return xr.Dataset(
        {
            "thickness": (dims, total, {"units": "m", "standard_name": "land_ice_thickness"}),
            "thickness_sigma": (dims, sigma, {"units": "m"}),
            "thickness_change": (dims, moved, {"units": "m", "long_name": "change since the year of the thickness"}),
        },
        {"year": years, "y": thickness["y"], "x": thickness["x"]},
        {**thickness.attrs, "reference_year": float(reference_year)},
    )


def _since(change, thickness, years, reference_year):
    """
    Return the height change from the reference year to each year, and its error.

    Both are 0 where the change is not known.
    """
    for axis in ("x", "y"):
        if change[axis].size != thickness[axis].size or not np.allclose(change[axis], thickness[axis]):
            raise NunatakError("thickness in time: the height change lies on other cells than the thickness")
    ends = change["year"].values[[0, -1]]
    at = at_years(named(change, HEIGHTS).transpose("year", "y", "x"), [reference_year, *years])
    dh = at["dh"].values
    moved = np.nan_to_num(dh[1:] - dh[0])
    same = np.isclose(np.clip(years, *ends), np.clip(reference_year, *ends))
    error = np.where(same[:, None, None], 0.0, np.nan_to_num(sigma_of(at, slice(1, None), 0)))
    return moved, error
