"""
Sum the points of a granule per cell and day in one pass: project, find cell and day, add.

A ground track stays in a cell for hundreds of points, so consecutive points of one cell and day are summed into one row
without a search. Rows of the same cell and day are merged afterwards, in the order they arose. The memory is that of
one block of points, however many points there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.gridding.projection import NO_CLOSED_FORM, project_point, projection
from nunatak.gridding.sums import sum_by
from nunatak.gridding.timebins import NANOSECONDS_PER_DAY

if TYPE_CHECKING:
    from nunatak.geometry.grid import Grid

SUMS = ("n", "sw", "sw2", "swv", "swv2", "sw2e2", "n_lead", "sw_lead")
"""Per cell, day and granule: points, sums of weight, weight^2, weight*value, weight*value^2, (weight*error)^2, leads"""

BLOCK = 1 << 16  # points. It fixes the order of a granule's sums, and so defines them
LARGEST = 1e30  # larger values and weights are fill values (float32: 3.4e38)
_NAT = np.iinfo("int64").min
_NO_TIME = np.zeros(0, dtype="int64")
_NO_COLUMN = np.zeros(0)


class Block(NamedTuple):
    """One block of points, (n,) float64 arrays that are empty for missing columns."""

    lon: np.ndarray
    lat: np.ndarray
    value: np.ndarray
    weight: np.ndarray
    error: np.ndarray
    lead: np.ndarray
    time: np.ndarray
    """int64 ns since 1970-01-01"""


class Lattice(NamedTuple):
    """The cells of a grid and the projection to them."""

    left: float
    top: float
    dx: float
    dy: float
    nx: float
    ny: float
    projection: np.ndarray
    """parameters of the closed form"""


def sum_points(
    columns: Mapping[str, np.ndarray], grid: Grid, shift: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """
    Sum the points of one granule per cell and day.

    Parameters
    ----------
    columns : mapping of (n,) arrays with `lon`, `lat` (degrees), `value` and any of `time` (datetime64[ns], UTC),
        `weight`, `error` (one standard error of the value), `lead` (bool). Without `time` all points fall on day 0,
        without `weight` each has weight 1
    grid : Grid
    shift : value subtracted before squaring. Default: 0

    Returns
    -------
    day, cell : (m,) int64, ascending: days since 1970-01-01, and row * nx + column
    sums : (m, len(SUMS)) float64
    tally : (3,) int64: points accepted, outside the grid, invalid (NaN, fill, no time, weight not positive)
    """
    plane = projection(grid.crs)
    edges = (grid.left, grid.top, grid.dx, grid.dy, grid.nx, grid.ny)
    lattice = Lattice._make((*(float(value) for value in edges), np.array(plane.parameters)))
    tally = np.zeros(3, dtype="int64")
    size = min(BLOCK, len(columns["lon"]))
    day, cell, sums = np.empty(size, "int64"), np.empty(size, "int64"), np.empty((size, len(SUMS)))
    parts = []
    for start in range(0, len(columns["lon"]), BLOCK):
        block = _block(columns, slice(start, start + BLOCK))
        x, y = _exact(plane, block.lon, block.lat)
        m = _sum_runs(block, x, y, lattice, shift, day, cell, sums, tally)
        parts.append(sum_by((day[:m], cell[:m]), sums[:m]))
    keys = tuple(np.concatenate([part[0][k] for part in parts] or [np.empty(0, "int64")]) for k in (0, 1))
    (day, cell), sums = sum_by(keys, np.concatenate([part[1] for part in parts] or [sums]))
    return day, cell, sums, tally


def sum_points_reference(
    columns: Mapping[str, Any], grid: Grid, shift: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """
    Sum the points with PROJ, whole arrays and `np.bincount`, as the reference implementation of `sum_points`.

    Parameters
    ----------
    columns, grid, shift : as in `sum_points`
    """
    n = len(columns["lon"])
    x, y = projection(grid.crs).forward(np.asarray(columns["lon"], float), np.asarray(columns["lat"], float))
    value = np.asarray(columns["value"], float)
    weight = np.asarray(columns.get("weight", np.ones(n)), float)
    error = np.asarray(columns.get("error", np.zeros(n)), float)
    lead = np.asarray(columns.get("lead", np.zeros(n)), float)
    time = np.asarray(columns.get("time", np.zeros(n, "int64")), "datetime64[ns]")
    row, column = grid.cell_of(x, y)
    with np.errstate(invalid="ignore"):
        valid = (np.abs(value) < LARGEST) & (weight > 0) & (weight < LARGEST) & ~np.isnat(time)
        valid &= np.isfinite(columns["lon"]) & np.isfinite(columns["lat"])
    keep = valid & (row >= 0)
    day = time[keep].astype("int64") // NANOSECONDS_PER_DAY
    keys, group = np.unique(np.stack([day, row[keep] * grid.nx + column[keep]]), axis=1, return_inverse=True)
    v, w, e, lead = value[keep] - shift, weight[keep], error[keep], lead[keep]
    terms = (np.ones(len(v)), w, w * w, w * v, w * v * v, (w * e) ** 2, lead, w * lead)
    sums = np.stack([np.bincount(group, weights=t, minlength=keys.shape[1]) for t in terms], axis=1)
    return keys[0], keys[1], sums, np.array([keep.sum(), (valid & ~keep).sum(), (~valid).sum()])


def cell_numbers(lon: np.ndarray, lat: np.ndarray, grid: Grid) -> np.ndarray:
    """
    Return the cell of each point as row * nx + column.

    Parameters
    ----------
    lon, lat : (n,) degrees
    grid : Grid

    Returns
    -------
    (n,) int64, -1 outside the grid and without a position
    """
    x, y = projection(grid.crs).project(lon, lat)
    row, column = grid.cell_of(x, y)
    return np.where(row >= 0, row * grid.nx + column, -1)


def _block(columns, rows):
    """Return the Block of some rows of the columns."""

    def floats(name):
        return np.ascontiguousarray(columns[name][rows], dtype="f8") if name in columns else _NO_COLUMN

    time = _NO_TIME
    if "time" in columns:
        time = np.ascontiguousarray(columns["time"][rows], dtype="datetime64[ns]").view("int64")
    return Block._make((*(floats(name) for name in Block._fields[:-1]), time))


def _exact(plane, lon, lat):
    """Return x, y by PROJ where the closed form does not hold, or empty arrays if it holds everywhere."""
    beyond = plane.needs_proj(lat)
    if not beyond.any():
        return _NO_COLUMN, _NO_COLUMN
    x, y = np.full(lon.shape, np.nan), np.full(lon.shape, np.nan)
    located = beyond & np.isfinite(lon) & np.isfinite(lat)
    x[located], y[located] = plane.forward(lon[located], lat[located])
    return x, y


@kernel
def _sum_runs(block, x, y, lattice, shift, day, cell, sums, tally):
    """Write one row of sums per run of points in the same cell and day, and return the number of rows."""
    lon, lat, value, weight, time = block.lon, block.lat, block.value, block.weight, block.time
    p = lattice.projection
    m = -1
    this_day, this_cell = np.int64(0), np.int64(-1)
    for i in range(lon.size):
        w = weight[i] if weight.size else 1.0
        t = time[i] if time.size else np.int64(0)
        if not (
            abs(value[i]) < LARGEST and 0.0 < w < LARGEST and t != _NAT and abs(lon[i]) < 1e4 and abs(lat[i]) <= 90.0
        ):
            tally[2] += 1
            continue
        if x.size and x[i] == x[i]:
            px, py = x[i], y[i]
        elif p[0] == NO_CLOSED_FORM:
            px, py = np.nan, np.nan
        else:
            px, py = project_point(lon[i], lat[i], p)
        column, row = np.floor((px - lattice.left) / lattice.dx), np.floor((lattice.top - py) / lattice.dy)
        # Check both bounds before flattening: a column too far right is not the first of the next row.
        if not (0 <= column < lattice.nx and 0 <= row < lattice.ny):
            tally[1] += 1
            continue
        tally[0] += 1
        a_day = t // NANOSECONDS_PER_DAY
        a_cell = np.int64(row) * np.int64(lattice.nx) + np.int64(column)
        if a_cell != this_cell or a_day != this_day:
            m += 1
            this_day, this_cell = a_day, a_cell
            day[m], cell[m] = a_day, a_cell
            sums[m] = 0.0
        v = value[i] - shift
        s = sums[m]
        s[0] += 1.0
        s[1] += w
        s[2] += w * w
        s[3] += w * v
        s[4] += w * v * v
        if block.error.size:
            s[5] += (w * block.error[i]) ** 2
        if block.lead.size and block.lead[i] > 0.5:
            s[6] += 1.0
            s[7] += w
    return m + 1
