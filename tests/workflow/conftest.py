"""Studies that are run once for many tests, and what some tests need of the machine."""

from __future__ import annotations

import shutil

import pytest
from tests.conftest import NOTES, leave_out
from tests.workflow.environments import Environments
from tests.workflow.slurm_node import Node, what_lacks
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
def environments(tmp_path_factory, pytestconfig):
    """The environments of envs/, each built when it is first asked for."""
    built = Environments(tmp_path_factory.mktemp("environments"))
    yield built
    pytestconfig.stash[NOTES].extend(f"environments of the tests: {note}" for note in built.built_with)


@pytest.fixture(scope="session")
def finished_sea_ice(tmp_path_factory):
    """The tiny, simulated Ross Sea study, finished in a copy of the workflow; its results stay as they are."""
    flow = Flow(tmp_path_factory.mktemp("sea_ice"))
    said = flow.run("ross_sea", **TINY)
    assert said.code == 0, said.text
    flow.first = flow.digests("ross_sea-simulated-tiny")
    return flow


@pytest.fixture(scope="session")
def finished_velocity(tmp_path_factory):
    """
    Return the tiny, simulated Pine Island study, finished in a copy of the workflow.

    Its results stay as they are.
    """
    flow = Flow(tmp_path_factory.mktemp("velocity"))
    said = flow.run("pine_island", **TINY)
    assert said.code == 0, said.text
    return flow


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    """A Slurm of one node, on this machine."""
    node = Node(tmp_path_factory.mktemp("slurm"))
    yield node
    node.stop()


def pytest_collection_modifyitems(config, items):
    """Leave out what this machine has no means for, saying how much and why."""
    conda = "" if shutil.which("conda") else "no conda on the path"
    leave_out(config, items, {"slurm": what_lacks(), "conda": conda})
