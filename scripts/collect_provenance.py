"""Write down what made the results: code, environment, configuration, granules with their checksums, results."""

from pathlib import Path

import pandas as pd

from nunatak.reports import provenance
from nunatak.results import reading
from nunatak.runtime import job, write_json


def main(inputs, out, *, study):
    """
    Write provenance.json.

    Parameters
    ----------
    inputs : mapping of granules, ledgers and `made`, every result, to a path or a list of paths; what was made lies
        below the folder of `out`
    study : the study as plain values
    """
    granules = pd.concat(reading.granule_tables(inputs["granules"]).values(), ignore_index=True)
    ledger = pd.concat(reading.ledger_tables(inputs["ledgers"]).values(), ignore_index=True)
    folder = Path(out).parent
    paths = [Path(path) for path in reading.listed(inputs["made"])]
    styles = [path.with_suffix(".qml") for path in paths if path.suffix == ".tif"]  # QGIS finds them beside the rasters
    made = {path.relative_to(folder).as_posix(): path for path in [*paths, *filter(Path.exists, styles)]}
    source = reading.source_of(reading.listed(inputs["granules"]))
    write_json(provenance.collect(study, granules=granules, ledger=ledger, results=made, source=source), out)


if __name__ == "__main__":
    with job(snakemake):
        main(dict(snakemake.input.items()), snakemake.output.provenance, study=snakemake.params.study)
