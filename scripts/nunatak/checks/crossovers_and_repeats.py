"""Differences between passes and products held against the rows they are of, against themselves, and against ATL15."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj

from nunatak import elevation
from nunatak.checks.check import at_most, not_applicable
from nunatak.checks.points import usable
from nunatak.checks.same import same, same_rows
from nunatak.constants import DAYS_PER_YEAR
from nunatak.elevation import filters
from nunatak.elevation.consistency import at_times
from nunatak.elevation.crossovers import NOISE_DAYS
from nunatak.parameters.choices import read_choices
from nunatak.parameters.tracks import PassAdjustment, SurfaceFit
from nunatak.products import atl06_filters
from nunatak.times import decimal_year

_PAIRS = 5000  # that are looked up among the rows
_ENOUGH = 100
# m, of the median of differences less the change of ATL15 at the same places over the same time. ATL15 is smoothed
# over quarters and kilometres. Not verified on a real region that has both.
GRID_LIMIT = 0.3
BIAS_LIMIT = 0.5  # of the median standardised difference of passes that cross within days
_SCALE = {"longitude": 1.0, "latitude": 1.0, "dh": 1.0, "dh_uncorrected": 1.0, "slope_correction": 1.0, "z": 1.0}


def checks(results, settings):
    """
    Check crossovers, biases of passes, repeat pairs, rates around centres, agreement of products and filters.

    Parameters
    ----------
    results : Opened; its chunks `points_atl06` and `points_atl11` where the study has them
    settings : mapping of the study's keys, with their defaults
    """
    asked, found = settings.get("products") or {}, []
    of = asked.get("atl06") or {}
    segments, all_segments = results.rows("points_atl06")
    if "crossovers" in results:
        table = results["crossovers"]
        found.append(crossovers_close(table))
        for product, rows in table.groupby("product", observed=True):
            found.append(crossover_bias(product, rows))
        found.append(crossovers_again(table, segments, all_segments, of))
        found.append(crossings_at_points(table, results.rows("points_atl11")[0]))
        if "pass_biases" in results:
            found.append(biases(results["pass_biases"], table, settings.get("pass_biases") or {}))
    if "repeat_pairs" in results:
        pairs = results["repeat_pairs"]
        counts = results.get("repeat_counts")
        found += [pairs_close(pairs), pairs_of_rows(pairs, segments, all_segments), against_grid(pairs, results.layers)]
        if counts is not None:
            found.append(counts_close(counts, pairs))
    if "surface_rates" in results:
        found.append(
            around_centres(results["surface_rates"], segments, all_segments, of, settings.get("surface_rates") or {})
        )
    if "filters" in results:
        found.append(filters_close(results["filters"], segments, all_segments))
    if "agreement" in results:
        found.append(agreement_again(results, segments, all_segments, asked))
    return found


def crossovers_close(table):
    """Check differences, errors, days and standardised differences of crossovers from the heights of both passes."""
    t = table
    own, common = (
        np.hypot(t["h_sigma_1"], t["h_sigma_2"]),
        np.hypot(t["h_sigma_systematic_1"], t["h_sigma_systematic_2"]),
    )
    known = t["dh_common"].notna()
    columns = {
        "dh": (t["dh"], t["h_2"].astype("f8") - t["h_1"]),
        "dh_sigma_own": (t["dh_sigma_own"], own),
        "dh_sigma_common": (t["dh_sigma_common"], common),
        "dh_sigma": (t["dh_sigma"], np.hypot(own, common)),
        "z": (t["z"], t["dh"] / t["dh_sigma"]),
        "dt_days": (t["dt_days"], (t["time_2"] - t["time_1"]) / pd.Timedelta(days=1)),
        "order": (t["time_2"] >= t["time_1"], np.ones(len(t), bool)),
        "sign of z_own": (np.sign(t["z_own"])[known], np.sign(t["dh"] - t["dh_common"])[known]),
        "size of z_own": (
            np.abs(t["z_own"])[known],
            np.minimum(np.abs(t["z_own"]), np.abs(t["dh"] - t["dh_common"]) / own)[known],
        ),
    }
    return same("crossovers/close", columns, "columns of crossovers from the heights of both passes", scales=_SCALE)


def crossover_bias(product, table):
    """Check that passes that cross within days differ without a common sign: the later is not the higher one."""
    name = f"crossover_bias/{product}"
    passes = elevation.common_differences(table, max_days=NOISE_DAYS)
    if len(passes) < 10:
        return not_applicable(name, f"{len(passes)} pairs of passes cross within days, fewer than 10")
    limit = BIAS_LIMIT + 2.5 / np.sqrt(len(passes))
    text = f"median of the standardised differences of {len(passes)} pairs of passes within {NOISE_DAYS:g} days"
    return at_most(name, float(passes["z"].median()), limit, "", text)


def crossovers_again(table, segments, whole, asked):
    """Check crossovers of ATL06 between some tracks by finding them again from their segments."""
    name = "crossovers/again"
    own = table[table["product"] == "atl06"]
    if not len(own) or segments is None or not whole:
        return not_applicable(name, "there is no crossover of ATL06, or not all of its segments are read")
    pairs = own.groupby(["rgt_1", "rgt_2"]).size().sort_values().index
    one, two = pairs[len(pairs) // 2]
    both = segments[segments["rgt"].isin([one, two])]
    again = elevation.crossovers(both[usable("atl06", both, asked)])
    again["beam_1"], again["beam_2"] = again["beam_1"].astype(str), again["beam_2"].astype(str)
    own = own[own["rgt_1"].isin([one, two]) & own["rgt_2"].isin([one, two])]
    keys = ["rgt_1", "rgt_2", "cycle_1", "cycle_2", "beam_1", "beam_2"]
    text = f"crossovers of tracks {one} and {two} found again"
    columns = [
        "x",
        "y",
        "longitude",
        "latitude",
        "time_1",
        "time_2",
        "h_1",
        "h_2",
        "dh",
        "dh_sigma",
        "dh_common",
        "z_own",
    ]
    return same_rows(
        name,
        own,
        again,
        keys,
        text,
        columns=columns,
        scales={**_SCALE, "x": 1e3, "y": 1e3, "dh_common": 1.0, "z_own": 1.0},
    )


def crossings_at_points(table, points):
    """Check that heights of the reference track in crossovers of ATL11 are those of its points, at their places."""
    name = "crossovers/points"
    own = table[table["product"] == "atl11"]
    if not len(own) or points is None:
        return not_applicable(name, "there is no crossover of ATL11 with its rows")
    sides = []
    for k in "12":
        names = {f"{n}_{k}": n for n in ("rgt", "cycle", "beam", "time", "h", "h_sigma")}
        side = own[[*names, "x", "y"]].rename(columns=names)
        sides.append(side[side["beam"].astype(str).str.startswith("pt")])
    side = pd.concat(sides).astype({"beam": str})
    side = side.iloc[:: max(len(side) // _PAIRS, 1)]
    mine = points[points["rgt"].isin(side["rgt"].unique())]
    mine = mine.rename(columns={"pair": "beam", "h_corr": "h", "h_corr_sigma": "h_sigma"}).astype({"beam": str})
    side, mine = (t.assign(i=np.rint(t["x"]).astype("i8"), j=np.rint(t["y"]).astype("i8")) for t in (side, mine))
    keys = ["rgt", "cycle", "beam", "i", "j"]
    side = side.drop_duplicates(keys)
    again = side[keys].merge(mine.drop_duplicates(keys), on=keys)
    if not len(again) and len(side):  # crossings between the study's own tracks lie between points
        return not_applicable(name, "crossings are interpolated between points")
    return same_rows(
        name,
        side,
        again,
        keys,
        "heights of the reference tracks",
        columns=["time", "h", "h_sigma"],
        scales={"h": 1.0},
        limit=1e-3,
    )


def biases(table, crossovers, asked):
    """Check biases of passes by solving them again, and that differences are smaller without them."""
    options = read_choices(PassAdjustment, asked)
    parts = [
        elevation.pass_biases(rows, options=options).assign(product=product)
        for product, rows in crossovers.groupby("product", observed=True)
    ]
    again = pd.concat(parts) if parts else table[:0]
    found, again = (t.astype({"product": str}) for t in (table, again))
    keys, text = ["product", "rgt", "cycle"], "biases of passes from their crossovers"
    return same_rows("pass_biases", found, again, keys, text, scales={"bias": 1.0})


def pairs_close(pairs):
    """Check differences, slope corrections, errors, years and rates of repeat pairs from the heights of both passes."""
    p = pairs
    years = (p["time_second"] - p["time_first"]) / pd.Timedelta(days=DAYS_PER_YEAR)
    uncorrected = p["h_li_second"].astype("f8") - p["h_li_first"] if "h_li_first" in p else p["dh"]
    if not len(p) or "h_li_first" not in p:
        return not_applicable("repeat_pairs/close", "there is no pair with the heights of both passes")
    correction = p["dh_fit_dy"].astype("f8") * (p["y_atc_second"].astype("f8") - p["y_atc_first"])
    columns = {
        "dh_uncorrected": (p["dh_uncorrected"], uncorrected),
        "slope_correction": (p["slope_correction"], correction),
        "dh": (p["dh"], uncorrected - correction),
        "dh_sigma": (p["dh_sigma"], np.hypot(p["h_li_sigma_first"], p["h_li_sigma_second"])),
        "years": (p["years"], years),
        "dhdt": (p["dhdt"], p["dh"] / years),
        "strength_changed": (p["strength_changed"], p["spot_first"] % 2 != p["spot_second"] % 2),
    }
    return same("repeat_pairs/close", columns, "columns of repeat pairs from the heights of both passes", scales=_SCALE)


def pairs_of_rows(pairs, segments, whole):
    """Check that heights, errors, times, slopes and places of some pairs are those of their segments."""
    name = "repeat_pairs/segments"
    if segments is None or not len(pairs):
        return not_applicable(name, "there is no pair, or the segments of ATL06 are not here")
    own = pairs.iloc[:: max(len(pairs) // _PAIRS, 1)].astype({"beam": str})
    keys, columns = ["rgt", "beam", "segment_id"], ["time", "y_atc", "h_li", "h_li_sigma"]
    rows = segments[segments["rgt"].isin(own["rgt"].unique())].astype({"beam": str})
    expected = own[[*keys, "cycle_first", "cycle_second"]]
    for side in ("first", "second"):
        names = {n: f"{n}_{side}" for n in (*columns, "cycle", "dh_fit_dy")}
        part = rows[[*keys, "cycle", "dh_fit_dy", *columns, "latitude", "longitude"]].rename(columns=names)
        part = part if side == "first" else part.drop(columns=["latitude", "longitude"])
        expected = expected.merge(part, on=[*keys, f"cycle_{side}"], how="inner" if not whole else "left")
    slopes = expected[["dh_fit_dy_first", "dh_fit_dy_second"]].astype("f8")
    expected["dh_fit_dy"] = slopes.mean(axis=1)
    keys += ["cycle_first", "cycle_second"]
    own = own if whole else own.merge(expected[keys], on=keys)
    sides = [f"{n}_{side}" for n in columns for side in ("first", "second")]
    scales = {**_SCALE, "h_li_first": 1.0, "h_li_second": 1.0}
    return same_rows(
        name,
        own,
        expected,
        keys,
        "pairs and their segments",
        columns=[*sides, "dh_fit_dy", "latitude", "longitude"],
        scales=scales,
    )


def counts_close(counts, pairs):
    """Check that the pairs are those that were joined less those that lie too far apart."""
    keys = ["rgt", "beam", "cycle_first", "cycle_second"]
    if not len(counts):
        return not_applicable("repeat_counts", "no segments of two cycles were joined")
    pairs, counts = pairs.astype({"beam": str}), counts.astype({"beam": str})
    dy = pairs["y_atc_second"].astype("f8") - pairs["y_atc_first"].astype("f8")
    again = pairs.assign(dy=dy).groupby(keys).agg(n=("dy", "size"), median_dy=("dy", "median")).reset_index()
    near = counts.assign(n=counts["n_joined"] - counts["n_beyond"])
    clean = pd.Series(near["n_beyond"] == 0)  # where some lie beyond, the median is of these too
    near["median_dy"] = near["median_dy"].where(clean)
    some = near[near["n"] > 0]
    known = again.merge(some[keys].assign(clean=clean), on=keys, how="left")["clean"].eq(True)
    again["median_dy"] = again["median_dy"].where(known)
    return same_rows("repeat_counts", some, again, keys, "pairs by beam and cycles, of those joined", scales={"n": 1.0})


def against_grid(pairs, layers):
    """Repeat pairs against the change of ATL15 at their places between their times."""
    name = "repeat_pairs/against_atl15"
    if not layers or not len(pairs):
        return not_applicable(name, "the study has no ATL15 or no pair")
    layer, _ = next(iter(layers.values()))
    some = pairs.iloc[:: max(len(pairs) // 3000, 1)]
    to_map = pyproj.Transformer.from_crs("EPSG:4326", layer.attrs["crs"], always_xy=True)
    x, y = to_map.transform(some["longitude"].to_numpy(), some["latitude"].to_numpy())
    ends = [at_times(layer, x, y, decimal_year(some[f"time_{side}"].to_numpy()))[0] for side in ("first", "second")]
    difference = some["dh"].to_numpy() - (ends[1] - ends[0])
    n = int(np.isfinite(difference).sum())
    if n < _ENOUGH:
        return not_applicable(name, f"{n} pairs lie on the grid between its epochs, fewer than {_ENOUGH}")
    text = f"median of the change of {n} repeat pairs less that of ATL15 at the same places and times"
    return at_most(name, float(np.nanmedian(difference)), GRID_LIMIT, "m", text)


def around_centres(table, segments, whole, asked, options):
    """Check rates around some centres by fitting them again to the segments around them."""
    name = "surface_rates/again"
    if segments is None or not whole or not len(table):
        return not_applicable(name, "there is no centre with a rate, or not all segments are read")
    fit = read_choices(SurfaceFit, options)
    centre = table.iloc[len(table) // 2]
    reach = 3 * fit.spacing
    near = [(segments[a] - centre[a]).abs() <= reach + fit.radius for a in "xy"]
    part = segments[near[0] & near[1]]
    again = elevation.surface_rates(part[usable("atl06", part, asked)], options=fit)
    inside = [((t["x"] - centre["x"]).abs() < reach) & ((t["y"] - centre["y"]).abs() < reach) for t in (table, again)]
    own, again = (
        t.assign(i=np.rint(t["x"]), j=np.rint(t["y"]))[ok] for t, ok in zip((table, again), inside, strict=True)
    )
    to_map = pyproj.Transformer.from_crs(table.attrs["attributes"]["crs"], "EPSG:4326", always_xy=True)
    again["longitude"], again["latitude"] = to_map.transform(again["x"].to_numpy(), again["y"].to_numpy())
    text = f"rates around {len(again)} centres, fitted again"
    return same_rows(
        name,
        own,
        again,
        ["i", "j"],
        text,
        limit=1e-3,
        scales={**_SCALE, "x": 1e3, "y": 1e3, "dhdt": 1.0, "year": 100.0},
    )


def filters_close(table, segments, whole):
    """Check that a test of a filter leaves what it found less what it took away, with which the next test begins."""
    if not len(table):
        return not_applicable("filters", "no filter was tried")
    first = ~table.duplicated("filter")
    before = np.where(first, table["n_before"], table["n_after"].shift().fillna(0))
    columns = {
        "n_after": (table["n_after"], table["n_before"] - table["n_removed"]),
        "n_before": (table["n_before"], before),
    }
    if whole and segments is not None:
        columns["segments"] = table["n_before"][first], np.full(int(first.sum()), len(segments))
        preset = next((n for n in filters.TESTS if all(v in segments for v in atl06_filters.variables(n))), None)
        if preset:
            again, own = filters.removed(segments, preset), table[table["filter"] == preset]
            columns["n_removed"] = own["n_removed"], again["n_removed"]
    return same("filters", columns, "counts of the filters' tests")


def agreement_again(results, segments, whole, asked):
    """Check medians and spreads of the differences between products by computing them again from their rows."""
    name = "agreement"
    points, all_points = results.rows("points_atl11")
    table = results["agreement"]
    if points is None or not all_points:
        return not_applicable(name, "not all rows of ATL11 are read")
    of = {n: asked.get(n) or {} for n in ("atl11", "atl06")}
    good = points[usable("atl11", points, of["atl11"])]
    again = {}
    if segments is not None and whole:
        kept = segments[usable("atl06", segments, of["atl06"])]
        again["ATL06 less ATL11, filtered"] = elevation.segments_against_points(kept, good)
    if results.layers and "surface" in results and of["atl11"].get("datum") != "EGM08":
        layer, _ = next(iter(results.layers.values()))
        to_map = pyproj.Transformer.from_crs("EPSG:4326", layer.attrs["crs"], always_xy=True)
        x, y = to_map.transform(good["longitude"].to_numpy(), good["latitude"].to_numpy())
        at = good.assign(x=x, y=y)
        again["ATL11 less ATL14 and ATL15"] = elevation.points_against_surface(at, results["surface"], layer)
    parts = [elevation.residuals_by_slope(r).assign(compared=n) for n, r in again.items() if len(r)]
    own = table[table["compared"].isin(list(again))]
    expected = pd.concat(parts) if parts else own[:0]
    scales = dict.fromkeys(("median", "nmad"), 1.0)
    own, expected = (t.replace({"slope_high": {np.inf: 9.0}}) for t in (own, expected))
    return same_rows(
        name, own, expected, ["compared", "slope_low", "slope_high"], "differences between products", scales=scales
    )
