"""Offer the functions for notebooks: paths in, tables and datasets out."""

from nunatak.api.exploring import explore
from nunatak.api.notebook import (
    atl03s,
    atl06sr,
    build_cube,
    find,
    icepyx_query,
    in_place,
    open_datacube,
    open_mosaic,
    serve_photons,
)

__all__ = [
    "atl03s",
    "atl06sr",
    "build_cube",
    "explore",
    "find",
    "icepyx_query",
    "in_place",
    "open_datacube",
    "open_mosaic",
    "serve_photons",
]
