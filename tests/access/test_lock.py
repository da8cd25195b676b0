"""The granule lock and the plan: what is written, what is noticed, what is said."""

from __future__ import annotations

import pandas as pd
import pytest
from tiny_granules import name_of

from nunatak import region
from nunatak.archives import access, lock, plan, receipts
from nunatak.granules import granule_table
from nunatak.runtime import NunatakError
from nunatak.study.period import Period

HERE = region.load({"bbox": [-35, 66, -34, 67]}, name="here")
YEAR = Period.model_validate(["2019-01-01", "2019-12-31"])


def table(*names, **columns):
    rows = [
        {"file_name": name, "url": f"https://host/{name}", "size_bytes": 10, "source": "earthdata"} for name in names
    ]
    return granule_table(rows).assign(**columns)


def test_a_lock_read_back_answers_as_the_search_did(standin, held, archive, tmp_path):
    held(cycles=(5, 6), checksum=lambda path: ("MD5", "ab" * 16))
    found = archive.search("atl06", HERE, YEAR)
    path = lock.file_of(tmp_path, "atl06")
    lock.write(found, path)
    back = lock.read(path)
    same = ["file_name", "version", "revision", "url", "size_bytes", "checksum", "concept_id", "rgt", "cycle", "source"]
    pd.testing.assert_frame_equal(back[same], found[same], check_dtype=False)
    before = path.read_bytes()
    lock.write(back, path)
    assert path.read_bytes() == before


def test_the_first_download_stands_in_for_a_checksum_that_is_not_published(tmp_path):
    found = table(name_of())
    original = tmp_path / "originals" / "atl06" / name_of()
    original.parent.mkdir(parents=True)
    original.write_bytes(b"0123456789")
    receipts.keep(original, checksums={"SHA-256": "cd" * 32}, status="present", reason="")
    lock.write(found, tmp_path / "atl06.csv", originals=tmp_path / "originals")
    row = lock.read(tmp_path / "atl06.csv").iloc[0]
    assert (row["checksum"], row["checksum_algorithm"], row["checksum_from"]) == (
        "cd" * 32,
        "SHA-256",
        "first download",
    )


def test_other_bytes_under_a_locked_name_fail(standin, login, held, archive, tmp_path):
    """The archive replaced a file in place; the lock holds the checksum of the first download."""
    (record,) = held()
    granules = archive.search("atl06", HERE, YEAR)
    archive.fetch(granules)
    lock.write(granules, tmp_path / "atl06.csv", originals=archive.folder)
    standin.fault("data_flipped")
    (archive.folder / "atl06" / record.name).unlink()
    ledger = archive.fetch(lock.read(tmp_path / "atl06.csv"))
    assert list(ledger["status"]) == ["failed"] and "its SHA-256 begins" in ledger["reason"][0]


def test_differences_name_every_granule_and_its_fate():
    locked = table(*(name_of(rgt) for rgt in (1, 2, 3, 4)))
    now = table(name_of(1), name_of(2, revision="02"), name_of(4), name_of(5))
    now.loc[now["file_name"] == name_of(4), "size_bytes"] = 11
    fates = lock.differences(locked, now).set_index("file_name")["fate"].to_dict()
    assert fates == {
        name_of(2): f"is superseded by {name_of(2, revision='02')}", name_of(3): "is gone",
        name_of(4): "changed (size_bytes 11, was 10)", name_of(2, revision="02"): "is new", name_of(5): "is new",
    }  # fmt: skip
    with pytest.raises(
        NunatakError, match=r"atl06\.csv: 3 of 4 locked granules are not as they were: .*_0003.* is gone"
    ):
        lock.held_against(locked, now, name="atl06.csv")
    kept = lock.held_against(locked.head(1), now, name="atl06.csv")
    assert list(kept["file_name"]) == [name_of(1)]


def test_checksums_of_different_kinds_are_not_compared():
    locked = table(name_of(), checksum="aa", checksum_algorithm="SHA-256")
    assert lock.differences(locked, table(name_of(), checksum="bb", checksum_algorithm="MD5")).empty
    assert len(lock.differences(locked, table(name_of(), checksum="bb", checksum_algorithm="SHA-256"))) == 1


