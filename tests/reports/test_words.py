"""Numbers in words: significant digits, errors, epochs."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from tests.builders import records

from nunatak.reports import words


@pytest.mark.parametrize(
    ("value", "sigma", "said"),
    [
        (-10.912, 1.68, "−10.9 ± 1.7 m"),
        (0.0432, 0.00071, "0.04320 ± 0.00071 m"),
        (1234.0, 56.0, "1234 ± 56 m"),
        (2.5, math.nan, "2.50 m"),
        (2.5, 0.0, "2.50 m"),
        (math.nan, 1.0, "unknown"),
    ],
)
def test_a_value_has_the_digits_of_its_error(value, sigma, said):
    assert words.plus_minus(value, sigma, "m") == said


def test_an_epoch_has_the_name_of_its_quarter():
    """Stored half a day before or after the first of a month."""
    assert words.epoch("2020-12-31T18:00") == "1 Jan 2021"
    assert words.epoch("2019-04-02T13:30") == "1 Apr 2019"


def test_places_say_their_hemispheres():
    assert words.place(-143.2, 60.35) == "60.35° N, 143.20° W"
    assert words.place(25.0, -75.0) == "75.00° S, 25.00° E"


def test_medians_of_a_repeat_pair_carry_errors():
    """Each beam's median with the error of one difference, which many segments of one pass make no smaller."""
    pairs = pd.DataFrame(
        {
            "beam": ["gt1l"] * 3 + ["gt1r"] * 3,
            "dh": [-0.2, -0.1, 0.4, 1.0, 2.0, 3.0],
            "dh_sigma": [0.05, 0.05, 0.2, np.nan, np.nan, np.nan],
            "time_first": pd.Timestamp("2019-05-04"),
            "time_second": pd.Timestamp("2020-05-01"),
        }
    )
    assert words.pair_medians(pairs) == (
        "Between 4 May 2019 and 1 May 2020 the median height difference was gt1l −0.100 ± 0.050 m, gt1r 2.00 m "
        "(6 pairs of segments; errors as if the segments of a pass erred together)."
    )


def test_long_record_in_one_sentence():
    """The whole record of every region that has a number."""
    table = records.tables("surge_basin")["record_change"]
    (said,) = words.long_record(table)
    assert said.startswith("Over the long record, 1992.00 to 2024.00, the surge basin lost ")
    assert "km³ of volume, −0.7" in said and said.endswith(" of its ice.")
    assert words.long_record(table.assign(volume_change=float("nan"))) == []
