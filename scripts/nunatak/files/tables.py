"""Tables on disk: Parquet and GeoParquet 1.1, units with each column, equal content as equal bytes."""

from __future__ import annotations

import json

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
"""Attributes of a table of heights that say of which releases they are; several chunks may differ in them"""


def write_table(table, path, *, attributes=None, units=None, points=False):
    """
    Write a DataFrame as Parquet.

    Parameters
    ----------
    table : DataFrame; its index is not kept
    attributes : mapping of text, such as `runtime.stamp` returns; kept in the file's metadata
    units : mapping of column to unit; `table.attrs["units"]` where not given
    points : add a WGS84 point geometry from the columns `longitude` and `latitude` (GeoParquet 1.1), and a column
        `epsg` of `x` and `y` where the attribute `crs` tells it
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


def with_epsg(table, attributes):
    """Return the table with a column `epsg` of its x and y, the number in the attribute `crs` (EPSG:3031)."""
    kind, _, number = str((attributes or {}).get("crs", "")).partition(":")
    if kind.upper() != "EPSG" or not number.isdecimal() or "epsg" in table or not {"x", "y"} <= set(table):
        return table
    out = table.assign(epsg=np.int32(number))
    out.attrs = table.attrs
    return out


def write_csv(table, path, *, attributes=None, units=None):
    """
    Write a DataFrame as CSV that says of itself what it holds.

    The first lines begin with # and name the attributes and the unit of each column; `read_csv` skips them.
    """
    units = table.attrs.get("units", {}) if units is None else units
    head = [f"# {name}: {value}" for name, value in sorted((attributes or {}).items())]
    head += ["# units: " + ", ".join(f"{name} [{unit}]" for name, unit in units.items() if name in table)]
    with written(path) as part:
        part.write_text("\n".join(head) + "\n" + table.to_csv(index=False), "utf-8")


def read_csv(path, **options):
    """A table that `write_csv` wrote; its attributes in `attrs["attributes"]`, its units in `attrs["units"]`."""
    table = pd.read_csv(path, comment="#", **options)
    attributes, units = {}, {}
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            if not line.startswith("# "):
                break
            name, _, value = line[2:].rstrip("\n").partition(": ")
            attributes[name] = value
    for unit in attributes.pop("units", "").split(", "):
        name, found, rest = unit.partition(" [")
        if found:
            units[name] = rest.rstrip("]")
    table.attrs["attributes"], table.attrs["units"] = attributes, units
    return table


def read_table(path, columns=None, filters=None, *, most=None):
    """
    Read a Parquet file, or several as one table in the order given, without their geometry column.

    `most` reads of each file its first groups of rows alone, up to about so many rows.

    `attrs["units"]` and `attrs["attributes"]` hold what `write_table` was given.
    """
    paths = [path] if isinstance(path, (str, bytes)) or hasattr(path, "__fspath__") else list(path)
    parts = [_read_one(p, columns, filters, most) for p in paths]
    if len(parts) == 1:
        return parts[0]
    full = [p for p in parts if len(p)] or parts[:1]
    table = pd.concat(full, ignore_index=True)
    said = [part.attrs["attributes"] for part in parts]
    table.attrs = {**parts[0].attrs, "attributes": {**said[0], **joined_releases(said)}}
    return table


def row_count(path):
    """Return how many rows a Parquet file has, without reading them."""
    return pq.read_metadata(path).num_rows


def joined_releases(attributes):
    """Return what several tables say of the releases behind them as one: each value once, sorted, with commas."""
    tables, out = list(attributes), {}
    for name in RELEASES:
        values = {value for table in tables for value in str(table.get(name, "")).split(", ") if value}
        if values:
            out[name] = ", ".join(sorted(values))
    return out


def _read_one(path, columns, filters, most=None):
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        message = f"{path}: not a readable Parquet file ({error}); remove it and run the study again"
        raise NunatakError(message) from error
    metadata = schema.metadata or {}
    # a granule table's footprints are text and stay; the points of GeoParquet repeat longitude and latitude
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


def point_geometry(lon, lat):
    """Arrow array of little-endian WKB points, 21 bytes each, made in one piece."""
    record = np.dtype([("order", "u1"), ("kind", "<u4"), ("lon", "<f8"), ("lat", "<f8")])
    points = np.empty(len(lon), dtype=record)
    points["order"], points["kind"] = 1, 1
    points["lon"], points["lat"] = lon, lat
    raw = points.tobytes()
    return pa.array([raw[i : i + 21] for i in range(0, len(raw), 21)], pa.binary())


def bounds(lon, lat):
    """[west, south, east, north] of points, None without one."""
    return [float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())] if len(lon) else None


def geo_metadata(box=None):
    """The value of the key `geo` of a GeoParquet file of points, with their bounds where they are known."""
    geo = json.loads(json.dumps(_GEO))
    column = geo["columns"]["geometry"]
    del column["crs"]  # absent means OGC:CRS84 (GeoParquet 1.1, section "crs")
    if box is not None:
        column["bbox"] = box
    return json.dumps(geo)
