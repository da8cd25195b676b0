"""Convert a catalogue's record (UMM-G) to a row of the granule table: name, link, size, checksum, times, footprint."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pandas as pd
import shapely

from nunatak.archives.local import footprint
from nunatak.granules import GranuleNameError, parse
from nunatak.runtime import log

SUFFIXES = (".h5", ".nc")
_IN_CLOUD = "GET DATA VIA DIRECT ACCESS"
_ALGORITHMS = {"MD5": "MD5", "SHA1": "SHA-1", "SHA256": "SHA-256", "SHA512": "SHA-512"}
_INCLINATION = np.radians(92.0)  # of ICESat-2 (ATL03 ATBD)
_PERIOD = 91 * 86400 / 1387  # s, of one revolution: 1387 in 91 days
_DAY = 86164.1  # s, of the Earth's rotation. The drift of the node is smaller than the margin
_WIDTH = 0.3  # degrees, enough for beams, pointing and the difference of geodetic and geocentric latitude
_STEP = 0.25  # degrees along a great circle


def row(record: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return one record as a row.

    Parameters
    ----------
    record : record of the catalogue

    Returns
    -------
    dict with the columns of the granule table, `collection_id`, `concept_id`, `revision_id`, `s3_url`, and the parts
        `cycle_end`, `hemisphere`, `region_code`, `resolution` of the name

    Raises
    ------
    GranuleNameError : no link of the record ends in a granule's name
    """
    meta, umm = record["meta"], record["umm"]
    url = link(umm)
    name = base_name(url)
    named = parse(name)
    start, end = _read(times, umm, (pd.NaT, pd.NaT))
    size, checksum, algorithm = _file(umm, name)
    return {
        "granule_id": named.granule_id,
        "file_name": named.name,
        "url": url,
        "size_bytes": size,
        "checksum": checksum,
        "checksum_algorithm": algorithm,
        "time_start": start,
        "time_end": end,
        "geometry": footprint.to_text(_read(outline, umm, None)),
        "source": "earthdata",
        "s3_url": next((u.get("URL") for u in umm["RelatedUrls"] if u.get("Type") == _IN_CLOUD), None),
        "collection_id": meta.get("collection-concept-id"),
        "concept_id": meta["concept-id"],
        "revision_id": meta.get("revision-id"),
        **{key: getattr(named, key) for key in ("cycle_end", "hemisphere", "region_code", "resolution")},
    }


def _read(reading, umm, otherwise):
    """Read a part of a record, or return a default if it cannot be read, so that no granule is left out for it."""
    try:
        return reading(umm)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
        log.warning("%s: its %s cannot be read: %r", umm.get("GranuleUR", "a record"), reading.__name__, error)
        return otherwise


def link(umm: Mapping[str, Any]) -> str:
    """
    Return the address of the data file itself, not of its metadata, pictures or S3 key.

    Parameters
    ----------
    umm : UMM-G part of a record

    Raises
    ------
    GranuleNameError : the record has no link to a data file
    """
    for entry in umm.get("RelatedUrls") or []:
        address = entry.get("URL") or ""
        path = urlsplit(address).path.lower()
        if entry.get("Type") == "GET DATA" and address.startswith("https://") and path.endswith(SUFFIXES):
            return address
    raise GranuleNameError(f"{umm.get('GranuleUR', 'a record')}: has no link to a data file")


def base_name(url: str) -> str:
    """
    Return the file name at the end of a link, and refuse names that could leave a folder.

    Parameters
    ----------
    url : link

    Raises
    ------
    GranuleNameError : the name could leave its folder

    >>> base_name("https://host/a/ATL03_20211117212830_08621302_007_02.h5")
    'ATL03_20211117212830_08621302_007_02.h5'
    """
    try:
        name = unquote(urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1])
    except ValueError:  # brackets in place of a host
        name = ""
    if not name or name.startswith(".") or any(sign in name for sign in ("/", "\\", "\0")):
        raise GranuleNameError(f"{name!r}: a name that would leave its folder")
    return name


def times(umm: Mapping[str, Any]) -> tuple[Any, ...]:
    """
    Return start and end as timestamps without zone, UTC, or NaT if the record has none.

    Parameters
    ----------
    umm : UMM-G part of a record
    """
    extent = umm.get("TemporalExtent", {})
    span = extent.get("RangeDateTime", {})
    texts = (
        span.get("BeginningDateTime") or extent.get("SingleDateTime"),
        span.get("EndingDateTime") or extent.get("SingleDateTime"),
    )
    return tuple(_instant(text) if text else pd.NaT for text in texts)


def _instant(text):
    """Return a catalogue's time as a timestamp, faster than pandas' own reader."""
    read = pd.Timestamp(datetime.fromisoformat(text))
    return read if read.tz is None else read.tz_convert(None)


