"""Whether the places a study names lie in the area their data are read in."""

from __future__ import annotations

import numpy as np
import pyproj

from nunatak.geometry.outlines import ALTIMETRY_REGION, STUDY_REGION, focus_outline
from nunatak.geometry.polygons import RegionError
from nunatak.granules.products import products_with


def check_places(study):
    """
    Refuse places that lie wholly outside the area their data are read in.

    These are points, flowlines, gates, transects, the focus, further regions, and those of them that are said to be ice
    or to float.

    Parameters
    ----------
    study : StudyFile

    Raises
    ------
    ValueError : the first such place, as it was written, and what the area has in the same units
    """
    velocity = STUDY_REGION, study.region
    altimetry = (ALTIMETRY_REGION, study.altimetry_region) if study.altimetry_region else velocity
    points = {f"points.{name}": [lonlat] for name, lonlat in study.points.items()}
    points |= {f"flowlines.{name}.start": [line.start] for name, line in study.flowlines.items()}
    points |= {f"gates.{name}": gate.lonlat for name, gate in study.gates.items()}
    across = {f"transects.{name}": line.lonlat for name, line in study.transects.items()}
    for places, (key_of, area) in ((points, velocity), (across, altimetry)):
        for name, lonlat in places.items():
            if not _touches(area, lonlat):
                given = ", ".join(f"[{lon:g}, {lat:g}]" for lon, lat in lonlat)
                raise ValueError(
                    f"{name}: {given} lies outside {key_of}, which has {_extent(area)}; choose a place inside, as "
                    f"[longitude, latitude], or widen {key_of}"
                )
    if study.focus is not None:
        _refuse_outside("focus", focus_outline(study.focus.model_dump()), study.focus.crs, altimetry)
    for name, outline in study.regions.items():
        _refuse_outside(f"regions.{name}", outline, outline.crs, velocity, altimetry)
    for key, outline, area in _said_of_regions(study, velocity, altimetry):
        _refuse_outside(f"{key}: {outline}", study.regions[outline], study.regions[outline].crs, area)


def _said_of_regions(study, velocity, altimetry):
    """List keys of products that name one of the study's further regions, that region, and the area of the product."""
    named = [(name, "floating", altimetry) for name in products_with(land_ice=True)]
    for name, key, area in [*named, ("itslive", "ice", velocity)]:
        outline = getattr(study.products[name], key) if name in study.products else None
        if outline in study.regions:
            yield f"products.{name}.{key}", outline, area


def _refuse_outside(name, outline, crs, *areas):
    """Refuse an outline that touches none of the areas, (key, Region), in the coordinate system it was given in."""
    if not any(area.intersects(outline.geometry) for _, area in areas):
        held = " and ".join(f"{key}, which has {_extent(area, crs)}" for key, area in dict(areas).items())
        keys = " or ".join(dict(areas))
        raise ValueError(
            f"{name} has {_extent(outline, crs)} and lies outside {held}; choose another one, or widen {keys}"
        )


def _extent(area, crs=None):
    """Format the bounds of a Region in words: degrees, or a coordinate system that places it on a map."""
    west, south, east, north = area.bounds
    if crs and pyproj.CRS.from_user_input(crs).is_projected:
        try:
            left, bottom, right, top = area.projected(crs).bounds
        except RegionError:  # reaches beyond what the map can show
            pass
        else:
            return f"x {left:.0f} to {right:.0f} and y {bottom:.0f} to {top:.0f} in {crs}"
    return f"longitudes {west:g} to {east:g} and latitudes {south:g} to {north:g}"


def _touches(area, lonlat):
    """Return whether a point, or any of 200 points along a line, lies in a region."""
    corners = np.array(lonlat, dtype=float)
    lon, lat = np.degrees(np.unwrap(np.radians(corners[:, 0]))), corners[:, 1]
    place = np.linspace(0, len(lon) - 1, 200 if len(lon) > 1 else 1)
    along = np.interp(place, np.arange(len(lon)), lon)
    return bool(area.contains((along + 180) % 360 - 180, np.interp(place, np.arange(len(lat)), lat)).any())
