"""Plan a cube: its grid, what becomes of every pair, and a file of what each year depends on."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

from nunatak.cubes.blocks import percent_valid_in_region
from nunatak.files.tables import read_table, write_table
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import STUDY_REGION
from nunatak.geometry.region import Region, load
from nunatak.parameters.velocity import CubeForm
from nunatak.products.itslive.index import UNITS, index_pairs
from nunatak.products.itslive.selection import refuse_unknown, remarks, selection_from
from nunatak.velocity import increments
from nunatak.velocity.cube import CubePlan, plan_cube
from nunatak.velocity.lattice import roi_mask
from nunatak.velocity.margin import margin_of

log = logging.getLogger(__name__)


def plan_pairs(
    granules,
    region,
    *,
    selection=None,
    crs=None,
    cell=None,
    index=None,
    checksums=None,
    mixed_resolutions=False,
    all_touched=False,
    memory_mb=256,
    threads=2,
    ice=None,
    margin=CubeForm.margin,
):
    """
    Decide the grid of a cube and what becomes of every pair, by what the granules say of themselves.

    Parameters
    ----------
    index : Parquet file that keeps what the granules said, so that none is opened twice; brought up to date
    checksums : {path: SHA-256} of granules where they were measured
    others : as for `nunatak.api.build_cube`

    Returns
    -------
    velocity.cube.CubePlan
    """
    area = region if isinstance(region, Region) else load(region)
    if isinstance(selection, dict):
        refuse_unknown(selection)
    chosen = selection_from(selection or {})
    known = read_table(index) if index is not None and Path(index).exists() else None
    table = index_pairs(_pair_paths(granules), known=known, checksums=checksums, threads=threads)
    if index is not None:
        write_table(table, index, units=UNITS)
    options = {"crs": crs, "cell": cell, "mixed_resolutions": mixed_resolutions, "all_touched": all_touched}
    if chosen.percent_valid_in_region > 0:  # all that could enter are measured before a full year is cut down
        every = plan_cube(table, area.projected, selection=replace(chosen, max_per_year=None), **options)
        every = with_margin(every, ice, margin)
        table["percent_valid_in_region"] = _shares(every, index, {"memory_mb": memory_mb, "threads": threads})
    plan = plan_cube(table, area.projected, selection=chosen, **options)
    for remark in remarks(plan.pairs, (plan.pairs["fate"] == "used").to_numpy(), chosen):
        log.warning("%s", remark)
    return with_margin(plan, ice, margin)


def with_margin(plan, ice, limit):
    """
    Return a plan that leaves out values near the margin of the ice, or the plan itself without an outline.

    Parameters
    ----------
    plan : CubePlan
    ice : Region, or one of the forms a study file takes; None for no outline
    limit : metres, or "chip" for half the search chip of each value
    """
    if ice is None:
        return plan
    outline = ice if isinstance(ice, Region) else load(ice)
    return replace(plan, margin=margin_of(plan.grid, outline.projected(plan.grid.crs), limit))


def _shares(plan, index, options):
    """
    Compute the share of the region that each candidate sees, %.

    What was measured on this grid is kept beside the index.
    """
    kept = None if index is None else Path(index).with_suffix(".shares.parquet")
    candidates, place = plan.candidates, increments.place_hash(plan)
    known = read_table(kept) if kept is not None and kept.exists() else None
    held = {} if known is None else known[known["place"] == place].set_index("identity")["share"].to_dict()
    fresh = candidates[~candidates["identity"].isin(list(held))]
    measured = percent_valid_in_region(replace(plan, pairs=fresh), **options)
    held |= dict(zip(fresh["identity"], measured, strict=True))
    held = {same: share for same, share in held.items() if pd.notna(share)}  # a damaged pair was not measured
    if kept is not None:
        rows = {"identity": list(held), "place": place, "share": list(held.values())}
        write_table(pd.DataFrame(rows), kept, units={"share": "%"})
    return candidates["identity"].map(held).astype(float)


def _pair_paths(granules):
    if isinstance(granules, str | Path):
        return sorted(Path(granules).glob("*.nc"))
    return list(granules)


def write_shares(plan, folder, years, about, *, ice=None):
    """
    Write a plan as files: `pairs.parquet` and, of every year, what its layers depend on and nothing else.

    Parameters
    ----------
    plan : CubePlan
    folder : to be made
    years : the years that get a file; candidates beside them go to the nearest
    about : attributes of every file, the same whatever pairs there are
    ice : name of the outline of the ice, for `read_share`
    """
    folder = Path(folder)
    folder.mkdir()
    common = {**about, "grid": asdict(plan.grid), "variables": list(plan.variables)}
    if plan.margin is not None:
        common |= {"ice": ice, "margin": "chip" if plan.margin.limit is None else plan.margin.limit}
    write_table(plan.pairs, folder / "pairs.parquet", attributes=common, units=UNITS)
    found = plan.candidates["mid_date"].dt.year.clip(min(years), max(years))
    for year in years:
        write_table(plan.candidates[found == year], folder / f"{year}.parquet", attributes=common, units=UNITS)


def read_share(path, outlines):
    """Read a CubePlan, or that of a year alone, with the study's outlines by name."""
    table = read_table(path)
    about = table.attrs["attributes"]
    grid = Grid(**about["grid"])
    roi = roi_mask(grid, outlines[STUDY_REGION].projected(grid.crs))
    plan = CubePlan(grid, roi, table, tuple(about["variables"]))
    return with_margin(plan, outlines[about["ice"]], about["margin"]) if "ice" in about else plan
