"""Pine Island without a thickness, without firn, and without both: it ends, and says what it cannot say."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml
from tests.workflow.workflow_runs import TINY

from nunatak.files.tables import read_csv

LABEL = "pine_island-simulated-tiny"
NO_FIRN = "change of mass without the air in the firn"
NO_FLUX = "discharge by year through a known thickness, dynamic thinning and mass budgets"
FIRN_RATE = 0.04  # m of air per year


def changed(study, thickness, firn):
    """Return the study file with a rate of firn, or with neither thickness nor what rests on it."""
    study = yaml.safe_load(yaml.safe_dump(study))
    if firn:
        study["dynamics"]["firn"] = FIRN_RATE
    if not thickness:
        del study["products"]["bedmachine"], study["dynamics"]
        for part in ("tiny", "simulated"):
            study[part].pop("dynamics")
    return study


@pytest.mark.parametrize(
    "thickness, firn", [pytest.param(True, True, marks=pytest.mark.full), (True, False), (False, False)], ids=str
)
def test_pine_island_ends_and_says_what_it_cannot_say(finished_velocity, flow, thickness, firn):
    """Without a thickness there is neither a discharge nor a budget, and firn has nothing to be taken from."""
    flow.copy_results_of(finished_velocity)
    path = flow / "config/studies/pine_island.yaml"
    path.write_text(yaml.safe_dump(changed(yaml.safe_load(path.read_text()), thickness, firn)))
    said = flow.run("pine_island", **TINY)
    assert said.code == 0, said.text
    results = flow / "results" / LABEL
    found = json.loads((results / "checks.json").read_text("utf-8"))["checks"]
    assert [c["name"] for c in found if c["status"] == "failed"] == []
    report = (results / "report.html").read_text("utf-8")
    assert (NO_FLUX in report) == (not thickness)
    assert ("Box trunk, from" in report) == thickness
    assert (read_csv(results / "velocity/gates.csv")["area_flux"] > 5).all(), "the area flux needs no thickness"
    if not thickness:
        assert read_csv(results / "velocity/gates.csv")["discharge"].isna().all()
        return
    assert (NO_FIRN in report) == (not firn)
    budget = read_csv(results / "dynamics/budget.csv")
    row = budget[budget["year"] == 0].iloc[0]
    assert row["firn_share"] == (1.0 if firn else 0.0)
    if firn:
        air = FIRN_RATE * row["area"] * 1e6 * 917 / 1e12
        assert row["firn"] == pytest.approx(air, rel=0.02)
    else:
        assert np.isnan(row["firn"])
