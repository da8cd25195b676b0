"""Discharge through gates and the flux through the sides of boxes, year by year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nunatak.dynamics.budget import UNKNOWN, Term
from nunatak.dynamics.gates import shares_by_class
from nunatak.dynamics.regrid import on_map
from nunatak.dynamics.thickness import thickness_in_time
from nunatak.geometry.grid import Grid
from nunatak.velocity.annual_fields import mean_field
from nunatak.velocity.gates import UNITS, NotMeasured, NoVelocity, flux_gate

# what a thickness of BedMachine rests on, and ice that floats: a gate there is no grounding-line flux
_INTERPOLATED = {"greenland": (3, 4, 6), "antarctica": (3, 5)}
_MASS_CONSERVATION, FLOATING = 2, 3
_AROUND = 4  # cells around a line that are read
_SHARES = ("share_mass_conservation", "share_interpolated", "share_floating")
COLUMNS = (
    "year",
    "discharge",
    "discharge_sigma",
    "sigma_thickness",
    "sigma_velocity",
    "sigma_factor",
    "observed_share",
    "filled_share",
    "thickness_share",
    *_SHARES,
    "thickness_change",
    "angle",
    "width",
)
SECTIONS = (*UNITS, "observed", "measured", "filled", "year")
_VELOCITY = ("vx", "vy", "vx_error", "vy_error")


def years_of(annual):
    """Return the year numbers of a composite and their middles in decimal years."""
    middle = (annual["year_start"].values + annual["year_end"].values) / 2
    return annual["year"].values.astype(int), middle


def composite_of(annual):
    """
    Return the mean velocity of a composite in the form of a composite of one year, called 0.

    Parameters
    ----------
    annual : Dataset of a composite with its means, as `velocity.mean_field` takes it

    Returns
    -------
    Dataset with `vx`, `vy` and their errors on (year, y, x); `year_start`, `year_end` of the years that were averaged
    """
    mean = mean_field(annual)[list(_VELOCITY)]
    years = annual["year"].values
    first, last = (
        int(annual.attrs.get(f"mean_{end}_year", year)) for end, year in (("first", years[0]), ("last", years[-1]))
    )
    within = (years >= first) & (years <= last)
    start, end = annual["year_start"].values[within].min(), annual["year_end"].values[within].max()
    return mean.expand_dims(year=[0]).assign(year_start=("year", [start]), year_end=("year", [end]))


def around(grid, bounds):
    """
    Return the part of a grid around a place, some cells to every side, and its slices of rows and columns.

    Parameters
    ----------
    grid : geometry.grid.Grid
    bounds : left, bottom, right, top; map m

    Raises
    ------
    NotMeasured : a place outside the grid
    """
    left, bottom, right, top = bounds
    margin = _AROUND * max(grid.dx, grid.dy)
    try:
        return grid.window((left - margin, bottom - margin, right + margin, top + margin))
    except ValueError as error:
        raise NotMeasured("lies outside the map of velocities; choose points of the region") from error


def discharge_by_year(annual, thickness, line, change=None, *, density, factor, factor_sigma, fill=False):
    """
    Return the discharge through a line in each year, with what it rests on.

    Parameters
    ----------
    annual : Dataset of a composite: `vx`, `vy`, `vx_error`, `vy_error` on (year, y, x), `year_start`, `year_end`
    thickness : Dataset on the same cells with `thickness`, `thickness_sigma` (m); `source` and `mask` where known;
        attribute `reference_year`
    line : (n, 2) vertices; flow to the right of the line is positive
    change : Dataset with `dh`, `dh_sigma` on (year, y, x), m, on any grid; None: the thickness does not change
    density : kg m-3
    factor, factor_sigma : depth-averaged over surface velocity, and its standard error
    fill : whether gaps of a year take the mean velocity of all years, with the spread of the years in their error

    Returns
    -------
    table : DataFrame of `COLUMNS`, one row for each year that has a velocity on the ice of the line; a line without
        ice has a discharge of 0 in every year. `observed_share` is of velocities of the year itself
    sections : DataFrame of `SECTIONS`, the segments of every year

    Raises
    ------
    NotMeasured : a line outside the map, or without a thickness
    NunatakError : a thickness that no ice has
    """
    line = np.asarray(line, float)
    window, (rows, columns) = around(Grid.of(annual), (*line.min(axis=0), *line.max(axis=0)))
    local = thickness.isel(y=rows, x=columns)
    years, middle = years_of(annual)
    reference = thickness.attrs["reference_year"]
    moving = None if change is None else on_map(change, [reference, *middle], window)
    heights = thickness_in_time(local, moving, middle, reference_year=reference)
    options = {"crs": window.crs, "density": density, "factor": factor, "factor_sigma": factor_sigma}
    table, sections = [], []
    for k, year in enumerate(years):
        field = annual[list(_VELOCITY)].isel(year=k, y=rows, x=columns)
        known = heights.isel(year=k)
        depth = {"thickness": known["thickness"], "thickness_sigma": known["thickness_sigma"]}
        try:
            flux = flux_gate(field, line, **depth, **options)
        except NoVelocity:
            continue  # a year without data is no row, not a zero
        parts = flux.segments.assign(filled=False)
        if fill and not parts["observed"].all():
            flux = flux_gate(field.fillna(_usual(annual, rows, columns)), line, **depth, **options)
            parts = flux.segments.assign(
                observed=parts["observed"], filled=flux.segments["observed"] & ~parts["observed"]
            )
        table.append({"year": int(year), **_row(flux, parts, local, known)})
        sections.append(parts.assign(year=int(year)))
    parts = pd.concat(sections, ignore_index=True) if sections else pd.DataFrame(columns=list(SECTIONS))
    return pd.DataFrame(table, columns=list(COLUMNS)), parts


def _usual(annual, rows, columns):
    """Return the mean velocity of all years in a window, its error that of a single year: with their spread."""
    mean = composite_of(annual).isel(year=0, y=rows, x=columns)
    spread = annual[["vx", "vy"]].isel(y=rows, x=columns).std("year", ddof=1).fillna(0.0)
    for name in ("vx", "vy"):
        mean[f"{name}_error"] = np.hypot(mean[f"{name}_error"], spread[name])
    return mean[list(_VELOCITY)]


def _row(flux, parts, local, known):
    """Return the columns of one year of one line."""
    passing = parts["discharge"].abs()
    filled = (
        float(passing[parts["filled"]].sum() / passing.sum()) if passing.sum() > 0 else float(parts["filled"].mean())
    )
    moved = known["thickness_change"].sel(
        x=flux.segments["x"].to_xarray(), y=flux.segments["y"].to_xarray(), method="nearest"
    )
    return {
        "discharge": flux.discharge,
        "discharge_sigma": flux.sigma,
        "sigma_thickness": flux.sigma_thickness,
        "sigma_velocity": flux.sigma_velocity,
        "sigma_factor": flux.sigma_factor,
        "observed_share": flux.observed_share - filled,
        "filled_share": filled,
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
    if "source" not in thickness:
        return dict.fromkeys(_SHARES, np.nan)
    guessed = _INTERPOLATED[thickness.attrs["sheet"]]
    source = shares_by_class(segments, thickness["source"], {_SHARES[0]: (_MASS_CONSERVATION,), _SHARES[1]: guessed})
    return source | shares_by_class(segments, thickness["mask"], {_SHARES[2]: (FLOATING,)})


def sum_of(tables, year):
    """
    Return the discharge of several gates in a year as one term.

    Parameters
    ----------
    tables : one table of `discharge_by_year` for each gate or side; None where nothing is known of it
    year : the year

    Returns
    -------
    budget.Term in Gt/yr; errors of gates add up, since gates share their thickness product, and its share is the least
        of theirs, by velocity and by thickness. `UNKNOWN` where a gate has no row of the year; no gate at all gives 0
    """
    rows = [table[table["year"] == year] for table in tables if table is not None]
    if len(rows) < len(tables) or any(row.empty for row in rows):
        return UNKNOWN
    value, sigma = (float(sum(row[name].iloc[0] for row in rows)) for name in ("discharge", "discharge_sigma"))
    shares = ("observed_share", "thickness_share")
    share = min((float(row[name].iloc[0]) for row in rows for name in shares), default=1.0)
    return Term(value, sigma, share)
