"""Grid along-track values such as freeboard, heights and rates: sums that add, and statistics under their own names."""

from nunatak.geometry.grid import Grid
from nunatak.gridding.accumulators import Accumulators, accumulate, coarsen, from_tables, merge, select, to_tables
from nunatak.gridding.atl20 import GriddingStyle, atl20_style
from nunatak.gridding.blocks import block_median
from nunatak.gridding.dataset import anomaly, climatology, statistics
from nunatak.gridding.kriging import krige
from nunatak.gridding.layers import area_tables, layers, less_atl20
from nunatak.gridding.presets import PRESETS, make_grid, metres
from nunatak.gridding.segments import no_segments, sum_segments
from nunatak.gridding.series import UNITS as SERIES_UNITS
from nunatak.gridding.series import area_series, distribution
from nunatak.gridding.smoothing import gaussian_kernel, leave_one_track_out
from nunatak.gridding.statistics import STATISTICS, WEIGHTINGS, cell_statistics

__all__ = [
    "PRESETS",
    "SERIES_UNITS",
    "STATISTICS",
    "WEIGHTINGS",
    "Accumulators",
    "Grid",
    "GriddingStyle",
    "accumulate",
    "anomaly",
    "area_series",
    "area_tables",
    "atl20_style",
    "block_median",
    "cell_statistics",
    "climatology",
    "coarsen",
    "distribution",
    "from_tables",
    "gaussian_kernel",
    "krige",
    "layers",
    "leave_one_track_out",
    "less_atl20",
    "make_grid",
    "merge",
    "metres",
    "no_segments",
    "select",
    "statistics",
    "sum_segments",
    "to_tables",
]
