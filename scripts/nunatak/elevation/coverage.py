"""Compute how much of each cell of a grid a polygon covers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from nunatak.geometry.grid import Grid

# Blocks of cells are intersected with the polygon before their cells are, so that only blocks and finally cells that
# its outline crosses are computed, each against the small piece of outline inside it.
_BLOCKS = (64, 16, 4, 1)
_WHOLE = 1 - 1e-12


def cell_coverage(grid: Grid, polygon: Any) -> np.ndarray:
    """
    Return the fraction of each cell's area inside a polygon.

    Parameters
    ----------
    grid : Grid
    polygon : shapely Polygon or MultiPolygon in the grid's coordinate system, or None to cover everything

    Returns
    -------
    (ny, nx) float64, 0 to 1, with exact areas in the projection, whose scale hardly changes within a cell
    """
    if polygon is None:
        return np.ones(grid.shape)
    coverage = np.zeros(grid.shape)
    if polygon.is_empty:
        return coverage
    rows, columns = np.arange(0, grid.ny, _BLOCKS[0]), np.arange(0, grid.nx, _BLOCKS[0])
    row, column = (index.ravel() for index in np.meshgrid(rows, columns, indexing="ij"))
    pieces = np.full(row.size, shapely.make_valid(polygon), dtype=object)
    for size, finer in zip(_BLOCKS, (*_BLOCKS[1:], None), strict=True):
        boxes = _boxes(grid, row, column, size)
        pieces = shapely.intersection(pieces, boxes)
        share = shapely.area(pieces) / shapely.area(boxes)
        if finer is None:
            coverage[row, column] = np.clip(share, 0.0, 1.0)
            break
        for i, j in zip(row[share >= _WHOLE], column[share >= _WHOLE], strict=True):
            coverage[i : i + size, j : j + size] = 1.0
        crossed = (share > 0) & (share < _WHOLE)
        row, column, pieces = _split(grid, row[crossed], column[crossed], pieces[crossed], size, finer)
    return coverage


def _boxes(grid, row, column, size):
    """Return the outlines of blocks of `size` x `size` cells, cut at the grid's edge."""
    last_row, last_column = np.minimum(row + size, grid.ny), np.minimum(column + size, grid.nx)
    return shapely.box(
        grid.left + column * grid.dx,
        grid.top - last_row * grid.dy,
        grid.left + last_column * grid.dx,
        grid.top - row * grid.dy,
    )


def _split(grid, row, column, pieces, size, finer):
    """Return the blocks of the next size inside blocks, each with its block's piece of the polygon."""
    step = np.arange(0, size, finer)
    di, dj = (offset.ravel() for offset in np.meshgrid(step, step, indexing="ij"))
    rows, columns = (row[:, None] + di).ravel(), (column[:, None] + dj).ravel()
    inside = (rows < grid.ny) & (columns < grid.nx)
    return rows[inside], columns[inside], np.repeat(pieces, di.size)[inside]
