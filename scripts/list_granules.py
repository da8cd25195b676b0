"""Write one chunk's share of a study's granules."""

import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from nunatak.runtime import job, written


def main(granules, out, *, chunk):
    """Rows of the granule table whose `chunk` is the one asked for, as CSV in the table's order."""
    table = pq.read_table(granules)
    with written(out) as part:
        csv.write_csv(table.filter(pc.equal(table["chunk"], chunk)), part)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.input.granules, snakemake.output.granules, chunk=snakemake.wildcards.chunk)
