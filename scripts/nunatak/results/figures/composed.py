"""The row of figures composed of others."""

from __future__ import annotations

from nunatak.results.figures.row import Figure
from nunatak.results.table import Study

ROWS = (
    Figure(
        name="composed",
        topic="composed",
        inputs=("regions",),
        draw="figures.compose:composed",
        shows="several figures of the study as panels of one (figures.compose)",
        each="figures.compose",
    ),
)


def parts_of(study: Study, figure: str) -> tuple[str, ...]:
    """
    Return the names of the figures that a composed one is made of.

    Parameters
    ----------
    study : Study, the study as it was loaded
    figure : str, such as composed_story
    """
    rows = study.figures.compose[figure.removeprefix("composed_")]
    return tuple(dict.fromkeys(name for row in rows for name in row))
