"""The tiny Austfonna study on simulated granules, from one command to its report."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser

import h5py
import pyarrow.parquet as pq
import pytest
from tests.conftest import ROOT
from tests.workflow.workflow_runs import TINY

from nunatak import study

LABEL = "austfonna-simulated-tiny"
FIGURES = study.load(ROOT / "config/studies/austfonna.yaml", overrides=TINY).figure_names


@pytest.fixture(scope="module")
def results(finished):
    return finished / "results" / LABEL


def read_csv(path):
    lines = [line for line in path.read_text("utf-8").splitlines(keepends=True) if not line.startswith("#")]
    return list(csv.DictReader(io.StringIO("".join(lines))))


def test_run_needs_no_network(finished):
    assert not finished.network.exists(), finished.network.read_text()


def test_run_ends_with_five_lines(finished):
    """Study, granules, numbers, checks, report: after the last stage, one line each."""
    _, _, told = finished.said.text.partition("concluding\n")
    lines = told.splitlines()[:5]
    assert lines[0] == "Austfonna ice cap, Svalbard (SIMULATED)"
    assert [line.split(":")[0] for line in lines[1:]] == ["granules", "numbers", "checks", "report"]
    assert re.fullmatch(r"granules: (\d+) found, \1 used, 0 failed", lines[1])
    assert lines[4] == f"report: results/{LABEL}/report.html"


def test_run_says_which_stage_runs(finished):
    for stage in ("simulating atl15 granules", "fetching atl06 cycle03", "mapping the height change", "drawing extent"):
        assert f": {stage}\n" in finished.said.text
    assert "steps (100%) done" in finished.said.text
    assert "Warning" not in finished.said.text and "Error" not in finished.said.text


def test_report_carries_the_banner_and_everything_in_it(results):
    page = (results / "report.html").read_text("utf-8")
    assert "SIMULATED" in page
    for name in ("checks", "provenance", "cite"):
        assert name in page.lower()
    said = {name: json.loads((results / "figures" / f"{name}.json").read_text("utf-8")) for name in FIGURES}
    empty = [name for name in FIGURES if "not_drawn" in said[name]]
    assert empty == ["crossovers"], "a single track of ATL06 crosses none"
    assert page.count("data:image/png;base64,") == len(FIGURES) - len(empty) and "figure crossovers" in page
    assert "SIMULATED" in (results / "elevation_change.html").read_text("utf-8")


def test_pages_load_nothing_from_elsewhere(results):
    for page in results.glob("*.html"):
        assert not outside(page.read_text("utf-8")), page.name


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_there_with_their_numbers_and_the_mark(results, name):
    assert (results / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert (results / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    sidecar = json.loads((results / "figures" / f"{name}.json").read_text("utf-8"))
    assert sidecar["nunatak_source"] == "SIMULATED"


def test_figures_are_the_ones_of_the_study(results):
    assert {path.stem for path in (results / "figures").iterdir()} == set(FIGURES)
    kinds = {
        "extent",
        "height_change_region",
        "height_change_focus",
        "height_change_series",
        "change_by_elevation",
        "transect_across",
        "repeat_pair",
    }
    assert kinds <= set(FIGURES)


def test_every_check_passed(results):
    found = json.loads((results / "checks.json").read_text("utf-8"))["checks"]
    assert len(found) >= 10
    assert [check["name"] for check in found if check["status"] == "failed"] == []
    assert any("truth" in check["name"] for check in found)


def test_provenance_names_every_granule_and_every_result(results):
    told = json.loads((results / "provenance.json").read_text("utf-8"))
    assert told["archive"] == "simulated"
    asked = {
        name for path in results.glob("*/granules.parquet") for name in pq.read_table(path)["file_name"].to_pylist()
    }
    assert {granule["file_name"] for granule in told["granules"]} == asked
    assert all(re.fullmatch("[0-9a-f]{64}", granule["sha256"]) for granule in told["granules"])
    assert {"atl15/height_change.nc", "atl15/region_change.csv"} <= set(told["results"])


def test_granules_in_are_granules_out_with_a_reason(results):
    """Every granule found is in one list and one ledger, and the counts add up to all of them."""
    for table in results.glob("*/granules.parquet"):
        found = sorted(pq.read_table(table)["granule_id"].to_pylist())
        listed = sorted(row["granule_id"] for path in table.parent.glob("lists/*.csv") for row in read_csv(path))
        ended = sorted(
            g for path in table.parent.glob("ledger/*.parquet") for g in pq.read_table(path)["granule_id"].to_pylist()
        )
        assert found == listed == ended
        counts = read_csv(table.parent / "counts.csv")
        assert sum(int(row["granules"]) for row in counts) == len(found)
        assert all(row["reason"] for row in counts if row["status"] != "present")


def test_every_file_says_that_it_is_simulated(results):
    with h5py.File(results / "atl15" / "height_change.nc") as file:
        said = {group.attrs["nunatak_source"] for group in file.values() if "nunatak_source" in group.attrs}
    assert said <= {"SIMULATED", b"SIMULATED"}
    for path in (*results.rglob("*.parquet"), *results.rglob("*.csv")):
        if "lists" not in path.parts and path.name != "counts.csv":
            assert b"SIMULATED" in path.read_bytes(), path


def test_nothing_half_written_is_left(finished):
    assert finished.unfinished() == []


def test_second_run_has_nothing_to_do(finished):
    before = finished.digests(LABEL)
    done = finished.run("austfonna", **TINY)
    assert done.code == 0 and "Nothing to be done" in done.text, done.text
    assert finished.digests(LABEL) == before


def test_report_of_snakemake_holds_figures_and_loads_nothing(finished, tmp_path):
    page = tmp_path / "snakemake.html"
    done = finished.run("austfonna", "--report", str(page), **TINY)
    assert done.code == 0, done.text
    text = page.read_text("utf-8")
    assert not outside(text)
    for name in (*FIGURES, "report.html", "elevation_change.html"):
        assert name in text
    caption = json.loads((finished / "results" / LABEL / "figures" / "extent.json").read_text("utf-8"))["caption"]
    assert re.split(r"[^\w ,]", caption)[0] in text  # words that no format writes in another way
    assert LABEL in text  # the category


class Loads(HTMLParser):
    """What a page would load: addresses of scripts, style sheets, images, frames."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        address = given.get("src") or (given.get("href") if tag == "link" else None)
        if tag in ("script", "link", "img", "iframe", "source", "embed") and address:
            self.found.append(address)


