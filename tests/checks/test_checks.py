"""Checks hold when results are right, and fail when one thing is wrong."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

from nunatak import checks
from nunatak.checks import elevation, study, tracks, truth
from nunatak.geometry.grid import Grid
from nunatak.times import from_decimal_year

YEARS = 2018.75 + 0.25 * np.arange(12)


def change_and_rates():
    """A field whose lagged rates are exact differences, zero at 2020.0."""
    rng = np.random.default_rng(1)
    h = rng.normal(size=(YEARS.size, 4, 5)).cumsum(axis=0)
    h -= h[5]
    coords = {"y": np.arange(4.0)[::-1], "x": np.arange(5.0)}
    dims = ("time", "y", "x")
    change = xr.Dataset(
        {"delta_h": (dims, h), "ice_area": (dims, np.ones_like(h))},
        coords={**coords, "time": from_decimal_year(YEARS), "decimal_year": ("time", YEARS)},
        attrs={"crs": "EPSG:3413", "resolution": 1000.0},
    )
    rates = {}
    for lag in (1, 4, 8):
        middle = YEARS[:-lag] + lag / 8
        dhdt = (h[lag:] - h[:-lag]) / (lag / 4)
        times = {"time": from_decimal_year(middle), "decimal_year": ("time", middle)}
        rates[lag] = xr.Dataset({"dhdt": (dims, dhdt)}, coords={**coords, **times}, attrs={"lag_years": lag / 4})
    return change, rates


def test_exact_rates_close():
    change, rates = change_and_rates()
    for check in (
        elevation.lag_closure(rates),
        elevation.lag_against_epochs(change, rates),
        elevation.datum_epoch(change),
    ):
        assert check.held, check
        assert abs(check.value) < 1e-9


def test_one_wrong_cell_opens_the_lags():
    _, rates = change_and_rates()
    rates[4]["dhdt"][2, 1, 1] += 0.01
    check = elevation.lag_closure(rates)
    assert check.failed
    assert check.value == pytest.approx(0.01)


def test_a_rate_mistaken_for_a_difference_fails():
    """dhdt is m/yr; taken as metres per quarter it is four times too large."""
    change, rates = change_and_rates()
    rates[1]["dhdt"] = rates[1]["dhdt"] * 4
    assert elevation.lag_against_epochs(change, rates).failed


def test_a_shifted_datum_fails():
    change, _ = change_and_rates()
    change["delta_h"] = change.delta_h - change.delta_h[3]
    assert elevation.datum_epoch(change).failed


def test_checks_without_material_say_why():
    change, rates = change_and_rates()
    late = change.isel(time=slice(7, None))
    for check in (
        elevation.lag_closure({4: rates[4]}),
        elevation.lag_closure({1: rates[1]}),
        elevation.datum_epoch(late),
        elevation.lag_against_epochs(change, {}),
        elevation.monotonic_time("x", change.time.values[:1]),
        elevation.one_crs({}),
    ):
        assert check.status == "not applicable"
        assert check.text.startswith("does not apply: ")


def test_time_that_stands_still_fails():
    time = from_decimal_year(np.array([2019.0, 2019.25, 2019.25]))
    assert elevation.monotonic_time("1km", time).failed
    assert elevation.monotonic_time("1km", time[:2]).held


@pytest.mark.parametrize(
    ("systems", "passed"),
    [
        ({"a": "EPSG:3413", "b": "EPSG:3413"}, True),
        ({"a": "EPSG:3413", "b": "EPSG:3031"}, False),
        ({"a": "EPSG:4326"}, False),
    ],
)
def test_grids_share_one_projection(systems, passed):
    assert elevation.one_crs(systems).held == passed


def test_holes_in_the_ice_are_counted():
    values, area = np.ones((10, 10)), np.ones((10, 10))
    assert elevation.finite_share("x", values, area).value == 1.0
    values[:2] = np.nan
    check = elevation.finite_share("x", values, area)
    assert (check.held, check.value) == (False, 0.8)


def test_missing_values_off_the_ice_do_not_count():
    values, area = np.ones((10, 10)), np.ones((10, 10))
    values[:5], area[:5] = np.nan, 0.0
    assert elevation.finite_share("x", values, area).held


def test_no_ice_at_all_fails():
    assert elevation.finite_share("x", np.ones(3), np.zeros(3)).failed


def test_volume_closes_within_one_percent():
    volumes = {1000.0: [0.0, -10.0, -20.0], 10_000.0: [0.0, -10.1, -19.9], 40_000.0: [0.0, 0.0, 0.0]}
    check = elevation.volume_closure("cap", volumes, area_m2=8e9)  # 80 cells of 10 km, 5 of 40 km
    assert check.held
    assert check.value == pytest.approx(0.5)
    assert "from 10 km cells against 1 km cells" in check.text


def test_volume_from_counted_cells_does_not_close():
    """Cells of 1e6 m² instead of the product's ice_area: 4.4 % at Austfonna."""
    check = elevation.volume_closure("cap", {1000.0: [0.0, -20.0], 10_000.0: [0.0, -20.0 * 0.956]}, area_m2=8e9)
    assert check.failed


