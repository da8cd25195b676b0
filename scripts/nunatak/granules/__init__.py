"""Granules: their names, the buckets they fall in, the tables that list them."""

from nunatak.granules.images import group_of, relative_orbit, same_frame, unknown_platform
from nunatak.granules.names import (
    ITSLIVE_GRIDS,
    SEA_ICE_PRODUCTS,
    TRACK_PRODUCTS,
    GranuleName,
    GranuleNameError,
    bucket,
    chunk_of,
    granules_of,
    image_date,
    parse,
    split_name,
)
from nunatak.granules.others import OTHER_PRODUCTS, about_other
from nunatak.granules.rows import STATUSES, granule_table, ledger, present

__all__ = [
    "ITSLIVE_GRIDS",
    "OTHER_PRODUCTS",
    "SEA_ICE_PRODUCTS",
    "STATUSES",
    "TRACK_PRODUCTS",
    "GranuleName",
    "GranuleNameError",
    "about_other",
    "bucket",
    "chunk_of",
    "granule_table",
    "granules_of",
    "group_of",
    "image_date",
    "ledger",
    "parse",
    "present",
    "relative_orbit",
    "same_frame",
    "split_name",
    "unknown_platform",
]
