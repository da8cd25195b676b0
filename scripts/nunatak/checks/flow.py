"""Velocities held against one another, and against the image pairs they were fitted to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from nunatak import velocity
from nunatak.checks import from_maps
from nunatak.checks.check import at_least, at_most, not_applicable
from nunatak.checks.same import same
from nunatak.checks.years import at_cells, by_year, years_seen
from nunatak.compute.robust import nmad
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import STUDY_REGION
from nunatak.parameters.choices import read_choices
from nunatak.parameters.velocity import AnnualFit
from nunatak.velocity.annual_fields import line_through, speed_error
from nunatak.velocity.mosaic_years import METHOD

_BLOCK = 6  # cells of a block that is fitted again, along either axis
_COUNTED = ("count", "images", "count0")  # of annual.nc, which agree with nothing else in it
_CELLS = 20_000  # whose variables are held against one another
_POINTS = 400  # of maps and tables that are looked up
_TURN_SHARE = 0.99  # of annual velocities that lie within 90 degrees of the cell's mean
_STEADY = 50.0  # m/yr; slower ice turns with the noise
_ROUND = 1.5  # m/yr; layers and granules hold whole numbers, each component for itself


def checks(results, settings, cube):
    """
    Check the velocity results, apart from what is compared with a truth.

    Parameters
    ----------
    results : Opened
    settings : mapping of the study's keys, with their defaults
    cube : Dataset of `itslive.store.open_cube`, None where it is not there
    """
    if "annual" not in results:
        return []
    annual, asked = results["annual"], settings.get("composite") or {}
    source = (settings.get("products") or {}).get("itslive") or {}
    whole = source.get("cells", "region") == "region"
    found = [closes(annual), forward(annual), inside_outline(annual, results["regions"], whole=whole)]
    found.append(fitted_again(annual, cube, asked))
    if "image_pairs" in results and annual.attrs["method"] != METHOD:
        found.append(pairs_close(results["image_pairs"], cube))
    if "image_pair" in results:
        found.append(image_pair(results["image_pair"], results.get("image_pairs"), cube))
    if "inverted" in results:
        found.append(inverted_again(results["inverted"], cube, settings.get("invert") or {}))
    if "source_agreement" in results:
        found.append(sources_differ(results["source_agreement"], results["source_difference"], annual))
    return found + from_maps.checks(results, settings, cube)


def closes(annual):
    """
    Check that variables of annual.nc agree with one another, in cells evenly over the map.

    Speeds and their errors are those of the components, means those of their years, trend and speed at the reference
    year those of the line through the annual means, and the status is 0 where there is a velocity and nowhere else.
    """
    cells = np.argwhere(annual["count0"].values > 0 if "count0" in annual else years_seen(annual) > 0)
    i, j = cells[np.unique(np.linspace(0, len(cells) - 1, min(_CELLS, len(cells))).astype(int))].T
    maps = [name for name in annual.data_vars if {"y", "x"} <= set(annual[name].dims) and name not in _COUNTED]
    a = {name: at_cells(annual, name, i, j).astype("f8") for name in maps}
    ux, uy = a["vx0"] / a["v0"], a["vy0"] / a["v0"]
    seen = np.isfinite(a["v"])
    columns = {
        "v": (a["v"], np.hypot(a["vx"], a["vy"])),
        "v0": (a["v0"], np.hypot(a["vx0"], a["vy0"])),
        "dv_dt": (a["dv_dt"], a["dvx_dt"] * ux + a["dvy_dt"] * uy),
        "dv_dt_error": (a["dv_dt_error"], np.hypot(a["dvx_dt_error"] * ux, a["dvy_dt_error"] * uy)),
        "v_mean": (a["v_mean"], np.hypot(a["vx_mean"], a["vy_mean"])),
        "status": (seen, a["status"] == 0),
        "edges": (annual["year_end"].values[:-1], annual["year_start"].values[1:]),
    }
    for name in [name for name in ("error", "error_formal") if f"v_{name}" in annual]:
        of = speed_error(a["vx"], a["vy"], a[f"vx_{name}"], a[f"vy_{name}"])
        columns[f"v_{name}"] = a[f"v_{name}"][seen], of[seen]
    about, years = annual.attrs, annual["year"].values
    inside = (years >= about["mean_first_year"]) & (years <= about["mean_last_year"])
    for name in ("vx", "vy"):
        known, n = seen[inside], np.fmax(seen[inside].sum(0), 1)
        mean = np.where(known, a[name][inside], 0.0).sum(0) / n
        error = np.sqrt(np.where(known, a[f"{name}_error"][inside] ** 2, 0.0).sum(0)) / n
        some = known.any(0)
        columns[f"{name}_mean"] = a[f"{name}_mean"][some], mean[some]
        columns[f"{name}_mean_error"] = a[f"{name}_mean_error"][some], error[some]
        columns |= _lines(annual, a, name)
    scales = {"edges": 1.0}
    return same("velocity/closes", columns, "variables of annual.nc from one another", limit=1e-3, scales=scales)


def _lines(annual, a, name):
    """Return trend and value at the reference year of a component, where every year that was fitted is given."""
    about, years = annual.attrs, annual["year"].values
    inside = (years >= about["v0_first_year"]) & (years <= about["v0_last_year"])
    whole = np.flatnonzero((a["status"][inside] <= 1).all(0))
    middle = (annual["year_start"].values + annual["year_end"].values)[inside] / 2 - float(about["reference_year"])
    v, e = a[name][inside][:, whole].T, a[f"{name}_error"][inside][:, whole].T
    value, error, slope, slope_error = line_through(middle, v, e)
    expected = {f"{name}0": value, f"{name}0_error": error, f"d{name}_dt": slope, f"d{name}_dt_error": slope_error}
    return {key: (a[key][whole], values) for key, values in expected.items()}


def forward(annual):
    """Check that ice goes every year about where it goes on average: within 90 degrees of the mean of the years."""
    name = "velocity/forward"
    vx0, vy0, steady = annual["vx0"].values, annual["vy0"].values, annual["v0"].values <= _STEADY
    moving = ahead = 0
    for vx, vy in by_year(annual, "vx", "vy"):
        along = (vx * vx0 + vy * vy0)[~steady]
        moving, ahead = moving + int(np.isfinite(along).sum()), ahead + int((along > 0).sum())
    if not moving:
        return not_applicable(name, f"no cell is faster than {_STEADY:g} m/yr")
    text = (
        f"share of annual velocities within 90 degrees of the cell's own at the reference year, above {_STEADY:g} m/yr"
    )
    return at_least(name, ahead / moving, _TURN_SHARE, "", text)


def inside_outline(annual, outlines, *, whole=True):
    """
    Check that the region's cells are those whose place is in its outline and that only they have velocities.

    Parameters
    ----------
    whole : whether all of the region was read, not the cells at points and gates alone. Default: True
    """
    name = "velocity/region"
    if "roi" not in annual:
        return not_applicable(name, "the map has no region")
    outline = outlines[STUDY_REGION].projected(annual.attrs["crs"])
    grid = Grid.of(annual)
    x, y = np.meshgrid(grid.x, grid.y)
    shapely.prepare(outline)
    rim = 1.5 * np.hypot(grid.dx, grid.dy)
    inner, outer = outline.buffer(-rim), outline.buffer(rim)
    shapely.prepare(inner), shapely.prepare(outer)
    roi = annual["roi"].values.astype(bool)
    well_in, well_out = shapely.contains_xy(inner, x, y), ~shapely.contains_xy(outer, x, y)
    seen = years_seen(annual) > 0
    wrong = int((well_in & ~roi).sum() * whole + (well_out & roi).sum() + (seen & ~roi).sum())
    return at_most(name, wrong, 0, "", "cells that are inside the outline and not of the region, or the reverse")


def blocks(annual):
    """Return slices (rows, columns) of two small blocks of cells with a velocity in most years."""
    n = years_seen(annual)
    best = np.argwhere((n == n.max()) & (n > 0))
    for share in (0.3, 0.7):
        if len(best):
            i, j = best[int(share * (len(best) - 1))]
            rows = slice(max(i - _BLOCK // 2, 0), i + _BLOCK // 2)
            yield {"y": rows, "x": slice(max(j - _BLOCK // 2, 0), j + _BLOCK // 2)}


def fitted_again(annual, cube, asked):
    """Check every variable of annual.nc in blocks of cells fitted again to the pairs at their places."""
    name = "velocity/fitted_again"
    if cube is None or not asked:
        return not_applicable(name, "the cube is not here")
    years = int(annual.attrs["mean_first_year"]), int(annual.attrs["mean_last_year"])
    columns, options = {}, velocity.options_of(read_choices(AnnualFit, asked)) | {"mean_years": years}
    for k, window in enumerate(blocks(annual)):
        part = annual.isel(window)
        place = {"x": part["x"].values, "y": part["y"].values}
        try:
            layers = cube[["vx", "vy", "roi"]].sel(place)
        except KeyError:
            return at_most(name, np.inf, 0, "", "cells of the map that lie where the cube has none")
        again = velocity.composite(layers.load(), threads=1, everywhere=False, **options)
        for key in again.data_vars:
            if key in part:
                columns[f"{key} ({k + 1})"] = part[key].values, again[key].values
        columns[f"year ({k + 1})"] = part["year"].values, again["year"].values
        columns[f"year_start ({k + 1})"] = part["year_start"].values, again["year_start"].values
    sizes = {"v_phase": 10.0, "vx_phase": 10.0, "vy_phase": 10.0, "year": 1.0, "year_start": 1.0}
    scales = {f"{key} ({k})": size for key, size in sizes.items() for k in (1, 2)}
    return same(name, columns, "blocks of cells fitted again to the pairs", limit=1e-3, scales=scales)


def pairs_close(pairs, cube):
    """
    Check that dates of pairs are those of their images' names, and that the pairs used are the layers of the cube.
    """
    name = "image_pairs"
    ends = [pairs[f"acquisition_date_img{k}"] for k in "12"]
    named = [pairs[f"id_img{k}"].astype(str).str.extract(r"_((?:19|20)\d{6})")[0] for k in "12"]
    days = [pd.to_datetime(n, format="%Y%m%d", errors="coerce") for n in named]
    columns = {"date_dt": (pairs["date_dt"], (ends[1] - ends[0]) / pd.Timedelta(days=1))}
    for k in (0, 1):
        known = days[k].notna() & ends[k].notna() & ~pairs["swapped"].fillna(False).astype(bool)
        columns[f"day of image {k + 1}"] = ends[k][known].dt.floor("D").to_numpy(), days[k][known].to_numpy()
    middle = ends[0] + (ends[1] - ends[0]) / 2
    columns["mid_date"] = pairs["mid_date"].to_numpy(), middle.to_numpy()
    if cube is not None:
        used, empty = (pairs.loc[pairs["fate"] == fate, "granule_id"].astype(str) for fate in ("used", "empty"))
        # of datacubes only reading tells which of the layers chosen are empty in the region
        columns["layers"] = np.sort(used.to_numpy()), np.setdiff1d(cube["granule_id"].values.astype(str), empty)
    scales = {"date_dt": 1e4, "mid_date": 1e8}
    return same(name, columns, "dates of pairs, and layers of the cube", scales=scales)


def image_pair(pair, pairs, cube):
    """Check that the pair that is shown has the speed of its components, the dates of its row and the cube's values."""
    name = "image_pair"
    v = np.hypot(pair["vx"].values.astype("f8"), pair["vy"].values)
    both = np.isfinite(v) & np.isfinite(pair["v"].values)
    columns = {"v": (pair["v"].values[both], v[both])}
    row = None if pairs is None else pairs[pairs["granule_id"] == pair.attrs["granule_id"]]
    if row is not None and len(row) and "date_dt" in row:
        columns["date_dt"] = [float(pair.attrs["date_dt"])], row["date_dt"].to_numpy()[:1]
    if cube is not None and pair.attrs["granule_id"] in cube["granule_id"].values:
        k = int(np.flatnonzero(cube["granule_id"].values == pair.attrs["granule_id"])[0])
        layer = cube.isel(time=k)
        if str(layer["treatment"].values) in ("copied", "direct"):
            x, y = np.intersect1d(pair["x"], cube["x"]), np.intersect1d(pair["y"], cube["y"])
            fill = cube["vx"].attrs["_FillValue"]
            for key in ("vx", "vy"):
                ours = layer[key].sel(x=x, y=y).values
                theirs = pair[key].sel(x=x, y=y).values
                seen = (ours != fill) & np.isfinite(theirs)
                columns[key] = theirs[seen], ours[seen].astype("f8")
            columns["cells in common"] = [x.size > 0 and y.size > 0], [True]
    scales = {"v": _ROUND, "vx": _ROUND, "vy": _ROUND, "date_dt": 1.0}
    return same(name, columns, "the pair that is shown from its layer", limit=1.0, scales=scales)


