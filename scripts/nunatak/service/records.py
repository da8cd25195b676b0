"""
Write the records that SlideRule's Python client reads.

A record is eight bytes of header (big-endian: version 2, length of the type's name with its final zero, length of the
data), the name, and the data. The client requests a definition of the data, which gives type, offset and number of
every field. Source: the parser of the client itself (`sliderule/session.py`, release 5.7, BSD 3-clause).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.times import utc_to_gps

if TYPE_CHECKING:
    import pandas as pd

VERSION = 2
_NAMES = {
    "i4": "INT32",
    "u1": "UINT8",
    "u2": "UINT16",
    "u4": "UINT32",
    "u8": "UINT64",
    "f4": "FLOAT",
    "f8": "DOUBLE",
    "i8": "TIME8",
    "i1": "INT8",
}
TEXT = 256  # bytes of a text field

# A fixed record's fields: name to NumPy type ("i8" is a time, ns since 1970; "S" a text)
HEIGHT = {
    "extent_id": "u8",
    "segment_id": "u4",
    "n_fit_photons": "i4",
    "pflags": "u2",
    "rgt": "u2",
    "cycle": "u2",
    "region": "u1",
    "spot": "u1",
    "gt": "u1",
    "x_atc": "f8",
    "y_atc": "f8",
    "time": "i8",
    "latitude": "f8",
    "longitude": "f8",
    "h_mean": "f8",
    "dh_fit_dx": "f8",
    "dh_fit_dy": "f8",
    "w_surface_window_final": "f8",
    "rms_misfit": "f8",
    "h_sigma": "f8",
}
EXTENT = {
    "extent_id": "u8",
    "segment_id": "u4",
    "segment_dist": "f8",
    "background_rate": "f8",
    "solar_elevation": "f4",
    "rgt": "u2",
    "cycle": "u2",
    "region": "u1",
    "track": "u1",
    "pair": "u1",
    "sc_orient": "u1",
    "gt": "u1",
}
PHOTON = {
    "time": "i8",
    "latitude": "f8",
    "longitude": "f8",
    "x_atc": "f8",
    "y_atc": "f4",
    "height": "f4",
    "atl08_class": "u1",
    "atl03_cnf": "i1",
    "quality_ph": "i1",
    "yapc_score": "u2",
}
INDEX = {
    "name": "S",
    "t0": "f8",
    "t1": "f8",
    "lat0": "f8",
    "lon0": "f8",
    "lat1": "f8",
    "lon1": "f8",
    "cycle": "u4",
    "rgt": "u4",
}
_FIXED = {
    "atl03rec.photons": PHOTON,
    "atl03rec.index": INDEX,
    "exceptrec": {"code": "i4", "level": "i4", "text": "S"},
}
# a record that ends in an array of other records: its own fields, name and type of the array
_NESTED = {"atl06rec": ({}, "elevation", "atl06rec.elevation"), "atl03rec": (EXTENT, "photons", "atl03rec.photons")}


def definition(rectype: str) -> dict[str, Any] | None:
    """
    Return the definition of a record type for the client, or None for an unknown type.

    Ancillary fields are part of the name, after a colon: `atl06rec:solar_elevation` holds elevations with one field
    more.

    Parameters
    ----------
    rectype : name of the record type

    >>> definition("atl06rec")["elevation"]["type"]
    'atl06rec.elevation'
    """
    base, _, extra = rectype.partition(":")
    further = {name: "f8" for name in extra.split(",") if name}
    if base == "atl06rec.elevation":
        return _fields({**HEIGHT, **further})
    if base in _FIXED:
        return _fields(_FIXED[base])
    if base in _NESTED:
        own, name, inner = _NESTED[base]
        fields = _fields(own)
        kind = f"{inner}:{extra}" if extra else inner
        fields[name] = {"type": kind, "offset": 8 * fields["__datasize"], "elements": 0, "flags": ["LE"]}
        return fields
    return None


def _fields(kinds):
    """Return the definition of a record's fields."""
    fields, offset = {}, 0
    for name, kind in kinds.items():
        size = TEXT if kind == "S" else int(kind[1])
        elements = TEXT if kind == "S" else 1
        fields[name] = {
            "type": "STRING" if kind == "S" else _NAMES[kind],
            "offset": 8 * offset,
            "elements": elements,
            "flags": ["LE"],
        }
        offset += size
    return {**fields, "__datasize": offset}


