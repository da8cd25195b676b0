"""Annual velocities out of ITS_LIVE's annual mosaics, under the names and with the rules of a composite's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nunatak.parameters.velocity import AnnualFit
from nunatak.velocity.annual_fields import annual_dataset, annual_fields

METHOD = "mosaics"
_CELLS = 65536  # whose fields are made at a time
# what only single pairs tell
_OF_PAIRS = ("vx_error_formal", "vy_error_formal", "v_error_formal", "images", "count0", "outlier_percent")


@dataclass(frozen=True)
class Calendar:
    """The years of some mosaics, as a `design.Design` has them."""

    years: np.ndarray
    """(K,) one after another"""
    edges: np.ndarray
    """(K + 1,) decimal years between them"""
    dt: np.ndarray
    """of no pair"""

    @classmethod
    def of(cls, years):
        """Return the calendar from the first to the last of some years."""
        every = np.arange(min(years), max(years) + 1)
        return cls(every, np.append(every, every[-1] + 1).astype(float), np.zeros(0))


def annual_of_mosaics(
    layers, mask, grid, *, years=None, v0_years=AnnualFit.v0_years, error_limit=AnnualFit.error_limit, attributes=None
):
    """
    Return the annual velocities of mosaics as those of a composite: with trend, mean, and a status of every year.

    Parameters
    ----------
    layers : {year: {`vx`, `vy`, `vx_error`, `vy_error` (m/yr over ground), `count`: (n_cell,) array}}
    mask : (ny, nx) bool, the cells of the region, n_cell of them
    grid : mapping or Dataset with `y`, `x`, `roi` and the attribute `crs`
    years : (first, last) year of the mean velocity. Default: all
    v0_years : (first, last) year of the trend. Default: `years`
    error_limit : as for `composites.composite`
    attributes : join those of the Dataset

    Returns
    -------
    Dataset of `composites.composite` without what only single pairs tell: formal errors, images, outliers, cycle
    """
    calendar = Calendar.of(layers)
    mean_years = years or (int(calendar.years[0]), int(calendar.years[-1]))
    v0_years = v0_years or mean_years
    reference, n = sum(v0_years) // 2, int(mask.sum())
    fields: dict = {}
    for first in range(0, n, _CELLS):
        part = slice(first, first + _CELLS)
        cells = _cells(layers, calendar, part, min(_CELLS, n - first))
        for name, (values, kind) in annual_fields(
            cells, calendar, v0_years, reference, error_limit, mean_years
        ).items():
            if name not in _OF_PAIRS:
                fields.setdefault(name, ([], kind))[0].append(values)
    about = {
        "method": METHOD,
        "n_mosaics": len(layers),
        "v0_first_year": v0_years[0],
        "v0_last_year": v0_years[1],
        "reference_year": reference,
        "mean_first_year": mean_years[0],
        "mean_last_year": mean_years[1],
        **(attributes or {}),
    }
    if error_limit is not None:
        about |= {"error_limit": float(error_limit[0]), "error_limit_of_speed": float(error_limit[1])}
    joined = {name: (np.concatenate(parts), kind) for name, (parts, kind) in fields.items()}
    out = annual_dataset(joined, mask, grid, calendar, about, compact=True)
    del out.attrs["n_pairs"]
    return out


def _cells(layers, calendar, part, n):
    """Return the values of some cells as `annual_fields` takes them."""
    shape = n, 2, calendar.years.size
    annual, sigma = np.full(shape, np.nan), np.full(shape, np.nan)
    pairs = np.zeros((n, calendar.years.size), dtype="i4")
    for year, layer in layers.items():
        k = year - int(calendar.years[0])
        for c, name in enumerate(("vx", "vy")):
            annual[:, c, k], sigma[:, c, k] = layer[name][part], layer[f"{name}_error"][part]
        pairs[:, k] = layer["count"][part]
    known = np.asarray(np.isfinite(annual).all(axis=1))
    annual[~known[:, None, :].repeat(2, axis=1)] = np.nan
    total = pairs.sum(axis=1)
    return {
        "annual": annual,
        "sigma": sigma,
        "observed": known,
        "pairs": pairs,
        "images": pairs,
        "totals": np.stack([total, total], axis=1),
    }
