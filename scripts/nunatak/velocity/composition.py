"""How image pairs become annual velocities, cells by cells: the choices are settled once, and any cells can follow."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.compute.robust import nmad
from nunatak.constants import FILL_VELOCITY
from nunatak.parameters.velocity import AnnualFit
from nunatak.runtime import NunatakError
from nunatak.velocity.annual_cells import by_year, fit_cells, kept_cells, weighted_means
from nunatak.velocity.annual_fields import annual_dataset, annual_fields, joined
from nunatak.velocity.design import Design, design
from nunatak.velocity.filters import Filters
from nunatak.velocity.sensors import REFERENCE, false_seasons, slower_groups, without_groups

if TYPE_CHECKING:
    import xarray as xr

log = logging.getLogger(__name__)

_CELLS = 4096  # that are fitted at a time
_VALUES = 1 << 24  # of a component, that are fitted at a time


class Composition:
    """
    A composite that is prepared, and takes the series of cells in any order.

    Parameters
    ----------
    cube : Dataset as for `composites.composite`, in order of time; of its values none are read
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
    threads : cells are shared out among them; the values do not depend on it

    Attributes
    ----------
    mask : (ny, nx) bool, the cells wanted
    """

    def __init__(
        self,
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
        threads=2,
    ):
        if not (callable(method) or method in ("lsq", "mean", "median")):
            raise NunatakError(f"velocity: composite method {method!r}; choose lsq, mean, median or give a function")
        self._pairs = pairs = design(cube, year_start=year_start)
        if filters is None:
            filters = Filters() if method == "lsq" else Filters(before_minimum=1, after_minimum=1)
        self.mask = np.ones((cube.sizes["y"], cube.sizes["x"]), dtype=bool)
        if "roi" in cube and not everywhere:
            self.mask = np.asarray(cube["roi"].values, dtype=bool)
        if not self.mask.any():
            raise NunatakError("velocity: the region has no cell on this grid; choose a larger region or a finer grid")
        if interior is not None:
            interior = np.asarray(interior, dtype=bool)
            if interior.shape != self.mask.shape:
                raise NunatakError(
                    f"velocity: interior of {interior.shape} cells does not fit the cube's {self.mask.shape}"
                )
        self._options = {
            "method": method,
            "seasonal": seasonal,
            "trend_inside": trend_inside,
            "filters": filters,
            "image_sigma": image_sigma,
            "threads": threads,
            "v0_years": v0_years,
            "interior": interior,
        }
        v0_years = v0_years or (int(pairs.years[0]), int(pairs.years[-1]))
        reference = sum(v0_years) // 2 if reference_year is None else reference_year
        mean_years = mean_years or v0_years
        self._asked = (v0_years, reference, error_limit, mean_years)
        self._places = np.full(self.mask.shape, -1)
        self._places[self.mask] = np.arange(np.count_nonzero(self.mask))

    def fields(self, vx: np.ndarray, vy: np.ndarray, window: tuple[slice, ...]) -> Iterator[Any]:
        """
        Yield the fields of the wanted cells of a window, some at a time: what they are made from is far larger.

        Parameters
        ----------
        vx, vy : (n_cell, N) int16 series of `series_of`
        window : (rows, columns) slices of the grid

        Returns
        -------
        places, fields : numbers of the cells among all that are wanted; {name: ((n, ...) array, kind)}
        """
        inside, options = self.mask[window], self._options
        if options["interior"] is not None:
            options = {**options, "interior": options["interior"][window][inside]}
        places = self._places[window][inside]
        step = max(1, min(_CELLS, _VALUES // max(self._pairs.dt.size, 1)))
        for first in range(0, len(vx), step):
            part = slice(first, first + step)
            cells = _of_cells(vx[part], vy[part], self._pairs, _within(options, part))
            yield places[part], annual_fields(cells, self._pairs, *self._asked)

    def dataset(self, parts: Iterator, cube: xr.Dataset, *, compact: bool = False) -> xr.Dataset:
        """
        Return the Dataset of `composites.composite`.

        Parameters
        ----------
        parts : what `fields` gave for all wanted cells, in any order
        cube : the cube
        compact : as for `composites.composite`
        """
        out = joined(parts, int(self.mask.sum()))
        method, filters = _name(self._options["method"]), self._options["filters"]
        if not np.isfinite(out["vx"][0]).any():
            log.warning("velocity: no cell has enough of the %d pairs for a %s composite", self._pairs.dt.size, method)
        v0_years, reference, error_limit, mean_years = self._asked
        about = {
            "method": method,
            "filters": str(filters),
            "v0_first_year": v0_years[0],
            "v0_last_year": v0_years[1],
            "reference_year": reference,
            "mean_first_year": mean_years[0],
            "mean_last_year": mean_years[1],
        }
        if error_limit is not None:
            about |= {"error_limit": float(error_limit[0]), "error_limit_of_speed": float(error_limit[1])}
        return annual_dataset(out, self.mask, cube, self._pairs, about, compact=compact)


def series_of(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """
    Return int16 series of the masked cells of a (N, ny, nx) block, fill -32767.

    Parameters
    ----------
    values : (N, ny, nx) array, m/yr
    mask : (ny, nx) bool

    Returns
    -------
    (n_cell, N)
    """
    if np.asarray(values).dtype.kind == "f":
        values = np.where(np.isfinite(values), np.rint(values), FILL_VELOCITY).astype("i2")
    return np.ascontiguousarray(np.asarray(values)[:, mask].T)


def _name(method):
    return method if isinstance(method, str) else getattr(method, "__name__", "function")


def _within(options, part):
    """Return the options of some cells, with their part of the interior."""
    interior = options["interior"]
    return options if interior is None else {**options, "interior": interior[part]}


def _of_cells(own_x, own_y, pairs, options):
    """Return every result of some cells, {name: (n_cell, ...)}."""
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
    """Fit some cells by least squares, with the checks of sensors and the refit of the cycle if they are set."""
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
    """Return the Design of some of the pairs, on the same years."""
    n = pairs.dt.size
    fields = {}
    for name, value in vars(pairs).items():
        if isinstance(value, np.ndarray) and name not in ("years", "edges"):
            value = value[chosen] if value.shape[0] == n else value[:, chosen]
        fields[name] = value
    return Design(**fields)
