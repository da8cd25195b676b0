"""Rates at points: answers to be had in the head, the definition, errors that are what they say, bad passes named."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from tests.builders.tracks import heights

from nunatak.elevation import point_rates
from nunatak.elevation.outliers import flag_rates, good_rates, leave_out_passes, pass_residuals, track_outliers
from nunatak.elevation.point_rates import RateOptions, rates, rates_and_kept, usable
from nunatak.times import decimal_year, from_decimal_year

LINE = RateOptions(annual=False)
KEYS = ["rgt", "pair", "ref_pt"]
FIVE = 2019.0 + np.arange(5.0)


def test_rate_is_the_planted_one():
    """Five cycles a year apart, sinking 2 m/yr, 0.1 m error: -2 and 0.1 / sqrt(10)."""
    found = rates(heights(FIVE, 500 - 2.0 * (FIVE - 2019)), KEYS).iloc[0]
    assert_allclose([found.dhdt, found.dhdt_theil_sen], -2.0, rtol=1e-9)
    assert_allclose(found.dhdt_sigma, 0.1 / np.sqrt(10), rtol=1e-6)
    assert_allclose([found.year, found.h, found.h_sigma], [2021.0, 496.0, 0.1 / np.sqrt(5)], rtol=1e-6)
    assert found.n_cycles == 5 and np.isnan(found.amplitude)


def test_shared_error_stays_apart():
    """
    0.03 m over four years and five passes: 0.03 / (4 sqrt(5 / 12)) m/yr, and dhdt_sigma as without it.

    What ATL11 states, up to 100 m on real granules, is a bound and does not enter; a share that is known does.
    """
    for stated, shared in (({}, 0.03), ({"h_corr_sigma_systematic": 20.0}, 0.03), ({"sigma_systematic": 0.2}, 0.2)):
        found = rates(heights(FIVE, 500.0, **stated), KEYS).iloc[0]
        assert_allclose(found.dhdt_sigma_systematic, shared / (4 * np.sqrt(5 / 12)), rtol=1e-6)
        assert_allclose(found.dhdt_sigma, 0.1 / np.sqrt(10), rtol=1e-6)


def test_a_height_off_the_line_of_the_others_is_left_out_and_counted():
    h = 500 - 2.0 * (FIVE - 2019)
    h[4] += 30
    found = rates(heights(FIVE, h), KEYS).iloc[0]
    assert abs(found.dhdt + 2) < 1e-6 and (found.n_cycles, found.n_left_out) == (4, 1)
    four = rates(heights(FIVE[1:], h[1:]), KEYS).iloc[0]
    assert four.n_left_out == 0 and four.dhdt_sigma > 1, "of four none can be said to be wrong: the error says so"


def test_a_change_that_lasts_is_not_left_out():
    """The last two of nine heights lie 10 m lower: the surface changed, and all nine count."""
    year = 2019.0 + 0.25 * np.arange(9)
    h = 500 - 0.5 * (year - 2019) - 10.0 * (np.arange(9) > 6)
    found = rates(heights(year, h), KEYS).iloc[0]
    assert found.n_cycles == 9 and found.n_left_out == 0 and found.dhdt < -3


def test_kept_rows_are_those_that_count():
    table = heights(FIVE, [500.0, 498, 530, 494, 492])
    table.loc[0, "h_corr_sigma"] = np.nan
    four = pd.concat([table, heights([2026.0], 486.0)], ignore_index=True)
    found, kept = rates_and_kept(four, KEYS)
    assert kept.tolist() == [False, True, False, True, True, True]
    assert_allclose(found.dhdt, -2.0, atol=0.01)


def test_kernel_agrees_with_the_definition():
    """Random times, heights and errors of 50 points, with gaps."""
    rng = np.random.default_rng(3)
    tables, expected = [], []
    for point in range(50):
        year = np.sort(rng.uniform(2019, 2024, rng.integers(4, 23)))
        sigma = rng.uniform(0.02, 0.5, year.size)
        h = rng.normal(3000, 2 * sigma)
        table = heights(year, h, sigma, point=point)
        tables.append(table)
        expected.append(point_rates.rate_reference(decimal_year(table.time.to_numpy()), h, sigma))
    mixed = pd.concat(tables).sample(frac=1, random_state=1)
    found = rates(mixed, KEYS, options=RateOptions(min_years=0.0, annual=False))
    assert_allclose(found[["dhdt", "dhdt_sigma"]], expected, rtol=1e-7)


def test_annual_cycle_is_taken_out():
    """0.5 m of seasons, sampled every 91 days, highest on 1 April; a line alone would lean."""
    year = 2019.1 + 0.249 * np.arange(11)
    h = 500 - 1.0 * (year - 2019) + 0.5 * np.cos(2 * np.pi * (year - 0.25))
    found = rates(heights(year, h, 0.02), KEYS, options=RateOptions(annual=True)).iloc[0]
    assert_allclose([found.dhdt, found.amplitude, found.day_of_maximum], [-1.0, 0.5, 91.3], rtol=1e-3)
    assert abs(rates(heights(year, h, 0.02), KEYS, options=RateOptions(annual=False)).iloc[0].dhdt + 1) > 0.02
    few = rates(heights(year[:7], h[:7], 0.02), KEYS, options=RateOptions(annual=True, min_years=1.0)).iloc[0]
    assert np.isnan(few.amplitude) and np.isfinite(few.dhdt), "seven heights get a line alone"


def test_seasons_that_cannot_be_told_from_the_line():
    """Nine heights of the same day of the year: a line, no cycle, no failure."""
    year = 2018.5 + np.arange(9.0)
    found = rates(heights(year, 500 - year), KEYS, options=RateOptions(annual=True)).iloc[0]
    assert_allclose(found.dhdt, -1.0, rtol=1e-6)
    assert np.isnan(found.amplitude)


@pytest.mark.parametrize(
    "year, why",
    [
        ([2019.0], "one cycle"),
        ([2019.0, 2021.0], "two observations"),
        ([2019, 2019.2, 2019.4, 2019.6], "a short span"),
        ([2020.0] * 5, "no span"),
    ],
)
def test_too_little_gives_no_rate(year, why):
    found = rates(heights(np.array(year), 500.0), KEYS).iloc[0]
    assert np.isnan(found.dhdt) and np.isnan(found.dhdt_sigma), why
    assert found.n_cycles == len(year)


def test_two_observations_when_the_user_allows_them():
    found = rates(heights(np.array([2019.0, 2021.0]), [500, 496]), KEYS, options=RateOptions(min_cycles=2)).iloc[0]
    assert_allclose([found.dhdt, found.dhdt_sigma], [-2.0, np.hypot(0.1, 0.1) / 2], rtol=1e-6)


def test_nan_and_zero_errors_do_not_count():
    """A height without a usable sigma is dropped, not taken for perfect; without any other there is no point."""
    sigma = np.array([0.1, np.nan, 0.1, 0.0, 0.1, 0.1])
    year = 2019.0 + np.arange(6.0)
    found = rates(heights(year, np.where(np.arange(6) == 3, 900, 500.0), sigma), KEYS).iloc[0]
    assert found.n_cycles == 4 and abs(found.dhdt) < 1e-9
    assert len(rates(heights(year, 500.0, np.nan), KEYS)) == 0


def test_errors_are_what_they_say():
    """99 % of 4,000 rates, whatever the number of cycles, lie within three errors; with the pass's share within its."""
    rng = np.random.default_rng(11)
    n, inside = 4000, []
    for cycles in (4, 9, 23):
        year = 2019.3 + 0.26 * np.arange(cycles) * (8 / cycles)
        sigma = rng.uniform(0.02, 0.2, (n, cycles))
        bias = 0.03 * rng.standard_normal((n, cycles))
        h = 800 - 3.0 * (year - 2019) + sigma * rng.standard_normal((n, cycles)) + bias
        table = pd.DataFrame(
            {
                "ref_pt": np.repeat(np.arange(n), cycles),
                "time": np.tile(from_decimal_year(year), n),
                "h_corr": h.ravel(),
                "h_corr_sigma": sigma.ravel(),
            }
        )
        found = rates(table, ["ref_pt"], options=LINE)
        z = (found.dhdt + 3.0) / np.hypot(found.dhdt_sigma, found.dhdt_sigma_systematic)
        inside.append(np.mean(np.abs(z) < 3))
        assert 0.6 < np.std(z) < 1.1
    assert min(inside) >= 0.99


