"""
Select the granules that fit a search, each once.

A filter never drops a granule because something about it is unknown. A granule without footprint, time or orbit is kept
and named, because reading it shows whether it fits, while leaving it out would go unnoticed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely

from nunatak.archives import EmptyAnswer, quick_looks, releases
from nunatak.archives.archive import Filters
from nunatak.archives.whereabouts import empty_message
from nunatak.granules import granule_table
from nunatak.granules.products import PRODUCTS, product_row
from nunatak.runtime import log

_LONG = np.timedelta64(31, "D")  # the months of longer granules are not tested
_SHOWN = 5  # names in one message
# Order of preference among files of one granule: the larger value of the first of these that differs.
_BETTER = {
    "final": "is the final granule",
    "release": "is a later release",
    "last_cycle": "runs to a later cycle",
    "rank": "is a later revision",
    "opens": "can be opened",
    "named": "has the granule's own name",
    "size": "holds more of the granule",
}


def select(
    table: pd.DataFrame, product: str, region: Any, period: Any, filters: Filters | None, *, asked: str
) -> pd.DataFrame:
    """
    Return the rows of a granule table that fit a search, each granule once.

    Parameters
    ----------
    table : granule table, which may hold several releases and copies of a granule. `broken` (optional, bool) marks
        files that could not be opened, which are kept if their name fits
    product : such as "atl06", which decides how the period is applied
    region : Region or None
    period : study period or None
    filters : Filters or None
    asked : name of the archive, for the message of an empty answer

    Returns
    -------
    granule table with `attrs["notes"]`, a list of str

    Raises
    ------
    EmptyAnswer : states how many granules there are and which condition excluded them
    """
    filters = filters or Filters()
    notes: list[str] = []
    steps = [
        ("other release", lambda t: _of_release(t["version"], filters.version)),
        ("other track", lambda t: _matches(t["rgt"], filters.rgt)),
        ("other cycle", lambda t: _touches_cycles(t, filters.cycles)),
        ("other region number", lambda t: _matches(t["region_number"], filters.region_numbers)),
        (
            "other hemisphere",
            lambda t: _matches(_column(t, "hemisphere"), filters.hemisphere and (filters.hemisphere,)),
        ),
        ("other resolution", lambda t: _matches(_column(t, "resolution"), filters.resolutions)),
        ("outside the period", lambda t: in_period(t, product, period, notes)),
        ("outside the region", lambda t: in_region(t, region, notes)),
        ("quick-look (quick_look: true takes them)", lambda t: quick_looks.wanted(t, filters.quick_look, notes)),
    ]
    lost = {}
    kept = table
    for reason, test in steps:
        inside = test(kept)
        if not inside.all():
            lost[reason] = int((~inside).sum())
        kept = kept[inside]
    if kept.empty:
        raise EmptyAnswer(empty_message(table, product, region, period, filters, lost, asked))
    kept = newest(kept, notes)
    by_layer = product_row(product).kept == "pairs"  # versions of image pairs are distinguished by layer
    if not by_layer and not filters.mixed:
        notes[:0] = releases.note(kept, product)
    notes += quick_looks.used(kept)
    for note in notes:
        log.info("%s", note)
    kept = granule_table(kept.drop(columns="broken", errors="ignore"))
    kept.attrs["notes"] = notes
    return kept


def in_region(table: pd.DataFrame, region: Any, notes: list[str]) -> np.ndarray:
    """
    Return which granules' footprints touch the region.

    Granules without a footprint are kept and noted.

    Parameters
    ----------
    table : granule table
    region : Region or None
    notes : list that remarks are added to
    """
    inside = np.ones(len(table), dtype=bool)
    if region is None or table.empty:
        return inside
    has_shape = table["geometry"].notna().to_numpy()
    _note(notes, table[~has_shape], "without a footprint, kept: reading tells whether it lies in the region")
    inside[has_shape] = [
        bool(region.intersects(shape)) for shape in shapely.from_wkt(table["geometry"][has_shape].to_numpy())
    ]
    return inside


def in_period(table: pd.DataFrame, product: str, period: Any, notes: list[str]) -> np.ndarray:
    """
    Return which granules' times touch the period.

    An image pair counts by its mid-date, as its chunk does. ATL14 is one epoch and always counts. The months of a
    period apply to granules shorter than a month. Granules without a time are kept and noted.

    Parameters
    ----------
    table : granule table
    product : such as "atl06"
    period : study period or None
    notes : list that remarks are added to
    """
    if period is None or product_row(product).one_epoch or table.empty:
        return np.ones(len(table), dtype=bool)
    start, end = table["time_start"].to_numpy(), table["time_end"].fillna(table["time_start"]).to_numpy()
    if product_row(product).bucket == "year":
        start = end = start + (end - start) // 2
    unknown = np.isnat(start)
    _note(notes, table[unknown], "without a time, kept: reading tells whether it lies in the period")
    touches = (start < period.end) & (end >= period.start)
    if period.months:
        months = list(period.months)
        touches &= (end - start > _LONG) | np.isin(_month(start), months) | np.isin(_month(end), months)
    return touches | unknown


def newest(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """
    Choose one file for each granule.

    The order of preference is: the final granule before a quick look, the highest release, the last cycle, the highest
    revision, a file that opens, one with the granule's own name (a reader refuses a wrong name), the largest (a whole
    granule before a subset), the first by path. Two files are the same granule if product, orbit and region agree
    (ATL14/15: region and resolution, image pairs: both images), whatever their release.

    Parameters
    ----------
    table : granule table
    notes : list that remarks are added to
    """
    order = table.assign(
        same=_identity(table),
        final=~quick_looks.are(table["file_name"]),
        opens=~_broken(table),
        named=[
            str(name).rsplit(".", 1)[0] in str(url) for name, url in zip(table["file_name"], table["url"], strict=True)
        ],
        # Releases 200 to 299 date from about the launch, and every later one replaces them.
        release=table["version"].fillna("").where(~table["version"].fillna("").str.match(r"2\d\d$"), "000"),
        last_cycle=pd.to_numeric(_column(table, "cycle_end"), errors="coerce").fillna(0),
        rank=table["revision"].fillna(""),
        size=table["size_bytes"].fillna(0),
    ).sort_values(["same", *_BETTER, "url"], ascending=[True, *[False] * len(_BETTER), True], kind="stable")
    chosen = order.drop_duplicates("same").set_index("same")
    for row in order[order.duplicated("same")].to_dict("records"):
        used = chosen.loc[row["same"]]
        why = next((words for key, words in _BETTER.items() if row[key] != used[key]), "is the first copy")
        notes.append(f"{row['url']}: set aside for {used['url']}, which {why}")
    return order.drop_duplicates("same")[table.columns]


def _identity(table):
    """
    Return a text for each file that is equal for files of the same granule.

    It is the granule id if a part is unknown.
    """
    part_names = dict.fromkeys(part for product in PRODUCTS.values() for part in product.identity)
    columns = ["product", *part_names, "granule_id"]
    keys = []
    for granule in table.reindex(columns=columns).itertuples(index=False):
        parts = product_row(granule.product).identity
        if not parts:  # an image pair: its images
            keys.append(granule.granule_id.rsplit("_G", 1)[0])
        elif any(pd.isna(getattr(granule, name)) for name in parts[:2]):  # only sea ice has a hemisphere
            keys.append(granule.granule_id)
        else:
            keys.append(" ".join(str(part) for part in (granule.product, *(getattr(granule, name) for name in parts))))
    return keys


def _broken(table):
    """Return which files could not be opened."""
    return table["broken"].to_numpy(dtype=bool) if "broken" in table else np.zeros(len(table), dtype=bool)


def _column(table, name) -> Any:
    """Return a column, or missing values if the table does not have it."""
    return table[name] if name in table else pd.Series(pd.NA, index=table.index, dtype="object")


def _matches(values, allowed):
    """Return whether each value is one of those allowed, or unknown."""
    if not allowed:
        return np.ones(len(values), dtype=bool)
    return (values.isin(list(allowed)) | values.isna()).to_numpy(dtype=bool)


def _of_release(values, wanted):
    """Return whether each release is the one wanted, a part of it (02.1 of 02), or unknown."""
    if not wanted:
        return np.ones(len(values), dtype=bool)
    inside = values.eq(wanted) | values.fillna("").str.startswith(f"{wanted}.")
    return (inside | values.isna()).to_numpy(dtype=bool)


def _touches_cycles(table, cycles):
    """Return which granules hold one of the cycles, or an unknown one."""
    if not cycles:
        return np.ones(len(table), dtype=bool)
    first = pd.to_numeric(table["cycle"])
    last = pd.to_numeric(_column(table, "cycle_end"), errors="coerce").fillna(first)
    touched = [(first <= cycle) & (last >= cycle) for cycle in cycles]
    return (np.logical_or.reduce([t.fillna(True).to_numpy(dtype=bool) for t in touched])).astype(bool)


def _month(time):
    """Return the months of times, 1 to 12."""
    return time.astype("datetime64[M]").astype(int) % 12 + 1


def _note(notes, rows, text):
    """Add a remark on rows, if there are any."""
    if len(rows):
        names = ", ".join(rows["file_name"].head(_SHOWN))
        notes.append(f"{len(rows)} granules {text} ({names}{', ...' if len(rows) > _SHOWN else ''})")
