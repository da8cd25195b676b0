"""Many cells at once: filter the pairs of each, fit or average them by year, count pairs and images."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from nunatak.kernels import kernel
from nunatak.velocity.annual_fit import fit_cell
from nunatak.velocity.filters import DT_EDGES, keep_cell, separation_bins, settings_of

_FILL = -32767


@kernel
def _gather(vx, vy, shift, keep, row_x, row_y, index):
    """The cell's pairs with both components, corrections undone; returns how many."""
    n = 0
    for i in range(vx.size):
        if vx[i] != _FILL and vy[i] != _FILL and keep[i]:
            row_x[i] = vx[i] + shift[0, i]
            row_y[i] = vy[i] + shift[1, i]
            index[n] = i
            n += 1
    return n


@kernel
def _count(index, n, dt, first, overlap, images, serial, seen, pairs, distinct, observed):
    """
    Pairs and distinct images that touch each year, and whether a pair observes it: with half of its span, or for half
    of the year.
    """
    for q in range(n):
        i = index[q]
        for p in range(overlap.shape[1]):
            if overlap[i, p] == 0.0:
                break
            k = first[i] + p
            pairs[k] += 1
            if overlap[i, p] >= 0.5 * min(dt[i], 1.0) - 1e-9:
                observed[k] = True
            for role in range(2):
                image = images[role, i]
                if seen[k, image] != serial:
                    seen[k, image] = serial
                    distinct[k] += 1


@kernel
def _fit_cells(
    vx, vy, shift, keep, dt, weight, first, overlap, lever, seasonal, images, image_sigma, n_years, dt_days, bins,
    n_groups, edges, settings, scratch, starts, bounds, work, influence, seen, annual, sigma, cycle, pairs, distinct,
    observed, totals
):  # fmt: skip
    n_pair = vx.shape[1]
    row_x, row_y = np.zeros(n_pair), np.zeros(n_pair)
    index, bad = np.empty(n_pair, np.int64), np.empty(n_pair, np.bool_)
    for cell in range(vx.shape[0]):
        n = _gather(vx[cell], vy[cell], shift, keep, row_x, row_y, index)
        totals[cell, 0] = n
        n = keep_cell(row_x, row_y, index, n, dt_days, bins, n_groups, edges, settings, scratch, starts, bounds, bad)
        totals[cell, 1] = n
        _count(index, n, dt, first, overlap, images, cell + 1, seen, pairs[cell], distinct[cell], observed[cell])
        for c in range(2):
            fit_cell(
                row_x if c == 0 else row_y, index, n, dt, weight[c], first, overlap, lever, seasonal, images,
                image_sigma, n_years, work, influence, annual[cell, c], sigma[cell, c], cycle[cell, c]
            )  # fmt: skip


@kernel
def _keep_cells(
    vx, vy, shift, keep, dt_days, bins, n_groups, edges, settings, scratch, starts, bounds, seen, first, overlap,
    images, dt, out_x, out_y, pairs, distinct, observed, totals
):  # fmt: skip
    n_pair = vx.shape[1]
    row_x, row_y = np.zeros(n_pair), np.zeros(n_pair)
    index, bad = np.empty(n_pair, np.int64), np.empty(n_pair, np.bool_)
    for cell in range(vx.shape[0]):
        n = _gather(vx[cell], vy[cell], shift, keep, row_x, row_y, index)
        totals[cell, 0] = n
        n = keep_cell(row_x, row_y, index, n, dt_days, bins, n_groups, edges, settings, scratch, starts, bounds, bad)
        totals[cell, 1] = n
        _count(index, n, dt, first, overlap, images, cell + 1, seen, pairs[cell], distinct[cell], observed[cell])
        for q in range(n):
            out_x[cell, index[q]] = row_x[index[q]]
            out_y[cell, index[q]] = row_y[index[q]]


def _scratch(design, filters):
    """What one thread's filters and counters work in."""
    n, groups = design.dt.size, len(design.group_names)
    return {
        "scratch": np.empty((2, n + groups)), "starts": np.zeros(groups * (DT_EDGES.size - 1) + 1, "int64"),
        "bounds": np.zeros((4, max(int(filters.window), DT_EDGES.size))),
        "seen": np.zeros((design.years.size, design.n_images), "int32"),
    }  # fmt: skip


