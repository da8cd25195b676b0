"""What a run says on the screen: one line per job as it starts, and what went wrong once more at the end."""

import logging
import re

from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

# the scheduler's own talk
CHATTER = (
    "Select jobs to execute",
    "Execute ",
    "Touching output file",
    "RuleException:\nCalledProcessError",
    "Activating conda environment",
    "Array job submission does not allow for multiple different wildcard combinations",
)
EVENTS = (LogEvent.JOB_FINISHED, LogEvent.RESOURCES_INFO)
FAILED = []
NAMES = {label: study.name for label, study in LOADED.items()}


def worth_showing(record):
    """Whether a message of Snakemake is for the person who watches; notes the logs of jobs that failed."""
    event, text = getattr(record, "event", None), str(record.msg)
    if text.startswith("LockException"):
        record.msg = (
            f"{os.getcwd()}: another run is making the same files here; wait until it has ended, "
            "or give this one a folder of its own: results=<folder>"
        )
    if asked := re.match(r"MissingRuleException:?\s+No rule to produce (.+?) \(if you use", text):
        record.msg = studies.explain_target(asked[1], NAMES, BROKEN, others=("all", "check_access"))
    if event == LogEvent.JOB_ERROR:
        FAILED.append(tuple(record.log))
        return not why(record.log)  # a script that failed has said why, in one line
    return event not in EVENTS and bool(text.strip()) and not text.startswith(CHATTER)


def why(logs):
    """Why a job failed, by the first of its logs that says so; what a cluster says of a job comes after its own."""
    return next(filter(None, map(reason, logs)), None)


def reason(path):
    """The last error line of a log; None where it has none."""
    lines = Path(path).read_text("utf-8").splitlines() if Path(path).is_file() else []
    found = (re.search(r" ERROR (.+)|slurmstepd\S* error: (.+)", line) for line in reversed(lines))
    return next((match[1] or f"{path}: {match[2]}" for match in found if match), None)


# another workflow that uses this one as a module has its own screen
if Path(workflow.basedir) == HERE:
    logger.addFilter(worth_showing)
    if workflow.is_main_process:
        for error in BROKEN.values():
            logger.warning(f"left out: {error}")

    onerror:
        told = [
            why(logs) or f"{logs[0]}: ends without a word; killed, or out of memory or disk?"
            for logs in FAILED
            if logs
        ]
        print("\nThe run stopped:", *dict.fromkeys(told), sep="\n  ", file=sys.stderr, flush=True)
