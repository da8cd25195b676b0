"""Grids held against the granules they were cut from: small windows read again, value by value and place by place."""

from __future__ import annotations

from typing import Any

import numpy as np

from nunatak.checks.check import at_most, not_applicable
from nunatak.checks.same import same

_CELLS = 12  # of a window, along either axis
_WINDOWS = 3  # evenly over the cells that have a value


def height_change(layers, read, period=None):
    """
    Check grids of height_change.nc in some windows against their granules: values, errors, areas, places and epochs.

    Parameters
    ----------
    layers : mapping of resolution to HeightChange
    read : function of resolution, bounds and lag (quarters, None for the change itself) that reads the granules again
        as a Dataset; None where they are not on this machine
    period : the study's Period: every epoch of the granules inside is in the grid; None asks for no epoch
    """
    found = []
    for resolution, (change, rates) in layers.items():
        name = f"height_change/granules/{resolution}"
        if read is None:
            found.append(not_applicable(name, "the granules are not on this machine"))
            continue
        columns: dict[str, Any] = {}
        for number, window in enumerate(windows(change, "delta_h")):
            for lag, layer in {None: change, **rates}.items():
                again = read(resolution, _bounds(window), lag)
                names = ("delta_h", "delta_h_sigma") if lag is None else ("dhdt", "dhdt_sigma")
                if lag is None and period is not None:
                    asked = again["time"].values[period.contains(again["time"].values)]
                    columns["epochs"] = layer["time"].values, asked
                held = _beside(layer, again, window, (*names, "ice_area"))
                columns |= {
                    f"{key}{'' if lag is None else f' of lag {lag:g}'} ({number + 1})": v for key, v in held.items()
                }
        found.append(
            same(name, columns, f"{_WINDOWS} windows of the granules of {resolution}", scales=_scales(columns))
        )
    return found


def surface(dataset, read):
    """
    Check the surface in some windows against the granules of ATL14.

    Parameters
    ----------
    dataset : surface.nc
    read : function of bounds that reads the granules again; None where they are not on this machine
    """
    name = "surface/granules"
    if read is None:
        return not_applicable(name, "the granules are not on this machine")
    columns: dict[str, tuple] = {}
    for number, window in enumerate(windows(dataset, "h")):
        held = _beside(dataset, read(_bounds(window)), window, ("h", "h_sigma", "ice_area"))
        columns |= {f"{key} ({number + 1})": value for key, value in held.items()}
    return same(name, columns, f"{_WINDOWS} windows of the granules of ATL14", scales=_scales(columns))


def maps(name, kept, grid):
    """
    Check that rasters, read back from disk, hold the values of the grid they were written from.

    Parameters
    ----------
    kept : mapping of the raster's name to a function that reads its bands (band, y, x)
    grid : mapping of the same names to a function that reads what the bands must be
    """
    name, text = f"raster_values/{name}", "rasters, read back, of the grid they were written from"
    if not kept:
        return not_applicable(name, "there is no raster")
    lost = sorted(set(kept) ^ set(grid))
    if lost:
        return at_most(name, len(lost), 0, "", f"rasters without a grid, or the reverse: {', '.join(lost)}")
    found = []
    for key, read in kept.items():  # one at a time, so that no more are held
        bands = read()
        found.append(same(name, {key: (bands, np.reshape(grid[key](), bands.shape))}, text))
    return max(found, key=lambda check: (check.failed, check.value or 0.0))


def windows(dataset, variable):
    """Return (rows, columns) of small windows about cells that have a value, evenly over them."""
    values = dataset[variable].values
    seen = np.argwhere(np.isfinite(values).any(axis=0) if values.ndim == 3 else np.isfinite(values))
    if not len(seen):
        return
    ny, nx = dataset.sizes["y"], dataset.sizes["x"]
    for k in np.unique(np.linspace(0.1, 0.9, _WINDOWS) * (len(seen) - 1)).astype(int):
        row, column = seen[k]
        first = max(min(row - _CELLS // 2, ny - _CELLS), 0), max(min(column - _CELLS // 2, nx - _CELLS), 0)
        yield dataset.isel(y=slice(first[0], first[0] + _CELLS), x=slice(first[1], first[1] + _CELLS))


def _bounds(window):
    """Return left, bottom, right and top of the centres of a window."""
    x, y = window["x"].values, window["y"].values
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _beside(layer, again, window, names):
    """Return the variables of a layer in a window beside those of the granules, at the same places and epochs."""
    place = {"x": window["x"].values, "y": window["y"].values}
    near = again.reindex(place, method="nearest", tolerance=1.0)
    columns = {}
    if "time" in layer.dims:
        near = near.reindex(time=layer["time"].values, method="nearest", tolerance=np.timedelta64(1, "h"))
    for name in names:
        columns[name] = layer[name].sel(place).values, near[name].values
    return columns


def _scales(columns):
    """
    Return the scales by which areas are compared, the size of a cell for each.

    An edge without ice has no such size, and its scale is 1.
    """
    largest = {key: np.nanmax(np.abs(v[1]), initial=0.0) for key, v in columns.items() if key.startswith("ice_area")}
    return {key: size or 1.0 for key, size in largest.items()}
