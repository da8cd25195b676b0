"""
Plan the stack of image pairs on one grid: which pairs enter, and why the others do not.

A layer is kept whole inside the window; the region itself is one mask for the whole cube. Two pairs with the same
mid-date are two layers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nunatak.geometry.grid import Grid
from nunatak.parameters.velocity import PairSelection
from nunatak.products.itslive.fields import LAYOUT
from nunatak.products.itslive.selection import cap_per_year, duplicates, reject
from nunatak.runtime import NunatakError
from nunatak.velocity.lattice import place, roi_mask, source_grid, target_grid
from nunatak.velocity.margin import Margin
from nunatak.velocity.placing import COMPONENTS, window_of

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

_LATTICE = ["epsg", "x0", "y0", "dx", "dy", "ny", "nx"]


@dataclass(frozen=True)
class CubePlan:
    """The content of a cube, decided before any value is read."""

    grid: Grid
    roi: np.ndarray
    """(ny, nx) bool, the region on the grid"""
    pairs: pd.DataFrame
    """the index with `fate`, `why` and `treatment`; sorted by (mid_date, granule_id)"""
    variables: tuple[str, ...]
    margin: Margin | None = None
    """which values lie too near the margin of the ice; none where not asked for"""

    @property
    def candidates(self) -> pd.DataFrame:
        """Return the pairs whose values will be read, in the order of the cube's layers."""
        return self.pairs[self.pairs["fate"] == "used"]


def plan_cube(
    index: pd.DataFrame,
    project: Callable,
    *,
    selection: PairSelection | None = None,
    crs: Any = None,
    cell: Any = None,
    mixed_resolutions: bool = False,
    all_touched: bool = False,
) -> CubePlan:
    """
    Decide the grid and every pair's fate.

    Parameters
    ----------
    index : DataFrame of `products.itslive.index.index_pairs`; where it has `superseded`, that says of which newer pair
        each is a duplicate, and empty of none
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
    if "superseded" in pairs:
        superseded = pairs["superseded"][pairs["superseded"] != ""]
    else:
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
    """Set the fate of used pairs."""
    where = np.asarray(where) & (pairs["fate"] == "used").to_numpy()
    pairs.loc[where, "fate"] = fate
    pairs.loc[where, "why"] = why if isinstance(why, str) else why[where]


def _apart(used, project):
    """Return which pairs' footprints lie outside the region, in the pair's own projection, (n,) bool."""
    bounds = {}
    for epsg in used["epsg"].unique():
        try:
            bounds[epsg] = project(f"EPSG:{epsg}").bounds
        except NunatakError:  # a projection that cannot show the region has no pair over it
            bounds[epsg] = None
    apart = np.ones(len(used), dtype=bool)
    for rows, pair in _by_lattice(used):
        own = bounds[pair["epsg"]]
        apart[rows] = own is None or not _meets(source_grid(pair).bounds, own)
    return apart


def _by_lattice(pairs):
    """
    Yield the numbers of the rows of all pairs with one lattice, and one of the pairs, as a datacube has few lattices.
    """
    for rows in pairs.groupby(_LATTICE, sort=False).indices.values():
        yield rows, pairs.iloc[rows[0]].to_dict()


def _meets(a, b):
    """Return whether two boxes overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _place_all(pairs, grid, selection, mixed_resolutions):
    """Set the treatment of every used pair, or the fate of those that cannot be brought onto the grid."""
    used = pairs[pairs["fate"] == "used"]
    for rows, pair in _by_lattice(used):
        labels, source = used.index[rows], source_grid(pair)
        if source.crs != grid.crs and selection.projections == "majority":
            pairs.loc[labels, ["fate", "why"]] = "crs", f"crs: {source.crs}, most pairs have {grid.crs}"
            continue
        placement = place(source, grid, mixed_resolutions=mixed_resolutions)
        if not placement.treatment:
            pairs.loc[labels, ["fate", "why"]] = placement.reason.split(":")[0], placement.reason
        elif window_of(source, placement, grid) is None:
            pairs.loc[labels, ["fate", "why"]] = "outside", "outside: the footprint does not touch the region's window"
        else:
            pairs.loc[labels, "treatment"] = placement.treatment


def fates(pairs: pd.DataFrame) -> dict[str, int]:
    """Return how many pairs met each fate, the largest first: {fate: count}."""
    return dict(Counter(pairs["fate"]).most_common())
