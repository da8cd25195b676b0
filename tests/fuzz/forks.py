"""Mutated files read in a child process, each with a limit of time and of memory."""

from __future__ import annotations

import logging
import os
import pickle
import resource
import signal
import struct
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.reads import Warnings, difference
from tests.fuzz.seeds import copied

from nunatak.runtime import NunatakError

SECONDS = 20  # of work on one file; a seed takes less than one
WAITED = 180  # seconds by the clock, for what waits without work; a busy machine alone makes 20 of one
ADDRESS_BYTES = 3 << 30  # beside what the process holds when it begins
GROWTH_BYTES = 1 << 30  # of memory held, from which on a file has taken too much
_TIMERS = (signal.SIGALRM, signal.SIGPROF)
BAD = ("silent", "exception", "memory", "hang", "crash")
WORDS = ("same", "refused", "told", "no rows", *BAD)


class Outcome(NamedTuple):
    """What became of one mutated file."""

    name: str
    verdict: str
    """one of WORDS, or "not made" """
    reason: str
    seconds: float


def outcomes(reader, cases, folder) -> Iterator[Outcome]:
    """
    Read mutated copies of a reader's seed, one after the other in a child process.

    Where a copy ends the child, the next child goes on.

    Parameters
    ----------
    reader : reads.Reader
    cases : list of mutations.Case
    folder : for the copies
    """
    base = _tables(reader, copied(reader.seed, folder))
    at = 0
    while at < len(cases):
        for outcome in _batch(reader, cases[at:], folder, base):
            at += 1
            yield outcome


def _batch(reader, cases, folder, base):
    """Outcomes of the cases up to the one that ends the child, included."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _work(reader, cases, folder, base, write)
    os.close(write)
    done = 0
    with os.fdopen(read, "rb") as stream:
        while len(head := stream.read(4)) == 4:
            yield pickle.loads(stream.read(struct.unpack("i", head)[0]))
            done += 1
    status = os.waitpid(child, 0)[1]
    if done < len(cases):
        word = "hang" if os.WIFSIGNALED(status) and os.WTERMSIG(status) in _TIMERS else "crash"
        yield Outcome(cases[done].name, word, f"the child ended with {status}", SECONDS)


def _work(reader, cases, folder, base, write):
    try:
        warnings.simplefilter("ignore")
        logging.getLogger("nunatak").propagate = False
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 2)
        limit = _status("VmSize") + ADDRESS_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for case in cases:
            _limit_time(SECONDS, WAITED)
            said = pickle.dumps(_outcome(reader, case, folder, base))
            _limit_time(0, 0)
            os.write(write, struct.pack("i", len(said)) + said)
    finally:
        os._exit(0)


def _limit_time(worked, waited):
    signal.setitimer(signal.ITIMER_PROF, worked)
    signal.setitimer(signal.ITIMER_REAL, waited)


def _status(field):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) << 10


def _tables(reader, path):
    return {stage: act(path) for stage, act in reader.stages(path).items()}


def _outcome(reader, case, folder, base):
    path, begin, held = copied(reader.seed, folder), time.monotonic(), _status("VmHWM")
    os.mkfifo(folder / "pipe")
    try:
        case.spoil(path)
    except Exception as error:  # noqa: BLE001  not every dataset takes every mutation
        return Outcome(case.name, "not made", f"{type(error).__name__}: {error}"[:200], 0.0)
    words, reasons = [], []
    for stage, act in reader.stages(path).items():
        heard = Warnings()
        logging.getLogger("nunatak").addHandler(heard)
        try:
            word, reason = _verdict(*act(path), heard.said, base[stage])
        except NunatakError as error:
            word, reason = ("memory" if "MemoryError" in str(error) else "refused"), str(error)
        except MemoryError as error:
            word, reason = "memory", str(error)
        except Exception as error:  # noqa: BLE001  what is counted
            trace = traceback.extract_tb(error.__traceback__)[-1]
            word = "exception"
            reason = f"{type(error).__name__}: {error} at {Path(trace.filename).name}:{trace.lineno}"
        finally:
            logging.getLogger("nunatak").removeHandler(heard)
        words.append(word)
        reasons.append(f"{stage}: {reason}")
    word = max(words, key=_WORST.index)
    if (words[-1] == "same" and word == "refused") or (
        words[-1] in ("silent", "told", "no rows") and "refused" in words
    ):  # the index or the fetch has told already
        word = "refused"
    if word not in ("exception", "hang") and _status("VmHWM") - held > GROWTH_BYTES:
        word = "memory"
    shown = next((r for w, r in zip(words, reasons, strict=True) if w == word), reasons[-1])
    return Outcome(case.name, word, shown.replace(str(folder), "")[:400], time.monotonic() - begin)


_WORST = ("same", "told", "no rows", "silent", "refused", "memory", "exception")


def _verdict(status, reason, tables, heard, base):
    """One word for a stage, and what it says."""
    _, reason_before, tables_before = base
    if "MemoryError" in reason:
        return "memory", reason
    if status == "failed":
        return "refused", reason
    differs = difference(tables_before, tables)
    new = reason != reason_before or bool(heard)
    if not differs:
        return "same", reason
    if status in ("outside", "empty", "filter", "duplicate"):
        return "no rows", reason
    return ("told" if new else "silent"), f"{differs} | {reason} {' '.join(heard)}"