def outside(text):
    """Addresses a page would load from elsewhere."""
    page = Loads()
    page.feed(text)
    return [address for address in page.found if not address.startswith(("data:", "#", "blob:"))]


def test_a_result_that_was_deleted_is_made_again_with_what_follows_from_it(copy_of_finished):
    """Of whatever stage; and the study is as it was."""
    flow, base = copy_of_finished, copy_of_finished / "results" / LABEL
    before = flow.digests(LABEL)
    assert "Nothing to be done" in flow.run("austfonna", "-n", **TINY).text
    stages = {
        "atl06/points/cycle03.parquet": "subset_points",
        "atl15/map_change.tif": "map_height_change",
        "atl15/region_change.csv": "sum_height_change",
        "elevation_change.html": "render_notebook",
    }
    for path, rule in stages.items():
        content = (base / path).read_bytes()
        (base / path).unlink()
        planned = flow.run("austfonna", "-n", **TINY)
        assert planned.jobs[rule] >= 1 and planned.jobs["conclude_study"] == 1, planned.text
        (base / path).write_bytes(content)
    picture = base / "figures" / f"{FIGURES[0]}.png"
    picture.unlink()
    done = flow.run("austfonna", **TINY)
    assert done.code == 0 and done.jobs["plot_figure"] == 1, done.text
    assert flow.digests(LABEL) == before
