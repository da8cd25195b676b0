"""A study copied under another name and to another place runs on simulated granules, before any data are fetched."""

from __future__ import annotations

import json

import pytest
from tests.workflow.workflow_runs import TINY

GLACIER = """\
title: My glacier
region: {bbox: [-34.88, 66.466, -34.48, 66.651]}
period: [2019-01-01, 2021-12-31]
products:
  atl15: {version: "005", resolutions: [1km, 10km]}
  atl11: {version: "007"}
transects: {across: {lonlat: [[-34.8, 66.55], [-34.6, 66.6]]}}
figures: {formats: [png], names: [height_change_region, transect_across]}
"""
SEA_ICE = """\
title: My sea ice
region: {bbox: [178, 74, -178, 75]}
crosses_antimeridian: true
period: {years: [2019, 2020], months: [March]}
products:
  atl10: {version: "007", beams: strong, minimum_segments: 1}
freeboard: {grid: {preset: ease2_north, cell: 25km}, bins: [month], statistics: [count, n_pass, mean, std, stderr]}
figures: {formats: [png], names: [freeboard_mean]}
"""
VELOCITY = """\
title: My velocities, in UTM
region: {bbox: [-73.6, -49.5, -73.3, -49.3]}
period: [2016-01-01, 2019-12-31]
products:
  itslive: {percent_valid_pixels: 5, geometry: any}
points: {trunk: [-73.45, -49.4]}
composite: {minimum_pairs: 8}
figures: {formats: [png], names: [speed_map]}
"""
# what the checks must have been held against: the truth of the generic world
CASES = {
    "my_glacier": (GLACIER, ("volume_against_truth/region", "point_rates")),
    "myice": (SEA_ICE, ("freeboard_against_truth/month/mean",)),
    "my_velocities": (VELOCITY, ("velocity_against_truth", "velocity_trend_against_truth")),
}


@pytest.mark.parametrize("name", CASES)
def test_a_copied_study_is_simulated_where_it_lies(flow, name):
    """The report is there, checks hold against the truth of a world made for the study's own region."""
    text, expected = CASES[name]
    (flow / "config/studies" / f"{name}.yml").write_text(text)
    done = flow.run(name, **TINY)
    assert done.code == 0, done.text
    folder = flow / "results" / f"{name}-simulated-tiny"
    assert "SIMULATED" in (folder / "report.html").read_text()
    checks = json.loads((folder / "checks.json").read_text())["checks"]
    applied = [check["name"] for check in checks if check["status"] == "held"]
    for prefix in expected:
        assert any(check.startswith(prefix) for check in applied), (prefix, checks)
    assert (flow / f"resources/archive/simulated/{name}-generic-tiny").is_dir()


def test_a_world_may_be_named(flow):
    """`world` takes a shipped one, whose granules are shared with the shipped study; an unknown name is refused."""
    file = flow / "config/studies/mine.yaml"
    file.write_text((flow / "config/studies/austfonna.yaml").read_text() + "world: austfonna\n")
    done = flow.run("mine", "-n", **TINY)
    assert done.code == 0 and "austfonna-tiny: simulating atl15 granules" in done.text, done.text
    file.write_text(file.read_text().replace("world: austfonna", "world: austfona"))
    assert "world: got 'austfona'; did you mean austfonna?" in flow.run("mine", "-n", **TINY).text
