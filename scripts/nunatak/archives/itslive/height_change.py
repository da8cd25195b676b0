"""List ITS_LIVE's records of height change, one file for each ice sheet at a fixed address of its public storage."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from nunatak.archives.local import footprint

PLACE = "https://its-live-data.s3.amazonaws.com/height_change"


class Record(NamedTuple):
    """One file: its product, its path below `PLACE`, its grid and its first and last month."""

    product: str
    path: str
    crs: str
    bounds: tuple[float, float, float, float]
    start: str
    end: str


_ANTARCTICA = "EPSG:3031", (-2799360.0, -2799360.0, 2799360.0, 2799360.0)
_GREENLAND = "EPSG:3413", (-657600.0, -3371520.0, 864960.0, -638400.0)
RECORDS = (
    Record(
        "itslive_elevation",
        "Greenland/Greenland_G1920V01_IceSheetGlacierIceHeight.nc",
        *_GREENLAND,
        "1992-01-15",
        "2023-12-14",
    ),
    Record(
        "itslive_elevation",
        "Antarctica/Grounded/ANT_G1920V01_GroundedIceHeight.nc",
        *_ANTARCTICA,
        "1985-04-17",
        "2020-12-16",
    ),
    Record(
        "itslive_shelves",
        "Antarctica/Floating/ANT_G1920V01_IceShelfMelt.nc",
        *_ANTARCTICA,
        "1992-03-17",
        "2017-12-16",
    ),
)
PRODUCTS = tuple(dict.fromkeys(record.product for record in RECORDS))


def records(product: str) -> list[dict[str, Any]]:
    """
    Return the rows of a product's files, for all regions and periods.

    Parameters
    ----------
    product : itslive_elevation or itslive_shelves

    Returns
    -------
    list of mappings, rows of a granule table
    """
    return [
        {
            "file_name": record.path.rpartition("/")[2],
            "url": f"{PLACE}/{record.path}",
            "source": "earthdata",
            "time_start": record.start,
            "time_end": record.end,
            "geometry": _footprint(record),
        }
        for record in RECORDS
        if record.product == product
    ]


@lru_cache
def _footprint(record):
    """Return the outline of an ice sheet's grid, which takes a second to compute."""
    return footprint.to_text(footprint.of_grid(record.bounds, record.crs))
