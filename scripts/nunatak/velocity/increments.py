"""New pairs touch only their own years: what a year of a cube rests on, and which years an earlier cube still holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import nunatak
from nunatak.products.itslive.fields import LAYOUT
from nunatak.products.itslive.index import READING

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from nunatak.velocity.cube import CubePlan

_LEFT_OUT = ("empty", "corrupt")


def place_hash(plan: CubePlan) -> str:
    """Return a hash of the grid and the region of a plan."""
    return _place(plan).hexdigest()[:16]


def _place(plan):
    """Return the digest of grid and region."""
    grid, digest = plan.grid, hashlib.sha256()
    words = [nunatak.__version__, grid.crs, float(grid.left), float(grid.top), float(grid.dx), grid.ny, grid.nx]
    digest.update(json.dumps(words).encode())
    digest.update(np.packbits(plan.roi).tobytes())
    if plan.margin is not None:
        digest.update(plan.margin.told.encode() + plan.margin.distance.tobytes())
    return digest


def year_hashes(plan: CubePlan) -> dict[int, str]:
    """
    Return a hash, by year of mid-date, of everything that the layers of a year depend on.

    This is grid, region, variables, each candidate's granule, size, chunks, treatment, units and SHA-256 if it was
    computed, and how granules are read (`itslive_index.READING`). The place and age of a granule do not matter.
    """
    common = _place(plan)
    common.update(json.dumps([READING, *((name, *map(str, LAYOUT[name][:3])) for name in plan.variables)]).encode())
    out = {}
    for year, rows in by_year(plan.candidates):
        digest = common.copy()
        measured = rows["identity"].where(rows["identity"].str.startswith("sha256:"), "")
        columns = rows[["granule_id", "size_bytes", "chunks", "treatment", "units_in_granule"]].assign(
            measured=measured
        )
        for row in columns.itertuples(index=False):
            digest.update("|".join(map(str, row)).encode())
        out[year] = digest.hexdigest()[:16]
    return out


def by_year(candidates: pd.DataFrame) -> list[tuple[int, pd.DataFrame]]:
    """Return (year of mid-date, rows) of candidates in order."""
    years = candidates["mid_date"].dt.year
    return [(int(year), rows) for year, rows in candidates.groupby(years, sort=True)]


def record(plan: CubePlan, hashes: Mapping[int, str], pairs: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """
    Return the record of a cube's years: {year: {"hash", "left_out": {granule_id: [fate, why]}}}.

    A year with a damaged pair is left out, so that the next build reads it again.
    """
    out = {}
    for year, rows in by_year(plan.candidates):
        settled = pairs.loc[rows.index]
        if (settled["fate"] == "corrupt").any():
            continue
        left = settled[settled["fate"].isin(_LEFT_OUT)]
        told = {row.granule_id: [row.fate, row.why] for row in left.itertuples()}
        out[str(year)] = {"hash": hashes[year], "left_out": told}
    return out


def held_year(old: xr.Dataset, year: int, digest: str, rows: pd.DataFrame) -> tuple[pd.DataFrame, slice] | None:
    """
    Return the layers of one year from an earlier cube, if nothing they depend on has changed.

    Parameters
    ----------
    old : Dataset of the earlier cube, or None
    year, digest : from `year_hashes`
    rows : the year's candidates

    Returns
    -------
    (rows with `valid_cells`, `fate` and `why`, slice of the earlier time axis), or None
    """
    known = {} if old is None else old.attrs.get("years", {}).get(str(year), {})
    if known.get("hash") != digest:
        return None
    place = {granule_id: i for i, granule_id in enumerate(np.asarray(old["granule_id"].values).astype(str))}
    left = known["left_out"]
    used = [granule_id for granule_id in rows["granule_id"] if granule_id not in left]
    if any(granule_id not in place for granule_id in used):
        return None
    first = place[used[0]] if used else 0
    if [place[granule_id] for granule_id in used] != list(range(first, first + len(used))):
        return None
    valid = np.asarray(old["valid_cells"].values)
    settled = rows.assign(
        valid_cells=[0 if g in left else int(valid[place[g]]) for g in rows["granule_id"]],
        fate=[left[g][0] if g in left else "used" for g in rows["granule_id"]],
        why=[left[g][1] if g in left else "" for g in rows["granule_id"]],
    )
    return settled, slice(first, first + len(used))
