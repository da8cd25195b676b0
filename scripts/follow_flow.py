"""Velocity at a study's points, along its flowlines and through its gates."""

import numpy as np
import pandas as pd
import pyproj
from shapely import LineString, box

from nunatak import velocity
from nunatak.constants import THICKNESS
from nunatak.cubes.datacubes import open_stack
from nunatak.files.raster_reading import read_on_grid
from nunatak.files.tables import write_csv, write_table
from nunatak.geometry.grid import Grid
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import Flowline, Gate
from nunatak.products.itslive.ground import GROUND
from nunatak.results.reading import read_map
from nunatak.runtime import NunatakError, job, log, stamp
from nunatak.times import from_decimal_year

UNITS = {
    "x": "m",
    "y": "m",
    "longitude": "degrees_east",
    "latitude": "degrees_north",
    "epsg": "1",
    "flow_direction": "degrees clockwise from true north",
    "vx": "m/yr",
    "vy": "m/yr",
    "v": "m/yr",
    "vx_error": "m/yr",
    "vy_error": "m/yr",
    "v_error": "m/yr",
    "date_dt": "days",
    "distance": "m",
    "travel_time": "yr",
    "width": "m",
    "observed_share": "1",
    "thickness_share": "1",
    "angle": "degrees",
    "area_flux": "km2/yr",
    "area_flux_sigma": "km2/yr",
    "discharge": "Gt/yr",
    "discharge_sigma": "Gt/yr",
}
GATE_COLUMNS = [
    "gate",
    "year",
    "longitude",
    "latitude",
    "epsg",
    "width",
    "observed_share",
    "thickness_share",
    "angle",
    "area_flux",
    "area_flux_sigma",
    "discharge",
    "discharge_sigma",
]
LEAST_ANGLE = 60.0  # degrees between a gate and the flow; below it a small error of direction is a large one of flux
LEAST_SHARE = 0.5  # of the flux where the thickness is known, for a discharge


def main(stack, annual, out, *, points, flowlines, gates, study):
    """
    Write series and flowline (Parquet and CSV) and gates.csv.

    A table has no row where the study has none of a kind.

    Parameters
    ----------
    stack : folder of the cube, or of the chosen layers of datacubes; None of mosaics, which have none
    annual : annual.nc
    out : mapping of series, flowline, series_csv, flowline_csv, gates to a path
    points : the study's, (longitude, latitude) by name
    flowlines, gates : the study's, parameters.velocity.Flowline and Gate by name
    """
    stack, yearly = open_stack(stack) if stack else None, read_map(annual)
    about = (
        stamp(
            study=study, source=yearly.attrs["nunatak_source"], inputs=[annual], parameters=[points, flowlines, gates]
        )
        | GROUND
        | {"crs": yearly.attrs["crs"]}
    )
    to_map = pyproj.Transformer.from_crs("EPSG:4326", yearly.attrs["crs"], always_xy=True).transform
    places = {name: to_map(*lonlat) for name, lonlat in points.items()}
    write_places(series(stack, yearly, places), "series", out, about)
    lines = [along(yearly, name, line, to_map(*line.start)) for name, line in flowlines.items()]
    empty = pd.DataFrame({"flowline": [], "year": [], "distance": [], "x": [], "y": [], "v": []})
    write_places(pd.concat(lines) if lines else empty, "flowline", out, about)
    rows = [row for name, gate in gates.items() for row in fluxes(yearly, name, gate, to_map)]
    for name in sorted(set(gates) - {row[0] for row in rows}):
        log.warning("gate %s: no year has a velocity on it; it has no row", name)
    table = pd.DataFrame(rows, columns=GATE_COLUMNS)
    for name, angle in table.groupby("gate")["angle"].median().items():
        if angle < LEAST_ANGLE:
            log.warning(
                "gate %s: lies at %.0f degrees to the flow; lay it across (90), at least %.0f", name, angle, LEAST_ANGLE
            )
    write_csv(table, out["gates"], attributes=about, units=UNITS)


def write_places(table, name, out, about):
    """Write a table of places as GeoParquet, and beside it as CSV that says its units."""
    table = velocity.located(table.reset_index(drop=True), about["crs"])
    write_table(table, out[name], attributes=about, units=UNITS, points=True)
    write_csv(table, out[f"{name}_csv"], attributes=about, units=UNITS)


def series(stack, yearly, places):
    """
    Return every pair at the points (kind pair), annual means (annual), and the seasonal model at ten-day steps (model).

    Without a stack there are annual means alone.
    """
    if not places:
        return pd.DataFrame({"point": [], "kind": [], "time": [], "x": [], "y": [], "v": [], "v_error": []})
    means = [annual_means(yearly, x, y).assign(point=name, x=x, y=y, kind="annual") for name, (x, y) in places.items()]
    if stack is None:
        return in_order(means)
    pairs = velocity.point_series(stack, places).assign(kind="pair")
    pairs["v_error"] = velocity.speed_error(pairs["vx"], pairs["vy"], pairs["vx_error"], pairs["vy_error"])
    first, last = (f"{year:.0f}-01-01" for year in (np.floor(yearly["year_start"][0]), np.ceil(yearly["year_end"][-1])))
    time = np.arange(first, last, 10, dtype="datetime64[D]").astype("datetime64[ns]")
    models = [
        velocity.model_series(yearly, x, y, time).assign(point=name, x=x, y=y, kind="model")
        for name, (x, y) in places.items()
    ]
    return in_order([pairs, *means, *models])


