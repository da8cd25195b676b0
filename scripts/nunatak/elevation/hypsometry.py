"""Compute the height change of each elevation band of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nunatak.parameters.elevation import HeightChange

if TYPE_CHECKING:
    import xarray as xr

    from nunatak.geometry.grid import Grid

_UNITS = {
    "band_low": "m",
    "band_high": "m",
    "area": "km2",
    "observed_area": "km2",
    "unobserved_share": "1",
    "mean_dh": "m",
    "dh_sigma": "m",
    "volume_change": "km3",
    "n_cells": "1",
}


def cell_heights(surface: xr.Dataset, grid: Grid) -> np.ndarray:
    """
    Return the mean height of the ATL14 surface in each cell of a coarser grid.

    Parameters
    ----------
    surface : Dataset (y, x) with h, m, in the coordinate system of `grid`
    grid : Grid

    Returns
    -------
    (ny, nx) heights, m above the WGS84 ellipsoid, NaN if no height falls in the cell
    """
    x, y = np.meshgrid(surface.x.values, surface.y.values)
    h = surface.h.values
    row, column = grid.cell_of(x, y)
    used = (row >= 0) & np.isfinite(h)
    cell = row[used] * grid.nx + column[used]
    n = np.bincount(cell, minlength=grid.size)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(cell, weights=h[used].astype("f8"), minlength=grid.size) / n
    return mean.reshape(grid.shape)


def change_by_elevation(
    change: xr.Dataset, heights: np.ndarray, coverage: np.ndarray, *, region: str, band: float = HeightChange.band
) -> pd.DataFrame:
    """
    Return the height change of each elevation band.

    Parameters
    ----------
    change : Dataset (y, x) with dh, dh_sigma (m) and ice_area (m2), as `change_between` returns it
    heights : (ny, nx) surface height of each cell, m (`cell_heights`)
    coverage : (ny, nx) share of each cell inside the region
    region : name of the region
    band : height of a band, m. A cell at the edge of two bands belongs to the upper one

    Returns
    -------
    DataFrame, one row per band from the lowest to the highest with ice, units in `attrs["units"]`:
        region, band_low, band_high, area (of ice), observed_area, unobserved_share, mean_dh (area-weighted over what is
        observed), dh_sigma (area-weighted, fully correlated: an upper bound), volume_change (of what is observed),
        n_cells (observed). Ice without a height is in no band; `attrs["area_without_height"]` (km2) says how much

    Raises
    ------
    ValueError : the region has no ice with a height
    """
    area = np.nan_to_num(change.ice_area.values) * coverage
    iced = (area > 0) & np.isfinite(heights)
    if not iced.any():
        raise ValueError(f"change by elevation: {region} has no ice with a height")
    index = np.floor(heights[iced] / band).astype(int)
    first, n_band = index.min(), int(np.ptp(index)) + 1
    index -= first
    dh, sigma, a = change.dh.values[iced].astype("f8"), change.dh_sigma.values[iced].astype("f8"), area[iced]
    seen = np.isfinite(dh)

    def total(weights):
        return np.bincount(index, weights=np.where(seen, weights, 0.0), minlength=n_band)

    all_area, observed = np.bincount(index, weights=a, minlength=n_band), total(a)
    volume = total(a * np.nan_to_num(dh))
    with np.errstate(invalid="ignore", divide="ignore"):
        table = pd.DataFrame(
            {
                "region": region,
                "band_low": (first + np.arange(n_band)) * band,
                "band_high": (first + np.arange(n_band) + 1) * band,
                "area": all_area / 1e6,
                "observed_area": observed / 1e6,
                "unobserved_share": 1 - observed / all_area,
                "mean_dh": volume / observed,
                "dh_sigma": total(a * np.nan_to_num(sigma)) / observed,
                "volume_change": volume / 1e9,
                "n_cells": np.bincount(index, weights=seen, minlength=n_band).astype(int),
            }
        )
    table.attrs["units"] = dict(_UNITS)
    table.attrs["area_without_height"] = float(area[(area > 0) & ~np.isfinite(heights)].sum() / 1e6)
    return table
