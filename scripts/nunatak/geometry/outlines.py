"""Write and read the outlines of a study: one GeoJSON file with its region and all further ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import mapping, shape

from nunatak.geometry.region import Region, RegionError, Simplification, load
from nunatak.runtime import write_json

STUDY_REGION = "region"  # key of the study's own region
ALTIMETRY_REGION = "altimetry_region"  # key of the altimetry's region, if it differs


def write_outlines(regions: Mapping[str, Region], path: str | Path) -> None:
    """
    Write regions as a GeoJSON FeatureCollection (RFC 7946, WGS84, cut at the antimeridian).

    Parameters
    ----------
    regions : mapping of key to Region, with the study's own region under "region"
    path : file to write
    """
    features = [_feature(key, region) for key, region in regions.items()]
    write_json({"type": "FeatureCollection", "features": features}, path)


def read_outlines(path: str | Path) -> dict[str, Region]:
    """
    Read the regions of a file that `write_outlines` wrote, in their order.

    Parameters
    ----------
    path : file
    """
    with open(path, encoding="utf-8") as stream:
        return {f["properties"]["key"]: _region(f) for f in json.load(stream)["features"]}


def altimetry_area(outlines: Mapping[str, Region]) -> Region:
    """
    Return the area in which a study's altimetry is read.

    Parameters
    ----------
    outlines : mapping as `read_outlines` returns it
    """
    return outlines.get(ALTIMETRY_REGION, outlines[STUDY_REGION])


def altimetry_outline(path: str | Path) -> Region:
    """
    Read the area in which a study's altimetry is read.

    Parameters
    ----------
    path : file of `write_outlines`
    """
    return altimetry_area(read_outlines(path))


def height_areas(outlines, crs, floating=None):
    """
    Return the areas that height change is summed over: that of the altimetry, then every further one.

    Parameters
    ----------
    outlines : mapping of key to Region, as `read_outlines` returns it
    crs : coordinate system of the answer
    floating : key of the area whose ice floats; it is left out of all others, whose sums are of ice on land

    Returns
    -------
    dict of key to shapely geometry in `crs`
    """
    further = {key: area for key, area in outlines.items() if key not in (STUDY_REGION, ALTIMETRY_REGION)}
    areas = {STUDY_REGION: altimetry_area(outlines), **further}
    projected = {key: area.projected(crs) for key, area in areas.items()}
    if floating is None:
        return projected
    afloat = shapely.make_valid(projected[floating])
    return {
        key: area if key == floating else shapely.difference(shapely.make_valid(area), afloat)
        for key, area in projected.items()
    }


def focus_outline(focus: Mapping[str, Any]) -> Region:
    """
    Return the part of the map that a study zooms in on as a Region.

    Its straight sides are curves in longitude and latitude.

    Parameters
    ----------
    focus : mapping of crs, xlim, ylim (m)
    """
    (left, right), (bottom, top) = focus["xlim"], focus["ylim"]
    box = {"bbox": [left, bottom, right, top], "crs": focus["crs"]}
    try:
        return load(box, name="focus")
    except RegionError:
        # A box over the antimeridian or over a pole is meant to cross it.
        return load({**box, "crosses_antimeridian": True}, name="focus")


def _feature(key, region):
    """Return a region as a GeoJSON feature."""
    properties = {
        "key": key,
        "name": region.name,
        "crosses_antimeridian": region.crosses_antimeridian,
        "area_km2": region.area_km2,
        "simplification": asdict(region.simplification) if region.simplification else None,
    }
    return {"type": "Feature", "properties": properties, "geometry": mapping(region.geometry)}


def _region(feature):
    """Return the region of a GeoJSON feature."""
    about = feature["properties"]
    simplification = Simplification(**about["simplification"]) if about["simplification"] else None
    geometry = shapely.force_2d(shape(feature["geometry"]))
    return Region(about["name"], geometry, about["crosses_antimeridian"], simplification)
