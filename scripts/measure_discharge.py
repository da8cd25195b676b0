"""Ice discharge through every gate of a study, year by year, with a thickness that follows the surface."""

import json

import numpy as np
import pandas as pd
import pyproj
from shapely import LineString

from nunatak import dynamics, velocity
from nunatak.dynamics.flux import COLUMNS, SECTIONS, composite_of, discharge_by_year
from nunatak.dynamics.surface import carried, yearly_change
from nunatak.dynamics.terms import floating_of
from nunatak.files.tables import write_csv, write_table
from nunatak.results.reading import read_map, read_surface_change
from nunatak.runtime import NunatakError, job, log, stamp
from nunatak.study.dynamics import Dynamics
from nunatak.study.parts import typed
from nunatak.velocity.gates import UNITS as SECTION_UNITS

UNITS = {
    "discharge": "Gt/yr",
    "discharge_sigma": "Gt/yr",
    "discharge_mean": "Gt/yr",
    "discharge_mean_sigma": "Gt/yr",
    "sigma_thickness": "Gt/yr",
    "sigma_velocity": "Gt/yr",
    "sigma_factor": "Gt/yr",
    "observed_share": "1",
    "filled_share": "1",
    "thickness_share": "1",
    "share_mass_conservation": "1",
    "share_interpolated": "1",
    "share_floating": "1",
    "thickness_change": "m",
    "angle": "degrees",
    "width": "m",
    "longitude": "degrees_east",
    "latitude": "degrees_north",
    "epsg": "1",
    "vertices": "m",
}
OF_MEAN = {"discharge": "discharge_mean", "discharge_sigma": "discharge_mean_sigma"}  # by the mean velocity
PLACE = ("longitude", "latitude", "epsg", "vertices")


def main(annual, thickness, change, out, *, settings: Dynamics, gates, flowlines, study):
    """
    Write gates.csv, one row per gate and year, and gate_sections.parquet, the segments of each.

    Parameters
    ----------
    annual, thickness : annual.nc and thickness.nc
    change : record.nc or height_change.nc, or None: the thickness does not change
    out : mapping of gates and sections to a path
    settings, gates, flowlines : the study's keys
    """
    yearly, placed = read_map(annual), read_map(thickness)
    composite = composite_of(yearly)
    moving = carried(yearly_change(read_surface_change(change))) if change else None
    crs = yearly.attrs["crs"]
    tables, sections = [], []
    for name, (kind, vertices) in lines_of(yearly, placed, gates, flowlines, settings.derive).items():
        try:
            table, parts = discharge_by_year(yearly, placed, vertices, moving, **settings.flux_options())
            refuse_rock(parts)
            mean, _ = discharge_by_year(composite, placed, vertices, moving, **settings.flux_options())
        except NunatakError as error:
            raise NunatakError(f"gate {name}: {error}") from error
        if table.empty:
            log.warning("gate %s: no year has a velocity on it; it has no row", name)
            continue
        warn(name, table)
        place = velocity.located(pd.DataFrame({"x": [vertices[:, 0].mean()], "y": [vertices[:, 1].mean()]}), crs)
        table = table.assign(**{key: place[key].iloc[0] for key in ("longitude", "latitude", "epsg")})
        table = table.assign(**{new: mean[old].iloc[0] if len(mean) else np.nan for old, new in OF_MEAN.items()})
        tables.append(table.assign(gate=name, kind=kind, vertices=json.dumps(np.round(vertices, 3).tolist())))
        sections.append(parts.assign(gate=name))
    about = stamp(
        study=study,
        source=yearly.attrs["nunatak_source"],
        inputs=[annual, thickness, *([change] if change else [])],
        parameters=[settings, gates, flowlines],
    ) | {"crs": crs, "reference_year": str(placed.attrs["reference_year"])}
    first = ["gate", "kind", "year"]
    columns = [*first, *COLUMNS[1:], *OF_MEAN.values(), *PLACE]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
    write_csv(table[columns], out["gates"], attributes=about, units=UNITS)
    parts = pd.concat(sections, ignore_index=True) if sections else pd.DataFrame(columns=[*SECTIONS, "gate"])
    write_table(parts, out["sections"], attributes=about, units=SECTION_UNITS)


