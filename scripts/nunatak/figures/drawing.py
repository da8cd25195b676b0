"""Draw a figure of a study by its name, as its row in the table of figures says."""

from __future__ import annotations

from nunatak.compute.registry import registry
from nunatak.figures.layouts import NothingToDraw
from nunatak.results.figures import FIGURES, row_of
from nunatak.runtime import NunatakError

function_of = registry(FIGURES, "draw")


def draw(look, subject, data):
    """
    Draw a figure.

    Parameters
    ----------
    look : Preset
    subject : Subject, whose name chooses the figure
    data : mapping of names of `results.table.RESULTS` to what their readers return, and of `granules` to the granule
        tables by product; the figure takes what it needs

    Raises
    ------
    NunatakError : no figure has that name
    NothingToDraw : what it needs is not there, or holds nothing to see
    """
    try:
        row = row_of(subject.name)
    except KeyError:
        raise NunatakError(
            f"figures: {subject.name!r} is unknown; choose one of {', '.join(row.listed for row in FIGURES.values())}"
        ) from None
    needed = row.inputs[0]
    if needed not in data or not len(data[needed]):
        words = needed.replace("_", " ")
        raise NothingToDraw(f"figures: {subject.name}: has no {words} to draw; leave it out of figures.names")
    return function_of(row.name)(look, subject, data)
