"""The finished tiny Pine Island with one result made wrong at a time: which checks notice, with and without truth."""

from __future__ import annotations

import re

import pytest
import shapely
from tests.builders.falsified import assert_noticed, assert_sound, by, grid, later, opened, table, times, turned

from nunatak.geometry.region import Region

YEARS_LATER = ["acquisition_date_img1", "acquisition_date_img2", "mid_date"]


@pytest.fixture(scope="module")
def flow(finished_velocity):
    with opened(finished_velocity, "pine_island") as study:
        yield study


def named(annual, pattern):
    """Variables of annual.nc whose names match."""
    return [name for name in annual.data_vars if re.fullmatch(pattern, name)]


def scaled(name, factor, pattern):
    """The variables of a grid that match, by a factor."""
    return grid(name, lambda g: times(g, factor, *named(g, pattern)))


SPEEDS = r"d?v[xy]?(0|_mean|_dt|_amp)?"  # in m/yr, or m/yr per year
ERRORS = SPEEDS + "_error(_formal)?"
DIRECTED = r"d?v[xy](0|_mean|_dt)?"


def exchanged(flow):
    annual = flow.results["annual"]
    other = {"x": "y", "y": "x"}
    pairs = {n: re.sub(r"^(d?v)([xy])", lambda m: m[1] + other[m[2]], n) for n in named(annual, r"d?v[xy].*")}
    return {"annual": annual.assign({n: annual[own] for n, own in pairs.items()})}


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
        scaled("annual", 1.1, f"{SPEEDS}|{ERRORS}"),
        AGAIN | AFTER | COUNTS,
        TRUE_X | TRUE_Y | TRUE_V | SCALES,
    ),
    "maps x 1.05": (
        scaled("annual", 1.05, f"{SPEEDS}|{ERRORS}"),
        AGAIN | AFTER | COUNTS,
        TRUE_X | TRUE_Y | TRUE_V | SCALES,
    ),
    "maps x 1.02": (scaled("annual", 1.02, f"{SPEEDS}|{ERRORS}"), AGAIN | AFTER | COUNTS, TRUE_Y | TRUE_V),
    "vx and vy exchanged": (exchanged, AGAIN | AFTER, TRUE_X | TRUE_Y | SCALES),
    "sign of vx": (
        scaled("annual", -1.0, r"d?vx(0|_mean|_dt)?"),
        AGAIN | AFTER,
        TRUE_X | TREND | AMPLITUDE | {"velocity_vx_scale_against_truth"},
    ),
    "signs of vx and vy": (
        scaled("annual", -1.0, DIRECTED),
        AGAIN | AFTER,
        TRUE_X | TRUE_Y | SCALES | TREND | PHASE,
    ),
    "a year late": (
        grid("annual", a_year_late),
        AGAIN | CLOSES | SERIES | LINE | GATES,
        TRUE_X | TRUE_Y | TRUE_V | TREND,
    ),
    "a cell east": (grid("annual", lambda a: a.assign_coords(x=a["x"] + 120)), AGAIN | AFTER, set()),
    "upside down": (
        grid("annual", lambda g: turned(g, rows=-1)),
        AGAIN | AFTER | {"velocity/region"},
        TRUE_X | TRUE_Y | TRUE_V | {"velocity_vx_scale_against_truth"} | TREND,
    ),
    "mirrored": (
        grid("annual", lambda g: turned(g, columns=-1)),
        AGAIN | AFTER | {"velocity/region"},
        TRUE_X | TRUE_Y | TRUE_V | SCALES | TREND,
    ),
    "errors of speeds x 10": (
        scaled("annual", 10.0, "v_error"),
        AGAIN | CLOSES | SERIES | LINE,
        spread(TRUE_V),
    ),
    "errors x 10": (
        scaled("annual", 10.0, "v[xy]?_error"),
        AGAIN | CLOSES | SERIES | LINE | GATES,
        spread(TRUE_X | TRUE_Y | TRUE_V),
    ),
    "errors x 0.7": (
        scaled("annual", 0.7, "v[xy]?_error"),
        AGAIN | CLOSES | SERIES | LINE | GATES,
        TRUE_Y | TRUE_V,
    ),
    "maps x 1.1 with errors x 3": (
        grid("annual", wide_and_fast),
        AGAIN | CLOSES | AFTER | COUNTS,
        # errors three times as wide leave vx too slow to tell its scale
        TRUE_X | TRUE_Y | TRUE_V | {"velocity_vy_scale_against_truth"} | spread(AMPLITUDE | TREND),
    ),
    "sign of the trend": (scaled("annual", -1.0, "dv[xy]?_dt"), AGAIN | CLOSES, TREND),
    "trend x 1.1": (scaled("annual", 1.1, "dv[xy]?_dt"), AGAIN | CLOSES, set()),
    "sign of the phase": (
        grid("annual", lambda a: a.assign(v_phase=(365.25 - a["v_phase"]) % 365.25)),
        AGAIN | SERIES,
        PHASE,
    ),
    "phase + 30 days": (
        grid("annual", lambda a: a.assign(v_phase=(a["v_phase"] + 30) % 365.25)),
        AGAIN | SERIES,
        set(),
    ),
    "amplitude x 1.5": (scaled("annual", 1.5, "v_amp"), AGAIN | SERIES, AMPLITUDE),
    "amplitude x 1.1": (scaled("annual", 1.1, "v_amp"), AGAIN | SERIES, set()),
    "amplitude of vx x 1.1": (scaled("annual", 1.1, "vx_amp"), AGAIN, set()),
    "speed at the reference year x 1.5": (scaled("annual", 1.5, "v[xy]?0"), AGAIN | CLOSES, set()),
    "mean speed x 1.02": (scaled("annual", 1.02, "v[xy]?_mean"), AGAIN | CLOSES | LINE | STRAIN, set()),
    "counts x 2": (scaled("annual", 2, "count0?"), AGAIN, set()),
    "status": (grid("annual", lambda a: a.assign(status=a["status"] + 1)), AGAIN | CLOSES, set()),
    "half of the years gone": (
        grid("annual", lambda a: a.isel(year=slice(0, None, 2))),
        AGAIN | CLOSES | SERIES | LINE | GATES | COUNTS,
        TRUE_X | TRUE_Y | TRUE_V | TREND,
    ),
    "strain rates x 1.1": (scaled("strain", 1.1, "e.*"), STRAIN, set()),
    "strain rates upside down": (grid("strain", lambda g: turned(g, rows=-1)), STRAIN, set()),
    "series x 1.02": (table("velocity_series", **by(1.02, "v")), SERIES, set()),
    "series a year late": (
        table("velocity_series", **later(365, "time")),
        SERIES,
        set(),
    ),
    "flowline x 1.05": (table("flowline", **by(1.05, "v", "vx", "vy")), LINE, set()),
    "travel times x 1.1": (table("flowline", **by(1.1, "travel_time")), LINE, set()),
    "flowline the other way": (table("flowline", distance=lambda t: -t["distance"]), LINE, set()),
    "flux x 1.02": (table("gates", **by(1.02, "area_flux")), GATES, set()),
    "errors of flux x 2": (table("gates", **by(2, "area_flux_sigma")), GATES, set()),
    "counts of speeds x 2": (table("speeds", **by(2, "annual")), COUNTS, set()),
    "counts of pairs' speeds x 2": (table("speeds", **by(2, "pairs")), COUNTS, set()),
    "pair mirrored": (grid("image_pair", lambda g: turned(g, columns=-1)), {"image_pair"}, set()),
    "pair x 1.02": (scaled("image_pair", 1.02, "v"), {"image_pair"}, set()),
    "pairs a year late": (
        table("image_pairs", **later(365, *YEARS_LATER)),
        {"image_pairs"},
        set(),
    ),
    "every pair used": (table("image_pairs", fate="used"), {"image_pairs", "velocity_pairs"}, set()),
    "outline elsewhere": (other_outline, {"velocity/region", "region_change/sums/region"}, set()),
}


@pytest.mark.parametrize("wrong", CASES)
def test_a_wrong_result_is_noticed(flow, wrong):
    assert_noticed(flow, *CASES[wrong])


def test_right_results_hold_every_check(flow):
    """Every check is described on the page on checks, too."""
    assert_sound(flow, 30)


def test_rasters_are_held_against_the_maps(flow):
    maps = flow.sources.bands["velocity_maps"]
    wrong = {"velocity_maps": {**maps, "vx": maps["vy"]}}
    assert flow.noticed({}, bands=wrong) == {"raster_values/velocity_maps"}