def many_points(biases, n_points=200, seed=5):
    """Points of one track seen in passes with the given biases (m), 5 cm noise, -1 m/yr."""
    rng = np.random.default_rng(seed)
    cycles = len(biases)
    year = 2019.3 + 0.25 * np.arange(cycles)
    h = 600 - (year - 2019) + biases + 0.05 * rng.standard_normal((n_points, cycles))
    return pd.DataFrame(
        {
            "rgt": 741,
            "pair": "pt1",
            "ref_pt": np.repeat(np.arange(n_points), cycles),
            "cycle": np.tile(np.arange(cycles) + 3, n_points),
            "time": np.tile(from_decimal_year(year), n_points),
            "h_corr": h.ravel(),
            "h_corr_sigma": 0.05,
        }
    )


def test_a_bad_pass_stands_out():
    """Cycle 9 lies 0.6 m too high: its median residual is 0.6 m, and it is the one with a large z."""
    biases = np.zeros(12)
    biases[6] = 0.6
    table = many_points(biases)
    found = pass_residuals(table, rates(table, KEYS, options=LINE), KEYS).set_index("cycle")
    assert abs(found.loc[9, "median"] - 0.6) < 0.03
    assert found["z"].abs().idxmax() == 9


def test_planted_pass_biases_are_found_within_3_cm():
    """One bias of 0.1 to 1 m in a track of twelve cycles, 60 tracks: found to 3 cm in at least 95 %."""
    rng, hits = np.random.default_rng(8), []
    for k in range(60):
        biases = np.zeros(12)
        cycle = rng.integers(0, 12)
        biases[cycle] = rng.choice([-1, 1]) * rng.uniform(0.1, 1.0)
        table = many_points(biases, n_points=60, seed=k)
        found = pass_residuals(table, rates(table, KEYS, options=LINE), KEYS).set_index("cycle")
        hits.append(abs(found.loc[cycle + 3, "median"] - biases[cycle]) < 0.03)
    assert np.mean(hits) >= 0.95


