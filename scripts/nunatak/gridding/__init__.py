"""Along-track values on grids: freeboard, heights, rates; sums that add, statistics under their own names."""

from nunatak.grid import Grid
from nunatak.gridding.accumulators import Accumulators, accumulate, coarsen, merge, select
from nunatak.gridding.dataset import anomaly, climatology, statistics
from nunatak.gridding.presets import PRESETS, make_grid, metres
from nunatak.gridding.statistics import STATISTICS, WEIGHTINGS, cell_statistics

__all__ = [
    "PRESETS",
    "STATISTICS",
    "WEIGHTINGS",
    "Accumulators",
    "Grid",
    "accumulate",
    "anomaly",
    "cell_statistics",
    "climatology",
    "coarsen",
    "make_grid",
    "merge",
    "metres",
    "select",
    "statistics",
]
