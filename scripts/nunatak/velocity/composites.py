"""
Composites of a cube: annual means, seasonal cycle, trend, and what they rest on.

Components are averaged, never speeds: the mean of speeds of a cell at rest is 1.25 times the noise of a pair, not 0.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import xarray as xr

from nunatak.compute.robust import nmad
from nunatak.constants import FILL_VELOCITY
from nunatak.parameters.velocity import AnnualFit
from nunatak.runtime import NunatakError
from nunatak.velocity.annual_cells import by_year, fit_cells, kept_cells, weighted_means
from nunatak.velocity.annual_fields import annual_dataset, annual_fields, joined
from nunatak.velocity.design import Design, design
from nunatak.velocity.filters import Filters
from nunatak.velocity.sensors import REFERENCE, false_seasons, slower_groups, without_groups

log = logging.getLogger(__name__)

_CELLS = 4096  # that are fitted at a time


def composite(
    cube,
    *,
    method=AnnualFit.method,
    seasonal=AnnualFit.seasonal,
    trend_inside=AnnualFit.trend_inside,
    filters=None,
    year_start=AnnualFit.year_start,
    v0_years=AnnualFit.v0_years,
    mean_years=None,
    reference_year=None,
    image_sigma=AnnualFit.image_sigma,
    error_limit=AnnualFit.error_limit,
    interior=None,
    everywhere=False,
    memory_mb=512,
    threads=2,
    compact=False,
):
    """
    Annual velocity composites of an image-pair cube.

    Parameters
    ----------
    cube : xarray.Dataset with `vx`, `vy` (time, y, x) in m/yr, int16 with fill -32767 or float with NaN, the
        coordinates of `time` that a cube carries, and `roi` (y, x) where only a region is wanted; Dask-backed cubes are
        computed by Dask's current scheduler
    method : "lsq" (annual means and a seasonal cycle from displacements), "mean" (weighted by overlap and 1/sigma^2),
        "median" (of the pairs with their mid-date in the year), or a function that takes an (n, cells) array with NaN
        and returns (cells,)
    seasonal : fit one seasonal cycle for all years (lsq only)
    trend_inside : let the velocity follow the slope between neighbouring annual means inside each year (lsq only).
        ITS_LIVE takes it as constant (False), which turns a trend of g m/yr per year into a false seasonal amplitude of
        up to g / pi
    filters : velocity.Filters; by default ITS_LIVE's for lsq, and the same without least numbers for the others
    year_start : month a year begins with; other than 1, a year is named after its end
    v0_years : (first, last) year of the trend, of v0 on it and, when they leave years out, of the seasonal cycle;
        all years by default (ITS_LIVE: 2014, 2022)
    mean_years : (first, last) year of the mean velocity; v0_years by default
    reference_year : decimal year of v0; by default the middle of v0_years, rounded down (ITS_LIVE: 2018)
    image_sigma : position error of one image in metres, shared by all its pairs (lsq only); 0 takes the pairs as
        independent, as ITS_LIVE does, which is optimistic
    error_limit : (a, b): an annual velocity whose speed has an error above a + b v0, m/yr, is not given, its error is;
        v0 is the cell's speed by its trend. None gives them all
    interior : (y, x) bool, ice farther than some 2 km from its margin; where given, ITS_LIVE's two checks of sensors
        are made (lsq only): outside it, a group that is slower than Sentinel-2 is left out; inside it, Sentinel-2 is
        left out where it alone makes a season. `sensor_excluded` then tells how many groups a cell lost
    everywhere : all cells of the grid, not only those of `roi`
    memory_mb : bound on the velocities held at a time
    threads : cells are shared out among them; the values do not depend on it
    compact : the fields by year hold the region's cells alone and come onto the grid when they are read. Default: whole
        arrays

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
    if not (callable(method) or method in ("lsq", "mean", "median")):
        raise NunatakError(f"velocity: composite method {method!r}; choose lsq, mean, median or give a function")
    if (np.diff(cube["time"].values) < np.timedelta64(0)).any():  # the moving median goes by date
        cube = cube.isel(time=np.argsort(cube["time"].values, kind="stable"))
    pairs = design(cube, year_start=year_start)
    if filters is None:
        filters = Filters() if method == "lsq" else Filters(before_minimum=1, after_minimum=1)
    options = {
        "method": method,
        "seasonal": seasonal,
        "trend_inside": trend_inside,
        "filters": filters,
        "image_sigma": image_sigma,
        "threads": threads,
        "v0_years": v0_years,
    }
    mask = np.ones((cube.sizes["y"], cube.sizes["x"]), dtype=bool)
    if "roi" in cube and not everywhere:
        mask = np.asarray(cube["roi"].values, dtype=bool)
    if interior is not None:
        interior = np.asarray(interior, dtype=bool)
        if interior.shape != mask.shape:
            raise NunatakError(f"velocity: interior of {interior.shape} cells does not fit the cube's {mask.shape}")
    v0_years = v0_years or (int(pairs.years[0]), int(pairs.years[-1]))
    reference = sum(v0_years) // 2 if reference_year is None else reference_year
    mean_years = mean_years or v0_years
    asked = (v0_years, reference, error_limit, mean_years)
    out = _all_fields(cube, mask, pairs, {**options, "interior": interior}, asked, memory_mb)
    if not np.isfinite(out["vx"][0]).any():
        log.warning("velocity: no cell has enough of the %d pairs for a %s composite", pairs.dt.size, _name(method))
    about = {
        "method": _name(method),
        "filters": str(filters),
        "v0_first_year": v0_years[0],
        "v0_last_year": v0_years[1],
        "reference_year": reference,
        "mean_first_year": mean_years[0],
        "mean_last_year": mean_years[1],
    }
    if error_limit is not None:
        about |= {"error_limit": float(error_limit[0]), "error_limit_of_speed": float(error_limit[1])}
    return annual_dataset(out, mask, cube, pairs, about, compact=compact)


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