def test_a_region_too_small_for_coarse_cells_is_not_judged():
    check = elevation.volume_closure("basin", {1000.0: [0.0, -1.0], 10_000.0: [0.0, -2.0]}, area_m2=1e9)
    assert check.status == "not applicable"


def test_truth_is_met_at_every_epoch():
    """
    The limit is 3 cm of mean height and 1 % of the largest true change.

    No stated error widens it.
    """
    true = np.array([0.0, -10.0, -20.0])
    held = truth.volume_against_truth("cap", true * 1.005, true, 8000.0)
    assert held.held and held.limit == pytest.approx(0.03 + 0.01 * 20 / 8)
    middle = truth.volume_against_truth("cap", true + 0.6 * (true == -10), true, 8000.0)
    assert middle.failed and middle.value == pytest.approx(0.075) and "-9.4 km³ against -10 km³" in middle.text
    assert truth.volume_against_truth("cap", true * np.nan, true, 8000.0).failed
    assert not truth.volume_against_truth("cap", true, 0 * true, 8000.0).applies


class StandingGlacier:
    """A glacier that sinks by 1 m a year everywhere, on the plane."""

    crs = "EPSG:3413"

    def region_volume_change(self, geometry, first, last):
        return -geometry.area * (np.asarray(last) - first), geometry.area


@pytest.mark.parametrize(("factor", "passed"), [(1.0, True), (0.956, False)])
def test_truth_is_taken_on_the_ground_that_the_cells_cover(monkeypatch, factor, passed):
    """A region twice as wide as the grid: only the half with cells counts; leaving out ice_area fails."""
    from nunatak.geometry.region import Region

    monkeypatch.setattr(truth, "glacier", lambda name, size: StandingGlacier())
    grid = Grid("EPSG:3413", 1_000_000.0, -300_000.0, 1000.0, 1000.0, 100, 100)
    lonlat = Region("r", shapely.box(10, 78, 35, 82))
    table = pd.DataFrame(
        {
            "region": "region",
            "resolution": 1000.0,
            "time": from_decimal_year(np.array([2019.0, 2021.0])),
            "decimal_year": [2019.0, 2021.0],
            "years": [0.0, 2.0],
            "volume_change": [0.0, -20.0 * factor],
            "ice_area": 10_000.0,
            "n_cells": 10_000,
        }
    )
    (check,) = study.truth_checks(table, {"region": lonlat}, {"name": "x", "size": "tiny"}, grid)
    assert check.applies
    assert check.held == passed


def test_layers_of_a_sound_study_pass():
    change, rates = change_and_rates()
    found = study.layer_checks({"1km": (change, rates), "10km": (change, {})})
    assert [c.name for c in found] == [
        "monotonic_time/1km",
        "finite_share/1km",
        "datum_epoch",
        "lag_closure",
        "lag_against_epochs",
        "monotonic_time/10km",
        "finite_share/10km",
    ]
    assert not any(c.failed for c in found)


