"""Jobs and runs that are told to stop, or find no memory or no place to write, say so in one line."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from nunatak import endings, runtime
from nunatak.files.rasters import write_netcdf, write_netcdf_groups

SCRIPTS = Path(endings.__file__).parents[1]
SLEEPER = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from nunatak.runtime import job, written
snakemake = SimpleNamespace(rule="wait", log=[sys.argv[1]])
with job(snakemake), written(Path(sys.argv[2])) as part:
    part.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def of_a_rule(tmp_path):
    return SimpleNamespace(rule="make", log=[str(tmp_path / "make.log")])


@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGINT, "stopped by Ctrl-C"), (signal.SIGTERM, "stopped by SIGTERM")]
)
def test_a_job_that_is_told_to_stop_notes_it_and_leaves_nothing_half_written(tmp_path, number, said):
    command = [sys.executable, "-c", SLEEPER, str(tmp_path / "a.log"), str(tmp_path / "out.txt")]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # a run in the background ignores Ctrl-C, and what it starts would, too
    heed = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    with subprocess.Popen(command, env=environment, **pipes, **heed) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, screen = process.communicate(timeout=60)
    assert process.returncode == 128 + number and screen == ""
    assert f" ERROR wait: {said}" in (tmp_path / "a.log").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["a.log"]


def from_memory():
    try:
        raise MemoryError
    except MemoryError as error:
        raise ValueError("the block could not be made") from error


def without_address_space():
    raise OSError("Could not find/load shared object file 'libllvmlite.so'")


@pytest.mark.parametrize("fails", [from_memory, without_address_space, lambda: np.empty(1 << 50)])
def test_a_lack_of_memory_is_named(tmp_path, capsys, monkeypatch, fails):
    """
    A lack of memory is named even where it led to another error.

    Under a limit of memory, a library that does not fit is such a lack. Without a limit it is none.
    """
    monkeypatch.setattr(endings.resource, "getrlimit", lambda which: (900 << 20, 900 << 20))
    with pytest.raises(SystemExit) as ended, runtime.job(of_a_rule(tmp_path)):
        fails()
    said = ended.value.code
    assert "\n" not in said and capsys.readouterr().err == ""
    assert said.startswith("make: out of memory (") and "--set-resources make:mem_mb=8000" in said
    assert "out of memory" in (tmp_path / "make.log").read_text()
    monkeypatch.undo()
    assert not endings.lacks_memory(OSError("Could not find/load shared object file 'libllvmlite.so'"))


def test_other_errors_are_as_they_were(tmp_path):
    with pytest.raises(SystemExit) as ended, runtime.job(of_a_rule(tmp_path)):
        raise ValueError("three")
    assert ended.value.code == f"make: ValueError: three (traceback in {tmp_path / 'make.log'})"


class Broken:
    def __del__(self):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_what_goes_wrong_on_the_way_out_goes_to_the_log(tmp_path, capsys):
    """
    h5py complains in this way of each dataset of a file that a full disk broke.

    Everything is as before afterwards.
    """
    before = sys.unraisablehook, logging.raiseExceptions, signal.getsignal(signal.SIGTERM)
    with runtime.job(of_a_rule(tmp_path)):
        del_me = Broken()
        del del_me
    assert capsys.readouterr().err == ""
    assert "passed over: OSError: [Errno 28] No space left" in (tmp_path / "make.log").read_text()
    assert before == (sys.unraisablehook, logging.raiseExceptions, signal.getsignal(signal.SIGTERM))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("Can't close file (file write failed: errno = 122, error message = 'Disk quota exceeded')"),
    ],
)
def test_a_quota_that_is_used_up_is_a_full_disk(tmp_path, error):
    said = r"a\.nc: could not be written \(Disk quota exceeded\); free space or choose another folder$"
    with pytest.raises(runtime.NunatakError, match=said), runtime.written(tmp_path / "a.nc") as part:
        part.write_bytes(b"half")
        raise error
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RuntimeError, match="of another kind"), runtime.written(tmp_path / "a.nc"):
        raise RuntimeError("of another kind")


def test_netcdf_is_not_begun_where_it_may_not_fit(tmp_path, monkeypatch):
    """HDF5 crashes when the disk gets full under it."""
    field = xr.Dataset({"h": (("y", "x"), np.zeros((100, 100)))})
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(runtime.shutil, "disk_usage", lambda path: usage._replace(free=79_999))
    for write, given in ((write_netcdf, field), (write_netcdf_groups, {"a": field, "b": field})):
        with pytest.raises(runtime.NunatakError, match=r"a\.nc: could not be written \(No space left on device: up to"):
            write(given, tmp_path / "a.nc")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(runtime.shutil, "disk_usage", lambda path: usage._replace(free=80_000))
    write_netcdf(field, tmp_path / "a.nc")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("OSError: [Errno 30] Read-only file system: '/r/a/b.nc'", "/r/a/b.nc: is on a read-only file system; free or"),
        ("PermissionError:\n[Errno 13] Permission denied: 'results/.x'", "results/.x: may not be written; free or"),
        ("OSError: [Errno 122] Disk quota exceeded: 'r/b'", "r/b: is beyond your quota; free or"),
        ("OSError in file x, line 3:\n[Errno 28] No space left on device: 'r/b'", "r/b: is on a full disk; free or"),
        (
            "MissingOutputException in rule merge_surface in file a.smk, line 3:\nJob 3 completed successfully, but "
            "some output files are missing. Missing files after 5 seconds. This might be due to filesystem latency:\n"
            "results/a/atl14/surface.nc (missing locally, parent dir not present)",
            "results/a/atl14/surface.nc: is gone after its job made it: results were removed or moved while the run",
        ),
        ("RuntimeError: can't start new thread", "out of memory; run fewer jobs at once"),
    ],
)
def test_what_snakemake_says_of_a_place_or_of_memory_is_one_line_with_a_remedy(text, said):
    assert endings.fault_of_run(text).startswith(said) and "\n" not in endings.fault_of_run(text)
    assert endings.stop_of_run(text) is None


def test_other_messages_are_left_alone():
    for text in (
        "Building DAG of jobs...",
        "FileNotFoundError: [Errno 2] No such file: 'a'",
        "3 of 9 steps (33%) done",
    ):
        assert endings.fault_of_run(text) is None and endings.stop_of_run(text) is None
    said = endings.stop_of_run("Will exit after finishing currently running jobs (scheduler).")
    assert said.startswith("stopped by SIGTERM") and "run it again to go on" in said
