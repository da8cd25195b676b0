"""A clear end for the reading of a granule that never comes to one, as on a disk that has gone."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from contextlib import contextmanager

from nunatak.runtime import log

GRANULE_SECONDS = 2 * 3600  # a granule of 6 GB over a slow network takes less
_MORE = 60  # seconds later, where not even Python answers


@contextmanager
def deadline(label, seconds=GRANULE_SECONDS):
    """
    End the job with one line where the block takes longer than a granule can.

    What waits for a disk inside HDF5 cannot be called back from Python, and holds up every other reader of this
    process: the process ends.

    Parameters
    ----------
    label : what is done, for the line
    seconds : until the end. Default: two hours
    """
    timer = threading.Timer(seconds, _end, (label, seconds))
    timer.daemon = True
    timer.start()
    alone = threading.current_thread() is threading.main_thread()  # there is one of these for all threads
    if alone:  # for a library that holds the interpreter's lock while it waits, the timer's line never comes
        faulthandler.dump_traceback_later(seconds + _MORE, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        yield
    finally:
        timer.cancel()
        if alone:
            faulthandler.cancel_dump_traceback_later()


def each_in_time(granules, label, seconds=GRANULE_SECONDS):
    """
    Yield what is read of granules one by one, none waited for longer than a granule can take.

    Parameters
    ----------
    granules : iterable
    label, seconds : as of `deadline`
    """
    granules, end = iter(granules), object()
    while True:
        with deadline(label, seconds):
            granule = next(granules, end)
        if granule is end:
            return
        yield granule


def in_time(function, label, item):
    """Return function(item), which has the time of a granule: for workers of a scheduler, who read by themselves."""
    with deadline(label):
        return function(item)


def _end(label, seconds):
    log.error("%s: no granule came to its end within %g s; is its disk or network there?", label, seconds)
    for handler in log.handlers:
        handler.flush()
    os._exit(1)
