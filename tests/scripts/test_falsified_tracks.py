"""Results along tracks made wrong one at a time: which checks notice, with and without truth."""

from typing import NamedTuple

import pytest
from tests.builders.falsified import Changed, assert_noticed, by, table, turned

import adjust_passes
import fit_surface_rates
import map_heights
from nunatak.checks import together
from nunatak.parameters.tracks import PassAdjustment, SurfaceFit
from nunatak.results.loading import Opened
from nunatak.study.parts import product_settings

FILES = {
    "tracks": "tracks.csv",
    "track": "track.parquet",
    "rates": "rates.parquet",
    "rates_map": "rates_map.nc",
    "track_report": "report.csv",
    "crossovers": "crossovers.parquet",
    "agreement": "agreement.csv",
    "filters": "filters.csv",
}


@pytest.fixture(scope="module")
def study(track_results, track_study, tmp_path_factory):
    """The results of the tracks with their rows, as the checks of a study open them, and the study's keys."""
    folder = tmp_path_factory.mktemp("more")
    more = {
        n: folder / f for n, f in (("surface_rates", "r.parquet"), ("pass_biases", "b.csv"), ("heights", "h.parquet"))
    }
    around, adjusted = {"spacing": 1000.0, "radius": 700.0, "min_passes": 2, "min_years": 0.9}, {"max_days": 200.0}
    fit_surface_rates.main(
        [track_results["points"]["atl06"]],
        more["surface_rates"],
        settings=SurfaceFit(**around),
        segment_filter="standard",
        study="test",
    )
    options = PassAdjustment(**adjusted)
    adjust_passes.main(track_results["crossovers.parquet"], more["pass_biases"], settings=options, study="test")
    chosen = {name: product_settings(name, track_study["products"][name]) for name in ("atl06", "atl11")}
    chunks = {name: [track_results["points"][name]] for name in chosen}
    map_heights.main(chunks, track_results["regions"], more["heights"], settings=chosen, study="test")
    inputs = {
        **{name: track_results[file] for name, file in FILES.items()},
        **more,
        "regions": track_results["regions"],
    }
    inputs |= {f"points_{name}": paths for name, paths in chunks.items()}
    keys = {"products": track_study["products"], "surface_rates": around, "pass_biases": adjusted}
    return Tracks(Opened(inputs), keys)


class Tracks(NamedTuple):
    """The results of tracks and the keys of their study."""

    results: Opened
    keys: dict

    def noticed(self, values):
        """Names of the checks that fail when some results are replaced, with the truth known."""
        place, among = {"name": "austfonna", "size": "tiny"}, list(values) or None
        changed = Changed(self.results, values)
        found = together.find(changed, together.Sources(), world=place, settings=self.keys, among=among)
        return {check.name for check in found if check.failed}


def plus(amount, *columns):
    return {column: (lambda t, column=column: t[column] + amount) for column in columns}


def backwards(column):
    return {column: lambda t: t[column].to_numpy()[::-1]}


AGAIN, MAP, REPORT = {"point_rates/fitted_again"}, {"rates_map"}, {"track_report"}
CLOSE, CROSSINGS, BIASES = {"crossovers/close"}, {"crossovers/points"}, {"pass_biases"}
CENTRES = {"surface_rates/again"}
TRUE_PLACES = {"rates_against_truth/scale", "rates_against_truth/spread"}
TRUE_RATES = TRUE_PLACES | {"rates_against_truth"}
BIASED = {"crossover_bias/atl11", "crossover_common/atl11"}
CELLS = {"heights/atl06/from_rows", "heights/atl11/from_rows"}

# what is wrong: the result, its columns, the checks that notice on any study, and those that the truth adds
WRONG = {
    "rates x 1.1": (table("rates", **by(1.1, "dhdt")), AGAIN | MAP | REPORT, TRUE_RATES),
    "rates + 0.09 m/yr": (table("rates", **plus(0.09, "dhdt")), AGAIN | MAP, {"rates_against_truth"}),
    "rates with the other sign": (table("rates", **by(-1, "dhdt")), AGAIN | MAP | REPORT, TRUE_RATES),
    "rates among other points": (
        table("rates", **backwards("dhdt")),
        AGAIN | MAP | REPORT,
        TRUE_PLACES,
    ),
    "errors of rates x 10": (table("rates", **by(10, "dhdt_sigma")), AGAIN | MAP, {"rates_against_truth/spread"}),
    "places of rates": (table("rates", **backwards("x")), AGAIN | MAP | REPORT, set()),
    "rates a year late": (table("rates", **plus(1, "first_year", "last_year", "year")), AGAIN, TRUE_RATES),
    "crossovers + 1 m": (
        table("crossovers", **plus(1, "dh")),
        CLOSE | BIASES | BIASED,
        set(),
    ),
    "crossovers with the other sign": (table("crossovers", **by(-1, "dh")), CLOSE | BIASES, set()),
    "z of crossovers + 3": (table("crossovers", **plus(3, "z")), CLOSE, set()),
    "errors of crossovers x 1.8": (table("crossovers", **by(1.8, "dh_sigma_own")), CLOSE, set()),
    "crossovers at one time": (table("crossovers", time_1=lambda t: t["time_2"]), CLOSE | CROSSINGS, set()),
    "heights of crossovers + 0.2 m": (table("crossovers", **plus(0.2, "h_1", "h_2")), CROSSINGS, set()),
    "agreement + 0.02 m": (table("agreement", **plus(0.02, "median")), {"agreement"}, set()),
    "counts of filters": (table("filters", **by(2, "n_removed")), {"filters"}, set()),
    "rates around centres x 1.02": (table("surface_rates", **by(1.02, "dhdt")), CENTRES, set()),
    "errors around centres x 2": (table("surface_rates", **by(2, "dhdt_sigma")), CENTRES, set()),
    "biases with the other sign": (table("pass_biases", **by(-1, "bias")), BIASES, set()),
    "medians of tracks x 1.5": (table("track_report", **by(1.5, "median")), REPORT, set()),
    "highest heights + 1 m": (
        table("heights", **plus(1, "h_high")),
        {"heights/atl06/from_rows", "heights/atl11/from_rows"},
        set(),
    ),
    "track x 1.02": (table("track", **by(1.02, "h")), {"track/atl06", "track/atl11"}, set()),
    "cycles of tracks": (table("tracks", **plus(1, "n_cycles")), {"tracks/atl06", "tracks/atl11"}, set()),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_result_along_tracks_is_noticed(study, wrong):
    assert_noticed(study, *WRONG[wrong])


def test_right_results_along_tracks_hold_every_check(study):
    assert study.noticed({}) == set()


def test_a_map_of_rates_that_is_mirrored_is_noticed(study):
    assert study.noticed({"rates_map": turned(study.results["rates_map"], columns=-1)}) == {"rates_map"}
