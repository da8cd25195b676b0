"""Draw one figure of a study, with the numbers in it as a sidecar."""

from nunatak import figures
from nunatak.reports import files
from nunatak.results import reading
from nunatak.runtime import job, say


def main(
    name,
    inputs,
    outputs,
    *,
    study,
    title,
    preset="copernicus",
    focus=None,
    transects=None,
    period=None,
    coastline=None,
    asked=None,
    limits=None,
    compose=None,
):
    """
    Draw a figure and write it in every format asked for.

    A figure whose data hold nothing to see stops the study where its file names the figure; one of those drawn by
    default becomes a page that says why.

    Parameters
    ----------
    name : of a row of `results.figures.FIGURES`, transect_<name> for a transect
    inputs : mapping of `regions`, the results that the row names, and `granules`, to a path or a list of paths
    outputs : paths; the suffix is the format, .json the sidecar
    focus, transects, period : the study's
    limits : the study's limits of rates at reference points
    compose : the study's composed figures: rows of names
    coastline : a file of the user's with land, for polar maps
    asked : the figures that the study names, None where it takes those of its products
    """
    look = figures.preset(preset)
    subject = figures.Subject(name, title, focus, transects or {}, coastline, period, limits or {}, compose or {})
    data = files.figure_data(inputs)
    with figures.use(look):
        drawn = _drawn(look, subject, data, asked)
        sidecar = figures.sidecar_of(
            name,
            drawn,
            study=study,
            source=reading.source_of(reading.flat(inputs)),
            inputs=reading.hashes(inputs),
            products=reading.releases(data["granules"]),
            preset_name=preset,
        )
        figures.save(drawn.figure, outputs, sidecar, look=look)


def _drawn(look, subject, data, asked):
    try:
        return figures.draw(look, subject, data)
    except figures.NothingToDraw as error:
        if subject.name in (asked or ()):
            raise
        reason = str(error).removeprefix("figures: ").removeprefix(f"{subject.name}: ").partition("; leave it out")[0]
        say(f"figure {subject.name} not drawn: {reason}")
        return figures.empty(look, title=f"{subject.title}: {subject.name.replace('_', ' ')}", reason=reason)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.wildcards.figure,
            dict(snakemake.input.items()),
            list(snakemake.output),
            study=snakemake.wildcards.study,
            title=snakemake.params.title,
            preset=snakemake.params.style["preset"],
            asked=snakemake.params.style.get("names"),
            coastline=snakemake.params.style.get("coastline"),
            focus=snakemake.params.focus,
            transects=snakemake.params.get("transects"),
            period=snakemake.params.get("period"),
            limits=snakemake.params.get("limits"),
            compose=snakemake.params.style.get("compose"),
        )
