"""What must be true of the results along tracks: products agree, crossovers bear their errors out, rates the truth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nunatak import elevation
from nunatak.checks.check import at_least, at_most, not_applicable, within
from nunatak.compute.robust import nmad
from nunatak.constants import MAD_TO_SIGMA
from nunatak.elevation.crossovers import NOISE_DAYS

FLAT = 0.02  # steepest slope of what counts as flat
AGREEMENT_LIMIT = 0.05  # m, of the median difference of ATL06 and ATL11 on flat ice
# Factors by which the spread of crossovers may differ from the stated errors. Simulated errors are those stated. On
# real granules h_li_sigma leaves out roughness between the segments and the pointing of single beams.
SIMULATED_FACTOR, REAL_FACTOR = 1.2, 3.0
_HIGHEST = 9000.0  # m, above Mount Everest's 8,849 m and its geoid
_AFLOAT = "n_floating_"  # begins the attributes of heights.parquet that count those on floating ice
_ENOUGH = 30  # crossovers, points
_PASSES = 10  # pairs of passes
# Share of rates with a flag: about 0.0001 on simulated ice. On steep ground and under clouds two thirds are flagged on
# real granules of Iceland and the others are sound; only where next to none is sound, something is wrong.
SIMULATED_FLAGGED, REAL_FLAGGED = 0.1, 0.95


class RateLimits(NamedTuple):
    """What rates of simulated heights may differ by from a line through the truth."""

    median: float
    """m/yr"""
    scale: tuple[float, float]
    """slope of the rates on the truth's"""
    spread: tuple[float, float]
    """of differences over stated errors"""
    systematic: bool
    """whether the error that passes share is among the stated ones"""


# The errors of rates are too wide: what a line misses of the change is in their chi-squared, and the line through the
# truth misses it too. Around centres the three or four passes are fewer than the times of the truth's line.
AT_POINTS = RateLimits(0.05, (0.97, 1.03), (0.2, 1.5), False)
AROUND_CENTRES = RateLimits(0.1, (0.9, 1.1), (0.2, 3.0), True)
_LEAST_CHANGE = 0.1  # m/yr that rates must differ by from place to place for a slope
_COMPARED, _TIMES = 1000, 12  # points held against the truth, and times at which each is looked at


def agreement(table):
    """
    Check that ATL06 and ATL11 agree on flat ice.

    Parameters
    ----------
    table : agreement.csv: compared, slope_low, slope_high, n, median (m)
    """
    name = "atl06_against_atl11"
    rows = table[(table["compared"] == "ATL06 less ATL11, filtered") & (table["slope_high"] <= FLAT)]
    if rows["n"].sum() < _ENOUGH:
        return not_applicable(name, f"fewer than {_ENOUGH} points on slopes below {FLAT:g} in common")
    worst = float(rows["median"].abs().max())
    text = f"largest median difference on slopes below {FLAT:g}, {int(rows['n'].sum())} points and cycles"
    return at_most(name, worst, AGREEMENT_LIMIT, "m", text)


def crossover_spread(product, table, *, simulated=False):
    """
    Check that crossovers within ten days scatter about what their two passes share as their stated errors say.

    Parameters
    ----------
    table : crossovers of one product: dt_days, z_own
    simulated : errors that are known to be those stated are held to `SIMULATED_FACTOR`, real ones to `REAL_FACTOR`
    """
    name = f"crossover_spread/{product}"
    near = table[(table["dt_days"] < NOISE_DAYS) & np.isfinite(table["z_own"])]
    if len(near) < _ENOUGH:
        return not_applicable(name, f"{len(near)} crossovers within {NOISE_DAYS:g} days, fewer than {_ENOUGH}")
    said = f"of {len(near)} crossovers, less what two passes share, over the stated errors of single heights"
    return _factor(name, nmad(near["z_own"]), SIMULATED_FACTOR if simulated else REAL_FACTOR, len(near), said)


