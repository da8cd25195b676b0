"""Rates, tracks and thinned heights held against the rows along the tracks that they were made from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj

from nunatak import elevation, photons
from nunatak.checks.check import not_applicable, within
from nunatak.checks.same import same, same_rows
from nunatak.constants import SIGMA_PASS
from nunatak.elevation import filters
from nunatak.elevation.consistency import at_times
from nunatak.elevation.rate_map import RADIUS
from nunatak.geometry.grid import Grid
from nunatak.times import decimal_year

KEYS = ["rgt", "pair", "ref_pt"]
# product: where its rows are, its names of beam, of the number along the track, and of the height
ROWS = {
    "atl06": ("points_atl06", "beam", "segment_id", "h_li"),
    "atl11": ("points_atl11", "pair", "ref_pt", "h_corr"),
    "atl06sr": ("fitted", "beam", "segment_id", "h_mean"),
}
_SAMPLE = 60  # points that are fitted again
_WINDOW = 12  # cells of the map of rates that are made again, along either axis
_SCALE = {"longitude": 1.0, "latitude": 1.0, "x": 1e3, "y": 1e3, "h": 1.0, "h_low": 1.0, "h_high": 1.0}
# Points that are compared with the grid, and of the least change that a factor can be told from
_ENOUGH, _LEAST_CHANGE = 100, 0.2
# ATL15 is made from ATL11 and smoothed: rates over the same time agree in the median and in scale. Not verified on a
# real region that has both.
GRID_MEDIAN, GRID_SCALE = 0.1, (0.9, 1.1)


def checks(results, settings):
    """
    Check rates, their map and report, tracks and thinned heights.

    Parameters
    ----------
    results : Opened; its chunks `points_atl06`, `points_atl11`, `fitted` where the study has them
    settings : mapping of the study's keys, with their defaults
    """
    asked, found = settings.get("products") or {}, []
    if "rates" in results:
        points, whole = results.rows("points_atl11")
        left_out = results.get("track_report")
        found.append(fitted_again(results["rates"], points, whole, left_out, asked.get("atl11") or {}))
        found.append(rates_against_grid(results["rates"], results.layers))
        if "rates_map" in results:
            found.append(rates_map(results["rates_map"], results["rates"]))
        if left_out is not None:
            found.append(track_report(left_out, results["rates"], points, whole, asked.get("atl11") or {}))
    if "heights" in results:
        for product in results["heights"]["product"].unique():
            rows, whole = results.rows(ROWS[product][0])
            found.append(heights(product, results["heights"], rows, whole, asked.get(product) or {}))
    if "track" in results:
        for product in results["track"]["product"].unique():
            found.append(track(product, results["track"], results.rows(ROWS[product][0])[0], asked.get(product) or {}))
    if "tracks" in results:
        for product in results["tracks"]["product"].unique():
            found.append(tracks(product, results["tracks"], *results.rows(ROWS[product][0])))
    return found


def usable(product, rows, asked):
    """
    Return which rows pass the study's filter, as (n,) bool.

    Fitted heights pass where their flag is good.
    """
    if product == "atl11":
        return elevation.usable(rows, quality=asked.get("filter", "standard") == "standard")
    if product == "atl06":
        return np.asarray(filters.keep(rows, asked.get("filter", "standard")))
    return np.asarray(rows["pflags"] == 0) if "pflags" in rows else np.ones(len(rows), bool)


def fitted_again(rates, points, whole, report, asked):
    """
    Check rates of some points against least squares from the heights of ATL11 at their places.

    Parameters
    ----------
    rates : rates.parquet
    points : rows of ATL11; whole : whether these are all
    report : track_report.csv, which names the passes that do not count; None without
    asked : the study's `atl11`
    """
    name = "point_rates/fitted_again"
    if points is None:
        return not_applicable(name, "the rows of ATL11 are not here")
    limit = asked.get("max_slope", np.inf)
    good = points[elevation.usable(points, quality=asked.get("filter", "standard") == "standard", max_slope=limit)]
    if report is not None:
        bad = report[report["left_out"].astype(bool)][["rgt", "cycle"]].astype("i8")
        off = pd.MultiIndex.from_frame(good[["rgt", "cycle"]]).isin(pd.MultiIndex.from_frame(bad))
        good = good[~off]
    clean = rates[np.isfinite(rates["dhdt"]) & (rates["n_left_out"] == 0)]
    some = clean.iloc[np.unique(np.linspace(0, len(clean) - 1, min(_SAMPLE, len(clean))).astype(int))]
    good = good[good["rgt"].isin(some["rgt"]) & good["ref_pt"].isin(some["ref_pt"])]
    groups = {key: part for key, part in good.astype({"pair": str}).groupby(KEYS)}
    expected = []
    for row in some.itertuples():
        part = groups.get((row.rgt, str(row.pair), row.ref_pt), good[:0])
        if len(part) > 1 and (whole or len(part) == row.n_cycles):
            again = _line(part, np.isfinite(row.amplitude)) | _place(part)
            error = asked.get("max_error", np.inf)
            again |= {"rgt": row.rgt, "pair": str(row.pair), "ref_pt": row.ref_pt, "large": again["dhdt_sigma"] > error}
            expected.append(again)
        elif whole:
            expected.append({"rgt": row.rgt, "pair": "lost", "ref_pt": row.ref_pt})
    some = some.assign(large=some["flag"] & elevation.LARGE_ERROR > 0)
    again = pd.DataFrame(expected)
    if not whole and len(again):
        some = some[
            pd.MultiIndex.from_frame(some[KEYS].astype({"pair": str})).isin(pd.MultiIndex.from_frame(again[KEYS]))
        ]
    scales = {**_SCALE, "year": 100.0, "first_year": 100.0, "last_year": 100.0, "dhdt": 1.0, "h": 10.0}
    text = f"lines through the heights of {len(again)} points, by least squares"
    return same_rows(name, some if len(again) else some[:0], again, KEYS, text, limit=1e-3, scales=scales)


def _line(part, annual):
    """Compute slope, errors and what else the fit says of one point."""
    year, h = decimal_year(part["time"].to_numpy()), part["h_corr"].to_numpy("f8")
    sigma = part["h_corr_sigma"].to_numpy("f8")
    middle = np.sum(year / sigma**2) / np.sum(1 / sigma**2)
    columns = [np.ones(year.size), year - middle]
    if annual:
        columns += [np.cos(2 * np.pi * year), np.sin(2 * np.pi * year)]
    a = np.column_stack(columns) / sigma[:, None]
    x = np.linalg.lstsq(a, h / sigma, rcond=None)[0]
    chi2 = np.sum((h / sigma - a @ x) ** 2) / max(year.size - len(columns), 1)
    error = np.sqrt(np.diag(np.linalg.inv(a.T @ a)) * max(chi2, 1.0))
    one, two = np.triu_indices(year.size, 1)
    span = np.ptp(year)
    return {
        "dhdt": x[1],
        "dhdt_sigma": error[1],
        "dhdt_sigma_systematic": SIGMA_PASS / (span * np.sqrt(year.size / 12)),
        "dhdt_theil_sen": np.median((h[two] - h[one]) / (year[two] - year[one])),
        "h": x[0],
        "amplitude": np.hypot(*x[2:]) if annual else np.nan,
        "year": middle,
        "first_year": year.min(),
        "last_year": year.max(),
        "n_cycles": year.size,
    }


def _place(part):
    row = part.iloc[0]
    return {name: float(row[name]) for name in ("longitude", "latitude", "x", "y") if name in part}


def rates_against_grid(rates, layers):
    """
    Check rates of ATL11 against the height change of ATL15 at their places, over the time of each.

    The scale is the slope of one on the other through the origin, with the medians taken off; it tells where change
    differs from place to place.
    """
    name = "rates_against_atl15"
    if not layers:
        return not_applicable(name, "the study has no ATL15")
    layer, _ = next(iter(layers.values()))
    good = elevation.good_rates(rates)
    good = good[:: max(len(good) // 3000, 1)]
    to_map = pyproj.Transformer.from_crs("EPSG:4326", layer.attrs["crs"], always_xy=True)
    x, y = to_map.transform(good["longitude"].to_numpy(), good["latitude"].to_numpy())
    ends = [at_times(layer, x, y, good[n].to_numpy())[0] for n in ("first_year", "last_year")]
    gridded = (ends[1] - ends[0]) / (good["last_year"] - good["first_year"]).to_numpy()
    both = np.isfinite(gridded)
    if both.sum() < _ENOUGH:
        return not_applicable(name, f"{int(both.sum())} points have both over the same time, fewer than {_ENOUGH}")
    one, other = good["dhdt"].to_numpy()[both], gridded[both]
    text = f"of {int(both.sum())} rates of ATL11 and ATL15 over the same time at the same places"
    one, other = one - np.median(one), other - np.median(other)
    if np.std(other) < _LEAST_CHANGE:
        median = np.median(good["dhdt"].to_numpy()[both] - gridded[both])
        return within(name, median, -GRID_MEDIAN, GRID_MEDIAN, "m/yr", f"median difference {text}")
    return within(name, np.sum(one * other) / np.sum(other**2), *GRID_SCALE, "", f"slope {text}")


def rates_map(dataset, rates):
    """Check a window of the map of rates around the middle of the points, made again from them."""
    name = "rates_map"
    good, grid = elevation.good_rates(rates), Grid.of(dataset)
    if not len(good):
        return not_applicable(name, "no point has a rate without a flag")
    row, column = grid.cell_of(good["x"].to_numpy()[[len(good) // 2]], good["y"].to_numpy()[[len(good) // 2]])
    if row[0] < 0:
        return same(name, {"place": (np.zeros(1, bool), np.ones(1, bool))}, "points on their map")
    rows = slice(max(int(row[0]) - _WINDOW // 2, 0), int(row[0]) + _WINDOW // 2)
    columns = slice(max(int(column[0]) - _WINDOW // 2, 0), int(column[0]) + _WINDOW // 2)
    part = dataset.isel(y=rows, x=columns)
    cells = Grid.of(part)
    left, bottom, right, top = cells.bounds
    reach = RADIUS
    near = good[good["x"].between(left - reach, right + reach) & good["y"].between(bottom - reach, top + reach)]
    again = elevation.rate_map(near, cells)
    held = {key: (part[key].values, again[key].values) for key in again.data_vars}
    return same(name, held, "a window of the map, made again from the points")


def track_report(report, rates, points, whole, asked):
    """Check tracks beside the others and passes against their points, computed again from rates and heights."""
    name = "track_report"
    known = elevation.good_rates(rates)
    if len(known) > 100_000:
        return not_applicable(name, "it would take too long for so many points")
    again = elevation.track_outliers(known, elevation.residuals_to_other_tracks(known)).assign(cycle=0)
    if whole and points is not None:
        limit = asked.get("max_slope", np.inf)
        good = points[elevation.usable(points, quality=asked.get("filter", "standard") == "standard", max_slope=limit)]
        again = pd.concat([again, elevation.pass_residuals(good, rates, KEYS)], ignore_index=True)
    report = report.assign(cycle=report["cycle"].fillna(0).astype("i8"))
    if not whole:
        report = report[report["cycle"] == 0]
    columns = ["n", "median", "nmad", "z"]
    return same_rows(
        name,
        report,
        again.astype({"cycle": "i8"}),
        ["rgt", "cycle"],
        "medians of tracks and passes",
        columns=columns,
        scales={"median": 1.0, "nmad": 1.0},
    )


def heights(product, table, rows, whole, asked):
    """
    Check the heights of cells against the rows that lie in them.

    Where all rows are read, the lowest and the highest height, the number of rows and their times must be the same, and
    the median must lie between the two heights. Where not all are read, each of them must lie between the lowest and
    the highest of its cell.

    Parameters
    ----------
    table : heights.parquet, with the attributes `crs` and `cell`
    rows : of the product; whole : whether these are all
    """
    name = f"heights/{product}/from_rows"
    if rows is None:
        return not_applicable(name, f"the rows of {product} are not here")
    said, own = table.attrs["attributes"], table[table["product"] == product]
    cell = float(said["cell"].removesuffix(" m"))
    rows = photons.standard_names(rows)
    height = ROWS[product][3]
    rows = rows[usable(product, rows, asked) & np.isfinite(rows[height])]
    to_map = pyproj.Transformer.from_crs("EPSG:4326", said["crs"], always_xy=True)
    x, y = to_map.transform(rows["longitude"].to_numpy(), rows["latitude"].to_numpy())
    origin = own["x"].iloc[0] - cell / 2, own["y"].iloc[0] - cell / 2
    column, row = (np.floor((p - o) / cell).astype("i8") for p, o in zip((x, y), origin, strict=True))
    cells = rows.assign(i=row, j=column).groupby(["i", "j"])
    again = cells.agg(
        h_low=(height, "min"),
        h_high=(height, "max"),
        n=(height, "size"),
        time_first=("time", "min"),
        time_last=("time", "max"),
        middle=(height, "median"),
    ).reset_index()
    own = own.assign(
        i=np.rint((own["y"] - origin[1]) / cell - 0.5).astype("i8"),
        j=np.rint((own["x"] - origin[0]) / cell - 0.5).astype("i8"),
    )
    text = f"cells of {product} from {len(rows):,} rows"
    scales = {"n": 1.0, **dict.fromkeys(("h", "h_low", "h_high", "middle"), 100.0)}
    if whole:
        # the median of a cell is the mean of its chunks' medians: between lowest and highest, near the median of all
        own = own.assign(middle=own["h"].clip(own["h_low"], own["h_high"]))
        again = again.drop(columns="middle").merge(
            own[["i", "j", "h"]].rename(columns={"h": "middle"}), on=["i", "j"], how="left"
        )
        again["h"] = again["middle"].clip(again["h_low"], again["h_high"])
        return same_rows(name, own, again, ["i", "j"], text, limit=1e-5, scales=scales)
    both = own.merge(again, on=["i", "j"], suffixes=("", "_rows"))
    held = {
        "h_low": (np.minimum(both["h_low_rows"], both["h_low"]), both["h_low"]),
        "h_high": (np.maximum(both["h_high_rows"], both["h_high"]), both["h_high"]),
        "cells": ([len(both)], [len(again)]),
    }
    return same(name, held, text, limit=1e-5, scales=scales)


def track(product, table, rows, asked):
    """Check that places, heights, errors and filter flags of track.parquet are those of the product."""
    name = f"track/{product}"
    if rows is None:
        return not_applicable(name, f"the rows of {product} are not here")
    _, beam, along, height = ROWS[product]
    own = table[table["product"] == product]
    mine = rows[(rows["rgt"] == own["rgt"].iloc[0]) & rows[beam].astype(str).isin(own["beam"].unique())]
    columns = {beam: "beam", along: "number", height: "h", f"{height}_sigma": "h_sigma"}
    again = mine.assign(good=usable(product, mine, asked)).rename(columns=columns)
    keys = ["rgt", "beam", "cycle", "number"]
    again = own[keys].astype({"beam": str}).merge(again.astype({"beam": str}), on=keys)
    names = ["time", "longitude", "latitude", "x", "y", "h", "h_sigma", "good"]
    return same_rows(name, own, again, keys, f"rows of {product}", columns=names, scales=_SCALE, limit=1e-5)


def tracks(product, table, rows, whole):
    """
    Check counts, cycles and times of each track and beam against the rows.

    The nearest place must be that of one of the rows.
    """
    name = f"tracks/{product}"
    if rows is None or not whole:
        return not_applicable(name, f"not all rows of {product} are read")
    beam = ROWS[product][1]
    own = table[table["product"] == product]
    groups = rows.astype({beam: str}).groupby(["rgt", beam])
    again = groups.agg(
        n=("time", "size"), n_cycles=("cycle", "nunique"), time_first=("time", "min"), time_last=("time", "max")
    )
    again = again.reset_index().rename(columns={beam: "beam"})
    mine = own.groupby(["rgt", "beam"], as_index=False).agg(
        n=("n", "sum"),
        n_inside=("n_inside", "sum"),
        n_cycles=("n_cycles", "max"),
        time_first=("time_first", "min"),
        time_last=("time_last", "max"),
    )
    mine = mine.assign(**{key: pd.to_datetime(mine[key]).astype("M8[ns]") for key in ("time_first", "time_last")})
    again = again.merge(mine[["rgt", "beam"]], on=["rgt", "beam"])
    again["n_inside"] = (
        mine.set_index(["rgt", "beam"])["n_inside"]
        .reindex(pd.MultiIndex.from_frame(again[["rgt", "beam"]]))
        .clip(0, again["n"].to_numpy())
        .to_numpy()
    )
    if "nearest_latitude" in own:
        lon, lat = rows["longitude"].to_numpy(), rows["latitude"].to_numpy()
        ends = own[["nearest_longitude", "nearest_latitude"]].to_numpy()
        near = [bool((np.hypot(lon - at[0], lat - at[1]) < 1e-7).any()) for at in ends]
        if not all(near):
            return same(name, {"nearest": (near, np.ones(len(near), bool))}, f"places of {product}")
    return same_rows(name, mine, again, ["rgt", "beam"], f"rows of {product} by track and beam")
