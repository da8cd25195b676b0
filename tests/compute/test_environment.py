"""What the shell and the machine bring along does not reach the jobs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from nunatak.compute import code_reach
from nunatak.compute import environment as settled
from nunatak.compute.environment import Interpreter, drop_foreign, explain_exit

KERNEL = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from nunatak.compute import kernels
from nunatak.elevation import cell_fits
x = np.full(3, 2.0)
cell_fits._multiply(x, np.full(3, 21.0))
print(x[0], kernels._numba().config.CACHE_DIR)
"""


def test_a_python_with_a_blank_in_its_path_is_quoted_in_a_command_and_nowhere_else():
    path = Interpreter("/tmp/My Nunatak/.venv/bin/python")
    assert f"{path} -m snakemake" == "'/tmp/My Nunatak/.venv/bin/python' -m snakemake"
    assert os.path.dirname(path) == "/tmp/My Nunatak/.venv/bin" and path == "/tmp/My Nunatak/.venv/bin/python"


def test_data_of_another_proj_or_gdal_is_dropped_and_that_of_this_python_stays():
    own = f"{sys.prefix}/share/proj"
    environment = {
        "PROJ_LIB": "/opt/qgis/share/proj",
        "PROJ_DATA": own,
        "GDAL_DATA": f"{own}:/usr/share/gdal",
        "A": "b",
    }
    lines = drop_foreign(environment)
    assert environment == {"PROJ_DATA": own, "A": "b"}
    assert lines[0] == "PROJ_LIB=/opt/qgis/share/proj is of another installation and is not passed on"
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (127, "not started (exit code 127): /tmp/My was not found"),
        (126, "not started (exit code 126): /tmp/My may not be run"),
        (-9, "killed (signal 9), most often for want of memory"),
        (137, "killed (signal 9), most often for want of memory"),
        (-11, "ended by signal 11 (SIGSEGV)"),
        (1, "ended with exit code 1 before it wrote to its log"),
    ],
)
def test_the_end_of_a_job_is_explained_as_what_it_is(status, words):
    said = explain_exit(status, "set -euo pipefail;  /tmp/My Nunatak/.venv/bin/python 'x.py'")
    assert said.startswith(words)


def call_kernel(*, file_limit=None, **environment):
    """Call a kernel in a process with these variables; `file_limit` is the size in bytes that no file may pass."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    done = subprocess.run(
        [sys.executable, "-B", "-c", KERNEL, str(code_reach.SCRIPTS)],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        preexec_fn=limit if file_limit else None,
    )
    assert done.returncode == 0, done.stderr
    value, _, folder = done.stdout.strip().partition(" ")
    assert float(value) == 42.0
    return folder, done.stderr


def test_kernels_are_kept_in_tmpdir_where_the_home_folder_cannot_be_written(tmp_path):
    """A folder of this user alone: what lies in it is loaded as code."""
    folder, said = call_kernel(HOME="/dev/null/home", TMPDIR=str(tmp_path))
    kept = tmp_path / f"nunatak-{os.getuid()}"
    assert folder.startswith(f"{kept}/nunatak/kernels/") and list(kept.rglob("*.nbc")) and said == ""
    assert kept.stat().st_mode & 0o777 == 0o700
    kept.chmod(0o777)
    folder, said = call_kernel(HOME="/dev/null/home", TMPDIR=str(tmp_path))
    assert folder == "" and "they are compiled for this job alone" in said


@pytest.mark.parametrize("place", [{}, {"XDG_CACHE_HOME": "{}/cache"}, {"NUMBA_CACHE_DIR": "{}/cache"}])
def test_kernels_run_where_nothing_can_be_kept(tmp_path, place):
    """A full disk takes names of files and no bytes; one line says that kernels are compiled for this job alone."""
    place = {name: value.format(tmp_path) for name, value in place.items()}
    folder, said = call_kernel(HOME=str(tmp_path), TMPDIR=str(tmp_path), file_limit=1000, **place)
    assert folder == "" and said.count("\n") == 1 and "set XDG_CACHE_HOME" in said


def test_jobs_keep_caches_elsewhere_and_one_line_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for home, moved in ((tmp_path / "home", False), ("/dev/null/home", True)):
        environment = {"XDG_CACHE_HOME": str(home)}
        monkeypatch.setenv("XDG_CACHE_HOME", str(home))
        lines = settled._move_cache(environment)
        assert (len(lines), "MPLCONFIGDIR" in environment) == (moved, moved)
    assert environment["XDG_CACHE_HOME"] == str(tmp_path / f"nunatak-{os.getuid()}")
    assert lines[0].startswith("/dev/null/home cannot be written: caches are kept in ")
