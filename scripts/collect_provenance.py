"""Write down what made the results: code, environment, configuration, granules with their checksums, results."""

import pandas as pd

from nunatak import results
from nunatak.reports import provenance
from nunatak.runtime import job, write_json

RESULTS = (
    "change",
    "region_change",
    "change_by_elevation",
    "transects",
    "surface",
    "repeat_pairs",
    "checks",
    "figures",
)


def main(inputs, out, *, study):
    """
    Write provenance.json.

    Parameters
    ----------
    inputs : mapping of granules, ledgers and the results there are to a path or a list of paths
    study : the study as plain values
    """
    granules = pd.concat(results.granule_tables(inputs["granules"]).values(), ignore_index=True)
    ledger = pd.concat(results.ledger_tables(inputs["ledgers"]).values(), ignore_index=True)
    made = results.flat({name: inputs[name] for name in RESULTS if name in inputs})
    hashed = {f"{path.parent.name}/{path.name}": path for path in made}
    source = results.source_of(results.listed(inputs["granules"]) + made)
    write_json(provenance.collect(study, granules=granules, ledger=ledger, results=hashed, source=source), out)


if __name__ == "__main__":
    with job(snakemake):
        main(dict(snakemake.input.items()), snakemake.output.provenance, study=snakemake.params.study)
