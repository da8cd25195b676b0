"""Speed and thinning of whole regions by year: what a surge looks like from afar."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nunatak.dynamics.flux import years_of
from nunatak.dynamics.regrid import onto
from nunatak.dynamics.surface import rate_between, shared_years
from nunatak.elevation.errors import sum_errors
from nunatak.geometry.grid import Grid

UNITS = {
    "since": "yr",
    "until": "yr",
    "area": "km2",
    "speed": "m/yr",
    "speed_sigma": "m/yr",
    "speed_share": "1",
    "dhdt": "m/yr",
    "dhdt_sigma": "m/yr",
    "dhdt_share": "1",
}


def regions_by_year(annual, change, regions, *, correlation_range):
    """
    Return the mean speed and the mean rate of height change of regions in each year.

    Parameters
    ----------
    annual : Dataset of a composite: `v`, `v_error` on (year, y, x), `v_mean` on (y, x), m/yr, `year_start`, `year_end`
    change : Dataset of `surface.yearly_change`, on any grid
    regions : mapping of name to (ny, nx) share of each cell of `annual` that is ice of the region, 0 to 1
    correlation_range : distance over which errors are correlated, m

    Returns
    -------
    DataFrame of `region`, `year` and the columns of `UNITS`, one row for each region and year of the composite

    Notes
    -----
    The speed is the mean of v_mean over all cells that have one, plus the mean of v - v_mean over the cells seen in the
    year: a year that sees the slow ice alone does not look like a slow year. The rate of height change is the mean over
    the cells that have one, NaN in years that the height change does not hold whole. The shares say what part of the
    area was seen.
    """
    grid = Grid.of(annual)
    cell = grid.dx * grid.dy / grid.areal_scale()
    areas = {name: coverage * cell for name, coverage in regions.items()}
    mean = annual["v_mean"].values
    bases = {
        name: area_mean(mean, np.zeros(grid.shape), area, grid, correlation_range)[0] for name, area in areas.items()
    }
    years, _ = years_of(annual)
    starts, ends = annual["year_start"].values, annual["year_end"].values
    whole = shared_years(change, starts, ends)
    rows = []
    for k, year in enumerate(years):
        layer = annual.isel(year=k)
        unknown = np.full(grid.shape, np.nan)
        rate, rate_sigma = _rate(change, starts[k], ends[k], grid) if whole[k] else (unknown, unknown)
        for name, area in areas.items():
            faster, speed_sigma, speed_area = area_mean(
                layer["v"].values - mean, layer["v_error"].values, area, grid, correlation_range
            )
            dhdt, dhdt_sigma, dhdt_area = area_mean(rate, rate_sigma, area, grid, correlation_range)
            total = float(area.sum()) or np.nan
            speed = (bases[name] + faster, speed_sigma, speed_area / total)
            sinking = (dhdt, dhdt_sigma, dhdt_area / total)
            rows.append((name, int(year), float(starts[k]), float(ends[k]), total / 1e6, *speed, *sinking))
    table = pd.DataFrame(rows, columns=["region", "year", *UNITS])
    return table.sort_values(
        "region", key=lambda names: names.map(list(regions).index), kind="stable", ignore_index=True
    )


def _rate(change, start, end, grid):
    """Return the rate of height change of a year and its error on a grid."""
    span = np.clip([start, end], *change["year"].values[[0, -1]])
    placed = onto(rate_between(change, *span), ("dhdt", "dhdt_sigma"), grid)
    return placed["dhdt"].values, placed["dhdt_sigma"].values


def area_mean(values, sigma, area, grid, correlation_range):
    """
    Return the mean of the cells that have a value, weighted by area, its standard error, and their area.

    Parameters
    ----------
    values, sigma : (ny, nx), NaN where there is none; cells without an error take the median of the others'
    area : (ny, nx) m2 that counts of each cell
    grid : geometry.grid.Grid of the cells
    correlation_range : distance over which errors are correlated, m

    Returns
    -------
    mean and error, NaN where no cell has a value, and the area of the cells that have one, m2
    """
    seen = np.isfinite(values) & (area > 0)
    if not seen.any():
        return np.nan, np.nan, 0.0
    weight = area[seen]
    errors = sigma[seen]
    known = np.isfinite(errors)
    errors = np.where(known, errors, np.median(errors[known]) if known.any() else np.nan)
    x, y = np.meshgrid(grid.x, grid.y)
    whole = float(weight.sum())
    error = sum_errors((errors * weight)[None], x[seen], y[seen], [whole], correlation_range=correlation_range)
    return float((values[seen] * weight).sum() / whole), float(error.correlated[0] / whole), whole
