"""Find the ground tracks that cross a box or come near a point, with times and distances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyproj

from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    from nunatak.geometry.region import Region

ASCENDING, DESCENDING = "ascending", "descending"
_UNITS = {"nearest": "m", "nearest_longitude": "degrees_east", "nearest_latitude": "degrees_north", "length": "m"}
_GEOD = pyproj.Geod(ellps="WGS84")


def directions(table: pd.DataFrame, *, beam: str = "beam", along: str = "segment_id") -> np.ndarray:
    """
    Return whether each row lies on the ascending or the descending part of its track.

    Numbers grow in the direction of flight, so the sign of the latitude's change along them decides. A granule of
    region 4 or 11 holds both parts and is split at its extreme latitude.

    Parameters
    ----------
    table : DataFrame with rgt, cycle, `beam`, `along`, latitude, in any order
    beam, along : columns of the ground track and of the number that grows along it

    Returns
    -------
    (n,) bool array, True where the track ascends. A single row of a pass counts as ascending
    """
    run = table.groupby(["rgt", "cycle", beam], observed=True, sort=False).ngroup().to_numpy()
    number, latitude = table[along].to_numpy("i8"), table["latitude"].to_numpy("f8")
    order = np.lexsort((number, run))
    up = np.ones(order.size, dtype=bool)
    if order.size > 1:
        step = np.diff(latitude[order]) > 0
        joined = np.diff(run[order]) == 0
        up[:-1][joined] = step[joined]
        last = np.append(~joined, True)
        # The last row of a run has the direction of the one before it.
        before = np.flatnonzero(last[1:]) + 1
        before = before[joined[before - 1]]
        up[before] = up[before - 1]
    result = np.empty(order.size, dtype=bool)
    result[order] = up
    return result


def tracks(
    table: pd.DataFrame,
    *,
    inside: Region | None = None,
    point: Sequence[float] | None = None,
    within: float | None = None,
    beam: str = "beam",
    along: str = "segment_id",
    step: float = 20.0,
) -> pd.DataFrame:
    """
    Return every track and beam of a table that crosses an area or comes near a point.

    Parameters
    ----------
    table : DataFrame with rgt, cycle, `beam`, `along`, longitude, latitude, time
    inside : Region that a track must touch. Default: any
    point : (longitude, latitude) from which the nearest approach is measured. Default: none
    within : m, largest distance of a track from the point, whether it touches the area or not. Default: any
    beam, along : columns of the ground track and of the number that grows along it
    step : m of x_atc between numbers along the track. Default: 20

    Returns
    -------
    DataFrame, one row per rgt, beam and direction: direction, n (rows), n_inside, cycles ("3 7 11"), n_cycles,
        time_first, time_last, length (m seen in the best cycle), and, with a point, nearest (m, on the ellipsoid) with
        its longitude and latitude; those nearest first, else by rgt
    """
    if within is not None and point is None:
        raise NunatakError("tracks: `within` is measured from a point; give its longitude and latitude too")
    table = table.reset_index(drop=True).assign(
        direction=np.where(directions(table, beam=beam, along=along), ASCENDING, DESCENDING),
        _inside=inside.contains(table["longitude"], table["latitude"]) if inside is not None else True,
    )
    if point is not None:
        table["_distance"] = distances(table["longitude"], table["latitude"], point)
    rows = [
        {"rgt": rgt, beam: str(name), "direction": direction, **_summary(part, point is not None, step)}
        for (rgt, name, direction), part in table.groupby(["rgt", beam, "direction"], observed=True)
    ]
    columns = ["rgt", beam, "direction", "n", "n_inside", "cycles", "n_cycles", "time_first", "time_last", "length"]
    columns += ["nearest", "nearest_longitude", "nearest_latitude"] if point is not None else []
    rows_near = pd.DataFrame(rows, columns=columns)
    touches = rows_near["n_inside"] > 0
    if within is not None:
        touches = (touches if inside is not None else False) | (rows_near["nearest"] <= within)
    rows_near = rows_near[touches].sort_values(
        ["nearest", "rgt"] if point is not None else ["rgt", beam], kind="stable"
    )
    rows_near = rows_near.reset_index(drop=True)
    rows_near.attrs["units"] = {name: unit for name, unit in _UNITS.items() if name in rows_near}
    return rows_near


def most_changed(
    heights: pd.DataFrame,
    *,
    inside: Region | None = None,
    rgts: Iterable[int] | None = None,
    height: str = "h_corr",
    beam: str = "pair",
    along: str = "ref_pt",
) -> tuple[int, str] | None:
    """
    Return the track with the largest change, by the median over its points of the range of heights.

    Among tracks of equal change, such as those of a single cycle, the one with most rows is taken.

    Parameters
    ----------
    heights : DataFrame with rgt, `beam`, `along`, `height` (m), longitude, latitude, already filtered
    inside : Region to search, ignored if nothing lies inside. Default: everywhere
    rgts : tracks to choose from, ignored if none is in the table. Default: all
    height, beam, along : columns. Default: those of ATL11, its pairs and reference points. For ATL06 h_li, beam,
        segment_id

    Returns
    -------
    (rgt, pair or beam), or None for a table without rows
    """
    if inside is not None:
        within = inside.contains(heights["longitude"], heights["latitude"])
        heights = heights[within] if within.any() else heights
    if rgts is not None:
        chosen = heights["rgt"].isin(list(rgts))
        heights = heights[chosen] if chosen.any() else heights
    if not len(heights):
        return None
    points = heights.groupby(["rgt", beam, along], observed=True)[height]
    ranges = pd.DataFrame({"change": points.max() - points.min(), "n": points.size()})
    seen = ranges.groupby(["rgt", beam], observed=True).agg({"change": "median", "n": "sum"})
    rgt, name = seen.sort_values(["change", "n"], ascending=False, kind="stable").index[0]
    return int(rgt), str(name)


def along_track(
    table: pd.DataFrame, product: str, *, height: str, beam: str, along: str, good: np.ndarray, step: float = 20.0
) -> pd.DataFrame:
    """
    Return the rows of one track in one form for ATL06 and ATL11, for profiles and track maps.

    Parameters
    ----------
    table : DataFrame of one track with `along`, `beam`, cycle, time, longitude, latitude, x, y, `height`
    product : its name
    height, beam, along : columns of heights, of the ground track and of the number that grows along it
    good : (n,) bool array, rows that pass the study's filter
    step : m of x_atc between numbers. Default: 20

    Returns
    -------
    DataFrame: product, rgt, beam, cycle, number, x_atc (m, (number - 1) times step where the table has none), time,
        longitude, latitude, x, y, h, h_sigma (m), good
    """
    number = table[along].to_numpy("i8")
    rows = table[["rgt", "cycle", "time", "longitude", "latitude", "x", "y"]].assign(
        product=product,
        beam=table[beam].astype(str).to_numpy(),
        number=number,
        x_atc=(number - 1) * step,
        h=table[height].to_numpy("f8"),
        h_sigma=table[f"{height}_sigma"].to_numpy("f8"),
        good=np.asarray(good),
    )
    order = [
        "product",
        "rgt",
        "beam",
        "cycle",
        "number",
        "x_atc",
        "time",
        "longitude",
        "latitude",
        "x",
        "y",
        "h",
        "h_sigma",
        "good",
    ]
    rows = rows.sort_values(["product", "beam", "cycle", "number"], kind="stable")[order].reset_index(drop=True)
    rows.attrs["units"] = {
        "x_atc": "m",
        "longitude": "degrees_east",
        "latitude": "degrees_north",
        "x": "m",
        "y": "m",
        "h": "m",
        "h_sigma": "m",
        "time": "UTC",
    }
    return rows


def distances(longitude: Any, latitude: Any, point: Sequence[float]) -> np.ndarray:
    """
    Return the distances of points from one point on the WGS84 ellipsoid, m, also at the pole and across 180.

    Parameters
    ----------
    longitude, latitude : (n,) degrees
    point : (longitude, latitude), degrees
    """
    longitude, latitude = np.asarray(longitude, dtype="f8"), np.asarray(latitude, dtype="f8")
    lon, lat = np.broadcast_to(float(point[0]), longitude.shape), np.broadcast_to(float(point[1]), latitude.shape)
    return _GEOD.inv(longitude, latitude, lon, lat)[2]


def _summary(part, measured, step):
    """Return counts, times, length and nearest approach of one track."""
    cycles = np.unique(part["cycle"])
    row = {
        "n": len(part),
        "n_inside": int(part["_inside"].sum()),
        "cycles": " ".join(map(str, cycles)),
        "n_cycles": cycles.size,
        "time_first": part["time"].min(),
        "time_last": part["time"].max(),
        "length": step * part.groupby("cycle").size().max(),
    }
    if measured:
        nearest = part.loc[part["_distance"].idxmin()]
        row |= {
            "nearest": nearest["_distance"],
            "nearest_longitude": nearest["longitude"],
            "nearest_latitude": nearest["latitude"],
        }
    return row
