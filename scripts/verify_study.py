"""Hold a study's granules and results against what was written down of them, and against a published result."""

from pathlib import Path

import pandas as pd

from nunatak.archives.transfer import integrity
from nunatak.reports import verification
from nunatak.results import reading
from nunatak.runtime import NunatakError, job, log, say


def main(folder, *, study, published=None):
    """
    Read every granule and every result again, and say what differs.

    Parameters
    ----------
    folder : the study's results
    study : its name, for messages
    published : folder or bundle of results to compare with; None compares with none

    Raises
    ------
    NunatakError : a granule or a result is not what it was, or the results are not the published ones
    """
    folder = Path(folder)
    provenance = verification.stated(folder)
    now = verification.hashes_now(folder, provenance)
    faults = granule_faults(folder) + verification.altered(provenance, now)
    for line in faults:
        say(f"  {line}")
    if faults:
        raise NunatakError(
            f"{study}: {len(faults)} granules or results are not as they were ({faults[0]}); "
            "bring them back, or remove them and run the study again"
        )
    say(f"{study}: {len(provenance['granules'])} granules and {len(now)} results are as the provenance says")
    if published is not None:
        with verification.opened(published) as theirs:
            _compare(folder, provenance, now, theirs, study)


def granule_faults(folder):
    """Find what is wrong with granules that are here, read again in full."""
    faults = []
    for table in sorted(Path(folder).glob("*/granules.parquet")):
        ledgers = sorted(table.parent.glob("ledger/*.parquet"))
        if not ledgers:
            continue  # a service read them
        granules = reading.granule_tables([table])[table.parent.name]
        ledger = pd.concat([part for part in reading.ledger_tables(ledgers).values()])
        again = integrity.recheck(granules, ledger[ledger["granule_id"].isin(granules["granule_id"])])
        faults += [f"{row.granule_id}: {row.reason}" for row in again[~again["same"]].itertuples()]
    return faults


def _compare(folder, provenance, now, theirs, study):
    published = verification.stated(theirs)
    for key in verification.other_settings(provenance, published):
        say(f"  {key}: the study asks for something else than the published one")
    for line in verification.other_granules(provenance, published):
        say(f"  {line}")
    fates = verification.compare(folder, now, theirs)
    for fate in fates:
        (log.info if fate.verdict == verification.SAME else say)(f"  {fate.line}")
    held, words = verification.verdict(fates)
    if not held:
        raise NunatakError(f"{study}: not the published results; {words}")
    say(f"{study}: verified against the published results; {words}")


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.params.folder, study=snakemake.params.study, published=snakemake.params.published)
