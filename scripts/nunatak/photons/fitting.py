"""
Fit a straight line to the photons of an extent, and again to those within a window about it.

Source: SlideRule's `Atl06Dispatch::iterativeFitStage`, after the ATL06 ATBD, sections 5.4 to 5.9. The height is that
of the line at the extent's centre, and all statistics belong to the photons of the last fit, not to those that its
window would keep.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.constants import SPEED_OF_LIGHT
from nunatak.photons.gathering import gather
from nunatak.photons.percentiles import dispersion, dispersion_reference
from nunatak.photons.records import (
    MAX_ITERATIONS,
    OUT_OF_BOUNDS,
    SPREAD_TOO_SHORT,
    TOO_FEW_PHOTONS,
    FitResult,
    FitSettings,
    PhotonValues,
    Scratch,
)

if TYPE_CHECKING:
    pass

PULSE_RATE = 10000.0  # Hz
SIGMA_BEAM = 4.25  # m, radius of the footprint
SIGMA_XMIT = 0.68e-9  # s, length of the transmitted pulse
_PULSE_VARIANCE = (SPEED_OF_LIGHT / 2.0 * SIGMA_XMIT) ** 2  # m2

# columns of the kernel's result
H_MEAN, SLOPE, WINDOW, RMS, H_SIGMA, LATITUDE, LONGITUDE, DELTA_TIME, Y_ATC = range(9)


def background_density(length_m: float, background_rate: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """
    Return the background photons per metre of height in an extent.

    This is the number of its pulses times the rate, divided by half the speed of light.

    Parameters
    ----------
    length_m : m, length of the extent
    background_rate : (n,) background photons per second
    velocity : (n,) m/s, speed of the ground track

    Returns
    -------
    (n,) photons per metre. 0 where the velocity or the rate is a fill value
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        density = (length_m * PULSE_RATE) / velocity * background_rate / (SPEED_OF_LIGHT / 2.0)
    # With a fill value in velocity or rate the extent is fitted as if it had no background.
    return np.where(np.isfinite(density), density, 0.0)


def fit_line_reference(
    x: np.ndarray,
    h: np.ndarray,
    density: float,
    *,
    count: int,
    spread: float,
    max_iterations: int,
    min_window: float,
    max_dispersion: float,
) -> dict[str, Any]:
    """
    Fit the line of one extent, as the slow reference implementation of `fit_extents`.

    Parameters
    ----------
    x : (n,) m along the track from the extent's centre
    h : (n,) m
    density : background photons per metre of height
    count, spread, max_iterations, min_window, max_dispersion : as in FitParameters

    Returns
    -------
    dict : h_mean, dh_fit_dx, w_surface_window_final, rms_misfit, h_sigma, pflags, used (rows of the last fit), weights
        (of those rows, to compute any quantity at the centre)
    """
    used, w, iteration, flags = np.arange(len(x)), 0.0, 0, 0
    while True:
        xs, hs = x[used], h[used]
        n = len(used)
        with np.errstate(divide="ignore", invalid="ignore"):
            det = 1 / (n * (xs**2).sum() - xs.sum() ** 2) if np.ptp(xs) > 0 else np.nan
            g = ((xs**2).sum() - xs.sum() * xs) * det
            h_mean, slope = (g * hs).sum(), ((n * xs - xs.sum()) * det * hs).sum()
        r = hs - (h_mean + xs * slope)
        ordered = np.sort(r)
        z0, z1 = (ordered[0], ordered[-1]) if iteration == 0 else (-w / 2, w / 2)
        robust, out = dispersion_reference(ordered, z0, z1, density * (z1 - z0) if iteration == 0 else density * w)
        flags |= OUT_OF_BOUNDS if out else 0
        expected = math.sqrt(_PULSE_VARIANCE + (SIGMA_BEAM * slope) ** 2)
        w = 0.75 * w if np.isnan(h_mean) else max(min_window, 6 * expected, 6 * min(robust, max_dispersion), 0.75 * w)
        inside = np.abs(r) < w / 2
        if inside.sum() < count:
            flags |= TOO_FEW_PHOTONS
        elif np.ptp(xs[inside]) < spread:
            flags |= SPREAD_TOO_SHORT
        elif not inside.all():
            iteration += 1
            if iteration < max_iterations:
                used = used[inside]
                continue
            flags |= MAX_ITERATIONS
        break
    rms = math.sqrt((r**2).sum() / n)
    return {
        "h_mean": h_mean,
        "dh_fit_dx": slope,
        "w_surface_window_final": w,
        "rms_misfit": rms,
        "h_sigma": rms * math.sqrt((g**2).sum()),
        "pflags": flags,
        "used": used,
        "weights": g,
    }


