"""Read the image pairs of one year onto the grid of a study's velocity cube, a layer for each."""

import shutil

import pyarrow.parquet as pq

from nunatak.runtime import job, log, written


def main(share, regions, out, *, threads=2, scheduler=None):
    """
    Write a folder with the layers of a year and its pairs, with what reading told of each (pairs.parquet).

    Parameters
    ----------
    share : the year's file of the plan
    regions : GeoJSON of the study's outlines
    scheduler : of Dask, for the pairs; threads of this job unless given
    """
    with written(out) as part:
        part.mkdir()
        if pq.read_metadata(share).num_rows:
            stack(share, regions, part, threads, scheduler)
        else:
            shutil.copyfile(share, part / "pairs.parquet")


def stack(share, regions, folder, threads, scheduler):
    """Stack the pairs of a year that has some. A year without needs none of these libraries."""
    from nunatak.cubes import build, plans
    from nunatak.files.tables import write_table
    from nunatak.geometry.outlines import read_outlines
    from nunatak.products.itslive.index import UNITS
    from nunatak.velocity.cube import fates

    plan = plans.read_share(share, read_outlines(regions))
    [settled] = build.stack_years(plan, [(plan.pairs, folder)], threads=threads, scheduler=scheduler)
    write_table(settled, folder / "pairs.parquet", attributes=plan.pairs.attrs["attributes"], units=UNITS)
    log.info("%s", ", ".join(f"{count} {fate}" for fate, count in fates(settled).items()))


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.share,
            snakemake.input.regions,
            snakemake.output.layers,
            threads=snakemake.threads,
            scheduler=snakemake.params.scheduler,
        )
