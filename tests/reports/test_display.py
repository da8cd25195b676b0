"""What the cells of a notebook show of words that come from files and studies: nothing a browser would run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import h5py
import pytest
from matplotlib.figure import Figure
from nbconvert.filters.markdown import markdown2html

from nunatak import figures
from nunatak.files.tables import write_table
from nunatak.granules import ledger
from nunatak.reports import display, page

MARK = "<img src=x onerror=alert(1)>"
ESCAPED = "&lt;img src=x onerror=alert(1)&gt;"


@pytest.fixture
def shown(monkeypatch):
    """The HTML that was shown, in order."""
    pages = []
    monkeypatch.setattr(display, "display", lambda page: pages.append(page.data))
    return pages


def test_heads_and_cells_of_a_table_are_escaped(shown):
    display.table((MARK, "n"), [(MARK, 3), ("plain", MARK)])
    assert "<img" not in shown[0] and shown[0].count(ESCAPED) == 3
    assert shown[0].count('<td class="n">') == 2 and shown[0].count('<th class="n">') == 1


def test_title_and_caption_of_a_figure_are_escaped(shown, tmp_path):
    """
    Title and caption are escaped in a figure of a file and in a drawing made here.

    Quotes are escaped too, because the title is an attribute of the picture.
    """
    title = f'" onload="alert(1)" {MARK}'
    (tmp_path / "map.png").write_bytes(b"PNG")
    (tmp_path / "map.json").write_text(json.dumps({"title": title, "caption": MARK}))
    display.figure({"figures": [str(tmp_path / "map.png")]}, "map")
    display.drawing(lambda look: figures.Drawn(Figure(), title, MARK), simulated=False)
    assert len(shown) == 2
    for html in shown:
        assert html.count("<img") == 1 and 'alt="&quot; onload=&quot;alert(1)&quot; &lt;img' in html
        assert f"<figcaption>{ESCAPED}</figcaption>" in html


def test_names_of_groups_of_references_are_escaped(shown):
    class Made:
        def html(self):
            return "<em>words</em>"

    display.references({"ice <b>": [Made()]})
    assert shown == ["<h3>ICE &lt;B&gt;</h3><ul><li><em>words</em></li></ul>"]


class Tags(HTMLParser):
    """The tags and attributes a browser would see."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.links, self.words = set(), set(), [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data):
        self.words += data


def rendered(markdown):
    """Markdown as the page of a notebook has it."""
    return Tags(markdown2html(markdown))


@pytest.mark.parametrize(
    "text",
    [
        MARK,
        "<script>alert(1)</script>",
        "`<svg onload=alert(1)>`",
        "<https://a.b/>",
        "![x](https://a.b/x.png)",
        "[x](javascript:alert(1))",
        "[x]\n\n[x]: https://a.b/\n",
        "&lt;img src=x onerror=alert(1)&gt;",
        "<!-- -->\n\n<img src=x onerror=alert(1)>\n",
    ],
)
def test_no_tag_and_no_hidden_link_of_a_sentence_reaches_the_page(shown, text):
    display.say("A *plain* start.", f"A granule says: {text}.")
    seen = rendered(shown[0])
    # an address is a link by itself, to itself
    assert seen.tags <= {"p", "em", "code", "a"} and seen.attributes <= {"href"}
    assert all(link.startswith("https://a.b/") for link in seen.links)
    assert ("plain" in seen.words and "alert(1)" in seen.words) or "a.b" in seen.words


def test_what_a_granule_says_of_itself_is_escaped(shown, tmp_path):
    """
    The granule's title and times are escaped in the sentence.

    Names, units and descriptions of its datasets are escaped in the table.
    """
    path = tmp_path / "ATL15_AA_0321_01km_005_01.nc"
    with h5py.File(path, "w") as file:
        for name in ("title", "time_coverage_start", "identifier_product_doi", "short_name"):
            file.attrs[name] = MARK + name
        group = file.create_group("<svg onload=alert(2)>")
        group.attrs["Description"] = MARK
        dataset = group.create_dataset(MARK, data=[1.0])
        dataset.attrs.update({"units": MARK, "long_name": MARK, "_FillValue": 3.0})
    made = {
        "granule_id": path.stem,
        "path": str(path),
        "status": "present",
        "reason": "",
        "size_bytes": 1,
        "sha256": None,
    }
    write_table(ledger([made]), tmp_path / "atl15.parquet")
    display.anatomy({"ledgers": [str(tmp_path / "atl15.parquet")]})
    said, table = rendered(shown[0]), Tags(shown[1])
    assert said.tags <= {"p", "em", "code"} and not said.links and said.words.count("onerror=alert(1)") >= 3
    assert not table.tags & {"img", "svg", "script"} and not {"onerror", "onload"} & table.attributes
    assert table.words.count(MARK) >= 3 and "<svg onload=alert(2)>" in table.words


def test_pages_run_their_own_script_alone(tmp_path):
    """
    Should a text slip through all the same: a browser runs the one script whose hash the policy names.

    No handler of an element and no other script has that hash.
    """
    html = page.notebook_page("<p>body</p>", title=MARK, simulated=False)
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy"\s+content="([^"]*)"', html)[1]
    rules = dict(rule.strip().split(None, 1) for rule in policy.split(";"))
    assert len(scripts) == 1 and rules["script-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:"
    assert "img" not in Tags(html).tags and ESCAPED in html
