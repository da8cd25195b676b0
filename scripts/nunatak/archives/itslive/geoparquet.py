"""
Search ITS_LIVE's catalogue of image pairs as partitioned geoparquet on public storage.

The store is a tree of files, one folder for each tile of the globe and year. Its listing names the files. The year in a
file's address and the statistics of its row groups exclude most of it, and only then are the columns read that a
granule table needs. A pair is in every tile that it touches, so it can occur several times.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from nunatak.archives import ServiceFailed
from nunatak.archives.itslive.image_pairs import PAIRS, epsg_of, public, wanted
from nunatak.archives.local import footprint
from nunatak.archives.nasa.catalogue import boxes
from nunatak.archives.nasa.records import base_name
from nunatak.archives.transfer.transport import failed, patient
from nunatak.files import remote
from nunatak.granules import GranuleNameError, parse
from nunatak.runtime import log, progress

_TAIL = 1 << 16  # bytes at a file's end, which usually hold its tables
_YEAR = re.compile(r"/year=(\d{4})/")
_BOX = ("bbox.xmin", "bbox.ymin", "bbox.xmax", "bbox.ymax")
_KEPT = ("id", "geometry", "assets.data.href", "proj:code")
_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class ParquetCatalogue:
    """
    The catalogue whose files lie below an address.

    Parameters
    ----------
    address : a folder of storage that lists itself as Amazon's does
    connections : files read at a time. Default: 8
    """

    def __init__(self, address, connections=8):
        self.address = address.rstrip("/")
        self.connections = connections

    def pairs(self, region: Any, period: Any, filters: Any) -> tuple[list[dict], list[str]]:
        """
        Return rows of pairs and notes, as `image_pairs.StacCatalogue.pairs`.

        Parameters
        ----------
        region, period : Region and Period of a study, or None
        filters : Filters
        """
        files = [name for name in self.files() if _of_years(name, period)]
        areas = [box for box in boxes(region) if box is not None]
        rows: dict[str, dict] = {}
        notes: list[str] = []
        with ThreadPoolExecutor(self.connections) as pool:
            looking = pool.map(lambda name: self._rows(name, areas, filters), files)
            for found, odd in progress(looking, label="looking into the catalogue", total=len(files)):
                rows |= found
                notes += odd
        log.info("%s: %d pairs in %d files", self.address, len(rows), len(files))
        return [rows[name] for name in sorted(rows)], sorted(set(notes))

    def files(self) -> list[str]:
        """
        Return the addresses of all files of the store, from all pages of its listing.

        Raises
        ------
        ServiceFailed : the listing could not be read, or holds no file
        """
        import requests

        parts = urlsplit(self.address)
        root, prefix = f"{parts.scheme}://{parts.netloc}/", parts.path.lstrip("/") + "/"
        keys: list[str] = []
        token = None
        try:
            with patient(remote.public_session()) as asking:
                while True:
                    asked = {"list-type": "2", "prefix": prefix} | ({"continuation-token": token} if token else {})
                    answer = asking.get(root, params=asked)
                    answer.raise_for_status()
                    page = xml.fromstring(answer.content)
                    if page.tag != f"{_NAMESPACE}ListBucketResult":
                        raise ValueError(f"no listing but {page.tag!r}, a web page or a message")
                    keys += [key.text or "" for key in page.iter(f"{_NAMESPACE}Key")]
                    token = page.findtext(f"{_NAMESPACE}NextContinuationToken")
                    if not token:
                        break
        except (requests.exceptions.RequestException, xml.ParseError, ValueError) as error:
            raise failed(self.address, error) from None
        names = sorted(root + quote(key, safe="/=") for key in keys if key.endswith(".parquet"))
        if not names:
            raise ServiceFailed(
                f"{self.address}: lists no catalogue file; the store has moved: set endpoints.itslive_parquet, or "
                "write catalogue: stac"
            )
        return names

    def _rows(self, name, areas, filters) -> tuple[dict, list[str]]:
        """Return the rows of one file by the pair's id, and notes."""
        try:
            with remote.open_address(remote.Address(name), tail=_TAIL) as stream:
                table = _read(pq.ParquetFile(stream), areas)
        except (OSError, pa.ArrowException, KeyError) as error:
            reason = str(error).removeprefix(f"{name}: ")
            raise ServiceFailed(f"{name}: {reason}; run again, or write catalogue: stac") from None
        rows, notes = {}, []
        for pair, shape, link, projection in zip(*(table[column] for column in _KEPT), strict=True):
            try:
                row = _row(pair, shape, link, projection)
                if wanted(parse(row["file_name"]), filters):
                    rows[pair] = row
            except GranuleNameError as error:
                notes.append(f"{pair}: left out: {error}")
        return rows, notes


