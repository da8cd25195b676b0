"""End a study: with an error when checks failed and the study does not merely want to be warned."""

from pathlib import Path

from nunatak.runtime import NunatakError, job, log, read_json


def main(checks, report, *, policy):
    """Raise with the names of the checks that failed, unless `policy` is "warn"."""
    failed = [check for check in read_json(checks)["checks"] if not check["passed"]]
    if not failed:
        return
    names = ", ".join(check["name"] for check in failed)
    message = f"{Path(checks)}: {len(failed)} checks failed: {names}; see {report}, or set checks: warn in the study"
    if policy == "fail":
        raise NunatakError(message)
    log.warning("%s", message)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.input.checks, snakemake.input.report, policy=snakemake.params.checks)
