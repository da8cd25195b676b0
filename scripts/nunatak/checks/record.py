"""The long record held against the two that it was joined from, its tables against it, and it against the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nunatak import elevation
from nunatak.checks import originals
from nunatak.checks.check import at_most, not_applicable, within
from nunatak.checks.same import same, same_rows
from nunatak.compute.robust import nmad
from nunatak.elevation.record import on_one_grid
from nunatak.elevation.trend import fit_trend
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import height_areas
from nunatak.study.parts import typed
from nunatak.study.products import ItsLiveElevation
from nunatak.times import decimal_year

# Stated errors of a difference hold those of both, and quarters of months that err together: it spreads by less than 1.
AGREEMENT_LIMIT = 1.5
BIAS_LIMIT = 0.005  # m, of the mean difference of a cell, which joining makes 0
TREND_LIMIT = 5.0  # standard errors of the difference of two trends over few years, persistence counted
_LEAST_SIGMA = 0.005  # m/yr; few epochs may agree by chance
TRUTH_SCALE, TRUTH_SPREAD = (0.97, 1.03), (0.4, 1.25)
_CELLS = 4000  # held against the truth, evenly over those with a value
_EPOCHS = 16  # the same of epochs


def checks(results, settings, *, read=None, glacier=None):
    """
    Return the checks of the long record.

    Parameters
    ----------
    results : Opened
    settings : mapping of the study's keys, with their defaults
    read : function of bounds that reads months of ITS_LIVE's granule again; None where it is not on this machine
    glacier : simulated glacier, None for real granules
    """
    if "record" not in results:
        return []
    record = results["record"]
    found = [agreement(record), trend_difference(record)]
    found.append(against_atl15(record, results.layers))
    found.append(against_granule(record, read))
    if "record_change" in results:
        found.append(sums(results["record_change"], record, results["regions"], settings))
    return found + (against_truth(record, glacier) if glacier else [])


def _differences(record):
    """
    Return ATL15 less the other record at the shared epochs, and its stated error.

    The result is NaN where either has no value.
    """
    at = np.flatnonzero(
        np.isin(np.round(4 * record["decimal_year"].values), np.round(4 * record["shared_year"].values))
    )
    new = record.isel(time=at)
    both = (new["from_atl15"].values > 0) & np.isfinite(record["offset"].values)
    difference = np.where(both, new["delta_h"].values - record["itslive"].values, np.nan)
    return difference, np.hypot(new["delta_h_sigma"].values, record["itslive_sigma"].values)


def agreement(record):
    """
    Check that both sources agree over the epochs they share, with no mean difference left and a scatter as errors say.
    """
    name = "record/agreement"
    if "offset" not in record:
        return not_applicable(name, "the record has one source")
    difference, sigma = _differences(record)
    seen = np.isfinite(difference)
    with np.errstate(invalid="ignore"):
        count = seen.sum(axis=0)
        bias = np.where(count >= 4, np.where(seen, difference, 0).sum(axis=0) / count, np.nan)
    left = float(np.nanmax(np.abs(bias)))
    z = (difference / sigma)[seen]
    spread = nmad(z) if left <= BIAS_LIMIT else np.inf
    text = (
        f"NMAD of ATL15 less ITS_LIVE over the stated error, {z.size:,} cells and epochs that both saw; "
        f"{nmad(difference[seen]):.3f} m; a cell's mean difference is {left:.4f} m at most, of {BIAS_LIMIT:g} m"
    )
    return at_most(name, spread, AGREEMENT_LIMIT, "", text)


def trend_difference(record):
    """Check that both sources have one trend over the epochs they share, averaged over the cells by area."""
    name = "record/trend_difference"
    if "offset" not in record or record.sizes["shared"] < 6:
        return not_applicable(name, "the sources share fewer than six epochs")
    difference, _ = _differences(record)
    weight = np.where(np.isfinite(difference), record["ice_area"].values, 0.0)
    total = weight.sum(axis=(1, 2))
    mean = np.divide(
        (weight * np.nan_to_num(difference)).sum(axis=(1, 2)),
        total,
        out=np.full(total.size, np.nan),
        where=total > 0.5 * total.max(),
    )
    fit = fit_trend(record["shared_year"].values, mean[:, None, None], annual=False, min_epochs=5)
    rate, sigma = float(fit["dhdt"][0, 0]), float(fit["dhdt_sigma"][0, 0])
    text = (
        f"trend of ATL15 less that of ITS_LIVE over the shared {record['shared_year'].values[0]:.2f} to "
        f"{record['shared_year'].values[-1]:.2f}, over its error: {rate:.3f} ± {sigma:.3f} m/yr"
    )
    return at_most(name, rate / max(sigma, _LEAST_SIGMA), TREND_LIMIT, "", text)


def against_atl15(record, layers):
    """Check that the record is height_change.nc, on the record's cells, where ATL15 stands in it."""
    name = "record/atl15"
    if "offset" not in record or not layers:
        return not_applicable(name, "the record has one source")
    change = next(iter(layers.values()))[0]
    _, change = on_one_grid(record[["ice_area"]].assign_attrs(record.attrs), change)
    steps = np.round(4 * record["decimal_year"].values).astype(int)
    own = np.round(4 * change["decimal_year"].values).astype(int)
    at = np.searchsorted(steps, own)
    columns = {
        key: (record[key].values[at][kept], change[key].values[kept])
        for key, kept in ((n, np.isfinite(change["delta_h"].values)) for n in ("delta_h", "delta_h_sigma"))
    }
    return same(name, columns, "ATL15 in the record and in height_change.nc", scales={"delta_h": 1.0})


