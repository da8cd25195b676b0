"""The Steenstrup study on granules nobody here wrote, from a folder to its report."""

from __future__ import annotations

import json

import pytest
from tests.workflow.workflow_runs import Flow

from nunatak.files.tables import read_table


@pytest.fixture(scope="module")
def steenstrup(data, tmp_path_factory):
    flow = Flow(tmp_path_factory.mktemp("steenstrup"))
    for name in ("20191106230008_06270503", "20211102121853_06271303"):
        data(f"real/ATL06/processed_ATL06_{name}_006_01.h5")
    flow.said = flow.run("steenstrup", archive="directory", directory=str(data("real")))
    assert flow.said.code == 0, flow.said.text
    return flow


def test_medians_of_the_real_pair(steenstrup):
    """RGT 0627, cycles 5 and 13, quality flag 0 in both; computed independently from the two files."""
    pairs = read_table(steenstrup / "results/steenstrup/elevation/repeat_pairs.parquet")
    medians = pairs.groupby("beam", observed=True)["dh_uncorrected"].median()
    known = {"gt1l": -3.87, "gt1r": -3.89, "gt2l": -7.01, "gt2r": -6.86, "gt3l": -11.94, "gt3r": -10.68}
    assert {beam: float(medians[beam]) for beam in known} == pytest.approx(known, abs=0.02)


def test_figures_checks_and_report(steenstrup):
    base = steenstrup / "results/steenstrup"
    for name in ("extent", "repeat_pair"):
        for suffix in ("png", "pdf", "json"):
            assert (base / "figures" / f"{name}.{suffix}").stat().st_size > 0
    found = json.loads((base / "checks.json").read_text("utf-8"))["checks"]
    assert found and not any(check["status"] == "failed" for check in found)
    assert "granules: 2 found, 2 used, 0 failed" in steenstrup.said.text
    for page in ("report.html", "elevation_change.html"):
        assert "gt3l" in (base / page).read_text("utf-8")


def test_nothing_real_is_marked_simulated(steenstrup):
    base = steenstrup / "results/steenstrup"
    assert [str(path) for path in base.rglob("*") if path.is_file() and b"SIMULATED" in path.read_bytes()] == []
    assert "SIMULATED" not in steenstrup.said.text
    assert not steenstrup.network.exists(), steenstrup.network.read_text()
