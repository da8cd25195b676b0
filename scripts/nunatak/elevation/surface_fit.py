"""Fit a surface and a line in time to segments of any tracks, without reference points."""

from __future__ import annotations

from dataclasses import astuple
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from nunatak.compute.kernels import kernel
from nunatak.constants import MAD_TO_SIGMA, SIGMA_PASS
from nunatak.elevation.point_rates import rates
from nunatak.parameters.elevation import RateOptions
from nunatak.parameters.tracks import RepeatPairs, SurfaceFit
from nunatak.times import decimal_year

_FIELDS = (
    "dhdt",
    "dhdt_sigma",
    "dhdt_sigma_systematic",
    "h",
    "h_sigma",
    "slope_x",
    "slope_y",
    "residual_nmad",
    "year",
    "years",
    "n_used",
    "n_found",
    "n_passes",
)
(
    DHDT,
    DHDT_SIGMA,
    DHDT_SIGMA_SYSTEMATIC,
    H,
    H_SIGMA,
    SLOPE_X,
    SLOPE_Y,
    RESIDUAL_NMAD,
    YEAR,
    YEARS,
    N_USED,
    N_FOUND,
    N_PASSES,
) = range(len(_FIELDS))
UNITS = {
    "x": "m",
    "y": "m",
    "dhdt": "m/yr",
    "dhdt_sigma": "m/yr",
    "dhdt_sigma_systematic": "m/yr",
    "h": "m",
    "h_sigma": "m",
    "residual_nmad": "m",
    "year": "decimal year",
    "years": "yr",
}
_TERMS = 7  # 1, t, x, y, x2, xy, y2


def surface_rates(segments: pd.DataFrame, *, options: SurfaceFit | None = None) -> pd.DataFrame:
    """
    Fit height, slope and rate of change at regular centres, from the segments around each.

        h = h0 + dhdt (t - t0) + sx dx + sy dy [+ cxx dx2 + cxy dx dy + cyy dy2]

    Parameters
    ----------
    segments : DataFrame with x, y (m on a map), time, h_li, h_li_sigma (m), rgt, cycle and optionally release, already
        filtered
    options : SurfaceFit. Default: those of a study

    Returns
    -------
    DataFrame, one row per centre with a rate: x, y (m), dhdt, dhdt_sigma (m/yr; of independent heights, scaled by their
        misfit), dhdt_sigma_systematic (m/yr; of 0.03 m that a pass shares), h, h_sigma (m, at the centre and `year`),
        slope_x, slope_y, residual_nmad (m), years (yr covered), n_used, n_found, n_passes and, where segments say
        their release, n_releases (of the heights within the radius)
    """
    options = options or SurfaceFit()
    heights, squares = _sorted_heights(segments, options.radius)
    x, y = _centres(heights, options)
    out = np.full((x.size, len(_FIELDS)), np.nan)
    if x.size:
        _fit_centres(x, y, heights, squares, Limits(*astuple(options)), out)
    table = pd.DataFrame({"x": x, "y": y, **{name: out[:, k] for k, name in enumerate(_FIELDS)}})
    table = table[np.isfinite(table["dhdt"])].reset_index(drop=True)
    table = table.astype({name: "i4" for name in ("n_used", "n_found", "n_passes")})
    if "release" in segments:
        table["n_releases"] = _releases_around(table, segments, options.radius)
    table.attrs["units"] = dict(UNITS)
    return table


def repeat_rates(
    segments: pd.DataFrame, *, options: RateOptions | None = None, max_across: float = RepeatPairs.max_across
) -> pd.DataFrame:
    """
    Fit rates segment by segment from any number of cycles of a track, without a surface fit.

    Each pass lies some metres to the side of the others. Its height is moved to their mean y_atc along the mean
    dh_fit_dy of the segment, as `repeat_pairs` does for two.

    Parameters
    ----------
    segments : DataFrame with rgt, beam, segment_id, cycle, time, y_atc, h_li, h_li_sigma, dh_fit_dy and optionally
        release, already filtered
    options : RateOptions. Default: three cycles and one year
    max_across : m across the track from the median y_atc of a segment's passes. Passes farther away saw other ground
        and do not count. Default: 65, as ATL11

    Returns
    -------
    DataFrame as `point_rates.rates` returns it, with latitude and longitude, n_beyond (passes left out) and, where
    segments say their release, n_releases, a row for each rgt, beam and segment_id that has any pass within
    """
    keys = ["rgt", "beam", "segment_id"]
    located = segments[np.isfinite(segments["y_atc"]) & np.isfinite(segments["dh_fit_dy"])]
    middle = located.groupby(keys, observed=True, sort=False)["y_atc"].transform("median")
    beyond = (located["y_atc"] - middle).abs() > max_across
    left_out = located[beyond].groupby(keys, observed=True).size()
    located = located[~beyond]
    groups = located.groupby(keys, observed=True, sort=False)
    slope, centre = groups["dh_fit_dy"].transform("mean"), groups["y_atc"].transform("mean")
    moved = located.assign(h_li=located["h_li"].astype("f8") - slope * (located["y_atc"] - centre))
    fitted = rates(
        moved, keys, height="h_li", options=options or RateOptions(min_cycles=3, min_years=1.0, annual=False)
    )
    units = fitted.attrs["units"]
    places = located.drop_duplicates(keys)[[*keys, "latitude", "longitude"]]
    fitted = fitted.merge(places, on=keys, how="left")
    points = pd.MultiIndex.from_frame(fitted[keys])
    fitted["n_beyond"] = left_out.reindex(points, fill_value=0).to_numpy()
    if "release" in located:
        counts = located[located["release"] != ""].groupby(keys, observed=True)["release"].nunique()
        fitted["n_releases"] = counts.reindex(points, fill_value=0).to_numpy()
    fitted.attrs["units"] = {**units, "latitude": "degrees_north", "longitude": "degrees_east"}
    return fitted


