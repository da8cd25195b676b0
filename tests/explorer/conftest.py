"""A folder of the workflow with studies of its own, and the explorer that serves it."""

from __future__ import annotations

import shutil

import pytest
from tests.conftest import ROOT

from nunatak.explorer.serving import Explorer


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
