"""Figures composed of others: parts beside each other within the page, letters that run on, and a caption for each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from tests.builders import results as study_results
from tests.conftest import ROOT

from nunatak import figures, study
from nunatak.figures import compose, style
from nunatak.figures.layouts import NothingToDraw
from nunatak.results import targets
from nunatak.study.sections import Figures

LOOK = figures.preset("copernicus")
SERIES, BANDS = "height_change_series", "change_by_elevation"


@pytest.fixture
def data():
    """Results of two figures: the series of two regions, and the bands of elevation."""
    tables = [
        table.assign(region=name, resolution=1000.0, correlation_range=10_000.0)
        for name, table in study_results.series().items()
    ]
    return {
        "regions": {"region": 1},
        "region_change": pd.concat(tables),
        BANDS: study_results.bands().assign(region="a"),
    }


def drawn(rows, data, look=LOOK):
    """The composed figure of these rows."""
    with figures.use(look):
        return figures.draw(look, figures.Subject("composed_story", "An ice cap", compose={"story": rows}), data)


def letters(figure):
    """The panel letters of a figure and its parts, in the order in which they were written."""
    texts = [text.get_text() for part in figure.subfigs for ax in part.axes for text in ax.texts]
    return [text for text in texts if len(text) == 3 and text[0] + text[2] == "()"]


def test_letters_run_on_and_the_caption_has_them(data):
    """A series with one letter, then bands with two: (a), (b), (c) in figure and caption."""
    made = drawn([[SERIES, BANDS]], data)
    assert letters(made.figure) == ["(a)", "(b)", "(c)"]
    assert made.caption.startswith("(a) Area-weighted mean height change since")
    assert "(b) Area-weighted mean height change of each band" in made.caption and "(c) Ice area" in made.caption
    assert set(made.numbers) == {SERIES, BANDS}


@pytest.mark.parametrize("preset", ["copernicus", "agu", "nature", "elsevier"])
def test_parts_share_the_width_of_the_preset_and_do_not_overlap(preset, data):
    """Side by side with a gap, at the preset's exact width. A name written twice takes two columns."""
    look = figures.preset(preset)
    made = drawn([[SERIES, SERIES, BANDS]], data, look)
    assert style.size_mm(made.figure)[0] == pytest.approx(look.page_mm)
    one, other = (style.size_mm(part)[0] for part in made.figure.subfigs)
    assert one == pytest.approx(2 * other) and one + other + compose.GAP_MM == pytest.approx(look.page_mm)
    boxes = [part.bbox.extents for part in made.figure.subfigs]
    assert boxes[0][2] < boxes[1][0]
    assert boxes[0][0] >= 0 and boxes[1][2] <= made.figure.bbox.width + 1e-6


def test_rows_lie_below_each_other_without_touching(data):
    """The axes of the second row begin below all of the first row's."""
    made = drawn([[SERIES], [BANDS]], data)
    first, second = ([ax.get_position() for ax in part.axes] for part in made.figure.subfigs)
    parts = [part.bbox.extents for part in made.figure.subfigs]
    in_pixels = [
        [box[1] + position.y0 * (box[3] - box[1]) for position in axes]
        for box, axes in zip(parts, (first, second), strict=True)
    ]
    tops = [parts[1][1] + position.y1 * (parts[1][3] - parts[1][1]) for position in second]
    assert min(in_pixels[0]) > max(tops)


def test_a_part_without_data_is_left_out_and_the_others_share_its_room(data, capsys):
    """It is told. Where nothing is left there is no figure, and a reason."""
    made = drawn([[SERIES, "surface"]], data)
    assert style.size_mm(made.figure.subfigs[0])[0] == pytest.approx(LOOK.page_mm)
    assert "without surface" in "".join(capsys.readouterr())
    with pytest.raises(NothingToDraw, match="no part of it has anything to draw"):
        drawn([["surface"]], data)


def test_rows_taller_than_the_page_are_refused(data):
    """In one line that says how tall, and the remedy."""
    with pytest.raises(NothingToDraw, match=r"rows are \d+ mm tall, and a page 170 mm; put more"):
        drawn([[SERIES], [BANDS], [SERIES], [BANDS]], data, figures.preset("nature"))


def test_a_figure_on_its_own_is_as_before(data):
    """Composing leaves nothing behind: a figure drawn afterwards has its own title, size and letters."""
    drawn([[SERIES, BANDS]], data)
    with figures.use(LOOK):
        alone = figures.draw(LOOK, figures.Subject(SERIES, "An ice cap"), data).figure
    assert not alone.subfigs and [text.get_gid() for text in alone.texts] == ["title"]
    assert np.allclose(style.size_mm(alone), (LOOK.page_mm, 81))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "has an empty row"),
        ([[SERIES], []], "has an empty row"),
        ([["composed_other"]], "holds a composed figure"),
        ([[SERIES], [SERIES]], "names a figure in two rows"),
    ],
)
def test_rows_that_make_no_figure_are_refused(rows, words):
    """Before anything runs."""
    with pytest.raises(ValidationError, match=words):
        Figures.model_validate({"compose": {"story": rows}})


def test_a_study_draws_its_composed_figure_from_what_its_parts_need():
    """Austfonna's story needs the results of every part, and is drawn like any other figure."""
    loaded = study.load(ROOT / "config/studies/austfonna.yaml")
    assert "composed_story" in loaded.figure_names
    needed = targets.drawn_from(loaded, "composed_story")
    assert {"regions", "change", "transects", "region_change", BANDS, "track"} <= set(needed)