@kernel
def _line(x, h, n):
    """
    Return height at x = 0, slope, sum of squared weights of the height and the two terms of these weights.

    Least squares. All are NaN when all x are equal.
    """
    sx = sxx = sh = sxh = 0.0
    low = high = x[0]
    h0 = h[0]
    for i in range(n):
        a, b = x[i], h[i] - h0
        sx += a
        sxx += a * a
        sh += b
        sxh += a * b
        if a < low:
            low = a
        if a > high:
            high = a
    det = n * sxx - sx * sx
    if not (high > low and det > 0.0):
        return np.nan, np.nan, np.nan, np.nan, np.nan
    return h0 + (sxx * sh - sx * sxh) / det, (n * sxh - sx * sh) / det, sxx / det, sxx / det, sx / det


@kernel
def fit_extents(
    extents: np.ndarray,
    density: np.ndarray,
    reach: Any,
    block: Any,
    values: PhotonValues,
    settings: FitSettings,
    out: FitResult,
) -> None:
    """
    Fit a line to the photons of each extent of a block.

    Parameters
    ----------
    extents : array of `walks.EXTENT`
    density : (n_extent,) background photons per metre of height
    reach : Reach
    block : walks.Block
    values : PhotonValues
    settings : FitSettings
    out : FitResult, overwritten
    """
    longest = 1
    for e in range(extents.shape[0]):
        longest = max(longest, extents[e].end - extents[e].begin)
    scratch = Scratch(
        np.empty(longest),
        np.empty(longest),
        np.empty(longest),
        np.empty(longest),
        np.empty(longest + 1),
        np.empty(longest + 1),
        np.empty(longest, dtype=np.int64),
    )
    for e in range(extents.shape[0]):
        n = gather(extents[e], reach, block, scratch.x, scratch.rows)
        for i in range(n):
            scratch.h[i] = values.h[scratch.rows[i]]
        n, flags, w, h_mean, slope, variance, g0, g1 = _fit_line(n, density[e], settings, scratch)
        total = 0.0
        for i in range(n):
            total += scratch.r[i] * scratch.r[i]
        rms = math.sqrt(total / n)
        result = out.values[e]
        result[H_MEAN], result[SLOPE], result[WINDOW] = h_mean, slope, w
        result[RMS], result[H_SIGMA] = rms, rms * math.sqrt(variance)
        if settings.zero_flagged and flags & (SPREAD_TOO_SHORT | TOO_FEW_PHOTONS | OUT_OF_BOUNDS):
            result[RMS] = result[H_SIGMA] = 0.0
        out.n_fit[e], out.pflags[e] = n, flags
        _at_centre(scratch, n, g0, g1, values, result, out.extra[:, e])