def _shared(design, filters):
    dt_days = np.rint(design.dt * 365.25)
    return {
        "shift": design.shift, "keep": design.keep, "dt": design.dt, "dt_days": dt_days,
        "bins": separation_bins(dt_days, design.group), "n_groups": len(design.group_names), "edges": DT_EDGES,
        "settings": settings_of(filters), "first": design.first, "overlap": design.overlap, "images": design.images,
    }  # fmt: skip


def in_threads(work, n_cell, threads):
    """Run work(slice) over equal shares of the cells; cells do not touch each other, so the values are the same."""
    bounds = np.linspace(0, n_cell, max(1, min(threads, n_cell)) + 1).astype(int)
    shares = [slice(a, b) for a, b in pairwise(bounds)]
    if len(shares) == 1:
        work(shares[0])
        return
    with ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(work, shares))


def fit_cells(vx, vy, design, filters, *, seasonal=True, trend_inside=True, image_sigma=0.0, threads=1):
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
    out = {
        "annual": np.empty((n_cell, 2, n_years)), "sigma": np.empty((n_cell, 2, n_years)),
        "cycle": np.empty((n_cell, 2, 6)), **_counters(n_cell, n_years),
    }  # fmt: skip
    terms = design.seasonal if seasonal else np.zeros_like(design.seasonal)
    lever = design.lever if trend_inside else np.zeros((design.dt.size, 0))
    weight = 1.0 / (design.sigma * design.dt)

    def work(share):
        _fit_cells(
            vx=vx[share], vy=vy[share], weight=weight, lever=lever, seasonal=terms,
            image_sigma=float(image_sigma), n_years=n_years, work=np.zeros((3, n_years + 8, n_years + 8)),
            influence=np.zeros((design.n_images if image_sigma else 1, n_years + 2)), annual=out["annual"][share],
            sigma=out["sigma"][share], cycle=out["cycle"][share], pairs=out["pairs"][share],
            distinct=out["images"][share], observed=out["observed"][share], totals=out["totals"][share],
            **_shared(design, filters), **_scratch(design, filters),
        )  # fmt: skip

    in_threads(work, n_cell, threads)
    return out


def kept_cells(vx, vy, design, filters, *, threads=1):
    """
    The filtered velocities of many cells, for statistics of any kind.

    Returns
    -------
    vx, vy : (n_cell, N) float32, NaN where there is none or the filters took it
    counts : dict with `pairs`, `images`, `observed`, `totals` as in `fit_cells`
    """
    kept = [np.full(vx.shape, np.nan, dtype="f4") for _ in range(2)]
    counts = _counters(vx.shape[0], design.years.size)

    def work(share):
        _keep_cells(
            vx=vx[share], vy=vy[share], out_x=kept[0][share], out_y=kept[1][share], pairs=counts["pairs"][share],
            distinct=counts["images"][share], observed=counts["observed"][share], totals=counts["totals"][share],
            **_shared(design, filters), **_scratch(design, filters),
        )  # fmt: skip

    in_threads(work, vx.shape[0], threads)
    return kept[0], kept[1], counts


def _counters(n_cell, n_years):
    return {
        "pairs": np.zeros((n_cell, n_years), "int32"), "images": np.zeros((n_cell, n_years), "int32"),
        "observed": np.zeros((n_cell, n_years), "?"), "totals": np.zeros((n_cell, 2), "int32"),
    }  # fmt: skip


def weighted_means(values, design, component):
    """
    Yearly means weighted by overlap and 1/sigma^2.

    Parameters
    ----------
    values : (n_cell, N) float, NaN where missing

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


def by_year(values, design, function):
    """
    function((n, n_cell) pairs whose mid-date lies in the year) for each year: (n_cell, K), NaN for years without pairs.
    """
    year = np.clip(np.searchsorted(design.edges, design.mid, side="right") - 1, 0, design.years.size - 1)
    out = np.full((values.shape[0], design.years.size), np.nan)
    for k in range(design.years.size):
        own = values[:, year == k].T
        some = np.isfinite(own).any(axis=0)
        if some.any():
            out[some, k] = function(own[:, some])
    return out
