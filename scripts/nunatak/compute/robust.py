"""
Estimate the centre and the spread of values with outliers.

Functions for arrays and tables come first. The kernels below them are for compiled loops, which have no arrays of their
own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.constants import MAD_TO_SIGMA

if TYPE_CHECKING:
    import pandas as pd


def nmad(values: Any, *, axis: int | None = None) -> Any:
    """
    Return 1.4826 times the median absolute deviation from the median, a robust estimate of the standard deviation.

    Parameters
    ----------
    values : array. Values that are not finite are left out
    axis : axis along which to estimate. Default: over all values

    Returns
    -------
    float, or an array without that axis. NaN if no value is finite

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


def nmad_by(values: pd.Series, groups: Any) -> pd.Series:
    """
    Return the NMAD of each group of a column.

    Parameters
    ----------
    values : Series
    groups : Series on the index of `values`, or a list of Series

    Returns
    -------
    Series on the groups, in their order
    """
    deviation = (values - values.groupby(groups, observed=True).transform("median")).abs()
    return MAD_TO_SIGMA * deviation.groupby(groups, observed=True).median()


def in_classes(values: np.ndarray, edges: Sequence[float]) -> Iterator[tuple[float, float, np.ndarray]]:
    """
    Yield the classes that hold a value: lower edge, upper edge, and which values are inside.

    Parameters
    ----------
    values : (n,) array
    edges : ascending. A class includes its lower edge and not its upper one

    Examples
    --------
    >>> [(low, high, inside.sum().item()) for low, high, inside in in_classes(np.array([0.5, 2.5, 2.0]), (0, 1, 2, 3))]
    [(0, 1, 1), (2, 3, 2)]
    """
    for low, high in pairwise(edges):
        inside = (values >= low) & (values < high)
        if inside.any():
            yield low, high, inside


def row_medians(rows: np.ndarray) -> np.ndarray:
    """
    Return the median of each row without its NaN, faster than numpy's nanmedian for short rows.

    Parameters
    ----------
    rows : (n, m) array with a finite value in each row

    Returns
    -------
    (n,) array
    """
    values = np.sort(rows, axis=1)  # NaN are sorted last
    n = np.isfinite(values).sum(axis=1)
    each = np.arange(len(values))
    return 0.5 * (values[each, (n - 1) // 2] + values[each, n // 2])


def huber_weights(residual: np.ndarray, limit: float) -> np.ndarray:
    """
    Return Huber's weights of standardised residuals: 1 up to the limit, and limit over residual beyond.

    Parameters
    ----------
    residual : array of residuals over their standard errors
    limit : limit in standard errors

    Examples
    --------
    >>> huber_weights(np.array([0.0, -3.0, 6.0]), 3.0)
    array([1. , 1. , 0.5])
    """
    return np.minimum(1.0, limit / np.maximum(np.abs(residual), 1e-12))


@kernel
def percentile(values: np.ndarray, share: float) -> float:
    """
    Return a percentile of values, which are sorted in place, linear between ranks like `np.quantile`.

    Parameters
    ----------
    values : (n,) array
    share : 0 to 1
    """
    values.sort()
    place = share * (values.shape[0] - 1)
    low = int(place)
    high = min(low + 1, values.shape[0] - 1)
    return values[low] + (place - low) * (values[high] - values[low])


@kernel
def select(values: np.ndarray, n: int, k: int) -> float:
    """
    Return the k-th smallest of values[:n], which are reordered (Hoare's selection, median of three).

    Parameters
    ----------
    values : array, of which the first n count
    n : number of values
    k : rank from 0
    """
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
def median(values: np.ndarray, n: int) -> float:
    """
    Return the median of values[:n], which are reordered, or NaN if n is 0.

    Parameters
    ----------
    values : array, of which the first n count
    n : number of values
    """
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
def moving_median(values: np.ndarray, n: int, half: int, window: np.ndarray, out: np.ndarray) -> None:
    """
    Write the median of values[i - half : i + half + 1] for each i < n.

    Windows are shorter at both ends. The window is kept sorted: one value leaves and one enters at each step.

    Parameters
    ----------
    values : array, of which the first n count
    n : number of values
    half : half of the window's length, without the middle
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
    """Insert a value into a sorted window."""
    j = size
    while j > 0 and window[j - 1] > value:
        window[j] = window[j - 1]
        j -= 1
    window[j] = value


@kernel
def _remove(window, size, value):
    """Remove a value from a sorted window."""
    j = 0
    while window[j] != value:
        j += 1
    while j < size - 1:
        window[j] = window[j + 1]
        j += 1


@kernel
def _replace(window, size, old, new):
    """Replace one value of a sorted window by another, moving only the values between the two."""
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
