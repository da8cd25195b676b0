"""What must be true of the results of an elevation-change study, cheap to test, whatever made them."""

from __future__ import annotations

import numpy as np
import pyproj

from nunatak.checks import releases
from nunatak.checks.check import at_least, at_most, not_applicable
from nunatak.constants import ACROSS_LIMIT, DATUM_YEAR

# ATL15 keeps four decimals (least_significant_digit 4), so a rate over a quarter is known to 4 x 1e-4 m/yr.
LAG_LIMIT = 1e-3
DATUM_LIMIT = 0.01
CLOSURE_LIMIT = 1.0  # percent; not verified on real files of all resolutions
FINITE_LIMIT = 0.95
# A polygon of fewer coarse cells than this is not resolved by them: its rim decides, not the change inside.
RESOLVED_CELLS = 50


def lag_closure(rates):
    """
    Check that the annual rate is the mean of its four quarterly rates, and so on for every lag of whole quarters.

    Parameters
    ----------
    rates : mapping of lag in quarters to Dataset (time, y, x) with dhdt (m/yr) and coordinate decimal_year, of the
        finest resolution (averaged cells differ where ice_area changes with time)
    """
    name = "lag_closure"
    whole = {int(lag): rate for lag, rate in rates.items() if float(lag).is_integer()}
    worst, compared = 0.0, 0
    if 1 not in whole:
        return not_applicable(name, "there are no quarterly rates")
    quarterly = whole[1]
    middles = quarterly.decimal_year.values
    for lag, rate in whole.items():
        if lag == 1:
            continue
        for k, middle in enumerate(rate.decimal_year.values):
            inside = np.flatnonzero(np.abs(middles - middle) < lag / 8)
            if inside.size != lag:
                continue
            difference = quarterly.dhdt.values[inside].mean(axis=0) - rate.dhdt.values[k]
            finite = np.isfinite(difference)
            if finite.any():
                compared += int(finite.sum())
                worst = max(worst, float(np.abs(difference[finite]).max()))
    if not compared:
        return not_applicable(name, "no longer lag is covered by quarterly rates")
    text = f"largest difference of a lagged rate from the mean of its quarterly rates; {compared} cells and epochs"
    return at_most(name, worst, LAG_LIMIT, "m/yr", text)


def lag_against_epochs(change, rates):
    """
    Check that a quarterly rate times a quarter is the difference of its two epochs.

    Parameters
    ----------
    change : Dataset (time, y, x) with delta_h (m) and decimal_year
    rates : as in `lag_closure`
    """
    name = "lag_against_epochs"
    if 1 not in rates:
        return not_applicable(name, "there are no quarterly rates")
    years, middles = change.decimal_year.values, rates[1].decimal_year.values
    worst, compared = 0.0, 0
    for k, middle in enumerate(middles):
        first, last = np.abs(years - (middle - 0.125)).argmin(), np.abs(years - (middle + 0.125)).argmin()
        if abs(years[last] - years[first] - 0.25) > 0.01:
            continue
        step = change.delta_h.values[last] - change.delta_h.values[first]
        difference = step - rates[1].dhdt.values[k] * 0.25
        finite = np.isfinite(difference)
        if finite.any():
            compared += int(finite.sum())
            worst = max(worst, float(np.abs(difference[finite]).max()))
    if not compared:
        return not_applicable(name, "no quarterly rate lies between two epochs of the period")
    text = f"largest difference of a quarterly rate times 0.25 yr from that of its epochs; {compared} cells and epochs"
    return at_most(name, worst, LAG_LIMIT, "m", text)


def datum_epoch(change):
    """Check that the height change at the product's datum, 1 January 2020, is zero."""
    name = "datum_epoch"
    years = change.decimal_year.values
    k = int(np.abs(years - DATUM_YEAR).argmin())
    if abs(years[k] - DATUM_YEAR) > 0.02:
        return not_applicable(
            name, f"the period {years[0]:.2f} to {years[-1]:.2f} does not hold the datum epoch 2020.0"
        )
    values = np.abs(change.delta_h.values[k])
    values = values[np.isfinite(values)]
    largest = float(np.percentile(values, 99)) if values.size else np.nan
    return at_most(name, largest, DATUM_LIMIT, "m", "|delta_h| at 2020.0, 99th percentile of the cells")


