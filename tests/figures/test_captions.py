"""A figure has one caption, in its sidecar, and the report of Snakemake shows that."""

from __future__ import annotations

import re
from types import SimpleNamespace

import jinja2
from docutils.core import publish_parts
from tests.conftest import ROOT

from nunatak.results.captions import drawn_caption
from nunatak.runtime import write_json

TEMPLATE = jinja2.Template((ROOT / "config/captions/figure.rst").read_text("utf-8"))
# marks of reStructuredText, as captions have them
CAPTION = r"Change |dh| of `h_corr_` * sigma_ over 2019 to 2021 (a_b), <grey>: C:\no data."


def test_the_report_shows_the_caption_that_was_drawn_word_for_word(tmp_path):
    """Rendered as Snakemake does it: no mark of a caption becomes markup, and none is lost."""
    write_json({"caption": CAPTION, "figure": "extent"}, tmp_path / "extent.json")
    params = SimpleNamespace(caption=drawn_caption(tmp_path / "extent.json"))
    told = TEMPLATE.render(snakemake=SimpleNamespace(params=params, wildcards=SimpleNamespace(figure="extent")))
    page = publish_parts(told, writer_name="html")["body"]
    words = re.sub(r"<[^>]+>", "", page).replace("&lt;", "<").replace("&gt;", ">")
    assert CAPTION in words and "system-message" not in page
    assert "extent.json" in words


def test_a_figure_that_is_not_drawn_has_no_caption_yet(tmp_path):
    """
    A figure has no caption yet when the workflow is parsed, before anything is drawn.

    A sidecar cut short is drawn again, not read.
    """
    assert drawn_caption(tmp_path / "extent.json") == ""
    (tmp_path / "extent.json").write_text('{"caption": "Where')
    assert drawn_caption(tmp_path / "extent.json") == ""
