"""A real Slurm of one node: the bytes of a local run, and what becomes of a job that the cluster kills."""

from __future__ import annotations

import re
import subprocess

import pytest
from tests.workflow.slurm_node import SCRIPT
from tests.workflow.workflow_runs import TINY, Flow

pytestmark = pytest.mark.slurm
STUDIES = ["austfonna", "pine_island", "ross_sea"]


def same_on_slurm(node, local, cluster, study, *words):
    """Run a study here and on the node; the jobs that Slurm has seen."""
    before = set(node.jobs)
    done = node.drive(cluster).run(study, *node.on_slurm, *words, **TINY)
    assert done.code == 0, done.text
    done = local.run(study, *words, **TINY)
    assert done.code == 0, done.text
    [label] = [path.name for path in (local / "results").iterdir()]
    here, there = local.digests(label), cluster.digests(label)
    assert len(here) > 20 and here == there
    assert not cluster.unfinished()
    return {number: state for number, state in node.jobs.items() if number not in before}


def test_a_study_on_slurm_has_the_bytes_of_a_local_run(node, finished_sea_ice, flow):
    """Science on the cluster, asking and fetching here; chunks and figures in arrays; a second run does nothing."""
    done = node.drive(flow).run("ross_sea", *node.on_slurm, **TINY)
    assert done.code == 0, done.text
    assert flow.digests("ross_sea-simulated-tiny") == finished_sea_ice.first
    submitted = re.findall(r"SLURM job ?id:? (\d+)", done.text, re.IGNORECASE)
    assert len(submitted) >= 7 and {node.jobs[number] for number in submitted} == {"COMPLETED"}
    assert "Submitted array job" in done.text
    local = ("outline_regions", "query_granules", "fetch_granules", "count_granules", "conclude_study")
    logs = [path.name for path in (flow / ".snakemake/slurm_logs").glob("rule_*")]
    assert not {f"rule_{name}" for name in local} & set(logs)
    again = flow.run("ross_sea", *node.on_slurm, **TINY)
    assert again.code == 0 and "Nothing to be done" in again.text


def test_a_job_killed_for_memory_is_given_more(node, flow):
    """Slurm kills the first attempt, which holds more than it asked for; the second asks for more and ends well."""
    before = set(node.jobs)
    little = "simulate_granules:mem_mb=300 if attempt == 1 else 2000"
    done = node.drive(flow).run(
        "ross_sea", "--until", "simulate_granules", *node.on_slurm, "--set-resources", little, **TINY
    )
    assert done.code == 0, done.text
    assert (flow / "resources/archive/simulated/ross_sea-tiny/atl10/catalogue.parquet").exists()
    ended = [state for number, state in node.jobs.items() if number not in before]
    assert len(ended) == 2 and ended[0] != "COMPLETED" and ended[1] == "COMPLETED"
    assert not flow.unfinished()


def test_a_node_is_not_started_twice(node, tmp_path):
    """A second one would take the configuration from under the first."""
    second = subprocess.run([SCRIPT, "start", tmp_path], text=True, capture_output=True)
    assert second.returncode != 0 and "/etc/slurm/slurm.conf is there" in second.stderr
    assert len(second.stderr.splitlines()) == 1


@pytest.mark.full
@pytest.mark.parametrize("study", STUDIES)
def test_every_study_on_slurm_has_the_bytes_of_a_local_run(node, tmp_path, study):
    states = same_on_slurm(node, Flow(tmp_path / "here"), Flow(tmp_path / "there"), study)
    assert len(states) >= 7 and set(states.values()) == {"COMPLETED"}


@pytest.mark.full
def test_environments_made_beforehand_serve_on_slurm(node, environments, tmp_path):
    """Built here first, as on a login node; jobs then build nothing, and the bytes are those of a local run."""
    flows = [Flow(tmp_path / name) for name in ("here", "there")]
    for flow in flows:
        environments.on_path(flow)
    made = flows[1].run("ross_sea", "--sdm", "conda", "--conda-create-envs-only", **TINY)
    assert made.code == 0 and "Creating conda environment" in made.text
    states = same_on_slurm(node, *flows, "ross_sea", "--sdm", "conda")
    assert set(states.values()) == {"COMPLETED"}
    done = flows[1].run("ross_sea", "--sdm", "conda", "--conda-create-envs-only", **TINY)
    assert "Creating conda environment" not in done.text
