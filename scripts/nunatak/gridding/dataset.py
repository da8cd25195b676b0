"""Write statistics as CF datasets on the grid, and compute climatologies and anomalies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from nunatak.files.rasters import georeference
from nunatak.gridding.statistics import WEIGHTINGS, cell_statistics, unit_of
from nunatak.gridding.timebins import as_dates, bins_between
from nunatak.parameters.freeboard import GriddedValues
from nunatak.parameters.statistics import statistic
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    from nunatak.gridding.accumulators import Accumulators

_COUNTS = ("count", "n_pass", "n_day", "n_lead")
_IN_MEMORY = 1 << 26  # cells of a variable, all layers together


def statistics(
    accumulators: Accumulators,
    bins: str = "month",
    names: Sequence[str] = GriddedValues.statistics,
    *,
    period: Any = None,
    weighting: str = GriddedValues.weighting,
    minimum_segments: int = 1,
    minimum_passes: int = GriddedValues.minimum_passes,
    minimum_days: int = GriddedValues.minimum_days,
    of: str = "freeboard",
    units: str = "m",
    weight_units: str = "m",
) -> xr.Dataset:
    """
    Return statistics by time bin on the whole grid as a CF Dataset.

    Parameters
    ----------
    accumulators, bins, names, weighting, minimum_segments, minimum_passes, minimum_days : as in `cell_statistics`
    period : (start, end) dates with the end excluded, or several such spans. Bins of the period without a point become
        empty layers. Default: only bins with points
    of : name of the gridded quantity, for the long names. Default: freeboard
    units, weight_units : units of value and weight. Default: m

    Returns
    -------
    Dataset with dimensions (time, y, x). `time` is the start of a bin and `time_bnds` its bounds. In cells without
        points counts are 0 and everything else is NaN. A variable of up to 0.5 GB is filled in memory. A larger one is
        a Dask array with one chunk per layer, so that writing it holds one layer at a time

    Raises
    ------
    NunatakError : no point fell in the grid and no period gives the empty layers
    """
    if not len(accumulators.rows) and period is None:
        raise NunatakError(f"gridding: nothing to grid: {accumulators.describe_losses()}; look at filters and region")
    table = cell_statistics(
        accumulators,
        bins,
        names,
        weighting=weighting,
        minimum_segments=minimum_segments,
        minimum_passes=minimum_passes,
        minimum_days=minimum_days,
    )
    starts, ends = _layers(table, bins, period)
    layer = np.searchsorted(starts, table["start"].to_numpy())
    variables: dict[str, tuple] = {}
    for name in names:
        array = _filled(
            table[name].to_numpy(), layer, table["cell"].to_numpy(), (len(starts), *accumulators.grid.shape)
        )
        variables[name] = (("time", "y", "x"), array, _attributes(name, names, of, units, weight_units, weighting))
    variables["time_bnds"] = (("time", "nv"), as_dates(np.stack([starts, ends], axis=1)))
    time = ("time", as_dates(starts), {"standard_name": "time", "axis": "T", "bounds": "time_bnds"})
    attributes = {
        "bins": bins,
        "weighting": f"{weighting}: {WEIGHTINGS[weighting]}",
        "points": accumulators.describe_losses(),
        "minimum_segments": minimum_segments,
        "minimum_passes": minimum_passes,
        "minimum_days": minimum_days,
    }
    if accumulators.level_width:
        attributes["histogram_level_width"] = accumulators.level_width
    return georeference(xr.Dataset(variables, coords={"time": time}, attrs=attributes), accumulators.grid)


def climatology(dataset: xr.Dataset, *, minimum_years: int = 2) -> xr.Dataset:
    """
    Compute the mean of each calendar month over several years of monthly means.

    Parameters
    ----------
    dataset : Dataset of `statistics` with monthly bins and `mean`
    minimum_years : cells with fewer years of a month are NaN. Default: 2

    Returns
    -------
    Dataset with dimensions (month, y, x): `mean` over years of equal weight, `std_between_years` (unbiased), `n_years`
    """
    months = dataset["time"].dt.month
    grouped = dataset["mean"].groupby(months)
    n = grouped.count("time").astype("int32")
    enough = n >= minimum_years
    out = xr.Dataset(
        {
            "mean": grouped.mean("time").where(enough),
            "std_between_years": grouped.std("time", ddof=1).where(enough & (n > 1)),
            "n_years": n,
        }
    )
    unit = dataset["mean"].attrs.get("units", "m")
    for name, text in (("mean", "mean over years"), ("std_between_years", "standard deviation between years")):
        out[name].attrs = {"units": unit, "long_name": text, **_mapping(dataset["mean"])}
    out["n_years"].attrs = {"units": "1", "long_name": "years with data", **_mapping(dataset["mean"])}
    years = sorted({int(y) for y in dataset["time"].dt.year.values})
    bounded = out.assign(x_bnds=dataset["x_bnds"], y_bnds=dataset["y_bnds"])
    return bounded.assign_attrs(
        Conventions=dataset.attrs.get("Conventions", "CF-1.11"), years=", ".join(map(str, years))
    )


def anomaly(dataset: xr.Dataset, climatology: xr.Dataset) -> xr.Dataset:
    """
    Subtract the climatology from each month, and give the error of the difference.

    The year itself is part of its climatology: with n years and errors s of their means the variance of the anomaly is
    (1 - 1/n)^2 s_i^2 + sum over the other years of s^2 / n^2.

    Parameters
    ----------
    dataset : Dataset of `statistics` with monthly bins, `mean` and, for the error, `stderr`
    climatology : Dataset of `climatology`

    Returns
    -------
    Dataset with dimensions (time, y, x): `anomaly` and, if `stderr` is given, `anomaly_sigma`
    """
    month = dataset["time"].dt.month
    reference = climatology.sel(month=month).drop_vars("month")
    out = xr.Dataset({"anomaly": dataset["mean"] - reference["mean"]})
    attributes = {"units": dataset["mean"].attrs.get("units", "m"), **_mapping(dataset["mean"])}
    out["anomaly"].attrs = {"long_name": "difference from the mean over years", **attributes}
    if "stderr" in dataset:
        variance = dataset["stderr"] ** 2
        n = reference["n_years"]
        others = variance.groupby(month).sum("time", skipna=False).sel(month=month).drop_vars("month") - variance
        out["anomaly_sigma"] = np.sqrt((1 - 1 / n) ** 2 * variance + others / n**2)
        out["anomaly_sigma"].attrs = {"long_name": "standard error of the anomaly", **attributes}
    bounded = out.assign(x_bnds=dataset["x_bnds"], y_bnds=dataset["y_bnds"])
    return bounded.assign_attrs(climatology_years=climatology.attrs.get("years", ""), Conventions="CF-1.11")


def _layers(table, bins, period):
    """Return the starts and ends of the layers: those of the table's bins, or all bins of the period."""
    if period is None or bins == "all":
        starts, first = np.unique(table["start"].to_numpy(), return_index=True)
        return starts, table["end"].to_numpy()[first]
    spans = [period] if np.ndim(period) == 1 else list(period)
    edges = [np.stack(bins_between(start, end, bins)) for start, end in spans]
    starts, ends = np.unique(np.concatenate(edges, axis=1), axis=1)
    beyond = np.setdiff1d(table["start"].to_numpy(), starts)
    if beyond.size:
        day = as_dates(beyond[0]).astype("datetime64[D]")
        raise NunatakError(
            f"gridding: points on {day} lie outside the period {spans[0][0]} .. {spans[-1][1]}; select the period first"
        )
    return starts, ends


