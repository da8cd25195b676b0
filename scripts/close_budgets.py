"""The mass budget of every box of a study: discharge, surface mass balance, storage and what is left over."""

import json
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from nunatak import dynamics
from nunatak.dynamics.boxes import above_gates, box_between, sides_of
from nunatak.dynamics.flux import discharge_by_year, sum_of
from nunatak.dynamics.regrid import onto
from nunatak.dynamics.surface import rate_between, shared_years, yearly_change
from nunatak.elevation import cell_coverage
from nunatak.files.tables import read_csv, write_csv
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import read_outlines
from nunatak.results.reading import read_height_change, read_map
from nunatak.runtime import NunatakError, job, log, stamp
from nunatak.study.dynamics import Dynamics
from nunatak.study.parts import typed


class Records(NamedTuple):
    """What a budget is made from, all on the grid of the velocities."""

    yearly: xr.Dataset
    """velocity of each year"""
    thickness: xr.Dataset
    moving: xr.Dataset
    """height change by decimal year"""
    parts: xr.Dataset
    """surface mass balance and thinning, of dynamics.nc"""
    gates: pd.DataFrame


TERMS = ("discharge_out", "discharge_in", "sides", "smb", "basal", "storage", "residual")
STEP = 0.5  # cells of a box's outline that are judged as one


def main(annual, thickness, change, parts, gates, regions, out, *, settings: Dynamics, study):
    """
    Write budget.csv: one row per box for each year that all records share, and one for all of them (year 0).

    Parameters
    ----------
    annual, thickness, change, parts, gates : annual.nc, thickness.nc, height_change.nc, dynamics.nc and gates.csv
    regions : regions.geojson
    settings : the study's `dynamics`
    """
    yearly = read_map(annual)
    grid = Grid.of(yearly)
    moving = onto(yearly_change(read_height_change(change).change), ("dh", "dh_sigma"), grid)
    records = Records(yearly, read_map(thickness), moving, read_map(parts), read_csv(gates))
    outlines = read_outlines(regions)
    rows = [row for name, box in settings.boxes.items() for row in rows_of(name, box, records, outlines, settings)]
    about = stamp(
        study=study,
        source=yearly.attrs["nunatak_source"],
        inputs=[annual, thickness, change, parts, gates, regions],
        parameters={"settings": settings},
    ) | {"crs": grid.crs, "sign": "residual = storage - (smb - basal + discharge_in - discharge_out - sides)"}
    units = {f"{term}{end}": "Gt/yr" for term in TERMS for end in ("", "_sigma")}
    units |= {"area": "km2", "since": "yr", "until": "yr"} | {f"{term}_share": "1" for term in TERMS}
    write_csv(pd.DataFrame(rows), out, attributes=about, units=units)


def rows_of(name, box, records, outlines, settings):
    """Return the budgets of one box: each shared year, and all shared years together as year 0."""
    yearly, moving = records.yearly, records.moving
    grid = Grid.of(yearly)
    own = {gate: rows for gate, rows in records.gates.groupby("gate")}
    missing = [gate for gate in (*box.outflow, *box.inflow) if gate not in own]
    if missing:
        raise NunatakError(f"dynamics.boxes.{name}: gate {missing[0]} has no velocity in any year; move it")
    lines = {gate: np.array(json.loads(rows["vertices"].iloc[0])) for gate, rows in own.items()}
    try:
        area = outline_of(box, lines, outlines, grid)
    except NunatakError as error:
        raise NunatakError(f"dynamics.boxes.{name}: {error}") from error
    flows = {
        "discharge_out": [own[gate] for gate in box.outflow],
        "discharge_in": [own[gate] for gate in box.inflow],
        "sides": fluxes_of_sides(name, area, [lines[gate] for gate in (*box.outflow, *box.inflow)], records, settings),
    }
    coverage = cell_coverage(grid, area)
    smb = smb_of(records.parts, coverage, settings)
    within = np.flatnonzero(shared_years(moving, yearly["year_start"], yearly["year_end"]))
    ends = np.stack([yearly["year_start"].values[within], yearly["year_end"].values[within]], axis=-1)
    spans = {int(yearly["year"][k]): span for k, span in zip(within, np.clip(ends, *record_of(moving)), strict=True)}
    terms = {year: {key: sum_of(tables, year) for key, tables in flows.items()} for year in spans}
    if spans:
        terms[0] = {key: mean_of([terms[year][key] for year in spans]) for key in flows}
        spans[0] = np.array([min(span[0] for span in spans.values()), max(span[1] for span in spans.values())])
    return [
        row_of(name, year, span, area, terms[year], smb, storage_of(moving, span, coverage, settings))
        for year, span in spans.items()
    ]


