"""
Write tables piece by piece, for results larger than memory.

A stream is called like the callback of a request, `stream(resource, result, result_cnt, total_resources)`, and can be
passed as one. The file gets its name only when the `with` block ends without an error.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nunatak.files.tables import geo_metadata, point_geometry, with_epsg
from nunatak.runtime import NunatakError, written


class ParquetStream:
    """
    A Parquet file, with at least one row group for each table, units in the columns' metadata and a granule column.

    Parameters
    ----------
    path : file to write
    attributes : mapping of text, such as `runtime.stamp` returns, kept in the file's metadata. Default: none
    points : whether to add a WGS84 point geometry (GeoParquet 1.1). Default: False
    """

    def __init__(self, path, *, attributes=None, points=False):
        self.path = path
        self._attributes = attributes
        self._points = points
        self.rows = 0
        self._stack = ExitStack()
        self._file: Any = None
        self._names: list[str] = []

    def __enter__(self):
        self._part = self._stack.enter_context(written(self.path))
        return self

    def __exit__(self, kind, error, trace):
        if self._file is not None:
            self._file.close()
        elif kind is None:
            error = NunatakError(f"{self.path}: nothing was written; the request gave no table")
            self._stack.__exit__(NunatakError, error, None)
            raise error
        return self._stack.__exit__(kind, error, trace)

    def __call__(self, resource, result, result_cnt, total_resources):
        """
        Append a table with the columns of the first one, and with the `epsg` of its x and y if points are written.
        """
        result = with_epsg(result, self._attributes) if self._points else result
        table = result.assign(granule_id=str(resource).rsplit(".", 1)[0])
        if not self._names:
            self._names = list(table.columns)
            self._open(table, result.attrs.get("units", {}))
        elif list(table.columns) != self._names:
            raise NunatakError(f"{self.path}: {resource} has other columns than the tables before it; write it apart")
        self._append(table)
        self.rows += len(table)

    def _open(self, table, units):
        """Open the file with the schema of the first table."""
        schema = pa.Table.from_pandas(_plain(table), preserve_index=False).schema
        fields = [f.with_metadata({"units": units[f.name]}) if f.name in units else f for f in schema]
        self._schema = pa.schema(fields, metadata={"pandas": schema.metadata[b"pandas"]})
        whole = self._schema.append(pa.field("geometry", pa.binary())) if self._points else self._schema
        about = {} if self._attributes is None else {"nunatak": json.dumps(dict(self._attributes), sort_keys=True)}
        if self._points:
            about["geo"] = geo_metadata()
        self._file = pq.ParquetWriter(self._part, whole.with_metadata({**whole.metadata, **about}), compression="zstd")

    def _append(self, table):
        """Write one table as row groups."""
        arrow = pa.Table.from_pandas(_plain(table), schema=self._schema, preserve_index=False)
        if self._points:
            lon, lat = ("longitude", "latitude") if "longitude" in table else ("lon", "lat")
            arrow = arrow.append_column("geometry", point_geometry(table[lon], table[lat]))
        self._file.write_table(arrow)


def _plain(table):
    """Convert categories to text, as their codes differ between tables, and keep text columns as text without rows."""
    texts = [n for n in table if isinstance(table[n].dtype, pd.CategoricalDtype) or table[n].dtype == object]
    return table.astype(dict.fromkeys(texts, "string"))
