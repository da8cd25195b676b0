"""
Fit the trend of each cell of a height-change record beside an annual cycle, with an error that includes persistence.

Quarterly epochs of ATL15 are smoothed in time, so N of them count as fewer than N independent ones. The lag-1
autocorrelation r of the residuals gives the number: N_eff = N (1 - r) / (1 + r).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from nunatak.constants import DAYS_PER_YEAR
from nunatak.elevation.cell_fits import fit_cells


def trend(change: xr.Dataset, *, variable: str = "delta_h", annual: bool = True, min_epochs: int = 8) -> xr.Dataset:
    """
    Fit a straight line, and a sine and cosine of one year, to every cell's record.

    Parameters
    ----------
    change : Dataset (time, y, x) with coordinate decimal_year
    variable : variable in metres. Default: delta_h
    annual : whether to fit the annual cycle beside the line, so that a record that starts in one season and ends in
        another does not bias the trend. Default: True
    min_epochs : cells with fewer finite epochs are NaN. Default: 8

    Returns
    -------
    Dataset (y, x):
        dhdt, dhdt_sigma : m/yr, positive where the surface rises; one standard error, persistence counted
        amplitude : m, and day_of_maximum : days after 1 January, of the annual cycle (with `annual`)
        n_epochs, n_effective : finite epochs, and independent ones among them
        residual_rms : m
    """
    years = change.decimal_year.values
    fit = fit_trend(years, change[variable].values, annual=annual, min_epochs=min_epochs)
    units = {"dhdt": "m/yr", "dhdt_sigma": "m/yr", "amplitude": "m", "day_of_maximum": "days", "residual_rms": "m"}
    variables = {name: (("y", "x"), values, {"units": units.get(name, "1")}) for name, values in fit.items()}
    variables["dhdt"][2]["ancillary_variables"] = "dhdt_sigma"
    return xr.Dataset(variables, coords={"y": change.y, "x": change.x}, attrs=dict(change.attrs))


def fit_trend(
    years: np.ndarray, values: np.ndarray, *, annual: bool = True, min_epochs: int = 8, sigma: bool = True
) -> dict[str, np.ndarray]:
    """
    Return the arrays of `trend`.

    Parameters
    ----------
    years : (n_epoch,) decimal years
    values : (n_epoch, ny, nx) array, metres, NaN where not observed or without ice
    annual, min_epochs : as in `trend`
    sigma : whether to compute the errors and the effective number, at half as much cost again. Default: True

    Returns
    -------
    dict of (ny, nx) float64 arrays named as the variables of `trend`
    """
    years, values = np.asarray(years, dtype=float), np.asarray(values)
    if values.ndim != 3 or values.shape[0] != years.size:
        raise ValueError(f"trend: values of shape {values.shape} for {years.size} epochs; expected (epoch, y, x)")
    design = _design(years, annual)
    few = max(min_epochs, design.shape[1] + 1)
    tables = persistence(design) if sigma else (np.zeros(2),) * 3
    fit = fit_cells(np.ascontiguousarray(values), design, few, sigma, *tables)
    result = {"dhdt": fit[0], "n_epochs": fit[1]}
    if annual:
        cosine, sine = fit[2:4]
        result["amplitude"] = np.hypot(cosine, sine)
        # The columns are cosine and sine of calendar time, so the maximum is at the phase.
        result["day_of_maximum"] = np.mod(np.arctan2(sine, cosine) / (2 * np.pi), 1.0) * DAYS_PER_YEAR
    if sigma:
        result |= zip(("dhdt_sigma", "n_effective", "residual_rms"), fit[-3:], strict=True)
    return result


def trend_reference(years: np.ndarray, values: np.ndarray, *, annual: bool = True, min_epochs: int = 8) -> np.ndarray:
    """
    Compute dhdt of `fit_trend` cell by cell, as the slow reference implementation.

    Parameters
    ----------
    years, values, annual, min_epochs : as in `fit_trend`

    Returns
    -------
    (ny, nx), m/yr
    """
    design = _design(np.asarray(years, dtype=float), annual)
    dhdt = np.full(values.shape[1:], np.nan)
    for i, j in np.ndindex(dhdt.shape):
        seen = np.isfinite(values[:, i, j])
        if seen.sum() >= max(min_epochs, design.shape[1] + 1):
            dhdt[i, j] = np.linalg.lstsq(design[seen], values[seen, i, j].astype("f8"), rcond=None)[0][1]
    return dhdt


def effective_number(n: Any, r: Any) -> Any:
    """
    Return the number of independent epochs among n with lag-1 autocorrelation r.

    It is never more than n, since an r below 0 is chance.

    Parameters
    ----------
    n : number of epochs
    r : lag-1 autocorrelation

    >>> float(effective_number(24, 0.5))
    8.0
    """
    r = np.clip(r, 0.0, 0.99)
    return n * (1 - r) / (1 + r)


def _design(years, annual):
    """Return the columns one, time from the middle of the record, cosine and sine of the year, (n_epoch, 2 or 4)."""
    columns = [np.ones_like(years), years - years.mean()]
    if annual:
        columns += [np.cos(2 * np.pi * years), np.sin(2 * np.pi * years)]
    return np.stack(columns, axis=1)


def persistence(design: np.ndarray, column: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Return how a fit changes errors that persist from epoch to epoch (of first order, AR(1)).

    A fit absorbs part of slow errors, so its residuals look less persistent, and smaller, than the errors are.

    Parameters
    ----------
    design : (n_epoch, p)
    column : column whose coefficient is evaluated. Default: 1, the slope of `trend`

    Returns
    -------
    r : (k,) evenly spaced lag-1 autocorrelations of residuals
    rho : (k,) autocorrelation of errors that leave such residuals on average, not below 0, which is chance
    inflation : (k,) true variance of the coefficient over that from residuals taken as independent
    """
    n, p = design.shape
    solve = np.linalg.pinv(design)
    fit = np.eye(n) - design @ solve  # its own square, so that the trace of fit E fit is the sum of fit times E
    beside = fit[:-1].T @ fit[1:]
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    white = solve[column] @ solve[column]
    rho = np.linspace(0.0, 0.95, 39)
    expected, inflation = np.empty(rho.size), np.empty(rho.size)
    for k in range(rho.size):
        errors = rho[k] ** lag
        squares = (fit * errors).sum()
        expected[k] = ((beside * errors).sum() / (n - 1)) / (squares / n)
        inflation[k] = solve[column] @ errors @ solve[column] / white * (n - p) / squares
    r = np.linspace(expected[0], expected[-1], 65)
    return r, np.interp(r, expected, rho), np.interp(r, expected, inflation)
