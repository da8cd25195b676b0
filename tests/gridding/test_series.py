"""Whole areas from the sums of cells: series, distribution, and grids too large to fill at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from nunatak.gridding import (
    accumulate,
    area_series,
    dataset,
    distribution,
    make_grid,
    merge,
    no_segments,
    statistics,
    sum_segments,
)
from nunatak.runtime import NunatakError

GRID = make_grid(preset="ease2_south", cell="25km")


def two_cells():
    """Three segments of 10 m at 0.1 m in one cell, on 1 September; one of 30 m at 0.5 m in another, a day later."""
    return pd.DataFrame(
        {
            "granule_id": ["a", "a", "a", "b"],
            "longitude": 180.0,
            "latitude": [-75.0, -75.0, -75.0, -72.0],
            "time": np.array(["2019-09-01"] * 3 + ["2019-09-02"], "M8[ns]"),
            "height_segment_length_seg": [10.0, 10.0, 10.0, 30.0],
            "beam_fb_height": [0.1, 0.1, 0.1, 0.5],
            "lead": [0, 0, 0, 1],
        }
    )


def summed(**options):
    return sum_segments(two_cells(), GRID, value="beam_fb_height", weight="height_segment_length_seg", **options)


def test_a_month_of_two_cells():
    """Segments by length: (30 x 0.1 + 30 x 0.5) / 60; cells of equal area: the same here; a lead half of the length."""
    row = area_series(summed(level_width=0.01), "month").iloc[0]
    assert (row["count"], row["n_pass"], row["n_day"], row["n_cells"]) == (4, 2, 2, 2)
    assert_allclose([row["mean"], row["cell_mean"], row["std"], row["lead_share"]], [0.3, 0.3, 0.2, 0.5])
    assert_allclose(row["stderr"], 0.2)  # two passes, 0.2 m to either side: std(ddof=1) / sqrt(2)
    assert_allclose(row["area"], 2 * 625, rtol=1e-6)  # EASE-Grid keeps areas
    assert (str(row["time_start"])[:10], str(row["time_end"])[:10]) == ("2019-09-01", "2019-10-01")


def test_days_and_parts_of_the_area():
    """Each day holds one cell; of the area of the first cell only the first day is left."""
    days = area_series(summed(), "day")
    assert_allclose(days["mean"], [0.1, 0.5])
    inside = np.zeros(GRID.shape, bool)
    inside.ravel()[summed().rows["cell"].iloc[0]] = True
    part = area_series(summed(), "day", inside=inside)
    assert part["count"].tolist() == [3]
    assert "median" not in part


def test_distribution_adds_to_one():
    """Half of the length lies in [0.1, 0.11), half in [0.5, 0.51)."""
    table = distribution(summed(level_width=0.01), "month")
    assert_allclose(table["low"], [0.1, 0.5])
    assert_allclose(table["share"], [0.5, 0.5])
    assert table["n"].tolist() == [3, 1]
    assert distribution(summed(), "month").empty


def test_no_segments_merge_with_any_others():
    """A month without data changes nothing, and alone it is an empty grid of the bins asked for."""
    nothing = no_segments(GRID)
    whole = merge([nothing, summed()])
    assert whole.n_points == 4
    empty = statistics(nothing, "day", period=("2019-09-01", "2019-09-04"))
    assert empty.sizes["time"] == 3 and int(empty["count"].sum()) == 0
    assert area_series(nothing, "month").empty


def test_spans_with_a_gap_leave_the_gap_out():
    """September of two years: layers of both, none between."""
    spans = [("2019-09-01", "2019-10-01"), ("2020-09-01", "2020-10-01")]
    made = statistics(summed(), "month", period=spans)
    assert [str(t)[:7] for t in made["time"].values] == ["2019-09", "2020-09"]
    with pytest.raises(NunatakError, match=r"points on 2019-09-01 lie outside the period 2020-09-01"):
        statistics(summed(), "month", period=spans[1:])


def test_a_grid_beyond_memory_is_filled_layer_by_layer(monkeypatch, tmp_path):
    """The same values and the same file, whether filled at once or one layer after the other."""
    at_once = statistics(summed(), "day", ("count", "mean"))
    monkeypatch.setattr(dataset, "_IN_MEMORY", 10)
    lazily = statistics(summed(), "day", ("count", "mean"))
    assert lazily["mean"].chunks[0] == (1, 1) and at_once["mean"].chunks is None
    xr.testing.assert_identical(at_once, lazily.compute())


def test_the_error_comes_from_whichever_column_the_release_has():
    """`beam_fb_unc` or `beam_fb_sigma`; without either the propagated error is zero."""
    for name in ("beam_fb_unc", "beam_fb_sigma"):
        table = two_cells().assign(**{name: 0.02})
        ours = sum_segments(
            table,
            GRID,
            value="beam_fb_height",
            weight="height_segment_length_seg",
            errors=("beam_fb_unc", "beam_fb_sigma"),
        )
        theirs = accumulate(
            table, GRID, value="beam_fb_height", weight="height_segment_length_seg", error=name, lead="lead"
        )
        pd.testing.assert_frame_equal(ours.rows, theirs.rows)
    assert summed(errors=("beam_fb_unc",)).rows["sw2e2"].sum() == 0
