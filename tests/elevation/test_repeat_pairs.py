"""Repeat pairs: joined by place, slopes taken out with the right sign, the Steenstrup numbers."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from tests.builders import studies

from nunatak.elevation import filters, paired, repeat_pairs, summarise_pairs
from nunatak.products import atl06
from nunatak.runtime import NunatakError

LATER = "2021-05-04T09:40:00"


def test_steenstrup_sank_by_the_known_medians(data):
    """RGT 0627, cycles 05 and 13, best quality in both: 3.9 to 11.9 m in two years."""
    first, second = (
        atl06.read_segments(data(f"real/ATL06/processed_ATL06_{name}_006_01.h5"), variables=["dh_fit_dy"])[0]
        for name in ("20191106230008_06270503", "20211102121853_06271303")
    )
    pairs = repeat_pairs(first[filters.keep(first)], second[filters.keep(second)])
    summary = summarise_pairs(pairs)
    assert list(summary.beam) == ["gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r"]
    assert_allclose(summary.median_dh_uncorrected, [-3.87, -3.89, -7.01, -6.86, -11.94, -10.68], atol=0.02)
    assert summary.n.between(336, 799).all()
    assert summary.median_dy.abs().max() < 3.2
    assert summary.strength_changed.all()  # the spacecraft turned round in between


def test_slope_of_real_granules_rises_with_y_atc(data):
    """The sign of the correction rests on it: dh_fit_dy is the rise from beam to beam of a pair, per metre of y_atc."""
    path = data("real/ATL06/processed_ATL06_20211102121853_06271303_006_01.h5")
    table, _ = atl06.read_segments(path, variables=["dh_fit_dy"])
    left, right = (table[table.beam == beam].set_index("segment_id") for beam in ("gt2l", "gt2r"))
    both = left.join(right, rsuffix="_r", how="inner").dropna()
    slope = (both.h_li - both.h_li_r) / (both.y_atc - both.y_atc_r)
    assert np.abs(slope - both.dh_fit_dy).median() < 1e-4


def test_unchanged_slope_seen_from_two_places_has_not_changed():
    """A hillside of 0.1 that rises with y_atc, seen 3 m further up the second time: dh is 0, uncorrected 0.3 m."""
    first = studies.segments(h=500.0, y_atc=-1.0, dh_fit_dy=0.1)
    second = studies.segments(h=500.3, y_atc=2.0, dh_fit_dy=0.1, cycle=11, start=LATER)
    pairs = repeat_pairs(first, second)
    assert_allclose(pairs.dh_uncorrected, 0.3, atol=1e-4)  # float32 heights
    assert_allclose(pairs.slope_correction, 0.3, atol=1e-6)
    assert_allclose(pairs.dh, 0.0, atol=1e-4)


def test_passes_beyond_the_limit_across_the_track_are_no_pairs():
    """65 m apart is a pair, and 65.5 m or a place that is not known is none."""
    first = studies.segments(y_atc=0.0, dh_fit_dy=0.0)
    for y, n in ((65.0, 5), (-65.0, 5), (65.5, 0), (-65.5, 0), (np.nan, 0)):
        assert len(repeat_pairs(first, studies.segments(y_atc=y, dh_fit_dy=0.0, cycle=11, start=LATER))) == n
    far = studies.segments(y_atc=70.0, dh_fit_dy=0.0, cycle=11, start=LATER)
    assert len(repeat_pairs(first, far, max_across=80.0)) == 5
    counts = paired(first, far)[1]
    assert counts[["n_joined", "n_beyond", "median_dy"]].to_numpy().tolist() == [[5, 5, 70.0]]


def test_pairs_are_counted_and_summed_up_by_beam():
    """Of five segments, four lie 2 m apart and one 70 m: medians and spreads of the four, and one beyond."""
    first = studies.segments(h=500.0, y_atc=0.0, dh_fit_dy=0.0)
    second = studies.segments(h=500.0, y_atc=2.0, dh_fit_dy=0.5, cycle=11, start="2021-05-03T15:40:00")
    second["h_li"] += np.array([1.0, 2.0, 4.0, 9.0, 50.0], "f4")
    second["y_atc"] = np.array([2.0, 2.0, 2.0, 2.0, 70.0], "f4")
    pairs, counts = paired(first, second)
    assert_allclose(pairs["dh_uncorrected"], [1, 2, 4, 9], atol=1e-4)
    assert_allclose(pairs["slope_correction"], 0.25 * 2)  # the mean of both slopes
    assert counts[["n_joined", "n_beyond", "n_unknown"]].to_numpy().tolist() == [[5, 1, 0]]
    (row,) = summarise_pairs(pairs).to_dict("records")
    numbers = [row[name] for name in ("n", "median_dh_uncorrected", "median_dh", "nmad_dh", "median_dy", "median_dhdt")]
    assert_allclose(numbers, [4, 3.0, 2.5, 1.4826 * 1.5, 2.0, 1.25], atol=1e-4)
    later, unknown = second.assign(cycle=12), first.assign(y_atc=np.float32(np.nan))
    assert paired(unknown, later)[1][["n_joined", "n_beyond", "n_unknown"]].to_numpy().tolist() == [[5, 5, 5]]


def test_rate_over_the_years_between():
    first, second = studies.segments(h=500.0), studies.segments(h=496.0, cycle=11, start="2021-05-03T15:40:00")
    pairs = repeat_pairs(first, second)
    assert_allclose(pairs.years, 730.5 / 365.25)
    assert_allclose(pairs.dhdt, -2.0)
    assert_allclose(pairs.dh_sigma, 0.03 * np.sqrt(2), rtol=1e-6)


def test_joined_by_place_when_strong_and_weak_have_swapped():
    first = studies.segments(spot=1)
    second = studies.segments(spot=6, cycle=11, start=LATER)
    pairs = repeat_pairs(first, second)
    assert len(pairs) == 5 and pairs.strength_changed.all()
    assert not repeat_pairs(first, studies.segments(spot=1, cycle=11, start=LATER)).strength_changed.any()


def test_only_common_segments_of_the_same_beam_join():
    first = studies.segments(n=5)
    second = pd.concat(
        [studies.segments(n=3, cycle=11, start=LATER), studies.segments(n=5, beam="gt1r", cycle=11, start=LATER)]
    )
    pairs = repeat_pairs(first, second)
    assert list(pairs.segment_id) == [1000, 1001, 1002] and (pairs.beam == "gt1l").all()


def test_slope_of_one_pass_stands_in_for_the_other():
    first = studies.segments(y_atc=0.0, dh_fit_dy=np.nan)
    second = studies.segments(y_atc=2.0, dh_fit_dy=0.05, cycle=11, start=LATER)
    assert_allclose(repeat_pairs(first, second).slope_correction, 0.1, rtol=1e-6)
    second["dh_fit_dy"] = np.float32(np.nan)
    pairs = repeat_pairs(first, second)
    assert pairs.dh.isna().all() and pairs.dh_uncorrected.notna().all()


def test_no_common_segment_is_an_empty_table():
    first = studies.segments()
    second = studies.segments(cycle=11, start=LATER)
    second["segment_id"] += 500
    pairs = repeat_pairs(first, second)
    assert len(pairs) == 0 and "dh" in pairs
    assert len(summarise_pairs(pairs)) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="dh_fit_dy"), "the second pass has no dh_fit_dy; read it with these variables"),
        (lambda t: pd.concat([t, t]), "segment 1000 of gt1l comes twice in the second pass"),
        (lambda t: t.assign(cycle=3), "both passes are cycle 3"),
        (
            lambda t: t.assign(cycle=[11, 11, 11, 11, 12]),
            r"the second pass holds cycles \[.*11.*12.*\]; give one cycle",
        ),
    ],
)
def test_passes_that_cannot_be_joined_are_refused(change, message):
    with pytest.raises(NunatakError, match=message):
        repeat_pairs(studies.segments(), change(studies.segments(cycle=11, start=LATER)))
