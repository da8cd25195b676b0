"""What the stand-in's archive holds: recorded granules, and granules made at test time."""

from __future__ import annotations

import json

import pandas as pd
import shapely
from tests.standin.services import Record


def recorded(catalogue) -> list[Record]:
    """The recorded catalogue (JSON lines) as records; their files cannot be fetched."""
    rows = [json.loads(line) for line in catalogue.read_text().splitlines()]
    return [_recorded(row) for row in rows]


def _recorded(row):
    name = row["href"].rsplit("/", 1)[1]
    rings = row["geometry"]["coordinates"]
    rings = [ring for part in rings for ring in part] if row["geometry"]["type"] == "MultiPolygon" else rings
    return Record(name, "ATL03", "007", row["start"], row["end"], footprints=rings, suffix=row["id"].removeprefix(name))


def of_files(table, folder, *, checksum=None) -> list[Record]:
    """Files of a granule table as records: their footprints, times, sizes; with a checksum where one is named."""
    from nunatak.granules import parse

    records = []
    for row in table.itertuples(index=False):
        named, path = parse(row.file_name), folder / row.file_name
        parts = shapely.get_parts(shapely.from_wkt(row.geometry)) if pd.notna(row.geometry) else []
        records.append(
            Record(
                row.file_name,
                _collection(named),
                named.version,
                _text(row.time_start, "2019-01-01"),
                _text(row.time_end, "2024-01-01"),
                footprints=[shapely.get_coordinates(shapely.get_exterior_ring(part)).tolist() for part in parts],
                size=path.stat().st_size,
                checksum=checksum(path) if checksum else None,
                path=path,
            )
        )
    return records


def _collection(named):
    """The short name of the collection that a file is in."""
    from nunatak.granules.products import product_row

    own = product_row(named.product).collections
    if own:
        return own[("greenland", "antarctica").index(named.region_code)]
    return named.product.upper() + "QL" * named.quick_look


def _text(time, otherwise):
    return f"{pd.Timestamp(time if pd.notna(time) else otherwise).isoformat()}Z"
