"""What was found is held against what became of it, and nothing is lost between the two."""

from __future__ import annotations

import pandas as pd
import pytest

import count_granules
from nunatak.files.tables import write_table
from nunatak.granules import granule_table, ledger
from nunatak.runtime import NunatakError

NAMES = [f"ATL06_20190504033705_0548{cycle:02d}04_007_01" for cycle in (3, 4, 5)]


@pytest.fixture
def counted(tmp_path):
    """A function that counts three granules against ledgers that hold these statuses: rows of the counts."""

    def count(*ledgers, max_failed=0):
        table = granule_table([{"file_name": f"{name}.h5", "chunk": name[25:27]} for name in NAMES])
        write_table(table, tmp_path / "granules.parquet")
        paths = []
        for number, statuses in enumerate(ledgers):
            rows = [{"granule_id": NAMES[k], "path": "", "status": s, "reason": r} for k, s, r in statuses]
            paths.append(tmp_path / f"{number}.parquet")
            write_table(ledger(rows), paths[-1])
        count_granules.main(tmp_path / "granules.parquet", paths, tmp_path / "counts.csv", max_failed=max_failed)
        return pd.read_csv(tmp_path / "counts.csv", keep_default_na=False).values.tolist()

    return count


def test_statuses_and_reasons_are_counted(counted):
    """Granules in are granules out and reasons, over all ledgers."""
    first = [(0, "present", None), (1, "outside", "no segment in the region")]
    rows = [["outside", "no segment in the region", 1], ["present", "", 2]]
    assert counted(first, [(2, "present", None)]) == rows


def test_a_granule_in_no_ledger_is_an_error_with_its_name(counted):
    """Two were read, a third was found: it is named with its chunk, and the study does not go on."""
    said = rf"granules\.parquet: 1 of 3 granules are in no ledger, first {NAMES[2]} of chunk 05; widen"
    with pytest.raises(NunatakError, match=said):
        counted([(0, "present", None)], [(1, "present", None)])


def test_more_failures_than_allowed_are_an_error_after_the_count(counted, tmp_path):
    """One of three fails: allowed with 1, an error with 0, and counted in both cases."""
    statuses = [(0, "present", None), (1, "failed", "holds no bytes"), (2, "present", None)]
    assert counted(statuses, max_failed=1) == [["failed", "holds no bytes", 1], ["present", "", 2]]
    (tmp_path / "counts.csv").unlink()
    with pytest.raises(NunatakError, match="1 of 3 granules failed, max_failed allows 0"):
        counted(statuses)
    assert (tmp_path / "counts.csv").exists()
