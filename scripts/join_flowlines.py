"""Surface, thickness, height change, speed and strain along every flowline of a study, year by year."""

import pandas as pd

from nunatak import velocity
from nunatak.dynamics.along import UNITS, along_flowline, thinned
from nunatak.dynamics.regrid import onto
from nunatak.dynamics.surface import yearly_change
from nunatak.files.tables import read_table, write_table
from nunatak.geometry.grid import Grid
from nunatak.results.reading import read_map, read_surface_change
from nunatak.runtime import job, log, stamp

ATL14_YEAR = 2020.0


def main(annual, thickness, flowline, change, surface, out, *, study):
    """
    Write flowline_years.parquet, one row for every flowline, year and point.

    Parameters
    ----------
    annual, thickness, flowline : annual.nc, thickness.nc and flowline.parquet
    change : record.nc or height_change.nc, or None: height change is missing
    surface : surface.nc of ATL14 for a thickness that comes without a surface, or None
    """
    yearly, placed, lines = read_map(annual), read_map(thickness).load(), read_table(flowline)
    moving = yearly_change(read_surface_change(change)) if change else None
    placed, told = with_surface(placed, surface, Grid.of(yearly))
    cell = Grid.of(yearly).dx
    mean, tables, about = lines[lines["year"] == 0], [], {}
    for name, path in mean.groupby("flowline", sort=False):
        table = along_flowline(yearly, thinned(path, cell), placed, moving)
        about |= {f"{name}_{key}": str(value) for key, value in table.attrs.items()}
        log.info("flowline %s: %d points, %d years", name, table["x"].nunique(), table["year"].nunique())
        table.insert(0, "flowline", name)
        tables.append(table)
    about |= stamp(
        study=study,
        source=yearly.attrs["nunatak_source"],
        inputs=[path for path in (annual, thickness, flowline, change, surface) if path],
        parameters={"spacing": cell},
    ) | {"crs": yearly.attrs["crs"], "surface_is": told}
    table = velocity.located(pd.concat(tables, ignore_index=True), yearly.attrs["crs"])
    write_table(table, out, attributes=about, units=UNITS, points=True)


def with_surface(placed, surface, grid):
    """Return the thickness with a surface where one is known, and what the surface is, in words."""
    if "surface" in placed:
        return placed, str(placed.attrs.get("thickness_product", "that of the thickness"))
    if not surface:
        return placed, "not known"
    height = onto(read_map(surface), ("h",), grid)["h"]
    return placed.assign(surface=height).assign_attrs(surface_year=ATL14_YEAR), "ATL14, above the ellipsoid"


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.annual,
            snakemake.input.thickness,
            snakemake.input.flowline,
            snakemake.input.get("change"),
            snakemake.input.get("surface"),
            snakemake.output.years,
            study=snakemake.wildcards.study,
        )
