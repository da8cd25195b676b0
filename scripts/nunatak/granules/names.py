"""Parse and write the names of granules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from nunatak.constants import N_RGT
from nunatak.granules.forms import (
    BED,
    BED_NSIDC,
    CUBE,
    HEIGHTS,
    HEIGHTS_NSIDC,
    MOSAIC,
    PAIR,
    SHELVES,
    SHELVES_NSIDC,
    extension,
    pattern,
)
from nunatak.granules.images import frame_of
from nunatak.granules.others import other_of
from nunatak.granules.products import PRODUCTS, product_row
from nunatak.runtime import NunatakError
from nunatak.times import check_year

# Additions to a granule's own name: the prefix of the NSIDC subsetter, Harmony's staging number and suffix, and the
# eight characters that a catalogue record can end in.
_PREFIX = re.compile(r"^(?:processed_|\d+_)+(?=[A-Z])")
_SUFFIX = re.compile(r"(?:_subsetted)?\.(?P<extension>h5|nc)(?:_\w{8})?$")

# An image id holds its acquisition date first, then its processing date. Sentinel ids include a time of day.
_IMAGE_DATE = re.compile(r"(?:^|_)(?P<date>\d{8}(?:T\d{6})?)(?=_|$)")

_HEMISPHERES = {"01": "north", "02": "south"}
_RESOLUTIONS = {"100m": "100m", "01km": "1km", "10km": "10km", "20km": "20km", "40km": "40km"}
_CODES = {word: code for code, word in {**_HEMISPHERES, **_RESOLUTIONS}.items()}


_PRODUCTS_OF: dict[str, tuple[str, ...]] = {}
for _row in PRODUCTS.values():
    for _form in filter(None, (_row.name_form, *_row.other_forms)):
        _PRODUCTS_OF[_form] = (*_PRODUCTS_OF.get(_form, ()), _row.name)
_OF_SHEETS = (HEIGHTS, HEIGHTS_NSIDC, SHELVES, SHELVES_NSIDC, BED, BED_NSIDC)
_PATTERNS = {form: pattern(form, products) for form, products in _PRODUCTS_OF.items()}


class GranuleNameError(NunatakError):
    """The file name is not that of a granule."""


@dataclass(frozen=True)
class GranuleName:
    """
    The parts of a granule's name, None for those its product does not have.

    Attributes
    ----------
    product : name in the study file, such as "atl06" or "itslive"
    name : the name as its archive delivers it, without staging prefix, subset suffix and catalogue hash
    version, revision : release ("006") and revision ("01"); of image pairs the version of the names ("02")
    time_start : datetime64[s], UTC, of a track granule, and of the year of an annual mosaic
    rgt, cycle, region_number : reference ground track, cycle (of ATL11/14/15 the first) and region
    cycle_end : last cycle of ATL11, ATL14, ATL15
    hemisphere : "north" or "south", sea ice
    region_code, resolution : ATL14/15, such as "SV" and "10km"; of grids of an ice sheet greenland or antarctica
    img1, img2 : ids of an image pair, the earlier image first
    swapped : the name lists the later image first (version 1 pairs may)
    platform_img1, platform_img2 : such as "LC08", "S1A", "S2B"
    acquisition_date_img1, acquisition_date_img2 : datetime64[s]; of Landsat the day only
    mid_date : datetime64[s] halfway
    date_dt : days between the two
    frame_img1, frame_img2 : frames, such as Landsat path and row "135039", see `images.frame_of`
    grid_spacing, percent_valid : metres; per cent of valid cells, as named
    ending : end of the names of pairs ordered from HyP3, "_IL_ASF_OD"
    quick_look : made within days and later replaced by the final granule of the same pass (ATL07QL)
    """

    product: str
    name: str
    version: str
    revision: str | None = None
    time_start: np.datetime64 | None = None
    rgt: int | None = None
    cycle: int | None = None
    region_number: int | None = None
    cycle_end: int | None = None
    hemisphere: str | None = None
    region_code: str | None = None
    resolution: str | None = None
    img1: str | None = None
    img2: str | None = None
    swapped: bool | None = None
    platform_img1: str | None = None
    platform_img2: str | None = None
    acquisition_date_img1: np.datetime64 | None = None
    acquisition_date_img2: np.datetime64 | None = None
    mid_date: np.datetime64 | None = None
    date_dt: float | None = None
    frame_img1: str | None = None
    frame_img2: str | None = None
    grid_spacing: int | None = None
    percent_valid: int | None = None
    ending: str = ""
    quick_look: bool = False

    @property
    def flight(self) -> tuple:
        """Return the pass of a track granule and its release, which ATL03 and its ATL08 share."""
        return self.time_start, self.rgt, self.cycle, self.region_number, self.version

    @property
    def granule_id(self) -> str:
        """Return the name without its extension."""
        return self.name.rsplit(".", 1)[0]

    @property
    def file_name(self) -> str:
        """Return the name, written from its parts."""
        form = product_row(self.product).name_form
        if form in (CUBE, MOSAIC, *_OF_SHEETS):  # their names have parts that are not kept here
            return self.name
        first, second = (self.img2, self.img1) if self.swapped else (self.img1, self.img2)
        fields = {
            **vars(self),
            "product": self.product.upper(),
            "quick_look": "QL" * self.quick_look,
            "time": str(self.time_start).translate(str.maketrans("", "", "-T:")),
            "hemisphere": _CODES.get(self.hemisphere or ""),
            "resolution": _CODES.get(self.resolution or ""),
            "first": first,
            "second": second,
        }
        return form.format(**fields)


def parse(file_name: Any) -> GranuleName:
    """
    Parse a granule's name, with any prefix or suffix that a service or a folder added.

    Parameters
    ----------
    file_name : a name, a path, a link or a catalogue's granule id

    Raises
    ------
    GranuleNameError : the name fits no product, or its date, track or cycle is impossible

    Examples
    --------
    >>> parse("processed_ATL06_20191106230008_06270503_006_01.h5").rgt
    627
    >>> parse("ATL03_20181014001049_02350102_007_02.h5_dpyQXxz6").name
    'ATL03_20181014001049_02350102_007_02.h5'
    >>> parse("ATL15_SV_0325_01km_004_05.nc").resolution
    '1km'
    >>> parse("ITS_LIVE_velocity_120m_RGI01A_0000_V02.1.nc").granule_id
    'ITS_LIVE_velocity_120m_RGI01A_0000_V02.1'
    """
    given = str(file_name)
    base = _PREFIX.sub("", given.split("?")[0].rstrip("/").rsplit("/", 1)[-1])
    end = _SUFFIX.search(base)
    stem = base[: end.start()] if end else base
    for form, compiled in _PATTERNS.items():
        match = compiled.match(stem)
        if match:
            return _READ.get(form, _icesat2)(match, form, given)
    if other_of(base):
        raise GranuleNameError(f"{given}: {other_of(base)}")
    raise GranuleNameError(
        f"{given}: not the name of a granule of a known product; expected a name such as "
        "ATL06_20190504033705_05480304_007_01.h5, give the file its original name back"
    )


def _icesat2(found, form, given) -> GranuleName:
    """Return the parts of the name of an ICESat-2 granule."""
    part: dict[str, str] = {key: value for key, value in found.groupdict().items() if value}
    number = {key: int(part[key]) for key in ("rgt", "cycle", "cycle_end", "region_number") if key in part}
    if not 1 <= number.get("rgt", 1) <= N_RGT:
        raise GranuleNameError(f"{given}: reference ground track {number['rgt']}; there are tracks 1 to {N_RGT}")
    if "hemisphere" not in part and not 1 <= number.get("region_number", 1) <= 14:
        raise GranuleNameError(f"{given}: region number {number['region_number']}; there are regions 1 to 14")
    if number.get("cycle_end", 99) < number["cycle"]:
        raise GranuleNameError(f"{given}: ends with cycle {number['cycle_end']} before its first {number['cycle']}")
    return GranuleName(
        product=part["product"].lower(),
        name=found.string + extension(form),
        version=part["version"],
        revision=part["revision"],
        time_start=_date(part["time"], given) if "time" in part else None,
        hemisphere=_HEMISPHERES.get(part.get("hemisphere") or ""),
        region_code=part.get("region_code"),
        resolution=_RESOLUTIONS.get(part.get("resolution") or ""),
        rgt=number.get("rgt"),
        cycle=number["cycle"],
        cycle_end=number.get("cycle_end"),
        region_number=number.get("region_number"),
        quick_look="quick_look" in part,
    )


def _own_grid(found, form, given) -> GranuleName:
    """Return the parts of the name of a datacube or a mosaic of ITS_LIVE."""
    version, year = found.groupdict().get("version", "02"), int(found.groupdict().get("year", 0))
    (product,) = _PRODUCTS_OF[form]
    name = found.string + extension(form)
    start = np.datetime64(f"{year}-01-01", "s") if year else None
    return GranuleName(product, name, version=version, grid_spacing=int(found["grid_spacing"]), time_start=start)


def _image_pair(found, form, given) -> GranuleName:
    """Return the parts of the name of an image pair, with the earlier image first."""
    images = [found["first"], found["second"]]
    dates = [_image_date(image, given) for image in images]
    swapped = bool(dates[0] > dates[1])
    if swapped:
        images.reverse()
        dates.reverse()
    span = dates[1] - dates[0]
    return GranuleName(
        product="itslive",
        name=found.string + extension(form),
        version=found["version"],
        img1=images[0],
        img2=images[1],
        swapped=swapped,
        platform_img1=images[0].split("_")[0],
        platform_img2=images[1].split("_")[0],
        acquisition_date_img1=dates[0],
        acquisition_date_img2=dates[1],
        mid_date=dates[0] + span // 2,
        date_dt=float(span / np.timedelta64(1, "D")),
        frame_img1=frame_of(images[0], dates[0]),
        frame_img2=frame_of(images[1], dates[1]),
        grid_spacing=int(found["grid_spacing"]),
        percent_valid=int(found["percent_valid"]),
        ending=found["ending"] or "",
    )


def _sheet(found, form, given) -> GranuleName:
    """Return the parts of the name of a grid of a whole ice sheet, with the version as a release of three digits."""
    (product,) = _PRODUCTS_OF[form]
    sheet = "greenland" if found.groupdict().get("sheet") == "Greenland" else "antarctica"
    release = f"{int(found['version'].partition('.')[0]):03d}"
    return GranuleName(product, found.string + extension(form), version=release, region_code=sheet)


_READ = {PAIR: _image_pair, CUBE: _own_grid, MOSAIC: _own_grid, **dict.fromkeys(_OF_SHEETS, _sheet)}


def _image_date(image, given):
    """Return the acquisition date in the id of an image."""
    match = _IMAGE_DATE.search(image)
    if not match:
        raise GranuleNameError(
            f"{given}: no acquisition date in the image id {image}; give the file its original name back"
        )
    return _date(match["date"].replace("T", ""), given)


def _date(digits, given):
    """Return a date from its digits."""
    form = "%Y%m%d%H%M%S"[: 6 if len(digits) == 8 else None]
    try:
        return check_year(np.datetime64(datetime.strptime(digits, form), "s"))
    except ValueError as error:
        raise GranuleNameError(
            f"{given}: {digits} is not a date ({error}); give the file its original name back"
        ) from error


def image_date(text: str | bytes) -> np.datetime64:
    """
    Parse the date that an ITS_LIVE file states for one of its images, to the microsecond.

    Version 1 writes the day, version 2 the time with colons, and some Sentinel-2 pairs carry a second time by mistake.

    Parameters
    ----------
    text : date in any of the forms that occur

    Raises
    ------
    GranuleNameError : the text is not a date

    >>> image_date("20190215T205541T00:00:00")
    np.datetime64('2019-02-15T20:55:41.000000')
    >>> image_date("19841206T12:52:19.377")
    np.datetime64('1984-12-06T12:52:19.377000')
    """
    text = text.decode() if isinstance(text, bytes) else str(text)
    match = re.match(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ](\d{2}):?(\d{2}):?(\d{2}(?:\.\d{1,6})?))?", text.strip())
    try:
        if match:
            year, month, day, hour, minute, second = match.groups(default="00")
            return check_year(np.datetime64(f"{year}-{month}-{day}T{hour}:{minute}:{second}", "us"))
    except ValueError:  # a month 13, a year 9999
        pass
    raise GranuleNameError(f"{text}: not an acquisition date; expected one such as 19841206T12:52:19.377")
