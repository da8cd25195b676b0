"""What the front page says of releases, and of what heights are above."""

from __future__ import annotations

import re

from nunatak.granules import datums
from nunatak.granules.products import product_row


def named(product, version, used):
    """
    Return a product with its release: the one that the study names, else those that were found.

    Parameters
    ----------
    version : the study's, None or "any" where it names none
    used : such as "006, 007"
    """
    if version and version != "any":
        return f"{product.upper()} release {version}"
    return f"{product.upper()} release {used}" if used not in ("", "none") else product.upper()


def datum(used, *, geoid=False):
    """
    Return the row on what heights along the track are above, none for a study without them.

    Parameters
    ----------
    used : mapping of product to the releases found
    geoid : whether the study asks for heights above the products' own geoid
    """
    frames: dict[str, list[str]] = {}
    for product, found in used.items():
        for release in re.findall(r"\b\d{3}\b", found) if product_row(product).tide_free else ():
            frames.setdefault(datums.reference_frame(release), []).append(f"{product.upper()} {release}")
    said = "; ".join(f"{frame} ({', '.join(names)})" for frame, names in sorted(frames.items()))
    what = "the products' own geoid (EGM2008), from" if geoid else "the ellipsoid WGS84 in"
    return [("heights above", f"{what} {said}; tide-free (permanent tide)")] if said else []
