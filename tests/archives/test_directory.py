"""A folder of granules as an archive: what is found, what is noticed, what is opened."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pandas as pd
import pytest
from tests.builders.tiny_granules import BROKEN, START, atl06, name_of, without_segments

from nunatak.archives import EmptyAnswer
from nunatak.archives.archive import Filters, source_of
from nunatak.archives.local import index
from nunatak.archives.local.directory import DirectoryArchive
from nunatak.archives.opening import open_archive
from nunatak.geometry import region
from nunatak.granules.lists import check_failures, read_list
from nunatak.parameters.archives import ARCHIVES
from nunatak.products import atl06 as atl06_reader
from nunatak.runtime import NunatakError
from nunatak.study.period import Period

STEENSTRUP = region.load({"bbox": [-35, 66, -34, 67]}, name="steenstrup")
YEARS = Period.model_validate(["2019-01-01", "2021-12-31"])


@pytest.fixture
def archive(tmp_path):
    """An archive of the folder tmp_path/granules."""
    (tmp_path / "granules").mkdir()
    return DirectoryArchive(tmp_path / "granules", tmp_path / "index")


def search(archive, *, where=STEENSTRUP, when=YEARS, product="atl06", **filters):
    return archive.search(product, where, when, Filters(**filters))


def test_the_real_folder(data, tmp_path):
    """Region and period leave the repeat pair of Steenstrup Glacier; the folder is not touched."""
    archive = open_archive("directory", {"directory": data("real"), "resources": tmp_path})
    table = search(archive)
    assert list(table["rgt"]) == [627, 627] and list(table["cycle"]) == [5, 13]
    assert table["file_name"].is_monotonic_increasing
    assert list(table["url"]) == [f"ATL06/processed_{name}" for name in table["file_name"]]
    assert [p.name for p in (tmp_path / "index").glob("*.parquet")] == [archive.index_path.name]
    everywhere = search(archive, where=None, when=None)
    # one of the 22 is an older release of another
    assert len(everywhere) == 21
    assert [n for n in everywhere.attrs["notes"] if "later release" in n] == [
        "ATL06/ATL06_20181014001049_02350102_001_01.h5: set aside for ATL06/ATL06_20181014001049_02350102_003_01.h5, "
        "which is a later release"
    ]


def test_a_second_search_opens_nothing(archive):
    for cycle in (5, 6, 7):
        atl06(archive.root, name_of(cycle=cycle))
    update = lambda: index.update(archive.root, archive.index_path).attrs  # noqa: E731
    assert update()["opened"] == 3
    assert update()["opened"] == 0
    atl06(archive.root / "new", name_of(cycle=8))
    assert update()["opened"] == 1
    os.utime(archive.root / name_of(cycle=5), ns=(1, 1))
    assert update()["opened"] == 1
    (archive.root / name_of(cycle=6)).unlink()
    assert update() == {"opened": 0, "vanished": [name_of(cycle=6)]}
    assert update() == {"opened": 0, "vanished": []}


def test_many_processes_give_the_index_of_one(archive, monkeypatch, tmp_path):
    for cycle in range(1, 9):
        atl06(archive.root, name_of(cycle=cycle))
    one = index.update(archive.root, tmp_path / "one.parquet", workers=1)
    monkeypatch.setattr(index, "_FEW", 1)
    monkeypatch.setattr(index, "_BATCH", 3)
    two = index.update(archive.root, tmp_path / "two.parquet", workers=2)
    pd.testing.assert_frame_equal(one, two)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_a_stopped_run_keeps_what_it_has_read(archive, monkeypatch):
    for cycle in (1, 2, 3):
        atl06(archive.root, name_of(cycle=cycle))
    monkeypatch.setattr(index, "_BATCH", 2)
    save, saved = index._save, []

    def stop(table, path):
        save(table, path)
        saved.append(len(table))
        raise KeyboardInterrupt

    monkeypatch.setattr(index, "_save", stop)
    with pytest.raises(KeyboardInterrupt):
        search(archive)
    monkeypatch.setattr(index, "_save", save)
    assert saved == [2]
    assert index.update(archive.root, archive.index_path).attrs["opened"] == 1


def test_an_index_that_cannot_be_believed_is_made_anew(archive):
    atl06(archive.root)
    search(archive)
    archive.index_path.write_bytes(b"PAR1 and then nothing")
    assert len(search(archive)) == 1


def test_a_vanished_granule_is_named_by_the_next_search(archive):
    atl06(archive.root)
    gone = atl06(archive.root, name_of(cycle=6))
    search(archive)
    gone.unlink()
    assert any(note.startswith(f"{gone.name}: gone since the last look") for note in search(archive).attrs["notes"])


def test_filters(archive):
    for rgt, cycle, version in ((627, 5, "006"), (627, 6, "006"), (628, 5, "006"), (627, 5, "005")):
        atl06(archive.root, name_of(rgt=rgt, cycle=cycle, version=version))
    names = lambda **filters: list(search(archive, **filters)["granule_id"].str[21:])  # noqa: E731
    assert names() == ["06270503_006_01", "06270603_006_01", "06280503_006_01"]
    assert names(rgt=(628,)) == ["06280503_006_01"]
    assert names(cycles=(6, 7)) == ["06270603_006_01"]
    assert names(version="005") == ["06270503_005_01"]
    with pytest.raises(EmptyAnswer, match=r"no atl06 granule .* region_numbers 4; of 4 .* 4 other region number"):
        names(region_numbers=(4,))


def test_an_unknown_release_is_told_which_there_are(archive):
    atl06(archive.root)
    with pytest.raises(EmptyAnswer, match=r"version 009; of 1 \(releases 006\) 1 other release"):
        search(archive, version="009")


def test_no_granules_is_one_line_with_the_question_and_the_remedy(archive):
    with pytest.raises(EmptyAnswer) as empty:
        search(archive)
    assert str(empty.value) == (
        f"directory {archive.root}: no atl06 granule in steenstrup (-35, 66, -34, 67), {YEARS}; there is no atl06 "
        "granule at all: name another folder or archive"
    )
    atl06(archive.root, lon=20, lat=80)
    with pytest.raises(
        EmptyAnswer, match=r"of 1 \(releases 006\) 1 outside the region; they lie at longitude 19.99 to 20.06"
    ):
        search(archive)
    with pytest.raises(EmptyAnswer, match="1 outside the period"):
        search(archive, when=Period.model_validate(["2020-01-01", "2020-12-31"]))


def test_the_months_of_a_period(archive):
    atl06(archive.root)  # November
    assert len(search(archive, when=Period.model_validate({"years": [2019, 2020], "months": [11]}))) == 1
    with pytest.raises(EmptyAnswer, match="1 outside the period"):
        search(archive, when=Period.model_validate({"years": [2019, 2020], "months": [10]}))


def test_the_end_of_a_period_does_not_belong_to_it(archive):
    atl06(archive.root, n=1)
    start = str(START.astype("datetime64[s]"))
    assert len(search(archive, when=Period.model_validate([start, "2020-01-01"]))) == 1
    with pytest.raises(EmptyAnswer, match="outside the period"):
        search(archive, when=Period.model_validate(["2019-01-01", start]))


def test_of_several_copies_the_best_is_used_and_the_others_are_named(archive):
    """The whole granule before a subset, a file that opens before a broken one of the same release."""
    atl06(archive.root / "whole")
    atl06(archive.root / "subset", f"processed_{name_of()}", n=10)
    broken = atl06(archive.root / "broken", n=80)
    broken.write_bytes(broken.read_bytes()[:-500])
    table = search(archive)
    assert list(table["url"]) == [f"whole/{name_of()}"]
    aside = [note for note in table.attrs["notes"] if "set aside" in note]
    assert aside == [
        f"subset/processed_{name_of()}: set aside for whole/{name_of()}, which holds more of the granule",
        f"broken/{name_of()}: set aside for whole/{name_of()}, which can be opened",
    ]


def test_a_renamed_copy_does_not_displace_the_granule(archive):
    """Its name says another track, so that reading refuses it; the good granule is used though the copy sorts first."""
    good = atl06(archive.root / "b", stated=name_of(), orbit=(627, 5))
    renamed = archive.root / "a" / name_of(rgt=628)
    renamed.parent.mkdir()
    renamed.write_bytes(good.read_bytes() + b"more")
    table = search(archive)
    assert list(table["url"]) == [f"b/{name_of()}"]
    assert (
        f"a/{name_of(rgt=628)}: set aside for b/{name_of()}, which has the granule's own name" in table.attrs["notes"]
    )


def test_a_release_from_before_the_launch_does_not_displace_a_later_one(archive):
    """Release 209 came before 001, though its number is the larger one."""
    for version in ("209", "006"):
        atl06(archive.root / version, name_of(version=version))
    table = search(archive)
    assert list(table["version"]) == ["006"]


def test_quick_looks_are_left_out_unless_asked_for(archive):
    """Named with the remedy; asked for, one is used until the final granule of the pass is there."""
    quick = name_of(product="ATL06QL")
    atl06(archive.root, quick, attributes={"short_name": "ATL06QL"}, stated=quick)
    with pytest.raises(EmptyAnswer, match=r"of 1 \(releases 006\) 1 quick-look \(quick_look: true takes them\)"):
        search(archive)
    used = search(archive, quick_look=True)
    assert list(used["file_name"]) == [quick]
    assert used.attrs["notes"] == [f"1 quick-look granules used ({quick}): their final ones have not come"]
    assert list(archive.fetch(used)["status"]) == ["present"]
    assert len(atl06_reader.read_segments(archive.root / quick)[0]) == 240
    final = name_of(start=START + np.timedelta64(2, "s"))
    atl06(archive.root, final)
    plain = search(archive)
    assert list(plain["file_name"]) == [final]
    assert plain.attrs["notes"] == [f"1 quick-look granules left out ({quick}); quick_look: true takes them"]
    both = search(archive, quick_look=True)
    assert list(both["file_name"]) == [final]
    assert both.attrs["notes"] == [f"{quick}: set aside for {final}, which is the final granule"]


def test_a_subset_of_another_place_does_not_hide_the_right_one(archive):
    """Copies are compared among those that answer the question."""
    atl06(archive.root / "elsewhere", lat=70, n=400)
    atl06(archive.root / "here")
    assert list(search(archive)["url"]) == [f"here/{name_of()}"]


@pytest.mark.parametrize("spoil", [*BROKEN, without_segments], ids=lambda f: f.__name__)
def test_a_broken_granule_is_asked_for_and_fails(archive, spoil):
    """It neither stops the search nor vanishes: the ledger says what is wrong with it, the others are present."""
    atl06(archive.root)
    spoil(atl06(archive.root, name_of(cycle=6)))
    table = search(archive)
    ledger = archive.fetch(table)
    assert list(ledger["status"]) == ["present", "failed"]
    reason = ledger["reason"][1]
    assert BROKEN.get(spoil, "no beam has land_ice_segments") in reason and "\n" not in reason
    assert (archive.root / name_of(cycle=6)).exists()
    with pytest.raises(NunatakError, match=rf"1 of 2 granules failed, max_failed allows 0: .*{name_of(cycle=6)}: "):
        check_failures(ledger, 0)
    assert check_failures([ledger], None) == {"present": 1, "empty": 0, "outside": 0, "failed": 1}


def test_a_granule_without_any_beam_is_empty(archive):
    atl06(archive.root, beams=())
    ledger = archive.fetch(search(archive))
    assert list(ledger["status"]) == ["empty"]


def test_what_changed_between_search_and_fetch_is_named_with_the_remedy(archive):
    """Gone, another size, written again with the same size."""
    paths = [atl06(archive.root, name_of(cycle=cycle)) for cycle in (5, 6, 7, 8)]
    table = search(archive)
    paths[0].unlink()
    atl06(archive.root, name_of(cycle=6), n=60)
    os.utime(paths[2], ns=(1, 1))
    ledger = archive.fetch(table)
    assert list(ledger["status"]) == ["failed", "failed", "failed", "present"]
    for reason, said in zip(ledger["reason"], ("is gone", "changed since", "written again"), strict=False):
        assert said in reason and "snakemake <study> --forcerun query_granules" in reason


def test_the_checksum_is_that_of_the_file(archive):
    """`sha256` of a lock is compared, and one that differs fails."""
    import hashlib

    path = atl06(archive.root)
    table = search(archive)
    ledger = archive.fetch(table)
    assert ledger["sha256"][0] == hashlib.sha256(path.read_bytes()).hexdigest()
    locked = table.assign(checksum="0" * 64, checksum_algorithm="SHA-256")
    assert archive.fetch(locked)["reason"][0].startswith("changed: its SHA-256 begins")


def test_a_folder_named_like_a_granule_fails(archive):
    path = atl06(archive.root)
    table = search(archive)
    path.unlink()
    path.mkdir()
    assert "is a folder where a granule is expected" in archive.fetch(table)["reason"][0]


def test_simulated_granules_in_a_folder_stay_simulated(archive):
    atl06(archive.root, attributes={"nunatak_source": "SIMULATED"})
    table = search(archive)
    assert list(table["source"]) == ["SIMULATED"]
    assert source_of(table, "directory") == "SIMULATED"


def test_a_name_that_lies_is_noted(archive):
    atl06(archive.root, name_of(rgt=628), stated=name_of())
    table = search(archive, rgt=(627,))
    assert table.attrs["notes"] == [f"{name_of(rgt=628)}: rgt: the name says 628, the content 627"]


def test_the_whole_folder_may_move(archive, tmp_path):
    """The granule table holds no path of this machine."""
    atl06(archive.root)
    first = search(archive)
    shutil.copytree(archive.root, tmp_path / "elsewhere")
    second = search(DirectoryArchive(tmp_path / "elsewhere", tmp_path / "index"))
    pd.testing.assert_frame_equal(first, second)


def test_a_list_keeps_its_types(archive, tmp_path):
    """Release 006 is not the number 6, and a missing track stays missing."""
    atl06(archive.root)
    table = search(archive)
    table.to_csv(tmp_path / "list.csv", index=False)
    back = read_list(tmp_path / "list.csv")
    pd.testing.assert_frame_equal(back[table.columns[:16]], table[table.columns[:16]])
    assert back["version"][0] == "006" and isinstance(back["rgt"][0], np.integer)
    (tmp_path / "list.csv").write_text("a,b\n1,2\n")
    with pytest.raises(NunatakError, match="no column file_name"):
        read_list(tmp_path / "list.csv")


def test_an_archive_must_be_known_and_told_its_folder(tmp_path):
    with pytest.raises(NunatakError, match="archive: 'ftp' is not known here; choose earthdata, directory, simulated"):
        open_archive("ftp", {})
    with pytest.raises(NunatakError, match="archive: directory needs to know its folder; add --config directory="):
        open_archive("directory", {"directory": None})


@pytest.mark.parametrize("name", ARCHIVES)
def test_every_archive_of_the_table_opens_with_the_two_verbs(name, tmp_path):
    """A row names a class that is there, with what the rules and scripts call."""
    row = ARCHIVES[name]
    archive = open_archive(name, {"resources": tmp_path, **({row.folder: tmp_path} if row.folder else {})})
    assert callable(archive.search) and callable(archive.fetch)
    assert not (row.made and row.remote)