def crossover_common(product, table, *, simulated=False):
    """
    Check that passes that cross within ten days differ in common by what their stated errors say.

    Parameters
    ----------
    table : crossovers of one product
    simulated : as for `crossover_spread`
    """
    name = f"crossover_common/{product}"
    passes = elevation.common_differences(table, max_days=NOISE_DAYS)
    if len(passes) < _PASSES:
        return not_applicable(name, f"{len(passes)} pairs of passes cross within days, fewer than {_PASSES}")
    said = f"of the median differences of {len(passes)} pairs of passes over the stated error that passes share"
    spread = MAD_TO_SIGMA * float(passes["z"].abs().median())
    return _factor(name, spread, SIMULATED_FACTOR if simulated else REAL_FACTOR, len(passes), said)


def _factor(name, spread, limit, n, said):
    """Check that a spread of n values, 1 where errors are those stated, is off by at most a factor either way."""
    limit *= 1.0 + 2.5 / np.sqrt(n)  # twice the standard error of a spread from so few
    off = max(spread, 1.0 / spread) if spread > 0 else np.inf
    return at_most(name, off, limit, "", f"factor from 1, either way, of the spread ({spread:.2f}) {said}")


def heights_found(heights):
    """
    Check that products along tracks have heights in the region, at plausible levels, and some where ice floats.

    Parameters
    ----------
    heights : heights.parquet: product, n, h_low, h_high (m); attribute n_floating_<product> where the study names ice
        that floats

    Returns
    -------
    list of Check, none for a table without a row
    """
    found = []
    for product, rows in heights.groupby("product"):
        found.append(at_least(f"heights/{product}", int(rows["n"].sum()), 1, "", "heights that pass the filter"))
        most = max(abs(rows["h_low"].min()), abs(rows["h_high"].max()))
        text = "largest magnitude of a height above the ellipsoid; none on Earth is larger"
        found.append(at_most(f"heights_plausible/{product}", most, _HIGHEST, "m", text))
    for name, n in heights.attrs.get("attributes", {}).items():
        if name.startswith(_AFLOAT):
            text = "heights on ice that floats, which tides were taken off; with none `floating` does nothing"
            found.append(at_least(f"heights_floating/{name.removeprefix(_AFLOAT)}", int(n), 1, "", text))
    return found


def rates_found(rates):
    """Check that some reference points have a rate that can be used."""
    known = len(elevation.good_rates(rates))
    if not np.isfinite(rates["dhdt"]).any():
        return not_applicable(
            "point_rates/found", f"none of {len(rates)} reference points was seen often and long enough"
        )
    return at_least("point_rates/found", known, 1, "", f"reference points with a rate without a flag, of {len(rates)}")


def rates_flagged(rates, *, simulated=False):
    """
    Check that some rates have a small error, are in line with their neighbours and no faster than the study allows.

    Parameters
    ----------
    rates : rates.parquet: dhdt (m/yr), flag
    simulated : rates of ice without cliffs are held to `SIMULATED_FLAGGED`, real ones to `REAL_FLAGGED`
    """
    flag = rates["flag"][np.isfinite(rates["dhdt"])]
    if not len(flag):
        return not_applicable("point_rates/flagged", "no reference point has a rate")
    bits = (elevation.LARGE_ERROR, elevation.OUT_OF_LINE, elevation.TOO_FAST)
    large, off, fast = ((flag & bit > 0).sum() for bit in bits)
    text = (
        f"share of rates left out of maps and words: of {len(flag)} the error is too large for {large}, {off} are "
        f"out of line with their neighbours, and {fast} are faster than max_rate"
    )
    limit = SIMULATED_FLAGGED if simulated else REAL_FLAGGED
    return at_most("point_rates/flagged", (flag > 0).mean(), limit, "", text)


def passes_in_line(report):
    """
    Check that no pass lies so far off the lines of its own points that the rates were fitted without it.

    Parameters
    ----------
    report : track_report.csv
    """
    passes = report[report["cycle"].notna()]
    bad = passes[passes["left_out"].astype(bool)]
    named = "".join(f"; RGT {row.rgt:04d} cycle {row.cycle:02.0f} by {row.median:.2f} m" for row in bad.itertuples())
    text = f"passes, of {len(passes)}, off the lines of their points and left out of the rates{named}"
    return at_most("passes_in_line", len(bad), 0, "", text)


