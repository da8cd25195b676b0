"""What is asked of a service that cuts granules; apart from its client, so that rules can say it."""

from __future__ import annotations


def asked_of(region, period) -> dict | None:
    """
    The order for a region and a period of a study.

    Returns
    -------
    dict of `bbox` (west, south, east, north) and `start`, `stop` (ISO text, UTC); None where a box and a span cannot
    say it: over the antimeridian, and for some months of several years. Whole granules are taken then.
    """
    if region.crosses_antimeridian or period.months:
        return None
    return {
        "bbox": [float(value) for value in region.bounds],
        "start": f"{period.start.astype('datetime64[s]')}+00:00",
        "stop": f"{period.end.astype('datetime64[s]')}+00:00",
    }


def fetching_of(product, region, period) -> dict:
    """
    How the granules of a study's product are looked for and fetched: the settings of `earthdata.EarthdataArchive`.

    Parameters
    ----------
    product : the product's model in the study
    """
    cut = getattr(product, "subset", "local")
    asked = {"subset": asked_of(region, period), "client": cut} if cut != "local" else {}
    if getattr(product, "fetch", "download") == "stream":
        asked["stream"] = True
    if getattr(product, "catalogue", "stac") != "stac":
        asked["pairs"] = product.catalogue
    return asked
