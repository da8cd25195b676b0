"""Image pairs chosen by what their names and the catalogue tell, and their coverage by year: nothing is fetched yet."""

from __future__ import annotations

from typing import Any

import pandas as pd

from nunatak import granules
from nunatak.parameters.velocity import PairSelection
from nunatak.products.itslive.scenes import processing_date
from nunatak.products.itslive.selection import (
    cap_per_year,
    duplicates,
    month_numbers,
    reject,
    season_start,
    season_year,
)

_DATE = "datetime64[ns]"
_NAMED: dict[str, Any] = {
    "granule_id": object,
    "file_name": object,
    "version": "int64",
    "mid_date": _DATE,
    "acquisition_date_img1": _DATE,
    "acquisition_date_img2": _DATE,
    "date_dt": "float64",
    "roi_valid_percentage": "float64",
    "id_img1": object,
    "id_img2": object,
    "platform": object,
    "group": object,
    "geometry": object,
    "path_row_img1": object,
    "path_row_img2": object,
    "image_key": object,
    "processed": object,
}


def pairs_from_names(table):
    """
    Derive the columns a selection looks at from granule names alone, before anything is fetched.

    Parameters
    ----------
    table : granule table with `file_name`

    Returns
    -------
    DataFrame on the table's index: `granule_id, file_name, version, mid_date, acquisition_date_img1/2, date_dt,
    roi_valid_percentage, id_img1/2, platform, group, geometry, path_row_img1/2, image_key, processed`
    """
    out = pd.DataFrame([_from_name(name) for name in table["file_name"]], index=table.index, columns=list(_NAMED))
    return out.astype(_NAMED)


_FATES = ("duplicate", "crs", "failed", "empty", "outside")


def _from_name(name):
    pair = granules.parse(name)
    frames = pair.frame_img1 or "", pair.frame_img2 or ""
    dates, platforms = (
        (pair.acquisition_date_img1, pair.acquisition_date_img2),
        (pair.platform_img1, pair.platform_img2),
    )
    return {
        "granule_id": pair.granule_id,
        "file_name": name,
        "version": int(pair.version or 0),
        "mid_date": pair.mid_date,
        "acquisition_date_img1": dates[0],
        "acquisition_date_img2": dates[1],
        "date_dt": pair.date_dt,
        "roi_valid_percentage": float(pair.percent_valid or 0),
        "id_img1": pair.img1,
        "id_img2": pair.img2,
        "platform": platforms[0],
        "group": granules.group_of(*platforms),
        "geometry": granules.same_frame(*frames),
        "path_row_img1": frames[0],
        "path_row_img2": frames[1],
        "image_key": "/".join(f"{p} {d!s} {f}" for p, d, f in zip(platforms, dates, frames, strict=True)),
        "processed": "/".join(processing_date(image) for image in (pair.img1, pair.img2)),
    }


def select_names(table, selection):
    """
    Choose among a search's granules by what their names and the catalogue tell, before any is fetched.

    All keys act that a name answers, in the order they act when a cube is built: older processings of the same two
    images go first, then the keys of one pair, then the projection where the catalogue tells it (`epsg`), then
    `max_per_year`; the last not where `percent_valid_in_region` is asked, which only reading tells.

    Parameters
    ----------
    table : granule table
    selection : PairSelection

    Returns
    -------
    Series of str on the table's index: empty where a granule is wanted, else the reason
    """
    return _reasons(pairs_from_names(table), selection, table.get("epsg"))


def _reasons(pairs, selection, epsg=None):
    why = pd.Series("", index=pairs.index, dtype=object)
    if not len(pairs):
        return why
    # names without a frame do not tell neighbours of one pass apart: reading does
    place = pd.Series(range(len(pairs)), index=pairs.index)
    older = duplicates(pairs.assign(x0=place, y0=place, path=pairs["file_name"]))
    why[older.index] = older
    why = why.where(why != "", reject(pairs, selection, by_name=True))
    if epsg is not None and selection.projections == "majority":
        known = (why == "") & epsg.notna()
        if known.any():
            most = epsg[known].value_counts().sort_index().idxmax()
            told = epsg.fillna(0).map(lambda code: f"crs: EPSG:{int(code)}, most pairs have EPSG:{most}")
            why = why.where(~(known & (epsg != most).fillna(False)), told)
    if selection.percent_valid_in_region == 0:
        late = cap_per_year(pairs[why == ""].assign(order=range(int((why == "").sum()))), selection)
        why[late.index] = late
    return why


def left_out_pairs(table):
    """
    Return rows of pairs.parquet for granules that were never read.

    Parameters
    ----------
    table : DataFrame with `file_name` and `why`, which begins with the fate or else with a key of the selection

    Returns
    -------
    DataFrame with the columns of `pairs_from_names`, `fate` and `why`
    """
    fates = table["why"].str.split(":").str[0].where(lambda word: word.isin(_FATES), "filter")
    return pairs_from_names(table).assign(fate=fates, why=table["why"])


def coverage(table, selection=None, *, years=None):
    """
    Count pairs by year, before anything is fetched: how many there are, how many the selection keeps.

    Parameters
    ----------
    table : granule table
    selection : PairSelection
    years : first and last year to tell of; those of the pairs where not given

    Returns
    -------
    DataFrame with `year` (season year when the months run across the New Year), `available`, `selected`,
    `percent_valid_median`, every year from the first to the last, also those without pairs
    """
    selection = selection or PairSelection()
    pairs = pairs_from_names(table)
    start = season_start(month_numbers(selection.months or ()))
    year = season_year(pairs["mid_date"].to_numpy(), start)
    if years is None and not len(pairs):
        return pd.DataFrame(columns=["year", "available", "selected", "percent_valid_median"])
    first, last = years or (year.min(), year.max())
    kept = _reasons(pairs, selection, table.get("epsg")) == ""
    told = pd.DataFrame({"year": year, "selected": kept.to_numpy(), "share": pairs["roi_valid_percentage"].to_numpy()})
    grouped = told.groupby("year")
    out = pd.DataFrame(
        {
            "available": grouped.size(),
            "selected": grouped["selected"].sum(),
            "percent_valid_median": grouped["share"].median(),
        }
    ).reindex(range(min(first, *set(year)), max(last, *set(year)) + 1))
    out[["available", "selected"]] = out[["available", "selected"]].fillna(0).astype(int)
    return out.rename_axis("year").reset_index()
