"""
Compute the volume change of a region per epoch and per lag, with area-weighted rates, three errors, and mass.

Areas are the product's `ice_area`, true square metres of ice. A cell of 1 km in the polar stereographic projection is
not 1 km2 (1.046 km2 at 79.7 N), so counting cells biases a volume by several per cent. Frontal retreat and advance are
not included: ATL15 is the change of surfaces that are ice at both epochs.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nunatak.elevation.change import difference, nearest_epoch
from nunatak.elevation.errors import errors_of
from nunatak.elevation.mass import mass_change
from nunatak.parameters.elevation import HeightChange
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    import xarray as xr

    from nunatak.elevation.mass import Density

CORRELATION_RANGE = 1e3 * HeightChange.correlation_range  # m
FRONTAL_NOTE = "change of surfaces that are ice at both epochs; frontal retreat and advance are not in ATL15"

_UNITS = {
    "resolution": "m",
    "time": "UTC",
    "since": "UTC",
    "decimal_year": "yr",
    "years": "yr",
    "lag": "quarters",
    "volume_change": "km3",
    "volume_sigma_independent": "km3",
    "volume_sigma": "km3",
    "volume_sigma_fully_correlated": "km3",
    "volume_rate": "km3/yr",
    "volume_rate_sigma_independent": "km3/yr",
    "volume_rate_sigma": "km3/yr",
    "volume_rate_sigma_fully_correlated": "km3/yr",
    "mean_dh": "m",
    "mean_dh_sigma": "m",
    "mean_rate": "m/yr",
    "mean_rate_sigma": "m/yr",
    "area": "km2",
    "ice_area": "km2",
    "unobserved_share": "1",
    "interpolated_share": "1",
    "n_cells": "1",
    "correlation_range": "m",
    "firn_change": "km3",
    "gia_change": "km3",
    "mass_change": "Gt",
    "mass_sigma": "Gt",
}


def region_change(
    change: xr.Dataset,
    coverage: np.ndarray,
    *,
    region: str,
    since: Any = None,
    rates: Mapping[float, xr.Dataset] | None = None,
    correlation_range: float = CORRELATION_RANGE,
    density: Density | None = None,
) -> pd.DataFrame:
    """
    Return the volume change of a region at every epoch, relative to one.

    dV(t) = sum over cells of f [delta_h(t) - delta_h(t0)] [A(t0) + A(t)] / 2, over cells with a value at both epochs;
    f is the share of the cell inside the region, A its ice area.

    Parameters
    ----------
    change : Dataset as `products.atl15.read_height_change` returns it
    coverage : (ny, nx) share of each cell inside the region (`cell_coverage`)
    region : name of the region
    since : epoch t0. Default: the first
    rates : {lag in quarters: Dataset}, for the error of a difference, see `change_since`. Default: none
    correlation_range : metres, range over which errors are correlated
    density : Density for a mass. Default: none, only a volume is computed

    Returns
    -------
    DataFrame, one row per epoch, units in `attrs["units"]`:
        region, resolution, time, decimal_year, since, years
        volume_change (km3) with volume_sigma (correlated over the range), volume_sigma_independent and
        volume_sigma_fully_correlated, the bounds
        mean_dh (m) = volume over area, mean_rate (m/yr) = mean_dh over the years; with _sigma
        area (km2) summed over, ice_area (km2) of the region, unobserved_share = the part of it without a value
        interpolated_share : of `area` at cells without data of their own at the epoch; NaN where the file does not say
        n_cells, sigma_from (which error of a difference), quantity ("mass" or "volume"), correlation_range
        mass_change, mass_sigma (Gt), with a density
        firn_change, gia_change (km3), where `mass.ice_equivalent` took firn air and uplift out: the surface changed by
        the sum of volume_change and these two
    """
    rows, columns = _extent(coverage)
    change = change.isel(y=rows, x=columns)
    f = _of_ice(coverage[rows, columns], change.ice_area)
    rates = {lag: rate.isel(y=rows, x=columns) for lag, rate in (rates or {}).items()}
    start = nearest_epoch(change, change.decimal_year.values[0] if since is None else since)
    parts = (difference(change, start, k, rates=rates) for k in range(change.time.size))
    sums = _sums(((p.dh, p.ice_area, p.dh_sigma, p.dh_sigma_bound, p) for p in parts), f, correlation_range)
    years = change.decimal_year.values - change.decimal_year.values[start]
    with np.errstate(invalid="ignore", divide="ignore"):
        table = pd.DataFrame(
            {
                "region": region,
                "resolution": change.attrs["resolution"],
                "time": change.time.values,
                "decimal_year": change.decimal_year.values,
                "since": change.time.values[start],
                "years": years,
                "volume_change": sums["total"],
                "volume_sigma_independent": sums["independent"],
                "volume_sigma": sums["correlated"],
                "volume_sigma_fully_correlated": sums["fully_correlated"],
                "mean_dh": 1000 * sums["total"] / sums["area"],
                "mean_dh_sigma": 1000 * sums["correlated"] / sums["area"],
                "mean_rate": 1000 * sums["total"] / sums["area"] / years,
                "mean_rate_sigma": 1000 * sums["correlated"] / sums["area"] / np.abs(years),
                "area": sums["area"],
                "ice_area": sums["ice_area"],
                "unobserved_share": 1 - sums["area"] / sums["ice_area"],
                "interpolated_share": sums["interpolated"] / sums["area"],
                "n_cells": sums["n_cells"],
                "sigma_from": sums["sigma_from"],
                "correlation_range": float(correlation_range),
                "quantity": "volume" if density is None else "mass",
            }
        )
    if density is not None:
        table["mass_change"], table["mass_sigma"] = mass_change(table.volume_change, table.volume_sigma, density)
    for column, layer in (("firn_change", "firn_air"), ("gia_change", "uplift")):
        if layer in change:
            table[column] = _taken_out(change, layer, f, start)
    return _with_units(table)


def region_rates(
    rates: xr.Dataset,
    coverage: np.ndarray,
    *,
    region: str,
    correlation_range: float = CORRELATION_RANGE,
    density: Density | None = None,
) -> pd.DataFrame:
    """
    Return the volume rate of a region over a lag, at the middle of every interval.

    It is the sum of f dhdt A, with A the mean of both ends.

    Parameters
    ----------
    rates : Dataset as `products.atl15.read_rates` returns it
    coverage, region, correlation_range, density : as in `region_change`

    Returns
    -------
    DataFrame, one row per interval: region, resolution, lag (quarters), time, decimal_year, volume_rate (km3/yr) with
        the error triple, mean_rate (m/yr) = volume_rate / area, its sigma, area, ice_area, unobserved_share, n_cells;
        with a density mass_change and mass_sigma, per year
    """
    rows, columns = _extent(coverage)
    rates = rates.isel(y=rows, x=columns)
    f = _of_ice(coverage[rows, columns], rates.ice_area)
    parts = (rates.isel(time=k) for k in range(rates.time.size))
    sums = _sums(((p.dhdt, p.ice_area, p.dhdt_sigma, p.dhdt_sigma, p) for p in parts), f, correlation_range)
    with np.errstate(invalid="ignore", divide="ignore"):
        table = pd.DataFrame(
            {
                "region": region,
                "resolution": rates.attrs["resolution"],
                "lag": 4 * rates.attrs["lag_years"],
                "time": rates.time.values,
                "decimal_year": rates.decimal_year.values,
                "volume_rate": sums["total"],
                "volume_rate_sigma_independent": sums["independent"],
                "volume_rate_sigma": sums["correlated"],
                "volume_rate_sigma_fully_correlated": sums["fully_correlated"],
                "mean_rate": 1000 * sums["total"] / sums["area"],
                "mean_rate_sigma": 1000 * sums["correlated"] / sums["area"],
                "area": sums["area"],
                "ice_area": sums["ice_area"],
                "unobserved_share": 1 - sums["area"] / sums["ice_area"],
                "n_cells": sums["n_cells"],
                "correlation_range": float(correlation_range),
                "quantity": "volume" if density is None else "mass",
            }
        )
    if density is not None:
        table["mass_change"], table["mass_sigma"] = mass_change(table.volume_rate, table.volume_rate_sigma, density)
        table = _with_units(table)
        table.attrs["units"] |= {"mass_change": "Gt/yr", "mass_sigma": "Gt/yr"}
        return table
    return _with_units(table)


def _taken_out(change, layer, f, start):
    """
    Compute the volume (km3) since an epoch of what was taken out of the height change, over the cells that are summed.
    """
    first, found = change.isel(time=start), []
    for k in range(change.time.size):
        end = change.isel(time=k)
        area = [epoch.ice_area.values for epoch in (first, end)]
        weight = np.where((area[0] > 0) & (area[1] > 0), 0.5 * (area[0] + area[1]), 0.0) * f
        seen = np.isfinite(end.delta_h.values - first.delta_h.values)
        found.append(np.where(seen, weight * (end[layer].values - first[layer].values), 0.0).sum() / 1e9)
    return found


def _sums(fields, f, correlation_range):
    """
    Return sums over cells (km3, km2) of each epoch, and their errors.

    `fields` yields value, ice area, sigma and its bound as DataArrays (y, x), and the Dataset they come from, one epoch
    at a time, so that only one is in memory.
    """
    inside = np.flatnonzero(f)
    share = f.ravel()[inside]
    first = next(fields)
    x, y = (axis.ravel()[inside] for axis in np.meshgrid(first[0].x.values, first[0].y.values))
    rows: dict[str, list] = {
        name: [] for name in ("total", "area", "ice_area", "n_cells", "interpolated", "sigma_from")
    }

    def weighted_errors():
        for *layers, source in chain([first], fields):
            value, ice_area, sigma, bound = (layer.values.ravel()[inside].astype("f8") for layer in layers)
            iced = np.where(ice_area > 0, ice_area * share, 0.0)
            seen = np.isfinite(value) & (iced > 0)
            area = np.where(seen, iced, 0.0)
            rows["total"].append(np.dot(area, np.where(seen, value, 0.0)) / 1e9)
            rows["area"].append(area.sum() / 1e6)
            rows["ice_area"].append(iced.sum() / 1e6)
            rows["n_cells"].append(int(seen.sum()))
            rows["interpolated"].append(_interpolated(source, inside, area))
            rows["sigma_from"].append(source.attrs.get("sigma_from", ""))
            yield np.where(seen, area * sigma, 0.0), np.where(seen, area * bound, 0.0), area.sum()

    errors = errors_of(weighted_errors(), x, y, correlation_range=correlation_range)
    sums = {name: np.array(values) for name, values in rows.items()}
    names = ("independent", "correlated", "fully_correlated")
    return sums | {name: getattr(errors, name) / 1e9 for name in names}


def _of_ice(f, ice_area):
    """Return the coverage of cells that have ice at any epoch, 0 for the others."""
    iced = np.zeros(f.shape, dtype=bool)
    for k in range(ice_area.sizes["time"]):
        iced |= ice_area[k].values > 0
    return np.where(iced, f, 0.0)


def _interpolated(source, inside, area):
    """Return the area of cells without data of their own, km2, NaN if the product does not state it."""
    if "interpolated" not in source:
        return np.nan
    return float(np.dot(area, source.interpolated.values.ravel()[inside])) / 1e6


def _extent(coverage):
    """Return the rows and columns that a region touches, so that a small region of a large grid costs little."""
    rows, columns = (np.flatnonzero(coverage.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        raise NunatakError("region: it covers no cell of the grid; choose one that touches the product's ice")
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _with_units(table):
    """Add units and the note on fronts as attributes."""
    table.attrs["units"] = {name: _UNITS[name] for name in table.columns if name in _UNITS}
    table.attrs["note"] = FRONTAL_NOTE
    return table
