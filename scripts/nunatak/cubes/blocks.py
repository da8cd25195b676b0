"""Read image pairs onto the grid of a cube, one layer for each, in blocks of time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd

from nunatak.compute.deadline import each_in_time
from nunatak.products import GranuleError
from nunatak.products.guarded import guarded
from nunatak.products.itslive.chunks import read_window
from nunatak.products.itslive.fields import FILL, LAYOUT
from nunatak.velocity.lattice import place, source_grid
from nunatak.velocity.placing import COMPONENTS, on_grid, window_of
from nunatak.velocity.rotation import rotation_to


class LayerReader:
    """A reader of image pairs onto one grid."""

    def __init__(self, grid, variables, *, mixed_resolutions=True, using=None, margin=None):
        beside = margin.needs if margin is not None else ()
        self.variables = tuple(dict.fromkeys((*variables, *beside)))
        self.grid, self.mixed, self.using, self.margin = grid, mixed_resolutions, using, margin
        self.near: list[tuple[int, int]] = []
        """values of each pair read that lie too near the margin, and those of them whose chip is not known"""

    def blank(self, n):
        """
        Return {variable: (n, ny, nx) array} full of fill values.

        Arrays whose fill is zero take no memory until they are written to.
        """
        shape, layouts = (n, *self.grid.shape), {name: LAYOUT[name] for name in self.variables}
        return {
            name: np.full(shape, fill, dtype) if fill else np.zeros(shape, dtype)
            for name, (dtype, _, fill, _) in layouts.items()
        }

    def prepare(self, pairs):
        """Make the turn from every projection of the pairs, before threads ask for it at once."""
        for crs in {f"EPSG:{epsg}" for epsg in pairs["epsg"].unique()} - {self.grid.crs}:
            rotation_to(crs, self.grid)

    def read(self, pair, out, slot):
        """
        Put one pair into `out[variable][slot]`.

        Parameters
        ----------
        pair : mapping, a row of the index
        out : {variable: (n, ny, nx) array} already full of fill
        slot : int

        Raises
        ------
        GranuleError : the file changed, is cut or damaged
        """
        source = source_grid(pair)
        placement = place(source, self.grid, mixed_resolutions=self.mixed)
        window = window_of(source, placement, self.grid)
        if window is None:
            return
        raw = read_window(pair, self.variables, *window, using=self.using)
        if placement.treatment == "copied":
            rows = slice(window[0][0] - placement.row_offset, window[0][1] - placement.row_offset)
            columns = slice(window[1][0] - placement.column_offset, window[1][1] - placement.column_offset)
            for name in self.variables:
                if LAYOUT[name][2] or raw[name].any():  # version 1 has chip heights that were never written
                    out[name][slot, rows, columns] = raw[name]
            return
        for name, values in on_grid(raw, source, placement, window, self.grid).items():
            out[name][slot] = values


def layers_per_block(grid, variables, memory_mb):
    """
    Compute how many layers fit into a memory bound, at least one: the block, and as much again for windows and packing.
    """
    layer = grid.size * sum(np.dtype(LAYOUT[name][0]).itemsize for name in variables)
    return int(max(1, memory_mb * 1e6 // (2 * layer)))


def read_blocks(plan, *, memory_mb=256, threads=2, using=None, pairs=None) -> Iterator[tuple[pd.DataFrame, dict]]:
    """
    Yield the layers of a plan in order, a bounded block at a time.

    Empty and damaged pairs are left out, and `fate` and `why` say so.

    Parameters
    ----------
    plan : CubePlan
    memory_mb : bound on the block in memory
    threads : granules read side by side; the values do not depend on it
    using : inflate function, for comparisons
    pairs : the rows to read; the plan's candidates by default

    Yields
    ------
    rows : DataFrame of the block's pairs, with the columns `valid_cells` (in the region), `fate` and `why` settled
    layers : {variable: (n_used, ny, nx) array}; one layer for each row whose fate is "used"
    """
    reader = LayerReader(plan.grid, plan.variables, using=using, margin=plan.margin)
    candidates = plan.candidates if pairs is None else pairs
    reader.prepare(candidates)
    size = layers_per_block(plan.grid, plan.variables, memory_mb)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for first in range(0, len(candidates), size):
            yield _read_block(reader, candidates.iloc[first : first + size], plan, pool)


def _read_block(reader, rows, plan, pool):
    n = len(rows)
    out = reader.blank(n)
    read = pool.map(lambda slot, pair: read_into(reader, pair, out, slot, plan.roi), range(n), records(rows))
    told = list(each_in_time(read, "reading image pairs"))
    rows = settle(rows, told, plan.margin)
    keep = (rows["fate"] == "used").to_numpy()
    out = {name: out[name] for name in plan.variables}
    return rows, out if keep.all() else {name: values[keep] for name, values in out.items()}


def records(rows):
    """Return rows of an index as mappings."""
    return rows.to_dict("records")


def read_into(reader, pair, out, slot, roi):
    """
    Read one pair into `out[variable][slot]`.

    A damaged pair leaves only fill values there.

    Returns
    -------
    (why it cannot be read, "" where it can; cells of the region with a velocity)
    """
    try:
        with guarded(pair["path"]):
            reader.read(pair, out, slot)
    except GranuleError as error:
        for name, values in out.items():  # a damaged chunk must not leave half a layer
            values[slot] = LAYOUT[name][2]
        return str(error), 0
    if reader.margin is not None:
        reader.near.append(reader.margin.blank(out, slot))
    seen = (out["vx"][slot] != FILL) & (out["vy"][slot] != FILL) & roi
    return "", int(np.count_nonzero(seen))


def settle(rows, told, margin=None):
    """Return rows with `valid_cells`, `fate` and `why` by the outcome of reading each: (why, valid cells)."""
    where = "" if margin is None else ", the margin of the ice left out"
    why = np.array([reason for reason, _ in told], dtype=object)
    valid = np.array([count for _, count in told], dtype="int64")
    fate = np.where(why != "", "corrupt", np.where(valid == 0, "empty", "used")).astype(object)
    why = np.where(fate == "empty", f"empty: no valid cell in the region{where}", why)
    return rows.assign(valid_cells=valid, fate=fate, why=why)


def percent_valid_in_region(plan, *, memory_mb=256, threads=2):
    """
    Compute the per cent of the region's cells with a velocity, of every candidate.

    It serves `PairSelection.percent_valid_in_region`.

    Reads the components only. A damaged pair is NaN, which no limit leaves out: its reason comes with the build.

    Returns
    -------
    Series of float on the plan's candidates
    """
    lean = replace(plan, variables=COMPONENTS)
    blocks = [
        rows["valid_cells"].where(rows["fate"] != "corrupt")
        for rows, _ in read_blocks(lean, memory_mb=memory_mb, threads=threads)
    ]
    cells = max(int(plan.roi.sum()), 1)
    return pd.concat(blocks) * (100.0 / cells) if blocks else pd.Series(dtype=float)
