"""Compute elevation change: epochs, trends, volumes, transects, tracks, crossovers and rates of points."""

from nunatak.elevation.change import change_between, change_since, difference, nearest_epoch, surface_at
from nunatak.elevation.consistency import points_against_surface, residuals_by_slope, segments_against_points
from nunatak.elevation.coverage import cell_coverage
from nunatak.elevation.crossovers import (
    common_differences,
    crossovers,
    reference_crossovers,
    summarise,
    two_releases,
)
from nunatak.elevation.errors import SumErrors, sum_errors
from nunatak.elevation.height_cells import join_cells, map_cells, thin_heights
from nunatak.elevation.hypsometry import cell_heights, change_by_elevation
from nunatak.elevation.mass import BUOYANCY, GLACIER, ICE, Density, ice_equivalent, mass_change
from nunatak.elevation.outliers import (
    LARGE_ERROR,
    OUT_OF_LINE,
    TOO_FAST,
    flag_rates,
    good_rates,
    leave_out_passes,
    pass_residuals,
    track_outliers,
)
from nunatak.elevation.pass_biases import pass_biases
from nunatak.elevation.point_rates import UNITS as RATE_UNITS
from nunatak.elevation.point_rates import rates, rates_and_kept, usable
from nunatak.elevation.quarters import quarterly
from nunatak.elevation.rate_map import against_grid, rate_map, residuals_to_other_tracks
from nunatak.elevation.record import FIRN_MODELS, PARTS, join, of_one_source
from nunatak.elevation.record_change import record_change
from nunatak.elevation.record_series import record_series
from nunatak.elevation.repeat_pairs import faults_of_pairs, paired, repeat_pairs, summarise_pairs, unaligned
from nunatak.elevation.surface_fit import repeat_rates, surface_rates
from nunatak.elevation.tracks import along_track, directions, most_changed, tracks
from nunatak.elevation.transects import Lowering, largest_lowering, points_along, transect
from nunatak.elevation.trend import trend
from nunatak.elevation.volume import region_change, region_rates
from nunatak.parameters.elevation import RateOptions

__all__ = [
    "BUOYANCY",
    "FIRN_MODELS",
    "GLACIER",
    "ICE",
    "LARGE_ERROR",
    "OUT_OF_LINE",
    "PARTS",
    "RATE_UNITS",
    "TOO_FAST",
    "Density",
    "Lowering",
    "RateOptions",
    "SumErrors",
    "against_grid",
    "along_track",
    "cell_coverage",
    "cell_heights",
    "change_between",
    "change_by_elevation",
    "change_since",
    "common_differences",
    "crossovers",
    "difference",
    "directions",
    "faults_of_pairs",
    "flag_rates",
    "good_rates",
    "ice_equivalent",
    "join",
    "join_cells",
    "largest_lowering",
    "leave_out_passes",
    "map_cells",
    "mass_change",
    "most_changed",
    "nearest_epoch",
    "of_one_source",
    "paired",
    "pass_biases",
    "pass_residuals",
    "points_against_surface",
    "points_along",
    "quarterly",
    "rate_map",
    "rates",
    "rates_and_kept",
    "record_change",
    "record_series",
    "reference_crossovers",
    "region_change",
    "region_rates",
    "repeat_pairs",
    "repeat_rates",
    "residuals_by_slope",
    "residuals_to_other_tracks",
    "segments_against_points",
    "sum_errors",
    "summarise",
    "summarise_pairs",
    "surface_at",
    "surface_rates",
    "thin_heights",
    "track_outliers",
    "tracks",
    "transect",
    "trend",
    "two_releases",
    "unaligned",
    "usable",
]
