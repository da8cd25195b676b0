"""What a run says on the screen: one line per job as it starts, and what went wrong once more at the end."""

import logging
import re
import threading

from nunatak import endings
from nunatak.compute.environment import explain_exit
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
# how Snakemake tells of a script that failed: the command, the script in it, and how it ended
ENDED = re.compile(
    r"Command '(.*\.(\w+)\.py'?)' (?:returned non-zero exit status (\d+)|died with <Signals\.\w+: (\d+)>)"
)
ENDINGS = {}
FAILED = []
STOPPED = []
NAMES = {label: study.name for label, study in LOADED.items()}


def worth_showing(record):
    """Whether a message of Snakemake is for the person who watches; notes the logs of jobs that failed."""
    event, text = getattr(record, "event", None), str(record.msg)
    if text.startswith("LockException"):
        record.msg = (
            f"{os.getcwd()}: another run is making the same files here; wait until it has ended, "
            "or give this one a folder of its own: results=<folder>"
        )
    if asked := re.match(r"MissingRuleException:?\s+No rule\s+to produce (.+?) \(if you use", text):
        # what --forcerun names is looked up as a target, too
        record.msg = studies.explain_target(asked[1], NAMES, BROKEN, others=[rule.name for rule in workflow.rules])
    if stopped := endings.stop_of_run(text):
        STOPPED.append(stopped)
        return len(STOPPED) == 1  # Snakemake says it again for each job that is still to end
    if fault := endings.fault_of_run(text):
        FAILED.append(fault)
        record.msg = fault
    if ended := ENDED.search(text):
        command, script, code, signal = ended.groups()
        ENDINGS[script] = (int(code) if code else -int(signal), command)
    if event == LogEvent.JOB_ERROR:
        told = why(record.rule_name, record.log)
        FAILED.append(told or f"{(*record.log, record.rule_name)[0]}: ends without a word")
        return not told and not STOPPED  # a script that failed has said why, in one line
    return event not in EVENTS and bool(text.strip()) and not text.startswith(CHATTER)


def why(name, logs):
    """
    Why a job failed, by the first of its logs that says so, else by how it ended; None where neither is known.

    What a cluster says of a job comes after its own log. The log of a job that was not started is an older one.
    """
    status, command = ENDINGS.get(Path(workflow.get_rule(name).script or "").stem, (None, ""))
    if status in (126, 127):
        return f"{name}: {explain_exit(status, command)}"
    said = next(filter(None, map(reason, logs)), None)
    return said or (status is not None and f"{name}: {explain_exit(status, command)}") or None


def reason(path):
    """The last error line of a log; None where it has none."""
    lines = Path(path).read_text("utf-8").splitlines() if Path(path).is_file() else []
    found = (re.search(r" ERROR (.+)|slurmstepd\S* error: (.+)", line) for line in reversed(lines))
    return next((match[1] or f"{path}: {match[2]}" for match in found if match), None)


# another workflow that uses this one as a module has its own screen
if Path(workflow.basedir) == HERE:
    logger.addFilter(worth_showing)
    if workflow.is_main_process:
        # Snakemake's own threads, which watch the clock of jobs, lack memory first
        threading.excepthook = lambda said: (
            None if endings.lacks_memory(said.exc_value) else threading.__excepthook__(said)
        )
        for error in BROKEN.values():
            logger.warning(f"left out: {error}")

    onerror:
        said = STOPPED[:1] or dict.fromkeys(FAILED) or ["no reason was given; the lines above have it"]
        print("\nThe run stopped:", *said, sep="\n  ", file=sys.stderr, flush=True)
