"""The mass budget of every box of a study: discharge, surface mass balance, storage and what is left over."""

import json

import numpy as np
import pandas as pd

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
    yearly, placed, mapped = read_map(annual), read_map(thickness), read_map(parts)
    grid = Grid.of(yearly)
    moving = onto(yearly_change(read_height_change(change).change), ("dh", "dh_sigma"), grid)
    table, outlines = read_csv(gates), read_outlines(regions)
    rows = []
    for name, box in settings.boxes.items():
        rows += rows_of(name, box, yearly, placed, moving, mapped, table, outlines, settings)
    about = stamp(
        study=study,
        source=yearly.attrs["nunatak_source"],
        inputs=[annual, thickness, change, parts, gates, regions],
        parameters={"settings": settings},
    ) | {"crs": grid.crs, "sign": "residual = storage - (smb - basal + discharge_in - discharge_out - sides)"}
    units = {f"{term}{end}": "Gt/yr" for term in TERMS for end in ("", "_sigma")}
    units |= {"area": "km2", "since": "yr", "until": "yr"} | {f"{term}_share": "1" for term in TERMS}
    write_csv(pd.DataFrame(rows), out, attributes=about, units=units)


def rows_of(name, box, yearly, placed, moving, mapped, table, outlines, settings):
    """Return the budgets of one box: each shared year, and all shared years together as year 0."""
    grid = Grid.of(yearly)
    lines = {gate: np.array(json.loads(rows["vertices"].iloc[0])) for gate, rows in table.groupby("gate")}
    missing = [gate for gate in (*box.outflow, *box.inflow) if gate not in lines]
    if missing:
        raise NunatakError(f"dynamics.boxes.{name}: gate {missing[0]} has no velocity in any year; move it")
    try:
        area = outline_of(box, lines, outlines, grid)
    except NunatakError as error:
        raise NunatakError(f"dynamics.boxes.{name}: {error}") from error
    options = {
        "density": settings.density,
        "factor": settings.depth_factor,
        "factor_sigma": settings.depth_factor_sigma,
    }
    borders = [lines[gate] for gate in (*box.outflow, *box.inflow)]
    sides = []
    for side in sides_of(area, borders, step=STEP * grid.dx):
        try:
            sides.append(discharge_by_year(yearly, placed, side, moving, **options)[0])
        except NunatakError as error:
            log.warning("box %s: a side of it has no flux (%s); the budget leaves it open", name, error)
            sides.append(pd.DataFrame({"year": []}))
    coverage = cell_coverage(grid, area)
    within = shared_years(moving, yearly["year_start"], yearly["year_end"])
    own = {gate: rows for gate, rows in table.groupby("gate")}
    flows = {
        "discharge_out": [own[gate] for gate in box.outflow],
        "discharge_in": [own[gate] for gate in box.inflow],
        "sides": sides,
    }
    smb = smb_of(mapped, coverage, settings)
    rows, spans = [], []
    for k in np.flatnonzero(within):
        year = int(yearly["year"][k])
        span = np.clip([yearly["year_start"][k], yearly["year_end"][k]], *moving["year"].values[[0, -1]])
        spans.append((year, span))
        terms = {key: sum_of(tables, year) for key, tables in flows.items()}
        rows.append(row_of(name, year, span, area, grid, terms, smb, storage_of(moving, span, coverage, settings)))
    if spans:
        span = spans[0][1][0], spans[-1][1][1]
        terms = {key: mean_of([sum_of(tables, year) for year, _ in spans]) for key, tables in flows.items()}
        rows.append(row_of(name, 0, span, area, grid, terms, smb, storage_of(moving, span, coverage, settings)))
    return rows


def outline_of(box, lines, outlines, grid):
    """Return the outline of a box on the map of velocities."""
    if box.region is None:
        return box_between(lines[box.outflow[0]], lines[box.inflow[0]])
    region = outlines[box.region].projected(grid.crs)
    return above_gates(region, [lines[gate] for gate in box.outflow])


def smb_of(mapped, coverage, settings):
    """Return the surface mass balance over a box; unknown where the study has none."""
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
    """Return the mean of a term over years; its errors are those of the thickness and add up."""
    known = [term for term in terms if term.known]
    if len(known) < len(terms):
        return dynamics.UNKNOWN
    value, sigma, share = (
        float(np.mean([getattr(term, name) for term in known])) for name in ("value", "sigma", "share")
    )
    return dynamics.Term(value, sigma, share)


def row_of(name, year, span, area, grid, terms, smb, storage):
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
