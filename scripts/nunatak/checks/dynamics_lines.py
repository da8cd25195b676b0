"""What joins elevation and velocity along flowlines and by region, held against the maps it was made from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj
from scipy import stats
from scipy.interpolate import RegularGridInterpolator

from nunatak.checks.same import same, same_rows
from nunatak.dynamics.surface import yearly_change
from nunatak.elevation import cell_coverage
from nunatak.geometry.grid import Grid, map_scale
from nunatak.geometry.outlines import ALTIMETRY_REGION

_ROWS = 400  # of flowlines that are looked up in the maps
_SIZES = {"dh": 1.0, "dhdt": 0.1, "v_change": 10.0, "strain": 1e-3}  # by which differences of values near 0 are divided
_LINE = ("v", "v_change", "dh", "thickness", "surface")


def checks(results, record):
    """
    Check the results along flowlines, of regions by year, and of lags.

    Parameters
    ----------
    results : Opened
    record : Dataset of `dynamics.surface.yearly_change`, None for a study without height change
    """
    found, lines = [], results.get("flowline_years")
    if lines is not None:
        found += [line_again(lines, results["annual"], results["thickness"], record), line_closes(lines)]
    if "basin_years" in results:
        maps = results["annual"], results["thickness"], record
        found.append(regions_again(results["basin_years"], results["regions"], *maps))
    if "lags" in results:
        found.append(lags_again(results["lags"], results["basin_years"], lines))
    return found


def record_of(results):
    """Return the height change that a study's thickness follows, by decimal year, or None where it has none."""
    if "record" in results:
        return yearly_change(results["record"])
    return yearly_change(next(iter(results.layers.values()))[0]) if results.layers else None


def line_again(lines, annual, thickness, record):
    """Check speed, thickness and rate of height change of some points of flowlines, looked up in the maps again."""
    rows = lines.iloc[np.unique(np.linspace(0, len(lines) - 1, min(_ROWS, len(lines))).astype(int))]
    x, y = (rows[name].to_numpy(float) for name in ("x", "y"))
    k = np.searchsorted(annual["year"].values, rows["year"])
    vx, vy, error = (_of_layers(annual, name, k, x, y) for name in ("vx", "vy", "v_error"))
    columns = {
        "v": (rows["v"], np.hypot(vx, vy)),
        "v_error": (rows["v_error"], np.where(np.isfinite(vx), error, np.nan)),
    }
    columns["strain"] = rows["strain"], _strain(rows, lines, annual, k)
    if record is not None:
        start, end = (annual[name].values[k] for name in ("year_start", "year_end"))
        whole = _held(record, start, end)
        rate, sigma = _rate(record, start, end, x, y, annual.attrs["crs"])
        columns["dhdt"] = rows["dhdt"], np.where(whole, rate, np.nan)
        columns["dhdt_sigma"] = rows["dhdt_sigma"], np.where(whole, sigma, np.nan)
        dates = (start + end) / 2, np.full(x.size, float(thickness.attrs["reference_year"]))
        later, of_map = (_at(record, "dh", when, x, y, annual.attrs["crs"]) for when in dates)
        depth = _look_up(thickness, thickness["thickness"].values, x, y)
        known = np.isfinite(later - of_map) & (depth > 0)
        columns["thickness"] = rows["thickness"][known], np.maximum(depth + later - of_map, 0)[known]
    text = "speed, strain, thickness and height change at points of flowlines from the maps"
    return same("flowline_years/again", columns, text, limit=1e-3, scales=_SIZES)


def _strain(rows, lines, annual, k):
    """Return the strain at points of flowlines, from the speeds half a length up and down the line."""
    strain = np.full(len(rows), np.nan)
    for name, line in lines.drop_duplicates(["flowline", "distance"]).groupby("flowline"):
        own = (rows["flowline"] == name).to_numpy()
        half = float(lines.attrs["attributes"][f"{name}_half_length"])
        path, ends = line.sort_values("distance"), []
        along = path["distance"].to_numpy()
        for at in (rows["distance"][own] - half, rows["distance"][own] + half):
            x, y = (np.interp(at, along, path[axis], left=np.nan, right=np.nan) for axis in ("x", "y"))
            ends.append(np.hypot(*(_of_layers(annual, part, k[own], x, y) for part in ("vx", "vy"))))
        strain[own] = (ends[1] - ends[0]) / (2 * half)
    return strain


