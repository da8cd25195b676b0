"""
The stack of image pairs on one grid: which pairs enter and why the others do not, and their layers in blocks of time.

A layer is kept whole inside the window; the region itself is one mask for the whole cube. Two pairs with the same
mid-date are two layers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nunatak.geometry.grid import Grid
from nunatak.parameters.velocity import PairSelection
from nunatak.products import GranuleError
from nunatak.products.itslive.chunks import read_window
from nunatak.products.itslive.fields import FILL, LAYOUT
from nunatak.products.itslive.selection import cap_per_year, duplicates, reject
from nunatak.runtime import NunatakError
from nunatak.velocity import nesting
from nunatak.velocity.lattice import Placement, place, roi_mask, source_grid, source_window, target_grid
from nunatak.velocity.margin import Margin
from nunatak.velocity.rotation import rotate_layer, rotation_to

COMPONENTS = ("vx", "vy")
VARIABLES = ("vx", "vy", "v", "v_error")

FATES = {
    "used": "a layer of the cube",
    "failed": "the granule cannot be read",
    "filter": "the selection leaves it out",
    "duplicate": "a newer processing of the same two images is there",
    "outside": "its footprint does not touch the region's window",
    "empty": "no valid cell in the region",
    "crs": "another projection, and `projections` is majority",
    "resolution": "another cell size that does not nest",
    "lattice": "cell edges that do not coincide",
    "corrupt": "a chunk is damaged or the file changed",
}


@dataclass(frozen=True)
class CubePlan:
    """What a cube will hold, decided before any value is read."""

    grid: Grid
    roi: np.ndarray
    """(ny, nx) bool, the region on the grid"""
    pairs: pd.DataFrame
    """the index with `fate`, `why` and `treatment`; sorted by (mid_date, granule_id)"""
    variables: tuple[str, ...]
    margin: Margin | None = None
    """which values lie too near the margin of the ice; none where not asked for"""

    @property
    def candidates(self):
        """The pairs whose values will be read, in the order of the cube's layers."""
        return self.pairs[self.pairs["fate"] == "used"]


def plan_cube(index, project, *, selection=None, crs=None, cell=None, mixed_resolutions=False, all_touched=False):
    """
    Decide the grid and every pair's fate.

    Parameters
    ----------
    index : DataFrame of `products.itslive_index.index_pairs`
    project : function of a CRS that gives the region's geometry in it (`Region.projected`)
    selection : velocity.PairSelection; the defaults of a study where not given
    crs, cell : the user's own grid; else the lattice most pairs share
    mixed_resolutions : rotate pairs of another projection and another cell size too
    all_touched : the region's mask takes every cell it touches, not only those whose centre is inside

    Returns
    -------
    CubePlan

    Raises
    ------
    NunatakError : an unknown variable
    """
    selection = selection or PairSelection()
    pairs = index.assign(fate="used", why="", treatment="")
    _mark(pairs, pairs["status"] != "present", "failed", pairs["reason"])
    # duplicates go first: an older processing must not step in where the newer one is filtered out
    superseded = duplicates(pairs[pairs["fate"] == "used"])
    _mark(pairs, pairs.index.isin(superseded.index), "duplicate", superseded.reindex(pairs.index))
    why = reject(pairs, selection)
    _mark(pairs, why != "", "filter", why)
    used = pairs[pairs["fate"] == "used"]
    apart = _apart(used, project)
    near = used[~apart]
    # without a pair over the region there is no lattice, and no cube; the reasons are told all the same
    grid = target_grid(near, project, crs=crs, cell=cell) if len(near) else Grid(crs or "EPSG:3857", 0, 0, 1, 1, 1, 1)
    _mark(pairs, pairs.index.isin(used.index[apart]), "outside", "outside: the footprint does not touch the region")
    _place_all(pairs, grid, selection, mixed_resolutions)
    late = cap_per_year(pairs[pairs["fate"] == "used"], selection)
    _mark(pairs, pairs.index.isin(late.index), "filter", late.reindex(pairs.index))
    roi = roi_mask(grid, project(grid.crs), all_touched=all_touched) if len(near) else np.zeros(grid.shape, dtype=bool)
    variables = COMPONENTS + tuple(name for name in selection.variables if name not in COMPONENTS)
    unknown = [name for name in variables if name not in LAYOUT]
    if unknown:
        raise NunatakError(f"velocity: variables: {unknown[0]!r} is not ITS_LIVE's; choose from {', '.join(LAYOUT)}")
    return CubePlan(grid, roi, pairs, variables)


def _mark(pairs, where, fate, why):
    where = np.asarray(where) & (pairs["fate"] == "used").to_numpy()
    pairs.loc[where, "fate"] = fate
    pairs.loc[where, "why"] = why if isinstance(why, str) else why[where]


def _apart(used, project):
    """Whether the footprint of each pair lies beside the region, in the pair's own projection: (n,) bool."""
    bounds = {}
    for epsg in used["epsg"].unique():
        try:
            bounds[epsg] = project(f"EPSG:{epsg}").bounds
        except NunatakError:  # a projection that cannot show the region has no pair over it
            bounds[epsg] = None
    rows = used.to_dict("records")
    meet = [bounds[r["epsg"]] is not None and _meets(source_grid(r).bounds, bounds[r["epsg"]]) for r in rows]
    return ~np.array(meet, dtype=bool)


