"""Estimate what a study would fetch and its cost from the granule tables alone, without login or opened files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import shapely

from nunatak.granules.products import product_row
from nunatak.parameters.archives import ARCHIVES
from nunatak.products.itslive.names import coverage
from nunatak.products.itslive.selection import selection_from

RATE = 20e6  # bytes per second, assumed for a connection, as stated in the plan


def of_product(granules, originals: str | Path) -> dict[str, Any]:
    """
    Return the cost of one product.

    Parameters
    ----------
    granules : granule table
    originals : folder of the originals, with a folder for each product

    Returns
    -------
    dict: `granules`, `bytes` (all), `here` (granules present with the stated size), `bytes_to_fetch`, `unstated`
        (granules without a stated size, counted with a typical one), `version`, `years` (granules by year of their
        start)
    """
    if granules.empty:
        return {"granules": 0, "bytes": 0, "here": 0, "bytes_to_fetch": 0, "unstated": 0, "version": "", "years": {}}
    product = granules["product"].iloc[0]
    stated = granules["size_bytes"].notna()
    sizes = granules["size_bytes"].astype("Float64").fillna(product_row(product).typical_bytes).astype(float)
    here = [_is_here(Path(originals) / g.product / g.file_name, g.size_bytes) for g in granules.itertuples()]
    years = granules["time_start"].dt.year.value_counts().sort_index()
    return {
        "granules": len(granules),
        "bytes": int(sizes.sum()),
        "here": int(sum(here)),
        "bytes_to_fetch": int(sizes[[not value for value in here]].sum()),
        "unstated": int((~stated).sum()),
        "version": ", ".join(sorted(granules["version"].dropna().unique())),
        "years": {str(int(year)): int(count) for year, count in years.items()},
    }


def of_pairs(
    granules: pd.DataFrame, left_out: pd.DataFrame, settings: Mapping[str, Any], period: Mapping[str, Any]
) -> list[dict[str, int]]:
    """
    Return the number of image pairs by year of a study, before anything is fetched.

    Parameters
    ----------
    granules, left_out : granule tables of the pairs that the selection keeps and leaves out
    settings : the product's part of the study
    period : the study's period, with `start` and `end`

    Returns
    -------
    list of dict: `year` (for a season across the New Year, the one in which it ends), `found`, `selected`, for every
        year of the period
    """
    found = pd.concat([granules, left_out], ignore_index=True).sort_values("file_name", ignore_index=True)
    last = pd.Timestamp(period["end"]) - pd.Timedelta("1s")
    table = coverage(found, selection_from(settings), years=(pd.Timestamp(period["start"]).year, last.year))
    rows = table[["year", "available", "selected"]].itertuples(index=False)
    return [{"year": int(year), "found": int(all_), "selected": int(kept)} for year, all_, kept in rows]


def of_archive(product: str, settings: Mapping[str, Any], cost: Mapping[str, Any], archive: str) -> dict[str, Any]:
    """
    Add to the cost of a product how its granules are obtained.

    Granules in a folder of the user are read there.

    Parameters
    ----------
    product : such as "atl06"
    settings : the product's part of the study
    cost : result of `of_product`
    archive : the study's archive

    Returns
    -------
    dict: that of `of_product` with `way`. If nothing is fetched, `bytes_to_fetch` is 0 and `bytes_to_read` is added
    """
    if not ARCHIVES[archive].remote:
        lying = {"here": cost["granules"], "bytes_to_fetch": 0, "bytes_to_read": cost["bytes"]}
        return {**cost, **lying, "way": "read where they lie"}
    kept = {} if settings.get("fetch") != "stream" else {"bytes_to_fetch": 0}  # the bytes to read are not known before
    return {**cost, **kept, "way": way(product, settings)}


def way(product: str, settings: Mapping[str, Any]) -> str:
    """
    Return in words how the granules of a product are obtained: whole, subset by the service, or read in place.

    Parameters
    ----------
    product : such as "atl06"
    settings : the product's part of the study

    >>> way("atl15", {})
    'whole granules, cut here: no service cuts them'
    """
    if settings.get("fetch") == "stream":
        return "read in place by range"
    ordered = settings.get("subset", "local")
    if not product_row(product).harmony:
        return "whole granules, cut here: no service cuts them"
    return "whole granules, cut here" if ordered == "local" else f"cut by Harmony, ordered through {ordered}"


def whole(products: Mapping[str, Mapping[str, Any]], resources: str | Path) -> dict[str, Any]:
    """
    Return the cost of a study: its products by name, the sums, free space (bytes) and minutes at `RATE`.

    Parameters
    ----------
    products : costs by product
    resources : folder of the originals
    """
    to_fetch = sum(product["bytes_to_fetch"] for product in products.values())
    to_read = [product["bytes_to_read"] for product in products.values() if "bytes_to_read" in product]
    under = Path(resources).absolute()
    while not under.exists():
        under = under.parent
    free = shutil.disk_usage(under).free
    return {
        "products": products,
        "granules": sum(product["granules"] for product in products.values()),
        "bytes_to_fetch": to_fetch,
        **({"bytes_to_read": sum(to_read)} if to_read else {}),
        "free_bytes": free,
        "fits": to_fetch < free,
        "minutes": round(to_fetch / RATE / 60, 1),
        "assumed_bytes_per_second": RATE,
    }


def lines(plan: Mapping[str, Any]) -> list[str]:
    """
    Return the plan in words, one product to a line.

    Parameters
    ----------
    plan : result of `whole`
    """
    rows = []
    for name, product in plan["products"].items():
        guess = f", {product['unstated']} of unstated size" if product["unstated"] else ""
        years = ", ".join(f"{year}: {count}" for year, count in product["years"].items())
        rows.append(
            f"{name} (release {product['version']}): {product['granules']} granules, "
            f"{product['bytes'] / 1e9:.2f} GB{guess}, {product['here']} here; {product['way']}; "
            f"by year {years or 'not known'}"
        )
        rows += _pairs_by_year(product.get("coverage", ()))
    if "bytes_to_read" in plan:
        return [*rows, f"to read {plan['bytes_to_read'] / 1e9:.2f} GB, which stay where they are; nothing is fetched"]
    room = "enough" if plan["fits"] else "TOO LITTLE"
    rows.append(
        f"to fetch {plan['bytes_to_fetch'] / 1e9:.2f} GB, about {plan['minutes']:g} minutes at "
        f"{plan['assumed_bytes_per_second'] / 1e6:g} MB/s; {plan['free_bytes'] / 1e9:.1f} GB are free: {room}"
    )
    return rows


def _pairs_by_year(rows):
    """Return lines on image pairs: selected of found by year, and the years without any."""
    if not rows:
        return []
    some = ", ".join(f"{row['year']}: {row['selected']} of {row['found']}" for row in rows if row["found"])
    without = [row["year"] for row in rows if not row["selected"]]
    return [
        f"  pairs selected of found: {some or 'none found'}",
        f"  years without a pair: {_spans(without) if without else 'none'}",
    ]


def _spans(years):
    """
    Return years in few words.

    >>> _spans([1984, 1985, 1986, 1990])
    '1984-1986, 1990'
    """
    spans: list[list[int]] = []
    for year in years:
        if spans and year == spans[-1][1] + 1:
            spans[-1][1] = year
        else:
            spans.append([year, year])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def footprints(granules) -> dict[str, Any]:
    """
    Return the footprints of a granule table as GeoJSON for a map, without granules that have none.

    Parameters
    ----------
    granules : granule table
    """
    features = [
        {
            "type": "Feature",
            "properties": {"file_name": g.file_name, "product": g.product, "time_start": str(g.time_start)},
            "geometry": shapely.geometry.mapping(shapely.from_wkt(g.geometry)),
        }
        for g in granules.itertuples()
        if pd.notna(g.geometry)
    ]
    return {"type": "FeatureCollection", "features": features}


def _is_here(path, size):
    """Return whether a file exists with the stated size, if one is stated."""
    try:
        return path.stat().st_size == size or bool(pd.isna(size))
    except OSError:
        return False