def _of_years(name, period) -> bool:
    """Return whether a file's year is in the period or next to it, as a pair can cross the turn of a year."""
    match = _YEAR.search(name)
    if period is None or match is None:
        return True
    first, last = (int(str(instant)[:4]) for instant in (period.start, period.end))
    return first - 1 <= int(match[1]) <= last + 1


def _read(file, areas) -> dict:
    """Return the kept columns of the rows whose boxes touch the areas."""
    groups = [i for i in range(file.metadata.num_row_groups) if _can_touch(file.metadata.row_group(i), areas)]
    kept: dict[str, list] = {column: [] for column in _KEPT}
    for group in groups:
        rows = np.arange(file.metadata.row_group(group).num_rows)
        if areas:
            west, south, east, north = (
                _flat(file.read_row_group(group, columns=list(_BOX)), column).to_numpy(zero_copy_only=False)
                for column in _BOX
            )
            rows = np.flatnonzero(np.logical_or.reduce([_touch(west, south, east, north, area) for area in areas]))
        if rows.size:
            table = file.read_row_group(group, columns=list(_KEPT)).take(rows)
            for column in _KEPT:
                told = column.partition(".")[0] in table.column_names
                kept[column] += _flat(table, column).to_pylist() if told else [None] * len(rows)
    return kept


def _can_touch(group, areas) -> bool:
    """Return whether the statistics of a row group allow a row that touches one of the areas."""
    statistics = {group.column(i).path_in_schema: group.column(i).statistics for i in range(group.num_columns)}
    stated = [one for one in map(statistics.get, _BOX) if one is not None and one.has_min_max]
    if not areas or len(stated) < len(_BOX):
        return True
    west, south, east, north = stated
    if west.max > 90 and east.min < -90:  # some boxes may cross the antimeridian
        return any(south.min <= area[3] and north.max >= area[1] for area in areas)
    return any(_touch(west.min, south.min, east.max, north.max, area) for area in areas)


def _touch(west, south, east, north, area):
    """Return whether boxes touch an area, where a box with west > east crosses the antimeridian."""
    over = west > east
    beside = (west <= area[2]) & (east >= area[0])
    around = (west <= area[2]) | (east >= area[0])
    return ((beside & ~over) | (around & over)) & (south <= area[3]) & (north >= area[1])


def _flat(table, column):
    """Return a column by its path, such as assets.data.href."""
    first, *inner = column.split(".")
    values = table.column(first).combine_chunks()
    for name in inner:
        values = values.field(name)
    return values


def _row(pair, shape, link, projection) -> dict:
    """Return the row of a pair in a granule table."""
    named = parse(base_name(public(link)))
    return {
        "granule_id": named.granule_id,
        "file_name": named.name,
        "url": public(link),
        "source": "earthdata",
        "geometry": footprint.to_text(shapely.from_wkb(shape)) if shape else None,
        "time_start": named.acquisition_date_img1,
        "time_end": named.acquisition_date_img2,
        "epsg": epsg_of(projection),
        "collection_id": PAIRS,
        "concept_id": pair,
    }
