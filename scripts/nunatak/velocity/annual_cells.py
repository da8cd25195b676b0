"""Filter, fit or average the pairs of many cells by year, and count pairs and images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.compute.shares import in_threads
from nunatak.constants import FILL_VELOCITY
from nunatak.velocity.annual_fit import CellFit, Pairs, fit_cell
from nunatak.velocity.filters import keep_cell, rules_of, scratch_of

if TYPE_CHECKING:
    from nunatak.velocity.design import Design
    from nunatak.velocity.filters import Filters


class Cells(NamedTuple):
    """The velocities of some cells and the corrections of their pairs."""

    vx: np.ndarray
    """(n_cell, N) int16 m/yr, fill -32767"""
    vy: np.ndarray
    shift: np.ndarray
    """(2, N) m/yr to add"""
    keep: np.ndarray
    """(N,) bool: the pair may be used at all"""


class Counters(NamedTuple):
    """Counts of each cell, overwritten: (n_cell, K), and `totals` (n_cell, 2) of pairs seen and pairs used."""

    pairs: np.ndarray
    images: np.ndarray
    observed: np.ndarray
    totals: np.ndarray


@kernel
def _gather(cells, cell, row_x, row_y, index):
    """Take the cell's pairs with both components, corrections undone, and return how many there are."""
    vx, vy, shift = cells.vx[cell], cells.vy[cell], cells.shift
    n = 0
    for i in range(vx.size):
        if vx[i] != FILL_VELOCITY and vy[i] != FILL_VELOCITY and cells.keep[i]:
            row_x[i] = vx[i] + shift[0, i]
            row_y[i] = vy[i] + shift[1, i]
            index[n] = i
            n += 1
    return n


@kernel
def _count(index, pairs, seen, counters, cell):
    """
    Count the pairs and distinct images that touch each year of a cell, and mark the years that a pair observes.

    A pair observes a year with half of its span, or for half of the year.
    """
    overlap = pairs.overlap
    serial = cell + 1
    for i in index:
        for p in range(overlap.shape[1]):
            if overlap[i, p] == 0.0:
                break
            k = pairs.first[i] + p
            counters.pairs[cell, k] += 1
            if overlap[i, p] >= 0.5 * min(pairs.dt[i], 1.0) - 1e-9:
                counters.observed[cell, k] = True
            for role in range(2):
                image = pairs.images[role, i]
                if seen[k, image] != serial:
                    seen[k, image] = serial
                    counters.images[cell, k] += 1


@kernel
def _fit_cells(cells, pairs, rules, scratch, seen, work, influence, fits, counters):
    """Fit each cell after filtering and counting its pairs, one component after the other."""
    n_pair = cells.vx.shape[1]
    row_x, row_y = np.zeros(n_pair), np.zeros(n_pair)
    index = np.empty(n_pair, np.int64)
    for cell in range(cells.vx.shape[0]):
        n = _gather(cells, cell, row_x, row_y, index)
        counters.totals[cell, 0] = n
        n = keep_cell(row_x, row_y, index, n, rules, scratch)
        counters.totals[cell, 1] = n
        _count(index[:n], pairs, seen, counters, cell)
        for c in range(2):
            own = Pairs(
                pairs.dt,
                pairs.weight[c],
                pairs.first,
                pairs.overlap,
                pairs.lever,
                pairs.seasonal,
                pairs.images,
                pairs.image_sigma,
            )
            out = CellFit(fits.annual[cell, c], fits.sigma[cell, c], fits.cycle[cell, c])
            fit_cell(row_x if c == 0 else row_y, index[:n], own, work, influence, out)


@kernel
def _keep_cells(cells, pairs, rules, scratch, seen, out_x, out_y, counters):
    """Filter and count each cell, and write the velocities that are kept."""
    n_pair = cells.vx.shape[1]
    row_x, row_y = np.zeros(n_pair), np.zeros(n_pair)
    index = np.empty(n_pair, np.int64)
    for cell in range(cells.vx.shape[0]):
        n = _gather(cells, cell, row_x, row_y, index)
        counters.totals[cell, 0] = n
        n = keep_cell(row_x, row_y, index, n, rules, scratch)
        counters.totals[cell, 1] = n
        _count(index[:n], pairs, seen, counters, cell)
        for i in index[:n]:
            out_x[cell, i] = row_x[i]
            out_y[cell, i] = row_y[i]


def _pairs(design, *, seasonal=True, trend_inside=True, image_sigma=0.0):
    """Return the Pairs of both components."""
    return Pairs(
        dt=design.dt,
        weight=1.0 / (design.sigma * design.dt),
        first=design.first,
        overlap=design.overlap,
        lever=design.lever if trend_inside else np.zeros((design.dt.size, 0)),
        seasonal=design.seasonal if seasonal else np.zeros_like(design.seasonal),
        images=design.images,
        image_sigma=float(image_sigma),
    )


def _seen(design):
    """Return the scratch that counts distinct images by year."""
    return np.zeros((design.years.size, design.n_images), "int32")


