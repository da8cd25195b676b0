"""
Read outlines from GeoJSON, Shapefile, GeoPackage and KML files, and from no other format that GDAL knows.

GDAL chooses its reader by the first bytes of a file, whatever its name is. Some readers open what the file points to,
on the machine or on the network, so the first bytes are checked before GDAL sees the file.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from nunatak.geometry.polygons import RegionError

_LOOK = 65536  # bytes at the beginning, more than any reader of GDAL checks
_MOST_UNPACKED = 200_000_000  # bytes in a zipped file
_POINTING = (
    b"<ogrvrtdatasource",
    b"<ogrwfsdatasource",
    b"<ogroapif",
    b"<ogrcswdatasource",
    b"gdal_streamed_alg",
    b"<!entity",
)
_BESIDE = (".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".xml", ".png", ".jpg", ".jpeg", ".txt")
_REMEDY = "give GeoJSON, Shapefile, GeoPackage or KML"


def read_file(
    path: str | Path,
    *,
    layer: str | Sequence[str] | None = None,
    attribute: Mapping[str, Any] | None = None,
    crs: Any = None,
) -> tuple[list[Any], Any]:
    """
    Read the polygons of a GeoJSON, Shapefile, GeoPackage or KML file, and its coordinate system.

    Parameters
    ----------
    path : file
    layer : name of a layer, or a list of layers to join. The folders of a KML file are layers. Default: the only layer
    attribute : mapping of an attribute's name to the value (or list of values) of the features to take. Default: all
        features
    crs : coordinate system, if the file states none or a wrong one. Default: the file's

    Raises
    ------
    RegionError : the file is missing, unreadable or without a polygon, or its layer or attribute does not exist
    """
    check_kind(path)
    names = [layer] if isinstance(layer, str) else list(layer or _layers(path))
    if not layer and len(names) > 1:
        names = [name for name in names if _read_layer(path, name, None)[0]] or names
        if len(names) > 1:
            raise RegionError(
                f"polygon: {path}: holds outlines in several layers: {', '.join(names)}; add layer: with one of them, "
                "or a list of those to join"
            )
    layers = [_read_layer(path, name, attribute) for name in names]
    kinds = sorted({kind for *_, held in layers for kind in held})
    layers = [(parts, system) for parts, system, _ in layers if parts]
    if not layers:
        held = ", ".join(kinds) or "nothing"
        raise RegionError(f"polygon: {path}: holds {held} and no polygon; give a file with an outline")
    systems = {str(crs or system) for _, system in layers}
    if len(systems) > 1:
        raise RegionError(f"polygon: {path}: its layers are in different coordinate systems; give one layer")
    system = crs or layers[0][1]
    if system is None:
        raise RegionError(f"polygon: {path}: states no coordinate system; add crs, such as EPSG:4326 or EPSG:3413")
    return [part for parts, _ in layers for part in parts], system


def check_kind(path: str | Path) -> None:
    """
    Refuse a file that has none of the formats, or that points to other files or addresses.

    Parameters
    ----------
    path : file

    Raises
    ------
    RegionError : names the file and the remedy
    """
    where = Path(path)
    if not where.is_file():
        raise RegionError(f"polygon: {path}: is not a readable file; {_REMEDY}")
    with open(where, "rb") as stream:
        start = stream.read(_LOOK)
    if start.startswith(b"PK"):
        _check_zipped(path)
    else:
        _check_start(path, start)


def _check_zipped(path):
    """Refuse a zipped file that is too large, or holds anything but outlines and the files that belong to them."""
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(member.file_size for member in packed.infolist()) > _MOST_UNPACKED:
                raise RegionError(
                    f"polygon: {path}: holds more than {_MOST_UNPACKED:.0e} bytes; unpack it and cut it down"
                )
            for member in packed.infolist():
                if not member.is_dir() and not member.filename.lower().endswith(_BESIDE):
                    with packed.open(member) as stream:
                        _check_start(f"{path}: {member.filename}", stream.read(_LOOK))
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise RegionError(f"polygon: {path}: cannot be read ({error}); {_REMEDY}") from error


def _check_start(path, start):
    """Refuse a file whose first bytes belong to none of the formats, or point to other files."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    is_outline = (
        start.startswith(b"SQLite format 3\0")
        or start.startswith(b"\0\0\x27\x0a")
        or text.startswith(b"{")
        or (text.startswith(b"<") and b"<kml" in text)
    )
    if not is_outline or any(word in text for word in _POINTING):
        shown = " ".join(start[:40].decode("ascii", "replace").split())
        raise RegionError(f"polygon: {path}: cannot be read (it begins {shown!r}); {_REMEDY}")


def _layers(path):
    """
    Return the names of the layers of a file.

    The answer is [None], for the only layer, if they cannot be listed. Reading the file then gives the reason.
    """
    import pyogrio
    import pyogrio.errors

    try:
        return [str(name) for name, _ in pyogrio.list_layers(path)] or [None]
    except (pyogrio.errors.DataSourceError, ValueError):
        return [None]


def _read_layer(path, layer, attribute):
    """Return polygons, coordinate system and kinds of geometry of a layer, for the features selected."""
    import pyogrio.errors
    import pyogrio.raw

    try:
        with warnings.catch_warnings():  # an open ring is refused below, with a remedy
            warnings.filterwarnings("ignore", message="Non closed ring", category=RuntimeWarning)
            meta, _, geometry, columns = pyogrio.raw.read(path, layer=layer, force_2d=True)
        shapes = shapely.from_wkb(geometry if geometry is not None else [])
    except shapely.errors.ShapelyError as error:
        reason = f"a ring is not closed ({error}); repeat its first corner at its end"
        raise RegionError(f"polygon: {path}: {reason}") from error
    except pyogrio.errors.DataLayerError as error:
        names = ", ".join(str(name) for name in _layers(path))
        raise RegionError(f"layer: {path} has no layer {layer!r}; it has {names}") from error
    except (pyogrio.errors.DataSourceError, ValueError) as error:
        reason = f"cannot be read ({str(error).split(';')[0].splitlines()[0]})"
        raise RegionError(f"polygon: {path}: {reason}; give GeoJSON, Shapefile, GeoPackage or KML") from error
    except (UnicodeDecodeError, TypeError) as error:
        raise RegionError(f"polygon: {path}: cannot be read ({error}); give another file or layer") from error
    if geometry is None:
        return [], None, {"attributes alone"}
    keep = np.ones(len(shapes), dtype=bool)
    for name, wanted in (attribute or {}).items():
        keep &= _matching(path, dict(zip(meta["fields"], columns, strict=True)), name, wanted)
    kinds = {shape.geom_type for shape in shapes[keep] if shape is not None}
    parts = [p for p in shapely.get_parts(shapes[keep]) if p is not None and p.geom_type == "Polygon"]
    return parts, meta["crs"], kinds


def _matching(path, columns, name, wanted):
    """Return which features have one of the values of an attribute."""
    if name not in columns:
        near = get_close_matches(name, columns, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(columns) or 'none'}"
        raise RegionError(f"attribute: {path} has no attribute {name!r}; {hint}")
    values = [str(value) for value in (wanted if isinstance(wanted, (list, tuple)) else [wanted])]
    matches = np.isin(np.array([str(value) for value in columns[name]]), values)
    if not matches.any():
        some = ", ".join(sorted({str(value) for value in columns[name]})[:5])
        raise RegionError(f"attribute: {path} has no feature with {name} {', '.join(values)}; it has {some}")
    return matches