@kernel
def _fit_line(n, density, settings, scratch):
    """
    Fit the line to the n photons in scratch, and repeat with those within the window until nothing changes.

    Returns the number of photons of the last fit, flags, window (m), height, slope, the sum of squared weights of the
    height and the two terms of these weights.
    """
    w = 0.0
    iteration = 0
    flags = 0
    while True:
        h_mean, slope, variance, g0, g1 = _line(scratch.x, scratch.h, n)
        z0, z1 = _residuals(n, h_mean, slope, scratch)
        if np.isnan(h_mean):
            w = 0.75 * w
        else:
            n_background = density * (z1 - z0)
            if iteration > 0:
                z0, z1 = -w / 2.0, w / 2.0
                n_background = density * w
            robust = dispersion(scratch.unordered, n, z0, z1, n_background, scratch.ends, scratch.bounds)
            if robust < 0.0:
                flags |= OUT_OF_BOUNDS
                robust = 0.0
            expected = math.sqrt(_PULSE_VARIANCE + (SIGMA_BEAM * slope) ** 2)
            robust = min(robust, settings.max_dispersion)
            w = max(max(max(settings.min_window, 6.0 * expected), 6.0 * robust), 0.75 * w)
        kept, length = _within(n, w / 2.0, scratch)
        if kept < settings.min_photons:
            flags |= TOO_FEW_PHOTONS
            break
        if length < settings.spread:
            flags |= SPREAD_TOO_SHORT
            break
        if kept == n:
            break
        iteration += 1
        if iteration >= settings.max_iterations:
            flags |= MAX_ITERATIONS
            break
        n = _keep_within(n, w / 2.0, scratch)
    return n, flags, w, h_mean, slope, variance, g0, g1


@kernel
def _residuals(n, h_mean, slope, scratch):
    """Write the residuals of the photons and return the least and the largest, m."""
    low, high = np.inf, -np.inf
    for i in range(n):
        v = scratch.h[i] - (h_mean + scratch.x[i] * slope)
        scratch.r[i], scratch.unordered[i] = v, v
        if v < low:
            low = v
        if v > high:
            high = v
    return low, high


@kernel
def _within(n, half, scratch):
    """Return how many photons lie within half a window of the line, and the distance from first to last, m."""
    kept = 0
    low, high = np.inf, -np.inf
    for i in range(n):
        if abs(scratch.r[i]) < half:
            kept += 1
            if scratch.x[i] < low:
                low = scratch.x[i]
            if scratch.x[i] > high:
                high = scratch.x[i]
    return kept, high - low


@kernel
def _keep_within(n, half, scratch):
    """Keep the photons within half a window of the line and return their number."""
    x, h, index = scratch.x, scratch.h, scratch.rows
    k = 0
    for i in range(n):
        if abs(scratch.r[i]) < half:
            x[k], h[k], index[k] = x[i], h[i], index[i]
            k += 1
    return k


@kernel
def _at_centre(scratch, n, g0, g1, values, result, extra_result):
    """Give position, time and further quantities at the centre, with the weights of the height."""
    x, index, extra = scratch.x, scratch.rows, values.extra
    latitude, longitude, delta_time, across = values.latitude, values.longitude, values.delta_time, values.across
    j = index[0]
    lat0, time0, across0 = latitude[j], delta_time[j], across[j]
    lon0 = longitude[j]
    turned = lon0 < -150.0 or lon0 > 150.0
    if turned:
        lon0 = (lon0 + 360.0) % 360.0
    lat = lon = time = y = 0.0
    for i in range(n):
        j = index[i]
        g = g0 - g1 * x[i]
        other = longitude[j]
        if turned:
            other = (other + 360.0) % 360.0
        lat += g * (latitude[j] - lat0)
        lon += g * (other - lon0)
        time += g * (delta_time[j] - time0)
        y += g * (across[j] - across0)
    lon += lon0
    if turned:
        lon = (lon + 180.0) % 360.0 - 180.0
    result[LATITUDE], result[LONGITUDE] = lat0 + lat, lon
    result[DELTA_TIME], result[Y_ATC] = time0 + time, across0 + y
    for f in range(extra.shape[0]):
        total = 0.0
        for i in range(n):
            total += (g0 - g1 * x[i]) * extra[f, index[i]]
        extra_result[f] = total
