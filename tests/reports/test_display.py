"""What the cells of a notebook show of words that come from files and studies: nothing a browser would run."""

from __future__ import annotations

import json

import pytest
from matplotlib.figure import Figure

from nunatak import figures
from nunatak.reports import display

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
    """Of a file, and of a drawing made here; quotes too, because the title is an attribute of the picture."""
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