def _releases_around(centres, segments, radius):
    """Return the number of releases among the heights within the radius of each centre."""
    number = np.zeros(len(centres), dtype="i4")
    finite = np.isfinite(segments["h_li"]) & np.isfinite(segments["x"]) & np.isfinite(segments["y"])
    for release, rows in segments[finite].groupby("release", observed=True):
        if release:
            tree = cKDTree(rows[["x", "y"]].to_numpy("f8"))
            number += np.isfinite(tree.query(centres[["x", "y"]], distance_upper_bound=np.nextafter(radius, np.inf))[0])
    return number


class Heights(NamedTuple):
    """Finite heights, (n,) arrays in the order of the squares they lie in."""

    x: np.ndarray
    y: np.ndarray
    t: np.ndarray
    """decimal years"""
    h: np.ndarray
    w: np.ndarray
    """weight, m-2"""
    number: np.ndarray
    """of the pass"""


class Squares(NamedTuple):
    """Squares of one radius that hold the heights, so that the neighbours of a centre lie in nine of them."""

    occupied: np.ndarray
    """numbers of the squares with a height, ascending"""
    start: np.ndarray
    """first height of each, and the number of heights"""
    nx: int
    """squares in a row"""
    left: float
    bottom: float


class Limits(NamedTuple):
    """`SurfaceFit` in the form that the kernel reads."""

    spacing: float
    radius: float
    min_heights: int
    min_passes: int
    min_years: float
    curved: bool
    iterations: int
    max_rate: float


