"""Discharge through gates and the flux through the sides of boxes, year by year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nunatak.dynamics.budget import UNKNOWN, Term
from nunatak.dynamics.gates import shares_by_class
from nunatak.dynamics.regrid import onto
from nunatak.dynamics.thickness import thickness_in_time
from nunatak.geometry.grid import Grid
from nunatak.runtime import NunatakError
from nunatak.velocity.gates import flux_gate

# what a thickness of BedMachine rests on, and ice that floats: a gate there is no grounding-line flux
_INTERPOLATED = {"greenland": (3, 4, 6), "antarctica": (3, 5)}
_MASS_CONSERVATION, _FLOATING = 2, 3
_AROUND = 4  # cells around a gate that are read


def years_of(annual):
    """Return the year numbers of a composite and their middles in decimal years."""
    middle = (annual["year_start"].values + annual["year_end"].values) / 2
    return annual["year"].values.astype(int), middle


def around(grid, vertices):
    """Return the part of a grid around a line, some cells to every side."""
    (left, bottom), (right, top) = np.min(vertices, axis=0), np.max(vertices, axis=0)
    margin = _AROUND * max(grid.dx, grid.dy)
    try:
        return grid.window((left - margin, bottom - margin, right + margin, top + margin))
    except ValueError as error:
        raise NunatakError("gate: lies outside the map of velocities; choose points of the region") from error


def discharge_by_year(annual, thickness, gate, change=None, *, factor, factor_sigma, density, density_sigma=0.0):
    """
    Return the discharge through a gate in each year, with what it rests on.

    Parameters
    ----------
    annual : Dataset of a composite: `vx`, `vy`, `vx_error`, `vy_error` on (year, y, x), `year_start`, `year_end`
    thickness : Dataset on the same cells with `thickness`, `thickness_sigma` (m); `source` and `mask` where known;
        attribute `reference_year`
    gate : (n, 2) vertices; flow to the right of the line is positive
    change : Dataset with `dh`, `dh_sigma` on (year, y, x), m, on any grid; None: the thickness does not change
    factor, factor_sigma : depth-averaged over surface velocity, and its standard error
    density, density_sigma : kg m-3

    Returns
    -------
    table : DataFrame with one row per year that has a velocity on the gate
    sections : DataFrame with the segments of every year

    Raises
    ------
    NunatakError : a gate outside the map, or without a thickness
    """
    gate = np.asarray(gate, float)
    window, (rows, columns) = around(Grid.of(annual), gate)
    local = thickness.isel(y=rows, x=columns)
    years, middle = years_of(annual)
    reference = thickness.attrs.get("reference_year", middle.mean())
    moving = None if change is None else onto(change, ("dh", "dh_sigma"), window)
    heights = thickness_in_time(local, moving, middle, reference_year=reference)
    table, sections = [], []
    for k, year in enumerate(years):
        field = annual[["vx", "vy", "vx_error", "vy_error"]].isel(year=k, y=rows, x=columns)
        if not np.isfinite(field["vx"].values).any():
            continue
        known = heights.isel(year=k).where(local["thickness"] > 0)
        try:
            flux = flux_gate(
                field,
                gate,
                known["thickness"],
                thickness_sigma=known["thickness_sigma"],
                crs=window.crs,
                density=density,
                density_sigma=density_sigma,
                factor=factor,
                factor_sigma=factor_sigma,
            )
        except NunatakError as error:
            if "no velocity" in str(error):
                continue  # a year without data is no row, not a zero
            raise
        table.append({"year": int(year), **_row(flux, local, known)})
        sections.append(flux.segments.assign(year=int(year)))
    empty = pd.DataFrame({"year": []})
    return pd.DataFrame(table), pd.concat(sections, ignore_index=True) if sections else empty


def _row(flux, local, known):
    """Return the columns of one year of one gate."""
    moved = known["thickness_change"].sel(
        x=flux.segments["x"].to_xarray(), y=flux.segments["y"].to_xarray(), method="nearest"
    )
    return {
        "discharge": flux.discharge,
        "discharge_sigma": flux.sigma,
        "sigma_thickness": flux.sigma_thickness,
        "sigma_velocity": flux.sigma_velocity,
        "sigma_factor": flux.sigma_factor,
        "observed_share": flux.observed_share,
        "thickness_share": flux.thickness_share,
        **shares_of(flux.segments, local),
        "thickness_change": float(np.nanmean(moved.values)) if np.isfinite(moved.values).any() else np.nan,
        "angle": flux.angle,
        "width": flux.width,
    }


def shares_of(segments, thickness):
    """
    Return the shares of a gate's discharge by what its thickness rests on.

    The shares are NaN where no product says it.
    """
    names = ("share_mass_conservation", "share_interpolated", "share_floating")
    if "source" not in thickness:
        return dict.fromkeys(names, np.nan)
    guessed = _INTERPOLATED[thickness.attrs["sheet"]]
    source = shares_by_class(segments, thickness["source"], {names[0]: (_MASS_CONSERVATION,), names[1]: guessed})
    return source | shares_by_class(segments, thickness["mask"], {names[2]: (_FLOATING,)})


def sum_of(tables, year):
    """
    Return the discharge of several gates in a year as one term.

    Parameters
    ----------
    tables : one table of `discharge_by_year` for each gate
    year : the year

    Returns
    -------
    budget.Term in Gt/yr; errors of gates add up, since gates share their thickness product. `UNKNOWN` where a gate
        has no row of the year; no gate at all gives 0
    """
    rows = [table[table["year"] == year] for table in tables]
    if any(row.empty for row in rows):
        return UNKNOWN
    value, sigma = (float(sum(row[name].iloc[0] for row in rows)) for name in ("discharge", "discharge_sigma"))
    share = min((float(row["observed_share"].iloc[0]) for row in rows), default=1.0)
    return Term(value, sigma, share)
