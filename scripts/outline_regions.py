"""Settle the outlines of a study: its region and every further one."""

from nunatak.geometry.outlines import write_outlines
from nunatak.geometry.region import Region
from nunatak.runtime import job, log


def main(out, *, regions):
    """Write the outlines as one GeoJSON file, and to the log what simplification changed."""
    outlines = {key: Region.from_dict(outline) for key, outline in regions.items()}
    for key, outline in outlines.items():
        log.info("%s: %s, %.6g km2", key, outline.name, outline.area_km2)
        if outline.simplification:
            log.info("%s: %s", key, outline.simplification)
    write_outlines(outlines, out)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.output.regions, regions=snakemake.params.regions)
