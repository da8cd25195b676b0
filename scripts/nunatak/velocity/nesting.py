"""Combine lattices whose edges coincide: one cell becomes several, or several become one, without interpolation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.constants import FILL_VELOCITY

if TYPE_CHECKING:
    from nunatak.velocity.lattice import Placement


def replicate(
    window: np.ndarray, window_start: tuple[int, ...], placement: Placement, shape: tuple[int, ...], fill: int
) -> np.ndarray:
    """
    Give each target cell the value of the coarse cell it lies in.

    Parameters
    ----------
    window : (rows, columns) array of the coarse lattice
    window_start : (row, column) of its first cell in the source
    placement : lattice.Placement, "replicated"
    shape : (ny, nx) of the target
    fill : value outside the window
    """
    out = np.full(shape, fill, dtype=window.dtype)
    index, inside = [], []
    for axis, offset in enumerate((placement.row_offset, placement.column_offset)):
        cell = (np.arange(shape[axis]) + offset) // placement.factor - window_start[axis]
        within = np.nonzero((cell >= 0) & (cell < window.shape[axis]))[0]
        index.append(cell[within])
        inside.append(within)
    out[np.ix_(*inside)] = window[np.ix_(*index)]
    return out


def average_components_reference(
    vx: np.ndarray, vy: np.ndarray, window_start: tuple[int, ...], placement: Placement, shape: tuple[int, ...]
) -> tuple[np.ndarray, ...]:
    """Average the components cell by cell, as the reference implementation of `average_components`."""
    out = np.full((2, *shape), FILL_VELOCITY, dtype="i2")
    f = placement.factor
    for i in range(shape[0]):
        for j in range(shape[1]):
            r, c = placement.row_offset + i * f - window_start[0], placement.column_offset + j * f - window_start[1]
            rows, columns = slice(max(r, 0), max(r + f, 0)), slice(max(c, 0), max(c + f, 0))
            u, w = vx[rows, columns].astype(float), vy[rows, columns].astype(float)
            seen = (u != FILL_VELOCITY) & (w != FILL_VELOCITY)
            if 2 * seen.sum() >= f * f:
                out[0, i, j], out[1, i, j] = np.rint(u[seen].mean()), np.rint(w[seen].mean())
    return out[0], out[1]


@kernel
def _average(vx, vy, row0, column0, factor, out_x, out_y):
    """Average the components over the fine cells of each target cell."""
    for i in range(out_x.shape[0]):
        for j in range(out_x.shape[1]):
            u, w, n = 0, 0, 0
            for a in range(factor):
                r = row0 + i * factor + a
                if r < 0 or r >= vx.shape[0]:
                    continue
                for b in range(factor):
                    c = column0 + j * factor + b
                    if c < 0 or c >= vx.shape[1] or vx[r, c] == FILL_VELOCITY or vy[r, c] == FILL_VELOCITY:
                        continue
                    u += vx[r, c]
                    w += vy[r, c]
                    n += 1
            if 2 * n >= factor * factor and n > 0:
                out_x[i, j] = np.int16(np.rint(u / n))
                out_y[i, j] = np.int16(np.rint(w / n))


def average_components(
    vx: np.ndarray, vy: np.ndarray, window_start: tuple[int, ...], placement: Placement, shape: tuple[int, ...]
) -> tuple[np.ndarray, ...]:
    """
    Return the mean of the components over the fine cells of each target cell, if at least half of them have values.

    Parameters
    ----------
    vx, vy : (rows, columns) int16 windows of the fine lattice, fill -32767
    window_start : (row, column) of their first cell in the source
    placement : lattice.Placement, "averaged"
    shape : (ny, nx) of the target

    Returns
    -------
    vx, vy : (ny, nx) int16 arrays
    """
    out_x, out_y = (np.full(shape, FILL_VELOCITY, dtype="i2") for _ in range(2))
    row0, column0 = placement.row_offset - window_start[0], placement.column_offset - window_start[1]
    _average(vx, vy, row0, column0, placement.factor, out_x, out_y)
    return out_x, out_y


def average_field(
    values: np.ndarray,
    window_start: tuple[int, ...],
    placement: Placement,
    shape: tuple[int, ...],
    fill: int,
    *,
    largest: bool = False,
) -> np.ndarray:
    """
    Return the rounded mean, or the largest, of a field's fine cells, `fill` if none has a value.

    The largest is for chip sizes and masks.
    """
    f = placement.factor
    fine = np.full((shape[0] * f, shape[1] * f), fill, dtype=values.dtype)
    row0, column0 = placement.row_offset - window_start[0], placement.column_offset - window_start[1]
    rows = slice(max(-row0, 0), min(values.shape[0] - row0, fine.shape[0]))
    columns = slice(max(-column0, 0), min(values.shape[1] - column0, fine.shape[1]))
    fine[rows, columns] = values[rows.start + row0 : rows.stop + row0, columns.start + column0 : columns.stop + column0]
    blocks = np.ma.masked_equal(fine, fill).reshape(shape[0], f, shape[1], f)
    reduced = blocks.max(axis=(1, 3)) if largest else np.ma.round(blocks.mean(axis=(1, 3)))
    return reduced.filled(fill).astype(values.dtype)


def speed(vx: np.ndarray, vy: np.ndarray) -> np.ndarray:
    """Return the speed of int16 components, rounded as in the product, fill -32767 where a component is missing."""
    missing = (vx == FILL_VELOCITY) | (vy == FILL_VELOCITY)
    v = np.rint(np.hypot(vx.astype("f4"), vy.astype("f4")))
    return np.where(missing | (v > 32766), FILL_VELOCITY, v).astype("i2")
