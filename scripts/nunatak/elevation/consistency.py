"""Compare products: ATL06 with ATL11 at its reference points, ATL11 with the surface of ATL14 and ATL15."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyproj

from nunatak.compute.robust import in_classes, nmad
from nunatak.constants import ACROSS_LIMIT
from nunatak.elevation.sampling import sample
from nunatak.times import decimal_year

if TYPE_CHECKING:
    import xarray as xr

SLOPE_CLASSES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, np.inf)
_PAIR_OF = {f"gt{number}{side}": f"pt{number}" for number in "123" for side in "lr"}
_KEYS = ["rgt", "pair", "cycle", "ref_pt"]
_ELLIPSOID = pyproj.Geod(ellps="WGS84")
_RADIUS, _E2 = _ELLIPSOID.a, _ELLIPSOID.es


def segments_against_points(
    segments: pd.DataFrame, heights: pd.DataFrame, *, max_across: float = ACROSS_LIMIT
) -> pd.DataFrame:
    """
    Subtract ATL11 from ATL06 at each reference point and cycle that both have.

    The two beams of a pair run 90 m apart with the reference point between them. Heights of the segments with the
    point's number are interpolated across the track to its y_atc. If one beam is missing, the other's height is moved
    along the slope of the reference surface (n_slope, e_slope), which is fitted to several cycles.

    Parameters
    ----------
    segments : DataFrame of ATL06 with rgt, cycle, beam, segment_id, latitude, longitude, y_atc, h_li, h_li_sigma,
        already filtered
    heights : DataFrame of ATL11 with rgt, cycle, pair, ref_pt, latitude, longitude, y_atc, h_corr, h_corr_sigma,
        n_slope, e_slope, already filtered
    max_across : m across the track from the point to the middle of both beams, or to the only one. Passes farther away
        are not compared. Default: 65, within which ATL11 assigns heights to its points

    Returns
    -------
    DataFrame: rgt, pair, cycle, ref_pt, latitude, longitude, time, h_corr, h_li (m, moved to the point), residual (m),
        sigma (m, of both as stated), slope (steepest, 1), beams (1 or 2)
    """
    names = ["latitude", "longitude", "y_atc", "h_li", "h_li_sigma"]
    parts = segments[["rgt", "cycle", "segment_id", "beam", *names]]
    parts = parts.assign(pair=parts["beam"].astype(str).map(_PAIR_OF), side=parts["beam"].astype(str).str[-1])
    parts = parts.rename(columns={"segment_id": "ref_pt"}).drop(columns="beam")
    points = heights.assign(pair=heights["pair"].astype(str))
    left, right = (parts[parts["side"] == side].drop(columns="side").set_index(_KEYS)[names] for side in "lr")
    both = points.join(left.add_suffix("_l"), on=_KEYS).join(right.add_suffix("_r"), on=_KEYS)
    moved, sigma = _across(both, max_across)
    table = both[[*_KEYS, "latitude", "longitude", "time", "h_corr"]].assign(
        h_li=moved,
        residual=moved - both["h_corr"].to_numpy("f8"),
        sigma=np.hypot(sigma, both["h_corr_sigma"].to_numpy("f8")),
        slope=np.hypot(both["n_slope"].to_numpy("f8"), both["e_slope"].to_numpy("f8")),
        beams=both["h_li_l"].notna().to_numpy().astype(int) + both["h_li_r"].notna().to_numpy(),
    )
    return table[np.isfinite(table["residual"])].reset_index(drop=True)


def points_against_surface(heights: pd.DataFrame, surface: xr.Dataset, change: xr.Dataset) -> pd.DataFrame:
    """
    Subtract the surface of ATL14, moved in time by ATL15, from ATL11.

    The surface is bilinear in space and linear between quarters.

    Parameters
    ----------
    heights : DataFrame of ATL11 with x, y in the grids' coordinate system, time, h_corr, h_corr_sigma, n_slope, e_slope
    surface : Dataset (y, x) with h, h_sigma, as `products.atl14.read_surface` returns it
    change : Dataset (time, y, x) with delta_h, delta_h_sigma, as `products.atl15.read_height_change` returns it

    Returns
    -------
    DataFrame: rgt, pair, cycle, ref_pt, x, y, latitude, longitude, time, h_corr, residual (m), sigma (m, of all three
        as stated), slope. Points off the grids, on their gaps, and outside the epochs are left out
    """
    x, y = heights["x"].to_numpy("f8"), heights["y"].to_numpy("f8")
    layers = np.stack([surface["h"].values, surface["h_sigma"].values])
    (h, h_sigma), _ = sample(layers, surface["x"].values, surface["y"].values, x, y)
    delta, delta_sigma = at_times(change, x, y, decimal_year(heights["time"].to_numpy()))
    names = [n for n in (*_KEYS, "x", "y", "latitude", "longitude", "time", "h_corr") if n in heights]
    table = heights[names].assign(
        residual=heights["h_corr"].to_numpy("f8") - h - delta,
        sigma=np.sqrt(heights["h_corr_sigma"].to_numpy("f8") ** 2 + h_sigma**2 + delta_sigma**2),
        slope=np.hypot(heights["n_slope"].to_numpy("f8"), heights["e_slope"].to_numpy("f8")),
    )
    return table[np.isfinite(table["residual"])].reset_index(drop=True)


def residuals_by_slope(residuals: pd.DataFrame, *, edges: Sequence[float] = SLOPE_CLASSES) -> pd.DataFrame:
    """
    Return median and spread of residuals by the steepness of the ground.

    Parameters
    ----------
    residuals : DataFrame with residual, sigma (m) and slope
    edges : limits of the classes of slope. Default: 0, 0.01, 0.02, 0.05, 0.1, 0.2, infinity

    Returns
    -------
    DataFrame, one row per class with a residual and one for all: slope_low, slope_high, n, median (m), nmad (m), nmad_z
        (NMAD of residual / sigma, about 1 if the stated errors are correct)
    """
    rows = []
    every = np.ones(len(residuals), dtype=bool)
    for low, high, inside in [*in_classes(residuals["slope"].to_numpy(), edges), (edges[0], edges[-1], every)]:
        part = residuals[inside]
        z = part["residual"] / part["sigma"]
        rows.append(
            {
                "slope_low": low,
                "slope_high": high,
                "n": len(part),
                "median": part["residual"].median(),
                "nmad": nmad(part["residual"]),
                "nmad_z": nmad(z),
            }
        )
    table = pd.DataFrame(rows)
    table.attrs["units"] = {"slope_low": "1", "slope_high": "1", "median": "m", "nmad": "m"}
    return table


def _across(both, max_across):
    """Return the height at the point from both beams, or from one if the other is missing, and its error."""
    column = {name: both[name].to_numpy("f8") for name in both.columns if name[-2:] in ("_l", "_r")}
    left, right = column["y_atc_l"], column["y_atc_r"]
    middle = np.where(np.isfinite(left) & np.isfinite(right), 0.5 * (left + right), np.fmax(left, right))
    far = np.abs(both["y_atc"].to_numpy("f8") - middle) > max_across
    for side in "lr":
        column[f"h_li_{side}"] = np.where(far, np.nan, column[f"h_li_{side}"])
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (both["y_atc"].to_numpy("f8") - column["y_atc_l"]) / (column["y_atc_r"] - column["y_atc_l"])
        between = column["h_li_l"] + share * (column["h_li_r"] - column["h_li_l"])
        error = np.hypot((1 - share) * column["h_li_sigma_l"], share * column["h_li_sigma_r"])
    left, right = (column[f"h_li_{side}"] + _along_slope(both, column, side) for side in "lr")
    h = np.where(np.isfinite(between), between, np.where(np.isfinite(left), left, right))
    one = np.where(np.isfinite(left), column["h_li_sigma_l"], column["h_li_sigma_r"])
    return h, np.where(np.isfinite(between), error, one)


def _along_slope(both, column, side):
    """Return the rise of the reference surface from a beam's segment to the point, m, over some tens of metres."""
    latitude, longitude = both["latitude"].to_numpy("f8"), both["longitude"].to_numpy("f8")
    middle = np.deg2rad(0.5 * (latitude + column[f"latitude_{side}"]))
    curve = 1.0 - _E2 * np.sin(middle) ** 2
    north = np.deg2rad(latitude - column[f"latitude_{side}"]) * _RADIUS * (1.0 - _E2) / curve**1.5
    turn = (longitude - column[f"longitude_{side}"] + 180.0) % 360.0 - 180.0
    east = np.deg2rad(turn) * _RADIUS / np.sqrt(curve) * np.cos(middle)
    return both["n_slope"].to_numpy("f8") * north + both["e_slope"].to_numpy("f8") * east


def at_times(change: xr.Dataset, x: np.ndarray, y: np.ndarray, year: np.ndarray) -> list[np.ndarray]:
    """
    Return delta_h and its error at points and times, linear between the two epochs around each.

    Parameters
    ----------
    change : Dataset (time, y, x) with delta_h, delta_h_sigma and decimal_year
    x, y : (n,) m, in the grid's coordinate system
    year : (n,) decimal years

    Returns
    -------
    delta_h, delta_h_sigma : (n,) m, NaN outside the epochs
    """
    years = change["decimal_year"].values
    fields = [change["delta_h"].values, change["delta_h_sigma"].values]
    after = np.clip(np.searchsorted(years, year), 1, max(years.size - 1, 1))
    results = [np.full(x.size, np.nan), np.full(x.size, np.nan)]
    for k in np.unique(after):
        rows = np.flatnonzero(after == k)
        share = (year[rows] - years[k - 1]) / (years[k] - years[k - 1])
        outside = (share < 0) | (share > 1)
        for field, out in zip(fields, results, strict=True):
            (first, second), _ = sample(field[k - 1 : k + 1], change["x"].values, change["y"].values, x[rows], y[rows])
            out[rows] = np.where(outside, np.nan, first + share * (second - first))
    return results
