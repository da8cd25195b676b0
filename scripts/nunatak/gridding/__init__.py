"""Along-track values on grids: freeboard, heights, rates; sums that add, statistics under their own names."""

from nunatak.grid import Grid
from nunatak.gridding.accumulators import Accumulators, accumulate, coarsen, from_tables, merge, select, to_tables
from nunatak.gridding.atl20 import GriddingStyle, atl20_style
from nunatak.gridding.blocks import block_median
from nunatak.gridding.dataset import anomaly, climatology, statistics
from nunatak.gridding.kriging import krige
from nunatak.gridding.presets import PRESETS, make_grid, metres
from nunatak.gridding.smoothing import gaussian_kernel, leave_one_track_out
from nunatak.gridding.statistics import STATISTICS, WEIGHTINGS, cell_statistics

__all__ = [
    "PRESETS",
    "STATISTICS",
    "WEIGHTINGS",
    "Accumulators",
    "Grid",
    "GriddingStyle",
    "accumulate",
    "anomaly",
    "atl20_style",
    "block_median",
    "cell_statistics",
    "climatology",
    "coarsen",
    "from_tables",
    "gaussian_kernel",
    "krige",
    "leave_one_track_out",
    "make_grid",
    "merge",
    "metres",
    "select",
    "statistics",
    "to_tables",
]
