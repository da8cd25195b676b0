"""Compare heights fitted from photons with those of ATL06 and ATL11 at the same places, by slope."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nunatak.compute.robust import in_classes, nmad
from nunatak.constants import ACROSS_LIMIT

_KEYS = ["rgt", "cycle", "beam", "segment_id"]
SLOPE_CLASSES = (0.0, 0.5, 1.0, 2.0, 90.0)  # degrees, limits of the classes that statistics are given for
# column of the table joined with ATL06: unit
COLUMNS = {
    "granule_id": "",
    "beam": "",
    "spot": "1",
    "rgt": "1",
    "cycle": "1",
    "segment_id": "1",
    "time": "UTC",
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    "x_atc": "m",
    "h_mean": "m",
    "h_sigma": "m",
    "n_fit_photons": "counts",
    "w_surface_window_final": "m",
    "rms_misfit": "m",
    "slope": "degrees",
    "h_li": "m",
    "h_li_sigma": "m",
    "difference": "m",
}
# column of the table joined with ATL11: unit
ATL11_COLUMNS = {
    "rgt": "1",
    "cycle": "1",
    "pair": "",
    "ref_pt": "1",
    "time": "UTC",
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    "h_corr": "m",
    "h_corr_sigma": "m",
    "h_fitted": "m",
    "h_sigma": "m",
    "slope": "degrees",
    "difference": "m",
}


def against_atl06(heights: pd.DataFrame, atl06: pd.DataFrame, *, max_offset: float = 10.0) -> pd.DataFrame:
    """
    Join fitted heights with ATL06's on track, cycle, beam and segment_id.

    Parameters
    ----------
    heights : table of `fit_heights` with standard columns and `granule_id`. Only rows with pflags 0 enter
    atl06 : table of `products.atl06.read_segments`, already filtered
    max_offset : m along the track that the two centres may lie apart. ATL06's height is moved to the other centre along
        the fitted slope. Default: 10

    Returns
    -------
    DataFrame : the columns of `COLUMNS`. `difference` is h_mean - h_li. `slope` is the steepest slope, from the slope
        along the track and, when both beams of the pair have a height, the slope across it
    """
    good = heights[heights["pflags"] == 0]
    good = good.assign(beam=good["beam"].astype(str))
    others = atl06[[*_KEYS, "x_atc", "h_li", "h_li_sigma"]].rename(columns={"x_atc": "x_atl06"})
    joined = good.merge(others.assign(beam=others["beam"].astype(str)), on=_KEYS, how="inner")
    apart = joined["x_atc"] - joined["x_atl06"]
    joined = joined[apart.abs() <= max_offset].reset_index(drop=True)
    moved = joined["h_li"] + joined["dh_fit_dx"] * (joined["x_atc"] - joined["x_atl06"])
    across = joined["dh_fit_dy"].fillna(0.0)
    joined["slope"] = np.degrees(np.arctan(np.hypot(joined["dh_fit_dx"], across)))
    joined["difference"] = joined["h_mean"] - moved
    table = joined[list(COLUMNS)]
    table.attrs["units"] = {name: unit for name, unit in COLUMNS.items() if unit}
    return table


def against_atl11(
    heights: pd.DataFrame, atl11: pd.DataFrame, *, max_offset: float = 10.0, max_across: float = ACROSS_LIMIT
) -> pd.DataFrame:
    """
    Join fitted heights with ATL11's on track, cycle, pair and reference point.

    A reference point lies between or beside the two beams of its pair. Both beams' heights at its segment are moved
    along the track to its x_atc and then across it, on the line through both, to its y_atc.

    Parameters
    ----------
    heights : table of `fit_heights` with standard columns. Only rows with pflags 0 enter, at segments where both beams
        of the pair have one
    atl11 : table of `products.atl11.read_heights`, already filtered
    max_offset : m along the track between the segments' centres and the point. Default: 10
    max_across : m across the track between the middle of both beams and the point. Default: 65, within which ATL11
        assigns heights to its points

    Returns
    -------
    DataFrame : `rgt, cycle, pair, ref_pt, time, latitude, longitude, h_corr, h_corr_sigma, h_fitted, h_sigma, slope`
        (degrees), `difference` = h_fitted - h_corr (m)
    """
    good = heights[heights["pflags"] == 0]
    keep = ["rgt", "cycle", "segment_id", "x_atc", "y_atc", "h_mean", "h_sigma", "dh_fit_dx", "dh_fit_dy"]
    beams = good[keep].assign(pair="pt" + good["beam"].astype(str).str[2], side=good["beam"].astype(str).str[3])
    on = ["rgt", "cycle", "pair", "segment_id"]
    left, right = (beams[beams["side"] == side].drop(columns="side") for side in ("l", "r"))
    both = left.merge(right, on=on, suffixes=("", "_r")).rename(columns={"segment_id": "ref_pt"})
    points = atl11[
        ["rgt", "cycle", "pair", "ref_pt", "time", "latitude", "longitude", "x_atc", "y_atc", "h_corr", "h_corr_sigma"]
    ].rename(columns={"x_atc": "x", "y_atc": "y"})
    joined = both.merge(points.assign(pair=points["pair"].astype(str)), on=["rgt", "cycle", "pair", "ref_pt"])
    near = (joined["x"] - joined["x_atc"]).abs().le(max_offset) & (joined["x"] - joined["x_atc_r"]).abs().le(max_offset)
    near &= (joined["y"] - (joined["y_atc"] + joined["y_atc_r"]) / 2).abs().le(max_across)
    joined = joined[near & (joined["y_atc"] != joined["y_atc_r"])].reset_index(drop=True)
    at_left = joined["h_mean"] + joined["dh_fit_dx"] * (joined["x"] - joined["x_atc"])
    at_right = joined["h_mean_r"] + joined["dh_fit_dx_r"] * (joined["x"] - joined["x_atc_r"])
    share = (joined["y"] - joined["y_atc"]) / (joined["y_atc_r"] - joined["y_atc"])
    along = (joined["dh_fit_dx"] + joined["dh_fit_dx_r"]) / 2
    joined["h_fitted"] = at_left + share * (at_right - at_left)
    joined["h_sigma"] = np.hypot((1 - share) * joined["h_sigma"], share * joined["h_sigma_r"])
    joined["slope"] = np.degrees(np.arctan(np.hypot(along, joined["dh_fit_dy"].fillna(0.0))))
    joined["difference"] = joined["h_fitted"] - joined["h_corr"]
    table = joined[list(ATL11_COLUMNS)]
    table.attrs["units"] = {name: unit for name, unit in ATL11_COLUMNS.items() if unit}
    return table


def differences_by_slope(slope: np.ndarray, difference: np.ndarray) -> Any:
    """
    Return statistics of height differences by class of slope.

    Parameters
    ----------
    slope : (n,) degrees
    difference : (n,) m. A NaN is left out

    Returns
    -------
    DataFrame : a first row for all slopes, then one row for each class that has a finite difference: `slope_from`,
        `slope_to` (degrees), `n`, `median`, `nmad` (m), `beyond_1m` (share of differences larger than 1 m)

    >>> differences_by_slope(np.array([0.1, 0.2, 0.7]), np.array([0.0, 0.1, 2.0]))[["slope_to", "n"]].values.tolist()
    [[90.0, 3.0], [0.5, 2.0], [1.0, 1.0]]
    """
    slope, difference = np.asarray(slope, dtype=float), np.asarray(difference, dtype=float)
    finite = np.isfinite(difference)
    slope, difference = slope[finite], difference[finite]
    rows = []
    for edges in (SLOPE_CLASSES[:: len(SLOPE_CLASSES) - 1], SLOPE_CLASSES):  # all, then class by class
        for low, high, inside in in_classes(slope, edges):
            own = difference[inside]
            rows.append((low, high, own.size, float(np.median(own)), nmad(own), float(np.mean(np.abs(own) > 1.0))))
    return pd.DataFrame(rows, columns=["slope_from", "slope_to", "n", "median", "nmad", "beyond_1m"])


def in_words(low: float, high: float) -> str:
    """
    Return a class of slope in words.

    Parameters
    ----------
    low, high : degrees, limits of the class

    >>> in_words(0.0, 90.0), in_words(0.5, 1.0), in_words(2.0, 90.0)
    ('all slopes', '0.5 to 1°', 'above 2°')
    """
    if (low, high) == (SLOPE_CLASSES[0], SLOPE_CLASSES[-1]):
        return "all slopes"
    return f"above {low:g}°" if high == SLOPE_CLASSES[-1] else f"{low:g} to {high:g}°"
