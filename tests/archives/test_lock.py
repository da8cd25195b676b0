"""The granule lock and the plan: what is written, what is noticed, what is said."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest
from tests.archives.conftest import record_of
from tests.archives.fetching import md5
from tests.builders.tiny_granules import atl06, name_of
from tests.conftest import ROOT

import show_updates
from nunatak import study
from nunatak.archives import lock, plan
from nunatak.archives.archive import Filters
from nunatak.archives.nasa import access
from nunatak.archives.transfer import receipts
from nunatak.geometry import region
from nunatak.geometry.outlines import write_outlines
from nunatak.granules import PRODUCTS, granule_table
from nunatak.granules.lists import check_failures
from nunatak.products.itslive.names import select_names
from nunatak.products.itslive.selection import selection_from
from nunatak.runtime import NunatakError
from nunatak.study.parts import products_settings
from nunatak.study.period import Period

HERE = region.load({"bbox": [-35, 66, -34, 67]}, name="here")
TRUNK = region.load({"bbox": [-102, -75.4, -100, -74.8]}, name="trunk")
YEARS = Period.model_validate(["2018-01-01", "2019-12-31"])
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


def test_a_lock_of_quick_looks_survives_their_final_granules():
    """The final granule takes the quick look's place, with a note, whether the quick look is still there or gone."""
    quick, other = name_of(product="ATL06QL"), name_of(cycle=6)
    final = name_of(start=np.datetime64("2019-11-06T23:02:02", "ns"), version="007")
    locked = table(quick, other)
    for found in (table(final, other), table(quick, final, other)):
        kept = lock.held_against(locked, found, name="the lock")
        assert list(kept["file_name"]) == sorted([final, other])
        assert kept.attrs["notes"] == [f"the lock: {quick} is replaced by its final granule {final}"]
    assert list(lock.differences(locked, table(final, other))["fate"]) == [f"is replaced by its final granule {final}"]
    with pytest.raises(NunatakError, match=f"{quick} is gone"):
        lock.held_against(locked, table(other), name="the lock")


def test_quick_looks_of_the_catalogue(standin, archive, tmp_path):
    """A collection of their own, asked for on request; a lock of one is given the final granule when it is there."""
    quick = name_of(product="ATL06QL")
    elsewhere = atl06(tmp_path / "held", name_of(cycle=4), lat=70.0)
    standin.records += [record_of(elsewhere), record_of(atl06(tmp_path / "held", quick, stated=quick))]
    used = archive.search("atl06", HERE, YEAR, Filters(quick_look=True))
    assert list(used["file_name"]) == [quick]
    assert list(archive.with_finals(used)["file_name"]) == [quick]
    final = name_of(start=np.datetime64("2019-11-06T23:02:02", "ns"))
    standin.records.append(record_of(atl06(tmp_path / "held", final)))
    assert list(archive.search("atl06", HERE, YEAR)["file_name"]) == [final]
    assert list(archive.search("atl06", HERE, YEAR, Filters(quick_look=True))["file_name"]) == [final]
    now = archive.with_finals(used)
    assert list(now["file_name"]) == [final]
    assert now.attrs["notes"] == [f"{quick} is replaced by its final granule {final}"]
    assert archive.successor(used.iloc[0]) == final


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
        name_of(2): f"is superseded by {name_of(2, revision='02')}",
        name_of(3): "is gone",
        name_of(4): "changed (size_bytes 11, was 10)",
        name_of(2, revision="02"): "is new",
        name_of(5): "is new",
    }
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
    assert product["bytes_to_fetch"] == 10 + PRODUCTS["atl06"].typical_bytes and product["years"] == {"2019": 3}
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


@pytest.mark.parametrize("own", ["directory", "simulated"])
def test_a_plan_of_granules_on_this_machine_reads_them_and_fetches_nothing(tmp_path, own):
    """They count as here, the sum is what is read, and neither a line nor room on the disk is spoken of."""
    granules = table(name_of(1), name_of(2))
    cost = plan.of_product(granules, tmp_path)
    product = plan.of_archive("atl06", {"subset": "harmony"}, cost, own)
    assert (product["here"], product["bytes_to_fetch"], product["bytes_to_read"]) == (2, 0, 20)
    whole = plan.whole({"atl06": product}, tmp_path)
    assert (whole["bytes_to_read"], whole["minutes"], whole["fits"]) == (20, 0, True)
    said = plan.lines(whole)
    assert "2 here; read where they lie" in said[0]
    assert said[-1].startswith("to read 0.00 GB") and "fetched" in said[-1] and "MB/s" not in "".join(said)
    elsewhere = plan.of_archive("atl06", {"subset": "harmony"}, cost, "earthdata")
    assert elsewhere["bytes_to_fetch"] == 20 and "bytes_to_read" not in elsewhere
    assert plan.of_archive("atl06", {"fetch": "stream"}, cost, "earthdata")["bytes_to_fetch"] == 0


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
    assert found["image pairs"] == ("https://stac.itslive.cloud answers", True)
    assert found["clients"][1] and "earthaccess 0.1" in found["clients"][0]
    assert not found["login"][1] and "an account is free" in found["login"][0]
    monkeypatch.setenv("EARTHDATA_TOKEN", "a.b.c")
    standin.fault("cmr_503")
    standin.fault("stac_html")
    monkeypatch.setattr(access, "_version", lambda name: "0.19.0" if name == "earthaccess" else "absent")
    monkeypatch.setattr(access, "_LITTLE", 1e18)
    found = {name: (said, good) for name, said, good in access.checks(endpoints, tmp_path / "resources")}
    assert found["login"] == ("a token (its end is not stated; not tried on a file)", True)
    assert not found["catalogue"][1] and "status 503" in found["catalogue"][0]
    assert not found["image pairs"][1] and "did not answer as it should" in found["image pairs"][0]
    assert not found["clients"][1] and "icepyx is absent" in found["clients"][0]
    assert not found["space"][1]
    monkeypatch.setattr(access, "_version", lambda name: "0.19.0")
    assert access._clients()[0].endswith(
        "icepyx does not work with earthaccess 0.19 and later: take requirements.lock or envs/access.yaml"
    )