@pytest.mark.parametrize("annual", [False, True])
@pytest.mark.parametrize("offset", [30.0, 3.0])
def test_one_bad_pass_bends_no_rate_and_is_the_only_one_named(annual, offset):
    """Cycle 9 of twelve lies 30 or 3 m too high, of which plain least squares made up to 1.3 m/yr."""
    rng = np.random.default_rng(3)
    tables = [many_points(0.03 * rng.standard_normal(12), seed=k).assign(rgt=k + 1) for k in range(10)]
    table = pd.concat(tables, ignore_index=True)
    table.loc[(table.rgt == 4) & (table.cycle == 9), "h_corr"] += offset
    found, kept = rates_and_kept(table, KEYS, options=RateOptions(annual=annual))
    assert_allclose(found[found.rgt == 4].dhdt.median(), -1.0, atol=0.05)
    assert (~kept & (table.rgt == 4) & (table.cycle == 9)).sum() > 195 and (~kept).sum() < 205
    residuals = pass_residuals(table, found, KEYS)
    bad = residuals[leave_out_passes(residuals)]
    assert bad[["rgt", "cycle"]].to_numpy().tolist() == [[4, 9]]
    assert_allclose(bad["median"], offset, atol=0.1)
    assert not leave_out_passes(residuals, max_pass=None).any()