def test_a_list_of_addresses_is_a_lock(tmp_path):
    path = tmp_path / "atl06.csv"
    path.write_text(f"# from a colleague\nhttps://host/b/{name_of(2)}\nhttps://host/a/{name_of(1)}\n")
    rows = lock.read(path)
    assert list(rows["file_name"]) == [name_of(1), name_of(2)] and rows["size_bytes"].isna().all()


def test_a_lock_that_is_not_there_says_how_to_make_it(tmp_path):
    with pytest.raises(NunatakError, match=r"atl06\.csv: no such lock; make it with make lock_<study>"):
        lock.read(tmp_path / "atl06.csv")


def test_a_plan_counts_what_is_here_and_guesses_openly(tmp_path):
    granules = table(name_of(1), name_of(2), name_of(3))
    granules.loc[2, "size_bytes"] = pd.NA
    (tmp_path / "atl06").mkdir()
    (tmp_path / "atl06" / name_of(1)).write_bytes(b"0123456789")
    product = {**plan.of_product(granules, tmp_path), "way": plan.way("atl06", {"subset": "local"})}
    assert (product["granules"], product["here"], product["unstated"]) == (3, 1, 1)
    assert product["bytes_to_fetch"] == 10 + plan.TYPICAL["atl06"] and product["years"] == {"2019": 3}
    whole = plan.whole({"atl06": product}, tmp_path / "not" / "yet")
    assert whole["fits"] and whole["minutes"] == pytest.approx(whole["bytes_to_fetch"] / plan.RATE / 60, abs=0.05)
    text = "\n".join(plan.lines(whole))
    assert (
        "3 granules, 0.06 GB, 1 of unstated size, 1 here; whole granules, cut here; by year 2019: 3" in text
        and "enough" in text
    )
    whole["fits"] = False
    assert "TOO LITTLE" in plan.lines(whole)[-1]


@pytest.mark.parametrize(
    ("product", "settings", "said"),
    [
        ("atl11", {}, "whole granules, cut here: no service cuts them"),
        ("itslive", {}, "whole granules, cut here: no service cuts them"),
        ("atl10", {"subset": "local"}, "whole granules, cut here"),
        ("atl06", {"subset": "harmony"}, "cut by Harmony, ordered through harmony"),
        ("atl06", {"subset": "icepyx"}, "cut by Harmony, ordered through icepyx"),
        ("itslive", {"fetch": "stream"}, "read in place by range"),
    ],
)
def test_a_plan_says_where_granules_are_cut(product, settings, said):
    assert plan.way(product, settings) == said


def test_an_empty_plan_is_a_plan(tmp_path):
    assert plan.of_product(table(name_of()).head(0), tmp_path)["granules"] == 0


def test_footprints_are_drawn_where_they_are_known(standin, held, archive):
    held(cycles=(5, 6))
    found = archive.search("atl06", HERE, YEAR)
    found.loc[0, "geometry"] = None
    (feature,) = plan.footprints(found)["features"]
    assert feature["properties"]["file_name"] == found["file_name"][1] and feature["geometry"]["coordinates"]


def test_the_check_of_access_tells_good_from_missing(standin, held, tmp_path, monkeypatch):
    held()
    endpoints = {"cmr": "https://cmr.earthdata.nasa.gov"}
    found = {name: (said, good) for name, said, good in access.checks(endpoints, tmp_path / "resources")}
    assert found["catalogue"][1] and "release 006" in found["catalogue"][0]
    assert not found["login"][1] and "an account is free" in found["login"][0]
    monkeypatch.setenv("EARTHDATA_TOKEN", "a.b.c")
    standin.fault("cmr_503")
    found = {name: (said, good) for name, said, good in access.checks(endpoints, tmp_path / "resources")}
    assert found["login"] == ("a token (its end is not stated; not tried on a file)", True)
    assert not found["catalogue"][1] and "status 503" in found["catalogue"][0]
