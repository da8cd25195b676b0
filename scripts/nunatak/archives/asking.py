"""Describe orders for services that subset granules, without their client, so that rules can use it."""

from __future__ import annotations

from typing import Any


def asked_of(region: Any, period: Any) -> dict[str, Any] | None:
    """
    Return the order for a region and a period of a study.

    Parameters
    ----------
    region : Region
    period : study period

    Returns
    -------
    dict of `bbox` (west, south, east, north) and `start`, `stop` (ISO text, UTC). None if a box and a span cannot
        express it: across the antimeridian, or for some months of several years. Whole granules are taken then
    """
    if region.crosses_antimeridian or period.months:
        return None
    return {
        "bbox": [float(value) for value in region.bounds],
        "start": f"{period.start.astype('datetime64[s]')}+00:00",
        "stop": f"{period.end.astype('datetime64[s]')}+00:00",
    }


def fetching_of(product: Any, region: Any, period: Any) -> dict[str, Any]:
    """
    Return how the granules of a study's product are searched and fetched, as settings of `earthdata.EarthdataArchive`.

    Parameters
    ----------
    product : the product's model in the study
    region : Region
    period : study period
    """
    cut = getattr(product, "subset", "local")
    asked = {"subset": asked_of(region, period), "client": cut} if cut != "local" else {}
    if getattr(product, "fetch", "download") == "stream":
        asked["stream"] = True
    if getattr(product, "catalogue", "stac") != "stac":
        asked["pairs"] = product.catalogue
    return asked
