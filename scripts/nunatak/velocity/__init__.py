"""Glacier velocity from image pairs: the cube, composites, inversion and what follows from a velocity field."""

from nunatak.velocity.composites import composite, magnitude_mean
from nunatak.velocity.filters import Filters
from nunatak.velocity.selection import Selection, coverage, select_names, selection_from

__all__ = ["Filters", "Selection", "composite", "coverage", "magnitude_mean", "select_names", "selection_from"]
