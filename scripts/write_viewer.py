"""Write a study's results on a map, as one page that needs no server."""

from nunatak.explorer import viewer
from nunatak.results.reading import flat, source_of
from nunatak.runtime import job, log, written


def main(inputs, page, *, study, title):
    """
    Write explore.html.

    Parameters
    ----------
    inputs : mapping of regions, granules and the results there are to a path or a list of paths
    page : path
    study : name of its results
    title : of the study
    """
    index, blocks = viewer.contents(inputs, study=study, title=title, source=source_of(flat(inputs)))
    with written(page) as part:
        part.write_text(viewer.page(index, blocks), "utf-8")
        log.info("%d layers, %.1f MB", len(index["layers"]), part.stat().st_size / 1e6)


if __name__ == "__main__":
    with job(snakemake):
        main(
            {name: paths for name, paths in snakemake.input.items() if name != "parts"},
            snakemake.output.page,
            study=snakemake.wildcards.study,
            title=snakemake.params.title,
        )
