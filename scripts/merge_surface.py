"""The ATL14 surface of a region, its quadrants as one grid."""

from nunatak.compute.deadline import deadline
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.files.tables import read_table
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import altimetry_outline
from nunatak.products import atl14, polar_grid
from nunatak.reading.granules import ledger_paths
from nunatak.runtime import job, stamp


def main(ledgers, regions, out, *, study, endpoints=None):
    """
    Write the surface height, its error and its ice area in the box of the region.

    Parameters
    ----------
    endpoints : addresses of the services, for granules that stay where they are
    """
    ledger = read_table(ledgers)
    paths = ledger_paths(ledger, endpoints)
    bounds = altimetry_outline(regions).projected(polar_grid.crs(paths[0])).bounds
    with deadline("reading ATL14"):
        surface = atl14.read_surface(paths, bounds=bounds)
    source = ledger.attrs["attributes"]["nunatak_source"]
    about = stamp(study=study, source=source, inputs=[*ledgers, regions]) | polar_grid.reference(paths[0])
    write_netcdf(georeference(surface, Grid.of(surface)), out, about)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.ledger,
            snakemake.input.regions,
            snakemake.output.surface,
            study=snakemake.wildcards.study,
            endpoints=snakemake.params.endpoints,
        )
