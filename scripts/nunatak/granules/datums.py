"""What heights of a release are above, and what of the permanent tide is in them."""

from __future__ import annotations

from nunatak.granules.names import parse
from nunatak.granules.products import product_row
from nunatak.runtime import NunatakError

FIRST_IN_ITRF2020 = 7


def reference_frame(release):
    """
    Return the frame of ICESat-2 heights along the track: ITRF2014 to release 006, ITRF2020 from 007.

    The description of an ATL03 or ATL06 granule says so. Releases of ATL14 and ATL15 are counted otherwise, and their
    granules name the frame in an attribute.

    >>> reference_frame("006"), reference_frame(7), reference_frame("209")  # 2xx came before 001
    ('ITRF2014', 'ITRF2020', 'ITRF2014')
    """
    return "ITRF2014" if int(release) < FIRST_IN_ITRF2020 or int(release) >= 200 else "ITRF2020"


def attributes(product, granule_ids):
    """
    Return what a table of heights says of its releases, as attributes; nothing for a granule without a release.

    Parameters
    ----------
    product : such as "atl06"
    granule_ids : names of granules, with or without an ending

    Returns
    -------
    dict : `release` and `reference_frame`, of several the sorted list with commas, and `permanent_tide` where known
    """
    found = sorted({release for release in map(release_of, granule_ids) if release})
    if not found:
        return {}
    said = {"release": ", ".join(found), "reference_frame": ", ".join(sorted({reference_frame(r) for r in found}))}
    return {**said, "permanent_tide": "tide-free"} if product_row(product).tide_free else said


def release_of(granule_id):
    """Return the release that the name of a granule tells, "" where it tells none."""
    name = str(granule_id)
    try:
        return parse(name if "." in name else f"{name}.h5").version
    except NunatakError:  # a file of the user's own naming tells no release
        return ""


def with_release(table):
    """Return a table with a column `release`, that of the granule of each row, "" where its name tells none."""
    known = {name: release_of(name) for name in table["granule_id"].unique()}
    return table.assign(release=table["granule_id"].map(known).astype("category"))


def compared(tables, versions=()):
    """
    Return what a comparison says of the releases of its products, as attributes.

    Parameters
    ----------
    tables : mapping of product to the attributes of its table
    versions : the study's of each product; "any" says that releases are meant to be mixed
    """
    said = {f"release_of_{product}": about["release"] for product, about in tables.items() if about.get("release")}
    return {**said, "version": "any"} if "any" in versions else said
