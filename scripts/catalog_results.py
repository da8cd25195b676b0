"""Describe a study's results for GIS programs, as a STAC catalogue."""

from pathlib import Path

from nunatak.reports import catalog
from nunatak.results import reading
from nunatak.runtime import job


def main(inputs, out, *, study, title, period):
    """
    Write catalog.json and its items.

    Parameters
    ----------
    inputs : mapping of granules, regions and `made`, every result, to a path or a list of paths; what was made lies
        below the folder of `out`
    out : path of catalog.json
    study, title, period : the study's name, title and period (start, end)
    """
    catalog.write_catalog(
        Path(out).parent,
        reading.listed(inputs["made"]),
        study=study,
        title=title,
        period=period,
        source=reading.source_of(reading.listed(inputs["granules"])),
    )


if __name__ == "__main__":
    with job(snakemake):
        main(
            dict(snakemake.input.items()),
            snakemake.output.catalog,
            study=snakemake.wildcards.study,
            title=snakemake.params.title,
            period=snakemake.params.period,
        )
