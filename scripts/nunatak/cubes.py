"""Image pairs on disk to a cube on disk: what is known of each pair, which enter, and what an earlier cube holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nunatak.products import cube_store
from nunatak.products.cube_store import open_cube
from nunatak.products.itslive_index import UNITS, index_pairs
from nunatak.region import Region, load
from nunatak.runtime import NunatakError, written
from nunatak.tables import read_table, write_table
from nunatak.velocity import increments
from nunatak.velocity.cube import fates, layers_per_block, percent_valid_in_region, plan_cube, read_blocks
from nunatak.velocity.selection import Selection, selection_from


def build_cube(
    granules, region, out, *, selection=None, crs=None, cell=None, index=None, pairs=None, chunks="map", zarr_format=3,
    mixed_resolutions=False, all_touched=False, memory_mb=256, threads=2, update=True, attributes=None,
):  # fmt: skip
    """Stack image pairs into a Zarr cube; arguments, result and errors as for `nunatak.api.build_cube`."""
    area = region if isinstance(region, Region) else load(region)
    chosen = selection if isinstance(selection, Selection) else selection_from(selection or {})
    table = index_pairs(_pair_paths(granules), known=_known_index(index), threads=threads)
    if index is not None:
        write_table(table, index, units=UNITS)
    options = {"crs": crs, "cell": cell, "mixed_resolutions": mixed_resolutions, "all_touched": all_touched}
    if chosen.percent_valid_in_region > 0:  # all that could enter are measured before a full year is cut down
        every = plan_cube(table, area.projected, selection=replace(chosen, max_per_year=None), **options)
        table["percent_valid_in_region"] = percent_valid_in_region(every, memory_mb=memory_mb, threads=threads)
    plan = plan_cube(table, area.projected, selection=chosen, **options)
    layout = {"chunks": chunks, "zarr_format": zarr_format, "attributes": attributes or {}}
    old = open_cube(out) if update and Path(out).exists() else None
    with written(out) as part:
        settled = _write_layers(plan, part, layout, old, memory_mb, threads)
        if pairs is not None:
            write_table(settled.drop(columns="chunks"), pairs, attributes=attributes, units=UNITS)
        if not (settled["fate"] == "used").any():
            told = ", ".join(f"{count} {fate}" for fate, count in fates(settled).items())
            raise NunatakError(f"{out}: no layer: of {len(settled)} image pairs {told}; widen selection or region")
    return settled


def _pair_paths(granules):
    if isinstance(granules, str | Path):
        return sorted(Path(granules).glob("*.nc"))
    return list(granules)


def _known_index(path):
    return read_table(path) if path is not None and Path(path).exists() else None


def _write_layers(plan, folder, layout, old, memory_mb, threads):
    """Write the layers year by year, from an earlier cube where it holds them; returns the pairs, fates settled."""
    pairs = plan.pairs.assign(valid_cells=0)
    hashes = increments.year_hashes(plan)
    writer = cube_store.CubeWriter(
        folder, plan.grid, plan.roi, plan.variables, len(plan.candidates), chunks=layout["chunks"],
        series_length=layers_per_block(plan.grid, plan.variables, memory_mb), zarr_format=layout["zarr_format"],
        attributes=layout["attributes"],
    )  # fmt: skip
    for year, rows in increments.by_year(plan.candidates):
        held = increments.held_year(old, year, hashes[year], rows)
        if held:
            blocks = _held_blocks(old, held, plan, memory_mb)
        else:
            blocks = read_blocks(plan, pairs=rows, memory_mb=memory_mb, threads=threads)
        for settled, layers in blocks:
            pairs.loc[settled.index, ["valid_cells", "fate", "why"]] = settled[["valid_cells", "fate", "why"]]
            writer.append(settled[settled["fate"] == "used"], layers)
    writer.close({"years": increments.record(plan, hashes, pairs)})
    return pairs


def _held_blocks(old, held, plan, memory_mb):
    """The layers of a year out of the earlier cube, a bounded block at a time."""
    rows, layers = held
    used = rows[rows["fate"] == "used"]
    size = layers_per_block(plan.grid, plan.variables, memory_mb)
    yield rows[rows["fate"] != "used"], {name: old[name][:0].values for name in plan.variables}
    for first in range(layers.start, layers.stop, size):
        some = slice(first, min(first + size, layers.stop))
        chosen = used.iloc[first - layers.start : some.stop - layers.start]
        yield chosen, {name: old[name][some].values for name in plan.variables}
