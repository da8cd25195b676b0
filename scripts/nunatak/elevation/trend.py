"""
The trend of each cell of a height-change record, the annual cycle apart, with an error that knows of persistence.

Quarterly epochs of ATL15 are smoothed in time, so N of them are fewer than N independent ones. The lag-1
autocorrelation r of the residuals tells how many: N_eff = N (1 - r) / (1 + r).
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from nunatak.kernels import kernel

# Cells worked on together: their sums stay in the first-level cache, and loops along them vectorise.
_BLOCK = 256


def trend(change, *, variable="delta_h", annual=True, min_epochs=8):
    """
    Straight line, and a sine and cosine of one year, through every cell's record.

    Parameters
    ----------
    change : Dataset (time, y, x) with coordinate decimal_year
    variable : str, metres
    annual : fit the annual cycle beside the line, so that a record that starts in one season and ends in another does
        not lean
    min_epochs : cells with fewer finite epochs are NaN

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


def fit_trend(years, values, *, annual=True, min_epochs=8, sigma=True):
    """
    The arrays of `trend`.

    Parameters
    ----------
    years : (n_epoch,) decimal years
    values : (n_epoch, ny, nx) array, metres; NaN where not observed or without ice
    annual, min_epochs : as in `trend`
    sigma : also the errors and what they rest on, at half as much cost again

    Returns
    -------
    dict of (ny, nx) float64 arrays named as the variables of `trend`
    """
    years, values = np.asarray(years, dtype=float), np.asarray(values)
    if values.ndim != 3 or values.shape[0] != years.size:
        raise ValueError(f"trend: values of shape {values.shape} for {years.size} epochs; expected (epoch, y, x)")
    design = _design(years, annual)
    few = max(min_epochs, design.shape[1] + 1)
    contiguous = np.ascontiguousarray(values)
    coefficients, covariance, n = _fit(contiguous, design, few)
    result = {"dhdt": coefficients[1]}
    if annual:
        result["amplitude"] = np.hypot(coefficients[2], coefficients[3])
        # the columns are cos and sin of calendar time: their maximum is at the phase
        result["day_of_maximum"] = np.mod(np.arctan2(coefficients[3], coefficients[2]) / (2 * np.pi), 1.0) * 365.25
    result["n_epochs"] = n
    if sigma:
        names = ("dhdt_sigma", "n_effective", "residual_rms")
        table = _persistence(design)
        result |= zip(names, _errors(contiguous, design, coefficients, covariance, n, *table), strict=True)
    return result


def trend_reference(years, values, *, annual=True, min_epochs=8):
    """The definition of `fit_trend`'s dhdt. Slow, obvious; the tests believe this one."""
    design = _design(np.asarray(years, dtype=float), annual)
    dhdt = np.full(values.shape[1:], np.nan)
    for i, j in np.ndindex(dhdt.shape):
        seen = np.isfinite(values[:, i, j])
        if seen.sum() >= max(min_epochs, design.shape[1] + 1):
            dhdt[i, j] = np.linalg.lstsq(design[seen], values[seen, i, j].astype("f8"), rcond=None)[0][1]
    return dhdt


def effective_number(n, r):
    """
    Independent epochs among n with lag-1 autocorrelation r; never more than n, for r below 0 is chance.

    >>> float(effective_number(24, 0.5))
    8.0
    """
    r = np.clip(r, 0.0, 0.99)
    return n * (1 - r) / (1 + r)


def _design(years, annual):
    """(n_epoch, 2 or 4): one, time from the middle of the record, cosine and sine of the year."""
    columns = [np.ones_like(years), years - years.mean()]
    if annual:
        columns += [np.cos(2 * np.pi * years), np.sin(2 * np.pi * years)]
    return np.stack(columns, axis=1)


