"""The finished tiny Austfonna with one result made wrong at a time: which checks notice, with the truth and without."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from tests.builders.falsified import assert_noticed, assert_sound, by, grid, opened, table, times, turned

from nunatak.results.reading import HeightChange

VOLUMES = ["volume_change", *(f"volume_sigma{kind}" for kind in ("", "_independent", "_fully_correlated"))]
AMOUNTS = [*VOLUMES, "mean_dh", "mean_dh_sigma", "mean_rate", "mean_rate_sigma", "mass_change", "mass_sigma"]
OTHER = {"region": "surge_basin", "surge_basin": "region"}


@pytest.fixture(scope="module")
def ice(finished):
    with opened(finished, "austfonna") as study:
        yield study


def layers(ice, change=lambda c: c, rate=lambda r: r):
    """Every grid of height change and its rates, made wrong."""
    return {
        name: HeightChange(change(whole), {lag: rate(part) for lag, part in rates.items()})
        for name, (whole, rates) in ice.results.layers.items()
    }


def scaled(ice, factor):
    """Height change, its rates, tables and sections, all by a factor: a mistake before any of them was made."""
    table, bands = ice.results["region_change"].copy(), ice.results["change_by_elevation"].copy()
    table[AMOUNTS] *= [factor if "sigma" not in name else abs(factor) for name in AMOUNTS]
    bands[["mean_dh", "volume_change"]] *= factor
    bands["dh_sigma"] *= abs(factor)
    lines = {n: times(line, factor, "delta_h", "dh").drop_vars(["h"]) for n, line in ice.results["transects"].items()}
    lines = {n: times(line, abs(factor), "delta_h_sigma", "dh_sigma", "dh_sigma_bound") for n, line in lines.items()}
    wrong = layers(
        ice,
        lambda c: times(times(c, factor, "delta_h", "dhdt"), abs(factor), "delta_h_sigma", "dhdt_sigma"),
        lambda r: times(times(r, factor, "dhdt"), abs(factor), "dhdt_sigma"),
    )
    return {"layers": wrong, "region_change": table, "change_by_elevation": bands, "transects": lines}


def half_of_the_epochs(ice):
    rows = ice.results["region_change"]
    kept = rows["decimal_year"] < 2020.1
    change = layers(ice, lambda c: c.isel(time=c.decimal_year.values < 2020.1))
    return {"layers": change, "region_change": rows[kept]}


def moved(dataset, dx=1000.0):
    return dataset.assign_coords(x=dataset["x"] + dx)


def all_but_the_last(t):
    return t["volume_change"] * np.where(t["time"] == t["time"].max(), 1.0, 1.3)


def a_quarter_late(change):
    time = change["time"] + np.timedelta64(7_889_400, "s")
    return change.assign_coords(decimal_year=change["decimal_year"] + 0.25, time=time)


def in_order(ice):
    return ice.results["regions"]["region"], ice.results["regions"]["surge_basin"]


def higher(surface):
    return surface.assign(h=surface["h"] + 1)


def sections(ice, change):
    return {"transects": {name: change(line) for name, line in ice.results["transects"].items()}}


def reversed_(line):
    return line.isel(distance=slice(None, None, -1)).assign_coords(distance=line["distance"].values)


HEIGHTS_OF_PAIRS = ("dh", "dhdt", "dh_uncorrected", "slope_correction", "dh_fit_dy", "h_li_first", "h_li_second")
SUMS = {"region_change/sums/region", "region_change/sums/surge_basin"}
GRANULES = {"height_change/granules/1km", "height_change/granules/10km"}
TRUE_VOLUMES = {"volume_against_truth/region", "volume_against_truth/surge_basin"}
TRUE_GRID = {"height_change_against_truth/scale"}
TRUE_SPREAD = {"height_change_against_truth/errors"}
TRUE_ALL = TRUE_GRID | TRUE_SPREAD | {"height_change_against_truth/epochs"}
TRUE_RATES = {"height_change_against_truth/errors_of_rates"}
BANDS, LINE = {"change_by_elevation"}, {"transects/across"}
CLOSES, SURFACE = {"region_change/closes"}, {"surface/granules"}
CLOSE, BESIDE, SEGMENTS = ({f"repeat_pairs/{name}"} for name in ("close", "against_atl15", "segments"))

# what is wrong: how, the checks that notice on any study, and those that the truth of the simulation adds
CASES = {
    "grids and rates x 1.1, tables as they were": (
        lambda ice: {
            "layers": layers(ice, lambda c: times(c, 1.1, "delta_h"), lambda r: times(r, 1.1, "dhdt")),
        },
        GRANULES | SUMS | BANDS | LINE,
        TRUE_ALL | TRUE_RATES,
    ),
    "grids x 1.1": (
        lambda ice: {"layers": layers(ice, lambda c: times(c, 1.1, "delta_h"))},
        GRANULES | SUMS | BANDS | LINE | {"lag_against_epochs"},
        TRUE_ALL,
    ),
    "everything x 1.1": (lambda ice: scaled(ice, 1.1), GRANULES, TRUE_ALL | TRUE_RATES | TRUE_VOLUMES),
    "everything x 1.02": (
        lambda ice: scaled(ice, 1.02),
        GRANULES,
        TRUE_GRID | {"volume_against_truth/surge_basin"},
    ),
    "every sign": (lambda ice: scaled(ice, -1.0), GRANULES | BESIDE, TRUE_ALL | TRUE_RATES | TRUE_VOLUMES),
    "maps mirrored": (
        lambda ice: {"layers": layers(ice, *[partial(turned, columns=-1)] * 2)},
        GRANULES | SUMS | BANDS | LINE | BESIDE,
        TRUE_GRID | TRUE_SPREAD | TRUE_RATES,
    ),
    "maps a cell east": (
        lambda ice: {"layers": layers(ice, moved, moved)},
        GRANULES | SUMS | BANDS | LINE,
        TRUE_SPREAD | TRUE_RATES,
    ),
    "ice area x 1.1": (
        lambda ice: {"layers": layers(ice, *[lambda d: times(d, 1.1, "ice_area")] * 2)},
        GRANULES | SUMS | BANDS,
        set(),
    ),
    "change + 0.5 m": (
        lambda ice: {"layers": layers(ice, lambda c: c.assign(delta_h=c["delta_h"] + 0.5))},
        GRANULES | LINE | {"datum_epoch"},
        TRUE_ALL,
    ),
    "epochs a quarter late": (
        lambda ice: {"layers": layers(ice, a_quarter_late)},
        GRANULES | SUMS | BANDS | LINE | {"datum_epoch", "lag_against_epochs"},
        TRUE_ALL,
    ),
    "errors of change x 10": (
        lambda ice: {"layers": layers(ice, lambda c: times(c, 10.0, "delta_h_sigma"))},
        GRANULES | SUMS | LINE,
        TRUE_SPREAD,
    ),
    "half of the epochs gone": (half_of_the_epochs, GRANULES | BANDS | LINE, set()),
    "volume errors 0": (table("region_change", **by(0.0, "volume_sigma")), CLOSES | SUMS, set()),
    "volume errors x 30": (table("region_change", **by(30.0, "volume_sigma")), CLOSES | SUMS, set()),
    "mass x 2": (table("region_change", **by(2.0, "mass_change", "mass_sigma")), CLOSES, set()),
    "mean change x 1.5": (table("region_change", **by(1.5, "mean_dh")), CLOSES, set()),
    "mean rate x 1.5": (table("region_change", **by(1.5, "mean_rate", "mean_rate_sigma")), CLOSES, set()),
    "areas x 1.5": (table("region_change", **by(1.5, "area", "ice_area")), CLOSES | SUMS, set()),
    "volumes x 1.3 but the last": (
        table("region_change", volume_change=all_but_the_last),
        CLOSES | SUMS,
        TRUE_VOLUMES,
    ),
    "volumes x 1.3 with errors x 30": (
        table("region_change", **by(1.3, "volume_change"), **by(30.0, "volume_sigma")),
        CLOSES | SUMS,
        TRUE_VOLUMES,
    ),
    "rows of two regions exchanged": (
        table("region_change", region=lambda t: t["region"].map(OTHER)),
        SUMS,
        TRUE_VOLUMES,
    ),
    "outlines of two regions exchanged": (
        lambda ice: {"regions": dict(zip(("surge_basin", "region"), in_order(ice), strict=True))},
        SUMS | BANDS,
        TRUE_VOLUMES,
    ),
    "surface + 1 m": (lambda ice: {"surface": higher(ice.results["surface"])}, SURFACE | BANDS | LINE, set()),
    "surface mirrored": (
        grid("surface", partial(turned, columns=-1)),
        SURFACE | BANDS | LINE,
        set(),
    ),
    "bands x 1.02": (
        table("change_by_elevation", **by(1.02, "mean_dh", "volume_change")),
        BANDS,
        set(),
    ),
    "section x 1.02": (lambda ice: sections(ice, lambda line: times(line, 1.02, "dh")), LINE, set()),
    "section the other way": (lambda ice: sections(ice, reversed_), LINE, set()),
    "repeat pairs + 5 m": (
        table("repeat_pairs", dh=lambda t: t["dh"] + 5),
        CLOSE | BESIDE,
        set(),
    ),
    "repeat pairs with the other sign": (
        table("repeat_pairs", **by(-1.0, "dh", "dhdt")),
        CLOSE | BESIDE,
        set(),
    ),
    "slope corrections added": (
        table(
            "repeat_pairs",
            slope_correction=lambda t: -t["slope_correction"],
            dh=lambda t: t["dh_uncorrected"] - t["slope_correction"],  # of the reversed one
            dhdt=lambda t: t["dh"] / t["years"],
        ),
        CLOSE,
        set(),
    ),
    "repeat pairs x 1.1 with their heights": (
        table("repeat_pairs", **by(1.1, *HEIGHTS_OF_PAIRS)),
        SEGMENTS | BESIDE,
        set(),
    ),
    "places of pairs reversed": (
        table("repeat_pairs", longitude=lambda t: t["longitude"].to_numpy()[::-1]),
        SEGMENTS,
        set(),
    ),
    "joined segments x 2": (table("repeat_counts", **by(2, "n_joined")), {"repeat_counts"}, set()),
    "thinned heights x 1.02": (
        table("heights", **by(1.02, "h", "h_low", "h_high")),
        {"heights/atl06/from_rows"},
        set(),
    ),
    "thinned heights a cell east": (
        table("heights", x=lambda t: t["x"] + 500),
        {"heights/atl06/from_rows"},
        set(),
    ),
    "track + 0.1 m": (table("track", h=lambda t: t["h"] + 0.1), {"track/atl06"}, set()),
    "rows of tracks x 2": (table("tracks", **by(2, "n")), {"tracks/atl06"}, set()),
}


@pytest.mark.parametrize("wrong", CASES)
def test_a_wrong_result_is_noticed(ice, wrong):
    assert_noticed(ice, *CASES[wrong])


def test_right_results_hold_every_check(ice):
    """Every check is described on the page on checks, too."""
    assert_sound(ice, 40)


def test_what_granules_have_wrong_is_noticed_by_the_truth_alone(ice):
    """Change x 1.02 in the granules already: results agree with them, and nothing in file or granules can tell."""

    def read(resolution, bounds, lag=None):
        again = ice.sources.height_change(resolution, bounds, lag)
        return times(times(again, 1.02, "delta_h", "dhdt"), 1.02, "delta_h_sigma", "dhdt_sigma")

    noticed = ice.noticed(scaled(ice, 1.02), height_change=read)
    assert noticed == TRUE_GRID | {"volume_against_truth/surge_basin"}


def test_rasters_and_numbers_of_figures_are_held_against_the_results(ice):
    right = ice.sources.bands["change_raster"]["map_change"]()
    bands = {"change_raster": {"map_change": lambda: right[:, ::-1]}}
    assert ice.noticed({}, bands=bands) == {"raster_values/change_raster"}
    series = ice.sources.sidecars["height_change_series"]
    numbers = {**series["numbers"], "region": {"volume_change": {"last": -9.0, "last_sigma": 0.1}}}
    assert ice.noticed({}, sidecars={"height_change_series": {**series, "numbers": numbers}}) == {"figures/numbers"}
    hashes = {**ice.sources.hashes, "atl15/region_change.csv": "0" * 64}
    assert ice.noticed({}, sidecars=ice.sources.sidecars, hashes=hashes) == {"figures/history"}
