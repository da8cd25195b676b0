"""
Compute composites of a cube: annual means, seasonal cycle, trend, and their errors.

Components are averaged, never speeds: the mean of speeds of a cell at rest is 1.25 times the noise of a pair, not 0.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from nunatak.constants import FILL_VELOCITY
from nunatak.velocity.composition import Composition, series_of
from nunatak.velocity.design import design
from nunatak.velocity.filters import Filters


def composite(cube: xr.Dataset, *, memory_mb: int = 512, compact: bool = False, **choices) -> xr.Dataset:
    """
    Compute annual velocity composites of an image-pair cube.

    Parameters
    ----------
    cube : xarray.Dataset with `vx`, `vy` (time, y, x) in m/yr, int16 with fill -32767 or float with NaN, the
        coordinates of `time` that a cube carries, and `roi` (y, x) where only a region is wanted; Dask-backed cubes are
        computed by Dask's current scheduler
    memory_mb : bound on the velocities held at a time
    compact : the fields by year hold the region's cells alone and come onto the grid when they are read. Default: whole
        arrays
    choices : keyword arguments of `composition.Composition`: method, filters, years, errors, threads

    Returns
    -------
    Dataset, with `year` and (y, x):
        `vx, vy, v` (year, y, x) m/yr; `*_error_formal` from the pairs' stated errors, `*_error` the same times
        sqrt(reduced chi2) where that exceeds 1; `count` pairs and `images` distinct images that touch the year;
        `status` 0 where there is a velocity, else why there is none (`flag_meanings`);
        `vx0, vy0, v0`, `dvx_dt, dvy_dt, dv_dt` (m/yr per year) with `_error`: line through the annual means at the
        reference year; `vx_mean, vy_mean, v_mean` with `_error`: mean of the annual velocities that are given, of
        `mean_years` years (v of the mean components); `vx_amp, vy_amp, v_amp` (m/yr, v along the flow), `*_phase` (day
        of the maximum, 0..365.25) with `_error`; `count0` pairs used; `outlier_percent`. NaN means not determined,
        never 0.

    Raises
    ------
    NunatakError : no layers, an unknown method, no cell of the region on the grid, an `interior` of another shape

    Notes
    -----
    Displacements d = v dt are fitted with weights 1 / (sigma dt), sigma the stated error plus 5, 20 or 100 m/yr by the
    stable-shift flag; v(t) = a sin 2 pi t + b cos 2 pi t + V_k in year k. The model, the filters and the checks of
    sensors are those of ITS_LIVE's composites (its_live_production, src/itslive_composite.py). The slopes inside the
    years, the errors of what they rest on, errors by chi-squared, shared images and `error_limit` are not.
    A year counts as observed where a pair spends half of its span, or half a year, in it.
    """
    if (np.diff(cube["time"].values) < np.timedelta64(0)).any():  # the moving median goes by date
        cube = cube.isel(time=np.argsort(cube["time"].values, kind="stable"))
    made = Composition(cube, **choices)
    return made.dataset(_by_bands(made, cube, memory_mb), cube, compact=compact)


def options_of(fit, years=None):
    """
    Return the arguments of `composite` from a study's choices.

    Parameters
    ----------
    fit : parameters.velocity.AnnualFit
    years : (first, last) year of the study, which the mean velocity is of; a year that is named after its end may lie
        one after the last
    """
    names = ("method", "seasonal", "trend_inside", "year_start", "image_sigma", "v0_years", "error_limit")
    options = {name: getattr(fit, name) for name in names}
    if years and not fit.v0_years:
        options["mean_years"] = years[0], years[1] + (fit.year_start > 1)
    least = fit.minimum_pairs
    filters = Filters(before_minimum=min(5, least), after_minimum=least)
    return {**options, "filters": filters if fit.method == "lsq" else None}


def _by_bands(made, cube, memory_mb):
    """
    Yield the fields of cells with their places, band by band of rows, so that what is held stays within the bound.

    Dask computes the bands side by side.
    """
    mask, rows = made.mask, _band_height(cube, memory_mb)
    every = (slice(r, min(r + rows, mask.shape[0])) for r in range(0, mask.shape[0], rows))
    bands = [(band, slice(0, mask.shape[1])) for band in every if mask[band].any()]
    if cube["vx"].chunks is not None:
        import dask

        series, later = dask.delayed(series_of), dask.delayed(lambda *block: list(made.fields(*block)))
        own = ([series(cube[name].data[:, b[0]], mask[b]) for name in ("vx", "vy")] for b in bands)
        parts = dask.compute(*(later(*both, b) for both, b in zip(own, bands, strict=True)))
    else:
        own = ([series_of(cube[name][:, b[0]].values, mask[b]) for name in ("vx", "vy")] for b in bands)
        parts = (made.fields(*both, b) for both, b in zip(own, bands, strict=True))
    return (block for part in parts for block in part)


def _band_height(cube, memory_mb):
    """Return the number of rows of a band."""
    per_row = cube.sizes["time"] * cube.sizes["x"] * 2 * 4  # two components, twice: as read and in order of cells
    return int(max(1, memory_mb * 1e6 // max(per_row, 1)))


def composites_by_sensor(cube: xr.Dataset, **options) -> dict[str, xr.Dataset]:
    """
    Compute a composite of the pairs of every sensor group.

    Parameters
    ----------
    cube, options : as for `composite`

    Returns
    -------
    {group: Dataset}, such as L45, L7, L89, S1, S2 and mixed (images of two groups)
    """
    groups = np.asarray(cube["group"].values).astype(str)
    return {str(name): composite(cube.isel(time=groups == name), **options) for name in np.unique(groups)}


def magnitude_mean(cube: xr.Dataset, *, year_start: int = 1) -> xr.DataArray:
    """
    Return the mean of the pairs' speeds by year of mid-date, which is biased high, for comparison only.

    The speed of noise is never negative: a cell at rest gets 1.25 sigma of one pair, whatever the number of pairs.

    Parameters
    ----------
    cube : Dataset of a cube
    year_start : month a year begins with. Default: 1

    Returns
    -------
    DataArray (year, y, x), m/yr, with the attribute `bias`
    """
    pairs = design(cube, year_start=year_start, stable_shift=False)
    year = np.clip(np.searchsorted(pairs.edges, pairs.mid, side="right") - 1, 0, pairs.years.size - 1)
    out = np.full((pairs.years.size, cube.sizes["y"], cube.sizes["x"]), np.nan, dtype="f4")
    for k in np.unique(year):
        own = cube.isel(time=np.nonzero(year == k)[0])
        vx, vy = (np.asarray(own[name].values, dtype="f8") for name in ("vx", "vy"))
        seen = np.isfinite(vx) & np.isfinite(vy) & (vx != FILL_VELOCITY) & (vy != FILL_VELOCITY)
        n = seen.sum(axis=0)
        total = np.where(seen, np.hypot(vx, vy), 0.0).sum(axis=0)
        out[k] = np.where(n > 0, total / np.maximum(n, 1), np.nan)
    attributes = {
        "long_name": "mean of the speeds of single pairs (biased high)",
        "units": "m/yr",
        "bias": "speeds are averaged without direction: noise adds up, by 1.25 sigma where the ice is at rest",
    }
    coordinates = {"year": pairs.years, "y": cube["y"], "x": cube["x"]}
    return xr.DataArray(out, coordinates, ("year", "y", "x"), name="magnitude_mean", attrs=attributes)