def outline(umm: Mapping[str, Any]) -> Any:
    """
    Return the footprint of a record as a shapely geometry cut at the antimeridian, or None.

    The edges of polygons are great circles. For a record with only an orbit the ground track is computed from its
    equator crossing.

    Parameters
    ----------
    umm : UMM-G part of a record
    """
    space = umm.get("SpatialExtent", {}).get("HorizontalSpatialDomain", {})
    shapes = space.get("Geometry", {})
    parts = [
        ring([(p["Longitude"], p["Latitude"]) for p in polygon["Boundary"]["Points"]])
        for polygon in shapes.get("GPolygons", [])
    ]
    for box in shapes.get("BoundingRectangles", []):
        west, south, east, north = (box[f"{side}BoundingCoordinate"] for side in ("West", "South", "East", "North"))
        spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
        parts += [shapely.box(left, south, right, north) for left, right in spans]
    if parts:
        return shapely.union_all(parts)
    return ground_track(space["Orbit"]) if "Orbit" in space else None


def ring(points: Any) -> Any:
    """
    Return a catalogue's ring of (lon, lat) as a polygon cut at the antimeridian, with edges along great circles.

    It is widened by about a kilometre, so that it is never too small.

    Parameters
    ----------
    points : (n, 2) longitude and latitude, degrees
    """
    lonlat = np.asarray(points, dtype=float)
    if not np.allclose(lonlat[0], lonlat[-1]):
        lonlat = np.vstack([lonlat, lonlat[:1]])
    lon, lat = _great_circles(lonlat)
    turned = np.degrees(np.unwrap(np.radians(lon)))
    if abs(turned[-1] - turned[0]) > 180:  # around a pole
        return _cap(lat)
    shape = shapely.make_valid(shapely.Polygon(np.column_stack([turned, lat])))
    return footprint.wrapped(shapely.buffer(shape, 0.01, quad_segs=1))


def ground_track(orbit: Mapping[str, Any]) -> Any:
    """
    Return the strip of an ICESat-2 revolution between two latitudes.

    Parameters
    ----------
    orbit : mapping with AscendingCrossing (degrees east), StartLatitude, StartDirection, EndLatitude, EndDirection
    """
    start = _along(orbit["StartLatitude"], orbit["StartDirection"])
    end = _along(orbit["EndLatitude"], orbit["EndDirection"])
    while end <= start:
        end += 2 * np.pi
    u = np.linspace(start, end, max(int((end - start) / np.radians(_STEP)), 2))
    lat = np.degrees(np.arcsin(np.sin(_INCLINATION) * np.sin(u)))
    lon = np.degrees(np.arctan2(np.cos(_INCLINATION) * np.sin(u), np.cos(u)))
    lon = orbit["AscendingCrossing"] + lon - 360.0 * (u / (2 * np.pi) * _PERIOD) / _DAY
    sides = [(lon + turn / np.maximum(np.cos(np.radians(lat)), 0.03), lat + up) for turn, up in _AROUND]
    x, y = (np.concatenate(values) for values in zip(*sides, strict=True))
    return footprint.along_track(np.tile(u * _PERIOD / (2 * np.pi), len(sides)), x, np.clip(y, -90, 90))


_AROUND = [(turn * _WIDTH, up * _WIDTH) for turn in (-1, 1) for up in (-1, 1)]


def _along(latitude, direction):
    """Return the angle from the ascending node, radians."""
    u = np.arcsin(np.clip(np.sin(np.radians(latitude)) / np.sin(_INCLINATION), -1, 1))
    return u if direction == "A" else np.pi - u


def _great_circles(lonlat):
    """Return points at most `_STEP` apart along the great circles between the given ones."""
    lon, lat = np.radians(lonlat).T
    xyz = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    pieces = [xyz[:1]]
    for a, b in pairwise(xyz):
        angle = np.degrees(np.arccos(np.clip(a @ b, -1, 1)))
        t = np.linspace(0, 1, max(int(np.ceil(angle / _STEP)), 1) + 1)[1:, None]
        chord = a + t * (b - a)
        pieces.append(chord / np.linalg.norm(chord, axis=1, keepdims=True))
    dense = np.vstack(pieces)
    return np.degrees(np.arctan2(dense[:, 1], dense[:, 0])), np.degrees(np.arcsin(np.clip(dense[:, 2], -1, 1)))


def _cap(lat):
    """Return the polar cap beyond a ring around a pole."""
    south = lat.mean() < 0
    return shapely.box(-180, -90, 180, lat.max()) if south else shapely.box(-180, lat.min(), 180, 90)


def _file(umm, name):
    """
    Return size in bytes, checksum and algorithm of the data file, None where the record does not state them exactly.
    """
    files = (umm.get("DataGranule") or {}).get("ArchiveAndDistributionInformation") or []
    named = [file for file in files if file.get("Name") == name] or (files if len(files) == 1 else [])
    for file in named:
        given = file.get("Checksum") or {}
        algorithm = _ALGORITHMS.get(str(given.get("Algorithm", "")).upper().replace("-", ""))
        size = str(file.get("SizeInBytes"))
        return int(size) if size.isdecimal() else None, (given.get("Value") if algorithm else None), algorithm
    return None, None, None
