"""What the cells of a grid say together: a series of a whole area, and how its values are distributed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyproj

from nunatak.geometry.grid import Grid
from nunatak.gridding.accumulators import collect
from nunatak.gridding.statistics import cell_statistics
from nunatak.gridding.sums import sum_by
from nunatak.gridding.timebins import as_dates, bin_of
from nunatak.parameters.freeboard import GriddedValues

SERIES = ("count", "n_pass", "n_day", "mean", "std", "stderr", "lead_share")
_OF_HISTOGRAM = ("median", "mode")
UNITS = {
    "time_start": "UTC",
    "time_end": "UTC",
    "count": "1",
    "n_pass": "1",
    "n_day": "1",
    "mean": "m",
    "std": "m",
    "stderr": "m",
    "lead_share": "1",
    "median": "m",
    "mode": "m",
    "n_cells": "1",
    "area": "km2",
    "cell_mean": "m",
}


def area_series(accumulators, bins, *, inside=None, weighting=GriddedValues.weighting):
    """
    One row per time bin for an area as a whole.

    Parameters
    ----------
    accumulators : Accumulators
    bins : as for `cell_statistics`
    inside : (ny, nx) bool, the cells of the area; all by default
    weighting : of `mean` and `stderr`

    Returns
    -------
    DataFrame of `time_start, time_end` and the statistics of all segments in the area (`SERIES`, with a histogram also
        `median` and `mode`); `n_cells` and `area` (km2) seen, and `cell_mean`, the mean over the area of the cells'
        means, in which a place that was crossed often counts no more than another

    Notes
    -----
    `stderr` is that of the passes' scatter about one mean: it holds how freeboard varies over the area too, so it tells
    how well another set of passes would repeat the number. NaN with a single pass.
    """
    own = _within(accumulators, inside)
    grid = accumulators.grid
    left, bottom, right, top = grid.bounds
    one = Grid(grid.crs, left, top, right - left, top - bottom, 1, 1)
    whole = collect(replace(own, grid=one), lambda cell: np.zeros_like(cell))
    names = SERIES + (_OF_HISTOGRAM if own.level_width else ())
    table = cell_statistics(whole, bins, names, weighting=weighting).drop(columns="cell")
    cells = cell_statistics(own, bins, ("mean",), weighting=weighting)
    cells["area"] = _areas(grid, cells["cell"].to_numpy()) / 1e6
    cells["sum"] = cells["area"] * cells["mean"]
    by_bin = cells.groupby("start")
    table["n_cells"] = by_bin.size().to_numpy(dtype="int64")
    table["area"] = by_bin["area"].sum().to_numpy()
    table["cell_mean"] = by_bin["sum"].sum().to_numpy() / table["area"]
    return _dated(table)


def distribution(accumulators, bins, *, inside=None):
    """
    How values are distributed over an area, by time bin.

    Returns
    -------
    DataFrame of `time_start, time_end, low, high` (of a level), `n` (segments) and `share` (of the bin's weight); empty
        without a histogram
    """
    levels = _within(accumulators, inside).levels
    start, end = bin_of(levels["day"].to_numpy(), bins)
    (first, after, level), sums = sum_by((start, end, levels["level"].to_numpy()), levels[["n", "sw"]].to_numpy())
    width = accumulators.level_width
    table = pd.DataFrame(
        {
            "start": first,
            "end": after,
            "low": level * width,
            "high": (level + 1) * width,
            "n": sums[:, 0].astype("int64"),
            "share": sums[:, 1],
        }
    )
    table["share"] /= table.groupby("start")["share"].transform("sum")
    return _dated(table)


def _within(accumulators, inside):
    if inside is None:
        return accumulators
    keep = np.asarray(inside).ravel()
    rows, levels = (
        table[keep[table["cell"].to_numpy()]].reset_index(drop=True)
        for table in (accumulators.rows, accumulators.levels)
    )
    return replace(accumulators, rows=rows, levels=levels)


def _areas(grid, cell):
    """True area of cells by their numbers, m2: only of those that were seen, a hemisphere has millions of others."""
    seen, at = np.unique(cell, return_inverse=True)
    if not seen.size:
        return np.empty(0)
    x, y = grid.x[seen % grid.nx], grid.y[seen // grid.nx]
    lon, lat = pyproj.Transformer.from_crs(grid.proj, "EPSG:4326", always_xy=True).transform(x, y)
    return (grid.dx * grid.dy / pyproj.Proj(grid.proj).get_factors(lon, lat).areal_scale)[at]


def _dated(table):
    table.insert(0, "time_start", as_dates(table.pop("start")))
    table.insert(1, "time_end", as_dates(table.pop("end")))
    return table
