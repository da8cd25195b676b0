"""Tracks, passes and rates that disagree with the others."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from nunatak.compute.robust import nmad, nmad_by, row_medians
from nunatak.constants import DAYS_PER_YEAR, MAD_TO_SIGMA, SIGMA_PASS
from nunatak.parameters.elevation import RateOptions
from nunatak.times import decimal_year

# flags of a rate; their sum where several hold
LARGE_ERROR, OUT_OF_LINE, TOO_FAST = 1, 2, 4
_REACH, _NEIGHBOURS, _FEWEST = 1000.0, 32, 8  # m, nearest points that are asked, and fewest that can say anything
_BEYOND = 5.0  # errors, or spreads of the neighbours, beyond which a rate is out of line
_LEAST = 0.1  # m/yr that neighbours may differ whatever their errors
_LIMIT = 4.0  # spreads beyond which a pass is out of line
_ALL_OVER = 3.0  # spreads of its points by which a pass is off as a whole
_GROUPS = 5  # tracks or passes that it takes to say that one disagrees with the others


def pass_residuals(heights, points, keys, *, height="h_corr"):
    """
    What each pass lies above or below the lines of its own points: one bad pass stands out.

    Parameters
    ----------
    heights : as for `rates`
    points : what `rates` returned for them; the medians of slopes are used, which one bad pass does not bend

    Returns
    -------
    DataFrame by rgt and cycle: n, median (m, of the pass above the line through the medians of all passes of its
        track), nmad (m), and z: the median against the spread of all passes' medians, or 0.03 m where that is less

    Notes
    -----
    Of few passes the line goes through most medians, and their spread is next to none; passes share 0.03 m all the
    same. One bad pass moves a point's own median of slopes by a good part of the noise of a single height. The
    medians of the passes have next to none, and the line drawn through them once more takes this out.
    """
    cycle = ["amplitude", "day_of_maximum"]
    both = heights.merge(points[[*keys, "dhdt_theil_sen", *cycle]], on=keys)
    both = both[np.isfinite(both["dhdt_theil_sen"]) & np.isfinite(both[height])]
    both["_year"] = decimal_year(both["time"])
    # where a yearly cycle was fitted it is no fault of a pass
    phase = 2 * np.pi * (both["_year"] - both["day_of_maximum"] / DAYS_PER_YEAR)
    season = (both["amplitude"] * np.cos(phase)).fillna(0.0)
    both["_line"] = both[height].astype("f8") - season - both["dhdt_theil_sen"] * both["_year"]
    grouped = both.groupby(list(keys), observed=True, sort=False)["_line"]
    both["_residual"] = both["_line"] - grouped.transform("median")
    table = spread_by(both, "_residual", ["rgt", "cycle"])
    table["_year"] = both.groupby(["rgt", "cycle"], observed=True)["_year"].mean().to_numpy()
    for rows in table.groupby("rgt").indices.values():
        year, median = table["_year"].to_numpy()[rows], table["median"].to_numpy()[rows]
        one, two = np.triu_indices(rows.size, 1)
        slope = np.median((median[two] - median[one]) / (year[two] - year[one])) if one.size else 0.0
        line = median - slope * year
        table.loc[rows, "median"] = line - np.median(line)
    return _with_z(table.drop(columns="_year"), least=SIGMA_PASS)


def leave_out_passes(residuals, *, max_pass=RateOptions.max_pass, limit=_LIMIT):
    """
    Say which passes lie so far off the lines of their own points that no rate should rest on them.

    Parameters
    ----------
    residuals : DataFrame of `pass_residuals`
    max_pass : m, medians up to which every pass stays. Default: 0.5; None keeps all
    limit : spreads that the median exceeds, both of the medians of all passes and of those of its own track (a track
        over ice that does not change along a line scatters by itself)

    Returns
    -------
    (n,) bool array

    Notes
    -----
    A pass that is wrong is wrong everywhere: its median also exceeds three times the spread of its own points, which
    snow of a season on a part of the track does not. Fewer than five passes of a track decide nothing: one of them
    bends every line through the others.
    """
    if max_pass is None:
        return np.zeros(len(residuals), dtype=bool)
    median = residuals["median"].abs()
    own = residuals.groupby("rgt")["median"]
    spread = residuals["rgt"].map(nmad_by(residuals["median"], residuals["rgt"]))
    stands_out = (residuals["z"].abs() > limit) & (median > limit * spread) & (own.transform("size") >= _GROUPS)
    return (stands_out & (median > max_pass) & (median > _ALL_OVER * residuals["nmad"])).to_numpy()


def flag_rates(rates_table, *, max_error=RateOptions.max_error, max_rate=RateOptions.max_rate):
    """
    Flag the rates that no map, sentence or scale should rest on: of large error, out of line with others, or too fast.

    Parameters
    ----------
    rates_table : rates of points with x, y (m), dhdt, dhdt_sigma, dhdt_sigma_systematic (m/yr)
    max_error : m/yr. Default: 1
    max_rate : m/yr, up or down. Default: 15

    Returns
    -------
    (n,) int8 array: 0 good (or no rate), else the sum of 1 where the error exceeds `max_error`, 2 out of line with the
        rates around, 4 faster than `max_rate`

    Notes
    -----
    A rate is held against the up to 32 nearest within 1 km. Its error is the larger of the stated one and of the
    scatter from neighbour to neighbour around it, which clouds make large. It is out of line where it differs from the
    median of its neighbours by five times the largest of their spread (1.4826 x median absolute deviation), its own
    error, and 0.1 m/yr. Fewer than eight neighbours say nothing. Neighbours that are wrong alike agree:
    `max_rate` is what holds them.
    """
    flag = np.zeros(len(rates_table), dtype="i1")
    known = np.flatnonzero(np.isfinite(rates_table["dhdt"].to_numpy("f8")))
    part = rates_table.iloc[known]
    rate = part["dhdt"].to_numpy("f8")
    sigma = np.hypot(part["dhdt_sigma"].to_numpy("f8"), np.nan_to_num(part["dhdt_sigma_systematic"].to_numpy("f8")))
    median, spread, scatter = _around(part["x"].to_numpy("f8"), part["y"].to_numpy("f8"), rate)
    flag[known] += LARGE_ERROR * ~(np.fmax(sigma, scatter) <= max_error)
    allowed = _BEYOND * np.fmax(np.fmax(spread, sigma), _LEAST)
    flag[known] += (OUT_OF_LINE * (np.abs(rate - median) > allowed)).astype("i1")
    flag[known] += (TOO_FAST * (np.abs(rate) > max_rate)).astype("i1")
    return flag


def good_rates(rates_table):
    """Return the rows with a rate that has no flag; all rates of a table without flags."""
    known = np.isfinite(rates_table["dhdt"].to_numpy("f8"))
    return rates_table[known & (rates_table["flag"].to_numpy() == 0) if "flag" in rates_table else known]


def _around(x, y, rate, *, at_a_time=100_000):
    """Median and spread of each point's neighbours, and their scatter from one to the nearest; NaN for too few."""
    n = rate.size
    median, spread, scatter = (np.full(n, np.nan) for _ in range(3))
    if n <= _FEWEST:
        return median, spread, scatter
    places = np.column_stack([x, y])
    tree = cKDTree(places)
    _, beside = tree.query(places, k=2)
    rough = np.abs(rate - rate[beside[:, 1]])
    rate, rough = np.append(rate, np.nan), np.append(rough, np.nan)  # where there is no further neighbour
    for low in range(0, n, at_a_time):
        rows = slice(low, min(low + at_a_time, n))
        _, near = tree.query(places[rows], k=min(_NEIGHBOURS + 1, n), distance_upper_bound=_REACH)
        enough = np.flatnonzero((near < n).sum(axis=1) > _FEWEST)
        others = rate[near[enough, 1:]]  # the first is the point itself
        middle = row_medians(others)
        at = low + enough
        median[at] = middle
        spread[at] = MAD_TO_SIGMA * row_medians(np.abs(others - middle[:, None]))
        scatter[at] = MAD_TO_SIGMA / np.sqrt(2) * row_medians(rough[near[enough]])
    return median, spread, scatter


