"""Gridded sea ice held against the sums of its granules, and these against the positions of one granule."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj

from nunatak import gridding
from nunatak.checks.check import not_applicable
from nunatak.checks.same import same, same_rows
from nunatak.geometry.outlines import STUDY_REGION
from nunatak.granules import present
from nunatak.parameters.statistics import STATISTICS, statistic

# A segment on the edge of two cells may fall into either: cells of so many segments are compared, to so much of them
_FULL, _EDGE = 50, 0.03
_INDEPENDENT = ("count", "mean", "std", "n_pass", "mean_length")  # worked out here from the sums alone


def checks(results, settings, sources):
    """
    Check grid.nc, its series and its distribution.

    Parameters
    ----------
    results : Opened
    settings : mapping of the study's keys, with their defaults; `freeboard` is used
    sources : together.Sources; of `sea_ice` the table has longitude, latitude, value and weight
    """
    sums, whole = sources.sums, sources.all_sums
    if "freeboard" not in results:
        return []
    bins = {name: group for name, group in results["freeboard"].items() if "time_bnds" in group}
    weighting = (settings.get("freeboard") or {}).get("weighting", "segment_weighted")
    found = []
    for name, dataset in bins.items():
        found.append(from_sums(name, dataset, sums, whole, weighting))
    found.append(longer_from_shorter(bins, weighting))
    if "freeboard_series" in results:
        found += series(results["freeboard_series"], bins, sums, whole, weighting, results["regions"])
    if "freeboard_distribution" in results:
        found.append(distribution(results["freeboard_distribution"], results["freeboard_series"], list(bins)[-1]))
    return [*found, places(sums, sources.sea_ice), in_ledger(sums, whole, sources.sea_ice_ledger)]


def from_sums(name, dataset, sums, whole, weighting):
    """
    Check every statistic of a time bin from the sums of its granules, cell by cell, at the places of their grid.

    Counts, means, spreads and passes are worked out here; the others by the formulas of the table of statistics.
    """
    check = f"freeboard/{name}/from_sums"
    if sums is None or not whole:
        return not_applicable(check, "not all sums of the granules are read")
    grid = sums.grid
    columns = {"x": (dataset["x"].values, grid.x), "y": (dataset["y"].values, grid.y)}
    names = [n for n in dataset.data_vars if statistic(n) is not None]
    edges = dataset["time_bnds"].values.astype("M8[D]").astype("i8")
    if dataset.sizes["x"] != grid.nx or dataset.sizes["y"] != grid.ny:
        return same(check, columns, "the places of the cells")
    about = {f"minimum_{what}": int(dataset.attrs[f"minimum_{what}"]) for what in ("segments", "passes", "days")}
    table = gridding.cell_statistics(sums, dataset.attrs["bins"], tuple(names), weighting=weighting, **about)
    for k, (start, end) in enumerate(edges):
        rows = table[table["start"] == start]
        own = _by_hand(sums.rows[sums.rows["day"].between(start, end - 1)])
        enough = (own["count"] >= about["minimum_segments"]) & (own["n_pass"] >= about["minimum_passes"])
        for key in names:
            values = dataset[key].values[k].ravel()
            expected = np.full(values.size, 0.0 if STATISTICS.get(key) and STATISTICS[key].always else np.nan)
            by_hand = (
                key in _INDEPENDENT and (weighting == "segment_weighted" or key != "mean") and about["minimum_days"] < 2
            )
            source = own.where(enough | (key in ("count", "n_pass"))) if by_hand else rows.set_index("cell")
            expected[source.index.to_numpy("i8")] = source[key].to_numpy("f8")
            columns[f"{key} ({k + 1})"] = values, expected
    columns["bins"] = edges[np.isin(edges[:, 0], table["start"])][:, 1], np.unique(table["end"])
    scales = {"x": 1e3, "y": 1e3, "bins": 1e4}
    return same(check, columns, f"statistics of {len(edges)} bins from the sums of the granules", scales=scales)


def _by_hand(rows):
    """Compute statistics of the cells from sums of weights and values, segment by segment."""
    cells = rows.groupby("cell")
    total = cells[["n", "sw", "swv", "swv2"]].sum()
    mean = total["swv"] / total["sw"]
    return pd.DataFrame(
        {
            "count": total["n"],
            "mean": mean,
            "std": np.sqrt(np.maximum(total["swv2"] / total["sw"] - mean**2, 0.0)),
            "n_pass": cells["granule"].nunique(),
            "mean_length": total["sw"] / total["n"],
        }
    )


def longer_from_shorter(bins, weighting):
    """Check that counts and means of a longer bin are those of the shorter bins inside it, by their weights."""
    name = "freeboard/bins"
    needed = {"count", "mean", "mean_length"}
    usable = {key: b for key, b in bins.items() if needed <= set(b) and int(b.attrs["minimum_segments"]) == 1}
    if len(usable) < 2 or weighting != "segment_weighted":
        return not_applicable(name, "it needs two bins with count, mean_length and mean of all segments")
    (short_name, short), *_, (long_name, long) = usable.items()
    columns = {}
    for k, (start, end) in enumerate(long["time_bnds"].values):
        inside = (short["time_bnds"].values[:, 0] >= start) & (short["time_bnds"].values[:, 1] <= end)
        touched = (short["time_bnds"].values[:, 0] < end) & (short["time_bnds"].values[:, 1] > start)
        partly = short["count"].values[touched & ~inside].sum(0) if (touched & ~inside).any() else 0
        cells = (short["count"].values[inside].sum(0) > 0) & (np.asarray(partly) == 0)
        if cells.any():
            n = short["count"].values[inside][:, cells].astype("f8")
            w = n * np.nan_to_num(short["mean_length"].values[inside][:, cells])
            mean = (w * np.nan_to_num(short["mean"].values[inside][:, cells])).sum(0) / w.sum(0)
            columns[f"count ({k + 1})"] = long["count"].values[k][cells], n.sum(0)
            columns[f"mean ({k + 1})"] = long["mean"].values[k][cells], mean
    return same(name, columns, f"{long_name}s from the {short_name}s inside them", limit=1e-3)


def series(table, bins, sums, whole, weighting, outlines):
    """
    Check the series of every area against the sums of the granules in its cells.

    The series of the whole region is also checked against the counts of the grid.
    """
    found = []
    for region, rows in table.groupby("region", sort=False):
        name = f"freeboard_series/{region}"
        if region not in outlines or sums is None or not whole:
            found.append(not_applicable(name, "it has no outline, or not all sums are read"))
            continue
        inside = None if region == STUDY_REGION else outlines[region].contains(*sums.grid.lonlat())
        parts = [
            gridding.area_series(sums, b.attrs["bins"], inside=inside, weighting=weighting).assign(bins=b.attrs["bins"])
            for b in bins.values()
        ]
        again = pd.concat(parts)
        check = same_rows(
            name,
            rows,
            again,
            ["bins", "time_start"],
            f"the series of {region}",
            columns=[c for c in again if c in rows],
        )
        if region == STUDY_REGION and check.held:
            counts = {
                key: (np.sort(rows.loc[rows["bins"] == b.attrs["bins"], "count"]), _counts(b))
                for key, b in bins.items()
                if "count" in b
            }
            check = (
                same(name, counts, f"the series of {region} from sums, and the counts of the grid")
                if counts and np.isin([b.attrs["bins"] for b in bins.values()], rows["bins"]).all()
                else check
            )
        found.append(check)
    return found


def _counts(dataset):
    n = dataset["count"].values.sum((1, 2))
    return np.sort(n[n > 0])


def distribution(table, series_, longest):
    """Check that shares of each area and bin add up to one, counts to those of the series, and levels to its mean."""
    name = "freeboard_distribution"
    if not len(table):
        return not_applicable(name, "the study keeps no histogram")
    keys = ["region", "time_start"]
    middle = table.assign(middle=(table["low"] + table["high"]) / 2 * table["share"])
    again = middle.groupby(keys).agg(share=("share", "sum"), count=("n", "sum"), mean=("middle", "sum")).reset_index()
    named = "all" if longest == "period" else longest
    own = series_[(series_["bins"] == named) & (series_["count"] > 0)].assign(share=1.0)
    width = float((table["high"] - table["low"]).iloc[0])
    text = "shares, counts and means of the distributions"
    # a level is known to half its width: scaled so that it is the limit
    return same_rows(
        name, again, own, keys, text, columns=["share", "count", "mean"], scales={"mean": width / 2e-4, "count": 1.0}
    )


def places(sums, granule):
    """Check that segments of one granule, read again, fall into the cells of its sums: as many, with the same mean."""
    name = "freeboard/places"
    if sums is None or granule is None:
        return not_applicable(name, "no granule is on this machine")
    identity, table = granule
    number = np.flatnonzero(sums.granules["granule_id"].to_numpy() == identity)
    if not number.size:
        return not_applicable(name, "the granule is in no sum")
    own = sums.rows[sums.rows["granule"] == number[0]].groupby("cell")[["n", "sw", "swv"]].sum()
    to_map = pyproj.Transformer.from_crs("EPSG:4326", sums.grid.proj, always_xy=True)
    x, y = to_map.transform(table["longitude"].to_numpy(), table["latitude"].to_numpy())
    column = np.floor((x - sums.grid.left) / sums.grid.dx).astype("i8")
    row = np.floor((sums.grid.top - y) / sums.grid.dy).astype("i8")
    inside = (row >= 0) & (column >= 0) & (row < sums.grid.ny) & (column < sums.grid.nx)
    known = inside & np.isfinite(table["value"].to_numpy()) & (table["weight"].to_numpy() > 0)
    weight, value = (table[key].to_numpy("f8")[known] for key in ("weight", "value"))
    cell = row[known] * sums.grid.nx + column[known]
    again = (
        pd.DataFrame({"cell": cell, "n": 1, "sw": weight, "swv": weight * (value - sums.shift)}).groupby("cell").sum()
    )
    some = own.index[own["n"] >= _FULL].union(again.index[again["n"] >= _FULL])
    own, again = own.reindex(some), again.reindex(some)
    columns = {key: (own[key], again[key]) for key in ("n", "sw", "swv")}
    return same(name, columns, f"{len(some)} cells of {identity}", limit=_EDGE)


def in_ledger(sums, whole, ledger):
    """
    Check that every granule of the ledger of reading is in the sums with as many points, in cells or not.

    No other granule may be in the sums.
    """
    name = "freeboard/ledger"
    if sums is None or not whole or ledger is None:
        return not_applicable(name, "not all sums of the granules are read, or there is no ledger")
    summed = sums.granules.assign(n_points=sums.granules[["n_points", "n_outside", "n_invalid"]].sum(axis=1))
    read, summed = (table[table["n_points"] > 0] for table in (present(ledger), summed))
    text = f"points of {len(summed)} granules, in the sums and by the ledger"
    return same_rows(name, read, summed, ["granule_id"], text, columns=["n_points"])
