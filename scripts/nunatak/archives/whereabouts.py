"""Write the message of an empty search: its conditions, and where and when the existing granules lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
import shapely


def whereabouts(table: pd.DataFrame) -> str:
    """
    Describe the box and the period of the granules of a table.

    Parameters
    ----------
    table : granule table with geometry (WKT, degrees), time_start, time_end (UTC), any of them missing

    Returns
    -------
    such as "longitude 22.10 to 26.50, latitude 79.20 to 80.10, 2019-01-02 to 2020-12-30", or "places and times unknown"
        if no granule has them
    """
    parts = []
    shapes = shapely.from_wkt(table["geometry"].dropna().to_numpy(dtype=object)) if "geometry" in table else ()
    if len(shapes):
        west, south, east, north = shapely.total_bounds(shapes)
        parts.append(f"longitude {west:.2f} to {east:.2f}, latitude {south:.2f} to {north:.2f}")
    times = pd.concat([table[name] for name in ("time_start", "time_end") if name in table])
    times = times.dropna().to_numpy("datetime64[D]")
    if times.size:
        parts.append(f"{np.min(times)} to {np.max(times)}")
    return ", ".join(parts) or "places and times unknown"


def empty_message(
    table: pd.DataFrame, product: str, region: Any, period: Any, filters: Any, lost: Mapping[str, int], asked: str
) -> str:
    """
    Describe a search without result: the archive, the conditions, and where and when the existing granules lie.

    Parameters
    ----------
    table : granule table of all existing granules
    product : such as "atl06"
    region, period : Region and study period, or None
    filters : dataclass of the conditions beyond region and period
    lost : mapping of reason to the number of granules it excluded
    asked : name of the archive
    """
    wanted = [f"{field.name} {_words(value)}" for field in fields(filters) if (value := getattr(filters, field.name))]
    where = f" in {region.name} ({', '.join(f'{v:.6g}' for v in region.bounds)})" if region is not None else ""
    when = f", {period}" if period is not None else ""
    question = f"{asked}: no {product} granule{where}{when}" + (f", {', '.join(wanted)}" if wanted else "")
    if table.empty:
        return f"{question}; there is no {product} granule at all: name another folder or archive"
    versions = ", ".join(sorted(table["version"].dropna().unique()))
    counted = ", ".join(f"{count} {reason}" for reason, count in lost.items())
    there = f"{question}; of {len(table)} (releases {versions}) {counted}; they lie at {whereabouts(table)}"
    return f"{there}: widen the study or name another archive"


def _words(value):
    """Return a filter's value in words: a number, a text, or several."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_words, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
