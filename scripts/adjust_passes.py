"""The error that each pass shares, from its crossovers with all others."""

import pandas as pd

from nunatak import elevation
from nunatak.files.tables import joined_releases, read_table, write_csv
from nunatak.parameters.choices import read_choices
from nunatak.parameters.tracks import PassAdjustment
from nunatak.runtime import job, log, stamp


def main(crossovers, out, *, settings, study):
    """
    Write pass_biases.csv: product, rgt, cycle, bias and bias_sigma (m), n_crossovers, part, n_other_release.

    Parameters
    ----------
    crossovers : crossovers.parquet
    settings : parameters.tracks.PassAdjustment
    """
    table = read_table(crossovers)
    attributes = table.attrs["attributes"]
    found = [
        elevation.pass_biases(rows, options=settings).assign(product=product)
        for product, rows in table.groupby("product", observed=True)
    ]
    biases = pd.concat(found or [elevation.pass_biases(table, options=settings).assign(product="")], ignore_index=True)
    log.info("%d passes in %d connected parts", len(biases), len(biases.drop_duplicates(["product", "part"])))
    about = stamp(study=study, source=attributes["nunatak_source"], inputs=[crossovers], parameters=settings)
    about |= joined_releases([attributes]) | {k: v for k, v in attributes.items() if k.startswith("version_")}
    columns = ["product", "rgt", "cycle", "bias", "bias_sigma", "n_crossovers", "part", "n_other_release"]
    columns = [name for name in columns if name in biases]
    write_csv(biases[columns], out, attributes=about, units={"bias": "m", "bias_sigma": "m"})


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.crossovers,
            snakemake.output.biases,
            settings=read_choices(PassAdjustment, snakemake.params.settings),
            study=snakemake.wildcards.study,
        )
