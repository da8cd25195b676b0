"""List the products of ICESat-2 that no study reads, for messages."""

from __future__ import annotations

import re
from typing import Any

from nunatak.granules.products import PRODUCTS

# titles of the collections at NSIDC that have no row in the table of products
TITLES = {
    "atl02": "science unit converted telemetry",
    "atl09": "calibrated backscatter profiles and atmospheric layers",
    "atl12": "ocean surface height",
    "atl13": "along-track inland surface water",
    "atl16": "weekly gridded atmosphere",
    "atl17": "monthly gridded atmosphere",
    "atl18": "gridded land and vegetation height",
    "atl19": "gridded dynamic ocean topography",
    "atl22": "mean inland surface water",
    "atl23": "gridded dynamic ocean topography of three months",
    "atl24": "coastal bathymetry",
}
_NAME = re.compile(r"^(ATL\d{2})(?:QL)?[-_]", re.IGNORECASE)


def about_other(product: Any) -> str:
    """
    Describe a product that exists and is not read, or return an empty text for any other word.

    Parameters
    ----------
    product : such as "ATL13"

    >>> about_other("ATL13")
    'ATL13 (along-track inland surface water) is a product of ICESat-2 that Nunatak does not read'
    >>> about_other("atl06")
    ''
    """
    name = str(product).lower()
    row = PRODUCTS.get(name)
    title = TITLES.get(name) if row is None else "" if row.in_study or row.service != "nsidc" else row.title
    return f"{str(product).upper()} ({title}) is a product of ICESat-2 that Nunatak does not read" if title else ""


def other_of(name: str) -> str:
    """
    Describe the product of a granule as `about_other`, from the granule's file name.

    Parameters
    ----------
    name : file name

    >>> other_of("ATL09_20190504033705_05480301_006_01.h5")[:5]
    'ATL09'
    """
    match = _NAME.match(name)
    return about_other(match[1]) if match else ""
