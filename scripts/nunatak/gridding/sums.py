"""Add rows of equal keys one after the other, so that the result is defined to the last byte."""

from __future__ import annotations

import numpy as np


def groups_of(*keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Return the order that sorts rows by keys, and the group of each sorted row.

    Parameters
    ----------
    keys : (n,) arrays, the most significant first. Rows of equal keys keep their order

    Returns
    -------
    order : (n,) int64
    group : (n,) int64, 0, 1, ... along the sorted rows
    first : (n_group,) int64, position in the sorted rows of each group's first row
    """
    order = np.lexsort(keys[::-1])
    new = np.ones(len(order), dtype=bool)
    if len(order):
        new[1:] = False
        for key in keys:
            ordered = key[order]
            new[1:] |= ordered[1:] != ordered[:-1]
    return order, np.cumsum(new) - 1, np.flatnonzero(new)


def sum_groups(group: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """
    Sum the rows of each group, in the order of the rows.

    Parameters
    ----------
    group : (n,) int64, 0, 1, ... ascending
    columns : (n, n_column) array

    Returns
    -------
    (n_group, n_column) array

    >>> sum_groups(np.array([0, 0, 1]), np.array([[1.0], [2.0], [5.0]])).tolist()
    [[3.0], [5.0]]
    """
    size = int(group[-1]) + 1 if len(group) else 0
    out = np.empty((size, columns.shape[1]))
    for k in range(columns.shape[1]):
        out[:, k] = np.bincount(group, weights=columns[:, k], minlength=size)
    return out


def sum_by(keys: tuple[np.ndarray, ...], columns: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """
    Add the rows of equal keys.

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
