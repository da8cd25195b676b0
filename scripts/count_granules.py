"""Count what was found, used and missing of a product, and stop when more granules failed than the study allows."""

from nunatak.files.tables import read_table
from nunatak.granules.lists import check_failures
from nunatak.runtime import NunatakError, job, log, written


def main(granules, ledgers, out, *, max_failed):
    """
    Write how many granules came to which end and why, one row per status and reason.

    Raises
    ------
    NunatakError : too many failed, or a granule that was found is in no ledger
    """
    found = read_table(granules, columns=["granule_id", "chunk"])
    rows = read_table(ledgers)
    lost = found[~found["granule_id"].isin(rows["granule_id"])]
    if len(lost):
        first = lost.iloc[0]
        raise NunatakError(
            f"{granules}: {len(lost)} of {len(found)} granules are in no ledger, first {first.granule_id} of chunk "
            f"{first.chunk}; widen the study's period to hold that chunk, or leave its cycle out"
        )
    counts = rows.assign(reason=rows["reason"].fillna("")).groupby(["status", "reason"], as_index=False).size()
    with written(out) as part:
        counts.rename(columns={"size": "granules"}).to_csv(part, index=False)
    log.info("%s", check_failures(rows, max_failed))


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.granules,
            snakemake.input.ledger,
            snakemake.output.counts,
            max_failed=snakemake.params.max_failed,
        )
