"""The finished tiny Ross Sea with one result made wrong at a time: which checks notice, with and without truth."""

from __future__ import annotations

import os

import numpy as np
import pytest
from tests.builders.falsified import Finished, described, of_truth
from tests.workflow.workflow_runs import TINY


@pytest.fixture(scope="module")
def ice(finished_sea_ice):
    """The finished study, opened in its own folder, to which the paths of its ledgers belong."""
    before = os.getcwd()
    os.chdir(finished_sea_ice.folder)
    yield Finished(finished_sea_ice.folder, "ross_sea", **TINY)
    os.chdir(before)


def bins(change, *only):
    """The groups of grid.nc, all or some changed."""

    def changed(ice):
        groups = ice.results["freeboard"].items()
        return {"freeboard": {n: change(g) if not only or n in only else g for n, g in groups}}

    return changed


def times(factor, *names):
    return lambda group: group.assign({n: group[n] * factor for n in names})


def turned(rows=1, columns=1):
    """The values of a grid upside down or mirrored, at the old places."""

    def change(group):
        maps = {n: v for n, v in group.data_vars.items() if {"y", "x"} <= set(v.dims)}
        return group.assign({n: (v.dims, v.values[..., ::rows, ::columns].copy(), v.attrs) for n, v in maps.items()})

    return change


def table(name, **columns):
    return lambda ice: {name: ice.results[name].assign(**columns)}


def a_week_late(group):
    return group.assign_coords(time=group["time"] + np.timedelta64(7, "D")).assign(
        time_bnds=group["time_bnds"] + np.timedelta64(7, "D")
    )


SUMS = {"freeboard/week/from_sums", "freeboard/month/from_sums"}
SERIES, BINS, SHARES = {"freeboard_series/region"}, {"freeboard/bins"}, {"freeboard_distribution"}
TRUE_MEANS = {"freeboard_against_truth/week/mean", "freeboard_against_truth/month/mean"}
CELLS = {"freeboard_against_truth/month/cells"}
COUNTS = {"freeboard_counts/week", "freeboard_counts/month"}

# what is wrong: how, the checks that notice on any study, and those that the truth of the simulation adds
CASES = {
    "means x 1.02": (bins(times(1.02, "mean")), SUMS, set()),
    "means + 0.1 m": (bins(lambda g: g.assign(mean=g["mean"] + 0.1)), SUMS, TRUE_MEANS | CELLS),
    "mirrored": (bins(turned(columns=-1)), SUMS, TRUE_MEANS),
    "upside down": (bins(turned(rows=-1)), SUMS, TRUE_MEANS | CELLS),
    "a cell east": (bins(lambda g: g.assign_coords(x=g["x"] + 25_000)), SUMS, set()),
    "means of weeks x 1.5": (
        bins(times(1.5, "mean"), "week"),
        BINS | {"freeboard/week/from_sums"},
        {"freeboard_against_truth/week/mean"},
    ),
    "standard errors x 2": (bins(times(2.0, "stderr")), SUMS, set()),
    "standard errors x 10": (bins(times(10.0, "stderr")), SUMS, CELLS),
    "spreads x 2": (bins(times(2.0, "std")), SUMS, set()),
    "medians x 1.02": (bins(times(1.02, "median")), SUMS, set()),
    "counts x 2": (bins(times(2, "count")), SUMS | COUNTS | SERIES, set()),
    "passes x 2": (bins(times(2, "n_pass")), SUMS, set()),
    "a week late": (bins(a_week_late), SUMS, set()),
    "series x 1.02": (table("freeboard_series", mean=lambda t: t["mean"] * 1.02), SERIES | SHARES, set()),
    "errors of the series x 2": (table("freeboard_series", stderr=lambda t: t["stderr"] * 2), SERIES, set()),
    "half of the series": (lambda ice: {"freeboard_series": ice.results["freeboard_series"][::2]}, SERIES, set()),
    "areas x 1.1": (table("freeboard_series", area=lambda t: t["area"] * 1.1), SERIES, set()),
    "shares x 1.1": (table("freeboard_distribution", share=lambda t: t["share"] * 1.1), SHARES, set()),
    "levels 0.1 m higher": (
        table("freeboard_distribution", low=lambda t: t["low"] + 0.1, high=lambda t: t["high"] + 0.1),
        SHARES,
        set(),
    ),
    "counts of levels x 2": (table("freeboard_distribution", n=lambda t: t["n"] * 2), SHARES, set()),
}


@pytest.mark.parametrize("wrong", CASES)
def test_a_wrong_result_is_noticed(ice, wrong):
    change, always, by_truth = CASES[wrong]
    noticed = ice.noticed(change(ice))
    assert noticed - of_truth(noticed) == always and always, "by checks that need no truth"
    assert of_truth(noticed) == by_truth


def test_right_results_hold_every_check(ice):
    assert len(ice.held) > 15 and not [check for check in ice.held if check.failed]


def test_every_check_is_described(ice):
    assert [check.name for check in ice.held if not described(check.name)] == []


def test_a_granule_that_lies_elsewhere_is_noticed(ice):
    identity, table = ice.sources.sea_ice
    moved = table.assign(longitude=table["longitude"] + 2.0)
    assert ice.noticed({}, sea_ice=(identity, moved)) == {"freeboard/places"}
