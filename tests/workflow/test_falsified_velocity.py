"""The finished tiny Pine Island with one result made wrong at a time: which checks notice, with and without truth."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
import shapely
from tests.builders.falsified import Finished, described, of_truth
from tests.workflow.workflow_runs import TINY

from nunatak.geometry.region import Region

YEARS_LATER = ["acquisition_date_img1", "acquisition_date_img2", "mid_date"]


@pytest.fixture(scope="module")
def flow(finished_velocity):
    """The finished study, opened in its own folder, to which the paths of its ledgers belong."""
    before = os.getcwd()
    os.chdir(finished_velocity.folder)
    yield Finished(finished_velocity.folder, "pine_island", **TINY)
    os.chdir(before)


def named(annual, pattern):
    """Variables of annual.nc whose names match."""
    return [name for name in annual.data_vars if re.fullmatch(pattern, name)]


SPEEDS = r"d?v[xy]?(0|_mean|_dt|_amp)?"  # in m/yr, or m/yr per year
ERRORS = SPEEDS + "_error(_formal)?"
DIRECTED = r"d?v[xy](0|_mean|_dt)?"


def times(name, factor, pattern):
    """The variables of a grid that match, by a factor."""

    def change(flow):
        grid = flow.results[name]
        return {name: grid.assign({n: grid[n] * factor for n in named(grid, pattern)})}

    return change


def exchanged(flow):
    annual = flow.results["annual"]
    other = {"x": "y", "y": "x"}
    pairs = {n: re.sub(r"^(d?v)([xy])", lambda m: m[1] + other[m[2]], n) for n in named(annual, r"d?v[xy].*")}
    return {"annual": annual.assign({n: annual[own] for n, own in pairs.items()})}


def turned(name, rows=1, columns=1):
    """The values of a grid upside down or mirrored, at the old places."""

    def change(flow):
        grid = flow.results[name]
        maps = {n: v for n, v in grid.data_vars.items() if {"y", "x"} <= set(v.dims)}
        values = {n: (v.dims, v.values[..., ::rows, ::columns].copy(), v.attrs) for n, v in maps.items()}
        return {name: grid.assign(values)}

    return change


def annual(change):
    """annual.nc, changed by a function of it."""
    return lambda flow: {"annual": change(flow.results["annual"])}


def table(name, **columns):
    """A table with columns made wrong by functions of it."""
    return lambda flow: {name: flow.results[name].assign(**columns)}


def a_year_late(a):
    return a.assign_coords({name: a[name] + 1 for name in ("year", "year_start", "year_end")})


def wide_and_fast(a):
    fast = {n: a[n] * 1.1 for n in named(a, SPEEDS)}
    return a.assign({**fast, **{n: a[n] * 3 for n in named(a, ERRORS)}})


def other_outline(flow):
    region = flow.results["regions"]["region"]
    return {"regions": {"region": Region(region.name, shapely.affinity.translate(region.geometry, 0.1))}}


AGAIN, CLOSES = {"velocity/fitted_again"}, {"velocity/closes"}
SERIES, LINE, GATES, STRAIN, COUNTS = ({n} for n in ("velocity_series/trunk", "flowline", "gates", "strain", "speeds"))
AFTER = SERIES | LINE | GATES | STRAIN
TRUE_X, TRUE_Y, TRUE_V = ({f"velocity{n}_against_truth"} for n in ("_vx", "_vy", ""))
SCALES = {"velocity_vx_scale_against_truth", "velocity_vy_scale_against_truth"}
TREND, AMPLITUDE, PHASE = ({f"velocity_{n}_against_truth"} for n in ("trend", "amplitude", "phase"))


def spread(names):
    return {f"{name}/spread" for name in names}


# what is wrong: how, the checks that notice on any study, and those that the truth of the simulation adds
CASES = {
    "maps x 1.1": (
        times("annual", 1.1, f"{SPEEDS}|{ERRORS}"),
        AGAIN | AFTER | COUNTS,
        TRUE_X | TRUE_Y | TRUE_V | SCALES,
    ),
    "maps x 1.05": (
        times("annual", 1.05, f"{SPEEDS}|{ERRORS}"),
        AGAIN | AFTER | COUNTS,
        TRUE_X | TRUE_Y | TRUE_V | SCALES,
    ),
    "maps x 1.02": (times("annual", 1.02, f"{SPEEDS}|{ERRORS}"), AGAIN | AFTER | COUNTS, TRUE_Y | TRUE_V),
    "vx and vy exchanged": (exchanged, AGAIN | AFTER, TRUE_X | TRUE_Y | SCALES),
    "sign of vx": (
        times("annual", -1.0, r"d?vx(0|_mean|_dt)?"),
        AGAIN | AFTER,
        TRUE_X | TREND | AMPLITUDE | {"velocity_vx_scale_against_truth"},
    ),
    "signs of vx and vy": (
        times("annual", -1.0, DIRECTED),
        AGAIN | AFTER,
        TRUE_X | TRUE_Y | SCALES | TREND | PHASE,
    ),
    "a year late": (
        annual(a_year_late),
        AGAIN | CLOSES | SERIES | LINE | GATES,
        TRUE_X | TRUE_Y | TRUE_V | TREND,
    ),
    "a cell east": (annual(lambda a: a.assign_coords(x=a["x"] + 120)), AGAIN | AFTER, set()),
    "upside down": (
        turned("annual", rows=-1),
        AGAIN | AFTER | {"velocity/region"},
        TRUE_X | TRUE_Y | TRUE_V | {"velocity_vx_scale_against_truth"} | TREND,
    ),
    "mirrored": (
        turned("annual", columns=-1),
        AGAIN | AFTER | {"velocity/region"},
        TRUE_X | TRUE_Y | TRUE_V | SCALES | TREND,
    ),
    "errors of speeds x 10": (
        times("annual", 10.0, "v_error"),
        AGAIN | CLOSES | SERIES | LINE,
        spread(TRUE_V),
    ),
    "errors x 10": (
        times("annual", 10.0, "v[xy]?_error"),
        AGAIN | CLOSES | SERIES | LINE | GATES,
        spread(TRUE_X | TRUE_Y | TRUE_V),
    ),
    "errors x 0.7": (
        times("annual", 0.7, "v[xy]?_error"),
        AGAIN | CLOSES | SERIES | LINE | GATES,
        TRUE_Y | TRUE_V,
    ),
    "maps x 1.1 with errors x 3": (
        annual(wide_and_fast),
        AGAIN | CLOSES | AFTER | COUNTS,
        # errors three times as wide leave vx too slow to tell its scale
        TRUE_X | TRUE_Y | TRUE_V | {"velocity_vy_scale_against_truth"} | spread(AMPLITUDE | TREND),
    ),
    "sign of the trend": (times("annual", -1.0, "dv[xy]?_dt"), AGAIN | CLOSES, TREND),
    "trend x 1.1": (times("annual", 1.1, "dv[xy]?_dt"), AGAIN | CLOSES, set()),
    "sign of the phase": (
        annual(lambda a: a.assign(v_phase=(365.25 - a["v_phase"]) % 365.25)),
        AGAIN | SERIES,
        PHASE,
    ),
    "phase + 30 days": (annual(lambda a: a.assign(v_phase=(a["v_phase"] + 30) % 365.25)), AGAIN | SERIES, set()),
    "amplitude x 1.5": (times("annual", 1.5, "v_amp"), AGAIN | SERIES, AMPLITUDE),
    "amplitude x 1.1": (times("annual", 1.1, "v_amp"), AGAIN | SERIES, set()),
    "amplitude of vx x 1.1": (times("annual", 1.1, "vx_amp"), AGAIN, set()),
    "speed at the reference year x 1.5": (times("annual", 1.5, "v[xy]?0"), AGAIN | CLOSES, set()),
    "mean speed x 1.02": (times("annual", 1.02, "v[xy]?_mean"), AGAIN | CLOSES | LINE | STRAIN, set()),
    "counts x 2": (times("annual", 2, "count0?"), AGAIN, set()),
    "status": (annual(lambda a: a.assign(status=a["status"] + 1)), AGAIN | CLOSES, set()),
    "half of the years gone": (
        annual(lambda a: a.isel(year=slice(0, None, 2))),
        AGAIN | CLOSES | SERIES | LINE | GATES | COUNTS,
        TRUE_X | TRUE_Y | TRUE_V | TREND,
    ),
    "strain rates x 1.1": (times("strain", 1.1, "e.*"), STRAIN, set()),
    "strain rates upside down": (turned("strain", rows=-1), STRAIN, set()),
    "series x 1.02": (table("velocity_series", v=lambda t: t["v"] * 1.02), SERIES, set()),
    "series a year late": (
        table("velocity_series", time=lambda t: t["time"] + np.timedelta64(365, "D")),
        SERIES,
        set(),
    ),
    "flowline x 1.05": (table("flowline", **{n: (lambda t, n=n: t[n] * 1.05) for n in ("v", "vx", "vy")}), LINE, set()),
    "travel times x 1.1": (table("flowline", travel_time=lambda t: t["travel_time"] * 1.1), LINE, set()),
    "flowline the other way": (table("flowline", distance=lambda t: -t["distance"]), LINE, set()),
    "flux x 1.02": (table("gates", area_flux=lambda t: t["area_flux"] * 1.02), GATES, set()),
    "errors of flux x 2": (table("gates", area_flux_sigma=lambda t: t["area_flux_sigma"] * 2), GATES, set()),
    "counts of speeds x 2": (table("speeds", annual=lambda t: t["annual"] * 2), COUNTS, set()),
    "counts of pairs' speeds x 2": (table("speeds", pairs=lambda t: t["pairs"] * 2), COUNTS, set()),
    "pair mirrored": (turned("image_pair", columns=-1), {"image_pair"}, set()),
    "pair x 1.02": (times("image_pair", 1.02, "v"), {"image_pair"}, set()),
    "pairs a year late": (
        table("image_pairs", **{n: (lambda t, n=n: t[n] + np.timedelta64(365, "D")) for n in YEARS_LATER}),
        {"image_pairs"},
        set(),
    ),
    "every pair used": (table("image_pairs", fate="used"), {"image_pairs", "velocity_pairs"}, set()),
    "outline elsewhere": (other_outline, {"velocity/region", "region_change/sums/region"}, set()),
}


@pytest.mark.parametrize("wrong", CASES)
def test_a_wrong_result_is_noticed(flow, wrong):
    change, always, by_truth = CASES[wrong]
    noticed = flow.noticed(change(flow))
    assert noticed - of_truth(noticed) == always and always, "by checks that need no truth"
    assert of_truth(noticed) == by_truth


def test_right_results_hold_every_check(flow):
    assert len(flow.held) > 30 and not [check for check in flow.held if check.failed]


def test_every_check_is_described(flow):
    assert [check.name for check in flow.held if not described(check.name)] == []


def test_rasters_are_held_against_the_maps(flow):
    maps = flow.sources.bands["velocity_maps"]
    wrong = {"velocity_maps": {**maps, "vx": maps["vy"]}}
    assert flow.noticed({}, bands=wrong) == {"raster_values/velocity_maps"}
