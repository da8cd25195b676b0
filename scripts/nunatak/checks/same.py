"""Results held against the same numbers had another way, value by value."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nunatak.checks.check import at_most, not_applicable

# Two ways to one number differ by rounding: files keep 4-byte floats, and sums go in another order.
ROUNDING = 1e-4
_MOST = 1_000_000  # values of a column that are compared, evenly over it


def same(name, columns, text, *, limit=ROUNDING, scales=None):
    """
    Hold arrays against what they must be.

    The value of the check is the largest difference, over the size of what is expected: of each value, but not below
    the median of its column, so that values near zero are not asked for digits that they do not have. A value that is
    missing on one side only fails. Of a large array some values are compared, evenly over it.

    Parameters
    ----------
    name : of the check
    columns : mapping of a column's name to (found, expected), arrays of equal shape; times and texts as well
    text : what is held against what
    limit : share that differences may reach. Default: 1e-4
    scales : mapping of column to the size to divide by, where the column's own is not the measure (m of a difference
        of heights)

    Returns
    -------
    Check, not applicable where there is no value to compare
    """
    worst, where, n = 0.0, "", 0
    for column, (found, expected) in columns.items():
        found, expected = np.asarray(found), np.asarray(expected)
        if found.shape != expected.shape:
            worst, where, n = (
                np.inf,
                f"{column}, which has {found.shape} values for {expected.shape}",
                n + expected.size,
            )
            continue
        step = -(-found.size // _MOST) or 1
        share = _shares(found.ravel()[::step], expected.ravel()[::step], (scales or {}).get(column))
        n += int(np.isfinite(share).sum() + np.isinf(share).sum())
        if share.size and np.nanmax(share, initial=0.0) > worst:
            worst, where = float(np.nanmax(share)), column
    if not n:
        return not_applicable(name, "there is no value to compare")
    said = f", largest in {where}" if where else ""
    return at_most(name, worst, limit, "", f"largest difference, as a share, of {text}; {n:,} values{said}")


def same_rows(name, found, expected, keys, text, *, columns=None, limit=ROUNDING, scales=None):
    """
    Compare rows of a table with rows that must be the same.

    A row that only one of them has fails the check.

    Parameters
    ----------
    found, expected : DataFrames; `keys` name their rows
    columns : those that are compared. Default: all that both have
    text, limit, scales : as of `same`
    """
    if not len(found) and not len(expected):
        return not_applicable(name, "there is no row to compare")
    columns = [c for c in (expected.columns if columns is None else columns) if c not in keys and c in found]
    both = _plain_keys(found, keys)[[*keys, *columns]].merge(
        _plain_keys(expected, keys)[[*keys, *columns]], on=list(keys), how="outer", indicator=True, suffixes=("", "_2")
    )
    lone = int((both["_merge"] != "both").sum())
    if lone or len(both) > max(len(found), len(expected)):
        return at_most(name, np.inf, limit, "", f"{text}: {lone} of {len(both)} rows are in one of the two alone")
    return same(name, {c: (both[c], both[f"{c}_2"]) for c in columns}, text, limit=limit, scales=scales)


def _plain_keys(table, keys):
    """Return the table with categories among its keys as text, so that two tables meet."""
    return table.assign(**{k: table[k].astype(str) for k in keys if not pd.api.types.is_numeric_dtype(table[k])})


def _shares(found, expected, scale):
    """Return |difference| over size of each value, inf where one side alone is missing and NaN where both are."""
    if found.dtype.kind in "OUSb" or expected.dtype.kind in "OUSb":
        one, other = (
            pd.Series(values.ravel()).astype(str).replace({"<NA>": "", "nan": "", "None": ""})
            for values in (found, expected)
        )
        return np.where(one.to_numpy() == other.to_numpy(), 0.0, np.inf)
    if found.dtype.kind == "M" or expected.dtype.kind == "M":
        found, expected = (values.astype("M8[ns]").astype("i8").astype("f8") / 1e9 for values in (found, expected))
        scale = 1e4 if scale is None else scale  # a share of 1e-4 is a second
    found, expected = found.astype("f8"), expected.astype("f8")
    size = np.abs(expected)
    if scale is not None:
        size = np.full(expected.shape, float(scale))
    elif np.isfinite(size).any():
        size = np.fmax(size, np.nanmedian(size[np.isfinite(size)]))
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = np.abs(found - expected)
        share = np.where(difference == 0, 0.0, difference / size)
    one_missing = np.isfinite(found) != np.isfinite(expected)
    return np.where(one_missing, np.inf, np.where(np.isfinite(found), share, np.nan))


def bilinear(field, x, y, px, py):
    """Interpolate a grid at points between four cells that all have a value, and return NaN elsewhere."""
    column, row = (px - x[0]) / (x[1] - x[0]), (py - y[0]) / (y[1] - y[0])
    j, i = np.floor(column).astype(int), np.floor(row).astype(int)
    inside = (i >= 0) & (j >= 0) & (i < y.size - 1) & (j < x.size - 1)
    i, j = np.where(inside, i, 0), np.where(inside, j, 0)
    u, v = column - j, row - i
    f = field  # as large as it may be: weights of 8 bytes alone make the sums so
    value = (1 - v) * ((1 - u) * f[i, j] + u * f[i, j + 1]) + v * ((1 - u) * f[i + 1, j] + u * f[i + 1, j + 1])
    return np.where(inside, value, np.nan)
