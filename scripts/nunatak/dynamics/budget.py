"""The mass budget of a box of ice: what flows in and out, what falls and melts, and what is stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nunatak.constants import GT_PER_MM_SEA_LEVEL
from nunatak.elevation.errors import sum_errors
from nunatak.geometry.grid import Grid, map_scale

_KG_PER_GT = 1e12


@dataclass(frozen=True)
class Term:
    """One term of a budget, Gt/yr."""

    value: float
    sigma: float
    share: float = 1.0
    """share of the box or the gate where it was observed, 0 to 1"""

    @property
    def known(self):
        """Return whether the term has a value."""
        return bool(np.isfinite(self.value))

    def negative(self):
        """Return the term with the opposite sign."""
        return Term(-self.value, self.sigma, self.share)


UNKNOWN = Term(np.nan, np.nan, 0.0)


@dataclass(frozen=True)
class Budget:
    """
    The budget of one box, each a `Term` in Gt/yr.

    residual = storage - (smb - basal + discharge_in - discharge_out - sides): 0 where everything is right.
    """

    discharge_out: Term
    discharge_in: Term
    sides: Term
    """flux out through the parts of the outline that are no gate"""
    smb: Term
    basal: Term
    """melt at the bed or below a shelf, positive where ice is lost"""
    storage: Term
    """change of mass, after firn"""
    firn: Term
    """mass that the change of the firn's air would be if it were ice; already taken out of the storage"""
    residual: Term

    @property
    def closes(self):
        """Return whether the residual is within two standard errors, or None where it is not known."""
        return abs(self.residual.value) <= 2 * self.residual.sigma if self.residual.known else None


def close_budget(*, discharge_out, discharge_in, sides, smb, basal, storage, firn=UNKNOWN):
    """
    Return the budget of a box with its residual.

    Parameters
    ----------
    discharge_out, discharge_in, sides, smb, basal, storage, firn : `Term`; `UNKNOWN` where nothing is known

    Returns
    -------
    Budget; its residual is unknown where a term is, apart from `basal`, which then counts as 0

    Notes
    -----
    The errors of the terms are independent of each other. Those of gates are not, since they share the thickness
    product; give the sum of the gates as one term.
    """
    parts = (storage, smb, discharge_in, discharge_out, sides)
    melt = basal if basal.known else Term(0.0, 0.0)
    if all(part.known for part in parts):
        value = storage.value - smb.value + melt.value - discharge_in.value + discharge_out.value + sides.value
        sigma = float(np.sqrt(sum(part.sigma**2 for part in (*parts, melt))))
        residual = Term(float(value), sigma, min(part.share for part in parts))
    else:
        residual = UNKNOWN
    return Budget(discharge_out, discharge_in, sides, smb, basal, storage, firn, residual)


def area_term(rate, sigma, coverage, *, density, correlation_range):
    """
    Return the sum of a rate over a box as mass per year.

    Parameters
    ----------
    rate : DataArray on (y, x), m/yr of ice, NaN where not observed; attribute `crs`
    sigma : (ny, nx) its standard error, m/yr
    coverage : (ny, nx) share of each cell inside the box, 0 to 1
    density : kg m-3
    correlation_range : distance over which the errors are correlated, m

    Returns
    -------
    Term, Gt/yr; cells that are not observed take the mean of the others, and `share` tells how much of the area was
        observed. A cell without an error takes the largest that is known of the others. `UNKNOWN` where no cell is
        observed
    """
    grid = Grid.of(rate)
    x, y = np.meshgrid(grid.x, grid.y)
    area = coverage * true_areas(grid)
    values, errors = np.asarray(rate.values, float), np.asarray(sigma, float)
    seen = np.isfinite(values) & (area > 0)
    if not seen.any():
        return UNKNOWN
    share = float(area[seen].sum() / area.sum())
    total = float((values[seen] * area[seen]).sum()) / share
    stated = errors[seen]
    known = np.isfinite(stated)
    stated = np.where(known, stated, stated[known].max() if known.any() else np.nan)
    weighted = (stated * area[seen])[None]
    error = sum_errors(weighted, x[seen], y[seen], [area[seen].sum()], correlation_range=correlation_range)
    to_mass = density / _KG_PER_GT
    return Term(total * to_mass, float(error.correlated[0]) / share * to_mass, share)


def true_areas(grid):
    """Return the area of every cell of a grid on the ground, (ny, nx), m2."""
    return grid.dx * grid.dy / map_scale(grid.crs, *np.meshgrid(grid.x, grid.y)) ** 2


def sea_level(mass):
    """
    Return the rise of the mean sea level by a loss of ice, mm.

    >>> sea_level(-361.8)
    1.0
    """
    return -mass / GT_PER_MM_SEA_LEVEL
