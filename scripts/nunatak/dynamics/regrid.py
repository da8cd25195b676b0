"""Fields of one grid at the cells of another, in whatever coordinate systems the two are."""

from __future__ import annotations

import numpy as np
import pyproj
import xarray as xr

from nunatak.velocity.sampling import Field, crs_of


def onto(dataset, names, grid):
    """
    Return fields at the centres of a grid's cells, bilinear.

    Parameters
    ----------
    dataset : Dataset on (y, x) or (..., y, x) with attribute `crs`
    names : variables to take
    grid : geometry.grid.Grid

    Returns
    -------
    Dataset on the grid's (y, x), with the leading dimensions as they were; NaN outside and beside missing cells
    """
    x, y = np.meshgrid(grid.x, grid.y)
    source = crs_of(dataset)
    if pyproj.CRS.from_user_input(source) != grid.proj:
        x, y = pyproj.Transformer.from_crs(grid.proj, source, always_xy=True).transform(x, y)
    out = {}
    for name in names:
        leading = [dim for dim in dataset[name].dims if dim not in ("y", "x")]
        layers = dataset[name].transpose(*leading, "y", "x").values
        flat = layers.reshape(-1, *layers.shape[-2:])
        placed = [
            Field(xr.Dataset({"v": (("y", "x"), layer)}, {"y": dataset["y"], "x": dataset["x"]}), ("v",))(x, y)[0]
            for layer in flat
        ]
        out[name] = ((*leading, "y", "x"), np.reshape(placed, (*layers.shape[:-2], *grid.shape)))
    coordinates = {dim: dataset[dim] for name in names for dim in dataset[name].dims if dim in dataset.coords}
    coordinates |= {"y": grid.y, "x": grid.x}
    return xr.Dataset(out, coordinates, {**dataset.attrs, "crs": grid.crs})
