"""Say what lies over a region before an archive is asked: reference tracks, passes, granules and their size."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nunatak.archives.plan import RATE
from nunatak.explorer import drawn, sheet
from nunatak.geometry.reference_tracks import PAIR_SPACING, delta_time_at, ground_point, in_data_gap, passes
from nunatak.geometry.region import Region
from nunatak.granules.products import PRODUCTS, granules_of, product_row
from nunatak.runtime import NunatakError
from nunatak.times import cycle_at, delta_time_to_utc

_MARGIN = 0.1  # degrees around a region in which tracks are looked for, more than the outer beams are away
_POINTS = 300_000  # along all tracks of a region; a wider region is looked at in longer steps
_FIRST_DAY = np.datetime64("2018-10-13", "ns")  # of the first granules
_DRAWN = 400  # tracks that are sent to the page
_NAME = re.compile(r"_(\d{4})(\d{2})(\d{2})_\d{3}_\d{2}\.h5$")  # RGT, cycle and region of a granule along the track


def of_choices(question: Mapping[str, Any], *, folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """
    Say what lies over the region of a study as far as it is chosen, without a question to any archive.

    Name, title and products may still be missing. Without products those along tracks are all counted.

    Parameters
    ----------
    question : the page's choices, as `sheet.study_of` takes them, and `crs` of the map
    folder : of the workflow
    settings : keys of config/config.yaml

    Returns
    -------
    mapping of `tracks` (how many), `lines` (on the map), `passes` (by year) and `products`, as `expected` returns them;
    or of `lacking`, the key that must be given first and what is wrong with it
    """
    made, wrong = sheet.study_of(question)
    for key in ("region", "period"):
        faults = [said for where, said in wrong if where.partition(".")[0] == key]
        if faults or key not in made:
            return {"lacking": [key, faults[0] if faults else "missing; add this key"]}
    chosen = {name: made["products"][name] for name in along_tracks() if name in made["products"]}
    draft = {**made, "title": "draft", "archive": made.get("archive", "earthdata"), "products": {"atl15": {}}}
    areas = ("title", "archive", "directory", "region", "altimetry_region", "period", "products")
    text = sheet.text_of({key: draft[key] for key in areas if key in draft}, areas={})
    try:
        found = sheet.loaded(text, "draft", settings=settings)
    except NunatakError as error:
        return {"lacking": ["study", str(error).rpartition("draft.yaml: ")[2]]}
    tracks = crossings(found.altimetry_region or found.region)
    end = min(np.datetime64(found.period.end, "ns"), np.datetime64("now", "ns"))
    over = flown(tracks, found.period.start, end, found.period.months)
    originals = Path(folder) / found.resources / "archive" / found.archive
    return {
        "tracks": int(tracks["rgt"].nunique()),
        "lines": lines(tracks, question["crs"]) if drawn.is_map(question.get("crs")) else [],
        "passes": _by_year(over),
        "products": expected(over, chosen or dict.fromkeys(along_tracks()), originals),
    }


def crossings(outline: Region) -> pd.DataFrame:
    """
    Find the reference tracks over a region, with the outer pairs of beams 3.2 km beside them.

    Parameters
    ----------
    outline : the region

    Returns
    -------
    table with `rgt`, `region_number` (of the granules), `x_atc` (m along the track, in the middle) and `lonlat`, a list
    of arrays (n, 2) of the parts of the reference track inside the region, sorted by rgt
    """
    near = passes(outline.bounds, margin=_MARGIN)
    step = 10 * max(1, sum(part.last - part.first for part in near) // 10 // _POINTS)
    rows = []
    for part in near:
        x_atc = np.arange(part.first - 1, part.last, step) * 20.0
        aside = {y: ground_point(part.rgt, x_atc, np.full(x_atc.size, y)) for y in (-PAIR_SPACING, 0.0, PAIR_SPACING)}
        inside = {y: outline.contains(lon, lat) for y, (lon, lat, _) in aside.items()}
        over = np.any(list(inside.values()), axis=0)
        if over.any():
            lon, lat, _ = aside[0.0]
            line = np.column_stack([lon, lat])
            rows.append((part.rgt, part.region_number, float(np.median(x_atc[over])), _runs(line, inside[0.0])))
    return pd.DataFrame(rows, columns=["rgt", "region_number", "x_atc", "lonlat"])


def flown(tracks: pd.DataFrame, start: Any, end: Any, months: Any = None) -> pd.DataFrame:
    """
    List the passes over a region in a period: every track once in each cycle, but for times without data.

    Parameters
    ----------
    tracks : table of `crossings`
    start, end : of the period, the end not in it
    months : numbers of the months that count (default: None, all)

    Returns
    -------
    table with `rgt`, `region_number`, `cycle` and `time`
    """
    start = max(np.datetime64(start, "ns"), _FIRST_DAY)
    end = np.datetime64(end, "ns")
    if tracks.empty or end <= start:
        return pd.DataFrame({"rgt": [], "region_number": [], "cycle": [], "time": np.array([], dtype="datetime64[ns]")})
    first, last = (int(cycle) for cycle in cycle_at(np.array([start, end])))
    cycles = np.arange(max(first - 1, 1), last + 2)
    every = tracks[["rgt", "region_number", "x_atc"]].merge(pd.DataFrame({"cycle": cycles}), how="cross")
    seconds = delta_time_at(every["rgt"].to_numpy(), every["cycle"].to_numpy(), every["x_atc"].to_numpy())
    every["time"] = delta_time_to_utc(seconds)
    time = every["time"].to_numpy()
    counts = (time >= start) & (time < end) & ~in_data_gap(time)
    if months:
        counts &= every["time"].dt.month.isin(list(months)).to_numpy()
    return every.loc[counts, ["rgt", "region_number", "cycle", "time"]].reset_index(drop=True)


def expected(found: pd.DataFrame, products: dict[str, Any], originals: str | Path) -> list[dict[str, Any]]:
    """
    Count the granules that the passes of a study mean for each product along tracks.

    Parameters
    ----------
    found : table of `flown`
    products : mapping of product to its settings, with `rgt` and `cycles` where the study chooses
    originals : folder of the originals, with a folder for each product

    Returns
    -------
    list of mappings: `name`, `granules`, `bytes` (of typical granules, None where no size is known), `minutes` at the
    plan's rate, `here` (granules of these tracks and cycles that are in the folder), `years` (granules by year)
    """
    rows = []
    for name, settings in products.items():
        row = product_row(granules_of(name, (settings or {}).get("source")))
        if row.bucket != "cycle":
            continue
        wanted = found
        for key, column in (("rgt", "rgt"), ("cycles", "cycle")):
            chosen = (settings or {}).get(key)
            numbers = [chosen] if isinstance(chosen, int) else chosen if isinstance(chosen, list) else []
            wanted = wanted[wanted[column].isin(numbers)] if numbers else wanted
        names = set(wanted[["rgt", "cycle", "region_number"]].itertuples(index=False, name=None))
        size = int(len(names) * row.typical_bytes) if row.typical_bytes else None
        rows.append(
            {
                "name": name,
                "granules": len(names),
                "bytes": size,
                "minutes": None if size is None else round(size / RATE / 60, 1),
                "here": len(names & _present(Path(originals) / row.name)),
                "years": _by_year(wanted.drop_duplicates(["rgt", "cycle", "region_number"])),
            }
        )
    return rows


def along_tracks() -> list[str]:
    """List the products whose granules follow from the tracks and the cycles."""
    return [name for name in PRODUCTS if product_row(granules_of(name)).bucket == "cycle"]


def lines(tracks: pd.DataFrame, crs: str) -> list[list[list[float]]]:
    """
    Return the parts of the tracks inside a region as lines on one of the maps, at most those of 400 tracks.

    Parameters
    ----------
    tracks : table of `crossings`
    crs : of the map, as `drawn.is_map` takes it
    """
    told = [run[:: max(1, len(run) // 40)] for runs in tracks["lonlat"].head(_DRAWN) for run in runs]
    return [drawn.placed(run, crs) for run in told if len(run) > 1]


def _by_year(found):
    """Return how many passes there are in each year."""
    years = found["time"].dt.year.value_counts().sort_index()
    return {str(year): int(count) for year, count in years.items()}


def _runs(line, inside):
    """Return the parts of a line whose points lie inside."""
    index = np.flatnonzero(inside)
    return [line[part] for part in np.split(index, np.flatnonzero(np.diff(index) > 1) + 1) if len(part) > 1]


def _present(folder):
    """Return RGT, cycle and region of the granules in a folder."""
    names = (_NAME.search(path.name) for path in folder.glob("*.h5"))
    return {tuple(int(number) for number in name.groups()) for name in names if name}
