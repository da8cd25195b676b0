"""Simulated ITS_LIVE image pairs: hundreds of granules over the trunk of the glacier, four decades."""

from __future__ import annotations

from pathlib import Path

from nunatak.geometry.grid import Grid
from nunatak.runtime import written
from nunatak.simulation import hdf
from nunatak.simulation.itslive_files import write_granule
from nunatak.simulation.itslive_pairs import Pair, schedule
from nunatak.simulation.itslive_values import Truth, footprint, measure


def write(world, folder):
    """
    Write the image pairs of a world.

    Returns
    -------
    list of Path, sorted by name
    """
    pairs = [(pair, footprint(world, pair)) for pair in schedule(world)]
    truths = {key: Truth(world, grid) for key, grid in covers(pairs).items()}
    paths = []
    for pair, grid in pairs:
        measured = measure(world, pair, grid, truths.get((grid.crs, grid.dx)))
        path = Path(folder) / file_name(pair, measured.percent_valid)
        with written(path) as temporary, hdf.create(temporary) as file:
            write_granule(file, pair, measured)
        paths.append(path)
    return sorted(paths)


def file_name(pair: Pair, percent_valid):
    """Return the granule's name. Version 1 names the later image first where it lists it first."""
    images = [pair.id_img1, pair.id_img2]
    if "swapped" in pair.quirks:
        images.reverse()
    kind = "G0240V01" if pair.layout == "v1" else "G0120V02"
    return f"{'_X_'.join(images)}_{kind}_P{percent_valid:03d}.nc"


def covers(pairs):
    """Return {(crs, cell): the Grid that holds all footprints of that lattice}, leaving out the stray pair's."""
    groups: dict[tuple, list[Grid]] = {}
    for pair, grid in pairs:
        if "stray" not in pair.quirks:
            groups.setdefault((grid.crs, grid.dx), []).append(grid)
    covers = {}
    for (crs, cell), grids in groups.items():
        left, top = min(g.left for g in grids), max(g.top for g in grids)
        right, bottom = max(g.bounds[2] for g in grids), min(g.bounds[1] for g in grids)
        ny, nx = round((top - bottom) / cell), round((right - left) / cell)
        covers[crs, cell] = Grid(crs, left, top, cell, cell, ny, nx)
    return covers
