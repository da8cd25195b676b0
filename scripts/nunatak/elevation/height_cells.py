"""Thin heights along tracks to cells, so that any number of them can be shown on one map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyproj
import shapely

from nunatak.geometry.grid import Grid

if TYPE_CHECKING:
    from nunatak.geometry.region import Region

_ACROSS = 300  # cells over the longer side of the region
_LEAST = 100.0  # m, the smallest cell
COLUMNS = (
    "product",
    "x",
    "y",
    "longitude",
    "latitude",
    "h",
    "h_low",
    "h_high",
    "n",
    "n_passes",
    "time_first",
    "time_last",
)
UNITS = {
    "x": "m",
    "y": "m",
    "longitude": "degrees_east",
    "latitude": "degrees_north",
    "h": "m",
    "h_low": "m",
    "h_high": "m",
    "time_first": "UTC",
    "time_last": "UTC",
}


def map_cells(area: Region, crs: str) -> Grid:
    """
    Return the grid of a region's map: about 300 cells over its longer side, of 1, 2 or 5 times a power of ten.

    Parameters
    ----------
    crs : coordinate system of the grid, in metres
    """
    lonlat = shapely.get_coordinates(shapely.segmentize(area.geometry, 0.25))
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*lonlat.T)
    wanted = max(np.ptp(x), np.ptp(y)) / _ACROSS
    power = 10.0 ** np.floor(np.log10(max(wanted, _LEAST)))
    cell = max(next(s * power for s in (1, 2, 5, 10) if s * power >= wanted), _LEAST)
    return Grid.from_bounds(crs, (x.min() - cell, y.min() - cell, x.max() + cell, y.max() + cell), cell)


def thin_heights(table: pd.DataFrame, product: str, cells: Grid, *, height: str) -> pd.DataFrame:
    """
    Summarise heights cell by cell.

    Parameters
    ----------
    table : DataFrame with longitude, latitude, time, `height` (m) and optionally rgt and cycle. Heights that are NaN
        are left out
    product : its name
    cells : Grid
    height : column of heights

    Returns
    -------
    DataFrame, one row for every cell with a height: product, x, y (m, the cell's centre), longitude, latitude (degrees,
        mean of its heights), h (m, median), h_low, h_high (m), n, n_passes (of rgt and cycle, 0 if unknown),
        time_first, time_last (UTC)
    """
    rows = table[np.isfinite(table[height])]
    to_map = pyproj.Transformer.from_crs("EPSG:4326", cells.crs, always_xy=True)
    row, column = cells.cell_of(*to_map.transform(rows["longitude"].to_numpy(), rows["latitude"].to_numpy()))
    named = {"rgt", "cycle"} <= set(rows)
    passes = rows["rgt"].to_numpy("i8") * 1000 + rows["cycle"].to_numpy("i8") if named else np.zeros(len(rows), "i8")
    kept = pd.DataFrame(
        {
            "row": row,
            "column": column,
            "longitude": rows["longitude"].to_numpy("f8"),
            "passes": passes,
            "latitude": rows["latitude"].to_numpy("f8"),
            "h": rows[height].to_numpy("f8"),
            "time": rows["time"].to_numpy(),
        }
    )[row >= 0]
    thinned = kept.groupby(["row", "column"], as_index=False).agg(
        longitude=("longitude", "first"),
        latitude=("latitude", "first"),
        h=("h", "median"),
        h_low=("h", "min"),
        h_high=("h", "max"),
        n=("h", "size"),
        n_passes=("passes", "nunique"),
        time_first=("time", "min"),
        time_last=("time", "max"),
    )
    x, y = cells.x[thinned["column"].to_numpy("i8")], cells.y[thinned["row"].to_numpy("i8")]
    thinned = thinned.assign(product=product, x=x, y=y, n_passes=thinned["n_passes"] if named else 0)[list(COLUMNS)]
    thinned.attrs["units"] = dict(UNITS)
    return thinned


def join_cells(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """
    Join tables of `thin_heights` of chunks that share no pass, with a cell's height as the mean of its parts' medians.

    Parameters
    ----------
    parts : DataFrames of `thin_heights`

    Returns
    -------
    DataFrame, one row for every product and cell, without rows if there are no parts
    """
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    if not len(table):
        types = {name: "f8" for name in ("x", "y", "longitude", "latitude", "h", "h_low", "h_high")}
        types |= {name: "i8" for name in ("n", "n_passes")} | {name: "datetime64[ns]" for name in COLUMNS[-2:]}
        table = table.astype(types)
    else:
        table = table.assign(sum=table["h"] * table["n"])
        table = table.groupby(["product", "x", "y"], as_index=False).agg(
            longitude=("longitude", "first"),
            latitude=("latitude", "first"),
            sum=("sum", "sum"),
            h_low=("h_low", "min"),
            h_high=("h_high", "max"),
            n=("n", "sum"),
            n_passes=("n_passes", "sum"),
            time_first=("time_first", "min"),
            time_last=("time_last", "max"),
        )
        table = table.assign(h=table["sum"] / table["n"])[list(COLUMNS)]
    table.attrs["units"] = dict(UNITS)
    return table
