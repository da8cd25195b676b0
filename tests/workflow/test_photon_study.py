"""Studies of photons as a user runs them: which jobs they plan, and one from beginning to end."""

from __future__ import annotations

import json

import pytest

from nunatak.files.tables import read_table

STUDY = """
title: Austfonna, from photons
archive: simulated
size: tiny
region: {{bbox: [10, 79, 30, 81]}}
period: [2019-01-01, 2021-01-01]
products: {products}
"""


@pytest.fixture
def study(flow):
    """A function that makes a study of these products the only one."""

    def write(products):
        for path in (flow / "config/studies").glob("*.yaml"):
            path.unlink()
        (flow / "config/studies/austfonna.yaml").write_text(STUDY.format(products=products))
        return flow

    return write


def test_classes_and_extents_are_planned_without_more_words(study):
    """ATL08 comes along; heights and photons are both made from one simulation of ATL03."""
    asked = "{atl06sr: {rgt: 548, cycles: [3, 7], atl08_class: 1}, atl03: {rgt: 548, cycles: 3, extents: true}}"
    done = study(asked).run("--dry-run", "austfonna")
    assert done.code == 0, done.text
    wanted = {"fit_heights": 2, "gather_extents": 1, "simulate_granules": 2, "fetch_granules": 5, "sample_photons": 1}
    assert {rule: done.jobs.get(rule) for rule in wanted} == wanted
    assert "request_heights" not in done.jobs and "compare_heights" not in done.jobs


def test_a_service_is_asked_and_nothing_is_fetched(study):
    """Its own rule makes the same files; what needs the photons themselves is not planned."""
    asked = "{atl06sr: {rgt: 548, cycles: [3, 7], engine: sliderule}, atl06: {rgt: 548, cycles: [3]}}"
    done = study(asked).run("--dry-run", "austfonna")
    assert done.code == 0, done.text
    wanted = {"request_heights": 2, "compare_heights": 1, "fetch_granules": 1}
    assert {rule: done.jobs.get(rule) for rule in wanted} == wanted
    assert not {"fit_heights", "sample_photons", "render_notebook"} & set(done.jobs) - {"render_notebook"}
    assert "photons.html" not in done.text


def test_a_mistake_in_a_key_of_the_fit_stops_before_any_job(study):
    done = study("{atl06sr: {cnf: 7}}").run("--dry-run", "austfonna")
    assert done.code != 0
    assert "products.atl06sr.cnf: 7 is not allowed; choose from -2 .. 4" in done.text


def test_a_study_of_photons_alone_runs_to_its_report(study):
    """Ground photons only: heights, fates of beams, figure, notebook, report; a second run does nothing."""
    flow = study("{atl06sr: {rgt: 548, cycles: 3, srt: land_ice, cnf: 1, atl08_class: atl08_ground}}")
    done = flow.run("austfonna")
    assert done.code == 0, done.text
    base = flow / "results/austfonna-tiny"
    heights, ledger = (read_table(base / f"atl06sr/{name}/cycle03.parquet") for name in ("segments", "read"))
    assert len(heights) > 2000 and heights.attrs["attributes"]["nunatak_source"] == "SIMULATED"
    assert ledger["gt1l"].tolist() == ["ok"] and ledger["n_points"].sum() == len(heights)
    sidecar = json.loads((base / "figures/photons_fit.json").read_text())
    assert sidecar["nunatak_source"] == "SIMULATED" and sidecar["numbers"]["segments"] == 20
    page = (base / "photons.html").read_text("utf-8")
    assert "SIMULATED" in page and "yapc fine" in page and "sweep of len, cnf and ats" in page
    assert json.loads((base / "checks.json").read_text())["nunatak_source"] == "SIMULATED"
    assert not flow.network.exists() and not flow.unfinished()
    again = flow.run("austfonna")
    assert again.code == 0 and "Nothing to be done" in again.text
