"""Tests run by several processes: what is costly to make is made in one of them."""

from __future__ import annotations

import pytest

from tests.conftest import SHARED, taken_whole


@pytest.mark.parametrize("fixture", SHARED)
def test_one_process_takes_all_that_ask_for_a_shared_study(request, fixture):
    """
    One process takes all tests of this run that ask for the study.

    Another process would run the study, or start Slurm, a second time.
    """
    asking = {item.nodeid.partition("::")[0] for item in request.session.items if fixture in item.fixturenames}
    assert len({taken_whole(file) for file in asking}) <= 1, sorted(asking)
