"""Compose a figure of several figures of a study, each a part of it, with panel letters that run on."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from string import ascii_lowercase
from typing import Any

from nunatak.figures import style
from nunatak.figures.drawing import draw
from nunatak.figures.layouts import TITLE_MM, Drawn, NothingToDraw, write_title
from nunatak.figures.subject import Subject
from nunatak.runtime import say

GAP_MM = 3.0
TALLEST_MM = 112.0  # of a part: maps as tall as in a figure of their own would leave no room for the others


@dataclass(frozen=True)
class Cell:
    """A part that was measured: its figure's name, its share of the row, and its size."""

    name: str
    columns: int
    width: float
    height: float
    letters: int


def composed(look, subject, data) -> Drawn:
    """
    Draw a composed figure.

    Parameters
    ----------
    look : Preset
    subject : Subject named composed_<name>, with the rows of <name> in `compose`
    data : results by name, as of `drawing.draw`

    Returns
    -------
    Drawn, its caption that of each part under its letters. A part that has nothing to draw is left out and told

    Raises
    ------
    NothingToDraw : no part has anything to draw, or the rows are together taller than the preset's page
    """
    rows = subject.compose[subject.name.removeprefix("composed_")]
    measured = [cells for cells in (_measured(look, row, subject, data) for row in rows) if cells]
    if not measured:
        raise NothingToDraw(f"figures: {subject.name}: no part of it has anything to draw; take it out of compose")
    tall = [max(cell.height for cell in cells) for cells in measured]
    height = TITLE_MM + sum(tall) - len(tall) * TITLE_MM + 2
    if height > look.height_mm:
        raise NothingToDraw(
            f"figures: {subject.name}: its rows are {height:.0f} mm tall, and a page {look.height_mm:g} mm; "
            "put more of them side by side, or take a row out of figures.compose"
        )
    fig = style.new_figure(look, height_mm=height)
    top, letter, captions, numbers = 0.0, 0, [], {}
    for cells, high in zip(measured, tall, strict=True):
        left = 0.0
        for cell in cells:
            part = style.Part(fig, left, top, cell.width, first=letter)
            with _filled(part):
                drawn = _part(look, cell.name, cell.width, subject, data)
            captions.append(_caption(drawn.caption, letter, cell.letters))
            numbers[cell.name] = drawn.numbers
            if not part.letters:
                _letter(drawn.figure, letter, look)
            letter += max(cell.letters, 1)
            left += cell.width + GAP_MM
        top += high - TITLE_MM
    write_title(fig, subject.title, look)
    crs = next((drawn_crs for drawn_crs in [drawn.crs] if drawn_crs), None)
    return Drawn(fig, subject.title, " ".join(captions), numbers, crs)


def _measured(look, row, subject, data) -> list[Cell]:
    """Return the parts of a row that have something to draw, sharing its width, with their heights."""
    names = [(name, len(list(same))) for name, same in groupby(row)]
    while names:
        shares = sum(columns for _, columns in names)
        cells = []
        for name, columns in names:
            width = (look.page_mm - GAP_MM * (len(names) - 1)) * columns / shares
            part = style.Part()
            try:
                with _filled(part):
                    drawn = _part(look, name, width, subject, data)
            except NothingToDraw as error:
                say(f"figure {subject.name}: without {name}: {error}")
                names = [other for other in names if other[0] != name]
                break
            cells.append(Cell(name, columns, width, style.size_mm(drawn.figure)[1], part.letters))
        else:
            return cells
    return []


def _part(look, name, width, subject, data) -> Drawn:
    """Draw one figure as wide as its part."""
    own: Any = replace(look, page_mm=width, column_mm=min(width, look.column_mm), height_mm=TALLEST_MM)
    alone: Subject = replace(subject, name=name)
    return draw(own, alone, data)


@contextmanager
def _filled(part):
    """Let layouts fill this part inside the block."""
    before = style.PART.set(part)
    try:
        yield
    finally:
        style.PART.reset(before)


def _letter(figure, index, look):
    """Write a letter above the first axes of a part whose layout writes none, since it has one panel."""
    style.panel_letter(next(ax for ax in figure.axes if ax.get_gid() != "colour-bar"), index, look)


def _caption(text, first, letters) -> str:
    """
    Return the caption of a part under its letters in the composed figure.

    >>> _caption("(a) Map. (b) Series.", 2, 2)
    '(c) Map. (d) Series.'
    >>> _caption("Map.", 4, 0)
    '(e) Map.'
    """
    if letters < 2:
        return f"({ascii_lowercase[first]}) {text.replace('(a) ', '')}"
    return re.sub(r"\(([a-j])\)", lambda m: f"({ascii_lowercase[ascii_lowercase.index(m[1]) + first]})", text)
