"""Define how the granules of each product are named, as one form for reading and writing names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import Formatter

# How granules are named. A field with a number in its format has that many digits, the others are in `_FIELDS`.
TRACK = "{product}{quick_look}_{time:14}_{rgt:04d}{cycle:02d}{region_number:02d}_{version:3}_{revision:2}.h5"
SEA_ICE = TRACK.replace("}_{time", "}-{hemisphere}_{time")
REPEATS = "{product}_{rgt:04d}{region_number:02d}_{cycle:02d}{cycle_end:02d}_{version:3}_{revision:2}.h5"
GRID = "{product}_{region_code}_{cycle:02d}{cycle_end:02d}_{resolution}_{version:3}_{revision:2}.nc"
PAIR = "{first}_X_{second}_G{grid_spacing:04d}V{version:2}_P{percent_valid:03d}{ending}.nc"
CUBE = "ITS_LIVE_vel_EPSG{epsg}_G{grid_spacing:04d}_X{x}_Y{y}.zarr"
MOSAIC = "ITS_LIVE_velocity_{grid_spacing}m_{place}_{year:4}_{v}{version}.nc"
# Grids of a whole ice sheet. Each has a second form, at NSIDC or in an older version.
HEIGHTS = "{sheet}_G1920V{version:2}_{surface}.nc"
HEIGHTS_NSIDC = "{sheet}_G1920_{surface}_v{version:2}.nc"
SHELVES = "{sheet}_G1920V{version:2}_IceShelfMelt.nc"
SHELVES_NSIDC = "NSIDC-0792_{span}_V{version}.nc"
BED = "BedMachine{sheet}-v{version:1}.nc"
BED_NSIDC = "NSIDC-0756_BedMachine{sheet}_{span}_V{version}.nc"

# Regular expressions of the fields that are not numbers of fixed length.
_FIELDS = {
    "quick_look": "QL",
    "hemisphere": "0[12]",
    "region_code": "A[1-4A]|AK|CN|CS|GL|IS|RA|SV",
    "resolution": "100m|01km|10km|20km|40km",
    "first": ".+",
    "second": ".+",
    "ending": "_IL_ASF_OD",  # of pairs ordered from HyP3 (ASFHyP3/hyp3-autorift, process.py)
    "epsg": r"\d+",
    "x": r"-?\d+",
    "y": r"-?\d+",
    "grid_spacing": r"\d+",
    "place": r"\w+?",
    "v": "[vV]",
    "version": r"\d{2}(?:\.\d)?",
    "sheet": "Greenland|Antarctica|ANT",
    "surface": "IceSheetGlacierIceHeight|GroundedIceHeight",
    "span": r"\d{8}-\d{8}",
}
_MAY_BE_ABSENT = ("quick_look", "ending")


def pattern(form: str, products: Iterable[str]) -> re.Pattern[str]:
    """
    Return the regular expression of the names of a form, without their extension.

    Parameters
    ----------
    form : a form of this module, such as `GRID`
    products : products whose names have this form

    >>> pattern(GRID, ["atl14"]).match("ATL14_SV_0325_100m_004_05")["resolution"]
    '100m'
    """
    words = "|".join(product.upper() for product in products)
    text = ""
    for literal, field, digits, _ in Formatter().parse(form.removesuffix(extension(form))):
        text += re.escape(literal)
        if field:
            width = (digits or "").removesuffix("d")
            inner = words if field == "product" else rf"\d{{{int(width)}}}" if width else _FIELDS[field]
            text += f"(?P<{field}>{inner})" + "?" * (field in _MAY_BE_ABSENT)
    return re.compile(f"^{text}$")


def extension(form: str) -> str:
    """
    Return the extension of the granules of a form, or an empty text for folders.

    Parameters
    ----------
    form : a form of this module
    """
    return form[-3:] if form.endswith((".h5", ".nc")) else ""
