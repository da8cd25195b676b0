"""The tiny Austfonna study, run once from beginning to end."""

from __future__ import annotations

import pytest
from tests.workflow.environments import Environments
from tests.workflow.workflow_runs import TINY, Flow


@pytest.fixture
def flow(tmp_path):
    """A fresh copy of the workflow."""
    return Flow(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The tiny, simulated Austfonna study, finished; tests must leave its results as they are."""
    flow = Flow(tmp_path_factory.mktemp("finished"))
    flow.said = flow.run("austfonna", **TINY)
    assert flow.said.code == 0, flow.said.text
    return flow


@pytest.fixture
def copy_of_finished(finished, flow):
    """The finished study in a folder of its own, to be changed."""
    flow.copy_results_of(finished)
    return flow


@pytest.fixture(scope="session")
def environments(tmp_path_factory):
    """The environments of envs/, each built when it is first asked for."""
    return Environments(tmp_path_factory.mktemp("environments"))