def line_closes(lines):
    """Check that changes of speed and height along flowlines are differences between the values of the years."""
    columns = {}
    about = lines.attrs["attributes"]
    for name, own in lines.groupby("flowline"):
        table = {key: own.pivot(index="year", columns="distance", values=key) for key in _LINE}
        since = table["v"].loc[int(about[f"{name}_v_since"])]
        columns[f"v_change of {name}"] = table["v_change"], table["v"] - since
        dh = table["dh"].dropna(how="all")
        for key in ("thickness", "surface"):
            moved = table[key].loc[dh.index]
            moved = moved - moved.iloc[:1].to_numpy() if len(dh) else moved
            known = dh.notna() & moved.notna()
            columns[f"dh of {name} by {key}"] = dh.to_numpy()[known], moved.to_numpy()[known]
    scales = {column: _SIZES[column.split(" of ")[0]] for column in columns}
    text = "changes along flowlines from the years' values"
    return same("flowline_years/closes", columns, text, limit=1e-3, scales=scales)


def regions_again(table, outlines, annual, thickness, record):
    """
    Check speed and height change of every region and year, added up again, and errors within what correlation allows.
    """
    grid = Grid.of(annual)
    gx, gy = np.meshgrid(grid.x, grid.y)
    cell = grid.dx * grid.dy / map_scale(grid.crs, gx, gy) ** 2 * (thickness["thickness"].values > 0)
    parts = {name: outline for name, outline in outlines.items() if name != ALTIMETRY_REGION}
    areas = {name: cell * cell_coverage(grid, outline.projected(grid.crs)) for name, outline in parts.items()}
    names = ["speed_sigma", "dhdt_sigma"]
    errors = table.set_index(["region", "year"])[names].to_dict("index")
    mean, rows = annual["v_mean"].values, []
    for year in annual["year"].values:
        layer = annual.sel(year=year)
        v, start, end = layer["v"].values, float(layer["year_start"]), float(layer["year_end"])
        rate, sigma = _rate_map(record, start, end, gx, gy, grid.crs)
        for name, area in ((name, area) for name, area in areas.items() if area.any()):
            faster, speed_share, speed_bounds = _mean(v - mean, area, layer["v_error"].values)
            dhdt, dhdt_share, dhdt_bounds = _mean(rate, area, sigma)
            stated = errors.get((name, year), dict.fromkeys(names, np.nan))
            expected = {"region": name, "year": year, "area": area.sum() / 1e6, "speed": _mean(mean, area)[0] + faster}
            expected |= {"speed_share": speed_share, "dhdt": dhdt, "dhdt_share": dhdt_share}
            expected["speed_sigma"] = np.clip(stated["speed_sigma"], *speed_bounds)
            expected["dhdt_sigma"] = np.clip(stated["dhdt_sigma"], *dhdt_bounds)
            rows.append(expected)
    text = "speed and height change of regions from the cells of the maps, and errors from their bounds"
    scales = {"dhdt": 0.1, "dhdt_share": 1.0, "speed_share": 1.0}
    return same_rows(
        "basin_years/again", table, pd.DataFrame(rows), ["region", "year"], text, limit=1e-3, scales=scales
    )


def _mean(values, area, sigma=None):
    """Return the mean by area, the share of the area that has a value, and the least and largest error of the mean."""
    seen = np.isfinite(values) & (area > 0)
    if not seen.any():
        return np.nan, 0.0, (np.nan, np.nan)
    weight = area[seen] / area[seen].sum()
    bounds = (np.nan, np.nan)
    if sigma is not None:
        error = np.nan_to_num(sigma[seen], nan=float(np.nanmedian(sigma[seen])))
        bounds = float(np.sqrt(np.sum((weight * error) ** 2))) * 0.999, float(np.sum(weight * error)) * 1.001
    return float(np.sum(weight * values[seen])), float(area[seen].sum() / area.sum()), bounds


def lags_again(lags, regions, lines):
    """Check correlation, number of years and of independent ones of every place and lag, from the years' values."""
    series = {("region", name, 0.0): own for name, own in regions.groupby("region")}
    if lines is not None:
        at = lags[lags["place"] == "flowline"].groupby("name")["distance"].unique()
        lines = lines.rename(columns={"v": "speed"}).assign(distance=lines["distance"].round(2))
        for name, own in lines.groupby("flowline"):
            near = own[own["distance"].isin(np.round(at.get(name, []), 2))]
            series |= {("flowline", name, distance): rows for distance, rows in near.groupby("distance")}
    rows = []
    for (place, name, distance), own in series.items():
        years = own.set_index("year")[["speed", "dhdt"]].sort_index()
        years = years.reindex(range(int(years.index.min()), int(years.index.max()) + 1))
        for kind in ("values", "detrended"):
            pair = years if kind == "values" else years.apply(_without_trend)
            for lag in sorted(lags["lag"].unique()):
                told = _correlated(pair["speed"], pair["dhdt"].shift(-lag), lag, kind == "detrended")
                rows.append({"place": place, "name": name, "distance": distance, "series": kind, "lag": lag, **told})
    found = lags.assign(distance=lags["distance"].fillna(0.0).round(2))
    keys = ["place", "name", "distance", "series", "lag"]
    text = "correlations by lag from the speed and height change of the years"
    sizes = {"correlation": 1.0, "p": 1.0}
    return same_rows("lags/again", found, pd.DataFrame(rows), keys, text, limit=1e-3, scales=sizes)


