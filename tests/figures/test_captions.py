"""Every figure a study can have has words for the report of Snakemake."""

from __future__ import annotations

from types import SimpleNamespace

import jinja2
import pytest
from tests.conftest import ROOT

from nunatak.results.figures import FIGURES, row_of

TEMPLATE = jinja2.Template((ROOT / "config/captions/figure.rst").read_text("utf-8"))


@pytest.mark.parametrize("figure", [*FIGURES, "transect_across"])
def test_caption(figure):
    """A sentence of its own before the one about the numbers."""
    job = SimpleNamespace(
        wildcards=SimpleNamespace(figure=figure), params=SimpleNamespace(caption=row_of(figure).caption)
    )
    told = TEMPLATE.render(snakemake=job).strip()
    words, _, rest = told.partition("The numbers drawn lie beside")
    assert len(words.strip()) > 40 and f"{figure}.json" in rest
