"""Tests run by several processes: what is costly to make is made in one of them."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT, TOGETHER, taken_whole


@pytest.mark.parametrize("fixture", ["finished", "finished_sea_ice", "node"])
def test_one_process_takes_all_that_ask_for_a_shared_study(request, fixture):
    """Of the tests of this run; another process would run the study, or start Slurm, a second time."""
    asking = {item.nodeid for item in request.session.items if fixture in item.fixturenames}
    assert len({taken_whole(nodeid) for nodeid in asking}) <= 1, sorted(asking)


def test_files_that_are_kept_together_exist():
    names = [name for files in TOGETHER.values() for name in files]
    assert [name for name in names if not (ROOT / f"tests/workflow/test_{name}.py").is_file()] == []