def in_order(parts):
    """Join parts of a series without rows that have no speed, the point and the kind of each row first."""
    table = pd.concat([part[part["v"].notna()] for part in parts], ignore_index=True)
    return table[["point", "kind", *(name for name in table if name not in ("point", "kind"))]]


def annual_means(yearly, x, y):
    """Return the annual velocity at a point, at the middle of each year."""
    middle = from_decimal_year((yearly["year_start"].values + yearly["year_end"].values) / 2)
    names = ("vx", "vy", "vx_error", "vy_error", "v_error")
    rows = [velocity.Field(yearly.isel(year=k), names)(x, y) for k in range(yearly.sizes["year"])]
    table = pd.DataFrame(np.array(rows), columns=list(names))
    count = yearly["count"].sel(x=x, y=y, method="nearest").values
    return table.assign(v=np.hypot(table["vx"], table["vy"]), time=middle, pairs=count)


def along(yearly, name, line, start):
    """Return the flowline through the mean velocity (year 0), and the speed of every year at its points."""
    mean = velocity.mean_field(yearly)
    path = velocity.flowline(mean, start, step=line.step, min_speed=line.min_speed, max_length=line.max_length).assign(
        year=0
    )
    parts = [path]
    for k, year in enumerate(yearly["year"].values):
        vx, vy, v_error = velocity.Field(yearly.isel(year=k), ("vx", "vy", "v_error"))(path["x"], path["y"])
        rows = path[["distance", "x", "y"]].assign(vx=vx, vy=vy, v=np.hypot(vx, vy), v_error=v_error, year=int(year))
        parts.append(rows[np.isfinite(vx)])
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "flowline", name)
    return table


def fluxes(yearly, name, gate, to_map):
    """
    Return one row per year with a velocity on the gate: area of ice through it, and mass where the thickness is known.
    """
    vertices = np.column_stack(to_map(*np.asarray(gate.lonlat, dtype=float).T))
    grid = Grid.of(yearly)
    if not LineString(vertices).intersects(box(*grid.bounds)):
        raise NunatakError(f"gates: {name}: lies outside the map of velocities; choose points of the region")
    known = gate.thickness is not None
    around, middle = window(grid, vertices), middle_of(vertices, grid.crs)
    thickness = raster_of(gate.thickness, around, gate.variable)
    sigma = raster_of(gate.thickness_sigma, around, gate.sigma_variable)
    for k, year in enumerate(yearly["year"].values):
        field = yearly[["vx", "vy", "vx_error", "vy_error"]].isel(year=k)
        try:
            flux = velocity.flux_gate(
                field,
                vertices,
                thickness if known else 1.0,
                thickness_sigma=sigma,
                crs=grid.crs,
                density=gate.density,
                density_sigma=gate.density_sigma,
                spacing=gate.step,
            )
        except velocity.NoVelocity:
            continue  # a year without data is no row, not a zero
        area, sigma_area = (
            float((flux.segments[name] * flux.segments["width"]).sum()) / 1e6 for name in ("v_across", "v_across_error")
        )
        share = flux.thickness_share if known else np.nan
        if share < LEAST_SHARE:
            log.warning(
                "gate %s, %d: the thickness is known for %.0f %% of the flux; no discharge is given",
                name,
                year,
                100 * share,
            )
        mass = (flux.discharge, flux.sigma) if share >= LEAST_SHARE else (np.nan, np.nan)
        yield (name, int(year), *middle, flux.width, flux.observed_share, share, flux.angle, area, sigma_area, *mass)


def raster_of(given, grid, variable):
    """Return a thickness on the velocity's grid: one number, or the user's raster."""
    return read_on_grid(given, grid, variable=variable, valid=THICKNESS) if isinstance(given, str) else given


def middle_of(vertices, crs):
    """Return longitude and latitude halfway along a gate, and the EPSG number of the map it is on."""
    line = LineString(vertices).interpolate(0.5, normalized=True)
    row = velocity.located(pd.DataFrame({"x": [line.x], "y": [line.y]}), crs).iloc[0]
    return float(row["longitude"]), float(row["latitude"]), int(row["epsg"])


def window(grid, vertices):
    """Return the part of a grid around a line, three cells to every side, to which rasters are read."""
    columns, rows = (vertices[:, 0] - grid.left) / grid.dx, (grid.top - vertices[:, 1]) / grid.dy
    (c0, c1), (r0, r1) = (
        (max(0, int(v.min()) - 3), min(n, int(v.max()) + 4)) for v, n in ((columns, grid.nx), (rows, grid.ny))
    )
    return Grid(grid.crs, grid.left + c0 * grid.dx, grid.top - r0 * grid.dy, grid.dx, grid.dy, r1 - r0, c1 - c0)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.get("stack") or None,
            snakemake.input.annual,
            dict(snakemake.output.items()),
            points=snakemake.params.points,
            flowlines={name: read_choices(Flowline, line) for name, line in snakemake.params.flowlines.items()},
            gates={name: read_choices(Gate, line) for name, line in snakemake.params.gates.items()},
            study=snakemake.wildcards.study,
        )
