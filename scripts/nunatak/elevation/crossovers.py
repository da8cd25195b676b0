"""Compute height differences where tracks cross, from two measurements with different passes and lasers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nunatak.compute.robust import in_classes, nmad
from nunatak.constants import SIGMA_PASS
from nunatak.elevation.intersections import intersections
from nunatak.runtime import NunatakError

DAY = np.timedelta64(86400, "s")
NOISE_DAYS = 10.0  # differences within so many days show errors, not change
_EDGES = (0.0, NOISE_DAYS, 45.5, *(91.0 * k + 45.5 for k in range(1, 40)))  # days, then the repeats of 91 days
_FEWEST = 5  # fewest crossovers of two passes to estimate their shared error
_BOTH = ("rgt", "cycle", "beam", "time", "h", "h_sigma", "h_sigma_systematic")
_PASSES = ("rgt_1", "cycle_1", "rgt_2", "cycle_2")
_UNITS = {
    "x": "m",
    "y": "m",
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    "dh": "m",
    "dh_sigma": "m",
    "dh_sigma_own": "m",
    "dh_sigma_common": "m",
    "dh_common": "m",
    "dt_days": "days",
    **{f"{name}_{k}": "m" for name in _BOTH[4:] for k in "12"},
    "time_1": "UTC",
    "time_2": "UTC",
}


def crossovers(
    table: pd.DataFrame,
    *,
    height: str = "h_li",
    beam: str = "beam",
    along: str = "segment_id",
    step: float = 20.0,
    max_gap: float = 100.0,
    correlation: float = 0.5,
) -> pd.DataFrame:
    """
    Find every crossing of two tracks of a table, and return both heights there.

    Heights are interpolated linearly along each track between the two rows that enclose the crossing.

    Parameters
    ----------
    table : DataFrame of rows along tracks, already filtered, in any order: rgt, cycle, `beam`, `along`, x, y (m, one
        map for all), latitude, longitude, time, `height`, `<height>_sigma` (m) and optionally sigma_systematic (m, the
        error that a pass shares, else 0.03 m) and release
    height : column of heights. Default: h_li
    beam, along : columns of the ground track and of the number that grows along it. Default: beam and segment_id
    step, max_gap : m of x_atc between numbers, and longest gap that is interpolated. Default: 20 and 100
    correlation : correlation of the errors of successive numbers. Default: 0.5, as ATL06 segments share half their
        photons. Use 0 for ATL11

    Returns
    -------
    DataFrame, one row per crossing, `_1` the earlier pass and `_2` the later:
        x, y, latitude, longitude; rgt, cycle, beam, time, h, h_sigma, h_sigma_systematic, release of both
        dt_days, dh = h_2 - h_1 (m)
        dh_sigma_own (m, of the two heights alone), dh_sigma_common (m, of what each pass shares), dh_sigma (both)
        dh_common : m, median of the other crossovers of the same two passes: change and what the passes share; NaN for
        fewer than five
        z = dh / dh_sigma, z_own = (dh - dh_common) over dh_sigma_own and the error of the median

    Notes
    -----
    The error of a pass is one error, however many tracks cross it. Only the difference from dh_common tests the errors
    of single heights, and only `common_differences` tests those of passes.

    Passes of one reference track run side by side and are not crossed with each other.
    """
    _check(table, height, beam, along)
    rows = table.sort_values(["rgt", "cycle", beam, along], kind="stable")
    rows = rows[np.isfinite(rows[height]) & (rows[f"{height}_sigma"] > 0)]
    number = rows[along].to_numpy("i8")
    run = rows.groupby(["rgt", "cycle", beam], observed=True, sort=False).ngroup().to_numpy()
    gap = np.diff(number)
    link = (np.diff(run) == 0) & (gap > 0) & (gap * step <= max_gap)
    i, j, u, v = intersections(rows["x"].to_numpy("f8"), rows["y"].to_numpy("f8"), link, rows["rgt"].to_numpy())
    shared = np.append(np.where(gap == gap[gap > 0].min(initial=1), correlation, 0.0), 0.0)
    sides = [_at(rows, index, share, shared, height, beam) for index, share in ((i, u), (j, v))]
    return _differences(*sides)


def reference_crossovers(heights: pd.DataFrame, crossings: pd.DataFrame) -> pd.DataFrame:
    """
    Compare ATL11 with the tracks that cross it, each cycle of the reference track with each of the crossing one.

    Parameters
    ----------
    heights : DataFrame as `products.atl11.read_heights` returns it, with x, y, already filtered
    crossings : DataFrame as `products.atl11_crossings.read_crossings` returns it, already filtered

    Returns
    -------
    DataFrame as `crossovers` returns it. Of the neighbouring points at one crossing of two passes, the one with the
        smallest h_corr_sigma is taken (as SmithB/ATL1415:ATL1415/read_ATL11.py does)

    Notes
    -----
    The product has moved the crossing track's heights to the reference point along its reference surface, so the two
    are compared at the point itself. Interpolating along the track again would add the slope's error. If both tracks
    are in `heights`, the crossing is in both files, and that of the lower RGT is kept.
    """
    own = set(heights["rgt"].unique())
    once = ~crossings["rgt_crossing"].isin(own) | (crossings["rgt"] < crossings["rgt_crossing"])
    usable = once & np.isfinite(crossings["h_corr"]) & (crossings["h_corr_sigma"] > 0)
    keys = ["rgt", "pair", "ref_pt"]
    both = heights.merge(crossings[usable], on=keys, suffixes=("", "_crossing"))
    both = both[np.isfinite(both["h_corr"]) & (both["h_corr_sigma"] > 0)]
    same = ["rgt", "pair", "cycle", "rgt_crossing", "spot", "cycle_crossing"]
    error = np.hypot(both["h_corr_sigma"], both["h_corr_sigma_crossing"])
    both = both.loc[error.sort_values(kind="stable").index].drop_duplicates(same).sort_values([*same, "ref_pt"])
    place = both[["x", "y", "latitude", "longitude"]].reset_index(drop=True)
    sides = []
    for end, names in (("", {"beam": "pair", "rgt": "rgt"}), ("_crossing", {"beam": "spot", "rgt": "rgt_crossing"})):
        side = place.assign(
            rgt=both[names["rgt"]].to_numpy(),
            cycle=both[f"cycle{end}"].to_numpy(),
            beam=[f"spot{b}" if end else str(b) for b in both[names["beam"]]],
            time=both[f"time{end}"].to_numpy(),
            h=both[f"h_corr{end}"].to_numpy("f8"),
            h_sigma=both[f"h_corr_sigma{end}"].to_numpy("f8"),
            h_sigma_systematic=SIGMA_PASS,
            **_release(both),  # heights of crossing tracks are in the same granule
        )
        sides.append(side)
    return _differences(*sides)


def summarise(table: pd.DataFrame, *, edges: Sequence[float] = _EDGES) -> pd.DataFrame:
    """
    Summarise crossovers by the time between the passes.

    The first bin shows the noise, the others the change.

    Parameters
    ----------
    table : crossovers
    edges : days, ascending. Default: 0, 10, 45.5 and then every 91 days

    Returns
    -------
    DataFrame, one row per bin with a crossover: days_low, days_high, n, median_days, median (m), nmad (m, 1.4826 x
        median absolute deviation), nmad_z (about 1 if the stated errors are correct (within days), more where the
        surface moved), nmad_z_own (the same for the errors that two passes do not share)
    """
    rows = []
    for low, high, inside in in_classes(table["dt_days"].to_numpy(), edges):
        part = table[inside]
        rows.append(
            {
                "days_low": low,
                "days_high": high,
                "n": len(part),
                "median_days": part["dt_days"].median(),
                "median": part["dh"].median(),
                "nmad": nmad(part["dh"]),
                "nmad_z": nmad(part["z"]),
                "nmad_z_own": nmad(part["z_own"]),
            }
        )
    columns = ["days_low", "days_high", "n", "median_days", "median", "nmad", "nmad_z", "nmad_z_own"]
    found = pd.DataFrame(rows, columns=columns)
    found.attrs["units"] = {"days_low": "days", "days_high": "days", "median_days": "days", "median": "m", "nmad": "m"}
    return found


def common_differences(table: pd.DataFrame, *, max_days: float = NOISE_DAYS) -> pd.DataFrame:
    """
    Return the common difference of two passes, for every two passes with at least five crossovers.

    Parameters
    ----------
    table : crossovers
    max_days : longest time between the passes, within which the surface is taken as constant. Default: 10

    Returns
    -------
    DataFrame by rgt_1, cycle_1, rgt_2, cycle_2: n, median (m), sigma (m, from the errors that each pass shares and the
        error of the median), z = median / sigma, of the order of 1 if the shared errors are as stated
    """
    near = table[(table["dt_days"] < max_days) & np.isfinite(table["dh"])]
    groups = near.groupby(list(_PASSES))
    found = groups.agg(
        n=("dh", "size"), median=("dh", "median"), own=("dh_sigma_own", "median"), common=("dh_sigma_common", "median")
    ).reset_index()
    found = found[found["n"] >= _FEWEST].reset_index(drop=True)
    # The error of a median is 1.25 times that of a mean.
    found["sigma"] = np.hypot(found.pop("common"), np.sqrt(np.pi / 2 / found["n"]) * found.pop("own"))
    found["z"] = found["median"] / found["sigma"]
    found.attrs["units"] = {"median": "m", "sigma": "m"}
    return found


def two_releases(table: pd.DataFrame) -> np.ndarray:
    """
    Return which crossovers have passes of two releases.

    Parameters
    ----------
    table : crossovers with release_1 and release_2

    Returns
    -------
    (n,) bool, False if a release is unknown
    """
    first, second = table["release_1"], table["release_2"]
    return ((first != second) & (first != "") & (second != "")).to_numpy()


def _at(rows, index, share, shared, height, beam):
    """Return the track's values between row `index` and the next, for one side of the crossings."""
    low, high = rows.iloc[index], rows.iloc[index + 1]

    def between(name):
        a, b = low[name].to_numpy("f8"), high[name].to_numpy("f8")
        return a + share * (b - a)

    s0, s1 = low[f"{height}_sigma"].to_numpy("f8"), high[f"{height}_sigma"].to_numpy("f8")
    variance = (1 - share) ** 2 * s0**2 + share**2 * s1**2 + 2 * share * (1 - share) * shared[index] * s0 * s1
    t0, t1 = low["time"].to_numpy(), high["time"].to_numpy()
    # The difference of longitude is taken the shorter way round.
    turn = (high["longitude"].to_numpy("f8") - low["longitude"].to_numpy("f8") + 180.0) % 360.0 - 180.0
    longitude = (low["longitude"].to_numpy("f8") + share * turn + 180.0) % 360.0 - 180.0
    systematic = low["sigma_systematic"].to_numpy("f8") if "sigma_systematic" in low else np.full(index.size, np.nan)
    return pd.DataFrame(
        {
            "x": between("x"),
            "y": between("y"),
            "latitude": between("latitude"),
            "longitude": longitude,
            "rgt": low["rgt"].to_numpy(),
            "cycle": low["cycle"].to_numpy(),
            "beam": low[beam].astype(str).to_numpy(),
            "time": t0 + ((t1 - t0) * share).astype("timedelta64[ns]"),
            "h": between(height),
            "h_sigma": np.sqrt(variance),
            "h_sigma_systematic": np.where(np.isfinite(systematic), systematic, SIGMA_PASS),
            **_release(low),
        }
    )


