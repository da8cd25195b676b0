"""Name granules, assign them to buckets of time, and list them in tables."""

from nunatak.granules.buckets import bucket, chunk_of, split_name
from nunatak.granules.images import group_of, relative_orbit, same_frame, unknown_platform
from nunatak.granules.names import (
    GranuleName,
    GranuleNameError,
    image_date,
    parse,
)
from nunatak.granules.others import about_other
from nunatak.granules.product import Product
from nunatak.granules.products import PRODUCTS, granules_of
from nunatak.granules.rows import STATUSES, granule_table, ledger, present

__all__ = [
    "PRODUCTS",
    "STATUSES",
    "GranuleName",
    "GranuleNameError",
    "Product",
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
