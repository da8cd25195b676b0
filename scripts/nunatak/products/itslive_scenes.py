"""The images of a pair: sensor groups, and which image names are one image processed twice."""

from __future__ import annotations

import re

# platforms that share a sensor's behaviour, as ITS_LIVE's own composites group them (itslive_composite.py)
GROUPS = ("L45", "L7", "L89", "S1", "S2")

_DATE = re.compile(r"(?<!\d)\d{8}(?=T\d{6}|_|$)")
_LANDSAT_GROUPS = {"4": "L45", "5": "L45", "7": "L7", "8": "L89", "9": "L89"}
_LANDSATS = {"4": "LT04", "5": "LT05", "7": "LE07", "8": "LC08", "9": "LC09"}


def platform_of(mission, satellite):
    """
    The platform of ITS_LIVE's mission and satellite; the sensor letter C is both Landsat 8 and Sentinel-1.

    >>> platform_of("L", "8"), platform_of("L", "8."), platform_of("S", "1A")
    ('LC08', 'LC08', 'S1A')
    """
    # a number written as text, and cut to two characters in the cubes: 8.0, "8.", "08"
    satellite = re.sub(r"^0*(\d+)\.0*$|^0+(\d)$", r"\1\2", str(satellite).strip())
    return _LANDSATS.get(satellite, f"L{satellite}") if mission == "L" else f"{mission}{satellite}"


def group_of(first, second=None):
    """
    The sensor group of one platform, or of a pair's two; "mixed" when they differ.

    >>> group_of("LT05"), group_of("LC08", "LC09"), group_of("S2B")
    ('L45', 'L89', 'S2')
    """
    groups = {_group(platform) for platform in (first, second or first)}
    return groups.pop() if len(groups) == 1 else "mixed"


def _group(platform):
    return _LANDSAT_GROUPS.get(platform[-1:], "L") if platform.startswith("L") else platform[:2]


def processing_date(image_id):
    """
    When an image was processed, YYYYMMDD; empty where its name does not tell (Sentinel-1).

    >>> processing_date("LC08_L1TP_001113_20180115_20200902_02_T1")
    '20200902'
    """
    dates = _DATE.findall(image_id)
    return dates[-1] if len(dates) > 1 and not image_id.startswith("S1") else ""
