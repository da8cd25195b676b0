"""Volume, firn and mass of regions from the long record: trends by period, and acceleration."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nunatak.constants import FIRN_RANGE, FIRN_RATE_ERROR, GT_PER_MM_SEA_LEVEL
from nunatak.elevation import series_fits
from nunatak.elevation.errors import sum_errors
from nunatak.elevation.mass import ICE, mass_change
from nunatak.elevation.record_cells import FEWEST, cells_of, curve, fixed_set, stated_sigma
from nunatak.elevation.series_fits import NOT_KNOWN, Estimate
from nunatak.parameters.elevation import HeightRecord

ALL, WITH_FIRN = "all", "with_firn"
_FIRN_SHARE = 0.99  # of the area that needs firn, for a mass
_RATES = ("volume", "firn", "mass")
_PER_YEAR = {"volume": "km3/yr", "firn": "km3/yr", "mass": "Gt/yr", "sea_level": "mm/yr", "mean": "m/yr"}

UNITS = (
    {f"{name}_rate{end}": unit for name, unit in _PER_YEAR.items() for end in ("", "_sigma")}
    | {f"{name}_change{end}": _PER_YEAR[name][:-3] for name in (*_RATES, "sea_level") for end in ("", "_sigma")}
    | {f"{name}_acceleration{end}": f"{_PER_YEAR[name]}2" for name in (*_RATES, "mean") for end in ("", "_sigma")}
    | {"since": "yr", "until": "yr", "area": "km2", "ice_area": "km2", "share": "1", "observed_share": "1"}
    | {"n_cells": "1", "n_steps": "1", "correlation_range": "m", "decimal_year": "yr", "time": "UTC"}
    | {"volume": "km3", "volume_sigma": "km3", "mean_dh": "m", "mean_dh_sigma": "m"}
)
"""unit of each column of the tables; km3 of firn are of air"""


def record_change(record, coverage, *, region, options: HeightRecord, floating=False):
    """
    Return volume, firn and mass of a region by period, with rates, accelerations and errors.

    Parameters
    ----------
    record : Dataset as of `join` or `of_one_source`
    coverage : (ny, nx) share of each cell inside the region
    region : its name
    options : periods, fixed sets of cells and range of correlation
    floating : whether its ice floats: then mass follows from buoyancy, and nothing is said of the sea level

    Returns
    -------
    DataFrame with a row for the whole record ("all"), for the part of it that firn is known for ("with_firn") where
        that ends sooner, and for every period of `options`. Rates are those at the middle of the span, and changes are
        rates times the span; units in attrs["units"]. What cannot be said is NaN, and `note` says why
    """
    whole = cells_of(record, coverage)
    spans = {ALL: (whole.years[0], whole.years[-1])}
    known = _firn_years(whole)
    if known is not None and known[1] < whole.years[-1]:
        spans[WITH_FIRN] = (max(known[0], whole.years[0]), known[1])
    spans |= {f"{start:g}-{end:g}": (start, end) for start, end in options.periods}
    rows = [{"region": region, "period": name} | _row(whole, span, options, floating) for name, span in spans.items()]
    table = pd.DataFrame(rows)
    table.attrs["units"] = {name: UNITS[name] for name in table if name in UNITS}
    return table


def _firn_years(cells):
    """Return the first and last year that firn is known for, or None."""
    if cells.firn is None:
        return None
    known = cells.years[np.isfinite(cells.firn[0]).any(axis=1)]
    return (known[0], known[-1]) if known.size else None


def _row(whole, span, options, floating):
    """Return the row of a region in a span of years."""
    inside = (whole.years >= span[0] - 0.01) & (whole.years <= span[1] + 0.01)
    of_span = whole.at(inside)
    row = {"since": np.nan, "until": np.nan, "n_steps": 0, "n_cells": 0, "area": 0.0, "ice_area": np.nan}
    row |= {"share": 0.0, "observed_share": np.nan, "floating": floating}
    row["ice_area"] = whole.weight.sum() / 1e6
    empty = _named(dict.fromkeys(("volume", "mean", "firn", "mass", "sea_level"), (NOT_KNOWN, NOT_KNOWN)), 0.0)
    if inside.sum() < FEWEST:
        return row | empty | {"note": f"{int(inside.sum())} quarters of the record, a trend needs {FEWEST}"}
    epochs, chosen = fixed_set(of_span, options)
    if epochs.sum() < FEWEST or not chosen.any():
        return row | empty | {"note": "no set of cells is seen through enough of the quarters (coverage, max_gap)"}
    fixed = of_span.at(epochs, chosen)
    since, until = fixed.years[[0, -1]]
    middle, area = (since + until) / 2, fixed.weight.sum()
    estimates, observed = _volume(fixed, middle, options.correlation_range * 1e3)
    density = ICE.afloat() if floating else ICE
    firn, note = _firn(fixed, middle)
    mass = tuple(_mass(v, f, density) for v, f in zip(estimates, firn, strict=True))
    terms = {
        "volume": estimates,
        "mean": tuple(Estimate(*(1e9 / area * part for part in estimate)) for estimate in estimates),
        "firn": firn,
        "mass": mass,
        "sea_level": (NOT_KNOWN, NOT_KNOWN) if floating else tuple(map(_sea_level, mass)),
    }
    row |= {"since": since, "until": until, "n_steps": int(epochs.sum()), "n_cells": int(chosen.sum())}
    row |= {"area": area / 1e6, "share": area / whole.weight.sum(), "observed_share": observed}
    notes = [note] if note else []
    notes += ["floating: mass by buoyancy, no sea level"] if floating and not note else []
    short = max(since - span[0], span[1] - until)
    notes += [f"the record reaches from {since:.2f} to {until:.2f}"] if short > 1 else []
    return row | _named(terms, until - since) | {"note": "; ".join(notes)}


def _named(terms, years):
    """Return the columns of a row from (rate, acceleration) of each term."""
    row = {}
    for name, (rate, acceleration) in terms.items():
        if name != "mean":
            row[f"{name}_change"], row[f"{name}_change_sigma"] = (years * value for value in rate)
        row[f"{name}_rate"], row[f"{name}_rate_sigma"] = rate
        if name != "sea_level":
            row[f"{name}_acceleration"], row[f"{name}_acceleration_sigma"] = acceleration
    return row


def _volume(fixed, middle, correlation_range):
    """Compute (rate, acceleration) of the volume (km3), and the share of the area that was observed on average."""
    design, curved = curve(fixed, middle)
    sums, share = series_fits.total(fixed.values, fixed.weight, design)
    moved = (~fixed.new).mean(axis=1) > 0.5
    weighted = fixed.weight * fixed.offset_sigma
    common = sum_errors(weighted, fixed.x, fixed.y, [fixed.weight.sum()], correlation_range=correlation_range)
    found = series_fits.fit(
        sums / 1e9,
        share,
        stated_sigma(fixed.values, fixed.sigma, fixed, correlation_range),
        design,
        moved=moved,
        moved_sigma=float(common.correlated[0]) / 1e9,
    )
    return (found[1], found[2] if curved else NOT_KNOWN), float(share.mean())


def _firn(fixed, middle):
    """Compute (rate, acceleration) of the volume of air in the firn (km3), and why they are not known, if so."""
    unknown = (NOT_KNOWN, NOT_KNOWN)
    if fixed.firn is None:
        return unknown, "no firn air content: volume alone"
    known = np.isfinite(fixed.firn[0]).all(axis=0)
    area = fixed.weight.sum()
    if fixed.weight[known].sum() < _FIRN_SHARE * area:
        first, last = _firn_years(fixed) or (np.nan, np.nan)
        return unknown, f"firn air content is known from {first:.2f} to {last:.2f} alone, or not everywhere"
    design, curved = curve(fixed, middle)
    solve = np.linalg.pinv(design)
    weight = fixed.weight[known] * area / fixed.weight[known].sum()
    found = []
    for column in (1, 2) if curved else (1,):
        mean, difference = (solve[column] @ layer[:, known].astype("f8") for layer in fixed.firn)
        value = float(mean @ weight) / 1e9
        spread = sum_errors(
            0.5 * np.abs(difference) * weight, fixed.x[known], fixed.y[known], [area], correlation_range=FIRN_RANGE
        )
        found.append(Estimate(value, max(float(spread.correlated[0]) / 1e9, FIRN_RATE_ERROR * abs(value))))
    return (found[0], found[1] if curved else NOT_KNOWN), ""


def _mass(volume, firn, density):
    """Compute the mass (Gt) of a volume of ice and air (km3), less the air."""
    ice = volume.value - firn.value
    return Estimate(*map(float, mass_change(ice, np.hypot(volume.sigma, firn.sigma), density)))


def _sea_level(mass):
    """Compute the rise of the mean sea level (mm) of a mass of ice on land (Gt)."""
    return Estimate(-mass.value / GT_PER_MM_SEA_LEVEL, mass.sigma / GT_PER_MM_SEA_LEVEL)
