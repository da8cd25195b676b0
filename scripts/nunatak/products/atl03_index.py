"""
An index of ATL03 granules: where each beam ran and when, without opening the granule again.

The reference's indexer keeps two points of a granule; here every beam has its track line and true bounds.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from nunatak.products import GranuleError, atl03
from nunatak.products.guarded import guarded
from nunatak.runtime import NunatakError, written
from nunatak.times import delta_time_to_utc

_EVERY = 50  # segments between the points of a track line: 1 km
COLUMNS = (
    "granule_id",
    "file_name",
    "beam",
    "spot",
    "rgt",
    "cycle",
    "region_number",
    "release",
    "time_start",
    "time_end",
    "n_segments",
    "n_photons",
    "west",
    "south",
    "east",
    "north",
    "geometry",
)


def index(paths: list[Path]) -> tuple[pd.DataFrame, list[tuple[Path, str]]]:
    """
    Index granules with one row for each beam of each granule.

    Parameters
    ----------
    paths : paths of ATL03 granules

    Returns
    -------
    table : DataFrame with the columns of `COLUMNS`, sorted by file name and beam: times UTC of the first and last
        segment with photons; bounds in degrees of all of them, west > east where the track crosses the antimeridian;
        `geometry` a (multi) line in longitude and latitude, a point each kilometre, cut at the antimeridian
    failed : list of (path, reason) of files that could not be read
    """
    rows, failed = [], []
    for path in paths:
        try:
            with guarded(path):
                granule = atl03.read_granule(path)
                rows += [row for beam in granule.beams if (row := _row(granule, beam)) is not None]
        except GranuleError as error:
            failed.append((path, str(error)))
    table = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values(["file_name", "beam"], ignore_index=True)
    return table.astype({"time_start": "datetime64[ns]", "time_end": "datetime64[ns]"}), failed


def _row(granule, beam):
    track = atl03.read_track(granule, beam)
    s = track.segments
    filled = (s["segment_ph_cnt"] > 0) & np.isfinite(s["reference_photon_lat"]) & np.isfinite(s["reference_photon_lon"])
    if not filled.any():
        return None
    lon, lat, time = (s[name][filled] for name in ("reference_photon_lon", "reference_photon_lat", "delta_time"))
    west, east = _west_east(lon)
    start, end = delta_time_to_utc([time.min(), time.max()])
    return (
        granule.name.rsplit(".", 1)[0],
        granule.path.name,
        beam,
        int(s["spot"][filled][0]),
        granule.rgt,
        granule.cycle,
        granule.region,
        granule.release,
        start,
        end,
        int(filled.sum()),
        track.n_photons,
        west,
        lat.min(),
        east,
        lat.max(),
        _line(lon, lat),
    )


def _west_east(lon):
    """Return the bounds of the longitudes along a track, in [-180, 180], with west > east across the antimeridian."""
    along = np.unwrap(lon, period=360)
    west, east = along.min(), along.max()
    if east - west >= 360:
        return -180.0, 180.0
    return tuple(float((v + 180) % 360 - 180) if abs(v) > 180 else float(v) for v in (west, east))


def _line(lon, lat):
    chosen = np.unique(np.append(np.arange(0, len(lon), _EVERY), len(lon) - 1))
    if len(chosen) == 1:
        chosen = np.repeat(chosen, 2)
    lon, lat = np.unwrap(lon[chosen], period=360), lat[chosen]
    pieces, turn = [], np.floor((lon + 180) / 360)
    for k in np.unique(turn):
        box = shapely.box(360 * k - 180, -90, 360 * k + 180, 90)
        cut = shapely.intersection(shapely.LineString(np.column_stack([lon, lat])), box)
        pieces += [
            g
            for g in shapely.get_parts(shapely.transform(cut, lambda c, k=k: c - [360 * k, 0]))
            if g.length or len(chosen) == 2
        ]
    lines = [g for g in pieces if g.geom_type == "LineString"]
    return lines[0] if len(lines) == 1 else shapely.MultiLineString(lines)


def write_index(table: pd.DataFrame, path: Path | str) -> None:
    """
    Write an index as GeoParquet 1.1.

    Parameters
    ----------
    table : DataFrame
    path : str or Path, the granule
    """
    geometry = table["geometry"].to_numpy()
    kinds = sorted({g.geom_type for g in geometry})
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": kinds}},
    }
    arrow = pa.Table.from_pandas(table.assign(geometry=shapely.to_wkb(geometry)), preserve_index=False)
    with written(path) as part:
        pq.write_table(arrow.replace_schema_metadata({"geo": json.dumps(geo)}), part, compression="zstd")


def read_index(path: Path | str) -> pd.DataFrame:
    """
    Read an index that `write_index` wrote.

    Parameters
    ----------
    path : str or Path, the granule
    """
    try:
        table = pq.read_table(path).to_pandas()
    except (pa.ArrowInvalid, OSError) as error:
        raise NunatakError(f"{path}: not a readable index ({error}); make it again") from error
    return table.assign(geometry=shapely.from_wkb(table["geometry"]))
