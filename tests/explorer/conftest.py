"""A folder of the workflow with studies of its own, and the explorer that serves it."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import pytest
from tests.conftest import ROOT, leave_out

from nunatak.explorer.serving import Explorer

AXE = Path(__file__).parent / "vendored" / "axe.min.js"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser(), args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    """A folder with the shipped studies and settings."""
    folder = tmp_path_factory.mktemp("flow")
    shutil.copytree(ROOT / "config", folder / "config")
    return folder


@pytest.fixture(scope="module")
def explorer(flow):
    with Explorer(flow) as serving:
        yield serving


def browser():
    """
    Return the path of Debian's Chromium, or of what NUNATAK_CHROMIUM names.

    The result is None where there is none.
    """
    return os.environ.get("NUNATAK_CHROMIUM") or shutil.which("chromium")


def pytest_collection_modifyitems(config, items):
    """Leave out the tests in a browser where there is none."""
    lacking = "" if browser() else "no chromium on the path"
    if not lacking and importlib.util.find_spec("playwright") is None:
        lacking = "no playwright in this Python"
    leave_out(config, items, {"chromium": lacking})
