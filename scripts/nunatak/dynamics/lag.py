"""Lag and correlation between two yearly series, with the number of values that are independent."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from nunatak.runtime import NunatakError

_ROUNDING = 1e-9  # of the range of a series: what is left below that of a trend is rounding


def lag_correlation(first, second, *, max_lag=3, fitted=0):
    """
    Return the correlation of two regular series at each lag.

    Parameters
    ----------
    first, second : (n,) values at the same regular steps, NaN where missing
    max_lag : most steps by which `second` follows `first` or precedes it
    fitted : how many values a fit took out of each series before, beside its mean: 1 for a trend

    Returns
    -------
    DataFrame with one row per lag: `lag` (steps; positive: `second` follows), `correlation`, `n` pairs of values,
        `n_effective`, `p` (two-sided; NaN with fewer than 3 effective values)

    Raises
    ------
    NunatakError : series of different lengths

    Notes
    -----
    n_effective = n (1 - r1 r2) / (1 + r1 r2) - fitted, with the lag-1 autocorrelations r1, r2 of both, between 2 and n
    (Bretherton et al. 1999, doi:10.1175/1520-0442(1999)012<1990:TENOSD>2.0.CO;2).
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    if first.shape != second.shape or first.ndim != 1:
        raise NunatakError(f"lag: series of {first.shape} and {second.shape} values; give two of one length")
    rows = []
    for lag in range(-max_lag, max_lag + 1):
        a, b = (first[: first.size - lag], second[lag:]) if lag >= 0 else (first[-lag:], second[:lag])
        rows.append((lag, *_correlation(a, b, fitted)))
    return pd.DataFrame(rows, columns=["lag", "correlation", "n", "n_effective", "p"])


def _correlation(a, b, fitted):
    both = np.isfinite(a) & np.isfinite(b)
    n = int(both.sum())
    if n < 3 + fitted or np.ptp(a[both]) == 0 or np.ptp(b[both]) == 0:
        return np.nan, n, np.nan, np.nan
    r = float(np.corrcoef(a[both], b[both])[0, 1])
    alike = _autocorrelation(a) * _autocorrelation(b)
    effective = float(np.clip(n * (1 - alike) / (1 + alike) - fitted, 2, n - fitted))
    if effective < 3:
        return r, n, effective, np.nan
    t = abs(r) * np.sqrt((effective - 2) / max(1 - r**2, 1e-12))
    return r, n, effective, float(2 * stats.t.sf(t, effective - 2))


def _autocorrelation(values):
    """Return the lag-1 autocorrelation, 0 where fewer than 4 pairs of neighbouring values are known."""
    both = np.isfinite(values[1:]) & np.isfinite(values[:-1])
    if both.sum() < 4:
        return 0.0
    before, after = values[:-1][both], values[1:][both]
    if np.ptp(before) == 0 or np.ptp(after) == 0:
        return 0.0
    return float(np.corrcoef(before, after)[0, 1])


def lags_of_years(years, speed, rate, *, max_lag=3):
    """
    Return the correlation of yearly speeds with yearly rates of height change at each lag, as they are and detrended.

    Parameters
    ----------
    years : (n,) whole years, each once
    speed : (n,) m/yr, NaN where missing
    rate : (n,) rate of height change, m/yr, NaN where missing
    max_lag : most years by which the rate follows the speed or precedes it

    Returns
    -------
    DataFrame of `lag_correlation` with a column `series`: "values", or "detrended" for what a straight line through
        each series leaves

    Notes
    -----
    A negative correlation means that the surface sinks faster when the ice is faster. Two series with a trend are
    always correlated; what is left without the trends is the stronger evidence.
    """
    every = np.arange(np.min(years), np.max(years) + 1)
    place = np.searchsorted(every, years)
    series = [np.full(every.size, np.nan) for _ in range(2)]
    for whole, values in zip(series, (speed, rate), strict=True):
        whole[place] = values
    tables = []
    for name, prepare, fitted in (("values", np.asarray, 0), ("detrended", detrended, 1)):
        table = lag_correlation(prepare(series[0]), prepare(series[1]), max_lag=max_lag, fitted=fitted)
        table.insert(0, "series", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def detrended(values):
    """
    Return what a straight line by least squares leaves of a regular series.

    Missing values stay missing.
    """
    values = np.asarray(values, float)
    known, at = np.isfinite(values), np.arange(values.size)
    if known.sum() < 3:
        return np.full(values.size, np.nan)
    slope, intercept = np.polyfit(at[known], values[known], 1)
    rest = values - intercept - slope * at
    return np.where(np.abs(rest) < _ROUNDING * np.ptp(values[known]), 0.0, rest)
