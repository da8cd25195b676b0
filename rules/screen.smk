"""What a run says on the screen: one line per job as it starts, and what went wrong once more at the end."""

import logging

from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

# the scheduler's own talk; a failed script has said why itself, in one line
CHATTER = ("Select jobs to execute", "Execute ", "Touching output file", "RuleException:\nCalledProcessError")
EVENTS = (LogEvent.JOB_FINISHED, LogEvent.RESOURCES_INFO)
FAILED = []


def worth_showing(record):
    """Whether a message of Snakemake is for the person who watches; notes the logs of jobs that failed."""
    event = getattr(record, "event", None)
    if event == LogEvent.JOB_ERROR:
        FAILED.extend(record.log)
    text = str(record.msg)
    return event not in EVENTS and bool(text.strip()) and not text.startswith(CHATTER)


def reasons(logs):
    """The last error line of each log."""
    for path in map(Path, logs):
        lines = path.read_text("utf-8").splitlines() if path.is_file() else []
        errors = [line.split(" ERROR ", 1)[1] for line in lines if " ERROR " in line]
        yield errors[-1] if errors else f"see {path}"


# another workflow that uses this one as a module has its own screen
if Path(workflow.basedir) == HERE:
    logger.addFilter(worth_showing)

    onerror:
        print("\nThe run stopped:", *reasons(dict.fromkeys(FAILED)), sep="\n  ", file=sys.stderr, flush=True)
