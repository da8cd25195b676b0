"""Where the tests find real data, and what they say when it is absent."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
# a package that is installed (h5coro) brings a top-level `tests` of its own, which would hide this folder
if ROOT.joinpath("tests").as_posix() not in getattr(sys.modules.get("tests"), "__path__", ()):
    sys.modules["tests"] = ModuleType("tests")
    sys.modules["tests"].__path__ = [ROOT.joinpath("tests").as_posix()]
DATA = Path(os.environ.get("NUNATAK_DATA") or ROOT.parent / "shared" / "data")

_skipped: list[str] = []


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
        _skipped.append(name)
        pytest.skip(f"real data absent: {name} (set NUNATAK_DATA to the folder that holds it)")

    return find


def pytest_terminal_summary(terminalreporter):
    """The last line counts the tests that real data would have run."""
    reason = f" (absent: {', '.join(sorted(set(_skipped)))})" if _skipped else ""
    terminalreporter.write_line(f"real-data tests skipped: {len(_skipped)}{reason}")
