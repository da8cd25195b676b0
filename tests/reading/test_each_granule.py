"""One way to read granules: each with its row, its table and its outcome."""

from __future__ import annotations

import pandas as pd
import pytest

from nunatak.granules import ledger
from nunatak.products.status import EMPTY, FAILED, MISSING, OUTSIDE, PRESENT, TrackStatus
from nunatak.reading.granules import each_granule, ledger_paths, outcome_of, read_ledger, same_pass
from nunatak.runtime import NunatakError


@pytest.fixture
def fetched(tmp_path):
    """A ledger of five granules: one good, one that changes, one that breaks, one without rows, one not fetched."""
    rows = []
    for name in "abcd":
        path = tmp_path / f"{name}.h5"
        path.write_bytes(b"1234")
        rows.append({"granule_id": name, "path": str(path), "status": "present", "size_bytes": 4})
    (tmp_path / "b.h5").write_bytes(b"12")
    return ledger([*rows, {"granule_id": "e", "path": "e.h5", "status": "failed", "reason": "refused"}])


def read(path):
    if path.endswith("c.h5"):
        raise NunatakError(f"{path}: no beams")
    n = 0 if path.endswith("d.h5") else 3
    return pd.DataFrame({"h": [1.0] * n}), [TrackStatus("gt1l", PRESENT if n else OUTSIDE, "", 5, n)]


@pytest.mark.parametrize("options", [{}, {"threads": 3}, {"scheduler": "synchronous"}])
def test_every_granule_has_a_row_and_an_outcome(fetched, options):
    """In the order of their ids, whoever reads them; what was not read has no table and says why."""
    reads = list(each_granule(fetched, read, **options))
    assert [g.row["granule_id"] for g in reads] == list("abcde")
    assert [None if g.table is None else len(g.table) for g in reads] == [3, None, None, 0, None]
    outcome = read_ledger([g.outcome for g in reads])
    assert list(outcome["status"]) == ["present", "failed", "failed", "outside", "failed"]
    assert outcome["reason"][1].startswith("changed since the archive was asked (4 bytes then, 2 now)")
    assert list(outcome["reason"][2:]) == ["no beams", "no row in region and period", "refused"]
    assert list(outcome["n_points"]) == [3, 0, 0, 0, 0]


def test_work_takes_the_place_of_the_table(fetched):
    """A granule's table is worked on where it is read, with its id; without a row there is nothing to work on."""
    reads = each_granule(fetched, read, work=lambda table: (set(table["granule_id"]), len(table)))
    assert [g.table for g in reads] == [({"a"}, 3), None, None, None, None]


def test_one_thread_reads_when_asked(fetched):
    """A stream that writes granule by granule holds one at a time."""
    seen = []

    def reading(path):
        seen.append(path)
        return read(path)

    next(each_granule(fetched[fetched["granule_id"].isin(["a", "d"])], reading))
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("statuses", "rows", "status", "reason"),
    [
        ([TrackStatus("gt1l", PRESENT, "", 5, 2), TrackStatus("gt1r", MISSING, "no group gt1r")], 2, "present", None),
        ([TrackStatus("gt1l", PRESENT, "", 5, 2), TrackStatus("gt1r", FAILED, "cut")], 2, "failed", "gt1r failed: cut"),
        ([TrackStatus("gt1l", OUTSIDE, "no segment in period", 5)], 0, "outside", "gt1l: no segment in period"),
        ([TrackStatus(b, EMPTY, "no segments") for b in ("gt1l", "gt1r")], 0, "empty", "gt1l, gt1r: no segments"),
        ([], 0, "empty", "no row in region and period"),
    ],
)
def test_the_outcome_of_a_granule_follows_from_its_beams(statuses, rows, status, reason):
    found = outcome_of(pd.DataFrame({"h": [0.0] * rows}), statuses)
    assert (found["status"], found["n_points"]) == (status, rows)
    assert found["reason"] == ("gt1r: no such group" if reason is None else reason)


def test_the_paths_of_a_ledger_are_those_of_present_granules(fetched):
    assert [path[-4:] for path in ledger_paths(fetched)] == ["a.h5", "b.h5", "c.h5", "d.h5"]


def test_a_partner_is_of_the_same_pass_and_release():
    """By the granules' ids, whatever the files are called."""
    name = "{}_20190101000000_05480303_006_01"
    mine = [(name.format("ATL03"), "x.h5"), ("ATL03_20190401000000_05480403_006_01", "y.h5")]
    photons = ledger([{"granule_id": i, "path": p, "status": "present"} for i, p in mine])
    classes = ledger([{"granule_id": name.format("ATL08"), "path": "z.h5", "status": "present"}])
    assert same_pass(photons, classes) == {"x.h5": "z.h5"} and same_pass(photons, None) == {}
