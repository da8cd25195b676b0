"""The front page: parses, says what was found and what failed, and marks what is simulated."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

import write_report
from nunatak.files.tables import read_table
from nunatak.geometry.region import Simplification
from nunatak.reports import files, front, height_tables
from nunatak.results import reading
from nunatak.runtime import NunatakError


class Page(HTMLParser):
    """Checks that tags nest, and collects text and addresses."""

    VOID = frozenset({"meta", "img", "input", "br", "link", "hr"})

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.addresses, self.tags = [], [], [], []
        self.feed(text)
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="session")
def report(made, provenance, one_figure):
    """The page as the script writes it, and the summary."""
    inputs = {
        **made.inputs,
        "provenance": str(provenance),
        "figures": [one_figure[0]],
        "pages": [str(made.base / "elevation_change.html")],
    }
    page, summary = made.base / "report.html", made.base / "summary.txt"
    write_report.main(inputs, page, summary, study=made.study, references=made.inputs["references"])
    return page.read_text("utf-8"), summary.read_text("utf-8"), inputs


def test_the_page_parses_and_needs_no_other_file(report):
    page = Page(report[0])
    assert page.tags.count("script") == 1
    assert "link" not in page.tags
    loaded = re.findall(r'src="(?!data:)[^"]+"', report[0])
    assert loaded == []


def test_simulated_results_have_a_banner(report):
    assert "SIMULATED DATA: every granule" in Page(report[0]).words


def test_real_results_have_none(made, provenance, one_figure):
    content = front.compose(
        made.study,
        references=[],
        **files.front_material({**made.inputs, "provenance": str(provenance), "figures": [one_figure[0]], "pages": []})
        | {"simulated": False},
    )
    assert "SIMULATED" not in Page(front_html(content)).words


def front_html(content):
    from nunatak.reports import front_page

    return front_page(content, title="An ice cap", simulated=False)


def test_every_part_is_there(report):
    words = Page(report[0]).words
    for part in (
        "What was asked",
        "What was found",
        "Height and volume change",
        "Repeat pairs",
        "Figures",
        "Checks",
        "Provenance",
        "How to cite",
    ):
        assert part in words


def test_titles_and_reasons_cannot_inject_markup(report):
    assert "<made up>" not in report[0]
    assert "An ice cap &lt;made up&gt;" in report[0]
    assert "&lt;fetch&gt; it again" in report[0]


def test_failed_granules_stand_first_with_their_reason(made):
    counts = files.front_material({**made.inputs, "provenance": nothing(made), "figures": [], "pages": []})["counts"]
    atl06 = next(c for c in counts if c.product == "atl06")
    assert (atl06.found, atl06.present, atl06.empty, atl06.outside, atl06.failed) == (2, 0, 1, 0, 1)
    assert atl06.reasons[0][1:] == ("failed", "holds no bytes (0); <fetch> it again")


def test_found_counts_what_the_archive_had():
    """Five pairs in the archive, two of them wanted, one used: found is the sum of all outcomes."""
    granules = pd.DataFrame({"version": ["02", "02"]})
    outcome = pd.DataFrame(
        {
            "granule_id": ["a", "b"],
            "status": ["present", "failed"],
            "reason": [None, "cut"],
            "size_bytes": [7, 0],
        }
    )
    left_out = pd.DataFrame({"why": ["months: mid-date in June", "months: mid-date in May", "duplicate: of a"]})
    count = front.count_product("itslive", granules, outcome, left_out)
    assert (count.found, count.unwanted, count.present, count.failed) == (5, 3, 1, 1)
    assert count.reasons[1:] == [("1 granule", "not wanted", "duplicate"), ("2 granules", "not wanted", "months")]
    assert front.count_product("itslive", granules, outcome).found == 2


def test_what_a_tolerance_did_to_an_outline_is_told(made):
    """Of the region and of a further one: the tolerance, the vertices, and by how much the area changed."""
    did = Simplification(tolerance=200.0, vertices_before=912, vertices_after=61, area_before=500.0, area_after=498.0)
    region = replace(study_region(made), simplification=did)
    rows = dict(front.asked(made.study, region, True, {"surge_basin": did}))
    said = "simplified to within 200 m: 912 vertices became 61, the area changed by −0.4 % (500 to 498 km2)"
    assert rows["outline of the region"] == rows["outline of surge basin"] == said
    assert not [key for key, _ in front.asked(made.study, study_region(made), True) if key.startswith("outline")]


def study_region(made):
    return files.front_material({**made.inputs, "provenance": nothing(made), "figures": [], "pages": []})["region"]


def nothing(made):
    path = made.base / "empty.json"
    path.write_text("{}")
    return str(path)


def test_the_numbers_are_those_of_the_table(made, report):
    last = reading.region_change(made.inputs["region_change"]).iloc[-1]
    words = Page(report[0]).words
    assert f"{abs(last['volume_change']):.1f}" in words
    assert "lost" in words
    assert "Gt" in words


def test_medians_of_repeat_pairs_carry_errors_in_the_table(made):
    """The error of a single pair of segments, beside each beam's median."""
    pairs = files.front_material({**made.inputs, "provenance": nothing(made), "figures": [], "pages": []})["pairs"]
    table = height_tables.pair_table(pairs)
    column = table.heads.index("dh")
    assert [row[column].endswith("± 0.12 m") for row in table.rows] == [True] * 6


