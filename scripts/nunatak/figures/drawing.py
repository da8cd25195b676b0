"""Draw a figure of a study by its name, as its row in the table of figures says."""

from __future__ import annotations

from nunatak.figures import study_elevation, study_freeboard, study_photons, study_tracks, study_velocity
from nunatak.figures.layouts import NothingToDraw
from nunatak.results.figures import FIGURES, row_of
from nunatak.runtime import NunatakError

# imported by name, so that the code a figure reaches is read off this file
_MODULES = {
    module.__name__.removeprefix("nunatak."): module
    for module in (study_elevation, study_freeboard, study_photons, study_tracks, study_velocity)
}


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
    return function_of(row)(look, subject, data)


def function_of(row):
    """Return the drawing function of a row of the table of figures."""
    module, name = row.draw.split(":")
    return getattr(_MODULES[module], name)