def _sorted_heights(segments, radius):
    """Return the finite Heights in the order of the Squares of side `radius` they lie in."""
    x, y, h, sigma = (segments[name].to_numpy("f8") for name in ("x", "y", "h_li", "h_li_sigma"))
    t = decimal_year(segments["time"].to_numpy())
    kept = np.isfinite(x) & np.isfinite(y) & np.isfinite(h) & np.isfinite(t) & np.isfinite(sigma) & (sigma > 0)
    number = segments.groupby(["rgt", "cycle"], sort=False).ngroup().to_numpy()[kept]
    x, y, h, sigma, t = (values[kept] for values in (x, y, h, sigma, t))
    left, bottom = x.min(initial=0.0) if not x.size else x.min(), y.min(initial=0.0) if not y.size else y.min()
    nx = int((x.max(initial=left) - left) // radius) + 3
    square = ((y - bottom) // radius).astype("i8") * nx + ((x - left) // radius).astype("i8") + 1
    order = np.argsort(square, kind="stable")
    occupied, start = np.unique(square[order], return_index=True)
    heights = Heights(*(column[order] for column in (x, y, t, h, sigma**-2.0, number)))
    return heights, Squares(occupied, np.append(start, order.size), nx, float(left), float(bottom))


def _centres(heights, options):
    """Return the corners of a grid of `spacing`, on whole multiples of it, with a height in the square around them."""
    i = np.rint(heights.x / options.spacing).astype("i8")
    j = np.rint(heights.y / options.spacing).astype("i8")
    cells = np.unique(np.column_stack([j, i]), axis=0) if i.size else np.empty((0, 2), "i8")
    return cells[:, 1] * options.spacing, cells[:, 0] * options.spacing


@kernel
def _fit_centres(cx, cy, heights, squares, limits, out):
    """Fit surface and rate around each centre, and write the columns of `_FIELDS`, NaN without a rate."""
    t, h, w, radius = heights.t, heights.h, heights.w, limits.radius
    near = np.empty(heights.x.size, dtype=np.int64)
    for c in range(cx.size):
        n = _gather(cx[c], cy[c], heights, squares, radius, near)
        out[c, N_FOUND] = n
        if n < limits.min_heights:
            continue
        rows = near[:n].copy()
        mean = np.mean(t[rows])
        a = _design(cx[c], cy[c], mean, heights, rows, limits)
        p = a.shape[1]
        kept = np.ones(n, dtype=np.bool_)
        base = h[rows[0]]
        good = True
        fit, inverse = np.zeros(p), np.zeros((p, p))
        spread, chi2 = 0.0, 0.0
        for round_ in range(limits.iterations):
            good, fit, inverse, residual, chi2 = _solve(a, h[rows] - base, w[rows], kept)
            if not good:
                break
            spread = MAD_TO_SIGMA * np.median(np.abs(residual[kept]))
            again = np.abs(residual) <= max(3.0 * spread, 1e-9)
            if np.all(again == kept) or again.sum() < limits.min_heights:
                break
            if round_ < limits.iterations - 1:
                kept = again
        m = kept.sum()
        used = rows[kept]
        passes = np.unique(heights.number[used]).size
        span = t[used].max() - t[used].min()
        short = m <= p or passes < limits.min_passes or span < limits.min_years
        if not good or short or abs(fit[1]) > limits.max_rate:
            continue
        scale = max(1.0, chi2 / (m - p))
        out[c, DHDT], out[c, DHDT_SIGMA] = fit[1], np.sqrt(inverse[1, 1] * scale)
        out[c, DHDT_SIGMA_SYSTEMATIC] = SIGMA_PASS / (span * np.sqrt(passes / 12.0))
        out[c, H], out[c, H_SIGMA] = fit[0] + base, np.sqrt(inverse[0, 0] * scale)
        out[c, SLOPE_X], out[c, SLOPE_Y] = fit[2] / radius, fit[3] / radius
        out[c, RESIDUAL_NMAD], out[c, YEAR], out[c, YEARS] = spread, mean, span
        out[c, N_USED], out[c, N_PASSES] = m, passes


@kernel
def _design(cx, cy, mean, heights, rows, limits):
    """Return the matrix of the fit: 1, t, x, y and, with enough heights for a curved surface, x2, xy, y2."""
    n = rows.size
    p = _TERMS if limits.curved and n >= 2 * limits.min_heights else 4
    a = np.empty((n, p))
    for k in range(n):
        dx, dy = (heights.x[rows[k]] - cx) / limits.radius, (heights.y[rows[k]] - cy) / limits.radius
        a[k, 0], a[k, 1], a[k, 2], a[k, 3] = 1.0, heights.t[rows[k]] - mean, dx, dy
        if p == _TERMS:
            a[k, 4], a[k, 5], a[k, 6] = dx * dx, dx * dy, dy * dy
    return a


@kernel
def _gather(cx, cy, heights, squares, radius, near):
    """Write the rows within the radius of a centre, and return their number."""
    x, y, occupied = heights.x, heights.y, squares.occupied
    column, row = int(np.floor((cx - squares.left) / radius)) + 1, int(np.floor((cy - squares.bottom) / radius))
    n = 0
    for r in range(row - 1, row + 2):
        for k in range(column - 1, column + 2):
            if k < 0 or k >= squares.nx or r < 0:
                continue
            s = np.searchsorted(occupied, r * squares.nx + k)
            if s >= occupied.size or occupied[s] != r * squares.nx + k:
                continue
            for i in range(squares.start[s], squares.start[s + 1]):
                if (x[i] - cx) ** 2 + (y[i] - cy) ** 2 <= radius * radius:
                    near[n] = i
                    n += 1
    return n


@kernel
def _solve(a, b, w, kept):
    """Solve weighted least squares over the kept rows, and return success, fit, covariance, residuals and chi2."""
    p = a.shape[1]
    normal, right = np.zeros((p, p)), np.zeros(p)
    for i in range(a.shape[0]):
        if kept[i]:
            for k in range(p):
                right[k] += w[i] * a[i, k] * b[i]
                for m in range(k + 1):
                    normal[k, m] += w[i] * a[i, k] * a[i, m]
    scale = np.empty(p)
    for k in range(p):
        scale[k] = np.sqrt(max(normal[k, k], 1e-300))
    for k in range(p):
        for m in range(k + 1):
            normal[k, m] /= scale[k] * scale[m]
            normal[m, k] = normal[k, m]
    # Eigenvalues of the scaled equations, so that a single straight track, without a slope across it, still has a rate.
    value, vector = np.linalg.eigh(normal)
    inverse, fit = np.zeros((p, p)), np.zeros(p)
    for e in range(p):
        if value[e] > 1e-8:
            for k in range(p):
                for m in range(p):
                    inverse[k, m] += vector[k, e] * vector[m, e] / value[e]
    for k in range(p):
        for m in range(p):
            inverse[k, m] /= scale[k] * scale[m]
    for k in range(p):
        for m in range(p):
            fit[k] += inverse[k, m] * right[m]
    residual, chi2 = np.empty(a.shape[0]), 0.0
    for i in range(a.shape[0]):
        model = 0.0
        for k in range(p):
            model += a[i, k] * fit[k]
        residual[i] = b[i] - model
        if kept[i]:
            chi2 += w[i] * residual[i] ** 2
    return value[p - 1] > 0, fit, inverse, residual, chi2
