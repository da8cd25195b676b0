"""All that is made of one set of sums: a Dataset for each time bin and what follows from it, tables of whole areas."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from nunatak.files.rasters import georeference
from nunatak.gridding.atl20 import difference
from nunatak.gridding.dataset import anomaly, climatology, statistics
from nunatak.gridding.series import area_series, distribution
from nunatak.parameters.freeboard import GriddedValues
from nunatak.runtime import NunatakError


def layers(accumulators, bins, names, *, minimum_segments=1, **options):
    """
    Datasets by time bin; with several years of monthly means `climatology` and `anomaly` as well.

    Parameters
    ----------
    bins : time bins
    names, options : as for `statistics`
    minimum_segments : one number, or a mapping of bin to number (1 where it has none)
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


def less_atl20(monthly, theirs, grid):
    """
    Our monthly means less those of ATL20 files, where both have the month.

    Parameters
    ----------
    monthly : Dataset of monthly `statistics` with `mean`, on a window of ATL20's grid; None where there is none
    theirs : mapping of file name to Dataset of `products.atl20.read_freeboard`
    grid : Grid of `monthly`

    Returns
    -------
    Dataset with `difference` (time, y, x), m; attributes `cells`, `mean`, `rms`, ..: a list with a number for each file

    Raises
    ------
    NunatakError : no monthly means, another grid, or no month in common
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
    said = {
        key: str([part.attrs[key] for part in parts]) for key in ("cells", "mean", "rms", "only_ours", "only_theirs")
    }
    return georeference(xr.Dataset({"difference": xr.concat(parts, "time")}, attrs=said), grid)


def area_tables(accumulators, areas, bins, *, weighting=GriddedValues.weighting):
    """
    The series of every area in every bin, and the distribution of its values in the longest bins.

    Parameters
    ----------
    areas : mapping of name to (ny, nx) bool, None for all cells
    bins : time bins, shortest first

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
    for name, value in reversed(labels.items()):
        table.insert(0, name, value)
    return table