def refuse_rock(parts):
    """Refuse a gate that lies where there is no ice."""
    if len(parts) and not (parts["thickness"] > 0).any():
        raise NunatakError("no ice anywhere on it; move it onto the glacier")


def lines_of(yearly, placed, gates, flowlines, derived):
    """Return the gates of a study by name: how each came about, and its vertices on the map."""
    to_map = pyproj.Transformer.from_crs("EPSG:4326", yearly.attrs["crs"], always_xy=True).transform
    lines = {name: ("drawn", drawn(name, gate, to_map)) for name, gate in gates.items()}
    mean = velocity.mean_field(yearly)
    for name, asked in derived.items():
        try:
            if asked.margin is not None:
                made = along_margin(mean, placed, asked.margin)
                lines |= {f"{name}_{k}": ("margin", line) for k, line in enumerate(made, 1)}
            else:
                made = across(mean, flowlines[asked.flowline], to_map, asked)
                lines[name] = ("flowline", made)
        except NunatakError as error:
            raise NunatakError(f"dynamics.derive.{name}: {error}") from error
    return lines


def drawn(name, gate, to_map):
    """Return a gate of the user's on the map, refusing one that crosses itself."""
    vertices = np.column_stack(to_map(*np.asarray(gate["lonlat"], dtype=float).T))
    if not LineString(vertices).is_simple:
        raise NunatakError(f"gate {name}: crosses itself, so that ice would pass it twice; draw it again")
    return vertices


def across(mean, flowline, to_map, asked):
    """Return the gate across a flowline of the study."""
    options = {key: flowline[key] for key in ("step", "min_speed", "max_length")}
    line = velocity.flowline(mean, to_map(*flowline["start"]), **options)
    return dynamics.across_flowline(mean, line, asked.distance, least=asked.least)


def along_margin(mean, placed, asked):
    """Return the gates along the margin of the grounded ice, the longest first."""
    grounded = (placed["thickness"].values > 0) & ~floating_of(placed)
    options = {"min_speed": asked.min_speed, "inland": asked.inland, "least_edges": asked.least}
    gates = dynamics.along_margin(mean, grounded, **options)
    if not gates:
        raise NunatakError(
            f"no ice of {asked.min_speed:g} m/yr or more stands {asked.inland:g} m inland of an edge on the map of "
            "velocities; choose a lower min_speed or inland"
        )
    return sorted(gates, key=len, reverse=True)


def warn(name, table):
    """Log what makes a gate's discharge less than a measurement."""
    row = table.iloc[-1]
    poor = table[table["observed_share"] < 0.5]
    if len(poor):
        log.warning(
            "gate %s: less than half of the flux passes velocities of the year in %s",
            name,
            ", ".join(map(str, poor["year"])),
        )
    if table["discharge"].median() < 0:
        log.warning("gate %s: the ice flows to the left of the line; draw it the other way round", name)
    if row["share_interpolated"] > 0.2:
        log.warning(
            "gate %s: the thickness is interpolated for %.0f %% of the flux; it is no measurement there",
            name,
            100 * row["share_interpolated"],
        )
    if row["share_floating"] > 0.05:
        log.warning("gate %s: %.0f %% of the flux is over floating ice", name, 100 * row["share_floating"])


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.annual,
            snakemake.input.thickness,
            snakemake.input.get("change"),
            dict(snakemake.output.items()),
            settings=typed(Dynamics, snakemake.params.settings),
            gates=snakemake.params.gates,
            flowlines=snakemake.params.flowlines,
            study=snakemake.wildcards.study,
        )
