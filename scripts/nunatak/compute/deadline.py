"""End a job when reading a granule takes too long, as on a disk that has failed."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nunatak.runtime import log

GRANULE_SECONDS = 2 * 3600  # a granule of 6 GB over a slow network takes less
_MORE = 60  # seconds later, if Python itself does not respond


@contextmanager
def deadline(label: str, seconds: float = GRANULE_SECONDS) -> Iterator[None]:
    """
    End the job with one line if the block takes longer than a granule can.

    A read that waits for a disk inside HDF5 cannot be cancelled from Python, and blocks every other reader of this
    process. So the process ends.

    Parameters
    ----------
    label : name of the work, for the message
    seconds : longest time. Default: two hours
    """
    timer = threading.Timer(seconds, _end, (label, seconds))
    timer.daemon = True
    timer.start()
    alone = threading.current_thread() is threading.main_thread()  # there is one of these for all threads
    if alone:  # the timer cannot run while a library holds the interpreter's lock: this ends the process then
        faulthandler.dump_traceback_later(seconds + _MORE, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        yield
    finally:
        timer.cancel()
        if alone:
            faulthandler.cancel_dump_traceback_later()


def each_in_time(granules: Iterator, label: str, seconds: int = GRANULE_SECONDS) -> Iterator[Any]:
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


def in_time(function: Callable, label: str, item: Mapping[str, Any]) -> Any:
    """Return function(item), which has the time of a granule: for workers of a scheduler, who read by themselves."""
    with deadline(label):
        return function(item)


def _end(label, seconds):
    """Log the reason and end the process."""
    log.error("%s: no granule came to its end within %g s; is its disk or network there?", label, seconds)
    for handler in log.handlers:
        handler.flush()
    os._exit(1)
