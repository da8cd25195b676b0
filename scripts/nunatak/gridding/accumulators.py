"""
Sums that can be added: per granule, day and cell, so that any grid and any time bin follows from them.

A granule's rows depend on that granule alone. Whatever is derived is summed over granules in the order of their names,
so it has the same bytes however the granules were spread over jobs and threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace

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
    What is known of the points on a grid; from `accumulate`, `merge` or `coarsen`.

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
    def n_points(self):
        """Points accepted in all granules."""
        return int(self.granules["n_points"].sum())

    def describe_losses(self):
        """In words, what became of the points; for messages and attributes."""
        total = self.granules[["n_points", "n_outside", "n_invalid"]].sum()
        return (
            f"{total['n_points']} points in the grid, {total['n_outside']} outside, {total['n_invalid']} without a "
            f"valid value, weight, position or time, from {len(self.granules)} granules"
        )


def accumulate(
    points,
    grid,
    *,
    value,
    weight=None,
    error=None,
    lead=None,
    granule="granule_id",
    shift=0.0,
    level_width=0.0,
    threads=1,
):
    """
    Sum points onto a grid.

    Parameters
    ----------
    points : DataFrame or mapping of arrays with `longitude`, `latitude` (degrees, WGS84), `time` (UTC) if known, the
        columns named below, and one naming the granule of each point; all points are one granule without it
    grid : Grid
    value : column to grid, for instance "beam_fb_height"
    weight : column of weights, for instance "height_segment_length_seg"; 1 unless given
    error : column with one standard error of the value, for the propagated error
    lead : column that is 1 (or True) for a lead, for the lead share
    granule : column with granule names
    shift : near the mean of the values, where their spread is tiny beside it; part of the result
    level_width : keep a histogram with levels of this width, for median, mode and percentiles; 0 keeps none
    threads : granules summed side by side; changes no value

    Returns
    -------
    Accumulators

    Notes
    -----
    A point is left out, and counted as invalid, when its value, weight, position or time is missing, when its weight
    is not positive, or when value or weight is a fill (1e30 and more). NaN in a column not named here never matters.

    Raises
    ------
    NunatakError : a column is absent
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


def merge(parts):
    """
    Accumulators of several jobs as one; the order of `parts` does not matter.

    A granule that occurs in more than one part (its points were split) is added up too, correct to rounding (1e-12).

    Raises
    ------
    NunatakError : nothing to merge, or grids, shifts or level widths differ
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


def to_tables(accumulators):
    """
    What accumulators hold, as tables for files, and the attributes that make them whole again.

    Returns
    -------
    tables : dict of DataFrame, `rows`, `levels` and `granules`
    attributes : dict of text and numbers: the grid, shift and level width
    """
    attributes = {f"grid_{name}": value for name, value in asdict(accumulators.grid).items()}
    attributes |= {"shift": accumulators.shift, "level_width": accumulators.level_width}
    return {name: getattr(accumulators, name) for name in ("rows", "levels", "granules")}, attributes


def from_tables(tables, attributes):
    """Accumulators from what `to_tables` returned; attributes may have become text on the way."""
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


def select(accumulators, *, start=None, end=None):
    """The accumulators of the days in [start, end) (dates); the granules keep their tallies."""

    def within(table):
        keep = np.ones(len(table), dtype=bool)
        if start is not None:
            keep &= table["day"].to_numpy() >= np.datetime64(start, "D").astype("int64")
        if end is not None:
            keep &= table["day"].to_numpy() < np.datetime64(end, "D").astype("int64")
        return table[keep].reset_index(drop=True)

    return replace(accumulators, rows=within(accumulators.rows), levels=within(accumulators.levels))


def coarsen(accumulators, factor):
    """
    The same sums in cells `factor` times as large, exact because sums add.

    The coarse grid lies on the lattice through (0, 0) when the fine one does (all presets do), so that it is the
    preset's own coarser grid; else it starts at the fine grid's corner.
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


def collect(accumulators, moved):
    """The accumulators with every cell renumbered by `moved` (a function of cell numbers), equal ones added."""
    rows, levels = (
        table.assign(cell=moved(table["cell"].to_numpy())) for table in (accumulators.rows, accumulators.levels)
    )
    return replace(accumulators, rows=_merged(rows), levels=merge_levels(levels))


def _coarse_grid(fine, factor):
    dx, dy = fine.dx * factor, fine.dy * factor
    on_lattice = (fine.left / fine.dx).is_integer() and (fine.top / fine.dy).is_integer()
    left = np.floor(fine.left / dx) * dx if on_lattice else fine.left
    top = np.ceil(fine.top / dy) * dy if on_lattice else fine.top
    _, bottom, right, _ = fine.bounds
    ny, nx = int(np.ceil((top - bottom) / dy - 1e-9)), int(np.ceil((right - left) / dx - 1e-9))
    return Grid(fine.crs, float(left), float(top), dx, dy, ny, nx)


def _column(points, name):
    if name not in points:
        raise NunatakError(f"gridding: the points have no column {name!r} (they have: {', '.join(map(str, points))})")
    return np.asarray(points[name])


def _by_granule(points, granule, n):
    """Granule names, ascending, and the rows of each: slices where the points of a granule lie together."""
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
    table = pd.DataFrame(sums, columns=list(SUMS))
    table.insert(0, "cell", cell)
    table.insert(0, "day", day)
    table.insert(0, "granule", np.full(len(day), code, dtype="int64"))
    return table


def _stacked(tables, columns):
    tables = [table[list(columns)] for table in tables if len(table)]
    if not tables:
        whole = ("granule", "day", "cell", "level")
        return pd.DataFrame({name: np.empty(0, "int64" if name in whole else "float64") for name in columns})
    return pd.concat(tables, ignore_index=True)


def _merged(rows):
    """Rows in order of granule, day and cell, equal ones added."""
    keys = ("granule", "day", "cell")
    merged, sums = sum_by(tuple(rows[key].to_numpy() for key in keys), rows[list(SUMS)].to_numpy())
    return pd.DataFrame(dict(zip(keys, merged, strict=True)) | dict(zip(SUMS, sums.T, strict=True)))
