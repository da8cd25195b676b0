"""
Read platform and frame from the name of a satellite image. A frame is the area on the ground that is imaged again.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

import numpy as np

# platforms that share a sensor's behaviour, as ITS_LIVE's own composites group them (itslive_composite.py)
GROUPS = {
    "L45": ("LM04", "LM05", "LT04", "LT05"),
    "L7": ("LE07",),
    "L89": ("LC08", "LO08", "LC09", "LO09"),
    "S1": ("S1A", "S1B", "S1C", "S1D"),
    "S2": ("S2A", "S2B", "S2C", "S2D"),
    "NISAR": ("NISAR",),
}
PLATFORMS = tuple(platform for members in GROUPS.values() for platform in members)

# The first orbit of relative orbit 1 by platform and day: relative = (absolute - first) mod 175 + 1. Sentinel-1A and B:
# ESA, product naming. C and D: as public readers of their annotation have it (MintPy, eos-sar); C was moved to another
# phase between 9 and 24 June 2026 (Copernicus Data Space, news of 2026-05-28).
_FIRST_ORBITS = {
    "S1A": ((None, 73),),
    "S1B": ((None, 27),),
    "S1C": (("2026-06-16", 99), (None, 172)),
    "S1D": ((None, 42),),
}
_BURST = re.compile(r"^S1_(\d{6})_(IW\d|EW\d)_\d{8}T\d{6}_.*BURST$")
_BURSTS = re.compile(r"^S1_(\d{3})-\d{6}s\dn\d\d-")
# NISAR_L1_PR_RSLC_<cycle>_<track>_<direction>_<frame>_<mode>_...
_NISAR = re.compile(r"^NISAR_L\d_[A-Z]{2}_[A-Z]{4}_\d{3}_(\d{3})_([AD])_(\d{3})_")
_TILE = re.compile(r"^T?(\d{1,2})([A-Z]{3})$")


def frame_of(image: str, date: np.datetime64 | None = None) -> str | None:
    """
    Return the frame of an image from its id, or None if the id does not contain it.

    Parameters
    ----------
    image : id, as in the name of a pair
    date : datetime64 of the image, needed for Sentinel-1C, which was moved to another orbit. Default: unknown

    Returns
    -------
    Landsat path and row "135039", Sentinel-2 tile "T46RGV", Sentinel-1 relative orbit "R041", Sentinel-1 burst
        "105606_IW1", NISAR track, direction and frame "030A019"

    Examples
    --------
    >>> frame_of("S1D_IW_SLC__1SDV_20260110T224512_20260110T224537_000946_000001_ABCD")
    'R030'
    >>> frame_of("S1_105606_IW1_20220814T013131_VV_8F4A-BURST")
    '105606_IW1'
    """
    token = image.split("_")
    if token[0].startswith("L") and len(token) > 2:
        return token[2]
    if token[0].startswith("S2"):
        tile = next((found for t in token[1:] if (found := _TILE.match(t))), None)
        return tile and f"T{int(tile[1]):02d}{tile[2]}"
    if found := _BURST.match(image):
        return f"{found[1]}_{found[2]}"
    if found := _BURSTS.match(image):
        return f"R{found[1]}"
    if found := _NISAR.match(image):
        return "".join(found.groups())
    orbit = next((t for t in token if re.fullmatch(r"\d{6}", t)), None)
    return orbit and relative_orbit(token[0], int(orbit), date)


def relative_orbit(platform: str, absolute: int, date: np.datetime64 | None = None) -> str | None:
    """
    Return the relative orbit of a Sentinel-1 image as a frame such as "R041", or None for an unknown platform.

    Parameters
    ----------
    platform : such as "S1C"
    absolute : absolute orbit number
    date : datetime64 of the image. Default: unknown, and the later of two phases is taken
    """
    for since, first in _FIRST_ORBITS.get(platform, ()):
        if since is None or date is None or np.datetime64(date) >= np.datetime64(since):
            return f"R{(absolute - first) % 175 + 1:03d}"
    return None


def same_frame(first: str | None, second: str | None) -> str:
    """
    Return whether two images show the same frame: "same", "cross" or "unknown".

    Parameters
    ----------
    first, second : frames as `frame_of` returns them

    >>> same_frame("R041", "R041"), same_frame("001113", "232113"), same_frame("R041", None)
    ('same', 'cross', 'unknown')
    """
    if not (first and second):
        return "unknown"
    return "same" if first == second else "cross"


def group_of(first: str | None, second: str | None = None) -> str:
    """
    Return the sensor group of a platform or of a pair's two platforms, "mixed" if they differ.

    Parameters
    ----------
    first, second : platforms. Default of the second: the first

    >>> group_of("LT05"), group_of("LC08", "LC09"), group_of("S2B"), group_of("NISAR")
    ('L45', 'L89', 'S2', 'NISAR')
    """
    groups = {_group(platform) for platform in (first, second or first)}
    return groups.pop() if len(groups) == 1 else "mixed"


def _group(platform):
    """Return the sensor group of a platform, or its first letters if it belongs to none."""
    group_name = next((group for group, members in GROUPS.items() if platform in members), None)
    return group_name or ("L" if platform.startswith("L") else platform[:2])


def unknown_platform(word: str) -> str | None:
    """
    Return why a word selects no platform, or None if it is a group or the beginning of a platform's name.

    Parameters
    ----------
    word : such as LC08, S2 or L89

    >>> unknown_platform("LC08"), unknown_platform("S2"), unknown_platform("L89")
    (None, None, None)
    >>> unknown_platform("LC8")
    "'LC8' is not a platform; did you mean LC08?"
    """
    names = tuple(dict.fromkeys((*PLATFORMS, *GROUPS)))
    if word in GROUPS or (word and any(name.startswith(word) for name in PLATFORMS)):
        return None
    near = get_close_matches(str(word).upper(), names, 1, 0.6)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
    return f"{word!r} is not a platform; {hint}"
