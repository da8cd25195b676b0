"""Rates without reference points: planted surfaces and rates, curvature, outliers, any number of cycles."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from tests.builders.tracks import pass_of

from nunatak.elevation import RateOptions, repeat_rates, surface_rates
from nunatak.parameters.tracks import SurfaceFit
from nunatak.products import atl06
from nunatak.times import decimal_year


def passes(surface, *, cycles=8, rate=-2.0, sigma=0.05, seed=0, **columns):
    """Six beams of one track over `surface(x, y)`, a pass each 91 days, moved to the side by some metres."""
    rng, parts = np.random.default_rng(seed), []
    for cycle in range(cycles):
        time = np.datetime64("2019-05-01") + 91 * cycle
        aside = rng.normal(0, 5)
        for k, beam in enumerate(("gt1l", "gt1r")):
            y = 90.0 * k + aside
            table = pass_of(
                548,
                cycle + 3,
                (0.0, y),
                0.0,
                surface,
                n=150,
                sigma=sigma,
                beam=beam,
                time=time,
                y_atc=y,
                dh_fit_dy=0.0,
                dh_fit_dx=0.0,
                **columns,
            )
            table["h_li"] += rate * (decimal_year(time) - 2020) + sigma * rng.standard_normal(len(table))
            parts.append(table)
    return pd.concat(parts, ignore_index=True)


def tilted(x, y):
    return 700 + 0.04 * x - 0.03 * y


def test_rate_and_slope_of_a_tilted_plane():
    """-2 m/yr on a slope of 4 and -3 percent; the passes' sideways wander is no change."""
    found = surface_rates(passes(tilted))
    assert len(found) > 5
    assert_allclose(found.dhdt, -2.0, atol=0.05)
    assert_allclose(found.slope_x, 0.04, atol=0.002)
    assert_allclose(found.slope_y, -0.03, atol=0.004)
    assert (found.n_passes == 8).all() and found.dhdt_sigma.between(0.001, 0.02).all()


def test_curvature_is_no_change():
    """A dome of 3 km radius of curvature, seen in half of the cycles further on: still the planted rate."""
    dome = passes(lambda x, y: 700 - (x - 1500) ** 2 / 6000)
    later = (dome.cycle > 6) & (dome.x < 1500)
    found = surface_rates(dome[~later])
    inner = found[found.x.between(1000, 2000)]
    assert len(inner) and np.abs(inner.dhdt + 2).max() < 0.1


def test_spikes_are_left_out():
    table = passes(tilted)
    table.loc[::13, "h_li"] += 40.0
    found = surface_rates(table)
    assert_allclose(found.dhdt, -2.0, atol=0.05)
    assert (found.n_used < found.n_found).all()


def test_errors_are_what_they_say():
    """z of the rates over realisations: 99 % within three errors."""
    z = []
    for seed in range(25):
        found = surface_rates(passes(tilted, seed=seed, cycles=6), options=SurfaceFit(radius=250.0))
        z += list((found.dhdt + 2) / found.dhdt_sigma)
    assert np.mean(np.abs(z) < 3) >= 0.99 and 0.8 < np.std(z) < 1.15


@pytest.mark.parametrize("fault", ["one cycle", "short span", "too few", "NaN sigma", "nothing"])
def test_too_little_gives_no_centre(fault):
    table = passes(tilted)
    cut = {
        "one cycle": table[table.cycle == 3],
        "short span": table[table.cycle <= 6],
        "too few": table.iloc[::40],
        "NaN sigma": table.assign(h_li_sigma=np.nan),
        "nothing": table.iloc[:0],
    }
    found = surface_rates(cut[fault], options=SurfaceFit(min_years=1.0))
    assert not len(found) and "dhdt" in found


def test_rates_beyond_the_limit_are_none():
    assert not len(surface_rates(passes(tilted, rate=-40.0)))
    assert len(surface_rates(passes(tilted, rate=-40.0), options=SurfaceFit(max_rate=50.0)))


def test_repeats_of_any_number_of_cycles():
    """Segment by segment, wander across a 3 % slope taken out with dh_fit_dy."""
    table = passes(tilted).assign(dh_fit_dy=-0.03)
    found = repeat_rates(table)
    assert len(found) == 300 and (found.n_cycles == 8).all()
    assert_allclose(found.dhdt.median(), -2.0, atol=0.01)
    z = (found.dhdt + 2) / found.dhdt_sigma
    assert np.mean(np.abs(z) < 3) >= 0.99
    flat = repeat_rates(table.assign(dh_fit_dy=0.0))
    assert flat.chi2_reduced.median() > 2 * found.chi2_reduced.median(), "without the slope the wander is misfit"


def test_passes_beside_the_track_take_no_part_in_a_rate():
    """Of eight passes one lies 1671 m to the side, on ground 50 m lower: counted, and the others decide."""
    table = passes(tilted).assign(dh_fit_dy=-0.03)
    first = table.cycle == table.cycle.min()
    beside = table.assign(y_atc=table.y_atc + 1671.0 * first, h_li=table.h_li - 50.0 * first)
    found = repeat_rates(beside)
    assert (found.n_beyond == 1).all() and (found.n_cycles == 7).all()
    assert_allclose(found.dhdt.median(), -2.0, atol=0.02)


def test_rates_say_of_how_many_releases_their_heights_are():
    """Beyond 1500 m the last two cycles are of the next release: centres that see it within 500 m, points beyond it."""
    table = passes(tilted)
    table["release"] = np.where((table.cycle > 8) & (table.x > 1500), "007", "006")
    found = surface_rates(table)
    assert_allclose(found.n_releases, np.where(found.x > 1000, 2, 1))
    points = repeat_rates(table)
    assert_allclose(points.n_releases, np.where(points.segment_id > 1000 + 75, 2, 1))
    unknown = table.assign(release=table.release.where(table.release == "006", ""))
    assert set(surface_rates(unknown).n_releases) == set(repeat_rates(unknown).n_releases) == {1}
    assert "n_releases" not in surface_rates(passes(tilted))


def test_repeats_need_their_cycles():
    table = passes(tilted, cycles=2)
    assert repeat_rates(table).dhdt.isna().all()
    two = passes(tilted, cycles=6).query("cycle in (3, 8)").assign(dh_fit_dy=-0.03)
    pair = repeat_rates(two, options=RateOptions(min_cycles=2, min_years=1.0))
    assert_allclose(pair.dhdt.median(), -2.0, atol=0.03)


def test_real_repeat_pair_gives_the_known_change(data):
    """Steenstrup, cycles 5 and 13: two years of about -3.9, -7 and -12 m along the three pairs."""
    folder = data("real/ATL06")
    parts = [
        atl06.read_segments(folder / f"processed_ATL06_{name}.h5")[0]
        for name in ("20191106230008_06270503_006_01", "20211102121853_06271303_006_01")
    ]
    table = pd.concat(parts)
    best = table[(table.atl06_quality_summary == 0) & table.h_li.notna()]
    found = repeat_rates(best, options=RateOptions(min_cycles=2, min_years=1.0))
    known = found[np.isfinite(found.dhdt)]
    assert known.groupby("beam", observed=True).size().between(300, 800).all()
    median = known.groupby("beam", observed=True).dhdt.median() * 1.99
    assert_allclose(median, [-3.9, -3.9, -7.0, -6.9, -11.9, -10.7], atol=0.5)
