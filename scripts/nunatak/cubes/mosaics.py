"""ITS_LIVE's mosaics over a region: which of them make a study's velocities, and their values there."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from nunatak.geometry.grid import Grid
from nunatak.products import GranuleError
from nunatak.products.itslive.cube_grid import OutsideGrid
from nunatak.products.itslive.fields import LAYOUT
from nunatak.products.itslive.mosaics import mosaic_parts, open_mosaic
from nunatak.runtime import NunatakError
from nunatak.velocity.lattice import roi_mask

log = logging.getLogger(__name__)
COMPONENTS = ("vx", "vy")
ANNUAL = (*COMPONENTS, "vx_error", "vy_error", "count")
QUALITATIVE = (
    "as the mosaics state them; ITS_LIVE's user guide calls them unrealistically low and to be read qualitatively"
)
STATIC = ("v", "v_error", "vx", "vy", "dv_dt", "v_amp", "v_phase", "count")
"""variables of the static mosaic that are taken along, those it has, as static_<name>"""
_SAME = 1e-3  # of a cell


def plan_mosaics(ledger, years):
    """
    Decide which mosaics are read, by their names.

    Parameters
    ----------
    ledger : DataFrame of `granule_id, path, status, reason`, what looking at the mosaics told
    years : years of the study

    Returns
    -------
    DataFrame with `granule_id, path, place, year, version, mid_date, fate, why`, sorted; the year of a static one is 0

    Raises
    ------
    NunatakError : years of one region are of different versions
    """
    rows = ledger[["granule_id", "path", "status", "reason"]].copy()
    parts = [mosaic_parts(name) for name in rows["granule_id"]]
    rows = rows.assign(**{name: [getattr(part, name) for part in parts] for name in ("place", "year", "version")})
    rows["mid_date"] = pd.to_datetime(rows["year"].map(lambda year: f"{year}-07-02" if year else None))
    rows = rows.assign(fate="used", why="").sort_values(["place", "year", "version"], ignore_index=True)
    broken = rows["status"] != "present"
    rows.loc[broken, "fate"], rows.loc[broken, "why"] = "failed", rows["reason"][broken]
    elsewhen = (rows["fate"] == "used") & (rows["year"] > 0) & ~rows["year"].isin(list(years))
    rows.loc[elsewhen, ["fate", "why"]] = "filter", "period: not a year of the study"
    of_years = rows[(rows["fate"] == "used") & (rows["year"] > 0)]
    for place, some in of_years.groupby("place"):
        _refuse_mixed(place, some)
    return rows.drop(columns=["status", "reason"])


def _refuse_mixed(place, rows):
    """Refuse years of different versions: they were processed differently, and a step between them is no change."""
    spans = {v: (some["year"].min(), some["year"].max()) for v, some in rows.groupby("version")}
    if len(spans) > 1:
        told = ", ".join(f"{v} ({a} to {b})" if a != b else f"{v} ({a})" for v, (a, b) in spans.items())
        raise NunatakError(
            f"itslive: the mosaics of {place} are of versions {told}, which were processed differently; ask for one of "
            f'them, such as version: "{max(spans)}"'
        )


@dataclass
class Windows:
    """What some mosaics hold of a region."""

    grid: Grid | None = None
    roi: np.ndarray | None = None
    """(ny, nx) bool, cells of the region"""
    layers: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)
    """{year: {name: (n_cell,) array}} of the annual mosaics, velocities over ground"""
    static: dict[str, np.ndarray] = field(default_factory=dict)
    """{name: (n_cell,) array} of the static mosaic"""
    shown: tuple[str, xr.Dataset] | None = None
    """id and window of the annual mosaic that sees most of the region"""
    simulated: bool = False


def read_mosaics(plan, region):
    """
    Read the window of a region from mosaics.

    Parameters
    ----------
    plan : DataFrame of `plan_mosaics`
    region : Region

    Returns
    -------
    windows : Windows
    settled : `plan` with `crs`, `units_in_granule`, `valid_cells` (of the region, with a velocity), `fate` and `why`

    Raises
    ------
    GranuleError : a mosaic cannot be read; a failed request is no year without data
    NunatakError : the region has velocities in mosaics of two projections, or no mosaic has any
    """
    rows, found = plan.assign(crs="", units_in_granule="", valid_cells=0), Windows()
    place = ""
    for i in rows.index[rows["fate"] == "used"]:
        row = rows.loc[i]
        try:
            mosaic = _window(row, region)
        except OutsideGrid:
            rows.loc[i, ["fate", "why"]] = "outside", "outside: the mosaic does not reach the region"
            continue
        grid = Grid.of(mosaic)
        roi = roi_mask(grid, region.projected(grid.crs))
        n = int(np.isfinite(mosaic["vx"].values + mosaic["vy"].values)[roi].sum())
        about = {"crs": grid.crs, "units_in_granule": mosaic.attrs["units_in_granule"], "valid_cells": n}
        rows.loc[i, list(about)] = list(about.values())
        if n == 0:
            rows.loc[i, ["fate", "why"]] = "empty", "empty: no valid cell in the region"
            continue
        if found.grid is None:
            found.grid, found.roi, place = grid, roi, row["place"]
        elif not _same_grid(found.grid, grid):
            raise NunatakError(
                f"itslive: the region has velocities in mosaics of {place} ({found.grid.crs}) and {row['place']} "
                f"({grid.crs}), whose grids do not join; take source: datacubes, or a smaller region"
            )
        _take(found, row, mosaic, n)
    if not found.layers:
        told = "; ".join(dict.fromkeys(rows.loc[rows["fate"] != "used", "why"])) or "only a static mosaic"
        raise NunatakError(f"itslive: no annual mosaic has a velocity in the region and the period: {told}")
    return found, rows


def _window(row, region):
    """Return a mosaic's window, with the variables that are needed."""
    bounds = lambda crs: region.projected(crs).bounds  # noqa: E731
    mosaic = open_mosaic(row["path"], bounds=bounds, variables=ANNUAL if row["year"] else None)
    stated = str(mosaic.attrs.get("year", ""))[-4:]
    if row["year"] and stated.isdecimal() and int(stated) != row["year"]:
        raise GranuleError(f"{row['path']}: states the year {stated}, its name {row['year']}; give it its name back")
    lacking = [name for name in COMPONENTS if name not in mosaic]
    if lacking:
        raise GranuleError(f"{row['path']}: has no {lacking[0]!r}; fetch it again")
    return mosaic


