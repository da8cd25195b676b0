"""Tables of regions, bands and transects held against the grids they were summed and sampled from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj

from nunatak import elevation
from nunatak.checks.check import not_applicable
from nunatak.checks.same import bilinear, same, same_rows
from nunatak.elevation.mass import BUOYANCY
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import height_areas
from nunatak.times import decimal_year

_EPOCHS = 12  # of a record that are summed again, evenly over it, the first and the last among them


def checks(results, settings):
    """
    Check the tables and sections that are made from gridded height change.

    Parameters
    ----------
    results : Opened
    settings : mapping of the study's keys, with their defaults; `mass`, `products` and `transects` are used
    """
    if "region_change" not in results:
        return []
    table, mass = results["region_change"], settings.get("mass")
    layer, rates = next(iter(results.layers.values()))
    areas = height_areas(results["regions"], layer.attrs["crs"], floating_of(mass))
    found = [table_closes(table, mass), names_known(table, areas)]
    for region in table["region"].unique():
        found.append(sums(region, table, areas, results.layers, mass))
    if "change_by_elevation" in results:
        surface = results.get("surface")
        band = (settings.get("products") or {}).get("atl15", {}).get("band", 100.0)
        found.append(bands(results["change_by_elevation"], layer, rates, surface, areas, band))
    if "transects" in results:
        lines = settings.get("transects") or {}
        for name, line in results["transects"].items():
            surface = results.get("surface")
            found.append(transect(name, line, layer, surface, lines.get(name, {}).get("lonlat")))
    return found


def floating_of(mass):
    """Return the name of the region whose ice floats by a study's `mass`, or None."""
    return (mass or {}).get("floating")


def names_known(table, areas):
    """Check that every region of the table has an outline of that name."""
    known = [name in areas for name in table["region"]]
    return same("region_names", {"region": (known, np.ones(len(known), bool))}, "regions with an outline of their name")


def table_closes(table, mass):
    """
    Check that rows of region_change.csv agree with themselves.

    Mean change times area is the volume, mean rate times years the mean change, the same of their errors; years count
    from `since`; errors lie between their bounds; mass is density times volume.

    Parameters
    ----------
    mass : the study's key `mass`, None without
    """
    t = table
    low, high = t["volume_sigma_independent"], t["volume_sigma_fully_correlated"]
    columns = {
        "mean_dh": (t["mean_dh"], 1000 * t["volume_change"] / t["area"]),
        "mean_dh_sigma": (t["mean_dh_sigma"], 1000 * t["volume_sigma"] / t["area"]),
        "mean_rate": (t["mean_rate"] * t["years"], t["mean_dh"].where(t["years"] != 0)),
        "mean_rate_sigma": (t["mean_rate_sigma"] * t["years"].abs(), t["mean_dh_sigma"].where(t["years"] != 0)),
        "years": (t["years"], t["decimal_year"] - decimal_year(t["since"].to_numpy())),
        "time": (decimal_year(t["time"].to_numpy()), t["decimal_year"]),
        "unobserved_share": (t["unobserved_share"], 1 - t["area"] / t["ice_area"]),
        "volume_sigma": (t["volume_sigma"], t["volume_sigma"].clip(low, high)),
    }
    density, sigma = _density(mass)
    afloat = np.where(t["region"] == floating_of(mass), BUOYANCY, 1.0)
    density, sigma = (afloat * value if value else value for value in (density, sigma))
    if "mass_change" in t and np.any(density):
        columns["mass_change"] = t["mass_change"], density / 1000 * t["volume_change"]
        spread = np.hypot(density / 1000 * t["volume_sigma"], sigma / 1000 * t["volume_change"])
        columns["mass_sigma"] = t["mass_sigma"], spread
    elif ("mass_change" in t) != bool(np.any(density)):
        columns["mass_change"] = ["mass" * ("mass_change" in t)], ["mass" * bool(np.any(density))]
    scales = {"years": 100.0, "time": 100.0, "unobserved_share": 1.0}
    return same("region_change/closes", columns, "columns of region_change.csv from one another", scales=scales)


def _density(mass):
    """Return the density of a study's mass and its error in kg m-3, both 0 where it has none."""
    if not mass or (mass.get("kind") != "glacier" and not mass.get("firn")):
        return 0.0, 0.0
    if mass.get("kind") == "glacier":
        return mass["density"], mass["density_sigma"]
    return elevation.ICE.value, elevation.ICE.sigma


