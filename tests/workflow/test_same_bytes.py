"""Equal questions give equal bytes: tables, grids, cubes, figures, executed notebooks."""

from __future__ import annotations

import pytest
from tests.workflow.same_bytes import differences, unhashed
from tests.workflow.workflow_runs import TINY, Flow

STUDIES = ("austfonna", "pine_island", "ross_sea")
FORMATS = "{formats: [pdf, png, svg]}"


def test_what_differs_is_named(tmp_path):
    """The comparison itself: another byte, and a file more."""
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        (folder / "atl06").mkdir(parents=True)
        (folder / "atl06" / "counts.csv").write_text("status,n\npresent,5\n")
    assert differences(one, other) == []
    (other / "atl06" / "counts.csv").write_text("status,n\npresent,6\n")
    (one / "speed.png").write_bytes(b"")
    assert differences(one, other) == ["atl06/counts.csv: other bytes", f"speed.png: only in {one}"]


@pytest.mark.full
@pytest.mark.parametrize("study", STUDIES)
def test_two_runs_on_one_and_on_two_cores(study, tmp_path):
    """Another folder, another number of cores and so of threads, every format of figures."""
    label = f"{study}-simulated-tiny"
    results = []
    for cores in (1, 2):
        flow = Flow(tmp_path / f"{cores} cores")
        flow.cores = cores
        done = flow.run(study, figures=FORMATS, **TINY)
        assert done.code == 0, done.text
        results.append(flow / "results" / label)
    assert differences(*results) == []
    assert unhashed(results[0]) == []
    assert len(list((results[0] / "figures").glob("*.svg"))) == len(list((results[0] / "figures").glob("*.png"))) >= 2
