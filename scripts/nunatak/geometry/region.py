"""Represent an area of interest as one immutable object, and load it in the ways a study file can give it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
import yaml

from nunatak.geometry import outline_files, polygons
from nunatak.geometry.polygons import RegionError

REPOSITORY = Path(__file__).resolve().parents[3]
# in a clone, or inside a package installed with pip
_PLACES = (REPOSITORY / "config" / "regions", Path(__file__).resolve().parents[1] / "shipped")
SHIPPED = next(filter(Path.is_dir, _PLACES), _PLACES[0])
GAZETTEER = SHIPPED / "gazetteer.yaml"

# Edges are straight in longitude and latitude. Such a step follows them to a metre in a polar projection.
_STEP = 0.05  # degrees
_FARTHEST = 1e9  # m. A projection cannot show a point that it puts farther away
_FORMS = ("name", "bbox", "lonlat", "polygon")
_KINDS: dict[str, tuple[Any, str]] = {
    "polygon": ((str, Path), "the path of a file"),
    "layer": ((str, list, tuple), "the layer's name, or a list of names"),
    "attribute": (Mapping, "{name: value}, the attribute and what it must be"),
    "tolerance": ((int, float), "a positive number of metres"),
    "crs": ((str, int, pyproj.CRS), "a coordinate system such as EPSG:3413"),
    "crosses_antimeridian": (bool, "true or false"),
}
_KEYS = tuple(dict.fromkeys((*_FORMS, *_KINDS)))


@dataclass(frozen=True)
class Simplification:
    """Effect of a tolerance on an outline: vertices before and after, area in km2 before and after."""

    tolerance: float
    vertices_before: int
    vertices_after: int
    area_before: float
    area_after: float

    def __str__(self):
        change = 100 * (self.area_after / self.area_before - 1)
        return (
            f"simplified to within {self.tolerance:g} m: {self.vertices_before} vertices became "
            f"{self.vertices_after}, the area changed by {change:+.2g} % "
            f"({self.area_before:.6g} to {self.area_after:.6g} km2)"
        )


@dataclass(frozen=True)
class Region:
    """
    An area on the WGS84 ellipsoid, whose edges are straight in longitude and latitude.

    Attributes
    ----------
    name : in the gazetteer, the study or the file
    geometry : shapely Polygon or MultiPolygon, longitude and latitude, longitudes in [-180, 180], cut along the
        antimeridian if it crosses, closed along latitude +-90 if it holds a pole
    crosses_antimeridian : west lies east of 180
    simplification : effect of `tolerance`, or None
    crs : coordinate system of the given corners, for messages. None for degrees, files and names
    """

    name: str
    geometry: shapely.Geometry = field(repr=False)
    crosses_antimeridian: bool = False
    simplification: Simplification | None = None
    crs: str | None = field(default=None, compare=False, repr=False)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """Return west, south, east, north in degrees, with west > east if the region crosses the antimeridian."""
        west, south, east, north = shapely.bounds(self.geometry)
        if self.crosses_antimeridian:
            west, east = polygons.widest_gap(self.geometry)[::-1]
        return float(west), float(south), float(east), float(north)

    @cached_property
    def _unwrapped(self):
        """Return the geometry, with the parts beyond the antimeridian shifted by a turn if it crosses."""
        west = self.bounds[0]
        parts = shapely.get_parts(self.geometry)
        return shapely.union_all([_onward(part) if shapely.bounds(part)[0] < west else part for part in parts])

    @cached_property
    def _prepared(self):
        shapely.prepare(self.geometry)
        return self.geometry, shapely.bounds(self.geometry)

    def contains(self, lon: np.typing.ArrayLike, lat: np.typing.ArrayLike) -> np.ndarray:
        """
        Return which points lie in the region or on its edge, as bool of the shape of lon and lat.

        Longitudes may be in any turn. At a pole every longitude means the same point. NaN lies nowhere.

        >>> load({"bbox": [10, 79, 30, 81]}).contains([20, 380, 40], [80, 80, 80])
        array([ True,  True, False])
        """
        lon, lat = np.broadcast_arrays(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
        geometry, (west, south, east, north) = self._prepared
        with np.errstate(invalid="ignore"):
            turned = np.where((lon < -180) | (lon > 180), (lon + 180) % 360 - 180, lon)
            candidate = (lat >= south) & (lat <= north) & (turned >= west) & (turned <= east)
            inside = np.array(candidate)
            if not geometry.equals(shapely.box(west, south, east, north)):
                inside[candidate] = shapely.intersects_xy(geometry, turned[candidate], lat[candidate])
            at_pole = np.isfinite(lon) & (((lat == 90) & (north == 90)) | ((lat == -90) & (south == -90)))
        return inside | at_pole

    def projected(self, crs: Any) -> shapely.Geometry:
        """
        Return the region's outline in another coordinate system, with curved edges accurate to about a metre.

        Raises
        ------
        RegionError : the region reaches beyond the area of the coordinate system
        """
        target = _crs(crs, self.name)
        transform = pyproj.Transformer.from_crs("OGC:CRS84", target, always_xy=True)
        outline = shapely.transform(shapely.segmentize(self.geometry, _STEP), transform.transform, interleaved=False)
        if not (np.abs(shapely.get_coordinates(outline)) < _FARTHEST).all():
            raise RegionError(f"{self.name}: reaches beyond what {crs} can show; choose a projection of its own area")
        # Rounding to a millimetre joins the halves left and right of the antimeridian and closes the slit to a pole.
        step = 1e-9 if target.is_geographic else 1e-3
        return shapely.union_all(shapely.set_precision(shapely.get_parts(outline), step))

    @cached_property
    def natural_crs(self) -> str:
        """Return EPSG:3413 north of 60 N, EPSG:3031 south of 60 S, else the UTM zone of the middle."""
        middle = shapely.centroid(self._unwrapped)
        if middle.y > 60:
            return "EPSG:3413"
        if middle.y < -60:
            return "EPSG:3031"
        zone = int(((middle.x + 180) % 360) // 6) + 1
        return f"EPSG:{(32600 if middle.y >= 0 else 32700) + zone}"

    @cached_property
    def area_km2(self) -> float:
        """Return the area on the ellipsoid, km2."""
        return polygons.area_km2(self.geometry)

    def as_dict(self) -> dict:
        """Return the region as plain values for parameters of a rule, see `from_dict`."""
        did = None if self.simplification is None else asdict(self.simplification)
        return {
            "name": self.name,
            "wkt": shapely.to_wkt(self.geometry, rounding_precision=-1),
            "crosses_antimeridian": self.crosses_antimeridian,
            "simplification": did,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Region:
        """Return the region that `as_dict` wrote."""
        did = values.get("simplification")
        return cls(
            values["name"],
            shapely.from_wkt(values["wkt"]),
            values["crosses_antimeridian"],
            None if did is None else Simplification(**did),
        )

    def intersects(self, geometry: shapely.Geometry) -> bool:
        """Return whether a geometry in longitude and latitude, cut at the antimeridian, touches the region."""
        return bool(shapely.intersects(self._prepared[0], geometry))


def load(spec: Any, *, folder: str | Path = ".", name: str | None = None) -> Region:
    """
    Load the region that a study file describes.

    Parameters
    ----------
    spec : a name of the gazetteer, `[west, south, east, north]`, a list of points, or a mapping with one of `name`,
        `bbox`, `lonlat`, `polygon` and optionally `crs`, `layer`, `attribute`, `tolerance` (metres),
        `crosses_antimeridian`
    folder : folder of the study file. A polygon's path is looked up here, in the working directory and in the
        workflow's own folder. Default: the working directory
    name : name of the region. Default: from the spec

    Raises
    ------
    RegionError : one line that names the key, the value and the remedy

    Examples
    --------
    >>> load({"bbox": [10, 79, 30, 81]}).bounds
    (10.0, 79.0, 30.0, 81.0)
    >>> load({"bbox": [160, -78, -150, -70], "crosses_antimeridian": True}).bounds
    (160.0, -78.0, -150.0, -70.0)
    """
    spec = normal_form(spec)
    crosses = bool(spec.get("crosses_antimeridian", False))
    if "name" in spec:
        return _named(spec, name)
    if "polygon" in spec:
        path = find_file(spec["polygon"], folder)
        choice = {key: spec.get(key) for key in ("layer", "attribute", "crs")}
        parts, crs = outline_files.read_file(path, **choice)
        return _assemble(parts, crs, name or path.stem, spec, crosses)
    if "bbox" in spec:
        parts = polygons.box(spec["bbox"], crosses, geographic="crs" not in spec)
    else:
        parts = [polygons.polygon(spec["lonlat"])]
    return _assemble(parts, spec.get("crs", "OGC:CRS84"), name or "region", spec, crosses)


def normal_form(spec: Any) -> dict:
    """Return a spec as a mapping with one of the four forms, after checking its keys."""
    if isinstance(spec, str):
        spec = {"name": spec}
    elif isinstance(spec, (list, tuple)):
        box = len(spec) == 4 and all(isinstance(value, (int, float)) for value in spec)
        spec = {"bbox" if box else "lonlat": list(spec)}
    if not isinstance(spec, Mapping):
        raise RegionError(f"got {spec!r}; write a name, bbox, lonlat or polygon")
    for key in spec:
        if key not in _KEYS:
            near = get_close_matches(str(key), _KEYS, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"write one of {', '.join(_FORMS)}"
            raise RegionError(f"{key}: unknown key; {hint}")
    spec = {key: value for key, value in spec.items() if value is not None}
    for key, (kinds, words) in _KINDS.items():
        if key in spec and (not isinstance(spec[key], kinds) or (isinstance(spec[key], bool) and kinds is not bool)):
            raise RegionError(f"{key}: got {spec[key]!r}; write {words}")
    given = [form for form in _FORMS if form in spec]
    if len(given) != 1:
        forms = " and ".join(given) if given else "none of them"
        raise RegionError(f"got {forms}; write exactly one of {', '.join(_FORMS)}")
    return spec


def find_file(path: str | Path, folder: str | Path) -> Path:
    """Find a file as given, beside the study file, or in the workflow's folder."""
    path = Path(path).expanduser()
    for base in ("", folder, REPOSITORY):
        if (base / path).is_file() if base else path.is_file():
            return base / path if base else path
    raise RegionError(f"polygon: {path} is not there; give its path from the folder the workflow runs in")


