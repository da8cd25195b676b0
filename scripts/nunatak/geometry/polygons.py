"""
Make polygons from rings of longitude and latitude: check them, cut them at the antimeridian, close them over a pole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyproj
import shapely

from nunatak.runtime import NunatakError, log

# An edge that is straight in its own projection is a curve in longitude and latitude. Steps this short follow it.
_PROJECTED_STEP = 2000.0  # m
_MOST_STEPS = 20000
# Lambert's cylindrical equal-area projection: meridians and parallels become straight lines, the pole one too.
_EQUAL_AREA = pyproj.Proj("+proj=cea +ellps=WGS84")


class RegionError(NunatakError):
    """An outline encloses no area, or cannot be found or read."""


def area_km2(geometry: shapely.Geometry) -> float:
    """
    Return the area on the WGS84 ellipsoid, km2, of a polygon whose edges are straight in longitude and latitude.

    Parameters
    ----------
    geometry : polygon in degrees
    """
    steps = shapely.segmentize(geometry, 0.05)
    return float(shapely.area(shapely.transform(steps, _EQUAL_AREA, interleaved=False))) / 1e6


def vertices(geometry: shapely.Geometry) -> int:
    """
    Return the number of corners, with the closing corner of each ring counted once.

    Parameters
    ----------
    geometry : polygon
    """
    parts = shapely.get_parts(geometry)
    return int(shapely.get_num_coordinates(geometry) - np.sum(1 + shapely.get_num_interior_rings(parts)))


def points(values: Any) -> np.ndarray:
    """
    Return longitudes and latitudes as (n, 2) from pairs, from mappings with `lon` and `lat`, or from one flat list.

    Parameters
    ----------
    values : list of pairs, of mappings or of numbers, degrees

    Raises
    ------
    RegionError : the list has none of these forms

    >>> points([{"lon": 20, "lat": 79}, {"lon": 21, "lat": 80}]).tolist() == points([20, 79, 21, 80]).tolist()
    True
    """
    if not isinstance(values, (list, tuple)) or not values:
        raise RegionError(f"lonlat: got {values!r}; write a list of [longitude, latitude] pairs")
    if all(isinstance(value, Mapping) for value in values):
        odd = next((v for v in values if not {"lon", "lat"} <= set(v)), None)
        if odd is not None:
            raise RegionError(f"lonlat: got {dict(odd)}; write each point as {{lon: .., lat: ..}}")
        values = [[value["lon"], value["lat"]] for value in values]
    elif all(isinstance(value, (int, float)) for value in values):
        if len(values) % 2:
            raise RegionError(f"lonlat: got {len(values)} numbers; a flat list holds longitude and latitude in turn")
        values = [values[i : i + 2] for i in range(0, len(values), 2)]
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim != 2 or array.shape[1] != 2 or not np.isfinite(array).all():
        raise RegionError("lonlat: not a list of pairs of numbers; write [[longitude, latitude], ...]")
    return array


def polygon(values: Any) -> shapely.Polygon:
    """
    Return the polygon with these corners, and close an open ring.

    Parameters
    ----------
    values : as for `points`

    Raises
    ------
    RegionError : there are fewer than three different corners
    """
    array = points(values)
    if len(np.unique(array, axis=0)) < 3:
        raise RegionError(f"lonlat: {len(array)} corners enclose no area; give at least three different ones")
    return shapely.Polygon(array)


def box(values: Any, crosses: bool, *, geographic: bool = True) -> list[shapely.Polygon]:
    """
    Return the polygons of [west, south, east, north]: one, or two if the box crosses the antimeridian.

    Parameters
    ----------
    values : four numbers, degrees or CRS units
    crosses : whether the box may cross the antimeridian
    geographic : whether the numbers are degrees. Default: True

    Raises
    ------
    RegionError : the numbers do not form a box
    """
    if isinstance(values, Mapping) or not hasattr(values, "__len__") or len(values) != 4:
        raise RegionError(f"bbox: got {values!r}; write [west, south, east, north]")
    try:
        west, south, east, north = (float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise RegionError(f"bbox: got {values!r}; write four numbers: [west, south, east, north]") from error
    if geographic:
        west, east = (-180.0, 180.0) if (west, east) == (0, 360) else half_turn(np.array([west, east])).tolist()
        check_degrees(np.array([[west, south], [east, north]]))
    if south > north:
        raise RegionError(f"bbox: south {south:g} lies above north {north:g}; write [west, south, east, north]")
    if west > east and not (crosses and geographic):
        raise RegionError(
            f"bbox: west {west:g} lies beyond east {east:g}; exchange them, or say crosses_antimeridian: true"
        )
    if south == north or west == east:
        raise RegionError(f"bbox: {list(values)} encloses no area; write [west, south, east, north]")
    sides = [(west, 180.0), (-180.0, east)] if west > east else [(west, east)]
    return [shapely.box(left, south, right, north) for left, right in sides if right > left]


def half_turn(lon: np.ndarray) -> np.ndarray:
    """
    Convert longitudes that count from 0 to 360 to -180 to 180, and return others unchanged.

    Parameters
    ----------
    lon : (n,) degrees

    >>> half_turn(np.array([305.0, 312.0])).tolist()
    [-55.0, -48.0]
    """
    if not lon.size or lon.min() < 0 or not 180 < lon.max() <= 360:
        return lon
    log.info("longitudes from %g to %g are taken as counted from 0 to 360", lon.min(), lon.max())
    return np.where(lon > 180, lon - 360.0, lon)


def check_degrees(array: np.ndarray) -> None:
    """
    Refuse latitudes beyond the poles and longitudes beyond half a turn.

    Parameters
    ----------
    array : (n, 2) longitude and latitude, degrees

    Raises
    ------
    RegionError : names the value and the remedy
    """
    lon, lat = array[:, 0], array[:, 1]
    beyond = np.flatnonzero(np.abs(lat) > 90)
    if beyond.size:
        raise RegionError(
            f"latitude {lat[beyond[0]]:g} lies beyond the pole; "
            "write longitude first, or give crs where the coordinates are projected"
        )
    beyond = np.flatnonzero(np.abs(lon) > 180)
    if beyond.size:
        raise RegionError(f"longitude {lon[beyond[0]]:g} is more than half a turn; write it between -180 and 180")


def simple(part: shapely.Geometry) -> shapely.Geometry:
    """
    Return the polygon itself, or an equal one if its ring touches itself or has a spike without area.

    Outlines traced from pixels touch themselves in a corner. For a spike among the corners GEOS reports "Ring
    Self-intersection" or "Self-intersection" depending on the direction of the ring, and formats differ in that
    (Shapefile is clockwise), so that the area alone decides.

    Parameters
    ----------
    part : polygon

    Raises
    ------
    RegionError : the ring crosses itself, so that its inside is not defined
    """
    if shapely.is_valid(part):
        return part
    if shapely.area(shapely.convex_hull(part)) == 0:
        raise RegionError("the outline encloses no area; give at least three corners that are not on one line")
    reason = shapely.is_valid_reason(part)
    if "Self-intersection" in reason:
        mended = shapely.make_valid(part, method="structure", keep_collapsed=False)
        if np.isclose(shapely.area(mended), shapely.area(part), rtol=1e-9, atol=0):
            return mended
    raise RegionError(f"the outline is not a simple ring ({reason}); give its corners in order, going round once")


def to_sphere(parts: Sequence[shapely.Geometry], crosses: bool, *, box: bool = False) -> tuple[shapely.Geometry, bool]:
    """
    Join polygons in degrees in one geometry in [-180, 180], and return whether it crosses the antimeridian.

    With `crosses` an edge takes the short way round, so that a ring may pass 180 or go round a pole. Without it every
    edge is taken as written, and one longer than half a turn is refused.

    Parameters
    ----------
    parts : polygons, degrees
    crosses : whether the outline may cross the antimeridian
    box : whether the parts are those of `box`, which are already cut. Default: False
    """
    if box:
        return _joined(parts), len(parts) > 1
    parts = shapely.transform(parts, lambda lonlat: np.column_stack([half_turn(lonlat[:, 0]), lonlat[:, 1]]))
    for part in parts:
        check_degrees(shapely.get_coordinates(part))
        if not crosses:
            _refuse_long_edges(part)
    return _wrapped(parts) if crosses else (_joined([simple(part) for part in parts]), False)


def unproject(
    parts: Sequence[shapely.Geometry], crs: pyproj.CRS, *, follow: bool = True
) -> tuple[shapely.Geometry, bool]:
    """
    Convert projected polygons to one geometry in degrees, and return whether it crosses the antimeridian.

    With `follow` edges stay straight in the projection; without, only the corners are carried over.

    Parameters
    ----------
    parts : polygons, in CRS units
    crs : their projection
    follow : whether edges stay straight in the projection. Otherwise only the corners are converted. Default: True

    Raises
    ------
    RegionError : the outline lies outside its coordinate system
    """
    parts = [simple(part) for part in parts]
    length = sum(shapely.length(part) for part in parts)
    metre = 1.0 / crs.axis_info[0].unit_conversion_factor
    step = max(_PROJECTED_STEP * metre, length / _MOST_STEPS)
    to_lonlat = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)
    fine = shapely.get_parts(shapely.segmentize(parts, step) if follow else parts)
    spherical = [shapely.transform(part, to_lonlat.transform, interleaved=False) for part in fine]
    if not all(np.isfinite(shapely.get_coordinates(part)).all() for part in spherical):
        raise RegionError("the outline lies outside its coordinate system; check crs and the units of its corners")
    return _wrapped(spherical)


def _wrapped(parts):
    """Cut polygons whose edges take the short way round at the antimeridian, and return whether any crosses it."""
    cut, crossing = [], False
    for part in parts:
        outer, beyond = _ring(shapely.get_exterior_ring(part))
        holes = [_ring(ring)[0] for ring in part.interiors]
        cut.append(shapely.difference(outer, shapely.union_all(holes)) if holes else outer)
        crossing |= beyond
    return _joined(cut), crossing


def _ring(ring):
    """Return one ring as a cut polygon, and whether it crosses the antimeridian without holding a pole."""
    lon, lat = shapely.get_coordinates(ring).T
    # Whole turns are subtracted, so that no longitude changes by rounding.
    unrolled = lon - 360.0 * np.concatenate([[0.0], np.cumsum(np.round(np.diff(lon) / 360.0))])
    turn = round((unrolled[-1] - unrolled[0]) / 360)
    corners = np.column_stack([unrolled, lat])
    if turn:
        # ASSUME: a ring that goes round the Earth holds the nearer pole.
        pole = np.copysign(90.0, lat.mean())
        corners = np.vstack([corners, [unrolled[-1], pole], [unrolled[0], pole]])
    whole = simple(shapely.Polygon(corners))
    beyond = not turn and bool(unrolled.min() < -180 or unrolled.max() > 180)
    return _cut(whole), beyond


def _cut(whole):
    """Bring a polygon on unrolled longitudes back to [-180, 180] in pieces."""
    west, _, east, _ = shapely.bounds(whole)
    pieces = []
    for turn in range(int(np.floor((west + 180) / 360)), int(np.ceil((east - 180) / 360)) + 1):
        piece = shapely.intersection(whole, shapely.box(-180 + 360 * turn, -90, 180 + 360 * turn, 90))
        if shapely.area(piece) > 0:
            pieces.append(shapely.transform(piece, lambda xy, turn=turn: xy - [360.0 * turn, 0.0]))
    return _joined(pieces)


def widest_gap(geometry: shapely.Geometry) -> tuple[float, float]:
    """
    Return the longitudes (from, to) of the widest gap between the parts of a geometry.

    Parameters
    ----------
    geometry : polygons that cross the antimeridian, degrees
    """
    bounds = shapely.bounds(shapely.get_parts(geometry))
    bounds = bounds[np.argsort(bounds[:, 0])]
    reached = np.maximum.accumulate(bounds[:, 2])
    gaps = np.maximum(bounds[1:, 0] - reached[:-1], 0.0)
    if not gaps.any():
        return 180.0, -180.0
    widest = int(np.argmax(gaps))
    return float(reached[widest]), float(bounds[widest + 1, 0])


def _joined(pieces):
    """Join pieces in one Polygon or MultiPolygon."""
    polygons = [p for p in shapely.get_parts(shapely.union_all(pieces)) if p.geom_type == "Polygon"]
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def _refuse_long_edges(part):
    """Refuse a ring with an edge longer than half a turn."""
    lon = shapely.get_coordinates(shapely.get_exterior_ring(part))[:, 0]
    jump = np.abs(np.diff(lon))
    # An edge along a parallel from -180 to 180 closes a ring round the Earth and is allowed.
    odd = np.flatnonzero((jump > 180) & (jump < 360))
    if odd.size:
        raise RegionError(
            f"an edge from longitude {lon[odd[0]]:g} to {lon[odd[0] + 1]:g} goes more than half round the Earth; "
            "say crosses_antimeridian: true if it is meant to cross 180"
        )
