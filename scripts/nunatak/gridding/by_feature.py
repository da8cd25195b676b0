"""Series and rates of many features at once, out of grids that are gone through layer by layer, each once."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

LEAST = 3  # values of a series that a rate is fitted to


def means_by_feature(
    layers: Iterable[np.ndarray], cells: tuple[np.ndarray, np.ndarray, np.ndarray], n: int
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the mean of each layer of a grid over the cells of each feature.

    Parameters
    ----------
    layers : (ny, nx) arrays, read one after the other; NaN where nothing is known
    cells : number of the feature, row and column of each cell, of `geometry.features.cells_under`
    n : number of features

    Returns
    -------
    mean : (n_layer, n), NaN where no cell is known
    count : (n_layer, n) int, cells that are known
    """
    number, row, column = cells
    means, counts = [], []
    for layer in layers:
        values = np.asarray(layer)[row, column].astype("f8")
        known = np.isfinite(values)
        count = np.bincount(number[known], minlength=n)
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append(np.bincount(number[known], values[known], minlength=n) / count)
        counts.append(count)
    return np.array(means).reshape(-1, n), np.array(counts).reshape(-1, n)


def rates_by_feature(years: np.ndarray, values: np.ndarray, errors: np.ndarray | None = None) -> pd.DataFrame:
    """
    Fit a straight line to the series of each feature, weighted by its errors.

    Parameters
    ----------
    years : (n_time,) decimal years
    values : (n_time, n), NaN where nothing is known
    errors : (n_time, n), one standard error each. Default: equal weights

    Returns
    -------
    DataFrame of n rows: `n` (values), `first`, `last` (decimal years), `mean`, `rate` (per year), `rate_error` (one
        standard error, multiplied by sqrt(chi2 / (n - 2)) where that is above 1). The rate is NaN with fewer than three
        values
    """
    t = np.asarray(years, float)[:, None]
    known = np.isfinite(values) & (np.isfinite(errors) & (errors > 0) if errors is not None else True)
    v = np.where(known, values, 0.0)
    w = known / np.where(known, errors, 1.0) ** 2 if errors is not None else known.astype(float)
    n, total = known.sum(0), w.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        t0, mean = (w * t).sum(0) / total, (w * v).sum(0) / total
        spread = (w * (t - t0) ** 2).sum(0)
        rate = (w * (t - t0) * v).sum(0) / spread
        chi2 = (w * (v - mean - rate * (t - t0)) ** 2).sum(0) / (n - 2)
        scale = chi2 if errors is None else np.maximum(chi2, 1.0)
        error = np.sqrt(scale / spread)
    enough = (n >= LEAST) & (spread > 0)
    when = np.where(known, t, np.nan)
    seen = n > 0
    first, last = np.full(n.shape, np.nan), np.full(n.shape, np.nan)
    first[seen], last[seen] = np.nanmin(when[:, seen], axis=0), np.nanmax(when[:, seen], axis=0)
    columns = {"n": n, "first": first, "last": last, "mean": np.where(seen, mean, np.nan)}
    columns |= {"rate": np.where(enough, rate, np.nan), "rate_error": np.where(enough, error, np.nan)}
    return pd.DataFrame(columns)


def ranked(rates: pd.DataFrame) -> pd.DataFrame:
    """
    Return rates with the rank of each feature among those of its quantity, the fastest change first.

    Parameters
    ----------
    rates : DataFrame with `quantity` and `rate`
    """
    size = rates["rate"].abs()
    rank = size.groupby(rates["quantity"]).rank(ascending=False, method="first")
    table = rates.assign(rank=rank.astype("Int64"))
    return table.sort_values(["quantity", "rank", "feature"], na_position="last", ignore_index=True)