def record_of(moving):
    """Return the first and last decimal year of a record."""
    return moving["year"].values[[0, -1]]


def fluxes_of_sides(name, area, borders, records, settings):
    """Return the flux out through each side of a box that is no gate, by year."""
    options = {
        "density": settings.density,
        "factor": settings.depth_factor,
        "factor_sigma": settings.depth_factor_sigma,
    }
    step = STEP * Grid.of(records.yearly).dx
    tables = []
    for side in sides_of(area, borders, step=step):
        try:
            tables.append(discharge_by_year(records.yearly, records.thickness, side, records.moving, **options)[0])
        except NunatakError as error:
            log.warning("box %s: a side of it has no flux (%s); the budget leaves it open", name, error)
            tables.append(pd.DataFrame({"year": []}))
    return tables


def outline_of(box, lines, outlines, grid):
    """Return the outline of a box on the map of velocities."""
    if box.region is None:
        return box_between(lines[box.outflow[0]], lines[box.inflow[0]])
    region = outlines[box.region].projected(grid.crs)
    return above_gates(region, [lines[gate] for gate in box.outflow])


def smb_of(mapped, coverage, settings):
    """Return the surface mass balance over a box, unknown where the study has none."""
    if settings.smb is None:
        return dynamics.UNKNOWN
    rate = mapped["surface_part"].assign_attrs(crs=mapped.attrs["crs"])
    options = {"density": settings.density, "correlation_range": 1e7}
    return dynamics.area_term(rate, mapped["surface_part_sigma"].values, coverage, **options)


def storage_of(moving, span, coverage, settings):
    """Return the change of mass of a box over a span of time."""
    rate = rate_between(moving, *span)
    options = {"density": settings.density, "correlation_range": settings.thickness_range}
    return dynamics.area_term(
        rate["dhdt"].assign_attrs(crs=moving.attrs["crs"]), rate["dhdt_sigma"].values, coverage, **options
    )


def mean_of(terms):
    """
    Return the mean of a term over years.

    The errors of the years are those of the thickness, which they share, and therefore add up.
    """
    known = [term for term in terms if term.known]
    if len(known) < len(terms):
        return dynamics.UNKNOWN
    value, sigma, share = (
        float(np.mean([getattr(term, name) for term in known])) for name in ("value", "sigma", "share")
    )
    return dynamics.Term(value, sigma, share)


def row_of(name, year, span, area, terms, smb, storage):
    """Return one row of the table: every term with its error and share."""
    budget = dynamics.close_budget(**terms, smb=smb, basal=dynamics.UNKNOWN, storage=storage)
    row = {"box": name, "year": year, "since": span[0], "until": span[1], "area": area.area / 1e6}
    for term in TERMS:
        value = getattr(budget, term)
        row |= {term: value.value, f"{term}_sigma": value.sigma, f"{term}_share": value.share}
    return row


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.annual,
            snakemake.input.thickness,
            snakemake.input.change,
            snakemake.input.dynamics,
            snakemake.input.gates,
            snakemake.input.regions,
            snakemake.output.budget,
            settings=typed(Dynamics, snakemake.params.settings),
            study=snakemake.wildcards.study,
        )
