"""Find tracks, passes and rates that disagree with the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree

from nunatak.compute.robust import nmad, nmad_by, row_medians
from nunatak.constants import DAYS_PER_YEAR, MAD_TO_SIGMA, SIGMA_PASS
from nunatak.parameters.elevation import RateOptions
from nunatak.times import decimal_year

if TYPE_CHECKING:
    import pandas as pd

# flags of a rate, summed if several apply
LARGE_ERROR, OUT_OF_LINE, TOO_FAST = 1, 2, 4
_REACH, _NEIGHBOURS, _FEWEST = 1000.0, 32, 8  # m, number of nearest points, smallest number for a test
_BEYOND = 5.0  # errors or spreads of the neighbours beyond which a rate is out of line
_LEAST = 0.1  # m/yr that neighbours may always differ
_LIMIT = 4.0  # spreads beyond which a pass is out of line
_ALL_OVER = 3.0  # spreads of its points by which a pass is off as a whole
_GROUPS = 5  # smallest number of tracks or passes to find one that disagrees


def pass_residuals(
    heights: pd.DataFrame, points: pd.DataFrame, keys: Sequence[str], *, height: str = "h_corr"
) -> pd.DataFrame:
    """
    Return how far each pass lies above or below the lines of its points, to find bad passes.

    Parameters
    ----------
    heights : as for `rates`
    points : DataFrame of `rates` for these heights. Its medians of slopes are used, which one bad pass does not change
    keys : columns that name a point
    height : column of heights. Default: h_corr

    Returns
    -------
    DataFrame by rgt and cycle: n, median (m, of the pass above the line through the medians of all passes of its
        track), nmad (m), and z, the median over the spread of all passes' medians, or over 0.03 m if that is larger

    Notes
    -----
    With few passes the line goes through most medians, so that their spread is nearly zero, while passes share an error
    of 0.03 m. One bad pass changes a point's own median of slopes by a good part of the noise of a single height. The
    medians of the passes have almost no such noise, and a line fitted through them removes this effect.
    """
    cycle = ["amplitude", "day_of_maximum"]
    both = heights.merge(points[[*keys, "dhdt_theil_sen", *cycle]], on=keys)
    both = both[np.isfinite(both["dhdt_theil_sen"]) & np.isfinite(both[height])]
    both["_year"] = decimal_year(both["time"])
    # A fitted yearly cycle is not an error of a pass.
    phase = 2 * np.pi * (both["_year"] - both["day_of_maximum"] / DAYS_PER_YEAR)
    season = (both["amplitude"] * np.cos(phase)).fillna(0.0)
    both["_line"] = both[height].astype("f8") - season - both["dhdt_theil_sen"] * both["_year"]
    grouped = both.groupby(list(keys), observed=True, sort=False)["_line"]
    both["_residual"] = both["_line"] - grouped.transform("median")
    table = spread_by(both, "_residual", ["rgt", "cycle"])
    table["_year"] = both.groupby(["rgt", "cycle"], observed=True)["_year"].mean().to_numpy()
    for rows in table.groupby("rgt").indices.values():
        year, median = table["_year"].to_numpy()[rows], table["median"].to_numpy()[rows]
        one, two = np.triu_indices(len(rows), 1)
        slope = np.median((median[two] - median[one]) / (year[two] - year[one])) if one.size else 0.0
        line = median - slope * year
        table.loc[rows, "median"] = line - np.median(line)
    return _with_z(table.drop(columns="_year"), least=SIGMA_PASS)


def leave_out_passes(
    residuals: pd.DataFrame, *, max_pass: float | None = RateOptions.max_pass, limit: float = _LIMIT
) -> np.ndarray:
    """
    Return which passes lie too far from the lines of their own points to be used for rates.

    Parameters
    ----------
    residuals : DataFrame of `pass_residuals`
    max_pass : m, medians up to which every pass is kept, or None to keep all. Default: 0.5
    limit : number of spreads that the median exceeds, both of the medians of all passes and of those of its own track
        (a track over ice that does not change linearly has a large spread itself). Default: 4

    Returns
    -------
    (n,) bool array

    Notes
    -----
    A bad pass is wrong everywhere, so its median also exceeds three times the spread of its own points, unlike snow of
    a season on a part of the track. With fewer than five passes of a track none is left out, since one of them changes
    every line through the others.
    """
    if max_pass is None:
        return np.zeros(len(residuals), dtype=bool)
    median = residuals["median"].abs()
    own = residuals.groupby("rgt")["median"]
    spread = residuals["rgt"].map(nmad_by(residuals["median"], residuals["rgt"]))
    stands_out = (residuals["z"].abs() > limit) & (median > limit * spread) & (own.transform("size") >= _GROUPS)
    return (stands_out & (median > max_pass) & (median > _ALL_OVER * residuals["nmad"])).to_numpy()


def flag_rates(
    rates_table: pd.DataFrame, *, max_error: float = RateOptions.max_error, max_rate: float = RateOptions.max_rate
) -> np.ndarray:
    """
    Flag rates that should not be used for maps, texts and scales: large error, out of line with others, or too fast.

    Parameters
    ----------
    rates_table : rates of points with x, y (m), dhdt, dhdt_sigma, dhdt_sigma_systematic (m/yr)
    max_error : m/yr. Default: 1
    max_rate : m/yr, up or down. Default: 15

    Returns
    -------
    (n,) int8 array: 0 good (or no rate), else the sum of 1 if the error exceeds `max_error`, 2 if out of line with the
        rates around, 4 if faster than `max_rate`

    Notes
    -----
    A rate is compared with the up to 32 nearest within 1 km. Its error is the larger of the stated one and of the
    scatter from neighbour to neighbour around it, which clouds make large. It is out of line if it differs from the
    median of its neighbours by five times the largest of their spread (1.4826 x median absolute deviation), its own
    error, and 0.1 m/yr. With fewer than eight neighbours it is not tested. Neighbours with the same fault agree with
    each other, and only `max_rate` finds them.
    """
    flag = np.zeros(len(rates_table), dtype="i1")
    fitted = np.flatnonzero(np.isfinite(rates_table["dhdt"].to_numpy("f8")))
    part = rates_table.iloc[fitted]
    rate = part["dhdt"].to_numpy("f8")
    sigma = np.hypot(part["dhdt_sigma"].to_numpy("f8"), np.nan_to_num(part["dhdt_sigma_systematic"].to_numpy("f8")))
    median, spread, scatter = _around(part["x"].to_numpy("f8"), part["y"].to_numpy("f8"), rate)
    flag[fitted] += LARGE_ERROR * ~(np.fmax(sigma, scatter) <= max_error)
    allowed = _BEYOND * np.fmax(np.fmax(spread, sigma), _LEAST)
    flag[fitted] += (OUT_OF_LINE * (np.abs(rate - median) > allowed)).astype("i1")
    flag[fitted] += (TOO_FAST * (np.abs(rate) > max_rate)).astype("i1")
    return flag


def good_rates(rates_table: pd.DataFrame):
    """
    Return the rows with a rate that has no flag, or all rates of a table without flags.

    Parameters
    ----------
    rates_table : rates of points
    """
    fitted = np.isfinite(rates_table["dhdt"].to_numpy("f8"))
    return rates_table[fitted & (rates_table["flag"].to_numpy() == 0) if "flag" in rates_table else fitted]


def _around(x, y, rate, *, at_a_time=100_000):
    """Return median and spread of each point's neighbours and their scatter from one to the nearest, NaN if too few."""
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


