"""Medians inside compiled loops: of a scratch array by selection, and of a moving window by insertion."""

from __future__ import annotations

import numpy as np

from nunatak.compute.kernels import kernel


@kernel
def select(values, n, k):
    """The k-th smallest of values[:n]; the array is reordered (Hoare's selection, median of three)."""
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) // 2
        if values[middle] < values[low]:
            values[low], values[middle] = values[middle], values[low]
        if values[high] < values[low]:
            values[low], values[high] = values[high], values[low]
        if values[high] < values[middle]:
            values[middle], values[high] = values[high], values[middle]
        pivot = values[middle]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return values[k]


@kernel
def median(values, n):
    """Median of values[:n], which are reordered; NaN of none."""
    if n == 0:
        return np.nan
    upper = select(values, n, n // 2)
    if n % 2:
        return upper
    lower = values[0]
    for i in range(1, n // 2):
        if values[i] > lower:
            lower = values[i]
    return 0.5 * (lower + upper)


@kernel
def moving_median(values, n, half, window, out):
    """
    Median of values[i - half : i + half + 1] for each i < n; shorter windows at both ends.

    The window is kept sorted: one value leaves and one enters at each step.

    Parameters
    ----------
    window : (2 half + 1,) scratch
    out : (n,) overwritten
    """
    size = 0
    for i in range(min(half, n)):
        _insert(window, size, values[i])
        size += 1
    for i in range(n):
        if i > half and i + half < n:
            _replace(window, size, values[i - half - 1], values[i + half])
        elif i > half:
            _remove(window, size, values[i - half - 1])
            size -= 1
        elif i + half < n:
            _insert(window, size, values[i + half])
            size += 1
        m = size // 2
        out[i] = window[m] if size % 2 else 0.5 * (window[m - 1] + window[m])


@kernel
def _insert(window, size, value):
    j = size
    while j > 0 and window[j - 1] > value:
        window[j] = window[j - 1]
        j -= 1
    window[j] = value


@kernel
def _remove(window, size, value):
    j = 0
    while window[j] != value:
        j += 1
    while j < size - 1:
        window[j] = window[j + 1]
        j += 1


@kernel
def _replace(window, size, old, new):
    """One value out and one in: only what lies between the two moves."""
    j = 0
    while window[j] != old:
        j += 1
    if new > old:
        while j < size - 1 and window[j + 1] < new:
            window[j] = window[j + 1]
            j += 1
    else:
        while j > 0 and window[j - 1] > new:
            window[j] = window[j - 1]
            j -= 1
    window[j] = new
