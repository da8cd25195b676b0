"""
Read the land of Natural Earth that the package holds: both polar regions in their projections, the world in degrees.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import shapely

from nunatak.geometry import packed
from nunatak.geometry.region import SHIPPED

FILE = SHIPPED / "land.json"
# m, half the side of the squares about the poles that the projected layers fill
REACH = 4_200_000.0
_ACROSS = 41  # points along a side of a window that is looked up
_DETAIL = 1000  # the side of a map over the width of its smallest bend


@lru_cache(maxsize=1)
def contents() -> dict[str, Any]:
    """
    Return the file: provenance, and for each layer (north, south, world) its coordinate system and packed outline.
    """
    return json.loads(FILE.read_text("utf-8"))


@lru_cache(maxsize=3)
def polygons(name: str) -> np.ndarray:
    """
    Return the polygons of a layer (`north`, `south`, `world`) in its own coordinate system.

    Parameters
    ----------
    name : north, south or world
    """
    layer = contents()["layers"][name]
    return packed.decode(layer["data"], layer["quantum"])


def within(crs: Any, box: Sequence[float]) -> shapely.Geometry:
    """
    Return the land in a map's window, with as much detail as the window can show.

    The polar layers have a scale of 1:10 million. Elsewhere the layer of the world is used, of 1:50 million. In
    Antarctica the edge of the land is the grounding line, so that ice shelves are sea.

    Parameters
    ----------
    crs : projected coordinate system of the map
    box : left, right, bottom, top of the window, m in `crs`
    """
    window = shapely.box(box[0], box[2], box[1], box[3])
    side = max(box[1] - box[0], box[3] - box[2])
    name, around = _layer(crs, box)
    to_map = pyproj.Transformer.from_crs(contents()["layers"][name]["crs"], crs, always_xy=True).transform
    near = polygons(name)
    near = near[shapely.intersects(near, around)]
    if name == "world":
        near = shapely.segmentize(shapely.intersection(near, around), 0.5)
    on_map = shapely.make_valid(shapely.transform(near, to_map, interleaved=False))
    cropped = shapely.intersection(on_map, window)
    simple = shapely.make_valid(shapely.simplify(cropped, side / _DETAIL, preserve_topology=False))
    return shapely.union_all(simple, grid_size=1.0)


def _layer(crs, box):
    """Return the layer that best covers a window, and the window in the layer's coordinates, slightly enlarged."""
    x, y = (
        steps.ravel()
        for steps in np.meshgrid(np.linspace(box[0], box[1], _ACROSS), np.linspace(box[2], box[3], _ACROSS))
    )
    lon, lat = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform(x, y)
    finite = np.isfinite(lon + lat)
    lon, lat = lon[finite], lat[finite]
    for name in ("north", "south"):
        to_layer = pyproj.Transformer.from_crs("OGC:CRS84", contents()["layers"][name]["crs"], always_xy=True)
        at = np.column_stack(to_layer.transform(lon, lat))
        inside = np.abs(at).max(axis=1) <= REACH
        if inside.mean() > 0.9 and (lat[inside].mean() > 0) == (name == "north"):
            return name, shapely.convex_hull(shapely.multipoints(at[inside])).buffer(max(1e4, _margin(at[inside])))
    low, high = max(float(lat.min()) - 1, -90.0), min(float(lat.max()) + 1, 90.0)
    if np.ptp(lon) > 180:
        return "world", shapely.box(-180, low, 180, high)
    return "world", shapely.box(max(lon.min() - 1, -180), low, min(lon.max() + 1, 180), high)


def _margin(at):
    """Return the distance of neighbours among the points of a window, m, by which its edge may bulge."""
    return float(np.ptp(at, axis=0).max()) / (_ACROSS - 1)
