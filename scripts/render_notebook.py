"""Execute a notebook on a study's results and render it as one page."""

from pathlib import Path

from nunatak.constants import SIMULATED
from nunatak.reports import notebook
from nunatak.results import reading
from nunatak.runtime import job


def main(template, inputs, out, *, study, references, executed=None):
    """
    Run the notebook with papermill and write its page.

    Parameters
    ----------
    template : the notebook, with a cell tagged `parameters`
    inputs : mapping of the results there are to a path or a list of paths
    study : the study as plain values
    references : the BibTeX file
    executed : file for the notebook with its outputs; None writes none
    """
    paths = {name: [str(Path(p).resolve()) for p in reading.listed(value)] for name, value in inputs.items()}
    simulated = reading.source_of(reading.flat(inputs)) == SIMULATED
    notebook.render(
        template,
        out,
        parameters={"inputs": paths, "study": study, "references": str(Path(references).resolve())},
        title=study["title"],
        simulated=simulated,
        executed=executed,
    )


if __name__ == "__main__":
    with job(snakemake):
        inputs = {name: value for name, value in snakemake.input.items() if name != "notebook"}
        main(
            snakemake.input.notebook,
            inputs,
            snakemake.output.page,
            executed=snakemake.output.notebook,
            study=snakemake.params.study,
            references=snakemake.params.references,
        )
