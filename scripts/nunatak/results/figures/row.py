"""The form of a row of the table of figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nunatak.granules.products import product_row
from nunatak.results.table import RESULTS, Study


@dataclass(frozen=True)
class Figure:
    """
    A figure that a study can have.

    Attributes
    ----------
    name : of the figure and its files
    topic : elevation, photons, freeboard or velocity
    inputs : results it is drawn from; it cannot do without the first, the others are used where the study has them
    draw : module:function of (look, subject, data) that draws it, below `nunatak`
    shows : what it shows, in a few words for lists
    caption : what it shows, in sentences for the report of Snakemake; {value} stands for what sea ice is gridded
    when : condition on the study, beside the first input; None where there is no further one
    each : key of the study whose every entry gets a figure <name>_<entry>
    """

    name: str
    topic: str
    inputs: tuple[str, ...]
    draw: str
    shows: str
    caption: str
    when: Callable[[Study], bool] | None = None
    each: str | None = None

    @property
    def listed(self) -> str:
        """The name that lists of all figures show."""
        return f"{self.name}_<name>" if self.each else self.name

    def names(self, study: Study) -> list[str]:
        """Return the names this row stands for in a study: its own, or one for every entry of a key."""
        return [f"{self.name}_{entry}" for entry in getattr(study, self.each)] if self.each else [self.name]

    def caption_of(self, study: Study) -> str:
        """Return the caption in the words of a study, which grids freeboard (ATL10) or height (ATL07)."""
        return self.caption.format(value=product_row(study.sea_ice).value_is if study.sea_ice else "")

    def is_possible(self, study: Study) -> bool:
        """Return whether the study makes what the figure needs."""
        return RESULTS[self.inputs[0]].made(study) and (self.when is None or self.when(study))
