"""
Sum points per granule, day and cell, so that any grid and any time bin follows from these sums.

A granule's rows depend on that granule alone. Everything derived is summed over granules in the order of their names,
so that it has the same bytes however the granules were spread over jobs and threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from nunatak.geometry.grid import Grid
from nunatak.gridding.bins import SUMS, cell_numbers, sum_points
from nunatak.gridding.histogram import HISTOGRAM_COLUMNS, count_levels, merge_levels
from nunatak.gridding.sums import sum_by
from nunatak.runtime import NunatakError

ROW_COLUMNS = ("granule", "day", "cell", *SUMS)


@dataclass(frozen=True)
class Accumulators:
    """
    Sums of points on a grid, from `accumulate`, `merge` or `coarsen`.

    Attributes
    ----------
    grid : Grid
    granules : DataFrame of `granule_id` (ascending), `n_points, n_outside, n_invalid`
    rows : DataFrame of `granule` (row of `granules`), `day` (since 1970-01-01), `cell` (row * nx + column) and the sums
        named in `bins.SUMS`; ascending by granule, day, cell
    levels : DataFrame of `granule, day, cell, level, n, sw`, the histogram of values; empty unless asked for
    shift : subtracted from every value before it was squared
    level_width : width of a level in units of the value; 0 without a histogram
    """

    grid: Grid
    granules: pd.DataFrame
    rows: pd.DataFrame
    levels: pd.DataFrame
    shift: float = 0.0
    level_width: float = 0.0

    @property
    def n_points(self) -> int:
        """Return the number of points accepted in all granules."""
        return int(self.granules["n_points"].sum())

    def describe_losses(self) -> str:
        """Return in words how many points lie in the grid, outside it and without valid values."""
        total = self.granules[["n_points", "n_outside", "n_invalid"]].sum()
        return (
            f"{total['n_points']} points in the grid, {total['n_outside']} outside, {total['n_invalid']} without a "
            f"valid value, weight, position or time, from {len(self.granules)} granules"
        )


def accumulate(
    points: pd.DataFrame | Mapping[str, np.ndarray],
    grid: Grid,
    *,
    value: str,
    weight: str | None = None,
    error: str | None = None,
    lead: str | None = None,
    granule: str = "granule_id",
    shift: float = 0.0,
    level_width: float = 0.0,
    threads: int = 1,
) -> Accumulators:
    """
    Sum points onto a grid.

    Parameters
    ----------
    points : DataFrame or mapping of arrays with `longitude`, `latitude` (degrees, WGS84), the columns named below,
        `time` (UTC) if there is one, and the granule of each point. Without a granule column all points belong to one
        granule
    grid : Grid
    value : column to grid, for instance "beam_fb_height"
    weight : column of weights, for instance "height_segment_length_seg". Default: every point has weight 1
    error : column with one standard error of the value, for the propagated error. Default: none
    lead : column that is 1 (or True) for a lead, for the share of leads. Default: none
    granule : column with granule names. Default: granule_id
    shift : value subtracted before squaring, near the mean of the values when their spread is small beside it. It
        becomes part of the result. Default: 0
    level_width : width of the levels of a histogram, for median, mode and percentiles. Default: 0, no histogram
    threads : granules summed in parallel, which changes no value. Default: 1

    Returns
    -------
    Accumulators

    Raises
    ------
    NunatakError : a column is absent

    Notes
    -----
    A point is left out, and counted as invalid, when its value, weight, position or time is missing, when its weight is
    not positive, or when value or weight is a fill (1e30 and more). NaN in a column not named here does not matter.
    """
    wanted = {"lon": "longitude", "lat": "latitude", "value": value, "weight": weight, "error": error, "lead": lead}
    columns = {ours: _column(points, theirs) for ours, theirs in wanted.items() if theirs is not None}
    if "time" in points:
        columns["time"] = _column(points, "time").astype("datetime64[ns]")
    names, groups = _by_granule(points, granule, len(columns["lon"]))

    def one(group):
        own = {name: column[group] for name, column in columns.items()}
        levels = count_levels(own, cell_numbers(own["lon"], own["lat"], grid), level_width) if level_width else None
        return *sum_points(own, grid, shift), levels

    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        parts = list(pool.map(one, groups))
    return _assemble(grid, names, parts, shift, level_width)


def merge(parts: Iterable[Accumulators]) -> Accumulators:
    """
    Merge the accumulators of several jobs, in any order.

    A granule that occurs in more than one part, because its points were split, is summed as well, correct to rounding
    (1e-12).

    Parameters
    ----------
    parts : Accumulators of one grid, shift and level width

    Raises
    ------
    NunatakError : there is nothing to merge, or grids, shifts or level widths differ
    """
    parts = list(parts)
    if not parts:
        raise NunatakError("gridding: nothing to merge; give at least one set of accumulators")
    for name in ("grid", "shift", "level_width"):
        if len({getattr(part, name) for part in parts}) > 1:
            raise NunatakError(f"gridding: cannot merge: {name} differs between the parts; accumulate them alike")
    granules = pd.concat([part.granules for part in parts], ignore_index=True)
    granules = granules.groupby("granule_id", as_index=False, sort=True).sum()
    codes = [np.searchsorted(granules["granule_id"], part.granules["granule_id"]) for part in parts]
    rows = [part.rows.assign(granule=code[part.rows["granule"]]) for part, code in zip(parts, codes, strict=True)]
    levels = [part.levels.assign(granule=code[part.levels["granule"]]) for part, code in zip(parts, codes, strict=True)]
    return replace(
        parts[0],
        granules=granules,
        rows=_merged(_stacked(rows, ROW_COLUMNS)),
        levels=merge_levels(_stacked(levels, HISTOGRAM_COLUMNS)),
    )


def to_tables(accumulators: Accumulators) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """
    Return the content of accumulators as tables for files, and the attributes that restore them.

    Parameters
    ----------
    accumulators : Accumulators

    Returns
    -------
    tables : dict of DataFrame, `rows`, `levels` and `granules`
    attributes : dict of text and numbers: the grid, shift and level width
    """
    attributes = {f"grid_{name}": value for name, value in asdict(accumulators.grid).items()}
    attributes |= {"shift": accumulators.shift, "level_width": accumulators.level_width}
    return {name: getattr(accumulators, name) for name in ("rows", "levels", "granules")}, attributes


def from_tables(tables: Mapping[str, pd.DataFrame], attributes: Mapping[str, Any]) -> Accumulators:
    """
    Restore accumulators from the result of `to_tables`.

    Parameters
    ----------
    tables : DataFrames `rows`, `levels` and `granules`
    attributes : grid, shift and level width, as numbers or as text
    """
    numbers = {"left": float, "top": float, "dx": float, "dy": float, "ny": int, "nx": int, "crs": str}
    grid = Grid(**{name: kind(attributes[f"grid_{name}"]) for name, kind in numbers.items()})
    return Accumulators(
        grid,
        tables["granules"],
        tables["rows"],
        tables["levels"],
        float(attributes["shift"]),
        float(attributes["level_width"]),
    )


def select(accumulators: Accumulators, *, start: Any = None, end: Any = None) -> Accumulators:
    """
    Keep the days of a period, with the counts of the granules unchanged.

    Parameters
    ----------
    accumulators : Accumulators
    start : first date. Default: no limit
    end : date after the last. Default: no limit
    """

    def within(table):
        keep = np.ones(len(table), dtype=bool)
        if start is not None:
            keep &= table["day"].to_numpy() >= np.datetime64(start, "D").astype("int64")
        if end is not None:
            keep &= table["day"].to_numpy() < np.datetime64(end, "D").astype("int64")
        return table[keep].reset_index(drop=True)

    return replace(accumulators, rows=within(accumulators.rows), levels=within(accumulators.levels))


def coarsen(accumulators: Accumulators, factor: float) -> Accumulators:
    """
    Sum cells into cells `factor` times as large, which is exact because sums add.

    The coarse grid lies on the lattice through (0, 0) if the fine one does, as all presets do, so that it is the
    preset's own coarser grid. Otherwise it starts at the fine grid's corner.

    Parameters
    ----------
    accumulators : Accumulators
    factor : whole number of cells, at least 1

    Raises
    ------
    NunatakError : the factor is not a positive whole number
    """
    if factor != int(factor) or factor < 1:
        raise NunatakError(f"gridding: cannot coarsen by {factor}; give a whole number of cells")
    fine = accumulators.grid
    coarse = _coarse_grid(fine, int(factor))
    right = round((fine.left - coarse.left) / fine.dx)
    down = round((coarse.top - fine.top) / fine.dy)

    def moved(cell):
        row, column = np.divmod(cell, fine.nx)
        return (row + down) // int(factor) * coarse.nx + (column + right) // int(factor)

    return collect(replace(accumulators, grid=coarse), moved)


def collect(accumulators: Accumulators, moved: Callable[[np.ndarray], np.ndarray]) -> Accumulators:
    """
    Rename the cells by a function of their numbers, and add the rows whose cells become equal.

    Parameters
    ----------
    accumulators : Accumulators
    moved : function from old to new cell numbers
    """
    rows, levels = (
        table.assign(cell=moved(table["cell"].to_numpy())) for table in (accumulators.rows, accumulators.levels)
    )
    return replace(accumulators, rows=_merged(rows), levels=merge_levels(levels))


def _coarse_grid(fine, factor):
    """Return the grid of larger cells that covers a grid."""
    dx, dy = fine.dx * factor, fine.dy * factor
    on_lattice = (fine.left / fine.dx).is_integer() and (fine.top / fine.dy).is_integer()
    left = np.floor(fine.left / dx) * dx if on_lattice else fine.left
    top = np.ceil(fine.top / dy) * dy if on_lattice else fine.top
    _, bottom, right, _ = fine.bounds
    ny, nx = int(np.ceil((top - bottom) / dy - 1e-9)), int(np.ceil((right - left) / dx - 1e-9))
    return Grid(fine.crs, float(left), float(top), dx, dy, ny, nx)


def _column(points, name):
    """Return a column of the points as an array, or raise an error that lists the columns there are."""
    if name not in points:
        raise NunatakError(f"gridding: the points have no column {name!r} (they have: {', '.join(map(str, points))})")
    return np.asarray(points[name])


def _by_granule(points, granule, n):
    """
    Return the granule names in ascending order, and the rows of each.

    The rows are slices if the points of each granule lie together, else row numbers.
    """
    if granule not in points:
        return [""], [slice(None)]
    codes, names = pd.factorize(points[granule], sort=True)
    if n == 0:
        return [], []
    ends = np.flatnonzero(np.diff(codes)) + 1
    if len(ends) + 1 == len(names):
        starts, stops = np.concatenate([[0], ends]), np.concatenate([ends, [n]])
        groups = dict(zip(codes[starts], map(slice, starts, stops), strict=True))
        return list(names), [groups[code] for code in range(len(names))]
    return list(names), [np.flatnonzero(codes == code) for code in range(len(names))]


def _assemble(grid, names, parts, shift, level_width):
    """Build accumulators from the sums of each granule."""
    tallies = np.array([tally for *_, tally, _ in parts], dtype="int64").reshape(-1, 3)
    granules = pd.DataFrame(tallies, columns=["n_points", "n_outside", "n_invalid"])
    granules.insert(0, "granule_id", np.array(names, dtype=object))
    rows = [_rows(code, *part[:3]) for code, part in enumerate(parts)]
    levels = [part[4].assign(granule=code) for code, part in enumerate(parts) if part[4] is not None]
    return Accumulators(
        grid,
        granules,
        _stacked(rows, ROW_COLUMNS),
        _stacked(levels, HISTOGRAM_COLUMNS),
        float(shift),
        float(level_width),
    )


def _rows(code, day, cell, sums):
    """Return the sums of one granule as a table."""
    table = pd.DataFrame(sums, columns=list(SUMS))
    table.insert(0, "cell", cell)
    table.insert(0, "day", day)
    table.insert(0, "granule", np.full(len(day), code, dtype="int64"))
    return table


def _stacked(tables, columns):
    """Concatenate the tables that have rows, or return an empty table with the columns."""
    tables = [table[list(columns)] for table in tables if len(table)]
    if not tables:
        whole = ("granule", "day", "cell", "level")
        return pd.DataFrame({name: np.empty(0, "int64" if name in whole else "float64") for name in columns})
    return pd.concat(tables, ignore_index=True)


def _merged(rows):
    """Sort rows by granule, day and cell, and add those of equal keys."""
    keys = ("granule", "day", "cell")
    merged, sums = sum_by(tuple(rows[key].to_numpy() for key in keys), rows[list(SUMS)].to_numpy())
    return pd.DataFrame(dict(zip(keys, merged, strict=True)) | dict(zip(SUMS, sums.T, strict=True)))
