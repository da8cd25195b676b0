"""Read many points or outlines with ids of their own, such as the glaciers of an RGI file, and place them on grids."""

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import shapely

from nunatak.geometry.grid import Grid
from nunatak.geometry.outline_files import check_kind
from nunatak.geometry.polygons import RegionError
from nunatak.geometry.region import Region

USED, EMPTY, OUTSIDE = "used", "empty", "outside"
_LONGITUDES, _LATITUDES = ("longitude", "lon"), ("latitude", "lat")
_MOST = 100_000  # features of a file


def read_features(path: str | Path, identifier: str, *, layer: str | None = None, crs: Any = None) -> pd.DataFrame:
    """
    Read the features of a CSV, GeoPackage, Shapefile or GeoJSON file.

    Parameters
    ----------
    path : file. A CSV has columns longitude (or lon) and latitude (or lat)
    identifier : name of the column with the features' ids
    layer : of a file with several. Default: its only one
    crs : coordinate system, where the file states none. Default: the file's

    Returns
    -------
    DataFrame `feature` (id as text), `geometry` (shapely, WGS84 longitude and latitude, None where there is none)

    Raises
    ------
    RegionError : no such file, layer or column, an id that is missing or comes twice, or no feature at all
    """
    name = str(path).lower()
    columns, shapes, system = _csv(path) if name.endswith((".csv", ".csv.gz")) else _vector(path, layer)
    if identifier not in columns:
        near = get_close_matches(identifier, columns, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(columns) or 'none'}"
        raise RegionError(f"features.id: {path} has no column {identifier!r}; {hint}")
    ids = [_text(value) for value in columns[identifier]]
    if not ids or len(ids) > _MOST:
        raise RegionError(f"features.file: {path} holds {len(ids)} features; give a file with 1 to {_MOST}")
    if "" in ids:
        raise RegionError(f"features.id: {path}: feature {ids.index('') + 1} has no {identifier}; give it an id")
    strange = [value for value in ids if not value.isprintable()]
    if strange:
        raise RegionError(f"features.id: {path}: {strange[0]!r} holds a character that cannot be shown; rename it")
    twice = [f"{value} ({n})" for value, n in Counter(ids).items() if n > 1]
    if twice:
        more = f" and {len(twice) - 3} more" if len(twice) > 3 else ""
        raise RegionError(
            f"features.id: {path}: {identifier} comes more than once: {', '.join(twice[:3])}{more}; "
            "leave duplicates out, or name a column whose values differ"
        )
    return pd.DataFrame({"feature": ids, "geometry": _on_globe(path, shapes, crs or system)})


def _text(value):
    """Return an id as text, empty where it is missing, and without the point of a whole number."""
    if value is None or value != value:
        return ""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return str(value).strip()


def _csv(path):
    try:
        table = pd.read_csv(path, dtype=str, encoding="utf-8-sig")
    except FileNotFoundError:
        raise RegionError(f"features.file: {path}: is not a readable file; give CSV or a vector file") from None
    except (OSError, ValueError) as error:
        raise RegionError(f"features.file: {path}: cannot be read as CSV ({str(error).splitlines()[0]})") from error
    held = [str(name) for name in table]
    names = {name.lower(): name for name in held}
    axes = [next((names[name] for name in known if name in names), None) for known in (_LONGITUDES, _LATITUDES)]
    if None in axes:
        raise RegionError(f"features.file: {path}: has no columns longitude and latitude; it has {', '.join(held)}")
    try:
        lon, lat = (pd.to_numeric(table[axis]).to_numpy(float) for axis in axes)
    except ValueError as error:
        raise RegionError(f"features.file: {path}: a coordinate is no number ({error}); write degrees") from error
    shapes = [shapely.Point(*at) if np.isfinite(at).all() else None for at in zip(lon, lat, strict=True)]
    return {name: table[name].tolist() for name in table}, shapes, "OGC:CRS84"