def monotonic_time(name, time):
    """Check that epochs ascend without repetition."""
    steps = np.diff(np.asarray(time, dtype="datetime64[ns]")) / np.timedelta64(1, "D")
    if not steps.size:
        return not_applicable(f"monotonic_time/{name}", "there are fewer than two epochs")
    text = f"epochs that do not come after the one before; the shortest step is {steps.min():.3g} days"
    return at_most(f"monotonic_time/{name}", (steps <= 0).sum(), 0, "", text)


def one_crs(systems):
    """
    Check that all grids of a study are in one projected coordinate system.

    Parameters
    ----------
    systems : mapping of file or group to CRS
    """
    if not systems:
        return not_applicable("crs", "the study has no grids")
    known = [pyproj.CRS.from_user_input(value) for value in systems.values()]
    wrong = sum(not crs.is_projected or crs != known[0] for crs in known)
    said = ", ".join(f"{key} {value}" for key, value in systems.items())
    what = "not projected or not in the first one's system" if len(known) > 1 else "not projected"
    return at_most("crs", wrong, 0, "", f"grids that are {what}: {said}")


def finite_share(name, values, ice_area):
    """
    Check that there is a value where there is ice.

    Parameters
    ----------
    values, ice_area : arrays of equal shape; ice is where ice_area > 0
    """
    ice = np.asarray(ice_area) > 0
    if not ice.any():
        return at_least(
            f"finite_share/{name}", 0.0, FINITE_LIMIT, "", "share of ice cells with a value: there is no ice"
        )
    share = float(np.isfinite(np.asarray(values)[ice]).mean())
    return at_least(f"finite_share/{name}", share, FINITE_LIMIT, "", "share of ice cells and epochs with a value")


def volume_closure(region, volumes, *, area_m2):
    """
    Check that the volume change of a region is the same from every resolution.

    Parameters
    ----------
    region : name
    volumes : mapping of resolution (m) to (time,) volume change in km³ relative to the first epoch
    area_m2 : ice area of the region

    Notes
    -----
    The difference is held against the largest volume change of the finest series: at an epoch where the volume passes
    through zero a relative difference means nothing.
    """
    name = f"volume_closure/{region}"
    finest = min(volumes)
    fit = [r for r in volumes if r > finest and area_m2 >= RESOLVED_CELLS * r**2]
    if not fit:
        return not_applicable(
            name, f"no coarser grid resolves {area_m2 / 1e6:.0f} km² of ice with {RESOLVED_CELLS} cells"
        )
    reference = np.asarray(volumes[finest], dtype=float)
    scale = np.nanmax(np.abs(reference))
    worst = max(float(np.nanmax(np.abs(np.asarray(volumes[r], dtype=float) - reference))) for r in fit)
    share = 100 * worst / scale if scale > 0 else np.inf
    said = ", ".join(f"{r / 1000:g}" for r in sorted(fit))
    return at_most(name, share, CLOSURE_LIMIT, "%", f"volume from {said} km cells against {finest / 1000:g} km cells")


def repeat_pairs(pairs, counts=None):
    """
    Repeat pairs exist, have a finite difference, lie at one place, and the later pass is later.

    Parameters
    ----------
    pairs : repeat_pairs.parquet
    counts : repeat_counts.csv, or None
    """
    if not len(pairs):
        return [not_applicable("repeat_pairs/found", "no track has good heights in two cycles at one place")]
    later = (pairs["time_second"] > pairs["time_first"]).mean()
    finite = np.isfinite(pairs["dh"]).mean()
    return [
        at_least("repeat_pairs/found", len(pairs), 1, "", "pairs of segments of two cycles on the same track"),
        at_least("repeat_pairs/later", later, 1.0, "", "share of pairs whose second pass is the later one"),
        _at_one_place(pairs, counts),
        releases.of_pairs(counts),
        at_least("repeat_pairs/finite", finite, FINITE_LIMIT, "", "share of pairs with a slope-corrected difference"),
    ]


def _at_one_place(pairs, counts):
    """Check that the passes of a pair lie within the study's limit of each other across the track."""
    limit = ACROSS_LIMIT
    text = "largest distance across the track of two passes that are a pair"
    if counts is not None:
        limit = float(counts.attrs["attributes"]["max_across"].removesuffix(" m"))
        text += f"; of {counts['n_joined'].sum()} joined segments {counts['n_beyond'].sum()} lie beyond and are none"
    apart = (pairs["y_atc_second"] - pairs["y_atc_first"]).abs().max()
    return at_most("repeat_pairs/across_track", apart, limit, "m", text)
