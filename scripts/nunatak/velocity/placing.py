"""Bring the layers of one image pair onto the grid of a cube: repeat, average or rotate their cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from nunatak.products.itslive.fields import LAYOUT
from nunatak.velocity import nesting
from nunatak.velocity.lattice import source_window
from nunatak.velocity.rotation import rotate_layer, rotation_to

if TYPE_CHECKING:
    from nunatak.geometry.grid import Grid
    from nunatak.velocity.lattice import Placement

COMPONENTS = ("vx", "vy")


def window_of(source: Grid, placement: Placement, grid: Grid) -> tuple[tuple[int, ...], ...] | None:
    """
    Return the (rows, columns) of a pair that the grid of a cube needs, or None where the two do not meet.

    Parameters
    ----------
    source : Grid of the pair
    placement : lattice.Placement of the pair on the grid
    grid : Grid of the cube
    """
    if placement.treatment == "rotated":
        return rotation_to(source.crs, grid).window(source)
    return source_window(placement, source, grid)


def on_grid(
    raw: Mapping[str, np.ndarray], source: Grid, placement: Placement, window: tuple[tuple[int, ...], ...], grid: Grid
) -> dict[str, np.ndarray]:
    """
    Return the layers of a pair on the whole grid of a cube, for a pair whose cells are not simply copied.

    Parameters
    ----------
    raw : {variable: (rows, columns) array} of the pair's window
    source : Grid of the pair
    placement : lattice.Placement with the treatment replicated, averaged or rotated
    window : (rows, columns) slices as pairs of int, of `window_of`
    grid : Grid of the cube

    Returns
    -------
    {variable: (ny, nx) array}; fill where the pair has no value
    """
    start, shape = (window[0][0], window[1][0]), grid.shape
    fills = {name: LAYOUT[name][2] for name in raw}
    if placement.treatment == "replicated":
        return {name: nesting.replicate(raw[name], start, placement, shape, fills[name]) for name in raw}
    if placement.treatment == "averaged":
        means = nesting.average_components(raw["vx"], raw["vy"], start, placement, shape)
        done = dict(zip(COMPONENTS, means, strict=True))
        for name in raw:
            if name not in (*COMPONENTS, "v"):
                largest = name.startswith("chip") or name == "interp_mask"
                done[name] = nesting.average_field(raw[name], start, placement, shape, fills[name], largest=largest)
    else:
        rotation = rotation_to(source.crs, grid)
        cells = rotation.cells(source, window)
        done = dict(zip(COMPONENTS, rotate_layer(raw["vx"], raw["vy"], cells, rotation), strict=True))
        for name in raw:
            if name not in (*COMPONENTS, "v"):
                done[name] = np.where(cells >= 0, raw[name].ravel()[np.maximum(cells, 0)], fills[name])
    if "v" in raw:
        done["v"] = nesting.speed(done["vx"], done["vy"])
    return done