def track_outliers(
    rates_table: pd.DataFrame, residual: np.ndarray, *, by: Sequence[str] = ("rgt",), limit: float = 4.0
) -> pd.DataFrame:
    """
    Find the tracks that disagree with the others around them.

    Parameters
    ----------
    rates_table : rates of points
    residual : (n,) array, m/yr, each rate less the estimate of the other tracks at its place
    by : columns that name a track. Default: rgt
    limit : largest abs(z) of a track that is no outlier, where z is the track's median over the spread of all tracks',
        NaN for fewer than five tracks. Default: 4

    Returns
    -------
    DataFrame by `by`: n, median (m/yr), nmad, z, outlier, the worst first
    """
    table = rates_table[list(by)].assign(_residual=np.asarray(residual, dtype=float))
    spreads = _with_z(spread_by(table[np.isfinite(table["_residual"])], "_residual", list(by)))
    spreads["outlier"] = spreads["z"].abs() > limit
    return spreads.sort_values("z", key=lambda z: -z.abs(), kind="stable").reset_index(drop=True)


def spread_by(table: pd.DataFrame, column: str, by: Any) -> pd.DataFrame:
    """
    Return n, median and NMAD (1.4826 x median absolute deviation) of a column by groups.

    Parameters
    ----------
    table : DataFrame
    column : column of values
    by : columns of the groups
    """
    groups = table.groupby(by, observed=True)[column]
    spreads = groups.agg(n="size", median="median").reset_index()
    spreads["nmad"] = nmad_by(table[column], [table[name] for name in by]).to_numpy()
    return spreads


def _with_z(table, *, least=0.0):
    """Add the median of each group over the spread of all groups' medians, NaN for fewer than five groups."""
    centre = table["median"].median()
    spread = max(nmad(table["median"]), least)
    is_defined = len(table) >= _GROUPS and spread > 0
    table["z"] = (table["median"] - centre) / spread if is_defined else np.nan
    return table
