"""Compute the robust dispersion of residuals less a uniform background, without sorting them all."""

from __future__ import annotations

import numpy as np

from nunatak.compute.kernels import kernel

RDE_SCALE = 1.3490  # interquartile range of a normal distribution in standard deviations


def dispersion_reference(r: np.ndarray, z0: float, z1: float, n_background: float) -> tuple[float, bool]:
    """
    Return the robust dispersion of sorted residuals less background, and whether its percentiles fell outside.

    Parameters
    ----------
    r : (n,) sorted residuals, m
    z0, z1 : m, window of the residuals
    n_background : background photons in the window
    """
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
def dispersion(
    r: np.ndarray, n: int, z0: float, z1: float, n_background: float, ends: np.ndarray, bounds: np.ndarray
) -> float:
    """
    Return the robust dispersion of residuals, m, or -1 if its percentiles fall outside.

    Parameters
    ----------
    r : residuals, of which the first n count. Their order is lost
    n : number of residuals
    z0, z1 : m, window of the residuals
    n_background : background photons in the window
    ends, bounds : scratch, one element more than r
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
# residuals for that took half of the fit's time. Instead they are divided as in quicksort, and a part stays unsorted
# when its bounds show that the rank cannot lie in it. The comparisons are the same as in the sorted form.


@kernel
def _lower_percentile(r, n, need, z0, rate, ends, bounds):
    """Return the first rank i with i + 1.5 >= need + (r[i] - z0) * rate, and its residual, or n and NaN without one."""
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
    """Return the last rank i with i - 0.5 <= need + (r[i] - z0) * rate, and its residual, or -1 and NaN without one."""
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
    """
    Divide r[a:b] into values at most and values at least a pivot, and return the cut and the pivot.

    The cut lies strictly inside.
    """
    middle = (a + b - 1) // 2
    pivot = r[middle]
    r[middle] = r[a]
    j = a + 1
    # A branch on the comparison would be slow, as no processor could predict it.
    for i in range(a + 1, b):
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
    """Divide r[a:b] by Hoare's scheme, which also divides many equal values well."""
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
    """Sort r[a:b] in place by insertion."""
    for i in range(a + 1, b):
        v = r[i]
        j = i - 1
        while j >= a and r[j] > v:
            r[j + 1] = r[j]
            j -= 1
        r[j + 1] = v
