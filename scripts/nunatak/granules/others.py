"""Products of ICESat-2 that exist and that no study reads, so that they are said to be that."""

from __future__ import annotations

import re

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


def about_other(product) -> str:
    """
    Say of a product that it exists and is not read; an empty text for any other word.

    >>> about_other("ATL13")
    'ATL13 (along-track inland surface water) is a product of ICESat-2 that Nunatak does not read'
    >>> about_other("atl06")
    ''
    """
    name = str(product).lower()
    row = PRODUCTS.get(name)
    title = TITLES.get(name) if row is None else "" if row.in_study or row.service != "nsidc" else row.title
    return f"{str(product).upper()} ({title}) is a product of ICESat-2 that Nunatak does not read" if title else ""


def other_of(name) -> str:
    """
    Say the same of a granule by its file name.

    >>> other_of("ATL09_20190504033705_05480301_006_01.h5")[:5]
    'ATL09'
    """
    found = _NAME.match(name)
    return about_other(found[1]) if found else ""