def _without_trend(values):
    known = values.dropna()
    if len(known) < 3:
        return values * np.nan
    fit = stats.linregress(known.index, known)
    rest = values - fit.intercept - fit.slope * values.index
    return rest.where(rest.abs() > 1e-9 * np.ptp(known), rest * 0)


def _correlated(first, second, lag, fitted):
    """Return what lags.csv says of two series, by way of pandas."""
    window = first.index[: first.size - lag] if lag >= 0 else first.index[-lag:]
    a, b = first.loc[window], second.loc[window]
    both = a.notna() & b.notna()
    n = int(both.sum())
    if n < 3 + fitted or not np.ptp(a[both]) or not np.ptp(b[both]):
        return {"correlation": np.nan, "n": n, "n_effective": np.nan, "p": np.nan}
    r, alike = a.corr(b), _persistence(a) * _persistence(b)
    effective = np.clip(n * (1 - alike) / (1 + alike) - fitted, 2, n - fitted)
    p = np.nan
    if effective >= 3:
        p = 2 * stats.t.sf(abs(r) * np.sqrt((effective - 2) / max(1 - r**2, 1e-12)), effective - 2)
    return {"correlation": r, "n": n, "n_effective": effective, "p": p}


def _persistence(values):
    before, after = values.iloc[:-1].to_numpy(), values.iloc[1:].to_numpy()
    known = np.isfinite(before) & np.isfinite(after)
    if known.sum() < 4 or not np.ptp(before[known]) or not np.ptp(after[known]):
        return 0.0
    return float(pd.Series(before[known]).corr(pd.Series(after[known])))


def _held(record, start, end):
    """Return whether a record holds years whole."""
    first, last = record["year"].values[[0, -1]]
    return (start >= first - 0.05) & (end <= last + 0.05)


def _rate_map(record, start, end, gx, gy, crs):
    """Return the rate of height change of a year and its error on the cells of a map."""
    if record is None or not _held(record, start, end):
        return np.full(gx.shape, np.nan), np.full(gx.shape, np.nan)
    first, last = np.full(gx.size, start), np.full(gx.size, end)
    rate, sigma = _rate(record, first, last, gx.ravel(), gy.ravel(), crs)
    return rate.reshape(gx.shape), sigma.reshape(gx.shape)


def _rate(record, start, end, x, y, crs):
    """Return the rate between two dates of each point, and its error."""
    first, last = record["year"].values[[0, -1]]
    start, end = np.clip(start, first, last), np.clip(end, first, last)
    names = [name for name in ("dh", "dh_sigma", "dh_shared", "dh_shape") if name in record]
    ends = {name: [_at(record, name, when, x, y, crs) for when in (start, end)] for name in names}
    sigma = np.hypot(*ends["dh_sigma"])
    for name in names[2:]:
        sigma = np.hypot(sigma, ends[name][1] - ends[name][0])
    with np.errstate(divide="ignore", invalid="ignore"):
        return (ends["dh"][1] - ends["dh"][0]) / (end - start), sigma / (end - start)


def _at(record, name, when, x, y, crs):
    """Return a variable of a record at a date of each point, linear in time, bilinear in space."""
    if pyproj.CRS.from_user_input(crs) != pyproj.CRS.from_user_input(record.attrs["crs"]):
        x, y = pyproj.Transformer.from_crs(crs, record.attrs["crs"], always_xy=True).transform(x, y)
    epochs, out = record["year"].values, np.zeros(x.size)
    place = np.interp(np.clip(when, epochs[0], epochs[-1]), epochs, np.arange(epochs.size))
    before = np.floor(place).astype(int)
    for k, weight in ((before, 1 - (place - before)), (np.ceil(place).astype(int), place - before)):
        needed = weight > 0
        out[needed] += weight[needed] * _of_layers(record, name, k[needed], x[needed], y[needed])
    return out


def _of_layers(dataset, name, k, x, y):
    """Return a variable on (year, y, x) at points, bilinear in the layer that `k` names for each."""
    out = np.full(x.size, np.nan)
    for layer in np.unique(k):
        out[k == layer] = _look_up(dataset, dataset[name].isel(year=int(layer)).values, x[k == layer], y[k == layer])
    return out


def _look_up(dataset, values, x, y):
    """
    Return a layer at points, bilinear.

    The result is NaN outside and beside missing cells.
    """
    up = slice(None, None, -1) if dataset["y"].values[0] > dataset["y"].values[-1] else slice(None)
    axes = dataset["y"].values[up], dataset["x"].values
    return RegularGridInterpolator(axes, np.asarray(values, float)[up], bounds_error=False)(np.column_stack([y, x]))
