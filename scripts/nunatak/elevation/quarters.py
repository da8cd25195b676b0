"""Average monthly values over quarters, on the epochs of ATL15."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from nunatak.elevation.regridding import overlap_of
from nunatak.times import decimal_year, from_decimal_year

PER_YEAR = 4
_FEWEST_MONTHS = 1.5  # of the three of a quarter


def quarters_of(time: Any) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the quarters that months lie in, and the part of every month in every quarter.

    A quarter is centred on its epoch: that of 2020.0 reaches from mid-November to mid-February.

    Parameters
    ----------
    time : (n,) datetime64 within calendar months

    Returns
    -------
    years : (m,) decimal years of the epochs, whole quarters
    parts : (m, n) months: 0, 0.5 or 1
    """
    month = np.asarray(time).astype("datetime64[M]").astype("int64")  # since 1970-01
    first, last = (int(np.floor((m + 1.5) / 3)) for m in (month[0], month[-1] + 1))
    quarters = np.arange(first, last + 1)
    edges = np.append(3 * quarters - 1.5, 3 * last + 1.5)
    parts = np.stack([overlap_of([m, m + 1], edges)[:, 0] for m in month], axis=1)
    return 1970.0 + quarters / PER_YEAR, parts


def quarterly(data: xr.Dataset, names: Sequence[str], sigma: str | None = None) -> xr.Dataset:
    """
    Return the means of quarters of a monthly record, cell by cell.

    A quarter needs half of its months. Months are moved to the middle of their quarter by the cell's own trend, so that
    a missing month does not shift the mean where the surface sinks fast.

    Parameters
    ----------
    data : Dataset (time, y, x)
    names : variables to average
    sigma : the one of them that is an error. It is averaged as an error that the months share. Default: none

    Returns
    -------
    Dataset (time, y, x) with coordinates time (UTC) and decimal_year, and the attributes of `data`
    """
    years, parts = quarters_of(data["time"].values)
    months = decimal_year(data["time"].values)
    out = {}
    for name in names:
        values = data[name].values
        moved = np.zeros(values.shape[1:]) if name == sigma else _trend(months, values)
        means = np.full((years.size, *values.shape[1:]), np.nan, "f4")
        for q, part in enumerate(parts):
            own = np.flatnonzero(part)
            block = values[own] - moved * (months[own] - years[q])[:, None, None]
            weight = np.where(np.isfinite(block), part[own][:, None, None], 0.0)
            count = weight.sum(axis=0)
            with np.errstate(invalid="ignore"):
                mean = (weight * np.nan_to_num(block)).sum(axis=0) / count
            means[q] = np.where(count >= _FEWEST_MONTHS, mean, np.nan)
        out[name] = (("time", "y", "x"), means, data[name].attrs)
    coordinates = {
        "time": from_decimal_year(years),
        "decimal_year": ("time", years, {"units": "years"}),
        "y": data["y"].values,
        "x": data["x"].values,
    }
    return xr.Dataset(out, coordinates, data.attrs)


def _trend(years, values):
    """Return the slope of every cell's line, (ny, nx), 0 if it has none."""
    n, st, sv, stt, stv = (np.zeros(values.shape[1:]) for _ in range(5))
    for t, layer in zip(years - years.mean(), values, strict=True):
        seen = np.isfinite(layer)
        value = np.where(seen, layer, 0.0)
        n += seen
        st += t * seen
        stt += t * t * seen
        sv += value
        stv += t * value
    spread = n * stt - st**2
    return np.divide(n * stv - st * sv, spread, out=np.zeros_like(spread), where=(n > 12) & (spread > 0))