def surface_rates_found(rates):
    """
    Check that some centre has a rate.

    Parameters
    ----------
    rates : surface_rates.parquet
    """
    return at_least("surface_rates/found", len(rates), 1, "", "centres with a rate of the ATL06 heights around them")


def surface_rates_against_truth(rates, truth, x, y):
    """
    Check rates around centres against a line through the truth at the centre, over the time their heights cover.

    Parameters
    ----------
    rates : surface_rates.parquet: dhdt (m/yr), year (the mean of its heights), years
    truth : simulated glacier; x, y : of the centres on its map, m
    """
    half = rates["years"] / 2
    over = rates.assign(first_year=rates["year"] - half, last_year=rates["year"] + half, amplitude=np.nan, flag=0)
    return rates_against_truth(over, truth, x, y, name="surface_rates_against_truth", limits=AROUND_CENTRES)


def rates_against_truth(rates, truth, x, y, *, name="rates_against_truth", limits=None):
    """
    Check rates of points against a line through the truth between their first and last height, by least squares.

    Parameters
    ----------
    truth : simulated glacier; x, y : of the rates' points on its map, m
    name : of the checks
    limits : RateLimits. Default: those of points

    Returns
    -------
    list of Check: the median difference, the factor, and the spread of the differences over their errors, either way
    """
    limits = limits or AT_POINTS
    known = np.isfinite(rates["dhdt"].to_numpy()) & (rates["flag"].to_numpy() == 0)
    if known.sum() < _ENOUGH:
        return [not_applicable(name, f"{int(known.sum())} points have a rate, fewer than {_ENOUGH}")]
    chosen = np.flatnonzero(known)[:: max(int(known.sum()) // _COMPARED, 1)]
    part = rates.iloc[chosen]
    expected = _fitted(truth, np.asarray(x)[chosen], np.asarray(y)[chosen], part)
    own = part["dhdt"].to_numpy()
    difference = own - expected
    text = f"from a line through the truth over the same time, {chosen.size} points"
    found = [at_most(name, float(np.nanmedian(difference)), limits.median, "m/yr", f"median difference {text}")]
    if np.std(expected) > _LEAST_CHANGE:
        one, other = own - np.median(own), expected - np.median(expected)
        factor = float((one * other).sum() / (other**2).sum())
        found.append(
            within(
                f"{name}/scale",
                factor,
                limits.scale[0],
                limits.scale[1],
                "",
                f"slope of the rates on those of the truth, {text}",
            )
        )
    error = np.hypot(part["dhdt_sigma"], part["dhdt_sigma_systematic"]) if limits.systematic else part["dhdt_sigma"]
    spread = MAD_TO_SIGMA * float(np.median(np.abs(difference - np.median(difference)) / error))
    found.append(
        within(
            f"{name}/spread",
            spread,
            limits.spread[0],
            limits.spread[1],
            "",
            f"spread of differences over stated errors {text}",
        )
    )
    return found


def _fitted(truth, x, y, rates):
    """
    Fit the slope of a line, beside a yearly cycle where one was fitted, through the truth at a number of times, m/yr.
    """
    patterns = truth.change_patterns(x, y)
    share = np.linspace(0, 1, _TIMES)
    first, last = rates["first_year"].to_numpy(), rates["last_year"].to_numpy()
    year = first[:, None] + share * (last - first)[:, None]
    h = np.einsum("kn,knt->nt", patterns, truth.change_factors(year))
    annual = np.isfinite(rates["amplitude"].to_numpy())
    slopes = np.empty(x.size)
    for k in range(x.size):
        t = year[k] - year[k].mean()
        columns = [np.ones(_TIMES), t] + (
            [np.cos(2 * np.pi * year[k]), np.sin(2 * np.pi * year[k])] if annual[k] else []
        )
        slopes[k] = np.linalg.lstsq(np.column_stack(columns), h[k], rcond=None)[0][1]
    return slopes
