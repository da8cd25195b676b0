"""
Whatever goes wrong in a file becomes one line.

What the program or the user does stays what it is.
"""

import errno
import logging
import os
import subprocess
import sys
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from tests.builders.studies import write_atl06

from nunatak.archives import verify
from nunatak.archives.local import content
from nunatak.compute import deadline
from nunatak.files import remote
from nunatak.granules import ledger
from nunatak.products import GranuleError, atl06, hdf5, opened, stored
from nunatak.products import guarded as guard
from nunatak.products.guarded import guarded
from nunatak.reading.granules import each_granule
from nunatak.runtime import NunatakError, job

NAME = "ATL06_20190504033705_05480303_006_01.h5"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            KeyError("Unable to synchronously open object (bad checksum)"),
            "damaged: Unable to synchronously open object",
        ),
        (TypeError("no\nnumber"), "cannot be read (TypeError: no number)"),
        (MemoryError("Unable to allocate 9 TiB"), "needs more memory than this job has (MemoryError: Unable to"),
        (RecursionError("too deep"), "too deep"),
        (SystemError("Negative size"), "cannot be read (SystemError: Negative size)"),
        (ValueError("x" * 5000), "x .."),
    ],
)
def test_an_error_of_a_library_is_one_line_with_the_file(caplog, error, said):
    logging.getLogger("nunatak").propagate = True
    with caplog.at_level(logging.DEBUG, "nunatak"), pytest.raises(GranuleError) as told, guarded("a.h5"):
        raise error
    assert str(told.value).startswith("a.h5: ") and said in str(told.value)
    assert "\n" not in str(told.value) and len(str(told.value)) < 400
    assert caplog.records[0].exc_info[1] is error  # the traceback is in the log


@pytest.mark.parametrize(
    "error",
    [NunatakError("ours"), remote.NotReadable("network"), KeyboardInterrupt(), SystemExit(3), NameError("a slip")],
)
def test_what_is_not_the_files_fault_passes_as_it_is(error):
    with pytest.raises(type(error)) as told, guarded("a.h5"):
        raise error
    assert told.value is error


def flipped(path, seed):
    """A granule with one bit of its headers turned."""
    data, rng = bytearray(path.read_bytes()), np.random.default_rng(seed)
    data[rng.integers(len(data) // 2)] ^= 1 << rng.integers(8)
    path.write_bytes(data)


def present(*paths):
    return ledger([{"granule_id": p.stem, "path": str(p), "status": "present", "size_bytes": None} for p in paths])


@pytest.mark.parametrize("seed", range(12))
def test_one_bit_costs_no_other_granule(tmp_path, seed):
    """The index, the check of the fetch and the job all name the granule, and go on with the whole one."""
    good = write_atl06(tmp_path / NAME)
    bad = write_atl06(tmp_path / NAME.replace("_01.h5", "_02.h5"))
    flipped(bad, seed)
    assert content.describe(bad).status in ("granule", "broken", "unnamed", "other")
    granules = list(each_granule(present(good, bad), atl06.read_segments))
    assert granules[0].outcome["status"] == "present" and len(granules[0].table) == 300
    assert granules[1].outcome["status"] in ("present", "failed") and "\n" not in granules[1].outcome["reason"]
    row = present(good).assign(product="atl06", checksum=None, checksum_algorithm=None).iloc[0]
    assert verify.check(row, bad).status in ("present", "empty", "failed")


def test_work_that_fails_is_its_granules_failure(tmp_path):
    good = write_atl06(tmp_path / NAME)

    def work(table):
        raise ZeroDivisionError("no cell")

    (granule,) = each_granule(present(good), atl06.read_segments, work=work)
    assert granule.table is None and granule.outcome["status"] == "failed"
    assert granule.outcome["reason"] == "cannot be read (ZeroDivisionError: no cell)"


def test_a_granule_that_asks_for_too_much_fails_and_the_next_is_read(tmp_path):
    good, huge = write_atl06(tmp_path / NAME), write_atl06(tmp_path / NAME.replace("_01.h5", "_02.h5"))

    def read(path):
        return atl06.read_segments(path) if path == str(good) else np.empty(1 << 50)

    kept, failed = each_granule(present(good, huge), read)
    assert kept.outcome["status"] == "present" and len(kept.table) == 300
    assert failed.outcome["status"] == "failed"
    assert failed.outcome["reason"].startswith("needs more memory than this job has (MemoryError: Unable to allocate")


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOMEM, "Cannot allocate memory")])
def test_a_process_without_memory_ends_in_place_of_its_granules(tmp_path, monkeypatch, error):
    """As under a limit that is reached: no granule would be read any more."""

    def read(path):
        raise error

    good = write_atl06(tmp_path / NAME)
    assert [g.outcome["status"] for g in each_granule(present(good), read)] == ["failed"]
    monkeypatch.setattr(guard, "_PROBE", 1 << 60)
    with pytest.raises(SystemExit) as ended, job(SimpleNamespace(rule="read", log=[str(tmp_path / "log")])):
        list(each_granule(present(good), read))
    assert str(ended.value.code).startswith("read: out of memory (MemoryError); run fewer jobs at once")