def record(rectype: str, data: bytes) -> bytes:
    """
    Return one record as bytes.

    Parameters
    ----------
    rectype : name of the record type
    data : data of the record
    """
    name = rectype.encode("ascii") + b"\0"
    return struct.pack(">hhi", VERSION, len(name), len(data)) + name + data


def packed(kinds: Mapping[str, str], columns: Mapping[str, Any], rows: Any = slice(None)) -> np.ndarray:
    """
    Pack rows of a table as little-endian structures without gaps.

    Parameters
    ----------
    kinds : mapping of field to NumPy type, such as `HEIGHT`
    columns : mapping of field to values
    rows : rows to pack. Default: all
    """
    fields = [(name, f"S{TEXT}" if kind == "S" else f"<{kind}") for name, kind in kinds.items()]
    n = len(np.asarray(columns[next(iter(kinds))])[rows])
    out = np.zeros(n, dtype=fields)
    for name in kinds:
        out[name] = np.asarray(columns[name])[rows]
    return out


def heights(table: Any, *, batch: int = 256) -> Iterator[bytes]:
    """
    Yield the records of a table of heights.

    Parameters
    ----------
    table : as `photons.fit_heights` returns it, with standard columns. Further float columns are included
    batch : rows in a record. Default: 256
    """
    columns_there = {*HEIGHT, "beam", "segment_id_beg", "photon_start"}
    further = [name for name in table if name not in columns_there]
    kinds = {**HEIGHT, **dict.fromkeys(further, "f8")}
    columns = {**{name: table[name].to_numpy() for name in kinds}, "time": _nanoseconds(table["time"])}
    rows = packed(kinds, columns)
    rectype = "atl06rec" + (":" + ",".join(further) if further else "")
    for first in range(0, len(rows), batch):
        yield record(rectype, rows[first : first + batch].tobytes())


def extents(table: pd.DataFrame) -> Iterator[bytes]:
    """
    Yield the records of a table of extents' photons, one for each extent.

    Parameters
    ----------
    table : as `photons.extents` returns it, with standard columns
    """
    if table.empty:
        return
    columns = {name: table[name].to_numpy() for name in {*EXTENT, *PHOTON, "spot"} - {"pair", "sc_orient", "time"}}
    place = columns["gt"] // 10  # 1 .. 6
    orient = np.select([columns["spot"] == place, columns["spot"] == 7 - place], [0, 1], 2)
    columns |= {"time": _nanoseconds(table["time"]), "sc_orient": orient, "pair": (place + 1) % 2}
    key = columns["extent_id"]
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    heads, rows = packed(EXTENT, columns, first), packed(PHOTON, columns)
    for head, begin, end in zip(heads, first, np.r_[first[1:], len(key)], strict=True):
        yield record("atl03rec", head.tobytes() + rows[begin:end].tobytes())


def index(table: pd.DataFrame) -> Iterator[bytes]:
    """
    Yield the index records of ATL03 granules, one for each granule.

    t0 and t1 are GPS seconds. The first point is that of the rightmost beam present, the last that of the leftmost.

    Parameters
    ----------
    table : as `products.atl03_index.index` returns it
    """
    for name, rows in table.groupby("file_name", sort=True):
        rows = rows.sort_values("beam")
        begin = _points(rows["geometry"].iloc[-1])[0]
        end = _points(rows["geometry"].iloc[0])[-1]
        values = {
            "name": str(name).encode(),
            "t0": utc_to_gps(rows["time_start"].min()),
            "t1": utc_to_gps(rows["time_end"].max()),
            "lat0": begin[1],
            "lon0": begin[0],
            "lat1": end[1],
            "lon1": end[0],
            "cycle": int(rows["cycle"].iloc[0]),
            "rgt": int(rows["rgt"].iloc[0]),
        }
        yield record("atl03rec.index", packed(INDEX, {k: [v] for k, v in values.items()}).tobytes())


def alert(code: int, text: str) -> bytes:
    """
    Return a record that reports an error.

    Parameters
    ----------
    code : one of the client's `EXCEPTION_CODES`
    text : reason
    """
    values = {"code": [code], "level": [3 if code < 0 else 1], "text": [text.encode("ascii", "replace")[: TEXT - 1]]}
    return record("exceptrec", packed(_FIXED["exceptrec"], values).tobytes())


def _nanoseconds(time):
    """Return times as int64 nanoseconds since 1970."""
    return time.to_numpy("datetime64[ns]").astype("i8")


def _points(geometry):
    """Return the coordinates of a track line, whose parts follow each other."""
    parts = getattr(geometry, "geoms", [geometry])
    return [point for part in parts for point in part.coords]
