"""
Values beside the margin of the ice: a search chip that reaches over rock matches what does not move.

Velocities next to a margin are then too slow. They are left out by their distance to an outline of the ice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from nunatak.products.itslive.fields import FILL, LAYOUT

if TYPE_CHECKING:
    from nunatak.geometry.grid import Grid

CHIPS = ("chip_size_width", "chip_size_height")
LARGEST_CHIP = 1920
"""metres, the largest chip in pairs of the archive: what a value may have whose own chip is not known"""


@dataclass(frozen=True)
class Margin:
    """How far cells lie inside the ice, and how far a value must."""

    distance: np.ndarray
    """(ny, nx) float32, metres of the map from the outline's edge, negative outside"""
    limit: float | None
    """least distance of a value, metres; None for half the larger side of its search chip"""

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the variables to read beside those of the cube."""
        return CHIPS if self.limit is None else ()

    @property
    def told(self) -> str:
        """Return the rule in words, for attributes."""
        chip = f"half their search chip ({LARGEST_CHIP} m where it is not known)"
        reach = chip if self.limit is None else f"{self.limit:g} m"
        return f"values less than {reach} inside the outline of the ice, or outside of it, are left out"

    def blank(self, out: Mapping[str, np.ndarray], slot: int) -> tuple[int, ...]:
        """
        Set the values of one layer that lie too near the margin to missing.

        Parameters
        ----------
        out : {variable: (n, ny, nx) array} of `itslive_fields.LAYOUT`, changed in place
        slot : int

        Returns
        -------
        (int, int), cells that had a velocity and have none now; those of them inside the ice whose chip is not known
        """
        reach: Any = np.float32(self.limit or 0)
        unknown: Any = np.False_
        if self.limit is None:
            chip = np.maximum(*(out[name][slot] for name in CHIPS)).astype("f4")
            unknown = (chip == 0) & (self.distance >= 0)
            reach = np.where(chip == 0, np.float32(LARGEST_CHIP), chip) / 2
        near = (self.distance < 0) | (self.distance < reach)
        lost = near & (out["vx"][slot] != FILL) & (out["vy"][slot] != FILL)
        for name, values in out.items():
            values[slot][near] = LAYOUT[name][2]
        return int(np.count_nonzero(lost)), int(np.count_nonzero(lost & unknown))


def margin_of(grid: Grid, ice: shapely.MultiPolygon | shapely.Polygon, limit: float | str) -> Margin:
    """
    Return the margin of an outline on a grid.

    Parameters
    ----------
    grid : Grid
    ice : shapely polygon or polygons in the grid's CRS
    limit : metres, or "chip" for half the search chip of each value

    Returns
    -------
    Margin
    """
    x, y = np.meshgrid(grid.x, grid.y)
    shapely.prepare(ice)
    inside = shapely.contains_xy(ice, x, y)
    distance = np.full(grid.shape, -1, "f4")
    if inside.any():
        edges = shapely.STRtree(_segments(ice))
        points = shapely.points(x[inside], y[inside])
        (order, _), found = edges.query_nearest(points, return_distance=True, all_matches=False)
        nearest = np.empty(len(points), "f4")
        nearest[order] = found
        distance[inside] = nearest
    return Margin(distance, None if limit == "chip" else float(limit))


def _segments(ice):
    """Return the straight parts of an outline's edge, including holes."""
    rings = shapely.get_rings(shapely.get_parts(ice))
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    together = ring[1:] == ring[:-1]
    return shapely.linestrings(np.stack([corners[:-1][together], corners[1:][together]], axis=1))
