"""Joined places and their differences, on a plane whose every height is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from nunatak import photons

ALONG, ACROSS = 0.01, -0.02  # slopes of the plane


def plane(x, y):
    return 100 + ALONG * np.asarray(x) + ACROSS * np.asarray(y)


def fitted(n=20, shift=0.0):
    """Both beams of one pair, 90 m apart, their centres 3 m before those of the segments."""
    parts = []
    for beam, y in (("gt2l", 3045.0), ("gt2r", 2955.0)):
        x = 20.0 * np.arange(500, 500 + n) - 3.0
        parts.append(
            pd.DataFrame(
                {
                    "granule_id": "g",
                    "beam": beam,
                    "spot": 3,
                    "rgt": 548,
                    "cycle": 3,
                    "segment_id": np.arange(500, 500 + n),
                    "time": np.datetime64("2019-05-04", "ns"),
                    "latitude": 79.5,
                    "longitude": 25.0,
                    "x_atc": x,
                    "y_atc": y,
                    "h_mean": plane(x, y) + shift,
                    "h_sigma": 0.02,
                    "n_fit_photons": 50,
                    "w_surface_window_final": 3.0,
                    "rms_misfit": 0.1,
                    "pflags": 0,
                    "dh_fit_dx": ALONG,
                    "dh_fit_dy": ACROSS,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def segments(heights):
    """ATL06 on the same plane, at the segments' own centres."""
    x = 20.0 * heights["segment_id"]
    rows = heights[["rgt", "cycle", "beam", "segment_id"]].assign(x_atc=x, h_li=plane(x, heights["y_atc"]))
    return rows.assign(h_li_sigma=0.01)


def points(n=20):
    """ATL11 on the same plane, between the beams and nearer the left one."""
    ref = np.arange(500, 500 + n, 3)
    return pd.DataFrame(
        {
            "rgt": 548,
            "cycle": 3,
            "pair": "pt2",
            "ref_pt": ref,
            "time": np.datetime64("2019-05-04", "ns"),
            "latitude": 79.5,
            "longitude": 25.0,
            "x_atc": 20.0 * ref,
            "y_atc": 3020.0,
            "h_corr_sigma": 0.01,
            "h_corr": plane(20.0 * ref, 3020.0),
        }
    )


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_what_lies_on_one_plane_does_not_differ(shift):
    """Other centres and another place across the track are no difference; a shift is."""
    heights = fitted(shift=shift)
    beside = photons.against_atl06(heights, segments(heights))
    at_points = photons.against_atl11(heights, points())
    assert len(beside) == 40 and len(at_points) == 7
    assert_allclose(beside["difference"], shift, atol=1e-9)
    assert_allclose(at_points["difference"], shift, atol=1e-9)
    assert_allclose(beside["slope"], np.degrees(np.arctan(np.hypot(ALONG, ACROSS))))
    assert beside.attrs["units"]["difference"] == at_points.attrs["units"]["difference"] == "m"


def test_only_good_heights_of_the_same_pass_are_joined():
    """Another cycle, a bad flag, a lone beam, a segment too far along: none of them."""
    heights = fitted()
    assert photons.against_atl06(heights, segments(heights).assign(cycle=7)).empty
    assert photons.against_atl11(heights, points().assign(cycle=7)).empty
    assert photons.against_atl06(heights.assign(pflags=4), segments(heights)).empty
    assert photons.against_atl11(heights[heights["beam"] == "gt2l"], points()).empty
    assert photons.against_atl06(heights, segments(heights), max_offset=2.0).empty
    assert photons.against_atl11(heights, points(), max_offset=2.0).empty
    for along, n in ((6.9, 7), (7.1, 0)):  # 10 m from the centres of both beams, which lie 3 m before the points
        assert len(photons.against_atl11(heights, points().assign(x_atc=points()["x_atc"] + along))) == n
    assert photons.against_atl11(heights, points().assign(y_atc=3000.0 + 1670.0)).empty
    one_bad = heights.assign(pflags=np.where((heights["beam"] == "gt2l") & (heights["segment_id"] == 503), 2, 0))
    assert 503 not in set(photons.against_atl11(one_bad, points())["ref_pt"])


def test_statistics_are_robust_and_by_class():
    """The spread is that of normal errors; an outlier of 5 m is counted, not averaged."""
    rng = np.random.default_rng(20180101)
    slope = np.repeat([0.2, 0.7, 1.5, 3.0], 2000)
    error = rng.normal(0.1, np.repeat([0.02, 0.04, 0.08, 0.2], 2000))
    error[:20] = 5.0
    error[-1] = np.nan
    found = photons.differences_by_slope(slope, error)
    assert found["n"].tolist() == [7999, 2000, 2000, 2000, 1999]
    assert_allclose(found["median"], 0.1, atol=0.01)
    assert_allclose(found["nmad"][1:], [0.02, 0.04, 0.08, 0.2], rtol=0.06)
    assert found["beyond_1m"].iloc[1] == 0.01
    assert photons.differences_by_slope([], []).empty


def test_a_stretch_avoids_gaps_and_bad_segments():
    """A run in a row of good segments of a strong beam; the best there is where no run is so long."""
    heights = fitted(n=60)
    heights["rms_misfit"] = np.where(heights["segment_id"] < 530, 0.1, 9.0)
    heights.loc[heights["segment_id"] == 505, "pflags"] = 4
    chosen = photons.typical_stretch(heights, n=20)
    assert len(chosen) == 20 and (np.diff(chosen["segment_id"]) == 1).all() and chosen["segment_id"].min() > 505
    assert chosen["beam"].nunique() == 1
    assert len(photons.typical_stretch(heights[heights["segment_id"] % 2 == 0], n=20)) == 20
    assert photons.typical_stretch(heights.iloc[:0]).empty


def test_photons_of_a_stretch(data):
    """All of them with what the selection says; a beam or segments without photons are refused by name."""
    from nunatak.products import GranuleError, atl03

    granule = atl03.read_granule(data("golden/photons/ATL03_20181019065445_03150111_006_02.h5"))
    track = atl03.read_track(granule, "gt2r")
    ids, counts = track.segments["segment_id"], track.segments["segment_ph_cnt"]
    table = photons.stretch_photons(granule, "gt2r", ids[10], ids[29], {"srt": 3, "cnf": 4})
    assert len(table) == counts[10:30].sum()
    assert table["selected"].equals((table["atl03_cnf"] == 4) & (table["quality_ph"] == 0))
    assert (
        table["x_atc"].between(track.segments["segment_dist_x"][10] - 1, track.segments["segment_dist_x"][30] + 1).all()
    )
    with pytest.raises(GranuleError, match="no photons in segments 1 to 2"):
        photons.stretch_photons(granule, "gt2r", 1, 2)
    assert list(photons.no_photons()) == list(table)
