"""Mean speed and mean rate of height change of every region of a study, year by year."""

from nunatak.dynamics.by_region import UNITS, regions_by_year
from nunatak.dynamics.surface import yearly_change
from nunatak.elevation import cell_coverage
from nunatak.files.tables import write_csv
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import ALTIMETRY_REGION, read_outlines
from nunatak.results.reading import read_map, read_surface_change
from nunatak.runtime import job, log, stamp
from nunatak.study.dynamics import Dynamics
from nunatak.study.parts import typed


def main(annual, thickness, change, regions, out, *, settings: Dynamics, study):
    """
    Write basin_years.csv, one row for every region and year.

    Parameters
    ----------
    annual, thickness, regions : annual.nc, thickness.nc and regions.geojson
    change : record.nc or height_change.nc
    settings : the study's `dynamics`
    """
    yearly = read_map(annual)
    grid = Grid.of(yearly)
    moving = yearly_change(read_surface_change(change))
    ice = read_map(thickness)["thickness"].values > 0
    covered = {}
    for name, outline in read_outlines(regions).items():
        coverage = cell_coverage(grid, outline.projected(grid.crs)) * ice
        if name == ALTIMETRY_REGION:
            continue  # reaches beyond the map of velocities
        if coverage.any():
            covered[name] = coverage
        else:
            log.warning("region %s: holds no ice of the map of velocities; it has no row", name)
    table = regions_by_year(yearly, moving, covered, correlation_range=settings.velocity_range)
    about = stamp(
        study=study,
        source=yearly.attrs["nunatak_source"],
        inputs=[annual, thickness, change, regions],
        parameters={"settings": settings},
    )
    write_csv(table, out, attributes=about | {"crs": grid.crs}, units=UNITS)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.annual,
            snakemake.input.thickness,
            snakemake.input.change,
            snakemake.input.regions,
            snakemake.output.years,
            settings=typed(Dynamics, snakemake.params.settings),
            study=snakemake.wildcards.study,
        )
