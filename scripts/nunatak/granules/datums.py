"""Return the reference frame of the heights of a release, and how they treat the permanent tide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from nunatak.granules.names import parse
from nunatak.granules.products import product_row
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    import pandas as pd

FIRST_IN_ITRF2020 = 7


def reference_frame(release: str | int) -> str:
    """
    Return the frame of ICESat-2 heights along the track: ITRF2014 to release 006, ITRF2020 from 007.

    The description of an ATL03 or ATL06 granule states it. Releases of ATL14 and ATL15 are counted differently, and
    their granules name the frame in an attribute.

    Parameters
    ----------
    release : such as "006" or 7

    >>> reference_frame("006"), reference_frame(7), reference_frame("209")  # 2xx came before 001
    ('ITRF2014', 'ITRF2020', 'ITRF2014')
    """
    return "ITRF2014" if int(release) < FIRST_IN_ITRF2020 or int(release) >= 200 else "ITRF2020"


def attributes(product: str, granule_ids: Iterable[Any]) -> dict[str, str]:
    """
    Return the releases of a table of heights as attributes.

    Parameters
    ----------
    product : such as "atl06"
    granule_ids : names of granules, with or without an ending

    Returns
    -------
    dict : `release` and `reference_frame`, sorted lists with commas if there are several, and `permanent_tide` if
        known. Empty if no granule name states a release
    """
    releases = sorted({release for release in map(release_of, granule_ids) if release})
    if not releases:
        return {}
    words = {
        "release": ", ".join(releases),
        "reference_frame": ", ".join(sorted({reference_frame(r) for r in releases})),
    }
    return {**words, "permanent_tide": "tide-free"} if product_row(product).tide_free else words


def release_of(granule_id: Any) -> str:
    """
    Return the release in the name of a granule, or an empty text if it states none.

    Parameters
    ----------
    granule_id : name of a granule
    """
    name = str(granule_id)
    try:
        return parse(name if "." in name else f"{name}.h5").version
    except NunatakError:  # a file named by the user states no release
        return ""


def with_release(table: pd.DataFrame) -> pd.DataFrame:
    """
    Add a column `release` with the release in the name of each row's granule.

    Parameters
    ----------
    table : DataFrame with `granule_id`
    """
    releases = {name: release_of(name) for name in table["granule_id"].unique()}
    return table.assign(release=table["granule_id"].map(releases).astype("category"))


def compared(tables: Mapping[str, Mapping[str, Any]], versions: Iterable[str] = ()) -> dict[str, Any]:
    """
    Return the releases of the products of a comparison as attributes.

    Parameters
    ----------
    tables : mapping of product to the attributes of its table
    versions : the study's version of each product. "any" allows releases to be mixed. Default: none
    """
    words = {f"release_of_{product}": about["release"] for product, about in tables.items() if about.get("release")}
    return {**words, "version": "any"} if "any" in versions else words
