"""Elevation and velocity together: thickness in time, flux, its divergence, dynamic thinning and budgets."""

from nunatak.dynamics.budget import UNKNOWN, Budget, Term, area_term, close_budget, sea_level
from nunatak.dynamics.divergence import flux_divergence
from nunatak.dynamics.gates import across_flowline, along_margin, shares_by_class
from nunatak.dynamics.lag import lag_correlation
from nunatak.dynamics.thickness import thickness_in_time
from nunatak.dynamics.thinning import split_thinning

__all__ = [
    "UNKNOWN",
    "Budget",
    "Term",
    "across_flowline",
    "along_margin",
    "area_term",
    "close_budget",
    "flux_divergence",
    "lag_correlation",
    "sea_level",
    "shares_by_class",
    "split_thinning",
    "thickness_in_time",
]