@pytest.mark.parametrize(("passes", "named"), [(4, False), (5, True), (6, True), (7, True), (8, True)])
def test_a_bad_pass_of_few_is_named(passes, named):
    """
    One pass of one of four tracks lies 30 m too high, among heights that scatter by 0.5 m.

    Each of the track's passes is the high one in turn.
    """
    options = RateOptions(min_years=0.7)
    for cycle in range(passes):
        rng = np.random.default_rng(cycle)
        tables = [many_points(0.03 * rng.standard_normal(passes), 50, k).assign(rgt=k + 1) for k in range(4)]
        table = pd.concat(tables, ignore_index=True)
        table["h_corr"] += 0.5 * rng.standard_normal(len(table))
        table.loc[(table.rgt == 2) & (table.cycle == cycle + 3), "h_corr"] += 30.0
        residuals = pass_residuals(table, rates(table, KEYS, options=options), KEYS)
        bad = residuals[leave_out_passes(residuals)]
        assert bad[["rgt", "cycle"]].to_numpy().tolist() == ([[2, cycle + 3]] if named else [])
        assert np.isfinite(residuals["z"]).all() and (not named or (bad["median"] - 30).abs().max() < 1.0)


def test_snow_on_a_part_of_the_track_is_no_bad_pass():
    """Cycle 9 lies 2 m higher on 60 % of the points: out of line, but not wrong everywhere."""
    table = many_points(np.zeros(12))
    table.loc[(table.cycle == 9) & (table.ref_pt < 120), "h_corr"] += np.linspace(0.5, 3.5, 120)
    residuals = pass_residuals(table, rates(table, KEYS, options=LINE), KEYS)
    assert not leave_out_passes(residuals).any()