def track_outliers(rates_table, residual, *, by=("rgt",), limit=4.0):
    """
    Tracks that disagree with the others around them.

    Parameters
    ----------
    rates_table : rates of points
    residual : (n,) array, m/yr: each rate less what the other tracks say at its place
    limit : `outlier` is true where |z| exceeds it; z compares the track's median with the spread of all tracks', NaN
        for fewer than five tracks

    Returns
    -------
    DataFrame by `by`: n, median (m/yr), nmad, z, outlier; the worst first
    """
    table = rates_table[list(by)].assign(_residual=np.asarray(residual, dtype=float))
    found = _with_z(spread_by(table[np.isfinite(table["_residual"])], "_residual", list(by)))
    found["outlier"] = found["z"].abs() > limit
    return found.sort_values("z", key=lambda z: -z.abs(), kind="stable").reset_index(drop=True)


def spread_by(table, column, by):
    """n, median and NMAD (1.4826 x median absolute deviation) of a column by groups."""
    groups = table.groupby(by, observed=True)[column]
    found = groups.agg(n="size", median="median").reset_index()
    found["nmad"] = nmad_by(table[column], [table[name] for name in by]).to_numpy()
    return found


def _with_z(table, *, least=0.0):
    """The median of each group against the spread of all groups' medians; NaN for fewer than five, which have none."""
    centre = table["median"].median()
    spread = max(nmad(table["median"]), least)
    known = len(table) >= _GROUPS and spread > 0
    table["z"] = (table["median"] - centre) / spread if known else np.nan
    return table
