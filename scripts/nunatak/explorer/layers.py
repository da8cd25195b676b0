"""The layers of a study's results that its viewer shows: which results, in what colours, with which granules behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nunatak.files.tables import read_table
from nunatak.geometry.grid import Grid
from nunatak.results.loading import Opened
from nunatak.results.reading import listed, resolutions


class Row(NamedTuple):
    """A variable of a result with one map, or a map for each year."""

    result: str
    value: str
    error: str
    title: str
    palette: str = "change"
    logarithmic: bool = False
    product: str = "itslive"
    """whose granules lie behind it"""


# in the order in which the viewer lists them: speeds, then the height change and freeboard of each file, then the rest
_MAPS = (
    Row("annual", "v", "v_error", "annual speed", "speed", True),
    Row("annual", "v_mean", "v_mean_error", "mean speed of the period", "speed", True),
    Row("annual", "dv_dt", "dv_dt_error", "change of speed"),
    Row("annual", "v_amp", "v_amp_error", "seasonal amplitude of the speed", "amount"),
    Row("annual", "v_phase", "v_phase_error", "day of the seasonal maximum", "cycle"),
    Row("record", "delta_h", "delta_h_sigma", "height change, long record", product="itslive_elevation"),
    Row("rates_map", "dhdt", "dhdt_sigma", "rate of height change, ATL11", product="atl11"),
    Row("surface", "h", "h_sigma", "height of the surface, ATL14", "amount", product="atl14"),
    Row("thickness", "thickness", "thickness_sigma", "ice thickness", "amount", product="bedmachine"),
    Row("dynamics", "thinning", "thinning_sigma", "thickness change"),
    Row("dynamics", "dynamic_part", "dynamic_part_sigma", "dynamic thickness change"),
    Row("dynamics", "residual", "residual_sigma", "residual of the mass budget"),
    Row("dynamics", "flux_divergence", "flux_divergence_sigma", "divergence of the ice flux"),
    Row("strain", "e_lon", "sigma", "strain rate along the flow"),
    Row("strain", "e_trn", "sigma", "strain rate across the flow"),
    Row("strain", "e_shr", "sigma", "shear strain rate"),
    Row("strain", "e_eff", "", "effective strain rate", "amount"),
)
_FREEBOARD = ("mean", "stderr"), ("median", ""), ("count", "")


class Step(NamedTuple):
    """A time of a layer."""

    label: str
    start: int
    """s since 1970, UTC"""
    end: int
    """s since 1970, UTC, excluded (the start itself for an instant)"""


@dataclass(frozen=True)
class Layer:
    """A map, or one for each of several times, read when it is asked for."""

    name: str
    title: str
    unit: str
    grid: Grid
    palette: str
    logarithmic: bool
    steps: list[Step]
    """one for each time, none of a map without time"""
    values: Callable[[], np.ndarray]
    """(step, y, x) float32, NaN is missing"""
    errors: Callable[[], np.ndarray] | None
    """likewise"""
    granules: pd.DataFrame = field(repr=False)
    """those behind it: granule_id, start, end (s since 1970)"""


def layers(inputs: Mapping[str, Any]) -> Iterator[Layer]:
    """
    Yield the layers that a study's results hold.

    Parameters
    ----------
    inputs : mapping of the names of results, and of `granules`, to a path or a list of paths
    """
    opened = Opened(inputs)
    # an archive has many more image pairs than a study uses
    tables = {Path(path).parent.name: path for path in listed(inputs.get("granules", []))}
    behind = {name: _granules(path) for name, path in tables.items() if name != "itslive"}
    if "image_pairs" in opened.paths:
        behind["itslive"] = _pairs(opened.paths["image_pairs"])
    none = pd.DataFrame({"granule_id": [], "start": [], "end": []})
    flow, others = [row for row in _MAPS if row.result == "annual"], [row for row in _MAPS if row.result != "annual"]
    yield from _maps(opened, flow, behind, none)
    yield from _height_change(opened, behind.get("atl15", none))
    yield from _freeboard(opened, behind.get("atl10", behind.get("atl07", none)))
    yield from _maps(opened, others, behind, none)


def _maps(opened, rows, behind, none):
    for row in rows:
        if row.result in opened.paths and row.value in opened[row.result]:
            yield _layer(opened[row.result], row, f"{row.result}-{row.value}", behind.get(row.product, none))


def _height_change(opened, granules):
    """Yield the height change on each grid, its rate, and the rates over a year and over the longest lag."""
    if "change" not in opened.paths:
        return
    path = opened.paths["change"]
    for resolution in resolutions(path):
        groups = {name.strip("/"): group for name, group in _groups(path).items()}
        lags = {float(name.partition("_lag")[2]): name for name in groups if name.startswith(f"{resolution}/dhdt_lag")}
        about = f"ATL15, {resolution}"
        rows = [("height change", "delta_h", resolution), ("rate of height change", "dhdt", resolution)]
        for lag in sorted(lag for lag in lags if lag in (4, max(lags))):
            rows.append((f"rate over {_years(lag / 4)}", "dhdt", lags[lag]))
        for title, name, group in rows:
            if name in groups[group]:
                row = Row("change", name, f"{name}_sigma", f"{title}, {about}")
                yield _layer(groups[group], row, f"change-{group}-{name}".replace("/", "-"), granules)


def _groups(path):
    import xarray as xr

    return xr.open_groups(path, engine="h5netcdf", cache=False)


def _years(number):
    return "a year" if number == 1 else f"{number:g} years"


def _freeboard(opened, granules):
    if "freeboard" not in opened.paths:
        return
    for interval, dataset in opened["freeboard"].items():
        for name, error in _FREEBOARD:
            if name in dataset and dataset[name].ndim == 3:
                what = "segments" if name == "count" else f"{name} {dataset[name].attrs.get('long_name', 'freeboard')}"
                palette = "change" if interval == "anomaly" else "amount"
                row = Row("freeboard", name, error, f"{what} by {interval}".replace("_", " "), palette)
                yield _layer(dataset, row, f"freeboard-{interval}-{name}", granules)


def _layer(dataset, row, name, granules):
    grid = Grid.of(dataset)
    found = dataset[row.value]
    unit = str(found.attrs.get("units", ""))
    return Layer(
        name=name,
        title=row.title,
        unit="" if unit == "1" else unit,
        grid=grid,
        palette=row.palette,
        logarithmic=row.logarithmic,
        steps=_steps(dataset, found.dims[0]) if found.ndim == 3 else [],
        values=lambda: _read(found),
        errors=(lambda: _read(dataset[row.error])) if row.error in dataset else None,
        granules=granules,
    )


def _read(found):
    """Return the values of a variable as (step, y, x) float32, rows from the north, as `Grid` has them."""
    along = [name for name in found.dims if name not in ("y", "x")]
    values = np.asarray(found.transpose(*along, "y", "x").values, dtype="float32")
    values = values.reshape(-1, found.sizes["y"], found.sizes["x"])
    return values if found["y"].values[0] > found["y"].values[-1] else np.ascontiguousarray(values[:, ::-1])


def _steps(dataset, dim):
    times = dataset[dim].values
    if dim == "year":
        starts = [f"{int(year):04d}-01-01" for year in times]
        ends = [f"{int(year) + 1:04d}-01-01" for year in times]
        return [Step(str(int(t)), *map(_seconds, span)) for t, *span in zip(times, starts, ends, strict=True)]
    if not np.issubdtype(times.dtype, np.datetime64):
        return [Step(str(time), number, number) for number, time in enumerate(times)]
    bounds = dataset["time_bnds"].values if "time_bnds" in dataset else np.column_stack([times, times])
    if not np.issubdtype(bounds.dtype, np.datetime64):
        bounds = np.column_stack([times, times])
    return [
        Step(str(time)[:10], _seconds(low), _seconds(high)) for time, (low, high) in zip(times, bounds, strict=True)
    ]


def _seconds(time):
    return int(np.datetime64(time, "s").astype("int64"))


def _granules(path):
    table = read_table(path, columns=["granule_id", "time_start", "time_end"])
    return _spans(table["granule_id"], table["time_start"], table["time_end"])


def _pairs(path):
    table = read_table(path, columns=["granule_id", "mid_date", "fate"])
    used = table[table["fate"] == "used"]
    return _spans(used["granule_id"], used["mid_date"], used["mid_date"])


def _spans(names, start, end):
    seconds = [pd.to_datetime(column).to_numpy("datetime64[s]").astype("int64") for column in (start, end)]
    return pd.DataFrame({"granule_id": names.astype(str).to_numpy(), "start": seconds[0], "end": seconds[1]})
