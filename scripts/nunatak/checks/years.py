"""The annual maps of a study, year by year: a full study has dozens of years of half a million cells."""

from __future__ import annotations

import numpy as np


def by_year(annual, *names):
    """
    Yield the maps of each year, read when they are wanted and kept nowhere.

    Parameters
    ----------
    annual : Dataset of `velocity.composite`
    names : variables (year, y, x)

    Yields
    ------
    list of (ny, nx) arrays, one for each name
    """
    for k in range(annual.sizes["year"]):
        yield [annual[name].isel(year=k).values for name in names]


def years_seen(annual, name="v"):
    """Return how many years have a value, of each cell."""
    n = np.zeros([annual.sizes[axis] for axis in ("y", "x")], dtype="i4")
    for (values,) in by_year(annual, name):
        n += np.isfinite(values)
    return n


def at_cells(dataset, name, rows, columns):
    """
    Return the values of a variable in some cells, (.., n_cell).

    The map is not kept in memory.
    """
    return dataset[name].copy(deep=False).values[..., rows, columns]
