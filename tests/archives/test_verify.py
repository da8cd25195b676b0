"""Granules held against what was found, and where broken copies of our own go."""

from __future__ import annotations

import pandas as pd
import pytest

from nunatak.archives import verify
from nunatak.archives.archive import Outcome
from nunatak.granules.lists import check_failures
from nunatak.runtime import NunatakError


def test_every_granule_asked_for_is_accounted_for_once():
    asked = pd.DataFrame({"granule_id": ["a", "b"]})
    both = [Outcome("b", "b.h5", "present"), Outcome("a", "a.h5", "failed", "broken")]
    assert list(verify.as_ledger(asked, both)["granule_id"]) == ["a", "b"]
    with pytest.raises(AssertionError, match="2 granules asked for, 1 accounted for"):
        verify.as_ledger(asked, both[:1])


def test_quarantine_keeps_every_broken_copy(tmp_path):
    """The second broken file of a name does not replace the first."""
    for content in ("one", "two"):
        (tmp_path / "granule.h5").write_text(content)
        verify.quarantine(tmp_path / "granule.h5", tmp_path / "quarantine")
    kept = sorted((tmp_path / "quarantine").iterdir())
    assert [path.read_text() for path in kept] == ["two", "one"]
    assert [path.name for path in kept] == ["granule.1.h5", "granule.h5"]
    assert not (tmp_path / "granule.h5").exists()


def test_as_many_granules_may_fail_as_the_study_allows():
    rows = [Outcome(f"g{i}", f"g{i}.h5", "failed", "holds no bytes (0)") for i in range(7)]
    ledger = verify.as_ledger(pd.DataFrame({"granule_id": [f"g{i}" for i in range(7)]}), rows)
    for allowed in (7, None):
        assert check_failures(ledger, allowed)["failed"] == 7
    with pytest.raises(
        NunatakError, match=r"7 of 7 granules failed, max_failed allows 6: g0.h5: .*; and 2 more; repair"
    ):
        check_failures(ledger, 6)
    assert check_failures([], 0) == {"present": 0, "empty": 0, "outside": 0, "failed": 0}
