"""
The table of figures: a row for each, by topic.

The study file's `figures: {names: [..]}`, the rules, the drawing functions and the lists of figures all take what they
need from a figure's row.
"""

from __future__ import annotations

from nunatak.results.figures import composed, dynamics, elevation, freeboard, photons, tracks, velocity
from nunatak.results.figures.row import Figure
from nunatak.results.table import Study

# in the order in which a study draws and shows them
FIGURES: dict[str, Figure] = {
    row.name: row
    for rows in (elevation.ROWS, tracks.ROWS, photons.ROWS, velocity.ROWS, dynamics.ROWS, freeboard.ROWS, composed.ROWS)
    for row in rows
}


def row_of(name: str) -> Figure:
    """
    Return the row of a figure, such as that of `transect` for transect_across.

    Parameters
    ----------
    name : str, the figure's name

    Raises
    ------
    KeyError : no figure has that name
    """
    several = (kind for kind, row in FIGURES.items() if row.each and name.startswith(f"{kind}_"))
    return FIGURES[name if name in FIGURES else next(several, name)]


def known_names(study: Study) -> list[str]:
    """
    Return the names of all figures that a study may ask for.

    Parameters
    ----------
    study : Study, the study as it was loaded
    """
    return [name for row in FIGURES.values() for name in row.names(study)]


def possible_names(study: Study) -> list[str]:
    """
    Return the names of the figures that a study's products and keys allow.

    Parameters
    ----------
    study : Study, the study as it was loaded
    """
    return [name for row in FIGURES.values() if row.is_possible(study) for name in row.names(study)]


__all__ = ["FIGURES", "Figure", "known_names", "possible_names", "row_of"]
