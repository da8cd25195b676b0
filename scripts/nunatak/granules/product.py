"""What is said of a product: the columns of the table in `products`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product."""

    name: str
    """the study file's word for it"""
    title: str = ""
    """what it holds, as the study's reference says it"""
    written: str = ""
    """its name in sentences and figures; by default `name` in capitals"""
    kept: Literal["points", "sums", "fit", "grid", "pairs", ""] = ""
    """what becomes of its granules: rows along the track, sums on a grid, a fit of photons, a grid, a cube of image
    pairs; "" where no study asks for it, or where others read it (ATL08, ITS_LIVE's own grids)"""
    in_study: bool = True
    """whether a study can ask for it"""
    name_form: str = ""
    """how its granules are named, see `forms`; "" where they are another product's"""
    other_forms: tuple[str, ...] = ()
    """other ways that its granules are named in"""
    collections: tuple[str, str] | tuple[()] = ()
    """short names of its collections at NSIDC in the north and in the south; by default its name in capitals"""
    example: str = ""
    """the name of a granule"""
    identity: tuple[str, ...] = ("rgt", "cycle", "region_number", "hemisphere")
    """the parts of a name that copies and revisions of one granule share"""
    granules_of: str = ""
    """the product whose granules it is made from, where that is another"""
    joined_by: tuple[str, ...] = ()
    """the products that ask for its granules along with their own"""
    bucket: Literal["cycle", "month", "year", "all"] = "all"
    """the buckets of time that its granules fall in"""
    one_epoch: bool = False
    """whether it is a surface of one epoch, which no period excludes"""
    service: Literal["nsidc", "itslive"] = "nsidc"
    """who holds the granules"""
    harmony: bool = False
    """whether Harmony cuts its granules"""
    typical_bytes: float = 1e8
    """size taken where the catalogue states none: a mean of what was seen (ATL03, ATL06), else a guess"""
    layouts: tuple[tuple[str, str, str, str], ...] = ()
    """group of a beam (of ATL11: a beam pair) with longitude, latitude and time, newest layout first; () of grids"""
    land_ice: bool = False
    """whether it holds heights of land ice along the track"""
    tide_free: bool = False
    """whether its heights are in the tide-free system, as `tide_earth` of ATL03 says of itself"""
    values: tuple[str, ...] = ()
    """columns of its height, or of what is gridded; the first that a table has"""
    value_is: str = ""
    """what the gridded value is, in words"""
    wished: tuple[str, ...] = ()
    """variables read where a granule has them: crossovers and filters of floating or crevassed ice look at them"""
    reader: str = ""
    """module:function that reads a granule; of points and sums one that returns how a study reads it"""
    writer: str = ""
    """module:function that writes granules of a simulated world"""

    def __post_init__(self):
        if not self.written:
            object.__setattr__(self, "written", self.name.upper())

    def __str__(self):
        return self.written