def _same_grid(one, other):
    """Return whether two windows are of the same cells."""
    close = abs(one.left - other.left) < _SAME * one.dx and abs(one.top - other.top) < _SAME * one.dy
    return one.crs == other.crs and one.shape == other.shape and close


def _take(found, row, mosaic, n):
    """Keep the cells of a mosaic's window, of two regions' mosaics of a year those of the first that has them."""
    found.simulated |= "nunatak_source" in mosaic.attrs
    names = ANNUAL if row["year"] else [name for name in STATIC if name in mosaic]
    values = {name: mosaic[name].values[found.roi] for name in names}
    if not row["year"]:
        found.static = _joined(found.static, values, "v")
        return
    values["count"] = np.nan_to_num(values["count"])
    if row["year"] in found.layers:
        values = _joined(found.layers[row["year"]], values, "vx")
    found.layers[row["year"]] = values
    if found.shown is None or n > found.shown[1].attrs["valid_cells"]:
        speed = mosaic[["vx", "vy"]].assign(v=np.hypot(mosaic["vx"], mosaic["vy"]))
        found.shown = row["granule_id"], speed.assign_attrs(crs=found.grid.crs, year=int(row["year"]), valid_cells=n)


def _joined(first, second, key):
    """Return values of the second where the first has none."""
    if not first:
        return second
    lacking = ~np.isfinite(first[key])
    return {name: np.where(lacking, second[name], values) for name, values in first.items() if name in second}


def shown_mosaic(found):
    """Return the window of the annual mosaic that sees most of the region, as a Dataset of its own."""
    name, mosaic = found.shown
    for key in ("v", *COMPONENTS):
        mosaic[key].attrs = {"units": "m/yr", "long_name": LAYOUT[key][3]}
    return mosaic.assign_attrs(granule_id=name)


def on_grid(found):
    """Return the grid of windows as a Dataset with `roi` and the attribute `crs`, for `annual_of_mosaics`."""
    roi = (("y", "x"), found.roi.astype("u1"))
    return xr.Dataset({"roi": roi}, {"y": found.grid.y, "x": found.grid.x}, {"crs": found.grid.crs})


def static_field(found, name, values):
    """Return a variable of the static mosaic on the grid: (dims, values, attributes)."""
    whole = np.full(found.roi.shape, np.nan, "f4")
    whole[found.roi] = values
    units = {"count": "1", "v_phase": "days", "dv_dt": "m/yr/yr"}.get(name, "m/yr")
    return ("y", "x"), whole, {"units": units, "long_name": f"{name} of the static mosaic"}
