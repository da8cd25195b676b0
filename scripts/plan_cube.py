"""Decide the grid of a study's velocity cube and what becomes of every image pair, by what the granules say."""

from pathlib import Path

from nunatak.cubes import plans
from nunatak.files.tables import read_table
from nunatak.geometry.outlines import STUDY_REGION, read_outlines
from nunatak.granules import present
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import CubeForm, PairSelection
from nunatak.runtime import job, log, stamp, written
from nunatak.velocity.cube import fates


def main(ledgers, regions, out, *, selection, form, study, years, index, threads=2):
    """
    Write a folder with every pair and its fate so far (pairs.parquet), and of each year what its layers depend on.

    Parameters
    ----------
    ledgers : what the fetches brought, one per chunk
    selection : parameters.velocity.PairSelection, which pairs enter
    form : parameters.velocity.CubeForm, the grid and the margin of the cube
    years : the years of the study
    index : Parquet file that keeps what granules said, between runs
    """
    fetched = read_table(ledgers)
    here = present(fetched)
    measured = here[here["sha256"].notna()]
    outlines, ice = read_outlines(regions), form.ice
    plan = plans.plan_pairs(
        list(here["path"]),
        outlines[STUDY_REGION],
        selection=selection,
        ice=ice and outlines[ice],
        margin=form.margin,
        crs=form.crs,
        cell=form.cell,
        index=Path(index),
        threads=threads,
        checksums=dict(zip(measured["path"], measured["sha256"], strict=True)),
    )
    # nothing of the other years: a year whose pairs are as before must find the same bytes
    about = stamp(study=study, source=fetched.attrs["attributes"]["nunatak_source"], inputs=[regions])
    with written(out) as part:
        plans.write_shares(plan, part, years, about, ice=ice)
    log.info("%s", ", ".join(f"{count} {fate}" for fate, count in fates(plan.pairs).items()))


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.ledgers),
            snakemake.input.regions,
            snakemake.output.plan,
            selection=read_choices(PairSelection, snakemake.params.settings),
            form=read_choices(CubeForm, snakemake.params.settings),
            study=snakemake.wildcards.study,
            years=snakemake.params.years,
            index=snakemake.params.index,
            threads=snakemake.threads,
        )