def sums(region, table, areas, layers, mass):
    """
    Check volume, areas, counts and errors of a region, summed again over the cells of every grid inside its outline.

    Some epochs of a long record are summed, the first and the last among them. Where firn air is taken out the volume
    is not that of the grids, and areas and counts alone are held.

    Parameters
    ----------
    table : region_change.csv
    areas : mapping of name to shapely geometry on the map of the grids
    layers : mapping of resolution to HeightChange
    """
    name = f"region_change/sums/{region}"
    if region not in areas:
        return not_applicable(name, "it has no outline")
    parts, rows = [], table[table["region"] == region]
    for layer, rates in layers.values():
        own = rows[np.isclose(rows["resolution"], layer.attrs["resolution"])]
        if len(own):
            part = _summed(layer, rates, areas[region], own)
            parts.append(part)
    expected = pd.concat(parts) if parts else pd.DataFrame({"resolution": [], "time": []})
    firn = bool(mass and mass.get("firn"))
    columns = [c for c in expected if not (firn and str(c).startswith("volume"))]
    picked = rows[rows["time"].isin(expected["time"])] if len(expected) else rows
    text = f"sums over the cells inside {region}"
    scales = {"interpolated_share": 1.0, "ice_area": float(rows["ice_area"].median())}
    return same_rows(name, picked, expected, ["resolution", "time"], text, columns=columns, scales=scales)