def mapped_rates(n=600, seed=1):
    """Points 60 m apart along three lines, rates of -0.3 m/yr with a slope of 1 m/yr over the 12 km, errors 5 cm/yr."""
    rng = np.random.default_rng(seed)
    along = 60.0 * (np.arange(n) % 200)
    rate = -0.3 - along / 12e3 + 0.05 * rng.standard_normal(n)
    return pd.DataFrame(
        {
            "x": along,
            "y": 3300.0 * (np.arange(n) // 200),
            "dhdt": rate,
            "dhdt_sigma": 0.05,
            "dhdt_sigma_systematic": 0.01,
        }
    )


def test_rates_of_clouds_get_a_flag_and_sound_ones_none():
    """
    A large error gets flag 1, a lone rate out of line 2, and a rate that is too fast 4.

    A tongue that thins by 10 m/yr is ice change and gets none.
    """
    table = mapped_rates()
    table.loc[300:317, "dhdt"] -= 10.0
    assert not flag_rates(table).any()
    table.loc[[20, 21], ["dhdt", "dhdt_sigma"]] = [[-300.0, 900.0], [250.0, 40.0]]
    table.loc[500, "dhdt"] += 4.0
    table.loc[10, "dhdt"] = np.nan
    table["flag"] = flag_rates(table)
    assert table.flag[table.flag > 0].to_dict() == {20: 5, 21: 7, 500: 2}
    assert len(good_rates(table)) == 596


def test_a_block_of_alike_wrong_rates_is_held_by_their_limit():
    """A kilometre of points at 40 m/yr, each in line with the next and of small error, and one at exactly the limit."""
    table = mapped_rates()
    table.loc[300:317, "dhdt"] = 40.0 + 0.01 * np.arange(18)
    table.loc[0, "dhdt"], table.loc[599, "dhdt"] = -15.0, -15.01
    alone = flag_rates(table, max_rate=1000.0)
    assert not alone[300:318].any(), "nothing else tells them"
    flag = flag_rates(table)
    assert (flag[300:318] == 4).all() and flag[0] == alone[0] and flag[599] == alone[599] + 4
    assert (flag > 3).sum() == 19 and len(good_rates(table.assign(flag=flag)).query("dhdt > 15")) == 0


def test_rates_that_jump_from_point_to_point_are_no_ice_change():
    """Under clouds every rate may state a small error; its neighbours tell another."""
    table = mapped_rates()
    rng = np.random.default_rng(7)
    table.loc[200:399, "dhdt"] += rng.uniform(-50, 50, 200)
    flag = flag_rates(table)
    assert (flag[200:400] > 0).all() and not flag[:200].any() and not flag[400:].any()


def test_track_that_disagrees_with_its_neighbours():
    """Of ten tracks the one that is 0.8 m/yr off heads the list, and is the only outlier."""
    rng = np.random.default_rng(2)
    rgt = np.repeat(np.arange(1, 11), 300)
    residual = 0.05 * rng.standard_normal(rgt.size) + 0.02 * rng.standard_normal(10)[rgt - 1] + 0.8 * (rgt == 7)
    residual[::50] = np.nan
    found = track_outliers(pd.DataFrame({"rgt": rgt}), residual)
    assert found.rgt.iloc[0] == 7 and found.outlier.tolist() == [True] + [False] * 9
    alone = track_outliers(pd.DataFrame({"rgt": [1, 1]}), [0.5, 0.5])
    assert not alone.outlier.any(), "one track has nobody to disagree with"


@pytest.mark.parametrize(
    ("reason", "with_quality", "without"),
    [
        ({}, True, True),
        ({"h_corr": np.nan}, False, False),
        ({"h_corr_sigma": np.nan}, False, False),
        ({"h_corr_sigma": np.inf}, False, False),
        ({"h_corr_sigma": 0.0}, False, False),
        ({"h_corr_sigma": -0.1}, False, False),
        ({"quality_summary": 1}, False, True),
        ({"n_slope": -0.21}, False, False),
        ({"e_slope": 0.21}, False, False),
        ({"n_slope": 0.15, "e_slope": -0.15}, False, False),  # 0.212 down the slope
        ({"n_slope": 0.12, "e_slope": 0.16}, True, True),  # 0.2, the limit itself
        ({"n_slope": np.nan, "e_slope": np.nan}, True, True),
    ],
    ids=str,
)
def test_heights_to_use_by_each_reason(reason, with_quality, without):
    """One row good but for one thing: height, error, quality, and the steepest slope, whichever way it faces."""
    row = {"h_corr": 500.0, "h_corr_sigma": 0.1, "quality_summary": 0, "n_slope": 0.0, "e_slope": 0.0}
    table = pd.DataFrame([row | reason, row])
    assert usable(table, max_slope=0.2000001).tolist() == [with_quality, True]
    assert usable(table, quality=False, max_slope=0.2000001).tolist() == [without, True]
    steep = "n_slope" in reason or "e_slope" in reason
    assert usable(table, quality=False).tolist() == [without or steep, True], "no limit, no slope too steep"


@pytest.mark.parametrize(("median", "left_out"), [(0.5, False), (-0.5, False), (0.51, True), (-0.51, True)])
def test_a_pass_up_to_the_limit_stays(median, left_out):
    """One of six passes of a track lies off by the limit of 0.5 m itself, or by more, to either side."""
    medians = np.array([0.0, 0.01, -0.01, 0.02, -0.02, median])
    table = pd.DataFrame({"rgt": 1, "cycle": np.arange(6), "median": medians, "nmad": 0.05, "z": medians / 0.02})
    assert leave_out_passes(table).tolist() == [False] * 5 + [left_out]
    assert leave_out_passes(table.head(4)).sum() == 0 and not leave_out_passes(table, max_pass=None).any()
