"""Adding rows of equal keys, one after the other, so that the result is defined to the last byte."""

from __future__ import annotations

import numpy as np


def groups_of(*keys):
    """
    The order that sorts rows by keys (the first most significant, ties as they come), and each sorted row's group.

    Returns
    -------
    order : (n,) int64
    group : (n,) int64, 0, 1, ... along the sorted rows
    first : (n_group,) int64, position in the sorted rows of each group's first
    """
    order = np.lexsort(keys[::-1])
    new = np.ones(len(order), dtype=bool)
    if len(order):
        new[1:] = False
        for key in keys:
            ordered = key[order]
            new[1:] |= ordered[1:] != ordered[:-1]
    return order, np.cumsum(new) - 1, np.flatnonzero(new)


def sum_groups(group, columns):
    """
    (n_group, n_column) sums of the rows of each group, added in the order of the rows.

    >>> sum_groups(np.array([0, 0, 1]), np.array([[1.0], [2.0], [5.0]])).tolist()
    [[3.0], [5.0]]
    """
    size = int(group[-1]) + 1 if len(group) else 0
    out = np.empty((size, columns.shape[1]))
    for k in range(columns.shape[1]):
        out[:, k] = np.bincount(group, weights=columns[:, k], minlength=size)
    return out


def sum_by(keys, columns):
    """
    Rows of equal keys added.

    Parameters
    ----------
    keys : tuple of (n,) integer arrays
    columns : (n, k) array

    Returns
    -------
    keys : tuple of (m,) arrays, ascending
    sums : (m, k) array
    """
    order, group, first = groups_of(*keys)
    sums = columns[order] if len(first) == len(order) else sum_groups(group, columns[order])
    return tuple(key[order][first] for key in keys), sums
