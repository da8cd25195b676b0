"""Elevation change: epochs, trends, volumes, hypsometry, transects and repeat passes; arrays and tables in and out."""

from nunatak.elevation.change import change_between, change_since, difference, nearest_epoch, surface_at
from nunatak.elevation.coverage import cell_coverage, grid_of
from nunatak.elevation.errors import SumErrors, sum_errors
from nunatak.elevation.hypsometry import cell_heights, change_by_elevation
from nunatak.elevation.mass import GLACIER, ICE, Density, ice_equivalent, mass_change
from nunatak.elevation.repeat_pairs import repeat_pairs, summarise_pairs
from nunatak.elevation.transects import Lowering, largest_lowering, points_along, transect
from nunatak.elevation.trend import trend
from nunatak.elevation.volume import region_change, region_rates

__all__ = [
    "GLACIER",
    "ICE",
    "Density",
    "Lowering",
    "SumErrors",
    "cell_coverage",
    "cell_heights",
    "change_between",
    "change_by_elevation",
    "change_since",
    "difference",
    "grid_of",
    "ice_equivalent",
    "largest_lowering",
    "mass_change",
    "nearest_epoch",
    "points_along",
    "region_change",
    "region_rates",
    "repeat_pairs",
    "sum_errors",
    "summarise_pairs",
    "surface_at",
    "transect",
    "trend",
]
