"""The layers of several datacubes as one stack on one grid, read where and when its values are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from nunatak.products.itslive.datacube import Datacube
from nunatak.products.itslive.fields import LAYOUT
from nunatak.products.itslive.ground import GROUND
from nunatak.products.itslive.store import LAYER_COLUMNS
from nunatak.velocity.lattice import place
from nunatak.velocity.placing import COMPONENTS, on_grid, window_of

_UNREAD = ("valid_cells",)  # what only reading tells


class Tile:
    """
    One datacube of a stack.

    Parameters
    ----------
    path : folder or address of the cube
    numbers : (N,) int, the cube's layer of each layer of the stack; -1 where it has none
    on_map : (N,) bool, layers in units of the map
    grid : Grid of the stack
    """

    def __init__(self, path, numbers, on_map, grid):
        self.path, self.numbers, self.on_map = path, numbers, on_map
        self.cube = Datacube(path)
        self._placement = place(self.cube.grid, grid)
        self._last: tuple = (None, {})

    def edges(self, axis, size):
        """
        Return the rows (axis 0) or columns (1) of the stack's grid where a chunk of the cube begins or ends.

        Parameters
        ----------
        size : rows or columns of the stack's grid

        Returns
        -------
        list of int; empty for a cube whose cells do not lie on the grid's
        """
        if self._placement.treatment != "copied":
            return []
        offset = (self._placement.row_offset, self._placement.column_offset)[axis]
        cells = self.cube.grid.shape[axis]
        step = self.cube.store["vx"].transpose("mid_date", "y", "x").encoding["chunks"][axis + 1]
        return [edge - offset for edge in (*range(0, cells, step), cells) if 0 < edge - offset < size]

    def put(self, name, layers, grid, out):
        """
        Put layers of a variable onto a grid where nothing lies yet.

        Parameters
        ----------
        name : of `itslive.LAYOUT`
        layers : (n,) numbers of the stack's layers
        grid : Grid of the window
        out : (n, ny, nx) array, changed in place
        """
        own = self.numbers[layers]
        have = own >= 0
        placement = place(self.cube.grid, grid)
        window = window_of(self.cube.grid, placement, grid) if placement.treatment and have.any() else None
        if window is None:
            return
        rows, columns = (slice(*part) for part in window)
        if placement.treatment == "copied":
            values = self.cube.on_ground(name, own[have], rows, columns, self.on_map[layers][have])
            down = slice(rows.start - placement.row_offset, rows.stop - placement.row_offset)
            across = slice(columns.start - placement.column_offset, columns.stop - placement.column_offset)
            _fill_in(out, np.flatnonzero(have), down, across, values, LAYOUT[name][2])
            return
        whole = slice(0, grid.ny), slice(0, grid.nx)
        values = self._turned(name, own[have], self.on_map[layers][have], placement, window, grid)
        _fill_in(out, np.flatnonzero(have), *whole, values, LAYOUT[name][2])

    def _turned(self, name, own, on_map, placement, window, grid):
        """
        Return layers of another projection or cell size.

        Both components are turned at once and kept for a call.
        """
        key = (window, grid, own.tobytes())
        if name in COMPONENTS and self._last[0] == key:
            return self._last[1][name]
        names = COMPONENTS if name in COMPONENTS else (*COMPONENTS, name)
        rows, columns = (slice(*part) for part in window)
        raw = {key: self.cube.on_ground(key, own, rows, columns, on_map) for key in names}
        out = {key: np.empty((len(own), *grid.shape), LAYOUT[key][0]) for key in names}
        for i in range(len(own)):
            layer = {key: np.ascontiguousarray(values[i]) for key, values in raw.items()}
            for key_, values in on_grid(layer, self.cube.grid, placement, window, grid).items():
                out[key_][i] = values
        self._last = key, out
        return out[name]


def _fill_in(out, layers, rows, columns, values, fill):
    layers = slice(None) if layers.size == out.shape[0] else layers
    held = out[layers, rows, columns]
    free = held == fill
    out[layers, rows, columns] = values if free.all() else np.where(free, values, held)


class _Field(BackendArray):
    """A variable of a stack, read by slices."""

    def __init__(self, name, tiles, grid, n):
        self._name, self._tiles, self._grid = name, tiles, grid
        self.shape, self.dtype = (n, *grid.shape), np.dtype(LAYOUT[name][0])

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key):
        wanted = [np.atleast_1d(np.arange(size)[part]) for part, size in zip(key, self.shape, strict=True)]
        if not all(part.size for part in wanted):
            return np.empty([part.size for part in wanted], self.dtype)
        layers, *cells = wanted
        window = [slice(int(part.min()), int(part.max()) + 1) for part in cells]
        grid = self._grid.part(*window)
        out = np.full((layers.size, *grid.shape), LAYOUT[self._name][2], self.dtype)
        for tile in self._tiles:
            tile.put(self._name, layers, grid, out)
        rows, columns = (part - whole.start for part, whole in zip(cells, window, strict=True))
        plain = (rows.size, columns.size) == grid.shape and rows[0] <= rows[-1] and columns[0] <= columns[-1]
        picked = out if plain else out[:, rows[:, None], columns]
        whole: Any = tuple(0 if isinstance(part, int | np.integer) else slice(None) for part in key)
        return picked[whole]


def stack_of(plan, parts, *, attributes=None):
    """
    Return the layers of a plan as one stack, as `itslive.store.open_cube` returns those of a cube on disk.

    Parameters
    ----------
    plan : velocity.cube.CubePlan of `datacubes.plan_layers`
    parts : DataFrame of `datacubes.plan_layers`
    attributes : join those of the stack

    Returns
    -------
    stack : Dataset (time, y, x), not read yet, int16 with fill -32767, velocities over ground
    tiles : list of Tile
    """
    layers, grid = plan.candidates, plan.grid
    place_of = pd.MultiIndex.from_arrays([layers["granule_id"], layers["epsg"]])
    on_map = (layers["units_in_granule"] == "map").to_numpy()
    tiles = []
    for path, rows in parts.groupby("cube", sort=True):
        at = place_of.get_indexer(pd.MultiIndex.from_arrays([rows["granule_id"], rows["epsg"]]))
        known = at >= 0
        if known.any():
            numbers = np.full(len(layers), -1, dtype="int64")
            numbers[at[known]] = rows["layer"].to_numpy()[known]
            tiles.append(Tile(path, numbers, on_map, grid))
    held = [name for name in plan.variables if all(name in tile.cube.store.variables for tile in tiles)]
    fields = {name: _variable(name, tiles, grid, len(layers)) for name in held}
    coordinates = {name: ("time", layers[name].to_numpy()) for name in LAYER_COLUMNS if name not in _UNREAD}
    roi = (("y", "x"), plan.roi.astype("u1"), {"long_name": "cells of the region"})
    out = xr.Dataset(fields, {"time": layers["mid_date"].to_numpy(), "y": grid.y, "x": grid.x, **coordinates})
    out = out.assign_coords(roi=roi)
    return out.assign_attrs({"crs": grid.crs, **GROUND, **(attributes or {})}), tiles


def _variable(name, tiles, grid, n):
    _, unit, fill, text = LAYOUT[name]
    data = indexing.LazilyIndexedArray(_Field(name, tiles, grid, n))
    return xr.Variable(("time", "y", "x"), data, {"units": unit, "_FillValue": fill, "long_name": text})