def _persistence(design):
    """
    What a fit makes of errors that persist from epoch to epoch (of first order, AR(1)).

    A fit takes up part of slow errors, so its residuals look less persistent, and smaller, than the errors are.

    Returns
    -------
    r : (k,) evenly spaced lag-1 autocorrelations of residuals
    rho : (k,) that of errors which leave such residuals on average; not below 0, which is chance
    inflation : (k,) true variance of the slope over the one that residuals taken as independent would give
    """
    n, p = design.shape
    solve = np.linalg.pinv(design)
    fit = np.eye(n) - design @ solve
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    white = (solve @ solve.T)[1, 1]
    rho = np.linspace(0.0, 0.95, 39)
    expected, inflation = np.empty(rho.size), np.empty(rho.size)
    for k in range(rho.size):
        errors = rho[k] ** lag
        residual = fit @ errors @ fit
        squares = np.trace(residual)
        expected[k] = (np.trace(residual, offset=1) / (n - 1)) / (squares / n)
        inflation[k] = (solve @ errors @ solve.T)[1, 1] / white * (n - p) / squares
    r = np.linspace(expected[0], expected[-1], 65)
    return r, np.interp(r, expected, rho), np.interp(r, expected, inflation)


@kernel
def _fit(values, design, few):
    """Coefficients (term, y, x), the slope's entry of the inverse normal matrix (y, x), finite epochs (y, x)."""
    n_epoch, ny, nx = values.shape
    p = design.shape[1]
    coefficients = np.empty((p, ny, nx))
    covariance = np.empty((ny, nx))
    count = np.empty((ny, nx))
    normal = np.empty((p, p, _BLOCK))
    right = np.empty((p, _BLOCK))
    seen = np.empty(_BLOCK)
    h = np.empty(_BLOCK)
    for y in range(ny):
        for first in range(0, nx, _BLOCK):
            n = min(_BLOCK, nx - first)
            normal[:] = 0.0
            right[:] = 0.0
            for t in range(n_epoch):
                _split(values[t, y, first : first + n], h[:n], seen[:n])
                for a in range(p):
                    _add(right[a, :n], design[t, a], h[:n])
                    for b in range(a + 1):
                        _add(normal[a, b, :n], design[t, a] * design[t, b], seen[:n])
            cells = slice(first, first + n)
            count[y, cells] = normal[0, 0, :n]
            _spoil(normal[0, 0, :n], few)
            _factorise(normal, n)
            _solve(normal, right, n)
            for a in range(p):
                coefficients[a, y, cells] = right[a, :n]
            _slope_variance(normal, n, right, covariance[y, cells])
    return coefficients, covariance, count


@kernel
def _add(total, factor, row):
    """total += factor * row, a loop that vectorises."""
    for x in range(total.size):
        total[x] += factor * row[x]


@kernel
def _spoil(number, few):
    """NaN for cells with too few epochs: it runs through all that follows."""
    for x in range(number.size):
        number[x] = number[x] if number[x] >= few else np.nan


@kernel
def _factorise(normal, n):
    """Cholesky factor L of every cell's normal matrix, in place, the diagonal as 1 / L_aa; NaN when singular."""
    p = normal.shape[0]
    for a in range(p):
        for b in range(a + 1):
            for c in range(b):
                _subtract_product(normal[a, b, :n], normal[a, c, :n], normal[b, c, :n])
            if b < a:
                _multiply(normal[a, b, :n], normal[b, b, :n])
            else:
                _inverse_root(normal[a, a, :n])


@kernel
def _solve(factor, right, n):
    """Coefficients of every cell in place of its right-hand sides."""
    p = factor.shape[0]
    for a in range(p):
        for b in range(a):
            _subtract_product(right[a, :n], factor[a, b, :n], right[b, :n])
        _multiply(right[a, :n], factor[a, a, :n])
    for a in range(p - 1, -1, -1):
        for b in range(a + 1, p):
            _subtract_product(right[a, :n], factor[b, a, :n], right[b, :n])
        _multiply(right[a, :n], factor[a, a, :n])


@kernel
def _slope_variance(factor, n, scratch, total):
    """Entry (1, 1) of the inverse normal matrix: the squared length of column 1 of the factor's inverse."""
    p = factor.shape[0]
    total[:] = 0.0
    for a in range(1, p):
        scratch[a, :n] = 1.0 if a == 1 else 0.0
        for b in range(1, a):
            _subtract_product(scratch[a, :n], factor[a, b, :n], scratch[b, :n])
        _multiply(scratch[a, :n], factor[a, a, :n])
        _add_product(total, scratch[a, :n], scratch[a, :n])


