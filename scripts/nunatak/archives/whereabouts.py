"""What a search without an answer says: what was asked, and where and when the granules lie that are there."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
import shapely


def whereabouts(table):
    """
    Say in which box the granules of a table lie, and from when to when.

    Parameters
    ----------
    table : granule table with geometry (WKT, degrees), time_start, time_end (UTC), any of them missing

    Returns
    -------
    such as "longitude 22.10 to 26.50, latitude 79.20 to 80.10, 2019-01-02 to 2020-12-30"; "places and times unknown"
    where no granule tells
    """
    said = []
    shapes = shapely.from_wkt(table["geometry"].dropna().to_numpy(dtype=object)) if "geometry" in table else ()
    if len(shapes):
        west, south, east, north = shapely.total_bounds(shapes)
        said.append(f"longitude {west:.2f} to {east:.2f}, latitude {south:.2f} to {north:.2f}")
    times = pd.concat([table[name] for name in ("time_start", "time_end") if name in table])
    times = times.dropna().to_numpy("datetime64[D]")
    if times.size:
        said.append(f"{np.min(times)} to {np.max(times)}")
    return ", ".join(said) or "places and times unknown"


def empty_message(table, product, region, period, filters, lost, asked):
    """
    Say what was asked of which archive, that nothing answers it, and where and when the granules lie that are there.

    Parameters
    ----------
    table : granule table of all that is there
    filters : a dataclass of what was asked beyond region and period
    lost : mapping of reason to how many granules it left out
    asked : where the question went
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
    """A filter's value in words: a number, a text, or several."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_words, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
