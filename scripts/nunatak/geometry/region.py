"""One immutable object for an area of interest, and the ways a study file can give it."""

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
# in a clone, or inside the package where pip installed it alone
_PLACES = (REPOSITORY / "config" / "regions", Path(__file__).resolve().parents[1] / "shipped")
SHIPPED = next(filter(Path.is_dir, _PLACES), _PLACES[0])
GAZETTEER = SHIPPED / "gazetteer.yaml"

# Edges are straight in longitude and latitude; a step this short follows them to a metre in a polar projection.
_STEP = 0.05  # degrees
_FARTHEST = 1e9  # m; a projection that puts a point farther off than this cannot show it
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
    """What a tolerance did to an outline: vertices before and after, area in km2 before and after."""

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
    An area on the WGS84 ellipsoid; its edges are straight in longitude and latitude.

    Attributes
    ----------
    name : the gazetteer's, the study's or the file's word for it
    geometry : shapely Polygon or MultiPolygon, longitude and latitude, longitudes in [-180, 180]; cut along the
        antimeridian where it crosses, closed along latitude +-90 where it holds a pole
    crosses_antimeridian : west lies east of 180
    simplification : what `tolerance` did, or None
    crs : coordinate system its corners were given in, for words about it; None for degrees, files and names
    """

    name: str
    geometry: shapely.Geometry = field(repr=False)
    crosses_antimeridian: bool = False
    simplification: Simplification | None = None
    crs: str | None = field(default=None, compare=False, repr=False)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees; west > east where the region crosses the antimeridian."""
        west, south, east, north = shapely.bounds(self.geometry)
        if self.crosses_antimeridian:
            west, east = polygons.widest_gap(self.geometry)[::-1]
        return float(west), float(south), float(east), float(north)

    @cached_property
    def _unwrapped(self):
        """The geometry with the parts behind the antimeridian moved on by a turn, where it crosses."""
        west = self.bounds[0]
        parts = shapely.get_parts(self.geometry)
        return shapely.union_all([_onward(part) if shapely.bounds(part)[0] < west else part for part in parts])

    @cached_property
    def _prepared(self):
        shapely.prepare(self.geometry)
        return self.geometry, shapely.bounds(self.geometry)

    def contains(self, lon, lat) -> np.ndarray:
        """
        Which points lie in the region or on its edge (bool, of the shape of lon and lat); NaN lies nowhere.

        Longitudes may be in any turn. At a pole every longitude means the same point.

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

    def projected(self, crs) -> shapely.Geometry:
        """
        The region's outline in another coordinate system, its curved edges followed to about a metre.

        Parameters
        ----------
        crs : anything pyproj understands

        Raises
        ------
        RegionError : the region reaches beyond what the coordinate system can show
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
        """EPSG:3413 north of 60 N, EPSG:3031 south of 60 S, else the UTM zone of the middle."""
        middle = shapely.centroid(self._unwrapped)
        if middle.y > 60:
            return "EPSG:3413"
        if middle.y < -60:
            return "EPSG:3031"
        zone = int(((middle.x + 180) % 360) // 6) + 1
        return f"EPSG:{(32600 if middle.y >= 0 else 32700) + zone}"

    @cached_property
    def area_km2(self) -> float:
        """Area on the ellipsoid, km2."""
        return polygons.area_km2(self.geometry)

    def as_dict(self) -> dict:
        """The region as plain values, for parameters of a rule; `from_dict` is the way back."""
        did = None if self.simplification is None else asdict(self.simplification)
        wkt = shapely.to_wkt(self.geometry, rounding_precision=-1)
        return {
            "name": self.name,
            "wkt": wkt,
            "crosses_antimeridian": self.crosses_antimeridian,
            "simplification": did,
        }

    @classmethod
    def from_dict(cls, values) -> Region:
        """The region that `as_dict` wrote out."""
        did = values.get("simplification")
        return cls(
            values["name"],
            shapely.from_wkt(values["wkt"]),
            values["crosses_antimeridian"],
            None if did is None else Simplification(**did),
        )

    def intersects(self, geometry) -> bool:
        """Whether a shapely geometry in longitude and latitude, cut at the antimeridian, touches the region."""
        return bool(shapely.intersects(self._prepared[0], geometry))


def load(spec, *, folder=".", name=None) -> Region:
    """
    The region a study file means.

    Parameters
    ----------
    spec : a name of the gazetteer; `[west, south, east, north]`; a list of points; or a mapping with one of `name`,
        `bbox`, `lonlat`, `polygon` and, where they apply, `crs`, `layer`, `attribute`, `tolerance` (metres),
        `crosses_antimeridian`
    folder : where the study file lies; a polygon's path is looked for here, in the working directory and in the
        workflow's own folder
    name : what to call it; by default what the spec itself says

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


def normal_form(spec) -> dict:
    """A spec as a mapping with one of the four forms, its keys checked."""
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
        said = " and ".join(given) if given else "none of them"
        raise RegionError(f"got {said}; write exactly one of {', '.join(_FORMS)}")
    return spec


def find_file(path, folder) -> Path:
    """The file a study names: as given, beside the study file, or in the workflow's folder."""
    path = Path(path).expanduser()
    for base in ("", folder, REPOSITORY):
        if (base / path).is_file() if base else path.is_file():
            return base / path if base else path
    raise RegionError(f"polygon: {path} is not there; give its path from the folder the workflow runs in")


@lru_cache(maxsize=1)
def gazetteer() -> dict[str, dict]:
    """The shipped regions: name -> title, outline, source, and the ATL14/15 code where there is one."""
    return yaml.safe_load(GAZETTEER.read_text("utf-8"))


def listing() -> str:
    """The gazetteer as lines of text: name, bounds, title."""
    lines = []
    for name, entry in gazetteer().items():
        west, south, east, north = load(name).bounds
        lines.append(f"{name:24s} {west:7.1f} {south:6.1f} {east:7.1f} {north:6.1f}  {entry['title']}")
    return "\n".join(lines)


def _named(spec, name):
    wanted = str(spec["name"])
    known = gazetteer()
    if wanted not in known:
        near = get_close_matches(wanted.lower().replace(" ", "_").replace("-", "_"), known, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else "`make regions` lists the known ones"
        raise RegionError(f"name: no region {wanted!r}; {hint}")
    outline = {key: known[wanted][key] for key in ("bbox", "lonlat", "crosses_antimeridian") if key in known[wanted]}
    return load({**outline, **({"tolerance": spec["tolerance"]} if "tolerance" in spec else {})}, name=name or wanted)


def _assemble(parts, crs, name, spec, crosses):
    """Polygons in their own coordinate system -> the checked, cut, perhaps simplified region."""
    system = _crs(crs, "crs")
    if system.is_geographic:
        geometry, crossing = polygons.to_sphere(parts, crosses, box="bbox" in spec)
    else:
        geometry, crossing = polygons.unproject(parts, system)
    if crosses and not crossing:
        # a file may hold the outline cut at 180 already
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
    try:
        found = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise RegionError(f"{where}: unknown coordinate system {crs!r}; write one such as EPSG:3413") from error
    if not (found.is_projected or found.is_geographic):
        raise RegionError(
            f"{where}: {crs!r} ({found.name}, {found.type_name}) places nothing on a map; write EPSG:3413"
        )
    return found


def _onward(part):
    return shapely.transform(part, lambda lonlat: lonlat + np.array([360.0, 0.0]))


if __name__ == "__main__":
    print(listing())