def test_a_block_beyond_the_memory_of_the_machine_is_refused_before_it_is_taken(tmp_path, monkeypatch):
    path = write_atl06(tmp_path / NAME)
    monkeypatch.setattr(stored, "memory", lambda: 50 * 8 - 1)
    with pytest.raises(
        GranuleError, match=r"latitude: needs 0.0 GB of memory, this machine has 0.0 GB; name a smaller"
    ):
        atl06.read_segments(path)


def test_a_broken_header_names_its_dataset(tmp_path):
    """h5py makes a KeyError of it, as of a name that is not there."""
    path = tmp_path / NAME
    with h5py.File(path, "w", libver="latest") as file:
        file["a/b"] = np.arange(5.0)
        where = h5py.h5o.get_info(file["a/b"].id).addr
    data = bytearray(path.read_bytes())
    data[where + 12] ^= 1
    path.write_bytes(data)
    said = r"01\.h5: a/b: damaged: .*; remove it and fetch it again$"
    with pytest.raises(GranuleError, match=said), hdf5.open_granule(path) as file:
        hdf5.read(file, "a/b")


@pytest.mark.parametrize("what", ["pipe", "device"])
def test_a_pipe_or_a_device_is_refused_before_it_is_opened(tmp_path, what):
    path = tmp_path / NAME
    os.mkfifo(path) if what == "pipe" else path.symlink_to("/dev/zero")
    assert content.describe(path).reason.startswith("is a pipe or a device")
    with pytest.raises(GranuleError, match="is a pipe or a device, not a file"):
        atl06.read_segments(path)


def test_a_disk_that_does_not_answer_is_refused(tmp_path, monkeypatch):
    """As of a network folder that is gone."""
    import threading

    path, never = write_atl06(tmp_path / NAME), threading.Event()
    monkeypatch.setattr(opened, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(opened, "_first_bytes", lambda path: never.wait())
    with pytest.raises(GranuleError, match=r"01\.h5: its disk gave no answer within 0.05 s; mount it again"):
        atl06.read_segments(path)
    never.set()


def in_own_process(code, log, *arguments):
    """
    Return the exit status of code in a new process, which logs to a file.

    A fork would lack the threads of pools.
    """
    begin = f"import logging, os, sys; logging.getLogger('nunatak').addHandler(logging.FileHandler({str(log)!r}))\n"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", begin + code, *map(str, arguments)]
    return subprocess.run(command, env=environment, timeout=300, check=False).returncode


ENDLESS = """
from nunatak.compute import deadline
with deadline.deadline("reading granules", 0.1):
    os.read(os.pipe()[0], 1)
"""
ENDLESS_GRANULE = """
from nunatak.compute import deadline
from nunatak.granules import ledger
from nunatak.reading.granules import each_granule

def read(path):
    os.read(os.pipe()[0], 1)

deadline.deadline.__wrapped__.__defaults__ = (0.1,)
deadline.each_in_time.__defaults__ = (0.1,)
name, path, scheduler = sys.argv[1:]
row = {"granule_id": name, "path": path, "status": "present", "size_bytes": None}
list(each_granule(ledger([row]), read, scheduler=scheduler or None))
"""


def test_a_granule_without_end_ends_the_job_with_a_line(tmp_path):
    """In a process of its own, which is what ends."""
    assert in_own_process(ENDLESS, tmp_path / "log") == 1
    assert "reading granules: no granule came to its end within 0.1 s" in (tmp_path / "log").read_text()


def test_what_ends_in_time_is_left_alone():
    with deadline.deadline("reading granules", 60):
        pass
    assert list(deadline.each_in_time(iter([None, 1]), "reading granules")) == [None, 1]


@pytest.mark.parametrize("scheduler", ["", "threads"])
def test_every_way_of_reading_granules_has_an_end(tmp_path, scheduler):
    """Also where Dask reads them."""
    path = write_atl06(tmp_path / NAME)
    assert in_own_process(ENDLESS_GRANULE, tmp_path / "log", path.stem, path, scheduler) == 1
    assert "no granule came to its end within 0.1 s" in (tmp_path / "log").read_text()
