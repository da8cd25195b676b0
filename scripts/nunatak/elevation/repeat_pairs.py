"""Compute height differences between two cycles of one reference ground track, segment by segment."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from nunatak.compute.robust import nmad
from nunatak.constants import DAYS_PER_YEAR, UNALIGNED_CYCLES
from nunatak.parameters.tracks import RepeatPairs
from nunatak.runtime import NunatakError

_KEYS = ["rgt", "beam", "segment_id"]
_NEEDED = (*_KEYS, "cycle", "spot", "time", "latitude", "longitude", "y_atc", "h_li", "h_li_sigma", "dh_fit_dy")
_UNITS = {
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    "x_atc": "m",
    "y_atc_first": "m",
    "y_atc_second": "m",
    "time_first": "UTC",
    "time_second": "UTC",
    "h_li_first": "m",
    "h_li_second": "m",
    "dh_uncorrected": "m",
    "slope_correction": "m",
    "dh": "m",
    "dh_sigma": "m",
    "years": "yr",
    "dhdt": "m/yr",
}


def repeat_pairs(
    first: pd.DataFrame, second: pd.DataFrame, *, max_across: float = RepeatPairs.max_across
) -> pd.DataFrame:
    """
    Join two cycles of a track on ground track and segment, and difference their heights.

    The two passes lie some metres apart across the track. On a surface that slopes by dh_fit_dy towards growing y_atc
    the second pass is higher by dh_fit_dy (y2 - y1) without any change, which is taken out:

        dh_uncorrected = h2 - h1
        dh = dh_uncorrected - dh_fit_dy (y2 - y1)

    Parameters
    ----------
    first, second : DataFrames of segments (`products.atl06.read_segments` with dh_fit_dy), one cycle each, already
        filtered, with the earlier cycle first for a change forward in time
    max_across : m across the track within which two segments see one place. Segments farther apart or without y_atc
        form no pair, and `paired` counts them. Default: 65, as ATL11

    Returns
    -------
    DataFrame, one row per segment seen in both, units in `attrs["units"]`: rgt, beam, segment_id, position of the first
        pass, cycle, spot, time, y_atc, h_li and quality flag of both (`_first`, `_second`), dh_fit_dy (mean of the two;
        one where the other is NaN), dh_uncorrected, slope_correction, dh (m, positive where the surface rose; NaN
        without a slope), dh_sigma (of the two heights; not of the slope), years, dhdt, strength_changed

    Notes
    -----
    Segments are joined by ground track (gt1l ..), which is a place on the ground, not by spot, which is a laser. If the
    spacecraft turned in between, gt1l was strong in one cycle and weak in the other, which `strength_changed` marks.
    """
    return paired(first, second, max_across=max_across)[0]


def paired(
    first: pd.DataFrame, second: pd.DataFrame, *, max_across: float = RepeatPairs.max_across
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Join two cycles as `repeat_pairs` does, and count the joined segments and those too far apart across the track.

    Parameters
    ----------
    first, second, max_across : as in `repeat_pairs`

    Returns
    -------
    pairs : DataFrame of `repeat_pairs`
    counts : DataFrame, one row per rgt and beam in both passes: cycle_first, cycle_second, n_joined (segments of both
        cycles), n_beyond (those not within `max_across`, or without y_atc), n_unknown (those without y_atc), median_dy
        (m, y2 - y1). If both passes have a column `release`, one row per release_first and release_second
    """
    for name, part in (("first", first), ("second", second)):
        _check(part, name)
    if len(first) and len(second) and first["cycle"].to_numpy()[0] == second["cycle"].to_numpy()[0]:
        raise NunatakError(
            f"repeat pairs: both passes are cycle {first['cycle'].to_numpy()[0]}; give two cycles of one track"
        )
    optional = [name for name in ("x_atc", "atl06_quality_summary", "release") if name in first and name in second]
    columns = [*_NEEDED, *optional]
    pairs = first[columns].merge(second[columns], on=_KEYS, suffixes=("_first", "_second"), sort=True)
    y1, y2 = (pairs[f"y_atc_{which}"].to_numpy("f8") for which in ("first", "second"))
    near = np.abs(y2 - y1) <= max_across
    counts = _counts(pairs, y2 - y1, ~near)
    return _differences(pairs[near].reset_index(drop=True)), counts


