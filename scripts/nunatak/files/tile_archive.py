"""Write map tiles as one PMTiles file, which a server of plain files gives out by range."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nunatak.runtime import written


def write_archive(
    path: str | Path,
    tiles: Iterable[tuple[int, int, int, bytes]],
    about: Mapping[str, Any],
    bounds: Sequence[float],
    offset: int = 0,
) -> None:
    """
    Write PNG tiles as PMTiles 3.

    Parameters
    ----------
    path : file to write
    tiles : (zoom, column, row, PNG)
    about : metadata, written as JSON
    bounds : west, south, east, north in degrees
    offset : added to each zoom, for sets that begin with more than one tile. Default: 0
    """
    from pmtiles.tile import Compression, TileType, zxy_to_tileid
    from pmtiles.writer import Writer

    ordered = sorted((zxy_to_tileid(zoom + offset, column, row), content) for zoom, column, row, content in tiles)
    west, south, east, north = (round(value * 1e7) for value in bounds)
    with written(path) as part, open(part, "wb") as file:
        writer = Writer(file)
        for number, content in ordered:
            writer.write_tile(number, content)
        header = {
            "tile_type": TileType.PNG,
            "tile_compression": Compression.NONE,
            "min_lon_e7": west,
            "min_lat_e7": south,
            "max_lon_e7": east,
            "max_lat_e7": north,
            "center_zoom": offset,
            "center_lon_e7": (west + east) // 2,
            "center_lat_e7": (south + north) // 2,
        }
        writer.finalize(header, json.loads(json.dumps(dict(about))))
