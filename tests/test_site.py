"""The site: every page is found from the first, generated pages are those of the code, and nothing comes from afar."""

from __future__ import annotations

import importlib.util
import re

import pytest

from tests.conftest import ROOT

DOCS = ROOT / "docs"


def _tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tools/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


write_pages, rule_graph, check_site = map(_tool, ("write_pages", "rule_graph", "check_site"))


def below(page):
    """Return the pages that the lists of contents of a page name."""
    for listed in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        for line in filter(None, listed.splitlines()):
            if not line.startswith(":"):
                yield (DOCS / line[1:] if line.startswith("/") else page.parent / line).with_suffix(".md")


def test_every_page_is_reached_from_the_first_one():
    """A page that no list of contents names would be lost."""
    reached, ahead = set(), [DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        assert page.exists(), f"a list of contents names {page.relative_to(DOCS)}, which is not there"
        if page not in reached:
            reached.add(page)
            ahead += below(page)
    pages = {path for path in DOCS.rglob("*.md") if "_build" not in path.parts}
    assert pages - reached == set(), "add these pages to the index of their part"


@pytest.mark.parametrize("page", write_pages.PAGES)
def test_a_generated_page_is_that_of_the_code(page):
    """Run tools/write_pages.py where this fails."""
    assert (ROOT / page).read_text("utf-8") == write_pages.PAGES[page](), f"{page} is behind"


def test_the_drawn_rules_are_those_of_the_workflow():
    """The picture of a study has the rules that Snakemake would run, each once."""
    drawn = (DOCS / "reference/rules_ross_sea.svg").read_text("utf-8")
    rules = {name for arrow in rule_graph.edges("ross_sea") for name in arrow}
    assert sorted(re.findall(r"<text[^>]*>(\w+)<", drawn)) == sorted(rules), "run tools/write_pages.py"


def test_an_arrow_that_a_longer_way_says_is_left_out():
    """Of a to c beside a to b to c nothing is lost, and steps follow the longest way."""
    arrows = {("a", "b"), ("b", "c"), ("a", "c"), ("d", "c")}
    assert rule_graph.reduced(arrows) == {("a", "b"), ("b", "c"), ("d", "c")}
    assert [set(step) for step in rule_graph.steps(arrows)] == [{"a", "d"}, {"b"}, {"c"}]


def test_what_a_page_loads_from_afar_or_links_to_nothing_is_told(tmp_path):
    """A script of a CDN, a missing file and a missing place are faults, and an address to follow is none."""
    (tmp_path / "b.html").write_text('<h1 id="here">b</h1>')
    (tmp_path / "a.html").write_text(
        '<script src="https://cdn.example/x.js"></script><link rel="stylesheet" href="none.css">'
        '<a href="b.html#here">b</a><a href="b.html#gone">b</a><a href="https://example.org">afar</a>'
    )
    assert check_site.faults(tmp_path) == [
        "a.html: loads https://cdn.example/x.js",
        "a.html: none.css is not there",
        "a.html: b.html#gone names no place of that page",
    ]
