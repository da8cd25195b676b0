"""The profiles say what the rules mean: services are spared, arrays exist, memory grows when a job is tried again."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.conftest import ROOT

DEFAULT, SLURM = (yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text()) for name in ("default", "slurm"))
ASKS = ("outline_regions", "query_granules", "fetch_granules", "request_heights")


def rules():
    """Text of every rule that has a name, by name."""
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for block in re.split(r"^(?:rule|checkpoint) ", path.read_text("utf-8"), flags=re.M)[1:]:
            yield block.split(":")[0], block


RULES = dict(rules())
LOCAL = {name for name, text in RULES.items() if "localrule: True" in text}


def test_the_slurm_profile_takes_the_place_of_the_default_one():
    """Only one workflow profile is read, so the cluster's repeats what holds everywhere."""
    same = ("scheduler", "rerun-incomplete", "keep-going", "printshellcmds", "quiet", "resources")
    assert {key: SLURM[key] for key in same} == {key: DEFAULT[key] for key in same}


def test_connections_are_those_that_rules_ask_for():
    """A limit that no rule counts against would spare nobody."""
    asked = set(re.findall(r"(\w+_connections)=", "".join(RULES.values())))
    assert asked <= set(DEFAULT["resources"]) and "earthdata_connections" in asked


def test_arrays_are_of_rules_that_are_submitted():
    arrays = SLURM["slurm-array-jobs"].split(", ")
    assert set(arrays) <= set(RULES) - LOCAL
    for name in arrays:
        assert re.search(r"\{(chunk|figure|product)\}", RULES[name]), f"{name}: one per study is no array"


def test_what_asks_the_world_runs_where_the_run_was_started():
    """Nodes that compute often have no internet."""
    assert set(ASKS) <= LOCAL


@pytest.mark.parametrize("name", sorted(set(RULES) - LOCAL))
def test_a_job_tried_again_is_given_more_memory_and_time(name):
    """What was killed for want of one would be killed again."""
    if "script:" in RULES[name]:
        for resource in ("mem_mb", "runtime"):
            grows = re.search(rf"{resource}=(growing\(\d+\)|.*\* attempt)", RULES[name])
            assert grows, f"rule {name}: {resource} does not grow with the attempt"
