"""The axes of gridded granules: in metres, whichever unit of length a file has them in, of a projected system."""

from __future__ import annotations

from functools import lru_cache

from pyproj import CRS
from pyproj.exceptions import CRSError

from nunatak.constants import METRES
from nunatak.products import GranuleError


@lru_cache(maxsize=64)
def projected_code(stated: float | str | None) -> int | None:
    """
    Return the EPSG code that a file states, None where it is none of a projected coordinate system.

    Parameters
    ----------
    stated : number or text

    >>> projected_code("3031"), projected_code(32646.0), projected_code(4326), projected_code("inf")
    (3031, 32646, None, None)
    """
    text = str(stated).removesuffix(".0")
    try:
        return int(text) if text.isdecimal() and CRS.from_epsg(int(text)).is_projected else None
    except CRSError:
        return None


def metres_of(unit: str | None, step: float, where: str) -> float:
    """
    Return the metres of one unit of an axis.

    Parameters
    ----------
    unit : the axis' attribute `units`; None or an empty text where it has none, which is taken for metres
    step : difference of two neighbouring coordinates, as they are
    where : file and axis, for the error

    Raises
    ------
    GranuleError : no unit of length that is known, or cells below a metre where the unit is missing

    >>> metres_of("km", 0.12, "x"), metres_of("meters", 120.0, "x")
    (1000.0, 1.0)
    """
    word = str(unit or "").strip().lower()
    if word and word not in METRES:
        raise GranuleError(f"{where}: is in {unit}, not in metres; fetch the granule again, or write it in metres")
    if not word and abs(step) < 1:
        raise GranuleError(
            f"{where}: cells of {abs(step):g} and no units; write the attribute units (m or km), or fetch it again"
        )
    return METRES.get(word, 1.0)
