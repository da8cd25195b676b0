"""Say what is drawn on the explorer's map as a study file does: areas in metres of their map, lines in degrees."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyproj
import shapely

from nunatak.geometry import region
from nunatak.geometry.region import RegionError

DEGREES = "lonlat"  # what the page calls coordinates in longitude and latitude
MAPS = ("EPSG:3413", "EPSG:3031", DEGREES)  # and every UTM zone
_UTM = re.compile(r"EPSG:32[67](0[1-9]|[1-5]\d|60)")
_ZONE_REACH = 15.0  # degrees from the middle of a UTM zone that its map shows
_DECIMALS = 5  # of degrees, a metre or so
_FOOTPRINT_STEP = 0.5  # degrees between the points of a side of a footprint
_MOST = 100_000  # vertices of a drawing


def is_map(crs: Any) -> bool:
    """
    Return whether the page has a map in a coordinate system: one of `MAPS`, or a UTM zone.

    >>> is_map("EPSG:32719"), is_map("EPSG:3413"), is_map("EPSG:32761")
    (True, True, False)
    """
    return crs in MAPS or bool(_UTM.fullmatch(str(crs)))


def is_seen(outline: region.Region, crs: str) -> bool:
    """
    Return whether a map shows an outline.

    Parameters
    ----------
    outline : the region
    crs : one of `MAPS`, or a UTM zone, whose map ends 15 degrees from its middle
    """
    west, south, east, north = outline.bounds
    if crs == DEGREES:
        return True
    if crs in MAPS:
        return north > 50 if crs == "EPSG:3413" else south < -50
    middle = 6 * int(crs[-2:]) - 183
    return all(abs((lon - middle + 180) % 360 - 180) <= _ZONE_REACH for lon in (west, east)) and abs(east - west) < 180


def area_spec(drawing) -> dict[str, Any]:
    """
    Return what a study file says of a drawn area.

    Parameters
    ----------
    drawing : mapping of `form` (box, polygon), `crs` (one of `MAPS`) and `coordinates` ([[x, y], ...]: opposite
        corners, or the ring); or of `spec`, an outline that was not drawn and stays as it was given

    Raises
    ------
    RegionError : the drawing crosses itself or encloses nothing
    """
    if "spec" in drawing:
        return drawing["spec"]
    points = _points(drawing)
    if drawing.get("form") == "box":
        spec = _box(points, drawing["crs"])
    else:
        spec = {"lonlat": _rounded(points, drawing["crs"])}
    if drawing["crs"] != DEGREES:
        spec["crs"] = drawing["crs"]
    crosses = {"crosses_antimeridian": True}
    return spec | crosses if region.load(spec | crosses).crosses_antimeridian else spec


def line_lonlat(drawing) -> list[list[float]]:
    """Return the longitudes and latitudes of a drawn line or point, [[lon, lat], ...]."""
    points = _points(drawing)
    if drawing["crs"] != DEGREES:
        points = np.column_stack(_to_degrees(drawing["crs"])(*points.T))
    return _rounded(points, DEGREES)


def focus_limits(drawing) -> dict[str, Any]:
    """
    Return the focus that a drawn box means, in metres.

    Raises
    ------
    RegionError : it was drawn on the map of the world, which has no metres
    """
    if drawing["crs"] == DEGREES:
        raise RegionError(
            "focus: is in metres of a projection; draw it on a map in metres (north, south, UTM), or type it"
        )
    points = np.round(_points(drawing))
    limits = np.column_stack([points.min(axis=0), points.max(axis=0)]).astype(int)
    return {"crs": drawing["crs"], "xlim": limits[0].tolist(), "ylim": limits[1].tolist()}


def drawing_of(outline: region.Region, crs) -> dict[str, Any]:
    """Return the outlines of a region in the coordinates of one of `MAPS`, for the page to draw."""
    shape = outline.geometry if crs == DEGREES else outline.projected(crs)
    shape = shape.simplify(0.005 if crs == DEGREES else 300.0)
    decimals = _DECIMALS if crs == DEGREES else 0
    parts = getattr(shape, "geoms", [shape])
    rings = [[np.round(ring.coords, decimals).tolist() for ring in (p.exterior, *p.interiors)] for p in parts]
    return {"polygons": rings, "area_km2": outline.area_km2}


def footprint_lines(geometry, crs) -> list[list[list[float]]]:
    """
    Return the outlines of a footprint as lines on one of `MAPS`, without sides along a cut at the antimeridian.

    Parameters
    ----------
    geometry : shapely geometry in longitude and latitude, cut at the antimeridian
    crs : one of `MAPS`
    """
    rings = shapely.get_exterior_ring(shapely.get_parts(shapely.get_parts(geometry)))
    lines = []
    for ring in shapely.segmentize(rings[~shapely.is_missing(rings)], _FOOTPRINT_STEP):
        lonlat = shapely.get_coordinates(ring)
        points = lonlat if crs == DEGREES else np.column_stack(_from_degrees(crs)(*lonlat.T))
        seam = (np.abs(lonlat[:-1, 0]) == 180) & (np.abs(lonlat[1:, 0]) == 180)
        pieces = np.split(np.arange(len(points)), np.flatnonzero(seam) + 1)
        rounded = np.round(points, _DECIMALS if crs == DEGREES else 0)
        lines += [rounded[piece].tolist() for piece in pieces if len(piece) > 1]
    return lines


def placed(lonlat: np.ndarray, crs: str) -> list[list[float]]:
    """
    Return points of a line on one of the maps.

    Parameters
    ----------
    lonlat : (n, 2) array, degrees
    crs : of the map, as `is_map` takes it
    """
    if crs == DEGREES:
        turned = np.column_stack([np.rad2deg(np.unwrap(np.deg2rad(lonlat[:, 0]))), lonlat[:, 1]])
        return np.round(turned, _DECIMALS).tolist()
    return np.round(np.column_stack(_from_degrees(crs)(*lonlat.T))).tolist()


def _box(points, crs):
    low, high = points.min(axis=0), points.max(axis=0)
    if crs != DEGREES:
        return {"bbox": [*_rounded([low], crs)[0], *_rounded([high], crs)[0]]}
    if high[0] - low[0] >= 360:
        low[0], high[0] = -180.0, 180.0
    west, east = (round(float(value + 180) % 360 - 180, _DECIMALS) for value in (low[0], high[0]))
    east = 180.0 if east == -180.0 else east
    return {"bbox": [west, round(float(low[1]), _DECIMALS), east, round(float(high[1]), _DECIMALS)]}


def _points(drawing):
    points = np.asarray(drawing["coordinates"], dtype=float).reshape(-1, 2)
    if not is_map(drawing["crs"]):
        raise RegionError(f"crs: got {drawing['crs']!r}; draw on one of {', '.join(MAPS)}, or of a UTM zone")
    if not 0 < len(points) <= _MOST or not np.isfinite(points).all():
        raise RegionError(f"coordinates: {len(points)} vertices; give 1 to {_MOST} pairs of numbers")
    if len(points) > 3 and (points[0] == points[-1]).all():
        points = points[:-1]
    return points


def _rounded(points, crs):
    if crs != DEGREES:
        return np.round(points).astype(int).tolist()
    lon, lat = np.asarray(points, dtype=float).T
    return np.column_stack([np.round((lon + 180) % 360 - 180, _DECIMALS), np.round(lat, _DECIMALS)]).tolist()


def _from_degrees(crs):
    return pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform


def _to_degrees(crs):
    return pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform
