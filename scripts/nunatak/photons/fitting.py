"""
A straight line through the photons of an extent, fitted again to those within a window about it.

Source: SlideRule's `Atl06Dispatch::iterativeFitStage`, after the ATL06 ATBD, sections 5.4 to 5.9. The height is that
of the line at the extent's centre, and all statistics belong to the photons of the last fit, not to those that its
window would keep.

All kernels of the fit stand in this one module: numba renews its cache when the module of the outer kernel changes, not
when that of one it calls does.
"""

from __future__ import annotations

import math

import numpy as np

from nunatak.kernels import kernel

SPEED_OF_LIGHT = 299792458.0  # m/s
PULSE_RATE = 10000.0  # Hz
RDE_SCALE = 1.3490  # interquartile range of a normal distribution in standard deviations
SIGMA_BEAM = 4.25  # m, radius of the footprint
SIGMA_XMIT = 0.68e-9  # s, length of the transmitted pulse
_PULSE_VARIANCE = (SPEED_OF_LIGHT / 2.0 * SIGMA_XMIT) ** 2  # m2

# columns of the kernel's result
H_MEAN, SLOPE, WINDOW, RMS, H_SIGMA, LATITUDE, LONGITUDE, DELTA_TIME, Y_ATC = range(9)


def background_density(length_m, background_rate, velocity):
    """Background photons per metre of height in an extent: its pulses times the rate over half the speed of light."""
    with np.errstate(divide="ignore", invalid="ignore"):
        density = (length_m * PULSE_RATE) / velocity * background_rate / (SPEED_OF_LIGHT / 2.0)
    # a fill in velocity or rate: fitted as without background rather than not at all
    return np.where(np.isfinite(density), density, 0.0)


def fit_line_reference(x, h, density, *, count, spread, max_iterations, min_window, max_dispersion):
    """
    The definition of the fit, for one extent; slow and obvious.

    Parameters
    ----------
    x : (n,) m along the track from the extent's centre
    h : (n,) m
    density : background photons per metre of height
    count, spread, max_iterations, min_window, max_dispersion : of FitParameters

    Returns
    -------
    dict : h_mean, dh_fit_dx, w_surface_window_final, rms_misfit, h_sigma, pflags, used (rows of the last fit), weights
        (of those, to give any quantity at the centre)
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
        dispersion, out = _dispersion_reference(ordered, z0, z1, density * (z1 - z0) if iteration == 0 else density * w)
        flags |= 8 if out else 0
        expected = math.sqrt(_PULSE_VARIANCE + (SIGMA_BEAM * slope) ** 2)
        if np.isnan(h_mean):
            w = 0.75 * w
        else:
            w = max(min_window, 6 * expected, 6 * min(dispersion, max_dispersion), 0.75 * w)
        inside = np.abs(r) < w / 2
        if inside.sum() < count:
            flags |= 2
        elif np.ptp(xs[inside]) < spread:
            flags |= 1
        elif not inside.all():
            iteration += 1
            if iteration < max_iterations:
                used = used[inside]
                continue
            flags |= 4
        break
    rms = math.sqrt((r**2).sum() / n)
    return {"h_mean": h_mean, "dh_fit_dx": slope, "w_surface_window_final": w, "rms_misfit": rms,
            "h_sigma": rms * math.sqrt((g**2).sum()), "pflags": flags, "used": used, "weights": g}  # fmt: skip


def _dispersion_reference(r, z0, z1, n_background):
    """Robust dispersion of sorted residuals less a uniform background, and whether its percentiles fell outside."""
    n = len(r)
    rate = n_background / (z1 - z0) if z1 > z0 else np.nan
    n_signal = n - n_background
    if n_signal <= 1:
        return (z1 - z0) / n, False
    place = np.arange(n)
    low = place + 1.5 < 0.25 * n_signal + (r - z0) * rate
    high = place - 0.5 > 0.75 * n_signal + (r - z0) * rate
    i0 = int(np.argmin(low)) if not low.all() else n
    i1 = n - 1 - int(np.argmin(high[::-1])) if not high.all() else -1
    if i1 < i0:
        i0, i1 = int(n / 2 - n_signal / 4 + 0.5) - 1, int(n / 2 + n_signal / 4 + 0.5)
    if i0 >= 0 and i1 < n:
        return (r[i1] - r[i0]) / RDE_SCALE, False
    return 0.0, True


@kernel
def gather(b, e, es, origin, centre, mode, limit, compat, along, segment, selected, dist, ids, x, index):
    """
    The photons of one extent that count: their distance from its centre into x, their rows into index; their number.

    mode 0, legacy: within `limit` metres of the origin, distances as float32 as the reference hands them on;
    1, legacy by segments: within `limit` segments; 2, x-series; 3, anchored: all selected ones.
    """
    k = 0
    half = centre - origin
    for i in range(b, e):
        if not selected[i]:
            continue
        s = segment[i]
        if mode <= 1:
            d = (dist[s] - origin) + along[i]
            if mode == 0:
                if not d < limit:
                    continue
            elif not (s - es if compat else ids[s] - ids[es]) < limit:
                continue
            x[k] = np.float32(d - half)
        elif mode == 2:
            x[k] = (dist[s] + along[i]) - centre
        else:
            x[k] = (dist[s] - centre) + along[i]
        index[k] = i
        k += 1
    return k


@kernel
def _dispersion(r, n, z0, z1, n_background, ends, bounds):
    """
    Robust dispersion of residuals, whose order is lost; -1 where its percentiles fall outside.

    ends, bounds: scratch of as many elements as r.
    """
    n_signal = n - n_background
    if n_signal <= 1.0:
        return (z1 - z0) / n
    rate = n_background / (z1 - z0) if z1 > z0 else np.nan
    i0, low = _lower_percentile(r, n, 0.25 * n_signal, z0, rate, ends, bounds)
    i1, high = _upper_percentile(r, n, 0.75 * n_signal, z0, rate, ends, bounds)
    if i1 < i0:
        i0 = int(n / 2.0 - n_signal / 4.0 + 0.5) - 1
        i1 = int(n / 2.0 + n_signal / 4.0 + 0.5)
        if i0 < 0 or i1 >= n:
            return -1.0
        r[:n].sort()
        low, high = r[i0], r[i1]
    return (high - low) / RDE_SCALE


# The percentiles are the first ranks, from below and from above, at which a count meets a line in r. Sorting all
# residuals for that took half of the fit's time; instead they are parted as in quicksort, and a part is left unsorted
# when its bounds show that no rank in it can be the one. The comparisons made are those of the sorted form.


@kernel
def _lower_percentile(r, n, need, z0, rate, ends, bounds):
    """First rank i, and its residual, with i + 1.5 >= need + (r[i] - z0) * rate; n without."""
    a, top, least = 0, 0, -np.inf
    ends[0], bounds[0] = n, np.inf
    while top >= 0:
        b = int(ends[top])
        if not b - 1 + 1.5 < need + (least - z0) * rate:
            if b - a > 16:
                cut, pivot = _part(r, a, b)
                top += 1
                ends[top], bounds[top] = cut, pivot
                continue
            _sort_few(r, a, b)
            for i in range(a, b):
                if not i + 1.5 < need + (r[i] - z0) * rate:
                    return i, r[i]
        a, least = b, bounds[top]
        top -= 1
    return n, np.nan


@kernel
def _upper_percentile(r, n, need, z0, rate, ends, bounds):
    """Last rank i, and its residual, with i - 0.5 <= need + (r[i] - z0) * rate; -1 without."""
    b, top, most = n, 0, np.inf
    ends[0], bounds[0] = 0, -np.inf
    while top >= 0:
        a = int(ends[top])
        if not a - 0.5 > need + (most - z0) * rate:
            if b - a > 16:
                cut, pivot = _part(r, a, b)
                top += 1
                ends[top], bounds[top] = cut, pivot
                continue
            _sort_few(r, a, b)
            for i in range(b - 1, a - 1, -1):
                if not i - 0.5 > need + (r[i] - z0) * rate:
                    return i, r[i]
        b, most = a, bounds[top]
        top -= 1
    return -1, np.nan


@kernel
def _part(r, a, b):
    """Part r[a:b] into values at most and values at least a pivot; the cut, strictly inside, and the pivot."""
    middle = (a + b - 1) // 2
    pivot = r[middle]
    r[middle] = r[a]
    j = a + 1
    for i in range(a + 1, b):  # without a branch on the comparison, which no processor could foresee
        v = r[i]
        r[i] = r[j]
        r[j] = v
        j += v < pivot
    r[a] = r[j - 1]
    r[j - 1] = pivot
    if (b - a) // 16 < j - a < b - a:
        return j, pivot
    return _part_evenly(r, a, b)


@kernel
def _part_evenly(r, a, b):
    """The same by Hoare's scheme, which also parts many equal values well."""
    pivot = r[(a + b - 1) // 2]
    i, j = a - 1, b
    while True:
        i += 1
        while r[i] < pivot:
            i += 1
        j -= 1
        while r[j] > pivot:
            j -= 1
        if i >= j:
            return j + 1, pivot
        r[i], r[j] = r[j], r[i]


@kernel
def _sort_few(r, a, b):
    for i in range(a + 1, b):
        v = r[i]
        j = i - 1
        while j >= a and r[j] > v:
            r[j + 1] = r[j]
            j -= 1
        r[j + 1] = v


@kernel
def _line(x, h, n):
    """Height at x = 0, slope, and the sum of squared weights of the height (least squares); NaN where all x are one."""
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
def fit_extents(begin, end, first_segment, origin, centre, density, mode, limit, compat, along, segment, selected, dist,
                ids, h, latitude, longitude, delta_time, across, extra, count, spread, max_iterations, min_window,
                max_dispersion, zero_flagged, result, n_fit, pflags, extra_result):  # fmt: skip
    """
    Fit all extents of a block; the result's columns are named at the top of this module.

    zero_flagged: give 0 for rms_misfit and h_sigma where a fit did not end well, as the legacy reference does.
    """
    longest = 1
    for e in range(begin.shape[0]):
        longest = max(longest, end[e] - begin[e])
    x, hs, r, unordered = np.empty(longest), np.empty(longest), np.empty(longest), np.empty(longest)
    ends, bounds = np.empty(longest + 1), np.empty(longest + 1)
    index = np.empty(longest, dtype=np.int64)
    for e in range(begin.shape[0]):
        n = gather(begin[e], end[e], first_segment[e], origin[e], centre[e], mode, limit, compat, along, segment,
                   selected, dist, ids, x, index)  # fmt: skip
        for i in range(n):
            hs[i] = h[index[i]]
        w = 0.0
        iteration = 0
        flags = 0
        while True:
            h_mean, slope, variance, g0, g1 = _line(x, hs, n)
            z0, z1 = np.inf, -np.inf
            for i in range(n):
                v = hs[i] - (h_mean + x[i] * slope)
                r[i], unordered[i] = v, v
                if v < z0:
                    z0 = v
                if v > z1:
                    z1 = v
            if np.isnan(h_mean):
                w = 0.75 * w
            else:
                n_background = density[e] * (z1 - z0)
                if iteration > 0:
                    z0, z1 = -w / 2.0, w / 2.0
                    n_background = density[e] * w
                dispersion = _dispersion(unordered, n, z0, z1, n_background, ends, bounds)
                if dispersion < 0.0:
                    flags |= 8
                    dispersion = 0.0
                expected = math.sqrt(_PULSE_VARIANCE + (SIGMA_BEAM * slope) ** 2)
                dispersion = min(dispersion, max_dispersion)
                w = max(max(max(min_window, 6.0 * expected), 6.0 * dispersion), 0.75 * w)
            kept = 0
            half_w = w / 2.0
            low, high = np.inf, -np.inf
            for i in range(n):
                if abs(r[i]) < half_w:
                    kept += 1
                    if x[i] < low:
                        low = x[i]
                    if x[i] > high:
                        high = x[i]
            if kept < count:
                flags |= 2
                break
            if high - low < spread:
                flags |= 1
                break
            if kept == n:
                break
            iteration += 1
            if iteration >= max_iterations:
                flags |= 4
                break
            k = 0
            for i in range(n):
                if abs(r[i]) < half_w:
                    x[k], hs[k], index[k] = x[i], hs[i], index[i]
                    k += 1
            n = k
        total = 0.0
        for i in range(n):
            total += r[i] * r[i]
        rms = math.sqrt(total / n)
        result[e, 0], result[e, 1], result[e, 2] = h_mean, slope, w
        result[e, 3], result[e, 4] = rms, rms * math.sqrt(variance)
        if zero_flagged and flags & 11:
            result[e, 3] = result[e, 4] = 0.0
        n_fit[e], pflags[e] = n, flags
        _at_centre(x, index, n, g0, g1, latitude, longitude, delta_time, across, extra, result[e], extra_result[:, e])


@kernel
def _at_centre(x, index, n, g0, g1, latitude, longitude, delta_time, across, extra, result, extra_result):
    """Position, time and further quantities of the same photons at the centre: the weights of the height."""
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
    result[5], result[6], result[7], result[8] = lat0 + lat, lon, time0 + time, across0 + y
    for f in range(extra.shape[0]):
        total = 0.0
        for i in range(n):
            total += (g0 - g1 * x[i]) * extra[f, index[i]]
        extra_result[f] = total
