"""Declare the columns of the table of products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product: its names, granules, reader and writer."""

    name: str
    """name in the study file"""
    title: str = ""
    """content, for the reference of the study file"""
    written: str = ""
    """name in sentences and figures. Default: `name` in capitals"""
    kept: Literal["points", "sums", "fit", "grid", "pairs", ""] = ""
    """result of its granules: rows along the track, sums on a grid, a fit of photons, a grid, or a cube of image
    pairs. "" if no study asks for it, or if other products read it (ATL08, ITS_LIVE's own grids)"""
    in_study: bool = True
    """whether a study can ask for it"""
    name_form: str = ""
    """form of its granules' names, see `forms`. "" if they are another product's granules"""
    other_forms: tuple[str, ...] = ()
    """further forms of its granules' names"""
    collections: tuple[str, str] | tuple[()] = ()
    """short names of its collections at NSIDC in the north and in the south. Default: its name in capitals"""
    example: str = ""
    """the name of a granule"""
    identity: tuple[str, ...] = ("rgt", "cycle", "region_number", "hemisphere")
    """the parts of a name that copies and revisions of one granule share"""
    granules_of: str = ""
    """product whose granules it is made from, if that is another one"""
    source_of: tuple[str, str] | tuple[()] = ()
    """product of a study that is made from its granules, and the `source` that asks for them"""
    joined_by: tuple[str, ...] = ()
    """products that need its granules in addition to their own"""
    bucket: Literal["cycle", "month", "year", "all"] = "all"
    """kind of time bucket that its granules are assigned to"""
    one_epoch: bool = False
    """whether it is a surface of one epoch, which no period excludes"""
    service: Literal["nsidc", "itslive"] = "nsidc"
    """service that holds the granules"""
    harmony: bool = False
    """whether Harmony subsets its granules"""
    typical_bytes: float = 1e8
    """size of a granule if the catalogue states none: the mean of granules seen (ATL03, ATL06), else a guess"""
    layouts: tuple[tuple[str, str, str, str], ...] = ()
    """group of a beam (ATL11: a beam pair) with longitude, latitude and time, newest layout first. () for grids"""
    land_ice: bool = False
    """whether it holds heights of land ice along the track"""
    tide_free: bool = False
    """whether its heights are in the tide-free system, as `tide_earth` of ATL03 says of itself"""
    values: tuple[str, ...] = ()
    """columns of its height, or of the gridded value, of which the first in a table is used"""
    value_is: str = ""
    """name of the gridded value in words"""
    wished: tuple[str, ...] = ()
    """optional variables, for crossovers and for filters of floating or crevassed ice"""
    reader: str = ""
    """module:function that reads a granule. For points and sums it returns the reader of a study"""
    writer: str = ""
    """module:function that writes granules of a simulated world"""

    def __post_init__(self):
        if not self.written:
            object.__setattr__(self, "written", self.name.upper())

    def __str__(self):
        return self.written
