"""The form of a row of the table of figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from nunatak.results.table import RESULTS, Study


@dataclass(frozen=True)
class Figure:
    """
    A figure that a study can have.

    Attributes
    ----------
    name : of the figure and its files
    topic : elevation, photons, velocity, dynamics, freeboard or composed
    inputs : results it is drawn from; it cannot do without the first, the others are used where the study has them
    draw : module:function of (look, subject, data) that draws it, below `nunatak`
    shows : what it shows, in a few words for lists; the caption is written with the figure, from what was drawn
    when : condition on the study, beside the first input; None where there is no further one
    each : key of the study, such as figures.compose, whose every entry gets a figure <name>_<entry>
    """

    name: str
    topic: str
    inputs: tuple[str, ...]
    draw: str
    shows: str
    when: Callable[[Study], bool] | None = None
    each: str | None = None

    @property
    def listed(self) -> str:
        """Return the name that lists of all figures show."""
        return f"{self.name}_<name>" if self.each else self.name

    def names(self, study: Study) -> list[str]:
        """
        Return the names this row stands for in a study: its own, or one for every entry of a key.

        Parameters
        ----------
        study : Study, the study as it was loaded
        """
        return [f"{self.name}_{entry}" for entry in attrgetter(self.each)(study)] if self.each else [self.name]

    def is_possible(self, study: Study) -> bool:
        """
        Return whether the study makes what the figure needs.

        Parameters
        ----------
        study : Study, the study as it was loaded
        """
        return RESULTS[self.inputs[0]].made(study) and (self.when is None or self.when(study))