def _name(method):
    return method if isinstance(method, str) else getattr(method, "__name__", "function")


def _all_fields(cube, mask, pairs, options, asked, memory_mb):
    """
    Compute the fields band by band of rows, so that what is held stays within the bound.

    Dask computes the bands side by side.
    """
    rows = _band_height(cube, memory_mb)
    bands = [slice(r, min(r + rows, mask.shape[0])) for r in range(0, mask.shape[0], rows)]
    bands = [band for band in bands if mask[band].any()]
    if not bands:
        raise NunatakError("velocity: the region has no cell on this grid; choose a larger region or a finer grid")
    if cube["vx"].chunks is not None:
        import dask

        series, later = dask.delayed(series_of), dask.delayed(lambda *band: list(_fields(*band)))
        own = ([series(cube[name].data[:, b], mask[b]) for name in ("vx", "vy")] for b in bands)
        parts = dask.compute(
            *(later(vx, vy, pairs, _within(options, b, mask), asked) for (vx, vy), b in zip(own, bands, strict=True))
        )
    else:
        own = ([series_of(cube[name][:, b].values, mask[b]) for name in ("vx", "vy")] for b in bands)
        both = zip(own, bands, strict=True)
        parts = (_fields(vx, vy, pairs, _within(options, b, mask), asked) for (vx, vy), b in both)
    return joined((block for part in parts for block in part), int(mask.sum()))


def _fields(vx, vy, pairs, options, asked):
    """The fields of (n_cell, N) series, some cells at a time: what they are computed from is many times as large."""
    for first in range(0, len(vx), _CELLS):
        part = slice(first, first + _CELLS)
        cells = _of_cells(vx[part], vy[part], pairs, _within(options, part))
        yield annual_fields(cells, pairs, *asked)


def _within(options, part, mask=None):
    """The options of some cells: their part of the interior, of a map where its mask is given."""
    interior = options["interior"]
    if interior is not None:
        interior = interior[part] if mask is None else interior[part][mask[part]]
    return {**options, "interior": interior}


