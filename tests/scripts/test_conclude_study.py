"""The end of a study: what it says, what is an error, and that its folder holds what its file says."""

from __future__ import annotations

import pandas as pd
import pytest

import conclude_study
from nunatak import checks, study
from nunatak.archives.whereabouts import whereabouts
from nunatak.checks.study import values_found
from nunatak.files.tables import write_table
from nunatak.granules import ledger
from nunatak.results import reading, targets
from nunatak.runtime import NunatakError

STUDY = """title: A test
archive: directory
region: {bbox: [23, 79.5, 26, 80]}
period: [2019-01-01, %s]
products: {%s}
figures: {formats: [png]}
"""
MORE, LESS = STUDY % ("2021-01-01", "atl06: {}, atl11: {}"), STUDY % ("2019-06-30", "atl06: {}")


@pytest.fixture
def ended(tmp_path):
    """A function that ends a study whose granules of ATL06 came to these ends; `n` values are in its results."""

    def end(*statuses, n=1, policy="fail", failed=()):
        base = tmp_path / "study"
        (base / "atl06" / "ledger").mkdir(parents=True, exist_ok=True)
        granules = pd.DataFrame(
            {
                "granule_id": [f"g{k}" for k in range(len(statuses))],
                "geometry": [
                    f"POLYGON(({w} 79, {w + 1} 79, {w + 1} 80, {w} 79))" for w in range(20, 20 + len(statuses))
                ],
                "time_start": pd.to_datetime(["2019-03-30"] * len(statuses)),
                "time_end": pd.to_datetime(["2019-04-02"] * len(statuses)),
            }
        )
        write_table(granules, base / "atl06" / "granules.parquet")
        rows = [{"granule_id": f"g{k}", "path": "", "status": status} for k, status in enumerate(statuses)]
        write_table(ledger(rows), base / "atl06" / "ledger" / "cycle03.parquet")
        found = [*values_found({"heights": n}), *(checks.at_most(name, 2, 1, "m", "too large") for name in failed)]
        checks.write_checks(found, base / "checks.json", source="directory")
        (base / "summary.txt").write_text("A test\n")
        conclude_study.main(
            base / "checks.json",
            base / "report.html",
            base / "summary.txt",
            [base / "atl06" / "granules.parquet"],
            [base / "atl06" / "ledger" / "cycle03.parquet"],
            policy=policy,
            makes=["atl06"],
            possible=targets.possible(),
        )

    return end


def test_a_study_with_a_result_ends_well(ended, capsys):
    ended("present", "outside")
    assert capsys.readouterr().err == "A test\n"


def test_failed_checks_fail_a_study_that_asks_for_it(ended):
    """Every one is named, with where to read about it and how to go on."""
    said = r"checks\.json: 2 checks failed: volume, crs; see .*report\.html, or set checks: warn in the study"
    with pytest.raises(NunatakError, match=said):
        ended("present", failed=("volume", "crs"))


def test_failed_checks_are_told_where_they_only_warn(ended, capsys):
    ended("present", failed=("volume",), policy="warn")
    assert "checks.json: 1 checks failed: volume; see" in capsys.readouterr().err


@pytest.mark.parametrize("policy", ["fail", "warn"])
def test_nothing_found_in_the_region_is_an_error_that_says_where_the_granules_lie(ended, policy):
    said = (
        r"the study has no result: atl06: 2 outside; they lie at longitude 20.00 to 22.00, latitude 79.00 to 80.00, "
        r"2019-03-30 to 2019-04-02: move or widen region and period"
    )
    with pytest.raises(NunatakError, match=said):
        ended("outside", "outside", n=0, policy=policy)


def test_heights_that_are_all_filtered_out_are_no_result(ended):
    with pytest.raises(NunatakError, match="no value is left in the region, the period and the filters"):
        ended("present", n=0, policy="warn")


def test_places_and_times_that_nobody_knows():
    assert whereabouts(pd.DataFrame({"geometry": [None], "time_start": [pd.NaT]})) == "places and times unknown"


@pytest.fixture
def changed(tmp_path):
    """Every file of a study of two products, and what it makes after its file lost one and most of the period."""
    loaded = []
    for number, text in enumerate((MORE, LESS)):
        path = tmp_path / f"{number}" / "mine.yaml"
        path.parent.mkdir()
        path.write_text(text, "utf-8")
        loaded.append(targets.everything(study.load(path)))
    folder = tmp_path / "mine"
    for path in [*loaded[0], "notes.txt", "atl06/lists/cycle03.csv", "atl06/points/cycle03.mine.csv"]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    return folder, *loaded


def test_what_a_changed_study_no_longer_makes_is_found(changed):
    """Chunks of cycles outside the new period, files and figures of the product that went; the user's own stay."""
    folder, before, after = changed
    old = reading.obsolete(folder, after, **targets.possible())
    assert set(old) == set(before) - set(after)
    assert {"atl06/points/cycle07.parquet", "atl11/rates.parquet", "figures/atl11_profile.png"} <= set(old)
    assert reading.obsolete(folder, before, **targets.possible()) == []


def test_old_results_are_moved_beside_the_folder_with_a_line(changed, capsys):
    folder, _, after = changed
    conclude_study.tidy(folder, after, targets.possible())
    left = {p.relative_to(folder).as_posix() for p in folder.glob("atl06/points/*.parquet")}
    assert left == {path for path in after if path.startswith("atl06/points/")} and len(left) == 4
    assert not (folder / "atl11").exists() and (folder / "notes.txt").exists()
    assert (folder.parent / "mine.obsolete/atl11/rates.parquet").read_text() == "atl11/rates.parquet"
    said = capsys.readouterr().err
    assert "the study no longer makes atl06/" in said and f"moved to {folder}.obsolete" in said
    conclude_study.tidy(folder, after, targets.possible())
    assert capsys.readouterr().err == ""
    # narrowed again: what was moved before stays where it is
    conclude_study.tidy(folder, after[:-1], targets.possible())
    assert f"moved to {folder}.obsolete-2" in capsys.readouterr().err
    assert (folder.parent / "mine.obsolete-2" / after[-1]).exists() and not (folder / after[-1]).exists()
    assert (folder.parent / "mine.obsolete/atl11/rates.parquet").read_text() == "atl11/rates.parquet"


def test_years_of_image_pairs_that_are_not_asked_for_any_more(tmp_path):
    """Layers of a year go with the year; those of a year in shares stay."""
    for year in ("2014", "2015"):
        (tmp_path / "velocity/years" / year).mkdir(parents=True)
        (tmp_path / "velocity/years" / year / "layers.bin").write_text("")
    makes = ["velocity/cube.zarr", "itslive/ledger/2015-1of2.parquet", "itslive/ledger/2015-2of2.parquet"]
    assert reading.obsolete(tmp_path, makes, **targets.possible()) == ["velocity/years/2014/layers.bin"]