def _filled(values, layer, cell, shape):
    """Put values into their layers and cells, where `layer` ascends."""
    dtype, fill = ("int32", 0) if values.dtype.kind == "i" else ("float64", np.nan)
    first = np.searchsorted(layer, np.arange(shape[0] + 1))

    def fill_layer(number, out):
        own = slice(first[number], first[number + 1])
        out.reshape(-1)[cell[own]] = values[own]
        return out

    if np.prod(shape) > _IN_MEMORY:
        import dask.array

        fill_one = dask.delayed(lambda number: fill_layer(number, np.full(shape[1:], fill, dtype)), pure=False)
        layers = [dask.array.from_delayed(fill_one(k), shape[1:], dtype) for k in range(shape[0])]
        return dask.array.stack(layers)
    array = np.full(shape, fill, dtype)
    for number in range(shape[0]):
        fill_layer(number, array[number])
    return array


def _attributes(name, names, of, units, weight_units, weighting):
    """Return the attributes of a variable."""
    attributes = {"long_name": f"{statistic(name).words} ({of})", "units": unit_of(name, units, weight_units)}
    if name == "mean":
        attributes["weighting"] = weighting
        helpers = [other for other in ("stderr", "sigma", "std", *_COUNTS) if other in names]
        if helpers:
            attributes["ancillary_variables"] = " ".join(helpers)
    return attributes


def _mapping(variable):
    """Return the grid mapping attribute of a variable."""
    return {key: variable.attrs[key] for key in ("grid_mapping",) if key in variable.attrs}
