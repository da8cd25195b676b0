"""A cube that is read when its values are asked for: Dask arrays over a plan, on threads or on a cluster."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nunatak.products.cube_store import LAYER_COLUMNS
from nunatak.products.itslive import LAYOUT
from nunatak.velocity.cube import LayerReader


def lazy_cube(plan, *, layers_per_task=16):
    """
    The layers of a plan as Dask arrays.

    Pairs without a valid cell in the region stay in as layers of fill, since only reading tells them apart; composites
    do not notice. The granules' paths must be readable by the workers.

    Parameters
    ----------
    plan : CubePlan
    layers_per_task : pairs one task reads

    Returns
    -------
    Dataset like that of `products.cube_store.open_cube`
    """
    import dask
    import dask.array as da

    rows = plan.candidates
    parts = [rows.iloc[i : i + layers_per_task] for i in range(0, len(rows), layers_per_task)]
    read = dask.delayed(read_layers)
    tasks = [read(part.to_dict("records"), plan.grid, plan.variables) for part in parts]
    fields = {}
    for name in plan.variables:
        dtype = LAYOUT[name][0]
        blocks = [
            da.from_delayed(task[name], (len(part), *plan.grid.shape), dtype)
            for task, part in zip(tasks, parts, strict=True)
        ]
        fields[name] = (
            ("time", "y", "x"),
            da.concatenate(blocks),
            {"units": LAYOUT[name][1], "_FillValue": LAYOUT[name][2]},
        )
    layer = {name: ("time", rows[name].to_numpy()) for name in LAYER_COLUMNS if name in rows}
    coordinates = {"time": rows["mid_date"].to_numpy(), "y": plan.grid.y, "x": plan.grid.x, **layer}
    out = xr.Dataset(fields, coordinates, {"crs": plan.grid.crs})
    return out.assign_coords(roi=(("y", "x"), plan.roi.astype("u1")))


def read_layers(rows, grid, variables):
    """
    Layers of some pairs: {variable: (n, ny, nx) array}.

    Parameters
    ----------
    rows : list of mappings, rows of the index
    """
    reader = LayerReader(grid, variables)
    out = {name: np.full((len(rows), *grid.shape), LAYOUT[name][2], LAYOUT[name][0]) for name in variables}
    for slot, row in enumerate(rows):
        reader.read(row, out, slot)
    return out