def _band_height(cube, memory_mb):
    per_row = cube.sizes["time"] * cube.sizes["x"] * 2 * 4  # two components, twice: as read and in order of cells
    return int(max(1, memory_mb * 1e6 // max(per_row, 1)))


def _of_cells(own_x, own_y, pairs, options):
    """Every result of some cells, {name: (n_cell, ...)}."""
    method = options["method"]
    if method == "lsq":
        return _fit(own_x, own_y, pairs, options)
    kept_x, kept_y, out = kept_cells(own_x, own_y, pairs, options["filters"], threads=options["threads"])
    if method == "mean":
        both = [weighted_means(values, pairs, c) for c, values in enumerate((kept_x, kept_y))]
        keys = ("annual", "sigma", "chi2")
        return {**out, **{key: np.stack([part[i] for part in both], axis=1) for i, key in enumerate(keys)}}
    function: Callable = (lambda values: np.nanmedian(values, axis=0)) if method == "median" else method
    both = [(by_year(v, pairs, function), by_year(v, pairs, _error_of_median)) for v in (kept_x, kept_y)]
    return {**out, **{key: np.stack([part[i] for part in both], axis=1) for i, key in enumerate(("annual", "sigma"))}}


def _fit(vx, vy, pairs, options):
    """Least squares of some cells, with the checks of sensors and the refit of the cycle where asked for."""
    fit = {name: options[name] for name in ("seasonal", "trend_inside", "image_sigma", "threads")}
    filters = options["filters"]
    excluded = np.zeros((vx.shape[0], len(pairs.group_names)), dtype=bool)
    interior = options["interior"]
    if interior is not None:
        excluded = slower_groups(vx, vy, pairs, ~interior)
        vx, vy = (without_groups(values, pairs, excluded) for values in (vx, vy))
    out = fit_cells(vx, vy, pairs, filters, **fit)
    if interior is not None and options["seasonal"] and REFERENCE in pairs.group_names:
        number = pairs.group_names.index(REFERENCE)
        only = np.broadcast_to(np.arange(len(pairs.group_names)) == number, excluded.shape)
        alone_x, alone_y = (without_groups(values, pairs, only) for values in (vx, vy))
        other = fit_cells(alone_x, alone_y, pairs, filters, **fit)
        false = interior & false_seasons(out["cycle"], other["cycle"])
        excluded[false, number] = True
        for name, values in out.items():
            values[false] = other[name][false]
        vx, vy = (without_groups(values, pairs, excluded) for values in (vx, vy))
    inside = _inside_years(pairs, options["v0_years"])
    if options["seasonal"] and not inside.all():
        some = _only(pairs, inside)
        own_x, own_y = (np.ascontiguousarray(values[:, inside]) for values in (vx, vy))
        chi2 = out["cycle"][..., 5].copy()
        out["cycle"] = fit_cells(own_x, own_y, some, filters, **fit)["cycle"]
        out["cycle"][..., 5] = chi2
    return {**out, "excluded": excluded.sum(axis=1)} if interior is not None else out


def series_of(values, mask):
    """(n_cell, N) int16 series of the masked cells of a (N, ny, nx) block, fill -32767."""
    if np.asarray(values).dtype.kind == "f":
        values = np.where(np.isfinite(values), np.rint(values), FILL_VELOCITY).astype("i2")
    return np.ascontiguousarray(np.asarray(values)[:, mask].T)


def _error_of_median(values):
    """
    Return the standard error of the median, 1.2533 sigma / sqrt(n) (m/yr).

    Sigma comes from the median absolute deviation. The error of a single pair is NaN.
    """
    spread = nmad(values, axis=0)
    n = np.isfinite(values).sum(axis=0)
    return np.where(n > 1, 1.2533 * spread / np.sqrt(n), np.nan)


def _inside_years(pairs, v0_years):
    if v0_years is None:
        return np.ones(pairs.dt.size, dtype=bool)
    first, last = v0_years
    label = pairs.years[np.clip(np.searchsorted(pairs.edges, pairs.mid, side="right") - 1, 0, pairs.years.size - 1)]
    return (label >= first) & (label <= last)


def _only(pairs, chosen):
    """The Design of some of the pairs, on the same years."""
    n = pairs.dt.size
    fields = {}
    for name, value in vars(pairs).items():
        if isinstance(value, np.ndarray) and name not in ("years", "edges"):
            value = value[chosen] if value.shape[0] == n else value[:, chosen]
        fields[name] = value
    return Design(**fields)


def composites_by_sensor(cube, **options):
    """
    A composite of every sensor group's own pairs: what each would tell alone.

    Parameters
    ----------
    cube, options : as for `composite`

    Returns
    -------
    {group: Dataset}, such as L45, L7, L89, S1, S2 and mixed (images of two groups)
    """
    groups = np.asarray(cube["group"].values).astype(str)
    return {str(name): composite(cube.isel(time=groups == name), **options) for name in np.unique(groups)}


def magnitude_mean(cube, *, year_start=1):
    """
    Mean of the pairs' speeds by year of mid-date: for comparison only, it is biased high.

    The speed of noise is never negative: a cell at rest gets 1.25 sigma of one pair, whatever the number of pairs.

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