@kernel
def _subtract_product(total, a, b):
    """total -= a * b."""
    for x in range(total.size):
        total[x] -= a[x] * b[x]


@kernel
def _multiply(a, b):
    """a *= b."""
    for x in range(a.size):
        a[x] *= b[x]


@kernel
def _inverse_root(a):
    """1 / sqrt(a); NaN for what rounding has left of a singular matrix."""
    for x in range(a.size):
        # np.divide, unlike /, does not stop to look for a zero, which would keep the loop from vectorising
        a[x] = np.divide(1.0, np.sqrt(a[x])) if a[x] > 1e-9 else np.nan


@kernel
def _errors(values, design, coefficients, covariance, count, r, rho, inflation):
    """Standard error of the slope, effective number and residual rms of each cell (y, x); tables of `_persistence`."""
    n_epoch, ny, nx = values.shape
    p = design.shape[1]
    sigma, n_effective, rms = np.empty((ny, nx)), np.empty((ny, nx)), np.empty((ny, nx))
    # residual and whether there is one, of this epoch and the one before
    e = np.empty((2, _BLOCK))
    seen = np.empty((2, _BLOCK))
    sums = np.empty((3, _BLOCK))
    for y in range(ny):
        for first in range(0, nx, _BLOCK):
            n = min(_BLOCK, nx - first)
            cells = slice(first, first + n)
            e[1, :] = 0.0
            seen[1, :] = 0.0
            sums[:] = 0.0
            for t in range(n_epoch):
                now, before = t % 2, (t + 1) % 2
                _split(values[t, y, cells], e[now, :n], seen[now, :n])
                for a in range(p):
                    _add(e[now, :n], -design[t, a], coefficients[a, y, cells])
                _mask(e[now, :n], seen[now, :n])
                _add_product(sums[0, :n], e[now, :n], e[now, :n])
                _add_product(sums[1, :n], e[now, :n], e[before, :n])
                _add_product(sums[2, :n], seen[now, :n], seen[before, :n])
            for x in range(n):
                k, i = count[y, first + x], first + x
                if np.isnan(covariance[y, i]):
                    sigma[y, i] = n_effective[y, i] = rms[y, i] = np.nan
                    continue
                square = sums[0, x] / k
                pairs = max(sums[2, x], 1.0)
                of_errors, inflated = _look_up(sums[1, x] / pairs / square if square > 0.0 else 0.0, r, rho, inflation)
                sigma[y, i] = np.sqrt(square * k / (k - p) * covariance[y, i] * inflated)
                n_effective[y, i] = k * (1.0 - of_errors) / (1.0 + of_errors)
                rms[y, i] = np.sqrt(square)
    return sigma, n_effective, rms


@kernel
def _look_up(value, r, rho, inflation):
    """rho and inflation at a residual autocorrelation, linear in the tables, their ends beyond them."""
    place = (value - r[0]) / (r[1] - r[0])
    place = min(max(place, 0.0), r.size - 1.0)
    i = min(int(place), r.size - 2)
    w = place - i
    return (1.0 - w) * rho[i] + w * rho[i + 1], (1.0 - w) * inflation[i] + w * inflation[i + 1]


@kernel
def _split(row, h, seen):
    """Values with 0 for the missing ones, and 1 where there is a value."""
    for x in range(row.size):
        finite = np.isfinite(row[x])
        seen[x] = 1.0 if finite else 0.0
        h[x] = row[x] if finite else 0.0


@kernel
def _mask(e, seen):
    """0 where there is no value or no fit."""
    for x in range(e.size):
        e[x] = e[x] if seen[x] > 0.0 and np.isfinite(e[x]) else 0.0


@kernel
def _add_product(total, a, b):
    """total += a * b."""
    for x in range(total.size):
        total[x] += a[x] * b[x]