@lru_cache(maxsize=1)
def gazetteer() -> dict[str, dict]:
    """Return the shipped regions by name: title, outline, source, and the ATL14/15 code if there is one."""
    return yaml.safe_load(GAZETTEER.read_text("utf-8"))


def listing() -> str:
    """Return the gazetteer as lines of text: name, bounds, title."""
    lines = []
    for name, entry in gazetteer().items():
        west, south, east, north = load(name).bounds
        lines.append(f"{name:24s} {west:7.1f} {south:6.1f} {east:7.1f} {north:6.1f}  {entry['title']}")
    return "\n".join(lines)


def _named(spec, name):
    """Load a region of the gazetteer."""
    wanted = str(spec["name"])
    regions = gazetteer()
    if wanted not in regions:
        near = get_close_matches(wanted.lower().replace(" ", "_").replace("-", "_"), regions, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else "`make regions` lists the known ones"
        raise RegionError(f"name: no region {wanted!r}; {hint}")
    outline = {
        key: regions[wanted][key] for key in ("bbox", "lonlat", "crosses_antimeridian") if key in regions[wanted]
    }
    return load({**outline, **({"tolerance": spec["tolerance"]} if "tolerance" in spec else {})}, name=name or wanted)


def _assemble(parts, crs, name, spec, crosses):
    """Make a checked, cut and optionally simplified region from polygons in their own coordinate system."""
    system = _crs(crs, "crs")
    if system.is_geographic:
        geometry, crossing = polygons.to_sphere(parts, crosses, box="bbox" in spec)
    else:
        geometry, crossing = polygons.unproject(parts, system)
    if crosses and not crossing:
        # A file may hold an outline that is already cut at 180.
        left, _, right, _ = shapely.bounds(geometry)
        start, end = polygons.widest_gap(geometry)
        crossing = bool((left, right) == (-180, 180) and start < end)
    if crossing and not crosses:
        raise RegionError("crosses the antimeridian; say so with crosses_antimeridian: true")
    if not polygons.area_km2(geometry) > 0:
        raise RegionError("encloses no area; give at least three corners that are not on one line")
    region = Region(name, geometry, crossing, crs=spec.get("crs"))
    tolerance = spec.get("tolerance")
    if tolerance is None or "bbox" in spec:
        return region
    return _simplified(region, parts, system, tolerance)


def _simplified(region, parts, system, tolerance):
    """Simplify a region's outline within a tolerance, and record the effect."""
    if not (isinstance(tolerance, (int, float)) and tolerance > 0 and math.isfinite(tolerance)):
        raise RegionError(f"tolerance: got {tolerance!r}; write a positive number of metres")
    if tolerance / 1e3 > math.sqrt(region.area_km2):
        raise RegionError(f"tolerance: {tolerance:g} m is wider than the region itself; write a smaller one")
    crs, corners = system, parts
    if system.is_geographic:
        crs = pyproj.CRS(region.natural_crs)
        transform = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
        corners = [shapely.transform(part, transform.transform, interleaved=False) for part in parts]
    metre = 1.0 / crs.axis_info[0].unit_conversion_factor
    simple = [shapely.simplify(polygons.simple(part), tolerance * metre) for part in corners]
    geometry, crossing = polygons.unproject(simple, crs, follow=not system.is_geographic)
    did = Simplification(
        tolerance=float(tolerance),
        vertices_before=sum(polygons.vertices(part) for part in parts),
        vertices_after=sum(polygons.vertices(part) for part in simple),
        area_before=region.area_km2,
        area_after=polygons.area_km2(geometry),
    )
    return Region(region.name, geometry, crossing, did, region.crs)


@lru_cache(maxsize=32)
def _crs(crs, where) -> pyproj.CRS:
    """Return a projected or geographic coordinate system, or raise an error that names its place in the study."""
    try:
        system = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise RegionError(f"{where}: unknown coordinate system {crs!r}; write one such as EPSG:3413") from error
    if not (system.is_projected or system.is_geographic):
        raise RegionError(
            f"{where}: {crs!r} ({system.name}, {system.type_name}) places nothing on a map; write EPSG:3413"
        )
    return system


def _onward(part):
    return shapely.transform(part, lambda lonlat: lonlat + np.array([360.0, 0.0]))


if __name__ == "__main__":
    print(listing())
