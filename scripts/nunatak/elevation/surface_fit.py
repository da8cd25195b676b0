"""Rates of height change from segments of any tracks, without reference points: a surface and a line in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nunatak.constants import ACROSS_LIMIT
from nunatak.elevation.crossovers import SIGMA_PASS
from nunatak.elevation.point_rates import RateOptions, rates
from nunatak.kernels import kernel
from nunatak.times import decimal_year

_FIELDS = ("dhdt", "dhdt_sigma", "dhdt_sigma_systematic", "h", "h_sigma", "slope_x", "slope_y", "residual_nmad",
           "year", "years", "n_used", "n_found", "n_passes")  # fmt: skip
UNITS = {
    "x": "m", "y": "m", "dhdt": "m/yr", "dhdt_sigma": "m/yr", "dhdt_sigma_systematic": "m/yr", "h": "m", "h_sigma": "m",
    "residual_nmad": "m", "year": "decimal year", "years": "yr",
}  # fmt: skip
_TERMS = 7  # 1, t, x, y, x2, xy, y2


@dataclass(frozen=True)
class FitOptions:
    """
    A fit around regular centres; the defaults suit ATL06 on valley glaciers and outlets.

    The form and the limit on dh/dt are those of captoolkit's fitsec (radius 2-3 km, 25 heights, 5 iterations,
    15 m/yr), with a smaller radius because ATL06 is denser than the radar and ICESat heights it was made for.
    """

    spacing: float = 500.0
    """m between centres"""
    radius: float = 500.0
    """m around a centre"""
    min_heights: int = 25
    """heights a fit needs"""
    min_passes: int = 3
    """passes (track and cycle) a fit needs"""
    min_years: float = 1.0
    """yr from first to last height"""
    curved: bool = True
    """fit a curved surface; a plane where fewer than 50 heights are there"""
    iterations: int = 5
    """most rounds of leaving out heights beyond three NMAD"""
    max_rate: float = 15.0
    """m/yr beyond which a fit is no rate"""


def surface_rates(segments, *, options=None):
    """
    Height, slope and rate of change at regular centres, from the segments around each.

        h = h0 + dhdt (t - t0) + sx dx + sy dy [+ cxx dx2 + cxy dx dy + cyy dy2]

    Parameters
    ----------
    segments : DataFrame with x, y (m on a map), time, h_li, h_li_sigma (m), rgt, cycle; filtered
    options : FitOptions

    Returns
    -------
    DataFrame, one row per centre with a rate: x, y (m), dhdt, dhdt_sigma (m/yr; of independent heights, scaled by their
        misfit), dhdt_sigma_systematic (m/yr; of 0.03 m that a pass shares), h, h_sigma (m, at the centre and `year`),
        slope_x, slope_y, residual_nmad (m), years (yr covered), n_used, n_found, n_passes
    """
    options = options or FitOptions()
    columns = _columns(segments, options.radius)
    x, y = _centres(columns, options)
    out = np.full((x.size, len(_FIELDS)), np.nan)
    if x.size:
        _fit_centres(
            x, y, columns["x"], columns["y"], columns["t"], columns["h"], columns["w"], columns["number"],
            columns["occupied"], columns["start"], columns["nx"], columns["left"], columns["bottom"], options.radius,
            options.min_heights, options.min_passes, options.min_years, options.curved, options.iterations,
            options.max_rate, SIGMA_PASS, out,
        )  # fmt: skip
    table = pd.DataFrame({"x": x, "y": y, **{name: out[:, k] for k, name in enumerate(_FIELDS)}})
    table = table[np.isfinite(table["dhdt"])].reset_index(drop=True)
    table = table.astype({name: "i4" for name in ("n_used", "n_found", "n_passes")})
    table.attrs["units"] = dict(UNITS)
    return table


def repeat_rates(segments, *, options=None, max_across=ACROSS_LIMIT):
    """
    Rates segment by segment from any number of cycles of a track, without a surface fit.

    Each pass lies some metres to the side of the others; its height is moved to their mean y_atc along the mean
    dh_fit_dy of the segment, as `repeat_pairs` does for two.

    Parameters
    ----------
    segments : DataFrame with rgt, beam, segment_id, cycle, time, y_atc, h_li, h_li_sigma, dh_fit_dy; filtered
    options : RateOptions, default three cycles and one year
    max_across : m across the track from the median y_atc of a segment's passes. Default: 65, as ATL11. Passes farther
        away saw other ground and do not count

    Returns
    -------
    DataFrame as `point_rates.rates` returns it, with latitude and longitude and n_beyond (passes left out), a row for
    each rgt, beam and segment_id that has any pass within
    """
    keys = ["rgt", "beam", "segment_id"]
    known = segments[np.isfinite(segments["y_atc"]) & np.isfinite(segments["dh_fit_dy"])]
    middle = known.groupby(keys, observed=True, sort=False)["y_atc"].transform("median")
    beyond = (known["y_atc"] - middle).abs() > max_across
    left_out = known[beyond].groupby(keys, observed=True).size()
    known = known[~beyond]
    groups = known.groupby(keys, observed=True, sort=False)
    slope, centre = groups["dh_fit_dy"].transform("mean"), groups["y_atc"].transform("mean")
    moved = known.assign(h_li=known["h_li"].astype("f8") - slope * (known["y_atc"] - centre))
    found = rates(moved, keys, height="h_li", options=options or RateOptions(min_cycles=3, min_years=1.0))
    units = found.attrs["units"]
    places = known.drop_duplicates(keys)[[*keys, "latitude", "longitude"]]
    found = found.merge(places, on=keys, how="left")
    found["n_beyond"] = left_out.reindex(pd.MultiIndex.from_frame(found[keys]), fill_value=0).to_numpy()
    found.attrs["units"] = {**units, "latitude": "degrees_north", "longitude": "degrees_east"}
    return found


def _columns(segments, radius):
    """Finite heights in the order of the square of side `radius` they lie in."""
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
    values = {"x": x, "y": y, "t": t, "h": h, "w": sigma**-2.0, "number": number}
    return {**{name: column[order] for name, column in values.items()}, "left": left, "bottom": bottom, "nx": nx,
            "occupied": occupied, "start": np.append(start, order.size)}  # fmt: skip


def _centres(columns, options):
    """Corners of a grid of `spacing` with a height within the square around them, on whole multiples of spacing."""
    i = np.rint(columns["x"] / options.spacing).astype("i8")
    j = np.rint(columns["y"] / options.spacing).astype("i8")
    cells = np.unique(np.column_stack([j, i]), axis=0) if i.size else np.empty((0, 2), "i8")
    return cells[:, 1] * options.spacing, cells[:, 0] * options.spacing


@kernel
def _fit_centres(
    cx, cy, x, y, t, h, w, number, occupied, start, nx, left, bottom, radius, min_heights, min_passes, min_years,
    curved, iterations, max_rate, sigma_pass, out,
):  # fmt: skip
    near = np.empty(x.size, dtype=np.int64)
    for c in range(cx.size):
        n = _gather(cx[c], cy[c], x, y, occupied, start, nx, left, bottom, radius, near)
        out[c, 11] = n
        if n < min_heights:
            continue
        rows = near[:n].copy()
        p = _TERMS if curved and n >= 2 * min_heights else 4
        kept = np.ones(n, dtype=np.bool_)
        a = np.empty((n, p))
        mean = np.mean(t[rows])
        for k in range(n):
            dx, dy = (x[rows[k]] - cx[c]) / radius, (y[rows[k]] - cy[c]) / radius
            a[k, 0], a[k, 1], a[k, 2], a[k, 3] = 1.0, t[rows[k]] - mean, dx, dy
            if p == _TERMS:
                a[k, 4], a[k, 5], a[k, 6] = dx * dx, dx * dy, dy * dy
        base = h[rows[0]]
        good = True
        fit, inverse = np.zeros(p), np.zeros((p, p))
        spread, chi2 = 0.0, 0.0
        for round_ in range(iterations):
            good, fit, inverse, residual, chi2 = _solve(a, h[rows] - base, w[rows], kept)
            if not good:
                break
            spread = 1.4826 * np.median(np.abs(residual[kept]))
            again = np.abs(residual) <= max(3.0 * spread, 1e-9)
            if np.all(again == kept) or again.sum() < min_heights:
                break
            if round_ < iterations - 1:
                kept = again
        m = kept.sum()
        used = rows[kept]
        passes = np.unique(number[used]).size
        span = t[used].max() - t[used].min()
        if not good or m <= p or passes < min_passes or span < min_years or abs(fit[1]) > max_rate:
            continue
        scale = max(1.0, chi2 / (m - p))
        out[c, 0], out[c, 1] = fit[1], np.sqrt(inverse[1, 1] * scale)
        out[c, 2] = sigma_pass / (span * np.sqrt(passes / 12.0))
        out[c, 3], out[c, 4] = fit[0] + base, np.sqrt(inverse[0, 0] * scale)
        out[c, 5], out[c, 6] = fit[2] / radius, fit[3] / radius
        out[c, 7], out[c, 8], out[c, 9], out[c, 10], out[c, 12] = spread, mean, span, m, passes


@kernel
def _gather(cx, cy, x, y, occupied, start, nx, left, bottom, radius, near):
    """Rows within the radius of a centre; returns how many."""
    column, row = int(np.floor((cx - left) / radius)) + 1, int(np.floor((cy - bottom) / radius))
    n = 0
    for r in range(row - 1, row + 2):
        for k in range(column - 1, column + 2):
            if k < 0 or k >= nx or r < 0:
                continue
            s = np.searchsorted(occupied, r * nx + k)
            if s >= occupied.size or occupied[s] != r * nx + k:
                continue
            for i in range(start[s], start[s + 1]):
                if (x[i] - cx) ** 2 + (y[i] - cy) ** 2 <= radius * radius:
                    near[n] = i
                    n += 1
    return n


@kernel
def _solve(a, b, w, kept):
    """Weighted least squares over the kept rows: whether it could be, the fit, its covariance, residuals, chi2."""
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
    # eigenvalues of the scaled equations: one straight track has no slope to its side, and no rate is lost for it
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
