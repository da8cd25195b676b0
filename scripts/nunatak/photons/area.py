"""
Decide which 20 m segments lie in an area, which is given by polygons or by a rasterised mask.

The tested point is the segment's reference photon, never the single photon. Source: SlideRule's spatial subset
(`AreaOfInterest03`, `MathLib`). The edges of a polygon are straight in a stated plane, and that plane need not keep
distances.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.geometry import shape

from nunatak.compute.kernels import kernel
from nunatak.parameters.values import ParameterError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nunatak.geometry.region import Region
    from nunatak.parameters.sliderule import FitParameters
    from nunatak.products.atl03 import Track

POLAR_LATITUDE = 70.0  # degrees; beyond it the first vertex chooses a polar plane


def projection_of(parts: Sequence, projection: str = "auto") -> str:
    """
    Return the plane in which the edges of a polygon are straight.

    Parameters
    ----------
    parts : rings of (lon, lat), degrees
    projection : auto, north_polar, south_polar or plate_carree. Default: auto, polar when the first vertex lies beyond
        70 degrees of latitude, else plate_carree

    Returns
    -------
    str : north_polar, south_polar or plate_carree
    """
    if projection != "auto":
        return projection
    latitude = parts[0][0][1]
    if abs(latitude) > POLAR_LATITUDE:
        return "north_polar" if latitude > 0 else "south_polar"
    return "plate_carree"


def project(lon: ArrayLike, lat: ArrayLike, projection: str, *, near: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the plane coordinates of points.

    Parameters
    ----------
    lon, lat : (n,) arrays, degrees
    projection : north_polar, south_polar or plate_carree
    near : degrees, for plate_carree only. Longitudes are turned to within 180 degrees of it, so that an area across the
        antimeridian stays in one piece. Default: 0

    Returns
    -------
    x, y : (n,) arrays, degrees for plate_carree, else the coordinates of a stereographic projection of a sphere of
        radius 1
    """
    lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    if projection == "plate_carree":
        return np.where(np.abs(lon - near) <= 180, lon, near + (lon - near + 180) % 360 - 180), lat
    sign = 1.0 if projection == "north_polar" else -1.0
    r = 2 * np.tan(np.pi / 4 - sign * np.radians(lat) / 2)
    return r * np.cos(sign * np.radians(lon)), r * np.sin(sign * np.radians(lon))


def in_polygon(lon: np.ndarray, lat: np.ndarray, parts: Sequence, projection: str = "auto") -> np.ndarray:
    """
    Return which points lie in the area of the rings, by the even-odd rule.

    Parameters
    ----------
    lon, lat : (n,) arrays, degrees. A NaN lies nowhere
    parts : rings of (lon, lat), degrees
    projection : auto, north_polar, south_polar or plate_carree. Default: auto, see `projection_of`

    Returns
    -------
    (n,) bool
    """
    plane = projection_of(parts, projection)
    near = parts[0][0][0]
    px, py = project(lon, lat, plane, near=near)
    inside = np.zeros(px.shape, dtype=bool)
    for part in parts:
        ring_lon = np.array([v[0] for v in part])
        if plane == "plate_carree":  # each edge the short way round
            vx, vy = np.unwrap(np.append(near, ring_lon), period=360)[1:], np.array([v[1] for v in part])
        else:
            vx, vy = project(ring_lon, [v[1] for v in part], plane)
        inside ^= _crossings(px, py, vx, vy)
        if plane == "plate_carree":  # a ring may reach beyond 180 degrees from its first vertex
            inside ^= _crossings(px + 360, py, vx, vy) ^ _crossings(px - 360, py, vx, vy)
    return inside


