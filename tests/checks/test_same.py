"""Values held against what they must be: factors, gaps, shapes, times and rows."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from tests.builders.falsified import described
from tests.conftest import ROOT

from nunatak.checks.same import bilinear, same, same_rows

RIGHT, FIRST = np.array([1.0, 20.0, -300.0, np.nan]), np.array([1.0, 0.0, 0.0, 0.0])


def held(found, expected=RIGHT, **options):
    return same("x", {"column": (found, expected)}, "words", **options)


def test_what_is_equal_holds_and_a_thousandth_does_not():
    assert held(RIGHT).held and held(RIGHT * (1 + 5e-5)).held
    wrong = held(RIGHT * 1.001)
    assert wrong.failed and wrong.value == pytest.approx(1e-3) and "3 values, largest in column" in wrong.text


def test_values_near_zero_are_compared_by_the_size_of_their_column():
    assert held(RIGHT + 1e-4 * FIRST).held and held(RIGHT + 0.1 * FIRST).value == pytest.approx(0.005)


@pytest.mark.parametrize("found", [[1.0, 20.0, np.nan, np.nan], [1.0, 20.0, -300.0, 5.0], [1.0, 20.0, -300.0]])
def test_a_gap_on_one_side_or_another_shape_fails(found):
    assert held(np.array(found)).failed and held(np.array(found)).value == np.inf


def test_without_a_value_nothing_is_said():
    assert not held(np.full(3, np.nan), np.full(3, np.nan)).applies


def test_times_are_compared_to_the_second_and_texts_as_they_are():
    time = np.array(["2020-01-01"], "M8[ns]")
    assert held(time + np.timedelta64(900, "ms"), time).held
    assert held(time + np.timedelta64(2, "s"), time).failed
    assert held(np.array(["a"]), np.array(["a"])).held and held(np.array(["a"]), np.array(["b"])).failed


def test_a_large_array_is_sampled_over_all_of_it():
    values = np.ones(3_500_000)
    assert held(values * np.linspace(1, 1.001, values.size), values).failed


def test_rows_are_joined_and_lone_ones_fail():
    right = pd.DataFrame({"key": [1, 2], "name": ["a", "b"], "v": [1.0, 2.0]})
    text = "rows"
    assert same_rows("x", right[::-1], right.assign(name=right["name"].astype("category")), ["key", "name"], text).held
    assert same_rows("x", right.assign(v=[2.0, 1.0]), right, ["key", "name"], text).failed
    lone = same_rows("x", right[:1], right, ["key", "name"], text)
    assert lone.failed and "1 of 2 rows are in one of the two alone" in lone.text
    assert not same_rows("x", right[:0], right[:0], ["key"], text).applies


def test_bilinear_values_of_a_plane_are_those_of_the_plane():
    x, y = np.arange(5.0), np.arange(4.0)[::-1]
    plane = 2 * x + 3 * y[:, None]
    found = bilinear(plane, x, y, np.array([0.25, 3.5, 9.0]), np.array([0.5, 2.75, 1.0]))
    np.testing.assert_allclose(found, [2.0, 15.25, np.nan])


def test_every_check_named_in_the_code_is_described():
    """
    Names are searched for as they are written where checks are made.

    What is filled in can be anything, such as vx.
    """
    names = set()
    for path in (ROOT / "scripts/nunatak/checks").glob("*.py"):
        text = path.read_text("utf-8")
        calls = r"(?:at_most|at_least|within|not_applicable|same|same_rows)\(\s*|name = |check = |_of_table\("
        names |= {re.sub(r"\{[^}]*\}", "vx", found) for found in re.findall(rf"(?:{calls})f?\"([\w/{{}}]+)\"", text)}
    assert len(names) > 50
    assert [
        name for name in sorted(names) if len(name) > 2 and not name.startswith("vx/") and not described(name)
    ] == []
