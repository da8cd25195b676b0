"""Every figure a study can have has words for the report of Snakemake."""

from __future__ import annotations

from types import SimpleNamespace

import jinja2
import pytest
from tests.conftest import ROOT

from nunatak.results.figures import FIGURES, row_of

TEMPLATE = jinja2.Template((ROOT / "config/captions/figure.rst").read_text("utf-8"))


@pytest.mark.parametrize(
    ("sea_ice", "value"), [("atl10", "freeboard"), ("atl07", "height above the mean sea surface"), (None, None)]
)
@pytest.mark.parametrize("figure", [*FIGURES, "transect_across"])
def test_caption(figure, sea_ice, value):
    """A sentence of its own before the one about the numbers, in the words of what the study grids."""
    caption = row_of(figure).caption_of(SimpleNamespace(sea_ice=sea_ice))
    job = SimpleNamespace(wildcards=SimpleNamespace(figure=figure), params=SimpleNamespace(caption=caption))
    told = TEMPLATE.render(snakemake=job).strip()
    words, _, rest = told.partition("The numbers drawn lie beside")
    assert len(words.strip()) > 40 and f"{figure}.json" in rest and "{" not in words
    named = figure in ("freeboard_series", "freeboard_distribution", "freeboard_anomaly")
    assert (value in words) is named if value else True
    assert value == "freeboard" or "freeboard" not in words
