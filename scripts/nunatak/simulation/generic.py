"""A made-up world for any place: an ice cap or glacier fitted to a study's outline, or sea ice all over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyproj
import shapely

from nunatak.constants import DATUM_YEAR, ICE_DENSITY
from nunatak.geometry.region import Region, gazetteer, load
from nunatak.simulation import generic_tracks
from nunatak.simulation.fields import Constant, Dome, Ramp, Seasonal, Stream
from nunatak.simulation.glacier import BalanceTerm, FlowTerm, Glacier
from nunatak.simulation.itslive_pairs import Site
from nunatak.simulation.seaice import WideSea
from nunatak.simulation.shapes import Oval
from nunatak.simulation.worlds import World
from nunatak.times import decimal_year

_SEED = 20180101
_TILE = 40e3  # m, of the lattice of ATL15
_HEIGHT_REACH = {"tiny": 80e3, "full": 320e3}  # m from the middle to the border of the ATL15 grids, at most
_SURFACE_REACH = {"tiny": 20e3, "full": 120e3}  # the same for ATL14
_PAIR_REACH = {"tiny": 12e3, "full": 40e3}  # the same for image pairs
_ROOM = 1.1  # half length of the glacier over that of the box about the outline
_INSIDE = 0.9  # points the study samples lie within this share of the way from the middle to the margin
_TURNING = 300e3  # m from the pole on the map; tracks turn at 88 degrees, 220 km from it
_LEAST = 3e3  # m, half length of the smallest glacier
# A perfectly plastic glacier of half width b is sqrt(2 tau b / (rho g)) thick in the middle, with tau = 1e5 Pa
# (Cuffey and Paterson 2010, The Physics of Glaciers, section 8.10).
_PLASTIC = 2 * 1e5 / (ICE_DENSITY * 9.81)
_GEOID = 20.0  # m


def build(name: str, size: str, place: Mapping[str, Any], *, sea_ice: bool = False) -> World:
    """
    Build the world of a study anywhere on the Earth.

    Parameters
    ----------
    name, size : of the study; all noise depends on them
    place : mapping of region, altimetry_region, focus (`Region.as_dict`, the last two or None), on_ice (list of
        longitude and latitude that must lie on ice), start, end (instants, text), months ("2019-09" and the like) and,
        for one product, rgt and cycles (lists, or None for all)
    sea_ice : whether to make sea ice and not land ice

    Returns
    -------
    World

    Raises
    ------
    NunatakError : none of the tracks asked for crosses the place
    """
    outline, altimetry = (_region(place, key) for key in ("region", "altimetry_region"))
    altimetry = altimetry or outline
    heart = _region(place, "focus") or altimetry
    north = shapely.centroid(altimetry.geometry).y >= 0
    begin, end = (float(decimal_year(np.datetime64(place[key]))) for key in ("start", "end"))
    common = {"name": name, "size": size, "seed": _SEED, "bbox": altimetry.bounds}
    if sea_ice:
        return _sea(common, outline, north, (begin, end), place["months"])
    crs = "EPSG:3413" if north else "EPSG:3031"
    truth = glacier(crs, outline, altimetry, place["on_ice"])
    middle = _middle(crs, heart, altimetry)
    record = _record(size, end)
    cycles = (3, round(4 * (record[1] - record[0])) + 1)
    box = generic_tracks.track_box(altimetry, crs, middle, size)
    seen = generic_tracks.choose(box, altimetry, crs, middle, size, place, cycles)
    height = _window(crs, altimetry, middle, _HEIGHT_REACH[size], _TILE)
    return World(
        **common,
        truth=truth,
        crs=crs,
        period=record,
        cycles=cycles,
        region_codes=region_codes(altimetry, height),
        height_bounds=height,
        surface_bounds=_window(crs, altimetry, middle, _SURFACE_REACH[size], 1000.0),
        tracks=seen,
        track_bbox=box,
        settings={
            "atl11_tracks": tuple(seen),
            "atl03_tracks": {rgt: chosen[: 2 if size == "tiny" else 4] for rgt, chosen in list(seen.items())[:2]},
            "site": _site(outline, place, size),
        },
    )


def glacier(crs: str, outline: Region, altimetry: Region, on_ice: Sequence[Any] = ()) -> Glacier:
    """
    Fit an ice cap or glacier to outlines: its margin runs about 10 % outside of the box that holds them.

    Thickness follows from the width, flow from both: a dome that spreads, and a stream along the longer axis through
    the middle of `outline`, faster from 2019 on and with a yearly cycle. The surface follows by mass conservation.

    Parameters
    ----------
    crs : CRS, a projected coordinate system
    outline : Region, the study's region
    altimetry : Region, the area of the altimetry
    on_ice : (n, 2) array, longitude and latitude of points that must lie on ice
    """
    shapes = [region.projected(crs) for region in (outline, altimetry)]
    corners = shapely.get_coordinates(shapely.oriented_envelope(shapely.union_all(shapes)))[:4]
    sides = corners[[1, 2]] - corners[[0, 1]]
    lengths = np.hypot(*sides.T)
    long = int(np.argmax(lengths))
    direction = float(np.degrees(np.arctan2(sides[long][1], sides[long][0])))
    x0, y0 = (float(v) for v in corners.mean(axis=0))
    a, b = (max(_ROOM * length / 2, _LEAST) for length in (lengths[long], lengths[1 - long]))
    if len(on_ice):
        grown = _growth(crs, on_ice, (x0, y0, direction, a, b))
        a, b = a * grown, b * grown
    k = float(Glacier(crs, None, (), ()).scale(x0, y0))
    thick = float(np.clip(np.sqrt(_PLASTIC * b / k), 120.0, 3500.0))
    shape = Oval(x0, y0, direction, a, b, 60.0 + 0.75 * thick, 60.0, thick, 0.25 * thick)
    trunk = shapely.centroid(shapes[0])
    balance = (
        BalanceTerm(partial(_yearly_balance, middle=60.0 + 0.4 * thick, span=0.25 * thick), Constant()),
        BalanceTerm(_seasonal_balance, Seasonal(0.10 if crs == "EPSG:3413" else 0.60)),
    )
    flow = _flow(shape, trunk, k, 0.62 if crs == "EPSG:3413" else 0.12)
    return Glacier(crs, shape, flow, balance, geoid=_GEOID)


def _flow(shape, trunk, k, summer):
    """Return the parts of the flux. What they draw from the ice stays small against its thickness over decades."""
    # m/yr, largest divergence of the steady stream; on the map it is less by k^2
    drawn = min(2.0, shape.thickness / 150.0) / k**2
    gather = 0.25 * shape.a
    wide, narrow = 0.5 * shape.b, 0.25 * shape.b
    axis = (float(trunk.x), float(trunk.y), shape.direction)
    # the divergence of a stream is largest where it gathers: discharge / (4 gather_length width)
    discharge = drawn * 4 * gather * 0.5 * (wide + narrow)

    def stream(share):
        return Stream(*axis, share * discharge, -0.3 * shape.a, gather, wide, narrow, 0.0, 0.3 * shape.a)

    return (
        FlowTerm(Dome(shape.x0, shape.y0, 0.2 / k**2, 0.6 * shape.b), Constant()),
        FlowTerm(stream(1.0), Constant()),
        FlowTerm(stream(0.3), Ramp(2019.5, 0.8)),
        FlowTerm(stream(0.1), Seasonal(summer)),
    )


def _growth(crs, on_ice, axes):
    """Return how much larger a glacier of these axes must be to hold all points well inside its margin, at least 1."""
    lon, lat = np.asarray(on_ice, dtype=float).T
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    x0, y0, direction, a, b = axes
    turn = np.deg2rad(direction)
    u = ((x - x0) * np.cos(turn) + (y - y0) * np.sin(turn)) / a
    v = ((y - y0) * np.cos(turn) - (x - x0) * np.sin(turn)) / b
    return max(1.0, float(np.max((u**4 + v**4) ** 0.25)) / _INSIDE)


def _yearly_balance(height, middle, span):
    """
    Compute the mean surface mass balance at a height above the sea, m/yr of ice.

    It is -0.95 far below `middle` and 0.55 far above.
    """
    return -0.2 + 0.75 * np.tanh((height - middle) / span)


def _seasonal_balance(height):
    """Compute the amplitude of the yearly cycle of the balance, m/yr of ice: some 0.3 m of surface."""
    return 1.7 + 0.6 * np.exp(-np.maximum(height, 0.0) / 300.0)


def _sea(common, outline, north, period, months):
    """Build the world of sea ice over an outline, on as many passes and segments as a study can carry."""
    box = outline.bounds
    x0, y0 = _plane("EPSG:6931" if north else "EPSG:6932", outline)
    truth = WideSea(crs="EPSG:6931" if north else "EPSG:6932", thickest=0.29 if north else 0.79, x0=x0, y0=y0)
    stride, length = generic_tracks.thinning(box, period, months, common["size"])
    first, last = (generic_tracks.cycle_of(t) for t in period)
    return World(
        **common,
        truth=truth,
        crs=truth.crs,
        period=period,
        cycles=(max(1, first - 1), last + 1),
        track_bbox=box,
        settings={"stride": stride, "segment_length": length, "months": tuple(months)},
    )


def _plane(crs, region):
    middle = shapely.centroid(region.projected(crs))
    return float(middle.x), float(middle.y)


def region_codes(region: Region, bounds: tuple[float, ...]) -> tuple[str, ...]:
    """
    Return the codes of ATL14/15 that cover a place: quadrants of Antarctica, or the one region it lies in most.

    Parameters
    ----------
    region : Region, the study's region
    bounds : (left, bottom, right, top), m
    """
    left, bottom, right, top = bounds
    if region.bounds[3] <= -60:
        parts = {
            "A1": right > 0 and top > 0,
            "A2": left < 0 and top > 0,
            "A3": left < 0 and bottom < 0,
            "A4": right > 0 and bottom < 0,
        }
        return tuple(code for code, there in parts.items() if there)
    shared: dict[str, float] = {}
    for name, entry in gazetteer().items():
        if (isinstance(entry.get("code"), str) and not entry["code"].startswith("A")) or entry.get("code") == "AK":
            area = shapely.area(shapely.intersection(load(name).geometry, region.geometry))
            shared[entry["code"]] = max(shared.get(entry["code"], 0.0), area)
    best = max(shared, key=lambda code: shared[code])
    return (best,) if shared[best] > 0 else ()


def _record(size, end):
    """Return the first and last decimal year of ATL14/15: 2019.0 and the end of the study, or later by the size."""
    least = 2021.75 if size == "tiny" else 2025.0
    return 2019.0, max(least, np.ceil(4 * min(end, DATUM_YEAR + 20)) / 4)


def _middle(crs, heart, altimetry):
    """Return the place (x, y) around which files are cut where the region is larger than they can be."""
    inside = heart.projected(crs)
    shared = shapely.intersection(inside, altimetry.projected(crs))
    inside = inside if shapely.is_empty(shared) else shared
    middle = shapely.centroid(inside)
    if np.hypot(middle.x, middle.y) < _TURNING:
        seen = shapely.difference(inside, shapely.Point(0, 0).buffer(_TURNING))
        middle = middle if shapely.is_empty(seen) else shapely.point_on_surface(seen)
    return float(middle.x), float(middle.y)


def _window(crs, region, middle, reach, step):
    """Return the box of a region on the map, 2 km wider on every side, at most `reach` from the middle, snapped."""
    left, bottom, right, top = shapely.bounds(region.projected(crs))
    low = [max(edge - 2e3, c - reach) for edge, c in ((left, middle[0]), (bottom, middle[1]))]
    high = [min(edge + 2e3, c + reach) for edge, c in ((right, middle[0]), (top, middle[1]))]
    low, high = [np.floor(v / step) * step for v in low], [np.ceil(v / step) * step for v in high]
    return tuple(float(v) for v in (*low, *high))


def _site(outline, place, size):
    """Return where image pairs lie and of which years they are."""
    crs = pyproj.CRS.from_user_input(outline.natural_crs)
    shape = outline.projected(crs)
    left, bottom, right, top = shapely.bounds(shape)
    middle = shapely.centroid(shape)
    reach = _PAIR_REACH[size]
    half = tuple(float(np.clip(0.6 * width, 3e3, reach)) for width in (right - left, top - bottom))
    lonlat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(middle.x, middle.y)
    years = sorted({int(month[:4]) for month in place["months"]})
    return Site.of(crs.to_epsg(), (float(middle.x), float(middle.y)), half, lonlat, years)


def _region(place, key):
    return Region.from_dict(place[key]) if place.get(key) else None
