"""Granules that are here, read again in full: nothing is believed, and what changed is named."""

from __future__ import annotations

import hashlib
import os

import h5py
import pandas as pd
import pytest
from tests.builders.tiny_granules import atl06, name_of, truncated, web_page, without_segments

from nunatak.archives import verify
from nunatak.archives.transfer import integrity
from nunatak.archives.transfer.integrity import recheck
from nunatak.granules import granule_table
from nunatak.runtime import NunatakError


@pytest.fixture
def fetched(tmp_path):
    """The table of three granules, one of them without data, and the ledger of their fetch."""
    made = [atl06(tmp_path, name_of(rgt), beams=() if rgt == 3 else ("gt1l", "gt2r")) for rgt in (1, 2, 3)]
    rows = [{"file_name": p.name, "size_bytes": p.stat().st_size, **md5_of(p)} for p in made]
    table = granule_table(rows)
    return table, verify.check_in_place(table, lambda row: tmp_path / row.file_name)


def md5_of(path):
    return {"checksum": hashlib.md5(path.read_bytes()).hexdigest(), "checksum_algorithm": "MD5"}


def quietly(change, path):
    """Change a file's bytes, and neither its size nor its time."""
    before = os.stat(path)
    change(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def flipped(path):
    with open(path, "r+b") as stream:
        stream.seek(os.path.getsize(path) // 2)
        (byte,) = stream.read(1)
        stream.seek(-1, os.SEEK_CUR)
        stream.write(bytes([byte ^ 0xFF]))


def test_what_is_as_it_was_is_the_same(fetched):
    found = recheck(*fetched)
    assert list(found["granule_id"]) == list(fetched[1]["granule_id"]) and found["same"].all()
    assert set(found["checks"]) == {"size, MD5, SHA-256, content"} and set(found["reason"]) == {""}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (os.unlink, "is gone"),
        (truncated, "has [0-9]+ bytes, had [0-9]+ when it was fetched"),
        (web_page, "has [0-9]+ bytes, had"),
        (lambda path: quietly(flipped, path), "its SHA-256 begins [0-9a-f]{12}, expected"),
    ],
    ids=["gone", "cut in half", "a web page", "one bit, same size and time"],
)
def test_what_changed_is_named_and_the_others_are_not(fetched, spoil, said):
    """A receipt and a time of change do not help a file here."""
    spoil(fetched[1]["path"][1])
    found = recheck(*fetched)
    assert list(found["same"]) == [True, False, True]
    assert pd.Series(found["reason"][1]).str.contains(f"^{said}.*; remove it and run the study again$")[0]


def test_the_checksum_of_the_lock_is_compared_too(fetched):
    """The ledger's own hash fits a file that was replaced before it was fetched; the lock's does not."""
    table, ledger = fetched
    table.loc[0, "checksum"] = "0" * 32
    found = recheck(table, ledger)
    assert list(found["same"]) == [False, True, True] and "its MD5 begins" in found["reason"][0]
    assert "expected 000000000000" in found["reason"][0]


def test_groups_are_looked_for_even_where_every_hash_fits(fetched):
    table, ledger = fetched
    without_segments(ledger["path"][0])
    with open(ledger["path"][0], "rb") as stream:
        ledger.loc[0, "sha256"] = hashlib.sha256(stream.read()).hexdigest()
    ledger.loc[0, "size_bytes"] = table.loc[0, "size_bytes"] = os.path.getsize(ledger["path"][0])
    table.loc[0, ["checksum", "checksum_algorithm"]] = pd.NA
    found = recheck(table, ledger)
    assert not found["same"][0] and "no beam has land_ice_segments" in found["reason"][0]


def test_a_subset_of_the_service_is_not_held_against_the_whole_granule(fetched):
    """It has another size and another checksum than the catalogue states; its own are those of the ledger."""
    table, ledger = fetched
    table.loc[0, ["size_bytes", "checksum"]] = 10**9, "0" * 32
    found = recheck(table, ledger)
    assert found["same"].all() and found["checks"][0] == "size, SHA-256, content"


def test_a_granule_that_held_nothing_and_now_does_is_another(fetched):
    table, ledger = fetched
    ledger.loc[2, "status"] = "present"
    assert recheck(table, ledger)["reason"][2].startswith("is empty, was present")


def test_what_failed_or_is_read_in_place_has_no_file_to_check(fetched):
    table, ledger = fetched
    ledger.loc[0, "status"] = "failed"
    ledger.loc[1, "path"] = "https://host/cube.zarr"
    found = recheck(table, ledger)
    assert len(found) == 2 and found["same"].all() and found["checks"][0] == ""


def test_a_ledger_of_another_table_is_refused(fetched):
    table, ledger = fetched
    with pytest.raises(NunatakError, match=r"1 granules of the ledger are not in the granule table \(ATL06_.*\); ask"):
        recheck(table.head(2), ledger)


def test_every_file_is_read_whatever_its_receipt_says(fetched, monkeypatch):
    monkeypatch.setattr(integrity.receipts, "load", lambda path: pytest.fail("a receipt was believed"))
    with h5py.File(fetched[1]["path"][0], "r+") as file:
        file["gt1l/land_ice_segments/h_li"][0] = 1.0
    assert not recheck(*fetched)["same"][0]
