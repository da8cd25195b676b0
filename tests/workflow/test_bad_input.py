"""What a user can get wrong: one clear line each, an exit code that is not 0, nothing finished lost."""

from __future__ import annotations

import shutil

import pytest
from tests.workflow.workflow_runs import TINY

LABEL = "austfonna-simulated-tiny"
# a study of the user's own granules, which are the simulated ones of the finished study
MINE = """
title: My glacier
archive: directory
region: {bbox: [23, 79.5, 26, 80]}
period: [2019-01-01, 2021-01-01]
products:
  atl06: {cycles: [3, 7], filter: standard, variables: [h_li, h_li_sigma]}
figures: {names: [extent]}
"""
BROKEN = {
    "ATL06_20190504050600_05490303_007_01.h5": "truncated",
    "ATL06_20200501114513_05490703_007_01.h5": "empty",
    "ATL06_20200501131930_05500703_007_01.h5": "HTML",
}


@pytest.fixture
def mine(flow):
    """The workflow with a study `mine` beside those that come with it."""
    (flow / "config" / "studies" / "mine.yaml").write_text(MINE)
    return flow


def refused(done, *words):
    """The run stopped, and gives exactly one reason, which says all these words."""
    assert done.code != 0, done.text
    assert len(done.reasons) == 1, done.text
    for word in words:
        assert word in done.reasons[0]
    assert "Traceback" not in done.text
    return True


@pytest.mark.parametrize(
    ("directory", "words"),
    [
        ("nowhere", ("nowhere", "no such folder", "directory=")),
        ("Makefile", ("Makefile", "file where a folder")),
        ("config", ("no atl06 granule", "region", "cycles 3, 7", "another folder")),
    ],
)
def test_folder_without_granules(mine, directory, words):
    done = mine.run("mine", archive="directory", directory=directory)
    assert refused(done, *words)
    assert not (mine / "results/mine/atl06/granules.parquet").exists()


def test_broken_granules_stop_the_study_or_are_counted(mine, finished, tmp_path):
    """Two good granules and three broken ones: named with their reasons, left out where the study allows it."""
    granules = tmp_path / "granules"
    shutil.copytree(finished / "resources/archive/simulated/austfonna-tiny/atl06", granules)
    good = sorted(granules.glob("*.h5"))
    first, second, third = (granules / name for name in BROKEN)
    first.write_bytes(good[0].read_bytes()[:100_000])
    second.write_bytes(b"")
    third.write_text("<!DOCTYPE html><html><body>Please log in</body></html>")

    done = mine.run("mine", archive="directory", directory=str(granules))
    assert refused(done, "3 of 5 granules failed", "max_failed allows 0", *(name.split(".")[0] for name in BROKEN))
    kept = mine.digests("mine")
    assert {"atl06/ledger/cycle03.parquet", "atl06/points/cycle07.parquet"} <= set(kept)
    assert not (mine / "results/mine/report.html").exists()

    done = mine.run("mine", archive="directory", directory=str(granules), max_failed="null")
    assert done.code == 0, done.text
    assert "granules: 5 found, 2 used, 3 failed" in done.text
    page = (mine / "results/mine/report.html").read_text("utf-8")
    assert all(name.split(".")[0] in page for name in BROKEN)
    assert not {"fetch_granules", "subset_points", "query_granules"} & set(done.jobs)
    assert {name: value for name, value in mine.digests("mine").items() if name in kept} == kept


def test_results_path_that_is_a_file(flow):
    (flow / "notes").write_text("no folder")
    done = flow.run("austfonna", results="notes", **TINY)
    assert done.code != 0
    assert "results: notes: notes is a file where a folder is expected" in done.text
    assert (flow / "notes").read_text() == "no folder"


def test_published_results_that_are_not_there_are_told_before_the_study_runs(flow):
    done = flow.run("--dry-run", "verify_austfonna", published="nowhere.crate.zip", **TINY)
    assert done.code != 0
    assert "published: nowhere.crate.zip: is not there; name a study's results or a bundle of them" in done.text


def test_disk_that_fills_up(copy_of_finished):
    """A file that may not grow as large as the result: one line, no half-written file, and the next run mends it."""
    flow = copy_of_finished
    before = flow.digests(LABEL)
    target = f"results/{LABEL}/atl06/points/cycle03.parquet"
    (flow / target).unlink()
    done = flow.run(target, file_limit=100_000, **TINY)
    assert refused(done, "cycle03.parquet", "could not be written", "free space")
    assert flow.unfinished() == [] and not (flow / target).exists()
    done = flow.run(target, **TINY)
    assert done.code == 0, done.text
    assert flow.digests(LABEL) == before


def test_unknown_key_typed(flow):
    done = flow.run("austfonna", archive="simulated", sise="tiny")
    assert done.code != 0
    assert "--config sise: unknown key; did you mean size?" in done.text
    assert "Traceback" not in done.text


def test_unknown_archive(flow):
    done = flow.run("austfonna", archive="simulatd")
    assert done.code != 0
    assert "--config archive: got 'simulatd'; did you mean simulated?" in done.text


def test_mistake_in_a_study_file_names_file_key_value_and_remedy(mine):
    path = mine / "config" / "studies" / "mine.yaml"
    path.write_text(MINE.replace("2019-01-01, 2021-01-01", "2021-01-01, 2019-01-01"))
    done = mine.run("mine")
    assert done.code != 0
    line = next(line for line in done.text.splitlines() if "mine.yaml: " in line)
    assert "period" in line and "2019-01-01" in line and "2021-01-01" in line


def test_unknown_study(flow):
    """The nearest name is offered, for a study, a command of one, and a file of its results."""
    done = flow.run("austfona", **TINY)
    assert done.code != 0 and "austfona: no such target; did you mean austfonna?" in done.text
    assert "Traceback" not in done.text
    done = flow.run("austfonna", "-n", "--forcerun", "fit_ratess", **TINY)
    assert done.code != 0 and "fit_ratess: no such target; did you mean fit_rates?" in done.text
    done = flow.run("results/austfonna/report.html", **TINY)
    assert done.code != 0 and f"did you mean results/{LABEL}/report.html?" in done.text
    assert "KeyError" not in done.text


def test_broken_study_file_stops_no_other_study(copy_of_finished):
    """
    The other studies run, and the target `all` ends with the error of the broken one, in one line.

    Whoever asks for the broken study gets the same error.
    """
    flow = copy_of_finished
    for other in set((flow / "config" / "studies").glob("*.yaml")) - {flow / "config" / "studies" / "austfonna.yaml"}:
        other.unlink()
    (flow / "config" / "studies" / "mine.yaml").write_text(MINE.replace("title", "titel"))
    said = "mine.yaml: titel: unknown key; did you mean title?"
    done = flow.run("all", **TINY)
    assert refused(done, said)
    assert done.jobs.get("refuse_studies") == 1 and (flow / "results" / LABEL / ".concluded").exists()
    assert next(line for line in done.text.splitlines() if said in line).startswith("left out: ")
    for target in ("mine", "plan_mine", "results/mine/report.html"):
        done = flow.run("--dry-run", target, **TINY)
        assert done.code != 0
        assert done.text.rstrip().splitlines()[-1].endswith(said)


def test_figures_of_a_study_are_listed(flow):
    done = flow.run("figures_steenstrup")
    assert done.code == 0, done.text
    drawn, _, others = done.text.partition("others,")
    assert "repeat_pair  " in drawn and "speed_map  " in others and "repeat_pair  " not in others
