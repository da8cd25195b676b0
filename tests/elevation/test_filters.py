"""Which segments pass: planted faults, the neighbours' test at both edges of a step, every real granule by h5py."""

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nunatak.constants import BEAMS
from nunatak.elevation import filters
from nunatak.products import atl06
from nunatak.runtime import NunatakError

GOOD = {
    "h_li_sigma": 0.02,
    "atl06_quality_summary": 0,
    "h_robust_sprd": 0.2,
    "snr_significance": 0.0,
    "signal_selection_source": 0,
    "n_fit_photons": 60.0,
    "w_surface_window_final": 3.0,
    "spot": 1,
    "dh_fit_dx": 0.0,
    "rgt": 548,
    "cycle": 3,
    "beam": "gt1l",
}


def segments(h, ids=None, **columns):
    h = np.asarray(h, dtype=float)
    ids = np.arange(100, 100 + h.size) if ids is None else ids
    return pd.DataFrame({"segment_id": ids, "h_li": h, **GOOD, **columns})


def test_a_step_costs_the_segments_on_both_sides():
    """5 m up between the 4th and 5th: the forward test takes the 4th, the backward test the 5th."""
    kept = filters.consistent(segments([10.0] * 4 + [15.0] * 4))
    np.testing.assert_array_equal(kept, [True] * 3 + [False] * 2 + [True] * 3)


def test_a_step_at_either_end_is_seen():
    """A spike in the first or the last segment has one neighbour, and that one is enough."""
    np.testing.assert_array_equal(filters.consistent(segments([60, 10, 10, 10])), [False, False, True, True])
    np.testing.assert_array_equal(filters.consistent(segments([10, 10, 10, 60])), [True, True, False, False])


def test_a_slope_is_no_step():
    """Rising 3 m per segment: consistent when the fitted slope says so, not when it says flat."""
    h = 3.0 * np.arange(6)
    assert filters.consistent(segments(h, dh_fit_dx=0.15)).all()
    assert not filters.consistent(segments(h)).any()


def test_gaps_runs_and_order():
    """Across a gap nobody is a neighbour; other beams and cycles are none either; the order of rows does not matter."""
    h, ids = [10, 10, 90, 90], [1, 2, 5, 6]
    assert filters.consistent(segments(h, ids)).all()
    lone = segments([10, 10, 10], [1, 2, 9])
    np.testing.assert_array_equal(filters.consistent(lone), [True, True, False])
    two = pd.concat([segments([10, 10], [1, 2]), segments([90, 90], [1, 2], cycle=4)])
    assert filters.consistent(two.iloc[[2, 0, 3, 1]]).all()


def test_a_flagged_spike_is_no_judge():
    """strict: the spike falls to its flag, and its good neighbours stay."""
    table = segments([10, 10, 70, 10, 10], atl06_quality_summary=[0, 0, 1, 0, 0])
    np.testing.assert_array_equal(filters.keep(table, "strict"), [True, True, False, True, True])
    np.testing.assert_array_equal(filters.removed(table, "strict").n_removed, [0, 1, 0])


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.floats(-5, 5), st.floats(-0.2, 0.2)),
        min_size=1,
        max_size=40,
        unique_by=lambda row: row[0],
    )
)
@settings(max_examples=60)
def test_kernel_agrees_with_the_definition(rows):
    ids, h, slope = map(np.array, zip(*rows, strict=True))
    table = segments(h, ids, dh_fit_dx=slope)
    np.testing.assert_array_equal(filters.consistent(table), filters.agree_reference(ids, h, slope))


@pytest.mark.parametrize(
    "preset, column, bad",
    [
        ("standard", "h_li", np.nan),
        ("standard", "atl06_quality_summary", 1),
        ("standard", "atl06_quality_summary", 127),
        ("rough", "h_robust_sprd", 1.0),
        ("rough", "h_robust_sprd", np.nan),
        ("rough", "h_li_sigma", 1.2),
        ("rough", "h_li_sigma", np.nan),
        ("rough", "snr_significance", 0.02),
        ("strict", "dh_fit_dx", np.nan),
        (("height", "source"), "signal_selection_source", 2),
        (("height", "density"), "n_fit_photons", 11.0),
    ],
)
def test_each_test_takes_its_fault_and_no_other(preset, column, bad):
    """One bad segment far from the rest of a flat beam."""
    ids = [*range(100, 110), 200, 201]
    table = segments(np.full(12, 10.0), ids)
    table[column] = table[column].astype(float)
    table.loc[10, column] = bad
    kept = filters.keep(table, preset)
    # with the bad one gone its only neighbour has no witness under the presets that ask for one
    alone = preset in ("strict", "rough")
    np.testing.assert_array_equal(kept, [*[True] * 10, False, not alone or column == "dh_fit_dx"])


def test_rough_keeps_what_the_flag_condemns():
    """Crevassed ice: flagged, but narrow, significant and consistent."""
    table = segments(np.full(5, 10.0), atl06_quality_summary=1)
    assert not filters.keep(table, "standard").any() and filters.keep(table, "rough").all()


def test_weak_beams_need_less_density():
    table = segments([10.0, 10.0], spot=[1, 2], n_fit_photons=6.0)
    np.testing.assert_array_equal(filters.keep(table, ("density",)), [False, True])


def test_all_flagged_and_none():
    table = segments([10.0, np.nan], atl06_quality_summary=1)
    assert not filters.keep(table, "strict").any()
    assert list(filters.keep(table, "none")) == [True, False]
    assert not len(filters.keep(segments([]), "strict"))


def test_errors_name_the_remedy():
    with pytest.raises(NunatakError, match="'gentle' is unknown; choose from none, standard, strict, rough"):
        filters.keep(segments([1.0]), "gentle")
    with pytest.raises(NunatakError, match="test consistency needs dh_fit_dx; read ATL06 with it"):
        filters.keep(segments([1.0]).drop(columns="dh_fit_dx"), "strict")


def test_counts_after_each_filter_are_those_of_h5py(data):
    """All 22 real granules: heights, flag 0, and flag 0 within 2 m of the neighbours, counted without our reader."""
    compared = 0
    for path in sorted(data("real/ATL06").glob("*.h5")):
        table, _ = atl06.read_segments(path, optional=["dh_fit_dx"])
        ours = [filters.removed(table, "standard").n_after.tolist()]
        theirs = np.zeros(3, dtype=int)
        sloped = True
        with h5py.File(path) as file:
            for beam in BEAMS:
                if beam not in file or "land_ice_segments" not in file[beam]:
                    continue
                group = file[beam]["land_ice_segments"]
                h, flag = group["h_li"][:].astype(float), group["atl06_quality_summary"][:]
                there = (h < 1e30) & (h >= -500)  # lower is no height of ice; 15 of these granules are
                good = there & (flag == 0)
                sloped &= "fit_statistics" in group
                theirs[:2] += [there.sum(), good.sum()]
                if "fit_statistics" in group:
                    slope = group["fit_statistics/dh_fit_dx"][:].astype(float)[good]
                    theirs[2] += filters.agree_reference(group["segment_id"][:][good].tolist(), h[good], slope).sum()
        assert ours[0] == theirs[:2].tolist(), path.name
        if sloped:
            assert filters.removed(table, "strict").n_after.iloc[-1] == theirs[2], path.name
            compared += 1
    assert compared >= 15