def _differences(pairs):
    """Return heights, slopes and times of joined segments as one difference for each pair."""
    slope = _mean_slope(*(pairs[f"dh_fit_dy_{which}"].to_numpy("f8") for which in ("first", "second")))
    h1, h2 = (pairs[f"h_li_{which}"].to_numpy("f8") for which in ("first", "second"))
    y1, y2 = (pairs[f"y_atc_{which}"].to_numpy("f8") for which in ("first", "second"))
    pairs["dh_fit_dy"] = slope
    pairs["dh_uncorrected"] = h2 - h1
    pairs["slope_correction"] = slope * (y2 - y1)
    pairs["dh"] = pairs["dh_uncorrected"] - pairs["slope_correction"]
    pairs["dh_sigma"] = np.hypot(pairs["h_li_sigma_first"].to_numpy("f8"), pairs["h_li_sigma_second"].to_numpy("f8"))
    pairs["years"] = (pairs["time_second"] - pairs["time_first"]) / pd.Timedelta(days=DAYS_PER_YEAR)
    pairs["dhdt"] = pairs["dh"] / pairs["years"]
    pairs["strength_changed"] = pairs["spot_first"] % 2 != pairs["spot_second"] % 2
    pairs = pairs.rename(columns={f"{name}_first": name for name in ("latitude", "longitude", "x_atc")})
    dropped = ["latitude_second", "longitude_second", "x_atc_second", "dh_fit_dy_first", "dh_fit_dy_second"]
    pairs = pairs.drop(columns=dropped, errors="ignore")
    pairs.attrs = {"units": {name: unit for name, unit in _UNITS.items() if name in pairs}}
    return pairs


def summarise_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """
    Return the median change of each ground track of a repeat pair.

    Parameters
    ----------
    pairs : DataFrame of `repeat_pairs`

    Returns
    -------
    DataFrame, one row per beam in the order gt1l .. gt3r: rgt, beam, n, median_dh_uncorrected, median_dh, nmad_dh
        (1.4826 x median absolute deviation), median_dy (y2 - y1), years, median_dhdt, strength_changed
    """
    rows = []
    for (rgt, beam), group in pairs.groupby(["rgt", "beam"], observed=True):
        dh = group["dh"]
        rows.append(
            {
                "rgt": rgt,
                "beam": beam,
                "n": len(group),
                "median_dh_uncorrected": group["dh_uncorrected"].median(),
                "median_dh": dh.median(),
                "nmad_dh": nmad(dh),
                "median_dy": (group["y_atc_second"] - group["y_atc_first"]).median(),
                "years": group["years"].median(),
                "median_dhdt": group["dhdt"].median(),
                "strength_changed": bool(group["strength_changed"].any()),
            }
        )
    table = pd.DataFrame(rows)
    metres = dict.fromkeys(("median_dh_uncorrected", "median_dh", "nmad_dh", "median_dy"), "m")
    table.attrs["units"] = {**metres, "years": "yr", "median_dhdt": "m/yr"}
    return table


def unaligned(cycles: Iterable[int]) -> list[int]:
    """
    Return those of the given cycles that were flown beside the reference tracks.

    Parameters
    ----------
    cycles : cycles

    >>> unaligned([1, 3, 4])
    [1]
    """
    return sorted({int(cycle) for cycle in cycles} & set(UNALIGNED_CYCLES))


def faults_of_pairs(counts: pd.DataFrame, max_across: str) -> list[str]:
    """
    Return why joined segments of two passes form no pairs: too far apart, or without position across the track.

    Parameters
    ----------
    counts : rows of repeat_counts.csv
    max_across : such as "65 m"
    """
    joined, unknown = counts["n_joined"].sum(), counts["n_unknown"].sum()
    far, faults = counts["n_beyond"].sum() - unknown, []
    if far:
        faults.append(
            f"{far} of {joined} joined segments lie more than {max_across} apart across the track (median "
            f"{counts['median_dy'].abs().median():.0f} m) and are no pairs"
        )
    if unknown:
        faults.append(
            f"{unknown} of {joined} joined segments lack y_atc in a granule and are no pairs; fetch the whole granule"
        )
    return faults


def _counts(joined, dy, beyond):
    """Count joined segments and those beyond the limit, by track, beam and releases."""
    tracks = ["rgt", "beam", "cycle_first", "cycle_second"]
    releases = [name for name in ("release_first", "release_second") if name in joined]
    groups = joined[[*tracks, *releases]].assign(dy=dy, beyond=beyond, unknown=np.isnan(dy))
    groups = groups.groupby([*tracks, *releases], observed=True)
    counted = {"n_joined": ("dy", "size"), "n_beyond": ("beyond", "sum"), "n_unknown": ("unknown", "sum")}
    table = groups.agg(**counted, median_dy=("dy", "median")).reset_index()
    table = table[[*tracks, *counted, "median_dy", *releases]]
    table.attrs["units"] = {"median_dy": "m"}
    return table


def _check(part, which):
    """Refuse a pass that lacks a column, holds several cycles, or holds a segment twice."""
    absent = [name for name in _NEEDED if name not in part]
    if absent:
        raise NunatakError(f"repeat pairs: the {which} pass has no {', '.join(absent)}; read it with these variables")
    if part["cycle"].nunique() > 1:
        raise NunatakError(
            f"repeat pairs: the {which} pass holds cycles {sorted(part['cycle'].unique())}; give one cycle"
        )
    double = part.duplicated(_KEYS)
    if double.any():
        row = part.loc[double].iloc[0]
        raise NunatakError(
            f"repeat pairs: segment {row['segment_id']} of {row['beam']} comes twice in the {which} pass; "
            "two revisions of one granule? keep the newer"
        )


def _mean_slope(a, b):
    """Return the mean of two slopes, or one of them if the other is NaN."""
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, 0.5 * (a + b)))