def against_granule(record, read):
    """Check that ITS_LIVE's part of the record in some windows is what its granule says, moved by the offset."""
    name = "record/granule"
    if read is None:
        return not_applicable(name, "the granule is not on this machine")
    columns = {}
    for number, window in enumerate(originals.windows(record, "delta_h")):
        x, y = window["x"].values, window["y"].values
        months = read((x.min(), y.min(), x.max(), y.max()))
        quarters = elevation.quarterly(months, ("dh", "dh_sigma"), sigma="dh_sigma")
        near = quarters.reindex({"x": x, "y": y}, method="nearest", tolerance=1.0)
        if not np.isfinite(near["dh"].values).any():
            return not_applicable(name, "the record lies on coarser cells than the granule")
        years = np.round(4 * window["decimal_year"].values)
        at = np.flatnonzero(np.isin(years, np.round(4 * near["decimal_year"].values)))
        old = np.isfinite(window["delta_h"].values[at]) & (window["from_atl15"].values[at] == 0)
        moved = near["dh"].values + (window["offset"].values if "offset" in window else 0.0)
        columns[f"delta_h ({number + 1})"] = window["delta_h"].values[at][old], moved[old]
        columns[f"delta_h_sigma ({number + 1})"] = window["delta_h_sigma"].values[at][old], near["dh_sigma"].values[old]
    scales = {key: 1.0 for key in columns if "sigma" not in key}
    return same(name, columns, "ITS_LIVE's part of the record and its granule, read again", scales=scales)


def sums(table, record, outlines, settings):
    """Check that rows of record_change.csv are those of the record's cells inside the outline of their name."""
    options = typed(ItsLiveElevation, settings["products"]["itslive_elevation"])
    grid, floating = Grid.of(record), (settings.get("mass") or {}).get("floating")
    expected = []
    for region, area in height_areas(outlines, grid.crs, floating).items():
        share = elevation.cell_coverage(grid, area)
        if ((share > 0) & (record["ice_area"].values > 0)).any():
            given = {"region": region, "options": options, "floating": region == floating}
            expected.append(elevation.record_change(record, share, **given))
    columns = [c for c in expected[0] if c.startswith(("volume", "firn", "mass", "area", "ice_area", "share"))]
    text = "rates, changes and errors of the cells inside each outline"
    return same_rows("record_change/sums", table, pd.concat(expected), ["region", "period"], text, columns=columns)


def against_truth(record, glacier):
    """
    Check the record against the truth at the centres of its cells.

    Parameters
    ----------
    glacier : simulated glacier

    Returns
    -------
    list of Check: the factor by which the change before ATL15 is off, and the spread of standardised differences
    """
    name = "record_against_truth"
    seen = np.isfinite(record["delta_h"].values) & (record["from_atl15"].values == 0)
    i, j = np.nonzero(seen.any(axis=0))
    if i.size < 100:
        return [not_applicable(name, f"{i.size} cells of the record before ATL15; it needs 100")]
    some = np.unique(np.linspace(0, i.size - 1, min(_CELLS, i.size)).astype(int))
    i, j = i[some], j[some]
    epochs = np.flatnonzero(seen.any(axis=(1, 2)))
    epochs = epochs[np.unique(np.linspace(0, epochs.size - 1, min(_EPOCHS, epochs.size)).astype(int))]
    x, y = record["x"].values[j], record["y"].values[i]
    years = record["decimal_year"].values
    true = np.stack([glacier.surface_change(x, y, years[k], since=_zero(record)) for k in epochs])
    h = np.where(seen, record["delta_h"].values, np.nan)[epochs][:, i, j].astype("f8")
    sigma = record["delta_h_sigma"].values[epochs][:, i, j].astype("f8")
    if "offset_sigma" in record:
        sigma = np.hypot(sigma, record["offset_sigma"].values[i, j])
    ok = np.isfinite(h)
    factor = (h[ok] * true[ok]).sum() / (true[ok] ** 2).sum()
    spread = nmad(((h - true) / sigma)[ok])
    text = f"{some.size} cells and {epochs.size} epochs before ATL15"
    return [
        within(f"{name}/scale", factor, *TRUTH_SCALE, "", f"change over the truth's, of {text}"),
        within(f"{name}/errors", spread, *TRUTH_SPREAD, "", f"NMAD of difference over stated error, of {text}"),
    ]


def _zero(record):
    """Return the decimal year that the record's heights are relative to."""
    stated = str(record.attrs["relative_to"])
    return float(decimal_year(np.datetime64(stated))) if "-" in stated else float(stated)
