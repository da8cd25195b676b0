"""
Compute footprints on the globe that contain every point of a granule, split at the antimeridian.

A footprint is a hint for a search, so it may be slightly too large and never too small. A footprint that is too large
costs one granule that is read and found `outside`, while one that is too small would lose data without notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyproj
import shapely
from shapely import affinity

_WORLD = shapely.box(-180.0, -90.0, 180.0, 90.0)
_PIECE_SECONDS = 15.0  # s, about 100 km along a ground track
_MAX_PIECES = 48  # of one granule: a whole orbit gets longer pieces
_TILE_M = 250e3  # m, largest side of a piece of a grid
_MAX_TILES = 16  # along one side of a grid
_SIDE_POINTS = 9  # positions per side of a tile
_MARGIN = 1e-3  # degrees of latitude, above the rounding of the text form
_GRID_MARGIN = 0.02  # degrees of latitude, above the bulge of a projected edge between two positions
_DECIMALS = 4  # of the text form, 11 m


def along_track(time: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> Any:
    """
    Return the footprint of positions along an orbit: boxes turned along the track, about 100 km each.

    Parameters
    ----------
    time : (n,) array of seconds, any epoch, which decides which positions belong together
    lon, lat : (n,) arrays, degrees. Positions that are not finite or off the globe are left out

    Returns
    -------
    shapely (Multi)Polygon in longitudes -180..180 that holds every position, or None if there is none
    """
    time, lon, lat = (np.asarray(v, dtype=float).ravel() for v in (time, lon, lat))
    good = np.isfinite(time) & np.isfinite(lon) & (np.abs(lat) <= 90.0)
    if not good.any():
        return None
    time, lon, lat = time[good], lon[good], lat[good]
    elapsed = time - time.min()
    seconds = max(_PIECE_SECONDS, float(elapsed.max()) / _MAX_PIECES)
    piece = (elapsed // seconds).astype(int)
    order = np.argsort(piece, kind="stable")
    starts = np.unique(piece[order], return_index=True)[1][1:]
    pieces = zip(np.split(lon[order], starts), np.split(lat[order], starts), strict=True)
    return shapely.union_all([_cover(a, b, _MARGIN, turned=True) for a, b in pieces])


def of_grid(bounds: Sequence[float], crs: Any) -> Any:
    """
    Return the footprint of a projected grid, also if it holds a pole or crosses the antimeridian.

    Parameters
    ----------
    bounds : (left, bottom, right, top), outer edges in CRS units (m)
    crs : anything pyproj understands

    Returns
    -------
    shapely (Multi)Polygon in longitudes -180..180
    """
    left, bottom, right, top = bounds
    crs = pyproj.CRS.from_user_input(crs)
    to_lonlat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    x, y = _edges(left, right), _edges(bottom, top)
    tiles = [(x[i], y[j], x[i + 1], y[j + 1]) for i in range(len(x) - 1) for j in range(len(y) - 1)]
    poles = [pole for pole in (-90.0, 90.0) if _on_grid(pole, crs, bounds)]
    return shapely.union_all([_tile(tile, to_lonlat, poles) for tile in tiles])


def to_text(geometry: Any) -> str | None:
    """
    Return WKT with four decimals (11 m) for a granule table, or None without a geometry.

    Parameters
    ----------
    geometry : shapely geometry or None
    """
    if geometry is None:
        return None
    rounded = shapely.set_precision(geometry, 10.0**-_DECIMALS)  # rounds without letting edges cross
    return shapely.to_wkt(rounded, rounding_precision=_DECIMALS)


def _edges(low, high):
    """Return the edges of the tiles along one side."""
    return np.linspace(low, high, int(np.clip(np.ceil((high - low) / _TILE_M), 1, _MAX_TILES)) + 1)


def _on_grid(pole, crs, bounds):
    """Return whether a pole lies on the grid or its edge."""
    left, bottom, right, top = bounds
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(0.0, pole)
    if not (np.isfinite(x) and np.isfinite(y) and left <= x <= right and bottom <= y <= top):
        return False
    back = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)[1]
    return abs(back - pole) < 1e-6


def _tile(tile, to_lonlat, poles):
    """Return the footprint of one tile of a grid."""
    left, bottom, right, top = tile
    across, up = np.linspace(left, right, _SIDE_POINTS), np.linspace(bottom, top, _SIDE_POINTS)
    x = np.concatenate([across, np.full(_SIDE_POINTS, right), across, np.full(_SIDE_POINTS, left)])
    y = np.concatenate([np.full(_SIDE_POINTS, bottom), up, np.full(_SIDE_POINTS, top), up])
    lon, lat = to_lonlat.transform(x, y)
    for pole in poles:
        px, py = to_lonlat.transform(0.0, pole, direction="INVERSE")
        if left <= px <= right and bottom <= py <= top:
            far = lat.min() if pole > 0 else lat.max()
            return shapely.box(-180.0, min(far, pole), 180.0, max(far, pole))
    return _cover(lon, lat, _GRID_MARGIN, turned=False)


def _cover(lon, lat, margin, *, turned):
    """
    Return a polygon around positions that do not surround a pole: their convex hull, or the turned box around it.

    Longitudes are counted from the far side of the widest gap between them, so that a piece across the antimeridian
    stays in one. They are multiplied by the cosine of the latitude, so that a degree is the same length both ways.
    """
    ordered = np.sort(lon % 360.0)
    gaps = np.diff(ordered, append=ordered[0] + 360.0)
    start = ordered[(np.argmax(gaps) + 1) % len(ordered)]
    shrink = max(float(np.cos(np.radians(lat.mean()))), 0.01)
    around = np.column_stack([(lon - start) % 360.0 * shrink, lat])
    hull = shapely.convex_hull(shapely.linestrings(np.vstack([around, around[:1]])))  # a line costs less than points
    if turned:
        hull = shapely.oriented_envelope(hull)
    hull = shapely.buffer(hull, margin, cap_style="square", join_style="mitre", quad_segs=1)
    return wrapped(affinity.affine_transform(hull, [1.0 / shrink, 0.0, 0.0, 1.0, start, 0.0]))


def wrapped(polygon: Any) -> Any:
    """
    Return the polygon in longitudes -180..180, cut at the antimeridian.

    Parameters
    ----------
    polygon : shapely geometry, degrees
    """
    shifted = [affinity.translate(polygon, turn) for turn in (-360.0, 0.0, 360.0)]
    return shapely.union_all(shapely.intersection(shifted, _WORLD))
