"""
Write and read tables: Parquet and GeoParquet 1.1 with the unit of each column, and CSV.

Equal content is written as equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nunatak.runtime import NunatakError, written

_GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Point"], "crs": None}},
}

RELEASES = ("release", "reference_frame", "permanent_tide")
"""Attributes of a table of heights that state its releases, in which several chunks may differ"""


def write_table(
    table: pd.DataFrame,
    path: str | Path,
    *,
    attributes: Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
    points: bool = False,
) -> None:
    """
    Write a DataFrame as Parquet.

    Parameters
    ----------
    table : DataFrame, written without its index
    path : file to write
    attributes : mapping of text, such as `runtime.stamp` returns, kept in the file's metadata. Default: none
    units : mapping of column to unit. Default: `table.attrs["units"]`
    points : whether to add a WGS84 point geometry from `longitude` and `latitude` (GeoParquet 1.1), and a column `epsg`
        of `x` and `y` if the attribute `crs` is an EPSG code. Default: False
    """
    units = table.attrs.get("units", {}) if units is None else units
    if points:
        table = with_epsg(table, attributes)
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    metadata = {"nunatak": json.dumps(dict(attributes or {}), sort_keys=True)}
    if points:
        arrow = arrow.append_column("geometry", point_geometry(table["longitude"], table["latitude"]))
        metadata["geo"] = geo_metadata(bounds(table["longitude"], table["latitude"]))
    fields = [
        f.with_metadata({"units": units[f.name]}) if f.name in units else f.remove_metadata() for f in arrow.schema
    ]
    pandas_metadata = (arrow.schema.metadata or {}).get(b"pandas")
    if pandas_metadata:
        metadata["pandas"] = pandas_metadata.decode()
    arrow = arrow.cast(pa.schema(fields)).replace_schema_metadata(metadata)
    with written(path) as part:
        pq.write_table(arrow, part, compression="zstd", row_group_size=1 << 20)


def with_epsg(table: pd.DataFrame, attributes: Mapping[str, Any] | None) -> pd.DataFrame:
    """
    Add a column `epsg` of x and y, the number in the attribute `crs` (EPSG:3031).

    Parameters
    ----------
    table : DataFrame. Without x and y, or with `epsg`, it is returned unchanged
    attributes : mapping that may hold `crs`
    """
    kind, _, number = str((attributes or {}).get("crs", "")).partition(":")
    if kind.upper() != "EPSG" or not number.isdecimal() or "epsg" in table or not {"x", "y"} <= set(table):
        return table
    out = table.assign(epsg=np.int32(number))
    out.attrs = table.attrs
    return out


def write_csv(
    table: pd.DataFrame,
    path: str | Path,
    *,
    attributes: Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
) -> None:
    """
    Write a DataFrame as CSV with its attributes and units in the first lines.

    These lines begin with #, and `read_csv` skips them.

    Parameters
    ----------
    table : DataFrame, written without its index
    path : file to write
    attributes : mapping of text. Default: none
    units : mapping of column to unit. Default: `table.attrs["units"]`
    """
    units = table.attrs.get("units", {}) if units is None else units
    head = [f"# {name}: {value}" for name, value in sorted((attributes or {}).items())]
    head += ["# units: " + ", ".join(f"{name} [{unit}]" for name, unit in units.items() if name in table)]
    with written(path) as part:
        part.write_text("\n".join(head) + "\n" + table.to_csv(index=False), "utf-8")


def read_csv(path: str | Path, **options: Any) -> pd.DataFrame:
    """
    Read a table that `write_csv` wrote, with `attrs["attributes"]` and `attrs["units"]`.

    Parameters
    ----------
    path : file
    options : options of `pandas.read_csv`
    """
    table = pd.read_csv(path, comment="#", **options)
    attributes, units = {}, {}
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            if not line.startswith("# "):
                break
            name, _, value = line[2:].rstrip("\n").partition(": ")
            attributes[name] = value
    for unit in attributes.pop("units", "").split(", "):
        name, has_unit, rest = unit.partition(" [")
        if has_unit:
            units[name] = rest.rstrip("]")
    table.attrs["attributes"], table.attrs["units"] = attributes, units
    return table


def read_table(
    path: Any, columns: Sequence[str] | None = None, filters: Any = None, *, most: int | None = None
) -> pd.DataFrame:
    """
    Read a Parquet file, or several as one table in the given order, without their geometry column.

    `attrs["units"]` and `attrs["attributes"]` hold the arguments of `write_table`.

    Parameters
    ----------
    path : file, or a list of files
    columns : columns to read. Default: all
    filters : filters of `pyarrow.parquet.read_table`. Default: none
    most : approximate number of rows after which reading stops, in each file. Default: all rows are read
    """
    paths = [path] if isinstance(path, (str, bytes)) or hasattr(path, "__fspath__") else list(path)
    parts = [_read_one(p, columns, filters, most) for p in paths]
    if len(parts) == 1:
        return parts[0]
    full = [p for p in parts if len(p)] or parts[:1]
    table = pd.concat(full, ignore_index=True)
    attributes = [part.attrs["attributes"] for part in parts]
    table.attrs = {**parts[0].attrs, "attributes": {**attributes[0], **joined_releases(attributes)}}
    return table


def row_count(path: str | Path) -> int:
    """
    Return the number of rows of a Parquet file, from its metadata.

    Parameters
    ----------
    path : file
    """
    return pq.read_metadata(path).num_rows


def joined_releases(attributes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """
    Join the releases of several tables: each value once, sorted, with commas.

    Parameters
    ----------
    attributes : attributes of the tables
    """
    tables, out = list(attributes), {}
    for name in RELEASES:
        values = {value for table in tables for value in str(table.get(name, "")).split(", ") if value}
        if values:
            out[name] = ", ".join(sorted(values))
    return out


def _read_one(path, columns, filters, most=None):
    """Read one Parquet file with units and attributes."""
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        message = f"{path}: not a readable Parquet file ({error}); remove it and run the study again"
        raise NunatakError(message) from error
    metadata = schema.metadata or {}
    # The footprints of a granule table are text and are kept. The points of GeoParquet repeat longitude and latitude.
    names = [n for n in (columns or schema.names) if n != "geometry" or b"geo" not in metadata]
    if most is None or row_count(path) <= most:
        table = pq.read_table(path, columns=names, filters=filters).to_pandas()
    else:
        with pq.ParquetFile(path) as file:
            size = max(file.metadata.row_group(0).num_rows, 1)
            groups = list(range(min(max(most // size, 1), file.num_row_groups)))
            table = file.read_row_groups(groups, columns=names).to_pandas()
    table.attrs["attributes"] = json.loads(metadata.get(b"nunatak", b"{}"))
    table.attrs["units"] = {
        f.name: f.metadata[b"units"].decode() for f in schema if f.metadata and b"units" in f.metadata
    }
    return table


def point_geometry(lon: Any, lat: Any) -> pa.Array:
    """
    Return an Arrow array of little-endian WKB points of 21 bytes each.

    Parameters
    ----------
    lon, lat : (n,) degrees
    """
    record = np.dtype([("order", "u1"), ("kind", "<u4"), ("lon", "<f8"), ("lat", "<f8")])
    points = np.empty(len(lon), dtype=record)
    points["order"], points["kind"] = 1, 1
    points["lon"], points["lat"] = lon, lat
    raw = points.tobytes()
    return pa.array([raw[i : i + 21] for i in range(0, len(raw), 21)], pa.binary())


def bounds(lon: Any, lat: Any) -> list[float] | None:
    """
    Return [west, south, east, north] of points, or None without points.

    Parameters
    ----------
    lon, lat : (n,) degrees
    """
    return [float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())] if len(lon) else None


def geo_metadata(box: Sequence[float] | None = None) -> str:
    """
    Return the value of the key `geo` of a GeoParquet file of points.

    Parameters
    ----------
    box : bounds of the points. Default: unknown
    """
    geo = json.loads(json.dumps(_GEO))
    column = geo["columns"]["geometry"]
    del column["crs"]  # absent means OGC:CRS84 (GeoParquet 1.1, section "crs")
    if box is not None:
        column["bbox"] = box
    return json.dumps(geo)
