"""The study's front page, and the five lines that end a run."""

from nunatak import reports
from nunatak.reports import files, front
from nunatak.runtime import job, written


def main(inputs, page, summary, *, study, references):
    """
    Write the front page and the summary.

    Parameters
    ----------
    inputs : mapping of regions, granules, left_out, ledgers, checks, provenance, figures, pages and the results there
        are (region_change, repeat_pairs) to a path or a list of paths
    study : the study as plain values
    references : the BibTeX file
    """
    material = files.front_material(inputs)
    content = front.compose(study, references=reports.read_references(references), **material)
    with written(page) as part:
        part.write_text(reports.front_page(content, title=study["title"], simulated=material["simulated"]), "utf-8")
    with written(summary) as part:
        part.write_text(front.summary(study, content, page, material["simulated"]) + "\n", "utf-8")


if __name__ == "__main__":
    with job(snakemake):
        main(
            dict(snakemake.input.items()),
            snakemake.output.page,
            snakemake.output.summary,
            study=snakemake.params.study,
            references=snakemake.params.references,
        )
