"""End a study: with its summary, and with an error when it found nothing, or when checks failed and that is one."""

from pathlib import Path

from nunatak.archives.whereabouts import whereabouts
from nunatak.checks.study import FOUND
from nunatak.granules import present
from nunatak.reports import gallery
from nunatak.results import reading
from nunatak.runtime import NunatakError, job, read_json, say


def main(checks, report, summary, granules, ledgers, *, policy, makes, possible):
    """
    Print the summary.

    Raises where the study has no result, or with the names of the checks that failed.

    The gallery of all studies is written anew.

    Files that the study made before its file was changed, and makes no more, are moved out of its folder.

    Parameters
    ----------
    makes, possible : what the study makes and what studies make, as `reading.obsolete` takes them
    granules, ledgers : tables of every product: what was found, and what came of each
    policy : "fail", or "warn" for checks that fail; a study without a result is an error under both
    """
    tidy(Path(report).parent, makes, possible)
    say(Path(summary).read_text("utf-8").rstrip())
    gallery.write_gallery(Path(report).parent.parent)
    failed = [check["name"] for check in read_json(checks)["checks"] if check["status"] == "failed"]
    reason = nothing(reading.granule_tables(granules), reading.ledger_tables(ledgers), FOUND in failed)
    if reason:
        raise NunatakError(f"{report}: the study has no result: {reason}")
    if not failed:
        return
    message = f"{checks}: {len(failed)} checks failed: {', '.join(failed)}; see {report}"
    if policy == "fail":
        raise NunatakError(f"{message}, or set checks: warn in the study")
    say(message)


def tidy(folder, makes, possible):
    """Move what the study no longer makes out of its folder, and say so in one line."""
    old = reading.obsolete(folder, makes, **possible)
    if old:
        aside = reading.set_aside(folder, old)
        more = f" and {len(old) - 3} more" if len(old) > 3 else ""
        say(f"the study no longer makes {', '.join(old[:3])}{more}: moved to {aside}")


def nothing(granules, ledgers, no_value):
    """
    Say why a study has no result, with where and when its granules lie. Empty for a study that has one.

    Products without a granule in the region and the period are told, also where another one has some.

    Parameters
    ----------
    granules, ledgers : mapping of product to table
    no_value : whether the results hold no value although granules were read
    """
    lacking = {}
    for product, table in granules.items():
        ledger = ledgers[product]
        if present(ledger).empty:
            counts = ", ".join(f"{n} {status}" for status, n in ledger["status"].value_counts().items())
            lacking[product] = f"{product}: {counts or 'no granule'}; they lie at {whereabouts(table)}"
            say(f"nothing in the region and the period of {lacking[product]}")
    if len(lacking) == len(granules):
        return f"{'; '.join(lacking.values())}: move or widen region and period"
    if no_value:
        there = "; ".join(f"{product} at {whereabouts(table)}" for product, table in granules.items())
        return f"no value is left in the region, the period and the filters; granules lie: {there}"
    return ""


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.checks,
            snakemake.input.report,
            snakemake.input.summary,
            snakemake.input.granules,
            snakemake.input.ledgers,
            policy=snakemake.params.checks,
            makes=snakemake.params.makes,
            possible=snakemake.params.possible,
        )
