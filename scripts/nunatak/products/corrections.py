"""Heights of floating ice without ocean tide and dynamic atmosphere, and heights above the geoid."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    import pandas as pd

    from nunatak.geometry.region import Region

log = logging.getLogger(__name__)

ELLIPSOID, GEOID = "WGS84 ellipsoid", "EGM2008 geoid"
TIDES = ("tide_ocean", "dac")


def needed(*, floating: bool = False, datum: str = "ellipsoid") -> tuple[str, ...]:
    """
    Return the variables that `corrected` needs of ATL06 or ATL11.

    Parameters
    ----------
    floating : bool, whether the ice floats (default: False)
    datum : str, what heights are above (default: "ellipsoid")

    >>> needed(floating=True, datum="EGM08")
    ('tide_ocean', 'dac', 'geoid_h')
    """
    return (*(TIDES if floating else ()), *(("geoid_h",) if datum == "EGM08" else ()))


def corrected(
    table: pd.DataFrame, height: str, *, floating: np.ndarray | None = None, datum: str = "ellipsoid"
) -> tuple[pd.DataFrame, int]:
    """
    Take ocean tide and dynamic atmosphere off heights of floating ice, and the geoid off all heights.

    The products leave both tides in (ATL06 and ATL11 user guides, tide_ocean and dac) and give heights above the
    ellipsoid; geoid_h is the EGM2008 geoid of the product itself, in its tide-free system.

    Parameters
    ----------
    table : DataFrame with `height` (m) and, as asked for, tide_ocean, dac, geoid_h (m)
    height : column
    floating : (n,) bool array, where the ice floats. Default: nowhere
    datum : "ellipsoid" leaves the heights above WGS84, "EGM08" gives them above the geoid. Default: ellipsoid

    Returns
    -------
    table : DataFrame with `height` corrected; NaN where a correction that applies is missing
    n_missing : heights lost for that

    Raises
    ------
    NunatakError : a column is absent, or the datum unknown
    """
    if datum not in ("ellipsoid", "EGM08"):
        raise NunatakError(f"datum: {datum!r} is unknown; write ellipsoid or EGM08")
    asked = needed(floating=floating is not None, datum=datum)
    absent = [name for name in asked if name not in table]
    if absent:
        raise NunatakError(f"corrections: the table has no {', '.join(absent)}; read it with these variables")
    if not asked:
        return table, 0
    h = table[height].to_numpy("f8")
    taken = np.zeros(h.size)
    if floating is not None:
        taken += np.where(floating, table["tide_ocean"].to_numpy("f8") + table["dac"].to_numpy("f8"), 0.0)
    if datum == "EGM08":
        taken += table["geoid_h"].to_numpy("f8")
    new = table.assign(**{height: h - taken})
    new.attrs = dict(table.attrs)
    return new, int((np.isfinite(h) & ~np.isfinite(taken)).sum())


def tell_lost(n: int, *, floating: Any = None, datum: str = "ellipsoid") -> None:
    """
    Print a warning for n heights left out because a correction is missing. Nothing is printed for n = 0.

    Parameters
    ----------
    n : int, how many
    floating : bool, whether the ice floats (default: None)
    datum : str, what heights are above (default: "ellipsoid")
    """
    if n:
        names = needed(floating=bool(floating), datum=datum)
        log.warning("%d heights have no %s and are left out", n, " or ".join(names))


def where_floating(table: pd.DataFrame, region: Region | None) -> np.ndarray | None:
    """
    Return which rows lie on floating ice.

    Parameters
    ----------
    table : DataFrame with longitude and latitude, or SlideRule's lon and lat (degrees)
    region : Region of the ice that floats, or None

    Returns
    -------
    (n,) bool array, or None without a region
    """
    if region is None:
        return None
    names = ("lon", "lat") if "lon" in table else ("longitude", "latitude")
    return region.contains(*(table[name].to_numpy() for name in names))


def said(*, floating: Any = None, datum: str = "ellipsoid") -> dict[str, str]:
    """
    Return what a file of heights says of them: attributes.

    Parameters
    ----------
    floating : bool, whether the ice floats (default: None)
    datum : str, what heights are above (default: "ellipsoid")

    >>> said(floating="shelf")
    {'height_datum': 'WGS84 ellipsoid', 'tides_removed': 'tide_ocean and dac where shelf floats'}
    """
    about = {"height_datum": GEOID if datum == "EGM08" else ELLIPSOID}
    return about | ({"tides_removed": f"tide_ocean and dac where {floating} floats"} if floating else {})


def kept_from(attributes: Mapping[str, str]) -> dict[str, str]:
    """
    Return what `said` wrote into a table's attributes, for a table made from it.

    Parameters
    ----------
    attributes : mapping of attribute name to value

    >>> kept_from({"study": "x", "height_datum": "EGM2008 geoid"})
    {'height_datum': 'EGM2008 geoid'}
    """
    return {name: attributes[name] for name in ("height_datum", "tides_removed") if name in attributes}


def above(table: pd.DataFrame) -> str:
    """
    Return what the heights of a table are above, in a word for axes and sentences: "WGS84" or "the geoid".

    Parameters
    ----------
    table : DataFrame with `attrs["attributes"]` of its file; WGS84 where they say nothing
    """
    return "the geoid" if table.attrs.get("attributes", {}).get("height_datum") == GEOID else "WGS84"