def test_cells_too_coarse_for_a_region_are_pointed_out(made):
    """A region of 49 cells is not resolved, one of 50 is."""
    table = reading.region_change(made.inputs["region_change"])
    said = "Fewer than 50 cells do not resolve a region"
    for cells, told in ((49, True), (50, False)):
        notes = height_tables.region_table(table.assign(n_cells=cells)).notes
        assert any(note.startswith(said) for note in notes) is told


def test_the_dataset_of_the_release_is_cited_and_no_other(report):
    words = Page(report[0]).words
    assert "Height Change, Version 5" in words
    assert "Version 4" not in words
    assert "A study of the real ones would cite" in words


def test_the_summary_has_five_lines_with_numbers(report):
    lines = report[1].splitlines()
    assert len(lines) == 5
    assert lines[0] == "An ice cap <made up> (SIMULATED)"
    assert lines[1] == "granules: 3 found, 1 used, 1 failed"
    assert lines[3] == "checks: 1 held, 0 failed, 0 not applicable"
    assert lines[4].endswith("report.html")


def test_equal_results_give_equal_pages(made, report):
    page, summary = made.base / "again.html", made.base / "again.txt"
    write_report.main(report[2], page, summary, study=made.study, references=made.inputs["references"])
    assert page.read_text("utf-8") == report[0]


def test_a_failed_check_is_named_at_the_top(made, provenance, tmp_path):
    from nunatak import checks

    failed = [checks.at_most("lag_closure", 0.2, 0.001, "m/yr", "words")]
    checks.write_checks(failed, tmp_path / "checks.json", source="SIMULATED")
    given = {**made.inputs, "checks": tmp_path / "checks.json", "provenance": str(provenance)}
    material = files.front_material({**given, "figures": [], "pages": []})
    content = front.compose(made.study, references=[], **material)
    assert content.lead[-1] == "Checks: 0 held, 1 failed, 0 not applicable. Failed: lag_closure."
    assert "FAILED" in Page(front_html(content)).words


def test_a_missing_input_is_one_line(made, tmp_path):
    absent = {"regions": made.inputs["regions"], "region_change": tmp_path / "region_change.csv"}
    with pytest.raises(NunatakError, match=r"region_change\.csv: is missing; run the study again"):
        files.figure_data(absent)


def test_provenance_holds_granules_with_checksums_and_no_place(made, provenance):
    text = provenance.read_text()
    content = json.loads(text)
    present = [g for g in content["granules"] if g["status"] == "present"]
    assert present[0]["sha256"] == "ab" * 32
    assert content["products"]["atl15"]["doi"] == "10.5067/ATLAS/ATL15.005"
    assert content["environment"]["packages"]["numpy"]
    assert "/somewhere/private" not in text
    assert str(made.base) not in text


def test_no_variable_of_the_environment_reaches_the_provenance(made, made_and_granules, monkeypatch):
    import collect_provenance

    monkeypatch.setenv("EARTHDATA_TOKEN", "very-secret-token")
    out = made.base / "again.json"
    collect_provenance.main(made_and_granules, out, study=made.study)
    assert "very-secret-token" not in out.read_text()


def test_the_figure_script_marks_and_describes(one_figure):
    sidecar = json.loads(Path(one_figure[2]).read_text())
    assert sidecar["nunatak_source"] == "SIMULATED"
    assert set(sidecar["inputs"]) == {"icecap-simulated/regions.geojson", "atl15/region_change.csv"}
    assert sidecar["numbers"]["region"]["volume_change"]["last"] < 0


def test_the_source_is_simulated_when_one_input_is(made, tmp_path):
    from nunatak.files.tables import write_table

    real = tmp_path / "real.parquet"
    write_table(read_table(made.inputs["repeat_pairs"]), real, attributes={"nunatak_source": "directory"})
    assert files.source_of([real]) == "directory"
    assert files.source_of([real, made.inputs["change"]]) == "SIMULATED"
    assert files.source_of([made.inputs["region_change"]]) == "SIMULATED"
