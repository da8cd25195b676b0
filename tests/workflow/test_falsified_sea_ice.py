"""The finished tiny Ross Sea with one result made wrong at a time: which checks notice, with and without truth."""

from __future__ import annotations

import numpy as np
import pytest
from tests.builders.falsified import assert_noticed, assert_sound, by, opened, table, times, turned


@pytest.fixture(scope="module")
def ice(finished_sea_ice):
    with opened(finished_sea_ice, "ross_sea") as study:
        yield study


def bins(change, *only):
    """The groups of grid.nc, all or some changed."""

    def changed(ice):
        groups = ice.results["freeboard"].items()
        return {"freeboard": {n: change(g) if not only or n in only else g for n, g in groups}}

    return changed


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
    "means x 1.02": (bins(lambda g: times(g, 1.02, "mean")), SUMS, set()),
    "means + 0.1 m": (bins(lambda g: g.assign(mean=g["mean"] + 0.1)), SUMS, TRUE_MEANS | CELLS),
    "mirrored": (bins(lambda g: turned(g, columns=-1)), SUMS, TRUE_MEANS),
    "upside down": (bins(lambda g: turned(g, rows=-1)), SUMS, TRUE_MEANS | CELLS),
    "a cell east": (bins(lambda g: g.assign_coords(x=g["x"] + 25_000)), SUMS, set()),
    "means of weeks x 1.5": (
        bins(lambda g: times(g, 1.5, "mean"), "week"),
        BINS | {"freeboard/week/from_sums"},
        {"freeboard_against_truth/week/mean"},
    ),
    "standard errors x 2": (bins(lambda g: times(g, 2.0, "stderr")), SUMS, set()),
    "standard errors x 10": (bins(lambda g: times(g, 10.0, "stderr")), SUMS, CELLS),
    "spreads x 2": (bins(lambda g: times(g, 2.0, "std")), SUMS, set()),
    "medians x 1.02": (bins(lambda g: times(g, 1.02, "median")), SUMS, set()),
    "counts x 2": (bins(lambda g: times(g, 2, "count")), SUMS | COUNTS | SERIES, set()),
    "passes x 2": (bins(lambda g: times(g, 2, "n_pass")), SUMS, set()),
    "a week late": (bins(a_week_late), SUMS, set()),
    "series x 1.02": (table("freeboard_series", **by(1.02, "mean")), SERIES | SHARES, set()),
    "errors of the series x 2": (table("freeboard_series", **by(2, "stderr")), SERIES, set()),
    "half of the series": (lambda ice: {"freeboard_series": ice.results["freeboard_series"][::2]}, SERIES, set()),
    "areas x 1.1": (table("freeboard_series", **by(1.1, "area")), SERIES, set()),
    "shares x 1.1": (table("freeboard_distribution", **by(1.1, "share")), SHARES, set()),
    "levels 0.1 m higher": (
        table("freeboard_distribution", low=lambda t: t["low"] + 0.1, high=lambda t: t["high"] + 0.1),
        SHARES,
        set(),
    ),
    "counts of levels x 2": (table("freeboard_distribution", **by(2, "n")), SHARES, set()),
}


@pytest.mark.parametrize("wrong", CASES)
def test_a_wrong_result_is_noticed(ice, wrong):
    assert_noticed(ice, *CASES[wrong])


def test_right_results_hold_every_check(ice):
    """Every check is described on the page on checks, too."""
    assert_sound(ice, 15)


@pytest.mark.parametrize(
    "change",
    [
        lambda ledger: ledger.assign(n_points=ledger["n_points"] * 2),
        lambda ledger: ledger.iloc[1:],
        lambda ledger: ledger.assign(status=ledger["status"].where(ledger.index != 0, "failed")),
    ],
    ids=["twice the points", "without a granule", "a granule failed"],
)
def test_a_ledger_that_is_not_of_the_sums_is_noticed(ice, change):
    assert ice.noticed({}, sea_ice_ledger=change(ice.sources.sea_ice_ledger)) == {"freeboard/ledger"}


def test_a_granule_that_lies_elsewhere_is_noticed(ice):
    identity, table = ice.sources.sea_ice
    moved = table.assign(longitude=table["longitude"] + 2.0)
    assert ice.noticed({}, sea_ice=(identity, moved)) == {"freeboard/places"}
