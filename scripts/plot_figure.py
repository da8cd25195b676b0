"""Draw one figure of a study, with the numbers in it as a sidecar."""

from nunatak import figures, results
from nunatak.reports import files
from nunatak.runtime import job


def main(name, inputs, outputs, *, study, title, preset="copernicus", focus=None, transects=None):
    """
    Draw a figure and write it in every format asked for.

    Parameters
    ----------
    name : extent, height_change_region, height_change_focus, height_change_series, change_by_elevation,
        transect_<name> or repeat_pair
    inputs : mapping of `regions` and what the figure needs (see `files.figure_request`) to a path or a list of paths
    outputs : paths; the suffix is the format, .json the sidecar
    focus, transects : the study's
    """
    look = figures.preset(preset)
    request = files.figure_request(inputs, title=title, focus=focus, transects=transects)
    with figures.use(look):
        drawn = figures.draw(name, look, request)
        sidecar = figures.sidecar_of(
            name, drawn, study=study, source=results.source_of(results.flat(inputs)), inputs=results.hashes(inputs),
            products=results.releases(request.granules), preset_name=preset,
        )  # fmt: skip
        figures.save(drawn.figure, outputs, sidecar, look=look)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.wildcards.figure,
            dict(snakemake.input.items()),
            list(snakemake.output),
            study=snakemake.wildcards.study,
            title=snakemake.params.title,
            preset=snakemake.params.style["preset"],
            focus=snakemake.params.focus,
            transects=snakemake.params.get("transects"),
        )
