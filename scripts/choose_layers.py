"""Choose the layers of a study's datacubes by what the cubes say of themselves, before a velocity is read."""

import numpy as np

from nunatak.cubes import datacubes
from nunatak.files.tables import read_table
from nunatak.geometry.outlines import STUDY_REGION, read_outlines
from nunatak.granules import present
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import CubeForm, PairSelection
from nunatak.runtime import job, log, stamp, written
from nunatak.velocity.cube import fates


def main(ledgers, regions, out, *, selection, form, spans, study, settings, places=None):
    """
    Write a folder with every layer and its fate so far (pairs.parquet), and where the parts of each lie.

    Parameters
    ----------
    ledgers : what looking at the cubes told, one per chunk
    regions : GeoJSON of the study's outlines
    selection : parameters.velocity.PairSelection, which layers enter
    form : parameters.velocity.CubeForm, the grid
    spans : first and last date of every part of the study's period, the last excluded
    settings : all that the study says of the product, for the record
    places : (points, lines) in longitude and latitude whose cells alone are read. Default: all of the region
    """
    looked_at = read_table(ledgers)
    here = present(looked_at)
    cubes = dict(zip(here["path"], here["sha256"].fillna(""), strict=True))
    region = read_outlines(regions)[STUDY_REGION]
    plan, parts = datacubes.plan_layers(
        cubes,
        region,
        spans=[tuple(map(np.datetime64, span)) for span in spans],
        selection=selection,
        crs=form.crs,
        cell=form.cell,
    )
    if places is not None:
        plan = datacubes.around(plan, *places)
    source = looked_at.attrs["attributes"]["nunatak_source"]
    about = stamp(study=study, source=source, inputs=[*ledgers, regions], parameters=[settings, places])
    with written(out) as part:
        datacubes.write_layers(plan, parts, cubes, part, about)
    log.info("%s", ", ".join(f"{count} {fate}" for fate, count in fates(plan.pairs).items()))


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.ledgers),
            snakemake.input.regions,
            snakemake.output.layers,
            selection=read_choices(PairSelection, snakemake.params.settings),
            form=read_choices(CubeForm, snakemake.params.settings),
            spans=snakemake.params.spans,
            study=snakemake.wildcards.study,
            settings=snakemake.params.settings,
            places=snakemake.params.places,
        )
