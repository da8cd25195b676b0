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
                    "h_sigma": 0.05,
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
        x, _, change, left_out = track_profiles.change_between_cycles(
            table, np.datetime64("2019-01-01"), np.datetime64("2024-01-01")
        )
        assert x.size == n and left_out == 0
        np.testing.assert_allclose(change, -20.0, rtol=0.01)


def test_change_along_a_track_keeps_to_the_limits_of_the_study():
    """Points that sink 20 m/yr, with errors of 1 cm/yr: left out by default, drawn where the study allows 25 m/yr."""
    table = points({cycle: (0, 200) for cycle in (3, 7, 11, 15)}, h=lambda cycle, km: 500.0 - 5.0 * cycle + 0 * km)
    ends = np.datetime64("2019-10-01"), np.datetime64("2022-10-01")
    for limits, n in ((None, 0), ({"max_rate": 25.0}, 200), ({"max_rate": 25.0, "max_error": 1e-6}, 0)):
        x, _, _, left_out = track_profiles.change_between_cycles(table, *ends, limits=limits)
        assert (x.size, left_out) == (n, 200 - n)


def test_clouds_on_a_track_are_no_change():
    """A quarter of 200 points scatters by 400 m in one cycle of four: they are counted, the others sank 0.4 m/yr."""
    table = points({cycle: (0, 200) for cycle in (3, 7, 11, 15)}, h=lambda cycle, km: 500.0 - 0.1 * cycle + 0 * km)
    clouded = ((table["cycle"] == 11) & table["number"].isin(1000 + 12 * np.arange(50))).to_numpy()
    table.loc[clouded, "h"] += np.linspace(-400.0, 400.0, 50)
    x, _, change, left_out = track_profiles.change_between_cycles(
        table, np.datetime64("2019-10-01"), np.datetime64("2022-10-01")
    )
    assert x.size + left_out == 200 and x.size > 60  # some beside clouds are taken for doubtful, too
    far = np.abs(table["h"] - 500.0) > 10.0
    assert not np.isin(table["x"][far], x).any()
    np.testing.assert_allclose(change, -1.2, rtol=0.01)


def crossings(n, days, *, clouds=0):
    """Differences of 0.1 m scatter, the last ones by 1900 m."""
    rng = np.random.default_rng(3)
    dh = 0.1 * rng.standard_normal(n)
    dh[n - clouds :] = np.linspace(-1900.0, 1900.0, clouds)
    own = dh / 0.1
    return pd.DataFrame({"dt_days": days, "dh": dh, "z": own, "z_own": own, "rgt_1": 1, "rgt_2": 2})


@pytest.mark.parametrize(("days", "clouds"), [(91.0, 0), (91.0, 10), (3.0, 10)])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_crossovers_are_drawn_without_clouds_and_without_a_pair_within_days(days, clouds):
    """The axis holds what ice may change by, and the caption counts what lies beyond it."""
    table, look = crossings(200, days, clouds=clouds), figures.preset("copernicus")
    x = np.linspace(0.0, 50e3, 200)
    with figures.use(look):
        found = track_profiles.crossovers(look, title="Crossovers", table=table, x=x, y=x, crs="EPSG:3413")
    low, high = found.figure.axes[1].get_ylim()
    assert -low == high == pytest.approx(found.numbers["limit_m"], rel=1e-3) and high <= 30.0
    assert found.numbers["beyond_axis"] == clouds or not clouds
    assert (f"of which {clouds} lie beyond the axis" in found.caption) == bool(clouds)
    assert found.numbers["within_10_days"] == (200 if days < 10 else 0) and "nan" not in found.caption


def test_clouds_do_not_stretch_the_axis_of_change():
    """Ten of 200 points 400 to 1200 m up in one cycle: counted in the caption, the axis ends at 100 m."""
    table = points({3: (0, 200), 4: (0, 200), 6: (0, 200)})
    sound = drawn(table)
    table.loc[table.index[table["cycle"] == 6][:10], "h"] += np.linspace(400.0, 1200.0, 10)
    clouded = drawn(table)
    assert clouded.numbers["beyond_axis"] == 10 and clouded.figure.axes[1].get_ylim() == (-100.0, 100.0)
    assert "10 differences lie beyond the axis of (b)" in clouded.caption
    assert sound.numbers["beyond_axis"] == 0 and "beyond" not in sound.caption