def _vector(path, layer):
    """Return columns, geometries and coordinate system of a layer."""
    import pyogrio
    import pyogrio.errors
    import pyogrio.raw

    check_kind(path)
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
        if layer is None and len(layers) > 1:
            raise RegionError(f"features.layer: {path} has several: {', '.join(layers)}; name one")
        meta, _, geometry, values = pyogrio.raw.read(path, layer=layer, force_2d=True)
        shapes = shapely.from_wkb(geometry if geometry is not None else [None] * len(values[0]))
    except RegionError:
        raise
    except pyogrio.errors.DataLayerError as error:
        raise RegionError(f"features.layer: {path} has no layer {layer!r}; it has {', '.join(layers)}") from error
    except (pyogrio.errors.DataSourceError, shapely.errors.ShapelyError, ValueError, TypeError) as error:
        reason = str(error).split(";")[0].splitlines()[0]
        raise RegionError(f"features.file: {path}: cannot be read ({reason}); give another file") from error
    columns = {name: list(column) for name, column in zip(meta["fields"], values, strict=True)}
    return columns, list(shapes), meta["crs"]


def _on_globe(path, shapes, system):
    """Return geometries in longitude and latitude, None for empty ones."""
    if system is None:
        raise RegionError(f"features.file: {path}: states no coordinate system; add crs, such as EPSG:4326")
    turn = pyproj.Transformer.from_crs(system, "OGC:CRS84", always_xy=True).transform
    filled = [None if shape is None or shape.is_empty else shape for shape in shapes]
    return [None if shape is None else shapely.transform(shape, turn, interleaved=False) for shape in filled]


def judged(features: pd.DataFrame, area: Region) -> pd.DataFrame:
    """
    Return features with their kind, place and fate.

    Parameters
    ----------
    features : of `read_features`
    area : Region of the study

    Returns
    -------
    DataFrame: `feature, kind` (point or outline), `longitude, latitude` (degrees; of an outline a point inside it),
        `fate` (used, empty, outside), `geometry`
    """
    known = features["geometry"].notna()
    middle = [shape.representative_point() if shape is not None else None for shape in features["geometry"]]
    lon, lat = (np.array([getattr(at, axis) if at is not None else np.nan for at in middle]) for axis in "xy")
    inside = np.zeros(len(features), bool)
    for number in np.flatnonzero(known):
        shape = features["geometry"].iloc[number]
        inside[number] = area.contains(shape.x, shape.y) if shape.geom_type == "Point" else area.intersects(shape)
    kind = [
        "outline" if shape is not None and shape.geom_type != "Point" else "point" for shape in features["geometry"]
    ]
    fate = np.where(~known, EMPTY, np.where(inside, USED, OUTSIDE))
    return features.assign(kind=kind, longitude=lon, latitude=lat, fate=fate)


def cells_under(shapes: Sequence[Any], grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Return the cells of a grid under each of some features: that of a point, or those whose centres an outline holds.

    An outline smaller than a cell has the cell that it lies in.

    Parameters
    ----------
    shapes : geometries in longitude and latitude
    grid : Grid

    Returns
    -------
    number, row, column : (n,) int, of the feature and of its cell; a feature beyond the grid has none
    """
    turn = pyproj.Transformer.from_crs("OGC:CRS84", grid.crs, always_xy=True).transform
    x, y, found = np.asarray(grid.x), np.asarray(grid.y), []
    for number, shape in enumerate(shapes):
        placed = shapely.transform(shape, turn, interleaved=False)
        west, south, east, north = placed.bounds
        rows, columns = np.flatnonzero((y >= south) & (y <= north)), np.flatnonzero((x >= west) & (x <= east))
        inside = shapely.contains_xy(placed, x[columns][None, :], y[rows][:, None])
        if placed.geom_type == "Point" or not inside.any():
            at = placed if placed.geom_type == "Point" else placed.representative_point()
            row, column = np.abs(y - at.y).argmin(), np.abs(x - at.x).argmin()
            near = abs(y[row] - at.y) <= grid.dy / 2 and abs(x[column] - at.x) <= grid.dx / 2
            rows, columns, inside = np.array([row]), np.array([column]), np.full((1, 1), near)
        i, j = np.nonzero(inside)
        found.append((np.full(len(i), number), rows[i], columns[j]))
    if not found:
        return (np.empty(0, int),) * 3
    numbers, down, across = (np.concatenate(part).astype(int) for part in zip(*found, strict=True))
    return numbers, down, across
