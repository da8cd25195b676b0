"""Profiles of tracks draw differences where both cycles measured, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from nunatak import figures
from nunatak.figures import track_profiles
from nunatak.times import from_decimal_year


def points(seen, *, n=200, h=lambda cycle, km: 500.0 - (cycle - 3) + 100.0 * np.sin(km)):
    """Reference points 60 m apart; `seen` maps a cycle to the (first, last) point it saw."""
    parts = []
    for cycle, (first, last) in seen.items():
        number = 1000 + 3 * np.arange(n)[first:last]
        x = 20.0 * (number - 1)
        parts.append(
            pd.DataFrame(
                {
                    "rgt": 1358,
                    "beam": "pt2",
                    "cycle": cycle,
                    "number": number,
                    "x_atc": x,
                    "x": x,
                    "y": 0.0,
                    "time": from_decimal_year(np.full(number.size, 2019 + 0.25 * cycle)),
                    "good": True,
                    "h": h(cycle, x / 1000),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def drawn(table):
    look = figures.preset("copernicus")
    with figures.use(look):
        return track_profiles.atl11_profile(look, title="Track", points=table)


def test_change_is_drawn_at_common_points_alone():
    """Cycle 3 saw 120 of 200 points of hilly ground, cycle 4 all, cycle 6 the last 100: 120 and 20 differences."""
    found = drawn(points({3: (0, 120), 4: (0, 200), 6: (100, 200)}))
    lines = [line.get_ydata() for line in found.figure.axes[1].lines[:3]]
    assert [np.isfinite(y).sum() for y in lines] == [120, 120, 20]
    for y, change in zip(lines, (0.0, -1.0, -3.0), strict=True):
        np.testing.assert_allclose(y[np.isfinite(y)], change, atol=1e-9)
    assert found.numbers["points_in_common"] == {"03": 120, "04": 120, "06": 20}
    assert "cycle 03" in found.caption and "(120 of 200)" in found.caption


def test_a_first_cycle_under_clouds_is_no_reference():
    """Cycle 3 saw five points: change is since cycle 4, and cycle 3 differs at its own five."""
    found = drawn(points({3: (0, 5), 4: (0, 200), 6: (0, 200)}))
    assert found.numbers["since_cycle"] == 4 and found.numbers["points_in_common"] == {"03": 5, "04": 200, "06": 200}
    assert found.numbers["last_change_m"]["median"] == pytest.approx(-2.0)


def test_change_between_times_rests_on_half_of_them():
    """Five years asked for: points seen over half a year have no change, those seen over three have their line's."""
    short, long = {3: (0, 200), 4: (0, 200), 5: (0, 200)}, {3: (0, 200), 8: (0, 200), 15: (0, 200)}
    for seen, n in ((short, 0), (long, 200)):
        table = points(seen, h=lambda cycle, km: 500.0 - cycle + 0 * km)
        x, _, change = track_profiles.change_between_cycles(
            table, np.datetime64("2019-01-01"), np.datetime64("2024-01-01")
        )
        assert x.size == n
        np.testing.assert_allclose(change, -20.0, rtol=0.01)
