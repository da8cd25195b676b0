"""End a study: with its summary, and with an error when checks failed and the study does not merely want a warning."""

from pathlib import Path

from nunatak.runtime import NunatakError, job, read_json, say


def main(checks, report, summary, *, policy):
    """Print the summary; raise with the names of the checks that failed, unless `policy` is "warn"."""
    say(Path(summary).read_text("utf-8").rstrip())
    failed = [check["name"] for check in read_json(checks)["checks"] if not check["passed"]]
    if not failed:
        return
    message = f"{checks}: {len(failed)} checks failed: {', '.join(failed)}; see {report}"
    if policy == "fail":
        raise NunatakError(f"{message}, or set checks: warn in the study")
    say(message)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.checks,
            snakemake.input.report,
            snakemake.input.summary,
            policy=snakemake.params.checks,
        )
