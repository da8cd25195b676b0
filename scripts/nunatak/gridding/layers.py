"""
Derive the results of one set of sums: a Dataset for each time bin, climatology, anomaly and tables of whole areas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from nunatak.files.rasters import georeference
from nunatak.gridding.atl20 import difference
from nunatak.gridding.dataset import anomaly, climatology, statistics
from nunatak.gridding.series import area_series, distribution
from nunatak.parameters.freeboard import GriddedValues
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    import numpy as np

    from nunatak.geometry.grid import Grid
    from nunatak.gridding.accumulators import Accumulators


def layers(
    accumulators: Accumulators,
    bins: Sequence[str],
    names: Sequence[str],
    *,
    minimum_segments: int | dict[str, int] = 1,
    **options: Any,
) -> dict[str, xr.Dataset]:
    """
    Return a Dataset for each time bin, and `climatology` and `anomaly` if there are several years of monthly means.

    Parameters
    ----------
    accumulators : Accumulators
    bins : time bins
    names, options : as for `statistics`
    minimum_segments : one number, or a mapping of bin to number, with 1 for a missing bin. Default: 1
    """
    made = {}
    for name in bins:
        least = minimum_segments.get(name, 1) if isinstance(minimum_segments, dict) else minimum_segments
        made[name] = statistics(accumulators, name, names, minimum_segments=least, **options)
    monthly = made.get("month")
    if monthly is not None and "mean" in monthly and len(set(monthly["time"].dt.year.values)) > 1:
        made["climatology"] = climatology(monthly)
        made["anomaly"] = anomaly(monthly, made["climatology"])
    return made


def less_atl20(monthly: xr.Dataset | None, theirs: Mapping[str, xr.Dataset], grid: Grid) -> xr.Dataset:
    """
    Subtract the monthly means of ATL20 files from ours, for the months in both.

    Parameters
    ----------
    monthly : Dataset of monthly `statistics` with `mean`, on a window of ATL20's grid, or None
    theirs : mapping of file name to Dataset of `products.atl20.read_freeboard`
    grid : Grid of `monthly`

    Returns
    -------
    Dataset with `difference` (time, y, x), m. The attributes `cells`, `mean`, `rms`, `only_ours` and `only_theirs` are
        lists with a number for each file

    Raises
    ------
    NunatakError : there are no monthly means, the grid differs, or no month is in common
    """
    if monthly is None or "mean" not in monthly:
        raise NunatakError("atl20: there are no monthly means to compare; add month to bins and mean to statistics")
    parts = []
    for name, dataset in theirs.items():
        if dataset.attrs["crs"] != grid.crs or grid.dx != abs(float(dataset["x"][1] - dataset["x"][0])):
            raise NunatakError(
                f"{name}: lies on another grid ({dataset.attrs['crs']}) than ours ({grid.crs}, {grid.dx:g} m); set "
                "freeboard.grid: {preset: nsidc_south_hughes, cell: 25km}, or nsidc_north_hughes"
            )
        near = dataset.reindex(x=monthly["x"], y=monthly["y"], method="nearest", tolerance=1.0)
        parts.append(difference(monthly, near))
    summaries = {
        key: str([part.attrs[key] for part in parts]) for key in ("cells", "mean", "rms", "only_ours", "only_theirs")
    }
    return georeference(xr.Dataset({"difference": xr.concat(parts, "time")}, attrs=summaries), grid)


def area_tables(
    accumulators: Accumulators,
    areas: Mapping[str, np.ndarray | None],
    bins: Sequence[str],
    *,
    weighting: str = GriddedValues.weighting,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Return the series of every area in every bin, and the distribution of its values in the longest bins.

    Parameters
    ----------
    accumulators : Accumulators
    areas : mapping of name to (ny, nx) bool, or None for all cells
    bins : time bins, shortest first
    weighting : key of `WEIGHTINGS`

    Returns
    -------
    series, distribution : DataFrame, with columns `region` and (series) `bins` in front
    """
    series, spread = [], []
    for region, inside in areas.items():
        for name in bins:
            rows = area_series(accumulators, name, inside=inside, weighting=weighting)
            series.append(_labelled(rows, region=region, bins=name))
        spread.append(_labelled(distribution(accumulators, bins[-1], inside=inside), region=region))
    return pd.concat(series, ignore_index=True), pd.concat(spread, ignore_index=True)


def _labelled(table, **labels):
    """Insert columns with labels in front."""
    for name, value in reversed(labels.items()):
        table.insert(0, name, value)
    return table
