"""Rates and passes out of line by brute force, and quarters of monthly records, month by month."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nunatak.elevation.outliers import flag_rates, leave_out_passes, track_outliers
from nunatak.elevation.quarters import quarterly, quarters_of
from nunatak.times import decimal_year


def slow_flags(table, max_error, max_rate):
    """Flag each rate by its up to 32 nearest within 1 km, at least 8 of them."""
    x, y, rate = (table[name].to_numpy() for name in ("x", "y", "dhdt"))
    sigma = np.hypot(table["dhdt_sigma"], table["dhdt_sigma_systematic"].fillna(0.0)).to_numpy()
    fitted = np.flatnonzero(np.isfinite(rate))
    away = np.hypot(x[:, None] - x, y[:, None] - y)
    np.fill_diagonal(away, np.inf)
    away[:, ~np.isfinite(rate)] = np.inf
    rough = np.abs(rate - rate[away.argmin(axis=1)])
    flags = np.zeros(len(table), dtype=int)
    for i in fitted:
        near = [j for j in np.argsort(away[i]) if away[i, j] < 1000][:32]
        error, allowed, median = sigma[i], np.nan, np.nan
        if len(near) >= 8:
            median = np.median(rate[near])
            spread = 1.4826 * np.median(np.abs(rate[near] - median))
            error = max(error, 1.4826 / np.sqrt(2) * np.median(rough[[i, *near]]))
            allowed = 5 * max(spread, sigma[i], 0.1)
        flags[i] = 1 * (not error <= max_error) + 2 * (abs(rate[i] - median) > allowed) + 4 * (abs(rate[i]) > max_rate)
    return flags


@pytest.mark.parametrize(("max_error", "max_rate"), [(1.0, 15.0), (0.3, 2.0), (0.1, 9.0)])
def test_rates_are_flagged_as_by_brute_force(max_error, max_rate):
    """Dense places of even and of rough rates, a sparse one, rates without errors of a pass, and none at all."""
    rng = np.random.default_rng(12)
    x = np.concatenate([rng.uniform(0, 1500, 90), rng.uniform(5000, 9000, 80), rng.uniform(2e4, 2.2e4, 12)])
    y = rng.uniform(0, 1200, x.size)
    rate = -1 + rng.normal(0, np.where(x > 7000, 0.6, 0.05))
    rate[::11] += rng.choice([-4, 0.55, 12, -20], rate[::11].size)
    rate[5::17] = np.nan
    sigma = rng.uniform(0.02, 0.2, x.size)
    shared = np.where(rng.random(x.size) < 0.3, np.nan, 0.1)
    table = pd.DataFrame({"x": x, "y": y, "dhdt": rate, "dhdt_sigma": sigma, "dhdt_sigma_systematic": shared})
    expected = slow_flags(table, max_error, max_rate)
    np.testing.assert_array_equal(flag_rates(table, max_error=max_error, max_rate=max_rate), expected)
    assert len(set(expected)) > 3
    few = table.iloc[:9]
    np.testing.assert_array_equal(flag_rates(few), slow_flags(few, 1.0, 15.0))


@pytest.mark.parametrize(("lower", "flag"), [(16, 0), (15, 2), (17, 2)])
def test_the_thirty_two_nearest_decide(lower, flag):
    """
    Of 40 neighbours the nearest have -1 and the others 1 m/yr.

    Sixteen of each have the median 0 and a spread of 1.48 m/yr, so that 7.2 m/yr is in line. One of either more decides
    the median, and leaves no spread.
    """
    x = np.append(0.0, 20.0 * np.arange(1, 41) * (-1) ** np.arange(40))
    rate = np.append(7.2, np.where(np.arange(40) < lower, -1.0, 1.0))
    table = pd.DataFrame({"x": x, "y": 0.0, "dhdt": rate, "dhdt_sigma": 0.01, "dhdt_sigma_systematic": 0.0})
    assert flag_rates(table, max_error=1e9)[0] == flag


def passes(**columns):
    """Five passes of a track within 2 cm of its lines, and one 1 m above them."""
    table = {"rgt": 5, "cycle": range(6), "median": [-0.02, -0.01, 0.0, 0.01, 0.02, 1.0], "nmad": 0.1}
    return pd.DataFrame(table | {"z": np.array([-2, -1, 0, 1, 2, 50.0])} | columns)


@pytest.mark.parametrize(
    ("change", "left_out"),
    [
        ({}, True),
        ({"nmad": [0.1] * 5 + [0.34]}, False),  # its own points are spread by more than a third of it
        ({"nmad": [0.1] * 5 + [0.33]}, True),
        ({"z": [0.0] * 5 + [4.0]}, False),  # within four spreads of all passes
        ({"z": [0.0] * 5 + [-4.1]}, True),
        ({"median": [-0.5, -0.2, 0.0, 0.2, 0.5, 1.0]}, False),  # the track varies by itself
        ({"median": [-0.02, -0.01, 0.0, 0.01, 0.02, 0.5]}, False),  # no more than what is always kept
        ({"median": [-0.02, -0.01, 0.0, 0.01, 0.02, -0.51]}, True),
        ({"rgt": [1, 1, 5, 5, 5, 5]}, False),  # one of four passes
        ({"rgt": [1, 5, 5, 5, 5, 5]}, True),  # one of five
    ],
)
def test_a_pass_is_left_out_where_it_is_off_by_every_measure(change, left_out):
    assert leave_out_passes(passes(**change)).tolist() == [False] * 5 + [left_out]
    assert not leave_out_passes(passes(**change), max_pass=None).any()


def test_tracks_are_outliers_by_the_spread_of_all():
    """Of six tracks the one that is 1.1 m/yr off is, and values that are missing do not count."""
    medians = {1: -0.2, 2: -0.1, 3: 0.0, 4: 0.1, 5: 0.2, 6: 1.1}
    rows = pd.DataFrame({"rgt": np.repeat(list(medians), 3)})
    residual = np.repeat(list(medians.values()), 3) + np.tile([-0.01, 0.0, 0.01], 6)
    rows = pd.concat([rows, pd.DataFrame({"rgt": [1]})], ignore_index=True)
    found = track_outliers(rows, np.append(residual, np.nan))
    assert found["rgt"].iloc[0] == 6 and found["outlier"].tolist() == [True] + [False] * 5
    centre, spread = 0.05, 1.4826 * np.median(np.abs(np.array([*medians.values()]) - 0.05))
    np.testing.assert_allclose(found["z"].iloc[0], (1.1 - centre) / spread)
    assert (found["n"] == 3).all() and np.allclose(found["nmad"], 1.4826 * 0.01)
    four = track_outliers(rows[rows["rgt"] < 5], np.append(residual[:12], np.nan))
    assert four["z"].isna().all() and not four["outlier"].any()


def test_quarters_are_means_of_their_months():
    """A month counts half where a quarter begins in its middle, and 1.5 months are the fewest of a quarter."""
    rng = np.random.default_rng(4)
    time = np.datetime64("2017-12-15") + np.rint(np.arange(31) * 365.25 / 12).astype("timedelta64[D]")
    time = time.astype("datetime64[ns]")
    values = 10 - 3 * np.arange(31)[:, None, None] / 12 + rng.normal(0, 0.2, (31, 2, 2))
    values[3:5, 0, 1], values[8:10, 0, 1], values[13:, 1, 0] = np.nan, np.nan, np.nan
    values[12:, 1, 1] = np.nan  # twelve months: no trend is taken off
    record = xr.Dataset(
        {"dh": (("time", "y", "x"), values), "sigma": (("time", "y", "x"), np.abs(values))},
        {"time": time, "y": [1.0, 0.0], "x": [0.0, 1.0]},
    )
    made = quarterly(record, ["dh", "sigma"], sigma="sigma")
    months = decimal_year(time)
    count = 12 * (time.astype("datetime64[M]") - np.datetime64("2018-01")).astype(int) // 12
    first = made["decimal_year"].values[0]
    assert first == 2018.0 and np.allclose(np.diff(made["decimal_year"]), 0.25)
    np.testing.assert_array_equal(quarters_of(time)[0], made["decimal_year"])
    for i, j in np.ndindex(2, 2):
        for name in ("dh", "sigma"):
            column = record[name].values[:, i, j]
            seen = np.isfinite(column)
            slope = np.polyfit(months[seen], column[seen], 1)[0] if name == "dh" and seen.sum() > 12 else 0.0
            for q, year in enumerate(made["decimal_year"].values):
                start = round((year - 2018) * 12) - 1.5
                weight = np.clip(np.minimum(count + 1, start + 3) - np.maximum(count, start), 0, 1) * seen
                moved = np.where(seen, column - slope * (months - year), 0.0)
                mean = (weight * moved).sum() / weight.sum() if weight.sum() >= 1.5 else np.nan
                np.testing.assert_allclose(made[name].values[q, i, j], mean, rtol=1e-5, err_msg=str((name, i, j, year)))
    assert made["dh"].isnull().sum() > 3
