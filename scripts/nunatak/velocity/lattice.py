"""Choose the target grid of a cube, and determine how each pair's own lattice lies on it: copied, nested or rotated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from nunatak.geometry.grid import Grid
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    import pandas as pd

_TOLERANCE = 1e-3  # cells; lattices are written in half metres


@dataclass(frozen=True)
class Placement:
    """The way one pair is brought onto the target grid."""

    treatment: str
    """copied, replicated (each cell becomes several), averaged (several become one) or rotated; empty when refused"""
    reason: str = ""
    """why it is refused"""
    factor: int = 1
    """cells per cell along one axis, for replicated and averaged"""
    row_offset: int = 0
    """rows of the finer lattice from the pair's upper edge down to the target's (negative: it begins inside)"""
    column_offset: int = 0


def target_grid(pairs: pd.DataFrame, project: Callable, *, crs: Any = None, cell: Any = None) -> Grid:
    """
    Return the grid of a cube: the lattice that most pairs share, cut to the region.

    It has at least two rows and columns.

    Parameters
    ----------
    pairs : DataFrame with `epsg, x0, y0, dx, dy`, the candidates
    project : function of a CRS that gives the region's geometry in it (`Region.projected`)
    crs, cell : the user's own CRS and cell size in metres; the lattice then is that of the pairs that have both; of a
        cell no pair has, one whose edges are edges of the pairs' cells; without a pair in the CRS it begins at 0, 0

    Returns
    -------
    nunatak.geometry.grid.Grid

    Raises
    ------
    NunatakError : only one of crs and cell is given, and no pair has it
    """
    table = pairs
    if crs is not None:
        table = table[table["epsg"].map("EPSG:{}".format) == crs]
    if cell is not None and (table["dx"] == cell).any():
        table = table[table["dx"] == cell]
    elif cell is not None and crs is not None:
        nests = [_nests(dx, cell) for dx in table["dx"]]
        table = table[np.array(nests, dtype=bool)]  # an empty list would be one of columns
    elif cell is not None:
        table = table.iloc[:0]
    if not len(table):
        if crs is None or cell is None:
            wanted = ", ".join(str(value) for value in (crs, cell) if value is not None)
            raise NunatakError(f"velocity: no image pair has {wanted}; give both crs and cell, or neither")
        return Grid.from_bounds(crs, _floats(project(crs).bounds), cell).widened()
    # ties go to the finer lattice, then to the smaller EPSG number, so that the order of granules does not matter
    count = table.groupby("epsg").size()
    epsg = int(count[count == count.max()].index.min())
    table = table[table["epsg"] == epsg]
    count = table.groupby("dx").size()
    dx = float(count[count == count.max()].index.min())
    own = table[table["dx"] == dx]
    corners = zip(own["x0"] - own["dx"] / 2, own["y0"] + own["dy"] / 2, strict=True)
    edges = [(_modulo(x, dx), _modulo(y, dx)) for x, y in corners]
    lattice = max(sorted(set(edges)), key=edges.count)
    bounds = _floats(project(f"EPSG:{epsg}").bounds)
    return Grid.from_bounds(f"EPSG:{epsg}", bounds, cell or dx, lattice=lattice).widened()


def _nests(one, other):
    """Return whether one cell size is a whole multiple of the other."""
    ratio = max(one, other) / min(one, other)
    return abs(ratio - round(ratio)) < 1e-9


def _floats(bounds):
    """Return bounds as floats."""
    return tuple(float(bound) for bound in bounds)


def _modulo(value, cell):
    """Return the remainder of a coordinate in a cell, 0 within rounding."""
    rest = round(value % cell, 3)
    return 0.0 if rest >= cell - _TOLERANCE else float(rest)


def source_grid(pair: Mapping[str, Any]) -> Grid:
    """Return the Grid of one pair, from the centre of its first cell and the steps."""
    return Grid(
        f"EPSG:{pair['epsg']}",
        pair["x0"] - pair["dx"] / 2,
        pair["y0"] + pair["dy"] / 2,
        pair["dx"],
        pair["dy"],
        int(pair["ny"]),
        int(pair["nx"]),
    )


def place(source: Grid, target: Grid, *, mixed_resolutions: bool = False) -> Placement:
    """
    Determine how a pair on `source` is brought onto `target`.

    The same lattice is copied. Lattices whose edges coincide are combined without interpolation. Another projection is
    rotated, by default only at the same cell size.

    Parameters
    ----------
    source, target : Grid
    mixed_resolutions : rotate pairs of another cell size too (nearest cell)

    Returns
    -------
    Placement
    """
    if source.crs != target.crs:
        if source.dx != target.dx and not mixed_resolutions:
            found, wanted = f"{source.dx:g} m in {source.crs}", f"{target.dx:g} m in {target.crs}"
            return Placement("", f"resolution: {found}, the cube has {wanted}")
        return Placement("rotated")
    fine, coarse = min(source.dx, target.dx), max(source.dx, target.dx)
    factor = round(coarse / fine)
    if not _nests(source.dx, target.dx):
        return Placement("", f"resolution: {source.dx:g} m does not nest in {target.dx:g} m")
    rows, columns = (source.top - target.top) / fine, (target.left - source.left) / fine
    if max(abs(rows - round(rows)), abs(columns - round(columns))) > _TOLERANCE:
        return Placement("", f"lattice: cell edges lie {columns % 1:.3f}, {rows % 1:.3f} cells beside the cube's")
    treatment = "copied" if factor == 1 else "replicated" if source.dx > target.dx else "averaged"
    return Placement(treatment, "", factor, round(rows), round(columns))


def source_window(placement: Placement, source: Grid, target: Grid) -> tuple[tuple[int, ...], ...] | None:
    """
    Return the (rows, columns) of the source that the target needs, each (start, stop), or None if they do not meet.

    For `rotated` use `Rotation.window`.
    """
    spans = []
    for offset, n_target, n_source in (
        (placement.row_offset, target.ny, source.ny),
        (placement.column_offset, target.nx, source.nx),
    ):
        if placement.treatment == "replicated":
            first, last = offset // placement.factor, -(-(offset + n_target) // placement.factor)
        else:
            first, last = offset, offset + n_target * placement.factor
        span = max(first, 0), min(last, n_source)
        if span[0] >= span[1]:
            return None
        spans.append(span)
    return tuple(spans)


def roi_mask(grid: Grid, geometry: shapely.Polygon, *, all_touched: bool = False) -> np.ndarray:
    """
    Return the cells of a region: those whose centre lies inside, or all that it touches.

    If no centre lies inside, all touched cells are taken.

    Parameters
    ----------
    grid : Grid
    geometry : shapely geometry in the grid's CRS

    Returns
    -------
    (ny, nx) bool array
    """
    shapely.prepare(geometry)
    x, y = np.meshgrid(grid.x, grid.y)
    centres = shapely.contains_xy(geometry, x, y)
    if centres.any() and not all_touched:
        return centres
    half = grid.dx / 2, grid.dy / 2
    return shapely.intersects(geometry, shapely.box(x - half[0], y - half[1], x + half[0], y + half[1]))
