"""The images of a pair as its file states them: ids, platforms, frames, when they were processed."""

from __future__ import annotations

import re

from nunatak.granules import GranuleNameError, image_date, relative_orbit
from nunatak.products import hdf5

_DATE = re.compile(r"(?<!\d)\d{8}(?=T\d{6}|_|$)")
_LANDSATS = {"4": "LT04", "5": "LT05", "7": "LE07", "8": "LC08", "9": "LC09"}


def platform_of(mission, satellite):
    """
    Return the platform of ITS_LIVE's mission and satellite.

    The sensor letter C is both Landsat 8 and Sentinel-1.

    >>> platform_of("L", "8"), platform_of("L", "8."), platform_of("S", "1A"), platform_of("N", "IS")
    ('LC08', 'LC08', 'S1A', 'NISAR')
    """
    # a number written as text, and cut to two characters in the cubes: 8.0, "8.", "08"
    satellite = re.sub(r"^0*(\d+)\.0*$|^0+(\d)$", r"\1\2", str(satellite).strip())
    if mission == "L":
        return _LANDSATS.get(satellite, f"L{satellite}")
    return "NISAR" if mission == "N" else f"{mission}{satellite}"


def stated_name(file):
    """
    Return the name that a pair's file states by its content, None where it does not tell.

    Version 2 names its images. Version 1 has the parts of a Landsat id, the category of the collection misspelt.

    Parameters
    ----------
    file : open granule with `img_pair_info` and `x`
    """
    info = file["img_pair_info"].attrs
    ids = [_stated_id(info, n) for n in (1, 2)]
    if not all(ids):
        return None
    spacing = abs(float(file["x"][1] - file["x"][0]))
    share = hdf5.text(info.get("roi_valid_percentage", "nan"))
    percent = int(float(share)) if re.fullmatch(r"\d+(\.\d*)?", share) else 0
    version = 2 if "mapping" in file else 1
    return f"{ids[0]}_X_{ids[1]}_G{spacing:04.0f}V{version:02d}_P{percent:03d}.nc"


def _stated_id(info, n):
    if f"id_img{n}" in info:
        return hdf5.text(info[f"id_img{n}"])
    try:
        said = {key: hdf5.text(info[f"{key}_img{n}"]) for key in ("mission", "sensor", "correction_level")}
        satellite, path, row, collection = (
            int(float(hdf5.text(info[f"{key}_img{n}"]))) for key in ("satellite", "path", "row", "collection_number")
        )
        category = hdf5.text(info.get(f"collection_category_img{n}", info.get(f"collection_catagory_img{n}", "")))
        dates = (
            info.get(f"acquisition_date_img{n}", info.get(f"aquisition_date_img{n}")),
            info[f"processing_date_img{n}"],
        )
        acquired, processed = (str(image_date(hdf5.text(date)))[:10].replace("-", "") for date in dates)
    except (KeyError, ValueError, GranuleNameError):
        return None
    platform = f"{said['mission']}{said['sensor']}{satellite:02d}"
    frame = f"{path:03d}{row:03d}"
    return f"{platform}_{said['correction_level']}_{frame}_{acquired}_{processed}_{collection:02d}_{category}"


def stated_frame(info, n, platform, date):
    """
    Return the frame of an image by the attributes of its file: path and row, or the orbit.

    Returns None where they do not tell.
    """
    try:
        if f"path_img{n}" in info:
            path, row = (int(float(hdf5.text(info[f"{key}_img{n}"]))) for key in ("path", "row"))
            return f"{path:03d}{row:03d}"
        if f"absolute_orbit_number_img{n}" in info:
            return relative_orbit(platform, int(hdf5.text(info[f"absolute_orbit_number_img{n}"])), date)
    except (KeyError, ValueError):
        pass
    return hdf5.text(info.get(f"frame_img{n}", "")) or None


def processing_date(image_id):
    """
    Return when an image was processed, YYYYMMDD. Empty where its name does not tell (Sentinel-1).

    >>> processing_date("LC08_L1TP_001113_20180115_20200902_02_T1")
    '20200902'
    """
    dates = _DATE.findall(image_id)
    return dates[-1] if len(dates) > 1 and not image_id.startswith("S1") else ""