def _summed(layer, rates, area, own):
    """Compute what the rows of one grid must be: from cells alone, without the library's sums."""
    grid = Grid.of(layer)
    share = elevation.cell_coverage(grid, area)
    chosen = np.unique(np.linspace(0, layer.sizes["time"] - 1, min(_EPOCHS, layer.sizes["time"])).astype(int))
    start = int(np.abs(layer.time.values - own["since"].iloc[0].to_datetime64()).argmin())
    iced = share * (layer.ice_area.values > 0).any(axis=0)
    inside = np.flatnonzero(iced)
    f = iced.ravel()[inside]
    at = {
        n: layer[n].values.reshape(layer.sizes["time"], -1)[:, inside].astype("f8")
        for n in ("delta_h", "delta_h_sigma", "ice_area")
    }
    own = own.set_index("time")
    rows = []
    for k in chosen:
        time = layer.time.values[k]
        a = (
            np.where(
                (at["ice_area"][start] > 0) & (at["ice_area"][k] > 0),
                (at["ice_area"][start] + at["ice_area"][k]) / 2,
                0,
            )
            * f
        )
        dh = at["delta_h"][k] - at["delta_h"][start]
        seen = np.isfinite(dh) & (a > 0)
        w = np.where(seen, a, 0.0)
        row = {
            "resolution": layer.attrs["resolution"],
            "time": time,
            "volume_change": np.sum(w * np.nan_to_num(dh)) / 1e9,
            "area": w.sum() / 1e6,
            "ice_area": a.sum() / 1e6,
            "n_cells": seen.sum(),
        }
        if "data_count" in layer:
            none = ~(layer.data_count.values[k].ravel()[inside] > 0)
            row["interpolated_share"] = w[none].sum() / w.sum()
        source = str(own["sigma_from"].get(time, ""))
        sigma, bound = _sigma(
            source, at["delta_h_sigma"][[start, k]], rates, layer.decimal_year.values[[start, k]], inside
        )
        row["volume_sigma_independent"] = np.sqrt(np.nansum((w * sigma) ** 2)) / 1e9
        row["volume_sigma_fully_correlated"] = np.nansum(w * bound) / 1e9
        if k == chosen[-1]:
            last = (w, np.where(seen, w * sigma, 0.0))
        rows.append(row)
    weight, weighted = last
    reach = float(own["correlation_range"].iloc[0])
    x, y = grid.x[inside % grid.nx], grid.y[inside // grid.nx]
    errors = elevation.sum_errors(weighted, x, y, [weight.sum()], correlation_range=reach)
    rows[-1]["volume_sigma"] = float(errors.correlated[0]) / 1e9
    table = pd.DataFrame(rows)
    kept = own["volume_sigma"].reindex(table["time"].iloc[:-1]).to_numpy()
    table.loc[table.index[:-1], "volume_sigma"] = kept  # of one epoch the full sum is enough
    return table


def _sigma(source, both, rates, years, inside):
    """Compute the error of a difference of two epochs and its bound, by what the table says that it is from."""
    if years[0] == years[1]:
        return np.zeros(inside.size), np.zeros(inside.size)
    sigma, bound = np.hypot(*both), both[0] + both[1]
    lag = float(source.removeprefix("dhdt_lag")) if source.startswith("dhdt_lag") else None
    if lag in rates:
        rate = rates[lag]
        k = int(np.abs(rate.decimal_year.values - years.mean()).argmin())
        of_lag = rate.dhdt_sigma.values[k].ravel()[inside] * abs(years[1] - years[0])
        sigma, bound = (np.where(np.isfinite(of_lag), of_lag, other) for other in (sigma, bound))
    return sigma, bound


def bands(table, layer, rates, surface, areas, band):
    """
    Check rows of change_by_elevation.csv from the cells of the finest grid and the surface.

    Parameters
    ----------
    band : height of a band, m
    """
    name = "change_by_elevation"
    if surface is None:
        return not_applicable(name, "without ATL14 there are no bands of elevation")
    grid = Grid.of(layer)
    heights = elevation.cell_heights(surface, grid)
    dh = elevation.change_between(layer, *layer.decimal_year.values[[0, -1]], rates=rates)
    parts = []
    for region in table["region"].unique():
        share = elevation.cell_coverage(grid, areas[region]) if region in areas else np.zeros(grid.shape)
        ok = (np.nan_to_num(dh.ice_area.values) * share > 0) & np.isfinite(heights)
        cells = pd.DataFrame(
            {"band_low": np.floor(heights[ok] / band) * band, "area": (dh.ice_area.values * share)[ok] / 1e6}
        )
        cells["dh"], cells["sigma"] = dh.dh.values[ok], dh.dh_sigma.values[ok]
        seen = cells[np.isfinite(cells["dh"])]
        found = cells.groupby("band_low")["area"].sum().to_frame()
        found["observed_area"] = seen.groupby("band_low")["area"].sum()
        found["n_cells"] = seen.groupby("band_low").size()
        for column, value in (("volume_change", "dh"), ("dh_sigma", "sigma")):
            found[column] = (seen[value] * seen["area"]).groupby(seen["band_low"]).sum()
        found = found.fillna(0.0)
        found["mean_dh"] = found["volume_change"] / found["observed_area"]
        found["dh_sigma"] /= found["observed_area"]
        found["volume_change"] /= 1000
        found["unobserved_share"] = 1 - found["observed_area"] / found["area"]
        found["band_high"] = found.index + band
        parts.append(found.reset_index().assign(region=region))
    expected = pd.concat(parts) if parts else table[:0]
    iced = table[table["area"] > 0]  # bands between others may be empty
    text = "bands of elevation from the cells of the finest grid"
    return same_rows(name, iced, expected, ["region", "band_low"], text, scales={"unobserved_share": 1.0})


def transect(name, line, layer, surface, lonlat):
    """
    Check a transect's change and heights, bilinear in the grids at its points, and its points on the study's line.

    Parameters
    ----------
    line : Dataset (time, distance) of transects.nc
    lonlat : the study's vertices, None where not known
    """
    if line.sizes["time"] != layer.sizes["time"]:
        return same(f"transects/{name}", {"time": (line["time"].values, layer.time.values)}, "epochs of the grids")
    x, y, k = line["x"].values, line["y"].values, layer.delta_h.values
    delta = np.stack([bilinear(one, layer.x.values, layer.y.values, x, y) for one in k])
    sigma = np.stack([bilinear(one, layer.x.values, layer.y.values, x, y) for one in layer.delta_h_sigma.values])
    known = np.isfinite(delta)
    to_map = pyproj.Transformer.from_crs("EPSG:4326", layer.attrs["crs"], always_xy=True)
    mx, my = to_map.transform(line["longitude"].values, line["latitude"].values)
    steps = pyproj.Geod(ellps="WGS84").inv(
        line["longitude"].values[:-1],
        line["latitude"].values[:-1],
        line["longitude"].values[1:],
        line["latitude"].values[1:],
    )[2]
    columns = {
        "delta_h": (line["delta_h"].values[known], delta[known]),
        "delta_h_sigma": (line["delta_h_sigma"].values[known], sigma[known]),
        "dh": (line["dh"].values[known], (delta - delta[:1])[known]),
        "x": (x, mx),
        "y": (y, my),
        "distance": (np.diff(line["distance"].values), steps),
        "time": (line["time"].values, layer.time.values),
    }
    if surface is not None and "h" in line:
        sx, sy = surface.x.values, surface.y.values
        h, h_sigma = (bilinear(surface[n].values, sx, sy, x, y) for n in ("h", "h_sigma"))
        known = known & np.isfinite(h + h_sigma)
        columns["h"] = line["h"].values[known], (h + delta)[known]
        columns["h_sigma"] = line["h_sigma"].values[known], np.hypot(h_sigma, sigma)[known]
    if lonlat is not None:
        first, last = np.asarray(lonlat, dtype=float)[[0, -1]]
        ends = np.column_stack([line["longitude"].values, line["latitude"].values])[[0, -1]]
        columns["ends"] = ends, np.stack([first, last])
    return same(
        f"transects/{name}",
        columns,
        f"the grids at the points of {name}",
        scales={"x": 1e3, "y": 1e3, "dh": 1.0, "delta_h": 1.0},
    )