@pytest.fixture
def told(monkeypatch):
    """What a script tells the person who watches."""
    lines = []
    monkeypatch.setattr(show_updates, "say", lines.append)
    return lines


def update(tmp_path, product, settings):
    write_outlines({"region": TRUNK if product == "itslive" else HERE}, tmp_path / "regions.geojson")
    show_updates.main(
        tmp_path / "regions.geojson",
        tmp_path / "locks",
        products=products_settings({product: settings}),
        archive={"name": "earthdata", "resources": str(tmp_path / "resources"), "endpoints": None},
        period=YEAR if product == "atl06" else YEARS,
    )


def test_an_update_tells_each_granule_that_is_new_gone_changed_or_superseded(standin, held, archive, tmp_path, told):
    held(rgts=(1, 2, 3, 4), checksum=md5)
    lock.write(archive.search("atl06", HERE, YEAR), tmp_path / "locks" / "atl06.csv")
    update(tmp_path, "atl06", {})
    assert told == ["atl06: as in the lock"]
    one, two, three, _ = standin.records
    one.name = one.name.replace("_006_01", "_006_02")
    standin.records.remove(two)
    three.checksum = ("MD5", "0" * 32)
    held(rgts=(5,), checksum=md5)
    told.clear()
    update(tmp_path, "atl06", {})
    assert told[0] == "atl06: 5 granules differ from the lock"
    fates = dict(line.strip().split(" ", 1) for line in told[1:])
    assert fates[name_of(1, revision="01")] == f"is superseded by {name_of(1, revision='02')}"
    assert fates[name_of(2)] == "is gone" and fates[name_of(5)] == "is new"
    assert fates[name_of(3)].startswith(f"changed (checksum {'0' * 32}, was ")


def test_an_update_of_pairs_tells_nothing_of_those_the_study_leaves_out(standin, archive, pairs, tmp_path, told):
    """45 pairs are found, ten a year are wanted: only a pair that would be chosen is news."""
    asked = study.load(ROOT / "config" / "studies" / "pine_island.yaml").products["itslive"].model_dump(mode="json")
    settings = {**asked, "months": None, "max_per_year": 10, "percent_valid_pixels": 1}
    found = archive.search("itslive", TRUNK, YEARS, Filters.of(settings))
    wanted = found[select_names(found, selection_from(settings)) == ""]
    assert 0 < len(wanted) <= 20 < len(found)
    lock.write(wanted, tmp_path / "locks" / "itslive.csv")
    update(tmp_path, "itslive", settings)
    assert told == ["itslive: as in the lock"]


def test_a_locked_study_fails_naming_every_granule_that_is_not_as_it_was(standin, login, held, archive, tmp_path):
    """Gone, superseded and changed in place; the one that is as it was is there, and no other is asked for."""
    made = held(rgts=(1, 2, 3, 4))
    archive.fetch(archive.search("atl06", HERE, YEAR))
    lock.write(archive.search("atl06", HERE, YEAR), tmp_path / "atl06.csv", originals=archive.folder)
    for record in made[:3]:
        (archive.folder / "atl06" / record.name).unlink()
    made[0].name = made[0].name.replace("_006_01", "_006_02")
    standin.records.remove(made[1])
    with h5py.File(made[2].path, "r+") as file:
        file["gt1l/land_ice_segments/h_li"][0] = 1.0
    held(rgts=(5,))
    ledger = archive.fetch(lock.read(tmp_path / "atl06.csv")).set_index("granule_id")
    assert list(ledger["status"]) == ["failed", "failed", "failed", "present"]
    said = list(ledger["reason"])
    assert f"superseded by {made[0].name}" in said[0] and said[1].startswith("gone from the archive (")
    assert said[2].startswith("its SHA-256 begins ")
    with pytest.raises(NunatakError, match=r"3 of 4 granules failed, max_failed allows 0: .*_0001.*_0002.*_0003"):
        check_failures(ledger.reset_index(), 0)