def sources_differ(table, compared, annual):
    """
    Check how two sources agree: the mean row from the map of differences, and that map's own speed from annual.nc.

    Parameters
    ----------
    table, compared : agreement.csv and agreement.nc
    """
    off = compared["difference"].values.astype("f8")
    off = off[np.isfinite(off)]
    mean = table[table["year"] == 0].iloc[0]
    columns = {
        "difference": (compared["difference"].values, (compared["v"] - compared["v_other"]).values),
        "cells": ([mean["cells"]], [off.size]),
        "bias": ([mean["bias_v"]], [np.median(off) if off.size else np.nan]),
        "nmad": ([mean["nmad_v"]], [nmad(off) if off.size else np.nan]),
    }
    whole = compared["years"].values == years_seen(annual)  # of every year of the cell: its mean is ours
    fields = [np.where(np.isfinite(v), v, 0.0) for v in (annual["vx"].values, annual["vy"].values)]
    with np.errstate(invalid="ignore", divide="ignore"):
        again = np.hypot(*(v.sum(axis=0) for v in fields)) / years_seen(annual)
    columns["v"] = compared["v"].values[whole], again[whole]
    scales = {"difference": 10.0, "bias": 10.0, "nmad": 10.0}
    return same("velocity/source_agreement", columns, "two sources from the map of both", limit=1e-3, scales=scales)


def inverted_again(dataset, cube, asked):
    """Check a block of cells of the regular series, solved again from the pairs at their places."""
    name = "inverted"
    if cube is None:
        return not_applicable(name, "the cube is not here")
    n = np.isfinite(dataset["vx"].values).sum(axis=0)
    best = np.argwhere(n == n.max())
    i, j = best[len(best) // 2]
    part = dataset.isel(y=slice(max(i - 2, 0), i + 2), x=slice(max(j - 2, 0), j + 2))
    layers = cube[["vx", "vy", "roi"]].sel(x=part["x"].values, y=part["y"].values).load()
    again = velocity.invert(layers, threads=1, **asked)
    columns = {key: (part[key].values, again[key].values) for key in again.data_vars if key in part}
    columns["time"] = part["time"].values, again["time"].dt.round("s").values
    return same(name, columns, "a block of cells solved again from the pairs", limit=1e-3)
