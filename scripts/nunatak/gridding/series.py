"""Compute the time series of a whole area, and the distribution of its values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyproj

from nunatak.geometry.grid import Grid
from nunatak.gridding.accumulators import collect
from nunatak.gridding.statistics import cell_statistics
from nunatak.gridding.sums import sum_by
from nunatak.gridding.timebins import as_dates, bin_of
from nunatak.parameters.freeboard import GriddedValues

if TYPE_CHECKING:
    from nunatak.gridding.accumulators import Accumulators

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


def area_series(
    accumulators: Accumulators, bins: str, *, inside: np.ndarray | None = None, weighting: str = GriddedValues.weighting
) -> pd.DataFrame:
    """
    Return the statistics of an area as a whole, one row per time bin.

    Parameters
    ----------
    accumulators : Accumulators
    bins : as for `cell_statistics`
    inside : (ny, nx) bool, the cells of the area. Default: all
    weighting : key of `WEIGHTINGS`, for `mean` and `stderr`

    Returns
    -------
    DataFrame of `time_start, time_end` and the statistics of all segments in the area (`SERIES`, with a histogram also
        `median` and `mode`), `n_cells` and `area` (km2) with data, and `cell_mean`, the mean over the area of the
        cells' means, in which all places have the same weight however often they were crossed

    Notes
    -----
    `stderr` comes from the scatter of the passes about one mean. It includes how freeboard varies over the area, so it
    says how well another set of passes would reproduce the number. It is NaN for a single pass.
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


def distribution(accumulators: Accumulators, bins: str, *, inside: np.ndarray | None = None) -> pd.DataFrame:
    """
    Return the distribution of values over an area, by time bin.

    Parameters
    ----------
    accumulators : Accumulators
    bins : as for `cell_statistics`
    inside : (ny, nx) bool, the cells of the area. Default: all

    Returns
    -------
    DataFrame of `time_start, time_end, low, high` (of a level), `n` (segments) and `share` (of the bin's weight), empty
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
    """Keep the rows and levels of cells in the area."""
    if inside is None:
        return accumulators
    keep = np.asarray(inside).ravel()
    rows, levels = (
        table[keep[table["cell"].to_numpy()]].reset_index(drop=True)
        for table in (accumulators.rows, accumulators.levels)
    )
    return replace(accumulators, rows=rows, levels=levels)


def _areas(grid, cell):
    """
    Return the true area of cells by their numbers, m2.

    Only cells with data are computed, as a hemisphere has millions of others.
    """
    seen, at = np.unique(cell, return_inverse=True)
    if not seen.size:
        return np.empty(0)
    x, y = grid.x[seen % grid.nx], grid.y[seen // grid.nx]
    lon, lat = pyproj.Transformer.from_crs(grid.proj, "EPSG:4326", always_xy=True).transform(x, y)
    return (grid.dx * grid.dy / pyproj.Proj(grid.proj).get_factors(lon, lat).areal_scale)[at]


def _dated(table):
    """Replace start and end in days by `time_start` and `time_end`."""
    table.insert(0, "time_start", as_dates(table.pop("start")))
    table.insert(1, "time_end", as_dates(table.pop("end")))
    return table
