"""
Estimate the middle and the spread of values of which some are far off.

Functions for arrays and tables come first; the kernels below them are for compiled loops, which hold no arrays of their
own.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.constants import MAD_TO_SIGMA


def nmad(values, *, axis=None):
    """
    Return 1.4826 times the median absolute deviation from the median: a standard deviation that few outliers move.

    Parameters
    ----------
    values : array; values that are not finite are left out
    axis : along which to estimate; of all values by default

    Returns
    -------
    float, or an array without that axis; NaN where no value is finite

    Examples
    --------
    >>> round(nmad([1.0, 2.0, 3.0, 100.0]), 4)
    1.4826
    """
    values = np.asarray(values, dtype=float)
    if axis is None:
        values = values[np.isfinite(values)]
        return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values)))) if values.size else np.nan
    values = np.where(np.isfinite(values), values, np.nan)
    centre = np.nanmedian(values, axis=axis, keepdims=True)
    return MAD_TO_SIGMA * np.nanmedian(np.abs(values - centre), axis=axis)


def nmad_by(values, groups):
    """
    Return the NMAD of each group of a column.

    Parameters
    ----------
    values : Series
    groups : Series on the index of `values`, or a list of such

    Returns
    -------
    Series on the groups, in their order
    """
    deviation = (values - values.groupby(groups, observed=True).transform("median")).abs()
    return MAD_TO_SIGMA * deviation.groupby(groups, observed=True).median()


def in_classes(values, edges):
    """
    Go through the classes that hold a value: (lower edge, upper edge, which values are inside).

    Parameters
    ----------
    values : (n,) array
    edges : ascending; a class holds its lower edge and not its upper one

    Examples
    --------
    >>> [(low, high, inside.sum().item()) for low, high, inside in in_classes(np.array([0.5, 2.5, 2.0]), (0, 1, 2, 3))]
    [(0, 1, 1), (2, 3, 2)]
    """
    for low, high in pairwise(edges):
        inside = (values >= low) & (values < high)
        if inside.any():
            yield low, high, inside


def row_medians(rows):
    """
    Return the median of each row without its NaN, faster than numpy's nanmedian for short rows.

    Parameters
    ----------
    rows : (n, m) array; each row holds a finite value
    """
    values = np.sort(rows, axis=1)  # NaN come last
    n = np.isfinite(values).sum(axis=1)
    each = np.arange(len(values))
    return 0.5 * (values[each, (n - 1) // 2] + values[each, n // 2])


def huber_weights(residual, limit):
    """
    Return Huber's weights of standardised residuals: 1 up to the limit, and beyond it limit over residual.

    Parameters
    ----------
    residual : array of residuals over their standard errors
    limit : in standard errors

    Examples
    --------
    >>> huber_weights(np.array([0.0, -3.0, 6.0]), 3.0)
    array([1. , 1. , 0.5])
    """
    return np.minimum(1.0, limit / np.maximum(np.abs(residual), 1e-12))


@kernel
def percentile(values, share):
    """Return a percentile of values, which are sorted: linear between the two nearest ranks, like `np.quantile`."""
    values.sort()
    place = share * (values.shape[0] - 1)
    low = int(place)
    high = min(low + 1, values.shape[0] - 1)
    return values[low] + (place - low) * (values[high] - values[low])


@kernel
def select(values, n, k):
    """Return the k-th smallest of values[:n], which are reordered (Hoare's selection, median of three)."""
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
    """Return the median of values[:n], which are reordered, or NaN where n is 0."""
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
    Write the median of values[i - half : i + half + 1] for each i < n.

    Windows are shorter at both ends. The window is kept sorted: one value leaves and one enters at each step.

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
    """
    Replace one value of a sorted window by another.

    Only the values that lie between the two move.
    """
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
