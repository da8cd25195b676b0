"""Rotate vectors from one projection to another: components are turned before they are resampled, speeds never are."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyproj

from nunatak.compute.kernels import kernel
from nunatak.constants import FILL_VELOCITY

if TYPE_CHECKING:
    from nunatak.geometry.grid import Grid


@lru_cache(maxsize=4)
def rotation_to(source_crs: str, target: Grid) -> Rotation:
    """Return the Rotation between two projections, cached for all blocks of a cube and all pairs of a projection."""
    return Rotation(source_crs, target)


class Rotation:
    """
    For every cell of a target grid: its place in another projection and the turn between the two sets of axes.

    Velocities are metres per year over ground along the grid's axes, so they are turned and not scaled:
    R = J / sqrt|det J| with J the Jacobian of source -> target, by finite difference over one cell. ITS_LIVE's own
    reproject.py keeps the scale in, as its vectors are in map units; ours are put on the ground when they are read.

    Parameters
    ----------
    source_crs : str
    target : Grid

    Attributes
    ----------
    x, y : (ny, nx) source coordinates of the target's cell centres, metres
    matrix : (2, 2, ny, nx) float32, target components = matrix @ source components
    """

    def __init__(self, source_crs, target):
        x, y = np.meshgrid(target.x, target.y)
        to_source = pyproj.Transformer.from_crs(target.proj, source_crs, always_xy=True)
        to_target = pyproj.Transformer.from_crs(source_crs, target.proj, always_xy=True)
        self.x, self.y = to_source.transform(x, y)
        self.matrix = _unit_jacobian(to_target, self.x, self.y, target.dx).astype("f4")

    def window(self, source: Grid) -> tuple[tuple[int, ...], ...] | None:
        """
        Return the (rows, columns) of a source Grid that the target needs, (start, stop) each, or None without overlap.
        """
        spans = []
        row, column = (source.top - self.y) / source.dy, (self.x - source.left) / source.dx
        for value, n in ((row, source.ny), (column, source.nx)):
            value = value[np.isfinite(value)]
            if not value.size:
                return None
            span = max(int(np.floor(value.min())), 0), min(int(np.floor(value.max())) + 1, n)
            if span[0] >= span[1]:
                return None
            spans.append(span)
        return tuple(spans)

    def cells(self, source: Grid, window: tuple[tuple[int, ...], ...]) -> np.ndarray:
        """
        Return the flat index of each target cell's nearest source cell within a window, -1 outside, (ny, nx) int64.
        """
        (r0, r1), (c0, c1) = window
        row, column = source.cell_of(self.x, self.y)
        inside = (row >= r0) & (row < r1) & (column >= c0) & (column < c1)
        return np.where(inside, (row - r0) * (c1 - c0) + (column - c0), -1)

    def turn(self, vx: np.ndarray, vy: np.ndarray) -> tuple[np.ndarray, ...]:
        """Turn source components, given at the target's cells, to target components, (..., ny, nx)."""
        m = self.matrix
        return m[0, 0] * vx + m[0, 1] * vy, m[1, 0] * vx + m[1, 1] * vy


def _unit_jacobian(transformer, x, y, step):
    """Return the Jacobian of a transformation without its scale."""
    x0, y0 = transformer.transform(x, y)
    xe, ye = transformer.transform(x + step, y)
    xn, yn = transformer.transform(x, y + step)
    jacobian = np.array([[xe - x0, xn - x0], [ye - y0, yn - y0]])
    determinant = jacobian[0, 0] * jacobian[1, 1] - jacobian[0, 1] * jacobian[1, 0]
    return jacobian / np.sqrt(np.abs(determinant))


@kernel
def _rotate_layer(vx, vy, cells, matrix, out_x, out_y):
    """Rotate the components of a layer."""
    for i in range(cells.size):
        cell = cells[i]
        if cell >= 0 and vx[cell] != FILL_VELOCITY and vy[cell] != FILL_VELOCITY:
            u, w = np.float64(vx[cell]), np.float64(vy[cell])
            east, north = matrix[0, i] * u + matrix[1, i] * w, matrix[2, i] * u + matrix[3, i] * w
            if abs(east) < 32767 and abs(north) < 32767:  # what int16 cannot hold is no glacier's speed either
                out_x[i], out_y[i] = np.int16(np.rint(east)), np.int16(np.rint(north))


def rotate_layer(vx: np.ndarray, vy: np.ndarray, cells: np.ndarray, rotation: Rotation) -> tuple[np.ndarray, ...]:
    """
    Return the components of a layer on the target grid, nearest cell, int16 with fill -32767.

    Parameters
    ----------
    vx, vy : (rows, columns) int16 window of the source
    cells : `Rotation.cells` of that window
    rotation : Rotation
    """
    out_x, out_y = (np.full(cells.shape, FILL_VELOCITY, dtype="i2") for _ in range(2))
    matrix = rotation.matrix.reshape(4, -1)
    _rotate_layer(vx.ravel(), vy.ravel(), cells.ravel(), matrix, out_x.ravel(), out_y.ravel())
    return out_x, out_y


def rotate_layer_reference(
    vx: np.ndarray, vy: np.ndarray, cells: np.ndarray, rotation: Rotation
) -> tuple[np.ndarray, ...]:
    """Rotate a layer with whole arrays, as the reference implementation of `rotate_layer`."""
    seen = cells >= 0
    u, w = (np.where(seen, a.ravel()[np.where(seen, cells, 0)], FILL_VELOCITY) for a in (vx, vy))
    valid = seen & (u != FILL_VELOCITY) & (w != FILL_VELOCITY)
    turned = rotation.turn(u.astype("f8"), w.astype("f8"))
    valid &= (np.abs(turned[0]) < 32767) & (np.abs(turned[1]) < 32767)
    return tuple(np.where(valid, np.rint(component), FILL_VELOCITY).astype("i2") for component in turned)
