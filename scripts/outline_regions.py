"""Settle the outlines of a study: its region and every further one."""

from nunatak import region
from nunatak.outlines import write_outlines
from nunatak.runtime import job, log


def main(out, *, regions, folder="."):
    """Load each outline from its form in the study file and write them all as one GeoJSON file."""
    outlines = {key: region.load(form, folder=folder) for key, form in regions.items()}
    for key, outline in outlines.items():
        log.info("%s: %s, %.6g km2", key, outline.name, outline.area_km2)
        if outline.simplification:
            log.info("%s: %s", key, outline.simplification)
    write_outlines(outlines, out)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.output.regions, regions=snakemake.params.regions, folder=snakemake.params.folder)
