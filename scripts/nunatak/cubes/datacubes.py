"""Plan which layers of datacubes make a study's velocities, by the cubes' own metadata: no velocity is read."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import shapely
import xarray as xr

from nunatak.cubes.blocks import layers_per_block
from nunatak.cubes.tiles import stack_of
from nunatak.files.tables import read_table, write_table
from nunatak.geometry.grid import Grid
from nunatak.products import GranuleError
from nunatak.products.itslive.cube_index import index_layers
from nunatak.products.itslive.fields import LAYOUT
from nunatak.products.itslive.index import UNITS, index_table
from nunatak.products.itslive.selection import duplicates, remarks, selection_from
from nunatak.products.itslive.store import CubeWriter, masked, open_cube
from nunatak.products.itslive.zarr_metadata import metadata_checksum
from nunatak.runtime import NunatakError
from nunatak.velocity.cube import CubePlan, plan_cube
from nunatak.velocity.lattice import roi_mask

log = logging.getLogger(__name__)
_OF_GRID = ["epsg", "dx", "dy"]
_BESIDE = 1.0  # cells to either side of a gate that its velocities are interpolated from


def plan_layers(cubes, region, *, spans=None, selection=None, crs=None, cell=None):
    """
    Decide the grid, what becomes of every layer of some datacubes, and where its parts lie.

    A granule that lies in several cubes, because it reaches over their edges, is one layer.

    Parameters
    ----------
    cubes : {path: checksum of the cube's metadata}
    region : Region
    spans : list of (first, last) datetime64 of the middle between the images; None takes all
    selection, crs, cell : as for `nunatak.api.build_cube`

    Returns
    -------
    plan : velocity.cube.CubePlan, whose pairs are granules
    parts : DataFrame with `granule_id`, `epsg`, `cube` (path) and `layer` (number in the cube) of all that is not
        superseded inside its cube

    Raises
    ------
    NunatakError : a cube cannot be read, or none has a layer in the spans
    """
    parts = _indexed(cubes, spans)
    pairs = _merged(parts)
    chosen = selection_from(selection or {})
    plan = plan_cube(pairs, region.projected, selection=chosen, crs=crs, cell=cell)
    plan = replace(plan, pairs=plan.pairs.drop(columns="superseded"))
    for remark in remarks(plan.pairs, (plan.pairs["fate"] == "used").to_numpy(), chosen):
        log.warning("%s", remark)
    kept = parts[parts["superseded"] == ""]
    return plan, kept[["granule_id", "epsg", "path", "layer"]].rename(columns={"path": "cube"})


def around(plan, points, lines):
    """
    Return a plan with the cells alone that points and lines are interpolated from.

    Parameters
    ----------
    plan : velocity.cube.CubePlan
    points : longitude and latitude of each
    lines : longitudes and latitudes along each

    Raises
    ------
    NunatakError : none of the region's cells lies there
    """
    grid, near = plan.grid, np.zeros(plan.roi.shape, dtype=bool)
    to_map = pyproj.Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)
    for x, y in (to_map.transform(*place) for place in points):
        row, column = (int(np.floor(v - 0.5)) for v in ((grid.top - y) / grid.dy, (x - grid.left) / grid.dx))
        near[max(row, 0) : max(row + 2, 0), max(column, 0) : max(column + 2, 0)] = True
    for line in lines:
        path = shapely.LineString(np.column_stack(to_map.transform(*np.asarray(line, float).T)))
        near |= roi_mask(grid, path.buffer(_BESIDE * grid.dx), all_touched=True)
    if not (near & plan.roi).any():
        raise NunatakError("itslive: cells: points: no cell of the region lies at a point or gate; move them inside it")
    return replace(plan, roi=plan.roi & near)


def _indexed(cubes, spans):
    """Return the layers of all cubes, each with the newer one in its own cube that it is a duplicate of."""
    tables = []
    for path, checksum in cubes.items():
        table = index_layers(path, spans=spans, identity=checksum or path)
        log.info("%s: %d of %d layers are of other times", path, table.attrs["elsewhen"], table.attrs["layers"])
        older = duplicates(table)
        tables.append(table.assign(superseded=older.reindex(table.index).fillna("")))
    some = [table for table in tables if len(table)]
    if not some:
        raise NunatakError(f"{', '.join(cubes) or 'itslive'}: no layer in the period of the study; widen the period")
    return pd.concat(some, ignore_index=True)


def _merged(parts):
    """
    Return a row for each granule, its place the box around the cubes that hold it.

    Cubes of one projection share a lattice. A granule whose cubes lie on several lattices stays several rows.
    """
    edge = parts.assign(
        left=parts["x0"] - parts["dx"] / 2,
        top=parts["y0"] + parts["dy"] / 2,
        lattice_x=np.round((parts["x0"] / parts["dx"]) % 1.0, 3) % 1.0,
        lattice_y=np.round((parts["y0"] / parts["dy"]) % 1.0, 3) % 1.0,
        old=parts["superseded"] != "",
    )
    edge["right"] = edge["left"] + edge["nx"] * edge["dx"]
    edge["bottom"] = edge["top"] - edge["ny"] * edge["dy"]
    key = ["granule_id", *_OF_GRID, "lattice_x", "lattice_y", "old"]
    grouped = edge.groupby(key, sort=False)
    box = grouped.agg(left=("left", "min"), right=("right", "max"), top=("top", "max"), bottom=("bottom", "min"))
    first = edge.drop_duplicates(key).set_index(key)
    first = first.drop(columns=["left", "right", "top", "bottom"]).join(box).reset_index()
    elsewhere = first.duplicated("granule_id", keep=False)  # old in one cube, the newest in another
    first = first[~(first["old"] & elsewhere)].reset_index(drop=True)
    first["nx"] = np.rint((first["right"] - first["left"]) / first["dx"]).astype("int64")
    first["ny"] = np.rint((first["top"] - first["bottom"]) / first["dy"]).astype("int64")
    first["x0"], first["y0"] = first["left"] + first["dx"] / 2, first["top"] - first["dy"] / 2
    rows = index_table(first.to_dict("records"))
    told = first.drop_duplicates("identity").set_index("identity")["superseded"]
    return rows.assign(superseded=rows["identity"].map(told))


def write_layers(plan, parts, cubes, folder, about):
    """
    Write which layers of which cubes make a study's velocities.

    Parameters
    ----------
    plan, parts : of `plan_layers`
    cubes : {path: checksum of the cube's metadata}
    folder : to be made
    about : attributes of the tables
    """
    folder = Path(folder)
    folder.mkdir()
    common = {**about, "grid": asdict(plan.grid), "variables": list(plan.variables), "cubes": cubes}
    write_table(plan.pairs, folder / "pairs.parquet", attributes=common, units=UNITS)
    write_table(parts, folder / "parts.parquet", attributes=about)
    np.save(folder / "roi.npy", plan.roi)


def read_layers(folder):
    """
    Read what `write_layers` wrote.

    Returns
    -------
    plan, parts : of `plan_layers`
    cubes : {path: checksum of the cube's metadata}
    about : attributes of the tables
    """
    folder = Path(folder)
    pairs, parts = read_table(folder / "pairs.parquet"), read_table(folder / "parts.parquet")
    about = dict(pairs.attrs["attributes"])
    grid, variables, cubes = Grid(**about.pop("grid")), tuple(about.pop("variables")), about.pop("cubes")
    return CubePlan(grid, np.load(folder / "roi.npy"), pairs, variables), parts, cubes, about


def open_layers(folder):
    """
    Open the chosen layers of datacubes as one stack.

    See `tiles.stack_of`.

    Parameters
    ----------
    folder : of `write_layers`

    Raises
    ------
    GranuleError : a cube was written again since its layers were chosen, or cannot be read
    """
    plan, parts, cubes, about = read_layers(folder)
    stack, tiles = stack_of(plan, parts, attributes=about)
    for tile in tiles:
        if cubes[tile.path] and metadata_checksum(tile.path) != cubes[tile.path]:
            raise GranuleError(
                f"{tile.path}: the cube was updated since its layers were chosen; run the study again with "
                "--forcerun query_granules"
            )
    return stack, tiles


def is_layers(path):
    """Return whether a folder is one of `write_layers` and no cube."""
    return (Path(path) / "parts.parquet").is_file()


def open_stack(path):
    """
    Open the layers of a study, out of its own cube or out of datacubes.

    Parameters
    ----------
    path : folder of a cube or of `write_layers`

    Returns
    -------
    Dataset of `itslive.store.open_cube`
    """
    return open_layers(path)[0] if is_layers(path) else open_cube(path)


def settled_layers(plan, valid):
    """
    Return every layer of a plan with what reading told of those that were read.

    Parameters
    ----------
    plan : velocity.cube.CubePlan
    valid : (n_candidate,) cells of the region with a velocity
    """
    pairs = plan.pairs.assign(valid_cells=0)
    read = pairs["fate"] == "used"
    pairs.loc[read, "valid_cells"] = valid
    empty = read & (pairs["valid_cells"] == 0)
    pairs.loc[empty, "fate"], pairs.loc[empty, "why"] = "empty", "empty: no valid cell in the region"
    return pairs


def shown_layer(plan, pairs, maps):
    """
    Return one layer as a Dataset of its own: of those kept as maps the one that sees most of the region.

    Parameters
    ----------
    plan : velocity.cube.CubePlan
    pairs : of `settled_layers`
    maps : of `streaming.Seen`
    """
    layers = pairs[(plan.pairs["fate"] == "used").to_numpy()].reset_index(drop=True)
    row = layers.loc[layers["valid_cells"].iloc[sorted(maps)].idxmax()]
    vx, vy = (masked(values) for values in maps[row.name].values())
    fields = {"v": np.hypot(vx, vy), "vx": vx, "vy": vy}
    named = {name: (("y", "x"), v, {"units": "m/yr", "long_name": LAYOUT[name][3]}) for name, v in fields.items()}
    about = {
        "granule_id": row["granule_id"],
        "crs": plan.grid.crs,
        "date_dt": float(row["date_dt"]),
        "acquisition_date_img1": str(row["acquisition_date_img1"])[:10],
        "acquisition_date_img2": str(row["acquisition_date_img2"])[:10],
        "platform": row["platform"],
    }
    return xr.Dataset(named, {"y": plan.grid.y, "x": plan.grid.x}, about)


def copy_layers(folder, pairs, out, *, form, attributes, memory_mb=256):
    """
    Copy the layers of `write_layers` that show the region into a cube.

    Parameters
    ----------
    folder : of `write_layers`
    pairs : table of `settled_layers`
    out : folder of the cube; use `runtime.written`
    form : parameters.velocity.CubeForm
    attributes : join those of the layers
    memory_mb : bound on what is held

    Returns
    -------
    int, layers of the cube
    """
    plan, _, _, about = read_layers(folder)
    stack, _ = open_layers(folder)
    settled = read_table(pairs)
    kept = settled[settled["fate"] == "used"]
    names = [name for name in plan.variables if name in stack]
    step = layers_per_block(plan.grid, names, memory_mb)
    writer = CubeWriter(
        out,
        plan.grid,
        plan.roi,
        names,
        len(kept),
        chunks=form.chunks,
        series_length=step,
        zarr_format=form.zarr_format,
        attributes={**about, **attributes},
    )
    numbers = pd.Index(stack["granule_id"].values).get_indexer(kept["granule_id"])
    for first in range(0, len(kept), step):
        block = stack[names].isel(time=numbers[first : first + step])
        writer.append(kept.iloc[first : first + step], {name: block[name].values for name in names})
    writer.close()
    return len(kept)
