"""The mass budget of every box of a study: discharge, surface mass balance, storage and what is left over."""

import json
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely
import xarray as xr

from nunatak import dynamics
from nunatak.dynamics import terms
from nunatak.dynamics.boxes import between_gates, box_between
from nunatak.dynamics.flux import sum_of
from nunatak.dynamics.regrid import on_map
from nunatak.dynamics.surface import carried, rate_between, shared_spans, yearly_change
from nunatak.files.tables import read_csv, write_csv
from nunatak.geometry.outlines import read_outlines
from nunatak.results.reading import read_map, read_surface_change
from nunatak.runtime import NunatakError, job, log, stamp
from nunatak.study.dynamics import Dynamics
from nunatak.study.parts import typed


class Records(NamedTuple):
    """What a budget is made from."""

    yearly: xr.Dataset
    """velocity of each year"""
    thickness: xr.Dataset
    change: xr.Dataset
    """height change by decimal year, on its own grid"""
    parts: xr.Dataset
    """surface mass balance, firn and basal melt, of dynamics.nc"""
    gates: dict
    """discharge by year of each gate"""


TERMS = ("discharge_out", "discharge_in", "sides", "smb", "basal", "storage", "firn", "residual")
UNITS = {"area": "km2", "floating_share": "1", "since": "yr", "until": "yr"}
UNITS |= {f"{term}{end}": "Gt/yr" for term in TERMS for end in ("", "_sigma")} | {
    f"{term}_share": "1" for term in TERMS
}
COLUMNS = [
    *("box", "year", "since", "until", "area", "floating_share"),
    *(f"{term}{end}" for term in TERMS for end in ("", "_sigma", "_share")),
]


def main(annual, thickness, change, parts, gates, regions, out, *, settings: Dynamics, study):
    """
    Write budget.csv: one row per box for each year that all records share, and one for all of them (year 0).

    Years are those of the longest run in which velocities cover the map (`dynamics.surface.covered_years`).

    Parameters
    ----------
    annual, thickness, change, parts, gates : annual.nc, thickness.nc, record.nc or height_change.nc, dynamics.nc and
        gates.csv
    regions : regions.geojson
    settings : the study's `dynamics`
    """
    yearly = read_map(annual)
    own = {gate: rows for gate, rows in read_csv(gates).groupby("gate")}
    record = yearly_change(read_surface_change(change))
    records = Records(yearly, read_map(thickness), record, read_map(parts), own)
    outlines = read_outlines(regions)
    rows = []
    for name, box in settings.boxes.items():
        try:
            rows += rows_of(name, box, records, outlines, settings)
        except NunatakError as error:
            raise NunatakError(f"dynamics.boxes.{name}: {error}") from error
    about = stamp(
        study=study,
        source=yearly.attrs["nunatak_source"],
        inputs=[annual, thickness, change, parts, gates, regions],
        parameters={"settings": settings},
    )
    about |= {
        "crs": yearly.attrs["crs"],
        "sign": "residual = storage - (smb - basal + discharge_in - discharge_out - sides)",
    }
    write_csv(pd.DataFrame(rows, columns=COLUMNS), out, attributes=about, units=UNITS)


def rows_of(name, box, records, outlines, settings):
    """Return the budgets of one box: each shared year, and all shared years together as year 0."""
    missing = [gate for gate in (*box.outflow, *box.inflow) if gate not in records.gates]
    if missing:
        raise NunatakError(f"gate {missing[0]} has no velocity in any year; move it")
    outflow, inflow = (
        {gate: np.array(json.loads(records.gates[gate]["vertices"].iloc[0])) for gate in side}
        for side in (box.outflow, box.inflow)
    )
    area = outline_of(name, box, outflow, inflow, outlines, records.yearly.attrs["crs"])
    ice = terms.ice_of(area, records.thickness)
    if ice.unknown_share:
        log.warning(
            "box %s: the thickness is not known in %.0f %% of it, which count as no ice", name, 100 * ice.unknown_share
        )
    if ice.floating_share:
        log.warning("box %s: %.0f %% of its ice floats; buoyancy tells its mass", name, 100 * ice.floating_share)
    spans = shared_spans(records.change, records.yearly)
    moving = on_map(records.change, np.ravel([*spans.values()]), ice.window) if spans else None
    borders = [*outflow.values(), *inflow.values()]
    whole = carried(records.change)
    sides, reasons = terms.flux_of_sides(area, borders, records.yearly, records.thickness, whole, settings)
    for reason in reasons:
        log.warning("box %s: a side of it has no flux (%s); the budget leaves it open", name, reason)
    flows = {
        "discharge_out": [records.gates[gate] for gate in outflow],
        "discharge_in": [records.gates[gate] for gate in inflow],
        "sides": sides,
    }
    fluxes = {year: {key: sum_of(tables, year) for key, tables in flows.items()} for year in spans if year}
    if fluxes:
        fluxes[0] = {key: terms.mean_of([each[key] for each in fluxes.values()]) for key in flows}
    known = {key: terms.sum_over(records.parts, f"{key}_part", ice) for key in ("smb", "basal")}
    known["basal"] = known["basal"].negative()  # a loss is positive
    return [
        row_of(name, year, span, ice, fluxes[year] | known | stored_of(moving, span, year, ice, records, settings))
        for year, span in spans.items()
    ]


def stored_of(moving, span, year, ice, records, settings):
    """Return the change of mass of a box in a span of time, and what of its volume is air in the firn."""
    storage, firn = terms.storage(
        rate_between(moving, *span),
        ice,
        density=settings.density,
        correlation_range=settings.thickness_range,
        firn=firn_in(records.parts, year, ice),
    )
    return {"storage": storage, "firn": firn}


def firn_in(parts, year, ice):
    """Return the change of the firn's air of a year on the window of a box, None where it is not known."""
    rows, columns = ice.cells
    local = parts.isel(y=rows, x=columns)
    if not year:
        return local[["firn_part", "firn_part_sigma"]].rename(firn_part="rate", firn_part_sigma="rate_sigma")
    if "firn_yearly" not in parts or year not in parts["year"]:
        return None
    named = {"firn_yearly": "rate", "firn_yearly_sigma": "rate_sigma"}
    return local[list(named)].sel(year=year).rename(named)


def outline_of(name, box, outflow, inflow, outlines, crs):
    """Return the outline of a box on the map of velocities."""
    if box.region is None:
        return box_between(*outflow.values(), *inflow.values())
    region = outlines[box.region].projected(crs)
    area = between_gates(region, outflow, inflow)
    others = len(shapely.get_parts(region)) - 1
    if others:
        log.warning(
            "box %s: %d other parts of %s, which its gates do not cross, are left out", name, others, box.region
        )
    return area


def row_of(name, year, span, ice, known):
    """Return one row of the table: every term with its error and share."""
    budget = dynamics.close_budget(**known)
    row = {"box": name, "year": year, "since": span[0], "until": span[1]}
    row |= {"area": ice.area / 1e6, "floating_share": ice.floating_share}
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