def crossings_reference(px: np.ndarray, py: np.ndarray, vx: np.ndarray, vy: np.ndarray) -> np.ndarray:
    """
    Return which points lie in one ring, as the reference implementation of `_crossings`.

    W. R. Franklin's even-odd ray cast.

    Parameters
    ----------
    px, py : (n,) plane coordinates of the points
    vx, vy : (m,) plane coordinates of the ring's vertices

    Returns
    -------
    (n,) bool
    """
    inside = np.zeros(px.shape, dtype=bool)
    for i in range(len(vx)):
        j = i - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            at = (vx[j] - vx[i]) * (py - vy[i]) / (vy[j] - vy[i]) + vx[i]
        inside ^= ((vy[i] > py) != (vy[j] > py)) & (px < at)
    return inside


@kernel
def _crossings(px, py, vx, vy):
    """Return which points lie in one ring, as `crossings_reference`."""
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


def in_mask(lon: np.ndarray, lat: np.ndarray, mask: Mapping[str, Any]) -> np.ndarray:
    """
    Return which points fall in a cell of a rasterised area.

    The area is burned to cells of `cellsize` degrees from its north-western corner. A cell belongs to the area when its
    centre does, which is the rule of GDAL's rasteriser.

    Parameters
    ----------
    lon, lat : (n,) arrays, degrees
    mask : mapping with `geojson` (mapping or text) and `cellsize` (degrees)

    Returns
    -------
    (n,) bool
    """
    area = _geometry(mask["geojson"])
    west, south, east, north = area.bounds
    cell = mask["cellsize"]
    column, row = np.floor((np.asarray(lon) - west) / cell), np.floor((north - np.asarray(lat)) / cell)
    within = (column >= 0) & (column < np.ceil((east - west) / cell)) & (row >= 0)
    within &= row < np.ceil((north - south) / cell)
    return within & shapely.contains_xy(area, west + (column + 0.5) * cell, north - (row + 0.5) * cell)


def _geometry(geojson):
    """Return the union of the geometries of a GeoJSON mapping or text."""
    try:
        content = json.loads(geojson) if isinstance(geojson, str) else geojson
        members = content.get("features", [content])
        return shapely.union_all([shape(m.get("geometry", m)) for m in members])
    except (ValueError, AttributeError, KeyError, TypeError, shapely.GEOSException) as error:
        raise ParameterError(
            f"region_mask.geojson: not GeoJSON ({error}); give a Feature, a collection or geometry"
        ) from None


def in_area(track: Track, parameters: FitParameters, region: Region | None = None) -> np.ndarray | None:
    """
    Return which segments of a track lie in the area that the parameters and a region describe.

    With `compat` a polygon keeps only the first run of segments inside it, as the reference does. Without, it keeps all
    of them.

    Parameters
    ----------
    track : atl03.Track
    parameters : FitParameters, of which `poly`, `projection`, `mask`, `spots` and `compat` count
    region : Region. Default: none

    Returns
    -------
    (n_segment,) bool, or None when no area is given
    """
    lon, lat = track.segments["reference_photon_lon"], track.segments["reference_photon_lat"]
    inside, mask = None, parameters.mask
    if parameters.poly:
        inside = in_polygon(lon, lat, parameters.poly, parameters.projection)
        if parameters.compat:
            inside = _first_run(inside, track.segments["segment_ph_cnt"])
    for test in (
        (lambda: in_mask(lon, lat, mask)) if mask else None,
        (lambda: region.contains(lon, lat)) if region is not None else None,
        (lambda: np.isin(track.segments["spot"], parameters.spots)) if parameters.spots else None,
    ):
        if test is not None:
            inside = test() if inside is None else inside & test()
    return inside


def _first_run(inside, counts):
    """Keep the first run of segments with photons that lies inside."""
    filled = np.flatnonzero(counts > 0)
    begins = np.flatnonzero(inside[filled])
    if not begins.size:
        return inside
    ends = np.flatnonzero(~inside[filled[begins[0] :]])
    out = inside.copy()
    if ends.size:
        out[filled[begins[0] + ends[0]] :] = False
    return out
