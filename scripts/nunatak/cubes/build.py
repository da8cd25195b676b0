"""
Image pairs on disk to a cube on disk, in three steps that may be jobs of their own.

A plan decides the grid and what becomes of every pair; each year's layers are stacked apart; a cube is assembled from
the years, whose chunks are taken as they are.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd

from nunatak.compute.parallel import in_order
from nunatak.cubes.blocks import LayerReader, layers_per_block, read_into, records, settle
from nunatak.cubes.plans import plan_pairs
from nunatak.files.tables import write_table
from nunatak.parameters.velocity import CubeForm
from nunatak.products.itslive.index import UNITS, index_table
from nunatak.products.itslive.layers import LayerFolder
from nunatak.products.itslive.names import left_out_pairs
from nunatak.products.itslive.selection import reasons
from nunatak.runtime import NunatakError, scratch, written
from nunatak.velocity import increments

log = logging.getLogger(__name__)

_TASK = 64  # pairs of one task


def build_cube(
    granules,
    region,
    out,
    *,
    selection=None,
    crs=None,
    cell=None,
    index=None,
    pairs=None,
    chunks=CubeForm.chunks,
    zarr_format=CubeForm.zarr_format,
    mixed_resolutions=False,
    all_touched=False,
    memory_mb=256,
    threads=2,
    scheduler=None,
    update=True,
    attributes=None,
    ice=None,
    margin=CubeForm.margin,
):
    """Stack image pairs into a Zarr cube, with arguments, result and errors as for `nunatak.api.build_cube`."""
    plan = plan_pairs(
        granules,
        region,
        selection=selection,
        crs=crs,
        cell=cell,
        index=index,
        all_touched=all_touched,
        mixed_resolutions=mixed_resolutions,
        memory_mb=memory_mb,
        threads=threads,
        ice=ice,
        margin=margin,
    )
    if not len(plan.pairs):
        where = (
            f"{granules}: no image pair (*.nc) there" if isinstance(granules, str | Path) else f"{out}: no image pairs"
        )
        raise NunatakError(f"{where}; name a folder that holds some, or their paths")
    old = _earlier(out) if update else None
    with scratch(out) as folder:
        years = _all_years(plan, folder, old, threads, scheduler)
        settled = settled_pairs(plan, [rows for rows, _, _ in years])
        if pairs is not None:
            write_pairs(settled, pairs, attributes)
        refuse_empty(settled, out)
        with written(out) as part:
            assemble(
                part,
                plan,
                years,
                settled,
                chunks=chunks,
                zarr_format=zarr_format,
                attributes=attributes,
                memory_mb=memory_mb,
            )
    return settled


def stack_pairs(rows, grid, roi, variables, folder, *, first_slot=0, threads=2, margin=None):
    """
    Read pairs onto the grid and keep each as a layer of a folder, one pair for each thread in memory.

    Parameters
    ----------
    rows : candidates of a plan, in its order
    grid, roi, variables, margin : those of the plan
    folder : of the layers; a layer's number is that of its pair, from `first_slot` on; pairs without a valid cell in
        the region and damaged ones leave none

    Returns
    -------
    DataFrame, the rows with `valid_cells`, `fate` and `why` settled
    """
    reader, layers = LayerReader(grid, variables, margin=margin), LayerFolder(folder, grid, variables)
    reader.prepare(rows)

    def stack(slot, pair):
        out = reader.blank(1)
        why, valid = read_into(reader, pair, out, 0, roi)
        if valid and not why:
            layers.write(slot, {name: values[0] for name, values in out.items()})
        return why, valid

    with ThreadPoolExecutor(max(1, threads)) as pool:
        slots = range(first_slot, first_slot + len(rows))
        settled = settle(rows, list(pool.map(stack, slots, records(rows))), margin)
    if margin is not None:
        lost, unknown = (sum(counts) for counts in zip(*reader.near, strict=True)) if reader.near else (0, 0)
        log.info(
            "%d values of %d pairs left out, %d of them without a known chip: %s", lost, len(rows), unknown, margin.told
        )
    return settled


def stack_years(plan, years, *, threads=2, scheduler=None):
    """
    Call `stack_pairs` for several years, on a Dask scheduler where one is given.

    Parameters
    ----------
    plan : CubePlan
    years : list of (candidates of one year in the plan's order, folder of its layers)
    scheduler : as for `parallel.in_order`; a task then is some pairs, so that a year is shared out, too

    Returns
    -------
    list of DataFrame, the rows of each year with what reading told of them
    """
    tasks = [
        (number, rows.iloc[i : i + _TASK], folder, i)
        for number, (rows, folder) in enumerate(years)
        for i in range(0, len(rows), _TASK)
    ]
    inside, outside = (threads, 1) if scheduler is None else (1, threads)
    work = partial(
        _stack_task, grid=plan.grid, roi=plan.roi, variables=plan.variables, threads=inside, margin=plan.margin
    )
    done = in_order(work, tasks, threads=outside, scheduler=scheduler)
    parts: dict[int, list] = {number: [] for number in range(len(years))}
    for (number, *_), rows in zip(tasks, done, strict=True):
        parts[number].append(rows)
    return [pd.concat(rows) for rows in parts.values()]


def _stack_task(task, *, grid, roi, variables, threads, margin):
    _, rows, folder, first = task
    return stack_pairs(rows, grid, roi, variables, folder, first_slot=first, threads=threads, margin=margin)


def _all_years(plan, folder, old, threads, scheduler):
    """Return (settled rows, source of their layers, slots) of every year: out of an earlier cube, or read now."""
    hashes, places, fresh = increments.year_hashes(plan), [], []
    for year, rows in increments.by_year(plan.candidates):
        held = old and increments.held_year(old[0], year, hashes[year], rows)
        places.append((held[0], old[1], list(range(held[1].start, held[1].stop))) if held else None)
        if not held:
            fresh.append((rows, folder / str(year)))
    stacked = zip(stack_years(plan, fresh, threads=threads, scheduler=scheduler), fresh, strict=True)
    now = (stacked_year(settled, place, plan) for settled, (_, place) in stacked)
    return [place or next(now) for place in places]


def stacked_year(rows, folder, plan):
    """Return (rows, source of their layers, slots) of one stacked year, as `assemble` takes them."""
    slots = [i for i, fate in enumerate(rows["fate"]) if fate == "used"]
    return rows, LayerFolder(folder, plan.grid, plan.variables), slots


def settled_pairs(plan, years):
    """Return every pair of a plan, with the outcome of those that were read."""
    pairs = plan.pairs.assign(valid_cells=0)
    told = [rows[["granule_id", "valid_cells", "fate", "why"]] for rows in years if len(rows)]
    if told:
        read = pairs.index[pairs["fate"] == "used"]
        rows = pd.concat(told).set_index("granule_id").loc[pairs.loc[read, "granule_id"]]
        pairs.loc[read, ["valid_cells", "fate", "why"]] = rows.set_axis(read)
    return pairs


def refuse_empty(pairs, out):
    """Raise an error where no pair is left for the cube at `out`, with counts by reason."""
    if not (pairs["fate"] == "used").any():
        told = reasons(pairs["why"].where(pairs["fate"] == "filter", pairs["fate"]))
        raise NunatakError(
            f"{out}: no layer: of {len(pairs)} image pairs none is used: {told}; widen selection or region"
        )


def assemble(
    path,
    plan,
    years,
    pairs,
    *,
    chunks=CubeForm.chunks,
    zarr_format=CubeForm.zarr_format,
    attributes=None,
    memory_mb=256,
):
    """
    Make a cube of years that are stacked.

    Parameters
    ----------
    path : folder to make; use `runtime.written`
    plan : CubePlan
    years : (rows, source, slots) of every year in order; see `stacked_year`
    pairs : every pair with its fate
    chunks : "map": each chunk is taken as it is, by a second name where the file system can; "series": the layers are
        decoded and cut anew, in blocks of `memory_mb`
    """
    from nunatak.products.itslive.store import CubeWriter  # here: what stacks a year does without Zarr

    if plan.margin is not None:
        attributes = {**(attributes or {}), "ice_margin": plan.margin.told}
    writer = CubeWriter(
        path,
        plan.grid,
        plan.roi,
        plan.variables,
        len(plan.candidates),
        chunks=chunks,
        series_length=layers_per_block(plan.grid, plan.variables, memory_mb),
        zarr_format=zarr_format,
        attributes=attributes,
    )
    for rows, source, slots in years:
        writer.take(rows[rows["fate"] == "used"], source, slots)
    writer.close({"years": increments.record(plan, increments.year_hashes(plan), pairs)})


def _earlier(out):
    """Open an earlier cube and its layers. Returns None where there is none."""
    from nunatak.products.itslive.store import CubeLayers, open_cube

    if not Path(out).exists():
        return None
    try:
        return open_cube(out), CubeLayers(out)
    except NunatakError as error:
        raise NunatakError(f"{out}: is there and no velocity cube; remove it or choose another name") from error


def write_pairs(pairs, path, attributes):
    """Write every pair with its fate and the reason. The place of its chunks is kept in the index."""
    write_table(pairs.drop(columns=["chunks", "identity", "reading"]), path, attributes=attributes, units=UNITS)


def with_left_out(pairs, table):
    """
    Return every pair that was found: those of a plan, and those that were never read.

    Parameters
    ----------
    pairs : DataFrame of `settled_pairs`
    table : DataFrame with `file_name` and `why`, see `itslive_names.left_out_pairs`
    """
    if not len(table):
        return pairs
    left = left_out_pairs(table).sort_values(["mid_date", "granule_id"], kind="stable", ignore_index=True)
    rows = index_table(left.assign(status="not read").to_dict("records"))
    rows = rows.assign(treatment="", valid_cells=0, fate=left["fate"], why=left["why"])
    both = pd.concat([pairs, rows[list(pairs.columns)]], ignore_index=True)
    return both.sort_values(["mid_date", "granule_id"], kind="stable", ignore_index=True)