def _meets(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _place_all(pairs, grid, selection, mixed_resolutions):
    """Treatment of every used pair, or the fate of those that cannot come onto the grid."""
    layers = LayerReader(grid, ())
    for i, row in zip(pairs.index, pairs.to_dict("records"), strict=True):
        if row["fate"] != "used":
            continue
        source = source_grid(row)
        if source.crs != grid.crs and selection.projections == "majority":
            pairs.loc[i, ["fate", "why"]] = "crs", f"crs: {source.crs}, most pairs have {grid.crs}"
            continue
        placement = place(source, grid, mixed_resolutions=mixed_resolutions)
        if not placement.treatment:
            pairs.loc[i, ["fate", "why"]] = placement.reason.split(":")[0], placement.reason
        elif layers.window(source, placement) is None:
            pairs.loc[i, ["fate", "why"]] = "outside", "outside: the footprint does not touch the region's window"
        else:
            pairs.loc[i, "treatment"] = placement.treatment


class LayerReader:
    """Reads pairs onto one grid."""

    def __init__(self, grid, variables, *, mixed_resolutions=True, using=None, margin=None):
        beside = margin.needs if margin is not None else ()
        self.variables = tuple(dict.fromkeys((*variables, *beside)))
        self.grid, self.mixed, self.using, self.margin = grid, mixed_resolutions, using, margin
        self.near: list[int] = []
        """values of each pair read that lie too near the margin"""

    def blank(self, n):
        """{variable: (n, ny, nx) array} full of fill; zeros that nobody writes take no memory."""
        shape, layouts = (n, *self.grid.shape), {name: LAYOUT[name] for name in self.variables}
        return {
            name: np.full(shape, fill, dtype) if fill else np.zeros(shape, dtype)
            for name, (dtype, _, fill, _) in layouts.items()
        }

    def prepare(self, pairs):
        """Make the turn from every projection of the pairs, before threads ask for it at once."""
        for crs in {f"EPSG:{epsg}" for epsg in pairs["epsg"].unique()} - {self.grid.crs}:
            rotation_to(crs, self.grid)

    def window(self, source, placement):
        """The (rows, columns) of a source that the grid needs; None where they do not meet."""
        if placement.treatment == "rotated":
            return rotation_to(source.crs, self.grid).window(source)
        return source_window(placement, source, self.grid)

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
        window = self.window(source, placement)
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
        for name, values in self._transformed(source, placement, window, raw).items():
            out[name][slot] = values

    def _transformed(self, source, placement: Placement, window, raw):
        start, shape = (window[0][0], window[1][0]), self.grid.shape
        fills = {name: LAYOUT[name][2] for name in self.variables}
        if placement.treatment == "replicated":
            return {name: nesting.replicate(raw[name], start, placement, shape, fills[name]) for name in self.variables}
        if placement.treatment == "averaged":
            means = nesting.average_components(raw["vx"], raw["vy"], start, placement, shape)
            done = dict(zip(COMPONENTS, means, strict=True))
            for name in self.variables:
                if name not in (*COMPONENTS, "v"):
                    largest = name.startswith("chip") or name == "interp_mask"
                    done[name] = nesting.average_field(raw[name], start, placement, shape, fills[name], largest=largest)
        else:
            rotation = rotation_to(source.crs, self.grid)
            cells = rotation.cells(source, window)
            done = dict(zip(COMPONENTS, rotate_layer(raw["vx"], raw["vy"], cells, rotation), strict=True))
            for name in self.variables:
                if name not in (*COMPONENTS, "v"):
                    done[name] = np.where(cells >= 0, raw[name].ravel()[np.maximum(cells, 0)], fills[name])
        if "v" in self.variables:
            done["v"] = nesting.speed(done["vx"], done["vy"])
        return done


def layers_per_block(grid, variables, memory_mb):
    """How many layers fit into a memory bound, at least one: the block, and as much again for windows and packing."""
    layer = grid.size * sum(np.dtype(LAYOUT[name][0]).itemsize for name in variables)
    return int(max(1, memory_mb * 1e6 // (2 * layer)))


def read_blocks(plan, *, memory_mb=256, threads=2, using=None, pairs=None) -> Iterator[tuple[pd.DataFrame, dict]]:
    """
    The layers of a plan in order, a bounded block at a time; empty and damaged pairs are left out and said.

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
    told = list(pool.map(lambda slot, pair: read_into(reader, pair, out, slot, plan.roi), range(n), records(rows)))
    rows = settle(rows, told, plan.margin)
    keep = (rows["fate"] == "used").to_numpy()
    out = {name: out[name] for name in plan.variables}
    return rows, out if keep.all() else {name: values[keep] for name, values in out.items()}


def records(rows):
    """Rows of an index as mappings."""
    return rows.to_dict("records")


def read_into(reader, pair, out, slot, roi):
    """
    Read one pair into `out[variable][slot]`; a damaged one leaves nothing there.

    Returns
    -------
    (why it cannot be read, "" where it can; cells of the region with a velocity)
    """
    try:
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
    """Rows with `valid_cells`, `fate` and `why` by what reading told of each: (why, valid cells)."""
    where = "" if margin is None else ", the margin of the ice left out"
    why = np.array([reason for reason, _ in told], dtype=object)
    valid = np.array([count for _, count in told], dtype="int64")
    fate = np.where(why != "", "corrupt", np.where(valid == 0, "empty", "used")).astype(object)
    why = np.where(fate == "empty", f"empty: no valid cell in the region{where}", why)
    return rows.assign(valid_cells=valid, fate=fate, why=why)


def percent_valid_in_region(plan, *, memory_mb=256, threads=2):
    """
    Per cent of the region's cells with a velocity, of every candidate: for `PairSelection.percent_valid_in_region`.

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


def fates(pairs):
    """How many pairs met each fate, the largest first: {fate: count}."""
    return dict(Counter(pairs["fate"]).most_common())
