"""How jobs and runs end that were told to, or for want of memory or of a place to write, in words."""

from __future__ import annotations

import errno
import logging
import os
import re
import resource
import signal
import sys
import threading
from contextlib import contextmanager

INTERRUPTED = "stopped by Ctrl-C"
TERMINATED = "stopped by SIGTERM, which kill sends and a cluster whose time is over"
_REFUSALS = {
    errno.EROFS: "is on a read-only file system",
    errno.EACCES: "may not be written",
    errno.EPERM: "may not be written",
    errno.ENOSPC: "is on a full disk",
    errno.EDQUOT: "is beyond your quota",
}


class Terminated(BaseException):
    """SIGTERM came."""


@contextmanager
def listening(log):
    """
    Let SIGTERM end a job as an error does, and tell what goes wrong while it is cleaned up to its log alone.

    Of a full disk h5py complains once more for each open dataset, and logging of a log that cannot be written.
    """

    def end(number, frame):
        raise Terminated

    def passed_over(what):
        log.debug("passed over: %s: %s", type(what.exc_value).__name__, what.exc_value)

    alone = threading.current_thread() is threading.main_thread()
    before = sys.unraisablehook, logging.raiseExceptions, signal.signal(signal.SIGTERM, end) if alone else None
    sys.unraisablehook, logging.raiseExceptions = passed_over, False
    try:
        yield
    finally:
        sys.unraisablehook, logging.raiseExceptions = before[:2]
        if alone:
            signal.signal(signal.SIGTERM, before[2] or signal.SIG_DFL)


def leave(said, code):
    """
    End a job that failed: its line on the screen, and its exit code.

    The process of a script ends at once. Files that a full disk left open in it would be closed on the way out, which
    HDF5 refuses with a traceback for each dataset, and now and then with a crash.

    Parameters
    ----------
    said : the line; empty for none
    code : exit code
    """
    if not hasattr(sys.modules["__main__"], "snakemake"):
        sys.exit(said or code)
    if said:
        print(said, file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def told_to_stop(error):
    """Return the words and the exit code of a job that Ctrl-C or SIGTERM ended."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, 128 + signal.SIGINT
    return TERMINATED, 128 + signal.SIGTERM


def no_place(error):
    """
    Return the number of the operating system's reason why a file cannot be written, None where an error tells none.

    HDF5 names a full disk and a quota in the text of a RuntimeError.

    Parameters
    ----------
    error : OSError or RuntimeError

    Examples
    --------
    >>> no_place(RuntimeError("Can't close file (error message = 'Disk quota exceeded')")) == errno.EDQUOT
    True
    """
    if getattr(error, "errno", None):
        return error.errno
    return next((number for number in (errno.ENOSPC, errno.EDQUOT) if os.strerror(number) in str(error)), None)


def lacks_memory(error):
    """
    Tell whether an error, or one that led to it, means that memory was refused.

    Parameters
    ----------
    error : BaseException

    Examples
    --------
    >>> lacks_memory(MemoryError()), lacks_memory(OSError(errno.ENOMEM, "x")), lacks_memory(OSError(errno.ENOENT, "x"))
    (True, True, False)
    """
    limited = resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        said = str(error)
        refused = isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM
        # a library that does not fit into the limit is said not to be found
        library = limited and ("shared object" in said or "failed to map" in said)
        if refused or library or "annot allocate memory" in said or "can't start new thread" in said:
            return True
        error = error.__cause__ or error.__context__
    return False


def out_of_memory(rule, kind):
    """Return what a job says that got no memory: the error's name and the remedies."""
    return (
        f"out of memory ({kind}); run fewer jobs at once (--cores 1), lift a limit (ulimit -v), or on a cluster give "
        f"it more: --set-resources {rule}:mem_mb=8000"
    )


def stop_of_run(text):
    """
    Return what stopped a run, from a message of Snakemake, or None for any other message.

    >>> stop_of_run("Terminating processes on user request, this might take some time.")
    'stopped by Ctrl-C; nothing is left half-written: run it again to go on'
    """
    for begins, what in (
        ("Terminating processes on user request", INTERRUPTED),
        ("Will exit after finishing currently running jobs", TERMINATED),
    ):
        if text.startswith(begins):
            return f"{what}; nothing is left half-written: run it again to go on"
    return None


def fault_of_run(text):
    """
    Return why a run cannot go on, from a message of Snakemake, or None for any other message.

    The reasons are no place to write, files that are gone and no memory.

    Parameters
    ----------
    text : str, a message of Snakemake

    Examples
    --------
    >>> fault_of_run("OSError: [Errno 30] Read-only file system: 'results/a'")
    'results/a: is on a read-only file system; free or name another folder: results=<folder>'
    """
    written = re.search(r"(?:OSError|PermissionError).*?\[Errno (\d+)\][^']*'([^']+)'", text, re.DOTALL)
    if written and int(written[1]) in _REFUSALS:
        return f"{written[2]}: {_REFUSALS[int(written[1])]}; free or name another folder: results=<folder>"
    if "missing files" in text.lower() or text.startswith("MissingOutputException"):
        gone = re.findall(r"^\s*(\S+?)(?: \(missing locally.*)?$", text, re.MULTILINE)
        named = next((path for path in gone if "/" in path), "a file")
        return (
            f"{named}: is gone after its job made it: results were removed or moved while the run went on; run it again"
        )
    if "can't start new thread" in text or "MemoryError" in text or "annot allocate memory" in text:
        return "out of memory; run fewer jobs at once (--cores 1) or lift a limit (ulimit -v)"
    return None
