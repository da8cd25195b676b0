"""Repeat pairs from chunks: two cycles at a time, in their order, those without a height passed over."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pair_repeats
from nunatak.runtime import NunatakError
from nunatak.tables import read_table, write_table

ABOUT = {"nunatak_source": "SIMULATED", "crs": "EPSG:3413"}


def chunk(path, cycle, segments, h=500.0, rgt=548):
    """One chunk of ATL06 points: a height that falls with the cycle."""
    n = len(segments)
    rows = {
        "rgt": np.full(n, rgt), "beam": "gt1l", "spot": np.full(n, 1), "cycle": np.full(n, cycle),
        "segment_id": np.asarray(segments), "time": pd.Timestamp("2019-01-01") + pd.Timedelta(days=91 * cycle),
        "latitude": np.full(n, 79.7), "longitude": np.full(n, 24.0), "y_atc": np.zeros(n), "dh_fit_dy": np.zeros(n),
        "h_li": np.full(n, h - cycle), "h_li_sigma": np.full(n, 0.1), "atl06_quality_summary": np.zeros(n, "i1"),
    }  # fmt: skip
    write_table(pd.DataFrame(rows), path, attributes=ABOUT)
    return str(path)


def test_cycles_are_paired_in_their_order_over_shares_and_gaps(tmp_path):
    """Cycle 3 in two shares, nothing in cycle 4, cycle 5: pairs from 3 to 5 on the segments seen in both."""
    points = [
        chunk(tmp_path / "cycle05-1of2.parquet", 5, [2, 3, 4]),
        chunk(tmp_path / "cycle03-1of2.parquet", 3, [1, 2]),
        chunk(tmp_path / "cycle03-2of2.parquet", 3, [3]),
        chunk(tmp_path / "cycle04-1of2.parquet", 4, []),
    ]
    pair_repeats.main(points, tmp_path / "pairs.parquet", filter="none", study="x")
    pairs = read_table(tmp_path / "pairs.parquet")
    assert pairs["segment_id"].tolist() == [2, 3]
    assert set(pairs["cycle_first"]) == {3} and set(pairs["cycle_second"]) == {5}
    np.testing.assert_allclose(pairs["dh"], -2.0)
    assert pairs.attrs["attributes"]["crs"] == "EPSG:3413"


def test_a_track_is_paired_over_a_cycle_that_saw_another_one(tmp_path):
    """Track 548 in cycles 3, 5 and 6, track 12 in cycles 4 and 6: each pass with the one before it on its own track."""
    points = [
        chunk(tmp_path / "cycle03.parquet", 3, [1, 2]),
        chunk(tmp_path / "cycle04.parquet", 4, [1, 2], rgt=12),
        chunk(tmp_path / "cycle05.parquet", 5, [1, 2]),
        chunk(tmp_path / "cycle06-1of2.parquet", 6, [2]),
        chunk(tmp_path / "cycle06-2of2.parquet", 6, [1], rgt=12),
    ]
    pair_repeats.main(points, tmp_path / "pairs.parquet", filter="none", study="x")
    pairs = read_table(tmp_path / "pairs.parquet")
    rows = pairs[["rgt", "cycle_first", "cycle_second", "segment_id"]].to_numpy().tolist()
    assert sorted(rows) == [[12, 4, 6, 1], [548, 3, 5, 1], [548, 3, 5, 2], [548, 5, 6, 2]]


def test_one_cycle_is_no_pair(tmp_path):
    points = [chunk(tmp_path / "cycle03.parquet", 3, [1, 2]), chunk(tmp_path / "cycle04.parquet", 4, [])]
    with pytest.raises(
        NunatakError, match="ATL06: 2 segments, 2 pass filter none, in 1 cycles; a repeat pair needs two"
    ):
        pair_repeats.main(points, tmp_path / "pairs.parquet", filter="none", study="x")
