"""References from the one BibTeX file."""

from __future__ import annotations

from pathlib import Path

import pytest

from nunatak.reports import for_products, read_references
from nunatak.reports.bibliography import topics_of
from nunatak.runtime import NunatakError

BIBLIOGRAPHY = Path(__file__).resolve().parents[2] / "config" / "references.bib"


def test_every_shipped_reference_is_complete():
    references = read_references(BIBLIOGRAPHY)
    assert len({r.key for r in references}) == len(references) >= 8
    for reference in references:
        assert reference.fields["doi"].startswith("10."), reference.key
        assert reference.keywords, reference.key
        assert not set("{}\\") & set(reference.text()), reference.text()


def test_a_data_set_is_cited_in_the_release_used():
    chosen = for_products(read_references(BIBLIOGRAPHY), {"atl15": "004"})
    assert [r.key for r in chosen if r.kind == "misc"] == ["atl15_004"]
    assert chosen[0].kind == "misc"


def test_methods_come_by_topic():
    keys = {r.key for r in for_products(read_references(BIBLIOGRAPHY), {}, topics=("mass",))}
    assert keys == {"huss2013", "medley2022"}


def test_topics_are_those_of_the_study_s_sections():
    keys = {
        r.key for r in for_products(read_references(BIBLIOGRAPHY), {}, topics=topics_of({"dynamics": {"smb": 0.5}}))
    }
    assert keys == {"mankoff2020", "vantricht2021", "bretherton1999"}
    assert topics_of({"mass": {"kind": "glacier"}, "dynamics": None}) == ["mass"]


def test_bedmachine_is_cited_as_the_sheet_whose_release_was_used():
    for release, key in (("006", "bedmachine_greenland_006"), ("004", "bedmachine_antarctica_004")):
        assert [r.key for r in for_products(read_references(BIBLIOGRAPHY), {"bedmachine": release})] == [key]


def test_the_line_names_authors_year_and_doi():
    (huss,) = [r for r in read_references(BIBLIOGRAPHY) if r.key == "huss2013"]
    assert huss.text() == (
        "Huss, M. (2013): Density assumptions for converting geodetic glacier volume change to mass change. "
        "The Cryosphere 7, 877–887. doi:10.5194/tc-7-877-2013"
    )
    assert '<a href="https://doi.org/10.5194/tc-7-877-2013">' in huss.html()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@misc{a, title = {never closed", "line 1: a brace is never closed"),
        ("@misc{a, year = {1999}}", "a: has no title"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path, text, message):
    (tmp_path / "x.bib").write_text(text)
    with pytest.raises(NunatakError, match=message):
        read_references(tmp_path / "x.bib")
