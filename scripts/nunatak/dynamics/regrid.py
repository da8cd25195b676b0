"""Fields of one grid at the cells of another, in whatever coordinate systems the two are."""

from __future__ import annotations

import numpy as np
import pyproj
import xarray as xr

from nunatak.dynamics.surface import HEIGHTS, named, only_years
from nunatak.geometry.grid import Grid
from nunatak.runtime import NunatakError
from nunatak.velocity.sampling import Field, crs_of


def onto(dataset, names, grid):
    """
    Return fields at the centres of a grid's cells, bilinear.

    Finer fields are averaged over the grid's cells.

    Parameters
    ----------
    dataset : Dataset on (y, x) or (..., y, x) with attribute `crs`, x and y evenly spaced
    names : variables to take
    grid : geometry.grid.Grid

    Returns
    -------
    Dataset on the grid's (y, x), with the leading dimensions as they were; NaN outside and beside missing cells.
        attrs, beside those of `dataset`: `resampled` tells how, `outside_share` (0 to 1) how much of the grid lies
        beyond the fields

    Raises
    ------
    NunatakError : x and y of the fields that are not evenly spaced

    Notes
    -----
    Where a cell of the grid is at least twice as long as one of the fields, as many of these as fit into it are
    averaged before they are interpolated. A mean is missing where one of them is, and its error is the mean of theirs,
    as if they erred together.
    """
    crs = crs_of(dataset)
    try:
        source = Grid.from_centres(crs, dataset["x"].values, dataset["y"].values)
    except ValueError as error:
        raise NunatakError(f"fields to be put on another grid: {error}; give them on a regular grid") from error
    fields, how = _averaged(dataset[list(names)], source, grid)
    x, y = places_in(grid, crs)
    out = {}
    for name in names:
        leading = [dim for dim in fields[name].dims if dim not in ("y", "x")]
        layers = fields[name].transpose(*leading, "y", "x").values
        flat = layers.reshape(-1, *layers.shape[-2:])
        placed = [
            Field(xr.Dataset({"v": (("y", "x"), layer)}, {"y": fields["y"], "x": fields["x"]}), ("v",))(x, y)[0]
            for layer in flat
        ]
        out[name] = ((*leading, "y", "x"), np.reshape(placed, (*layers.shape[:-2], *grid.shape)))
    coordinates = {dim: dataset[dim] for name in names for dim in dataset[name].dims if dim in dataset.coords}
    coordinates |= {"y": grid.y, "x": grid.x}
    left, bottom, right, top = source.bounds
    outside = float(np.mean((x < left) | (x > right) | (y < bottom) | (y > top)))
    told = {"crs": grid.crs, "resampled": how, "outside_share": outside}
    return xr.Dataset(out, coordinates, {**dataset.attrs, **told})


def on_map(change, years, grid, *, names=HEIGHTS):
    """
    Return what a record holds at some dates, on the cells of a grid.

    Parameters
    ----------
    change : Dataset of `surface.yearly_change` on a grid of its own
    years : decimal years; those beyond the record take that of its end
    grid : geometry.grid.Grid
    names : variables to take, of those that there are

    Returns
    -------
    Dataset on (year, y, x), each date once and ascending
    """
    fields = named(change, names)
    return onto(only_years(fields, years), tuple(fields), grid)


def places_in(grid, crs):
    """Return x and y of a grid's centres in a coordinate system, each (ny, nx)."""
    x, y = np.meshgrid(grid.x, grid.y)
    if pyproj.CRS.from_user_input(crs) == grid.proj:
        return x, y
    return pyproj.Transformer.from_crs(grid.proj, crs, always_xy=True).transform(x, y)


def _averaged(fields, source, grid):
    """Return fields with cells no shorter than half of a grid's, and how they came about in words."""
    rows, columns = (max(1, int(target / own + 1e-6)) for target, own in ((grid.dy, source.dy), (grid.dx, source.dx)))
    rows, columns = min(rows, source.ny // 2), min(columns, source.nx // 2)
    if max(rows, columns) < 2:
        return fields, "bilinear"
    blocks = fields.coarsen(y=rows, x=columns, boundary="trim")
    return blocks.mean().where(blocks.count() == rows * columns), f"means of {rows} x {columns} cells, then bilinear"
