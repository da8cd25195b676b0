"""Strain rates, series, flowlines, gates and counts of speeds held against the annual maps they are made from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj
import shapely

from nunatak import velocity
from nunatak.checks.check import not_applicable
from nunatak.checks.same import bilinear, same, same_rows
from nunatak.checks.years import by_year
from nunatak.parameters.velocity import Gate
from nunatak.times import decimal_year

_POINTS = 400  # of maps and tables that are looked up


def checks(results, settings, cube):
    """
    Check what is made from the annual maps.

    Parameters
    ----------
    results : Opened
    settings : mapping of the study's keys, with their defaults
    cube : Dataset of `itslive.store.open_cube`, None where it is not there
    """
    annual, found = results["annual"], []
    if "strain" in results:
        found.append(strain(results["strain"], annual))
    if "speeds" in results:
        found.append(speeds(results["speeds"], annual, results.get("image_pairs")))
    if "velocity_series" in results:
        found += series(results["velocity_series"], annual, cube, settings.get("points") or {})
    if "flowline" in results:
        found.append(flowline(results["flowline"], annual))
    if "gates" in results:
        found.append(gates(results["gates"], annual, settings.get("gates") or {}))
    return found


def strain(dataset, annual):
    """Check strain rates at some cells: differences of the mean velocity over the length that the file states."""
    name, r = "strain", float(dataset.attrs["half_length"])
    seen = np.argwhere(np.isfinite(dataset["exx"].values))
    if not len(seen):
        return not_applicable(name, "no cell has a strain rate")
    i, j = seen[np.unique(np.linspace(0, len(seen) - 1, min(_POINTS, len(seen))).astype(int))].T
    x, y = dataset["x"].values[j], dataset["y"].values[i]

    def at(key, px, py):
        return bilinear(annual[f"{key}_mean"].values, annual["x"].values, annual["y"].values, px, py)

    length = 2 * r / _map_scale(annual.attrs["crs"], x, y)
    exx, eyy = ((at("vx", x + r, y) - at("vx", x - r, y)) / length, (at("vy", x, y + r) - at("vy", x, y - r)) / length)
    exy = (at("vx", x, y + r) - at("vx", x, y - r) + at("vy", x + r, y) - at("vy", x - r, y)) / (2 * length)
    vx, vy = at("vx", x, y), at("vy", x, y)
    c, s = vx / np.hypot(vx, vy), vy / np.hypot(vx, vy)
    expected = {
        "exx": exx,
        "eyy": eyy,
        "exy": exy,
        "e_lon": exx * c**2 + 2 * exy * c * s + eyy * s**2,
        "e_trn": exx * s**2 - 2 * exy * c * s + eyy * c**2,
        "e_shr": (eyy - exx) * c * s + exy * (c**2 - s**2),
        "e_eff": np.sqrt((exx**2 + eyy**2) / 2 + exy**2),
    }
    known = np.isfinite(exx + eyy + exy + vx)
    columns = {key: (dataset[key].values[i, j][known], v[known]) for key, v in expected.items()}
    error = np.hypot(annual["vx_mean_error"].values[i, j], annual["vy_mean_error"].values[i, j]) / length
    if "sigma" in dataset:
        columns["sigma"] = dataset["sigma"].values[i, j][known], error[known]
    return same(name, columns, "strain rates of the mean velocity", limit=1e-2)


def _map_scale(crs, x, y):
    """Map length over true length at points."""
    proj = pyproj.Proj(crs)
    lon, lat = proj(x, y, inverse=True)
    return np.sqrt(proj.get_factors(lon, lat).areal_scale)


def speeds(table, annual, pairs):
    """Check counts of speeds: of the annual maps class by class, of single pairs in all."""
    edges = np.append(table["low"].to_numpy(), table["high"].iloc[-1])
    counts = sum(np.histogram(v[np.isfinite(v)], edges)[0] for (v,) in by_year(annual, "v"))
    columns = {"annual": (table["annual"], counts)}
    if pairs is not None and "valid_cells" in pairs:
        most = float(pairs.loc[pairs["fate"] == "used", "valid_cells"].sum())
        total = float(table["pairs"].sum())
        # those above the last class are in none
        columns["pairs"] = (np.array([total]), np.array([min(max(total, 0.99 * most), most)]))
    return same("speeds", columns, "counts of speeds by class")


def series(table, annual, cube, points):
    """
    Check the series at points: annual means and model from the map, single pairs from the cube.

    Parameters
    ----------
    points : the study's points by name, longitude and latitude
    """
    to_map = pyproj.Transformer.from_crs("EPSG:4326", annual.attrs["crs"], always_xy=True)
    found, text = [], "the series"
    for name, rows in table.groupby("point", observed=True):
        x, y = to_map.transform(*points[name]) if name in points else rows[["x", "y"]].iloc[0]
        columns = {"x": (rows["x"], np.full(len(rows), x)), "y": (rows["y"], np.full(len(rows), y))}
        parts = {kind: part.sort_values("time") for kind, part in rows.groupby("kind", observed=True)}
        if "annual" in parts:
            columns |= _annual_means(parts["annual"], annual, x, y)
        if "model" in parts:
            again = velocity.model_series(annual, x, y, parts["model"]["time"].to_numpy())
            columns |= {f"model {key}": (parts["model"][key], again[key]) for key in ("v", "v_error")}
        if "pair" in parts and cube is not None:
            again = velocity.point_series(cube, {name: (x, y)}).sort_values("time")
            keys = ["vx", "vy", "v", "time"]
            columns |= {f"pair {key}": (np.sort(parts["pair"][key]), np.sort(again[key])) for key in keys}
        scales = {"x": 1e3, "y": 1e3, "annual vx": 100.0, "annual vy": 100.0, "pair vx": 100.0, "pair vy": 100.0}
        found.append(
            same(f"velocity_series/{name}", columns, f"{text} at {name} from map and cube", limit=1e-3, scales=scales)
        )
    return found


def _annual_means(part, annual, x, y):
    """Return the annual means of a series beside those of the map at its point."""
    year = np.floor(decimal_year(part["time"].to_numpy()) + 1e-6)
    middle = (annual["year_start"].values + annual["year_end"].values) / 2
    number = {int(np.floor(m + 1e-6)): k for k, m in enumerate(middle)}
    columns = {"annual years": ([y in number for y in year], np.ones(len(part), bool))}
    known = [k for k in (number.get(y) for y in year) if k is not None]
    for key in ("vx", "vy", "vx_error", "vy_error", "v_error"):
        at = np.array(
            [
                bilinear(
                    annual[key].isel(year=k).values,
                    annual["x"].values,
                    annual["y"].values,
                    np.array([x]),
                    np.array([y]),
                )[0]
                for k in known
            ]
        )
        own = part[key].to_numpy()[: len(at)]
        seen = np.isfinite(at)
        columns[f"annual {key}"] = own[seen], at[seen]
    columns["annual v"] = part["v"], np.hypot(part["vx"], part["vy"])
    columns["annual time"] = decimal_year(part["time"].to_numpy())[: len(known)] * 10, middle[known] * 10
    return columns


def flowline(table, annual):
    """
    Check that velocity along flowlines is that of the maps, that lines follow the flow, and their travel times.

    Distances are on the ground; the time between two points is their distance times the mean of what a metre takes at
    both.
    """
    if not len(table):
        return not_applicable("flowline", "the study has no flowline")
    columns, years = {}, list(annual["year"].values)
    for (name, year), rows in table.groupby(["flowline", "year"]):
        rows = rows.sort_values("distance")
        some = rows.iloc[:: max(len(rows) // _POINTS, 1)]
        k = years.index(year) if year in years else None
        for key in ("vx", "vy", "v_error"):
            field = (
                annual[f"{key}_mean" if key != "v_error" else "v_mean_error"].values
                if year == 0
                else annual[key].isel(year=k).values
                if k is not None
                else np.full(annual["v0"].shape, np.nan)
            )
            at = bilinear(field, annual["x"].values, annual["y"].values, some["x"].to_numpy(), some["y"].to_numpy())
            seen = np.isfinite(at)
            columns[f"{key} of {name} in {year}"] = some[key].to_numpy()[seen], at[seen]
        columns[f"v of {name} in {year}"] = rows["v"], np.hypot(rows["vx"], rows["vy"])
        columns[f"year {year}"] = [year == 0 or k is not None], [True]
        if year == 0 and len(rows) > 2:
            columns |= _along(name, rows, annual.attrs["crs"])
    scales = {key: 100.0 for key in columns if key.startswith(("vx", "vy"))}
    return same("flowline", columns, "flowlines from the maps", limit=1e-2, scales=scales)


def _along(name, rows, crs):
    """Compute distance, direction and travel time of the points of a flowline from one another."""
    dx, dy = np.diff(rows["x"]), np.diff(rows["y"])
    step = np.hypot(dx, dy) / _map_scale(crs, rows["x"].to_numpy()[:-1] + dx / 2, rows["y"].to_numpy()[:-1] + dy / 2)
    v = rows["v"].to_numpy()
    slowness = (1 / v[1:] + 1 / v[:-1]) / 2  # years per metre, which slow ice changes by much from point to point
    # from one point to the next the flow turns, by tens of degrees where slow ice is noisy
    vx, vy = (rows[name].to_numpy()[1:] + rows[name].to_numpy()[:-1] for name in ("vx", "vy"))
    ahead = (vx * dx + vy * dy) / np.hypot(vx, vy) / np.hypot(dx, dy)
    error = rows["v_error"].to_numpy()
    ahead = ahead[
        ~(np.fmin(v[1:], v[:-1]) < np.fmax(error[1:], error[:-1]))
    ]  # slower than its error, it has no direction
    return {
        f"distance of {name}": (np.diff(rows["distance"]), step),
        f"travel time of {name}": (np.diff(rows["travel_time"]), step * slowness),
        f"direction of {name}": (np.clip(ahead, -1, 0.95), np.full(ahead.size, 0.95)),
    }


def gates(table, annual, asked):
    """
    Check the flux through gates by working it out again from each year's map.

    The discharge is worked out from the flux at gates whose thickness is one number.

    Parameters
    ----------
    asked : the study's gates by name
    """
    if not len(table):
        return not_applicable("gates", "no year has a velocity on a gate")
    to_map = pyproj.Transformer.from_crs("EPSG:4326", annual.attrs["crs"], always_xy=True)
    stated_thickness = {name: gate.get("thickness") for name, gate in asked.items()}
    numbers = {name: float(value) for name, value in stated_thickness.items() if isinstance(value, int | float)}
    expected = []
    for name, gate in ((name, Gate(**stated)) for name, stated in asked.items()):
        vertices = np.column_stack(to_map.transform(*np.asarray(gate.lonlat, dtype=float).T))
        for k, year in enumerate(annual["year"].values):
            field = annual[["vx", "vy", "vx_error", "vy_error"]].isel(year=k)
            inside = velocity.Field(field, ("vx", "vy"))(*_points_of(vertices, gate.step).T)[0]
            if not np.isfinite(inside).any():
                continue
            flux = velocity.flux_gate(field, vertices, 1.0, crs=annual.attrs["crs"], spacing=gate.step)
            parts = flux.segments
            area, error = (float((parts[c] * parts["width"]).sum()) / 1e6 for c in ("v_across", "v_across_error"))
            row = {
                "gate": name,
                "year": int(year),
                "width": flux.width,
                "observed_share": flux.observed_share,
                "angle": flux.angle,
                "area_flux": area,
                "area_flux_sigma": error,
                "discharge": area * numbers.get(name, np.nan) * gate.density / 1e6,
            }
            expected.append(row)
    rows = pd.DataFrame(expected) if expected else table[:0]
    found = table if not numbers else table.assign(discharge=table["discharge"].where(table["gate"].isin(numbers)))
    columns = None if numbers else [name for name in rows if name != "discharge"]
    text = "fluxes from the maps of the years"
    return same_rows("gates", found, rows, ["gate", "year"], text, columns=columns, limit=1e-3)


def _points_of(vertices, step):
    line = shapely.LineString(vertices)
    at = np.linspace(0, line.length, max(int(line.length / step), 2))
    return shapely.get_coordinates(shapely.line_interpolate_point(line, at))
