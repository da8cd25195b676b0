"""Where the tests find real data, and what they say when it is absent."""

from __future__ import annotations

import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("NUNATAK_DATA") or ROOT.parent / "shared" / "data")

# no test asserts a time, so a busy machine fails none
settings.register_profile("nunatak", deadline=None)
settings.load_profile("nunatak")

# lines for the end of the run, from every process of it
NOTES = pytest.StashKey[list[str]]()
# fixtures of tests/workflow that run a study for many files, or start Slurm: one process takes all that ask for one
SHARED = {
    "finished": "austfonna",
    "copy_of_finished": "austfonna",
    "finished_velocity": "pine_island",
    "finished_sea_ice": "ross_sea",
    "node": "ross_sea",
}
ABSENT = "real data absent: "

_absent: list[str] = []
_seconds: dict[str, float] = {}
_counts: dict[str, int] = {}


@pytest.fixture(scope="session")
def data():
    """
    A function that returns the path of a file or folder of the real data, such as data("real/ATL06").

    Without NUNATAK_DATA and without the default folder a test is skipped and says so; with NUNATAK_DATA set, a
    missing file is a failure.
    """

    def find(name: str) -> Path:
        path = DATA / name
        if path.exists():
            return path
        if os.environ.get("NUNATAK_DATA"):
            pytest.fail(f"NUNATAK_DATA is set, but {path} is missing")
        pytest.skip(f"{ABSENT}{name} (set NUNATAK_DATA to the folder that holds it)")

    return find


@pytest.fixture
def dask_cluster(tmp_path_factory):
    """
    The address of a Dask scheduler whose one worker is a process of its own.

    Its scratch folder is its own as well: in the common one a start waits, without end, for a lock that any other run
    on the machine may hold.
    """
    import dask
    from distributed import LocalCluster

    folder = str(tmp_path_factory.mktemp("dask"))
    with dask.config.set({"temporary_directory": folder, "distributed.worker.use-file-locking": False}):
        cluster = LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None, death_timeout=90)
        try:
            yield cluster.scheduler_address
        finally:
            cluster.close(timeout=60)


def pytest_configure(config):
    """
    Begin the notes.

    When a worker of pytest-xdist ends, pytest-xdist hands its notes on.
    """
    config.stash[NOTES] = []
    if hasattr(config, "workeroutput"):
        config.workeroutput["notes"] = config.stash[NOTES]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Take over the notes of a worker that the others have not made too."""
    notes = node.config.stash[NOTES]
    notes += [note for note in getattr(node, "workeroutput", {}).get("notes", []) if note not in notes]


def pytest_collection_modifyitems(config, items):
    """In one process of several, begin with runs of the workflow, which take longest."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith("tests/workflow/"))


def leave_out(config, items, lacks):
    """
    Leave out tests that this machine has no means for, saying how many and why.

    Parameters
    ----------
    lacks : mapping of marker to what is missing; empty where nothing is
    """
    missing = {item: name for item in items for name in lacks if lacks[name] and item.get_closest_marker(name)}
    for name, count in Counter(missing.values()).items():
        config.stash[NOTES].append(f"{name} tests left out: {count} ({lacks[name]})")
    config.hook.pytest_deselected(items=list(missing))
    items[:] = [item for item in items if item not in missing]


@cache
def taken_whole(file):
    """What one process takes with a file of tests: by a name all files that share its study, or the file alone."""
    if not file.startswith("tests/workflow/"):
        return file
    signatures = re.findall(r"^def \w+\((.*?)\):", (ROOT / file).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return next((SHARED[name] for name in re.findall(r"\w+", " ".join(signatures)) if name in SHARED), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Under `--dist loadfile`, keep files together that share a study."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByFiles(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return taken_whole(nodeid.partition("::")[0])

    return ByFiles(config, log)


def pytest_runtest_logreport(report):
    """Add what a test took, with its fixtures, to its file, and note the real data that it lacked."""
    name = report.nodeid.partition("::")[0]
    if report.skipped and ABSENT in str(report.longrepr):
        _absent.append(str(report.longrepr[2]).partition(ABSENT)[2].partition(" (")[0])
    _seconds[name] = _seconds.get(name, 0.0) + report.duration
    _counts[name] = _counts.get(name, 0) + (report.when == "call")


def where_time_goes():
    """A table of folders, slowest first, each with its slowest files where they matter; seconds of the clock."""
    folders: dict[str, float] = {}
    for name, seconds in _seconds.items():
        folder = name.rpartition("/")[0]
        folders[folder] = folders.get(folder, 0.0) + seconds
    rows = []
    for folder, seconds in sorted(folders.items(), key=lambda row: -row[1]):
        files = [name for name in _seconds if name.rpartition("/")[0] == folder]
        rows.append((folder, sum(_counts[name] for name in files), seconds))
        slow = sorted((name for name in files if _seconds[name] > 10), key=lambda name: -_seconds[name])
        rows += [(f"  {name.rpartition('/')[2]}", _counts[name], _seconds[name]) for name in slow]
    return [*rows, ("all", sum(_counts.values()), sum(folders.values()))]


def pytest_terminal_summary(terminalreporter, config):
    """
    Write the notes and where the time went.

    The last line counts the tests that real data would have run.
    """
    for note in config.stash[NOTES]:
        terminalreporter.write_line(note)
    if sum(_seconds.values()) > 60:
        terminalreporter.section("where the time went")
        for name, tests, seconds in where_time_goes():
            terminalreporter.write_line(f"{name:<44}{tests:>6} tests{seconds:>8.0f} s")
    reason = f" (absent: {', '.join(sorted(set(_absent)))})" if _absent else ""
    terminalreporter.write_line(f"real-data tests skipped: {len(_absent)}{reason}")