def fit_cells(
    vx: np.ndarray,
    vy: np.ndarray,
    design: Design,
    filters: Filters,
    *,
    seasonal: bool = True,
    trend_inside: bool = True,
    image_sigma: float = 0.0,
    threads: int = 1,
) -> dict[str, np.ndarray]:
    """
    Filter and fit many cells.

    Parameters
    ----------
    vx, vy : (n_cell, N) int16 m/yr, fill -32767, C-contiguous
    design : Design of the N pairs
    filters : Filters
    seasonal : fit the seasonal cycle
    trend_inside : let the velocity follow the slope between the neighbouring annual means inside each year
    image_sigma : position error of one image, m; 0 takes the pairs as independent

    Returns
    -------
    dict of arrays: `annual`, `sigma` (n_cell, 2, K) m/yr; `cycle` (n_cell, 2, 6): a, b, their variances, covariance,
    reduced chi2; `pairs`, `images`, `observed` (n_cell, K); `totals` (n_cell, 2): pairs seen and pairs used
    """
    n_cell, n_years = vx.shape[0], design.years.size
    fits = CellFit(np.empty((n_cell, 2, n_years)), np.empty((n_cell, 2, n_years)), np.empty((n_cell, 2, 6)))
    counters = _counters(n_cell, n_years)
    pairs = _pairs(design, seasonal=seasonal, trend_inside=trend_inside, image_sigma=image_sigma)
    rules = rules_of(design, filters)

    def work(share):
        _fit_cells(
            Cells(vx[share], vy[share], design.shift, design.keep),
            pairs,
            rules,
            scratch_of(design, filters),
            _seen(design),
            np.zeros((3, n_years + 8, n_years + 8)),
            np.zeros((design.n_images if image_sigma else 1, n_years + 2)),
            CellFit(*(values[share] for values in fits)),
            Counters(*(values[share] for values in counters)),
        )

    in_threads(work, n_cell, threads)
    return fits._asdict() | counters._asdict()


def kept_cells(
    vx: np.ndarray, vy: np.ndarray, design: Design, filters: Filters, *, threads: int = 1
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """
    Return the filtered velocities of many cells, for statistics of any kind.

    Parameters
    ----------
    vx, vy : (n_cell, N) int16 m/yr, fill -32767
    design : Design of the N pairs
    filters : Filters
    threads : threads that share the cells. Default: 1

    Returns
    -------
    vx, vy : (n_cell, N) float32, NaN where there is none or the filters took it
    counts : dict with `pairs`, `images`, `observed`, `totals` as in `fit_cells`
    """
    kept = [np.full(vx.shape, np.nan, dtype="f4") for _ in range(2)]
    counters = _counters(vx.shape[0], design.years.size)
    pairs, rules = _pairs(design), rules_of(design, filters)

    def work(share):
        _keep_cells(
            Cells(vx[share], vy[share], design.shift, design.keep),
            pairs,
            rules,
            scratch_of(design, filters),
            _seen(design),
            kept[0][share],
            kept[1][share],
            Counters(*(values[share] for values in counters)),
        )

    in_threads(work, vx.shape[0], threads)
    return kept[0], kept[1], counters._asdict()


def _counters(n_cell, n_years):
    """Return counters of zeros."""
    return Counters(
        np.zeros((n_cell, n_years), "int32"),
        np.zeros((n_cell, n_years), "int32"),
        np.zeros((n_cell, n_years), "?"),
        np.zeros((n_cell, 2), "int32"),
    )


def weighted_means(values: np.ndarray, design: Design, component: int) -> tuple[np.ndarray, ...]:
    """
    Return yearly means weighted by overlap and 1/sigma^2.

    Parameters
    ----------
    values : (n_cell, N) float, NaN where missing
    design : Design of the N pairs
    component : 0 for vx, 1 for vy

    Returns
    -------
    mean, sigma : (n_cell, K); the formal error takes the pairs as independent
    chi2 : (n_cell, K) reduced, NaN where fewer than two pairs touch the year
    """
    n_years = design.years.size
    share = np.zeros((design.dt.size, n_years))
    for p in range(design.overlap.shape[1]):
        column = np.minimum(design.first + p, n_years - 1)
        np.add.at(share, (np.arange(design.dt.size), column), design.overlap[:, p])
    inverse = 1.0 / design.sigma[component] ** 2
    weight = share * inverse[:, None]
    seen = np.isfinite(values)
    v = np.where(seen, values, 0.0).astype("f8")
    total = seen @ weight
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (v @ weight) / total
        sigma = np.sqrt(seen @ (weight**2 / inverse[:, None])) / total
        # the misfit of a year with pairs that only touch it counts by the share they have in it
        touched = (share > 0).astype("f8")
        square = (v**2) @ (touched * inverse[:, None]) - 2 * mean * (v @ (touched * inverse[:, None]))
        square += mean**2 * (seen @ (touched * inverse[:, None]))
        count = seen @ touched
        chi2 = np.where(count > 1, np.maximum(square, 0.0) / (count - 1), np.nan)
    return mean, sigma, chi2


def by_year(values: np.ndarray, design: Design, function: Callable) -> np.ndarray:
    """
    Apply a function to the pairs of each year, and return the results, NaN for years without pairs.

    Parameters
    ----------
    values : (n_cell, N) float, NaN where missing
    design : Design of the N pairs
    function : function of an (n, n_cell) array, the pairs with their mid-date in the year

    Returns
    -------
    (n_cell, K)
    """
    year = np.clip(np.searchsorted(design.edges, design.mid, side="right") - 1, 0, design.years.size - 1)
    out = np.full((values.shape[0], design.years.size), np.nan)
    for k in range(design.years.size):
        own = values[:, year == k].T
        some = np.isfinite(own).any(axis=0)
        if some.any():
            out[some, k] = function(own[:, some])
    return out
