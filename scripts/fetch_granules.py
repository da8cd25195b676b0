"""Bring the granules of one chunk here, check each, and write what came of every one."""

from nunatak.archives.archive import source_of
from nunatak.archives.opening import open_archive
from nunatak.files.tables import write_table
from nunatak.granules.lists import check_failures, read_list
from nunatak.runtime import job, log, stamp


def main(granules, out, *, archive, study, folder=None, connections=None):
    """
    Write the ledger of a chunk's granules, one row for each.

    Parameters
    ----------
    granules : CSV list of the chunk
    archive : mapping with `name` and what `open_archive` needs of it
    folder : where an archive that copies puts its copies
    connections : files under way at one time, where they come over the network
    """
    asked = read_list(granules)
    limits = {"connections": {"nsidc": connections}} if connections else {}
    ledger = open_archive(archive["name"], {**archive, **limits}).fetch(asked, folder)
    log.info("%s", ", ".join(f"{count} {status}" for status, count in check_failures(ledger, None).items()))
    source = source_of(asked, archive["name"])
    write_table(ledger, out, attributes=stamp(study=study, source=source, inputs=[granules]))


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.granules,
            snakemake.output.ledger,
            archive=snakemake.params.archive,
            study=snakemake.wildcards.study,
            connections=snakemake.resources.earthdata_connections or snakemake.resources.itslive_connections,
        )
