"""
Which 20 m segments lie in the area: polygons in the reference's planes, and rasterised masks.

The tested point is the segment's reference photon, never the single photon. Source: SlideRule's spatial subset
(`AreaOfInterest03`, `MathLib`): equidistance is not asked for, only that edges are straight in a stated plane.
"""

from __future__ import annotations

import json

import numpy as np
import shapely
from shapely.geometry import shape

from nunatak.compute.kernels import kernel
from nunatak.parameters.values import ParameterError

POLAR_LATITUDE = 70.0  # degrees; beyond it the first vertex chooses a polar plane


def projection_of(parts, projection="auto"):
    """The plane a polygon is drawn in: as asked, else polar where its first vertex lies beyond 70 degrees."""
    if projection != "auto":
        return projection
    latitude = parts[0][0][1]
    if abs(latitude) > POLAR_LATITUDE:
        return "north_polar" if latitude > 0 else "south_polar"
    return "plate_carree"


def project(lon, lat, projection, *, near=0.0):
    """
    Plane coordinates of points; polar planes are stereographic on a sphere of radius 1.

    Parameters
    ----------
    lon, lat : arrays, degrees
    projection : north_polar, south_polar or plate_carree
    near : plate_carree only: longitudes are turned to within 180 degrees of this one, so that an area across the
        antimeridian stays in one piece
    """
    lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    if projection == "plate_carree":
        return np.where(np.abs(lon - near) <= 180, lon, near + (lon - near + 180) % 360 - 180), lat
    sign = 1.0 if projection == "north_polar" else -1.0
    r = 2 * np.tan(np.pi / 4 - sign * np.radians(lat) / 2)
    return r * np.cos(sign * np.radians(lon)), r * np.sin(sign * np.radians(lon))


def in_polygon(lon, lat, parts, projection="auto"):
    """
    Which points lie in the area of the rings, by the even-odd rule (bool, of the shape of lon).

    Parameters
    ----------
    lon, lat : (n,) arrays, degrees; NaN lies nowhere
    parts : rings of (lon, lat), degrees
    projection : auto, north_polar, south_polar or plate_carree
    """
    plane = projection_of(parts, projection)
    near = parts[0][0][0]
    px, py = project(lon, lat, plane, near=near)
    inside = np.zeros(px.shape, dtype=bool)
    for part in parts:
        ring_lon = np.array([v[0] for v in part])
        if plane == "plate_carree":  # vertex by vertex the short way round
            vx, vy = np.unwrap(np.append(near, ring_lon), period=360)[1:], np.array([v[1] for v in part])
        else:
            vx, vy = project(ring_lon, [v[1] for v in part], plane)
        inside ^= _crossings(px, py, vx, vy)
        if plane == "plate_carree":  # a ring may reach beyond 180 degrees from its first vertex
            inside ^= _crossings(px + 360, py, vx, vy) ^ _crossings(px - 360, py, vx, vy)
    return inside


def crossings_reference(px, py, vx, vy):
    """The definition of the kernel below: W. R. Franklin's even-odd ray cast."""
    inside = np.zeros(px.shape, dtype=bool)
    for i in range(len(vx)):
        j = i - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            at = (vx[j] - vx[i]) * (py - vy[i]) / (vy[j] - vy[i]) + vx[i]
        inside ^= ((vy[i] > py) != (vy[j] > py)) & (px < at)
    return inside


@kernel
def _crossings(px, py, vx, vy):
    inside = np.zeros(px.shape[0], dtype=np.bool_)
    for k in range(px.shape[0]):
        odd = False
        j = vx.shape[0] - 1
        for i in range(vx.shape[0]):
            if (vy[i] > py[k]) != (vy[j] > py[k]) and px[k] < (vx[j] - vx[i]) * (py[k] - vy[i]) / (vy[j] - vy[i]) + vx[
                i
            ]:
                odd = not odd
            j = i
        inside[k] = odd
    return inside


def in_mask(lon, lat, mask):
    """
    Which points fall in a cell of a rasterised area.

    The area is burned to cells of `cellsize` degrees from its north-western corner; a cell belongs to it when its
    centre does (the rule of GDAL's rasteriser).

    Parameters
    ----------
    lon, lat : (n,) arrays, degrees
    mask : mapping with `geojson` (mapping or text) and `cellsize` (degrees)
    """
    area = _geometry(mask["geojson"])
    west, south, east, north = area.bounds
    cell = mask["cellsize"]
    column, row = np.floor((np.asarray(lon) - west) / cell), np.floor((north - np.asarray(lat)) / cell)
    within = (column >= 0) & (column < np.ceil((east - west) / cell)) & (row >= 0)
    within &= row < np.ceil((north - south) / cell)
    return within & shapely.contains_xy(area, west + (column + 0.5) * cell, north - (row + 0.5) * cell)


def _geometry(geojson):
    try:
        content = json.loads(geojson) if isinstance(geojson, str) else geojson
        members = content.get("features", [content])
        return shapely.union_all([shape(m.get("geometry", m)) for m in members])
    except (ValueError, AttributeError, KeyError, TypeError, shapely.GEOSException) as error:
        raise ParameterError(
            f"region_mask.geojson: not GeoJSON ({error}); give a Feature, a collection or geometry"
        ) from None


def in_area(track, parameters, region=None):
    """
    Which segments of a track lie in the area the parameters (and a Region) describe.

    With `compat` a polygon keeps only the first run of segments inside it, as the reference does; else all of them.

    Returns
    -------
    (n_segment,) bool, or None where no area is asked for
    """
    lon, lat = track.segments["reference_photon_lon"], track.segments["reference_photon_lat"]
    inside = None
    if parameters.poly:
        inside = in_polygon(lon, lat, parameters.poly, parameters.projection)
        if parameters.compat:
            inside = _first_run(inside, track.segments["segment_ph_cnt"])
    for test in (
        (lambda: in_mask(lon, lat, parameters.mask)) if parameters.mask else None,
        (lambda: region.contains(lon, lat)) if region is not None else None,
        (lambda: np.isin(track.segments["spot"], parameters.spots)) if parameters.spots else None,
    ):
        if test is not None:
            inside = test() if inside is None else inside & test()
    return inside


def _first_run(inside, counts):
    filled = np.flatnonzero(counts > 0)
    begins = np.flatnonzero(inside[filled])
    if not begins.size:
        return inside
    ends = np.flatnonzero(~inside[filled[begins[0] :]])
    out = inside.copy()
    if ends.size:
        out[filled[begins[0] + ends[0]] :] = False
    return out