def test_pairs_in_the_wrong_order_fail():
    early, late = np.datetime64("2019-11-06", "ns"), np.datetime64("2021-11-02", "ns")
    pairs = pd.DataFrame(
        {
            "time_first": [early, late],
            "time_second": [late, early],
            "dh": [1.0, 1.0],
            "y_atc_first": 0.0,
            "y_atc_second": 2.0,
        }
    )
    failed = [c.name for c in elevation.repeat_pairs(pairs) if c.failed]
    assert failed == ["repeat_pairs/later"]


def test_pairs_of_different_places_fail():
    """Passes 1671 m apart across the track; those that were left out are in the words."""
    early, late = np.datetime64("2018-10-19", "ns"), np.datetime64("2019-04-19", "ns")
    pairs = pd.DataFrame(
        {
            "time_first": [early] * 2,
            "time_second": [late] * 2,
            "dh": [1.0, -40.0],
            "y_atc_first": [3280.0, 1609.0],
            "y_atc_second": 3280.0,
        }
    )
    counts = pd.DataFrame({"n_joined": [900, 800], "n_beyond": [0, 800]})
    counts.attrs["attributes"] = {"max_across": "65 m"}
    (failed,) = [c for c in elevation.repeat_pairs(pairs, counts) if c.failed]
    assert (failed.name, failed.value, failed.limit) == ("repeat_pairs/across_track", 1671.0, 65.0)
    assert "of 1700 joined segments 800 lie beyond" in failed.text


def test_without_a_pair_the_checks_of_pairs_do_not_apply():
    (check,) = elevation.repeat_pairs(pd.DataFrame({"dh": []}))
    assert not check.applies and "in two cycles at one place" in check.text


def test_checks_survive_the_file(tmp_path):
    found = [
        checks.at_most("a", 0.5, 1.0, "m", "words"),
        checks.at_least("b", math.nan, 1.0, "", "not a number fails"),
        checks.not_applicable("c", "there is nothing"),
    ]
    checks.write_checks(found, tmp_path / "checks.json", source="SIMULATED")
    assert checks.read_checks(tmp_path / "checks.json")[0] == found[0]
    assert [c.status for c in checks.read_checks(tmp_path / "checks.json")] == ["held", "failed", "not applicable"]
    content = json.loads((tmp_path / "checks.json").read_text(), parse_constant=pytest.fail)
    assert content["failed"] == ["b"]
    assert content["counts"] == {"held": 1, "failed": 1, "not applicable": 1}
    assert content["nunatak_source"] == "SIMULATED"


def test_flagged_rates_and_passes_left_out_fail_their_checks():
    """
    Three of ten rates with a flag, too many on simulated ice; one of 40 passes 30 m off: named or counted in the words.

    On real glaciers the check fails only where next to none is sound.
    """
    rates = pd.DataFrame({"dhdt": [*np.full(10, -0.3), np.nan], "flag": [0] * 7 + [1, 2, 3, 0]})
    check = tracks.rates_flagged(rates, simulated=True)
    assert check.failed and check.value == 0.3 and "of 10 the error is too large for 2, 2 are" in check.text
    assert tracks.rates_flagged(rates.assign(flag=0), simulated=True).held
    assert tracks.rates_flagged(rates).held and tracks.rates_flagged(rates).value == 0.3
    many = pd.DataFrame({"dhdt": np.full(100, -0.3), "flag": [0] * 4 + [1] * 96})
    assert tracks.rates_flagged(many).failed
    assert tracks.rates_flagged(many.iloc[:80]).held
    assert not tracks.rates_flagged(rates.iloc[-1:]).applies
    report = pd.DataFrame(
        {"rgt": 548, "cycle": [np.nan, 7, 8], "median": [0.0, 0.01, 30.02], "left_out": [False, False, True]}
    )
    check = tracks.passes_in_line(report)
    assert check.failed and check.value == 1 and "RGT 0548 cycle 08 by 30.02 m" in check.text
    assert tracks.passes_in_line(report[:2]).held