def _release(rows):
    """Return the releases of the rows, if they have any."""
    return {"release": rows["release"].astype(str).to_numpy()} if "release" in rows else {}


def _differences(one, two):
    """Return both sides in the order of time, and their difference."""
    swap = (two["time"] < one["time"]).to_numpy()
    table = one[["x", "y", "latitude", "longitude"]].copy()
    for name in (*_BOTH, *(["release"] if "release" in one else [])):
        a, b = one[name].to_numpy(), two[name].to_numpy()
        table[f"{name}_1"], table[f"{name}_2"] = np.where(swap, b, a), np.where(swap, a, b)
    table["dt_days"] = (table["time_2"].to_numpy() - table["time_1"].to_numpy()) / DAY
    table["dh"] = table["h_2"] - table["h_1"]
    table["dh_sigma_own"] = np.hypot(table["h_sigma_1"], table["h_sigma_2"])
    table["dh_sigma_common"] = np.hypot(table["h_sigma_systematic_1"], table["h_sigma_systematic_2"])
    table["dh_sigma"] = np.hypot(table["dh_sigma_own"], table["dh_sigma_common"])
    table["dh_common"], n = _others(table)
    table["z"] = table["dh"] / table["dh_sigma"]
    # variance of a median of n normal values, accurate also for small n
    table["z_own"] = (
        (table["dh"] - table["dh_common"]) / table["dh_sigma_own"] / np.sqrt(1 + np.pi / (2 * n + np.pi - 2))
    )
    table = table.sort_values(["time_1", "time_2", "beam_1", "beam_2"], kind="stable").reset_index(drop=True)
    table.attrs["units"] = dict(_UNITS)
    return table


def _others(table):
    """Return the median and number of the other crossovers of the same two passes, NaN if there are too few."""
    dh = table["dh"].to_numpy("f8")
    median, number = np.full(dh.size, np.nan), np.full(dh.size, np.nan)
    for rows in table.groupby(list(_PASSES)).indices.values():
        rows = rows[np.isfinite(dh[rows])]
        n = rows.size
        if n < _FEWEST:
            continue
        order = np.argsort(dh[rows], kind="stable")
        s, rank = dh[rows][order], np.arange(n)
        h = (n - 1) // 2
        # Without the value itself, the values beside the middle move by one.
        low, high = (h, h) if n % 2 == 0 else (h - 1, h)
        values = 0.5 * (s[low + (rank <= low)] + s[high + (rank <= high)])
        median[rows[order]], number[rows[order]] = values, n - 1
    return median, number


def _check(table, height, beam, along):
    """Refuse a table that lacks a column."""
    needed = ("rgt", "cycle", beam, along, "x", "y", "latitude", "longitude", "time", height, f"{height}_sigma")
    absent = [name for name in needed if name not in table]
    if absent:
        raise NunatakError(f"crossovers: the table has no {', '.join(absent)}; read it with these variables")
