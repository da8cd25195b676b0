"""
The explorer starts the workflow, follows it, stops it.

What it serves of results may ask nothing of it.
"""

from __future__ import annotations

import json
import sys
import time

import pytest
from tests.explorer.test_explorer_server import asked, within

from nunatak.explorer import runs
from nunatak.explorer.answers import Desk
from nunatak.study.base import StudyError

SLOW = "import time, sys\nprint('1 of 4 steps (25%) done', flush=True)\ntime.sleep(60)"


@pytest.fixture
def slow(flow, monkeypatch):
    """Runs whose workflow is a Python program that says one step and waits."""
    started = runs.Runs(flow)
    real = runs.subprocess.Popen
    monkeypatch.setattr(runs.subprocess, "Popen", lambda words, **how: real([sys.executable, "-c", SLOW], **how))
    yield started
    started.end()


def waited(state, done):
    """The state as soon as `done` says so."""
    end = time.monotonic() + 60
    while not done(state()) and time.monotonic() < end:
        time.sleep(0.05)
    return state()


def test_a_run_tells_its_steps_and_is_stopped(slow):
    assert slow.state()["going"] is False
    slow.start("austfonna", "plan")
    told = waited(slow.state, lambda state: state["steps"])
    assert (told["going"], told["done"], told["steps"], told["lines"]) == (True, 1, 4, ["1 of 4 steps (25%) done"])
    with pytest.raises(StudyError, match="goes on"):
        slow.start("pine_island", "run")
    slow.stop()
    told = waited(slow.state, lambda state: not state["going"])
    assert told["going"] is False and told["code"] != 0


def test_only_studies_that_are_there_are_planned_or_run(flow):
    desk = Desk(flow)
    for question in ({"name": "--help", "what": "run"}, {"name": "nowhere", "what": "plan"}):
        with pytest.raises(StudyError, match="no such study"):
            desk.run(question)
    with pytest.raises(StudyError, match="ask for plan or run"):
        desk.run({"name": "austfonna", "what": "rm"})


def test_the_last_plan_is_told_with_its_date(flow):
    desk = Desk(flow)
    assert desk.plan({"name": "austfonna"}) == {}
    folder = flow / "results/austfonna-simulated-tiny"
    folder.mkdir(parents=True)
    product = {"granules": 3, "bytes": 5e9, "here": 1, "bytes_to_fetch": 4e9, "unstated": 0, "version": "005"}
    products = {"atl15": {**product, "years": {"2019": 3}, "way": "whole granules"}}
    whole = {"products": products, "bytes_to_fetch": 4e9, "free_bytes": 1e12, "fits": True, "minutes": 3.3}
    (folder / "plan.json").write_text(json.dumps({**whole, "assumed_bytes_per_second": 20e6}))
    told = desk.plan({"name": "austfonna", "simulated": True})
    assert told["date"].endswith("UTC") and told["products"]["atl15"]["granules"] == 3
    assert told["lines"][-1].startswith("to fetch 4.00 GB, about 3.3 minutes")
    track = {"type": "Polygon", "coordinates": [[[20, 79], [21, 79], [21, 80], [20, 80], [20, 79]]]}
    features = [{"type": "Feature", "properties": {}, "geometry": track}] * 600
    (folder / "plan_atl06.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    [product] = desk.footprints({"name": "austfonna", "simulated": True, "crs": "EPSG:3413"})["products"]
    assert (product["name"], product["granules"], product["drawn"], len(product["lines"])) == ("atl06", 600, 500, 500)


def test_reports_are_served_in_a_sandbox_and_nothing_else_is(explorer, flow):
    """A report has no origin of its own, so that the guard refuses what a script in it may send."""
    folder = flow / "results/austfonna"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text("<h1>A report</h1>")
    status, headers, body = asked(explorer, within(explorer, "report/austfonna/report.html"))
    assert (status, body) == (200, b"<h1>A report</h1>")
    assert headers["content-security-policy"].startswith("sandbox allow-scripts allow-popups; default-src 'none'")
    for path in ("austfonna/nothing.html", "austfonna/../../config/config.yaml", "../config/config.yaml", "%2e%2e/x"):
        assert asked(explorer, within(explorer, f"report/{path}"))[0] == 404, path
