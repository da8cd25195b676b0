"""Repeat pairs from chunks: two cycles at a time, in their order, those without a height passed over."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pair_repeats
from nunatak.checks import elevation as checks
from nunatak.files.tables import read_csv, read_table, write_table
from nunatak.granules import datums
from nunatak.reports import words

ABOUT = {"nunatak_source": "SIMULATED", "crs": "EPSG:3413"}


def chunk(path, cycle, segments, h=500.0, rgt=548, y_atc=0.0, release="007"):
    """One chunk of ATL06 points: a height that falls with the cycle."""
    n = len(segments)
    rows = {
        "rgt": np.full(n, rgt),
        "beam": "gt1l",
        "spot": np.full(n, 1),
        "cycle": np.full(n, cycle),
        "segment_id": np.asarray(segments),
        "time": pd.Timestamp("2019-01-01") + pd.Timedelta(days=91 * cycle),
        "latitude": np.full(n, 79.7),
        "longitude": np.full(n, 24.0),
        "y_atc": np.full(n, y_atc),
        "dh_fit_dy": np.zeros(n),
        "h_li": np.full(n, h - cycle),
        "h_li_sigma": np.full(n, 0.1),
        "atl06_quality_summary": np.zeros(n, "i1"),
    }
    name = f"ATL06_20190504050600_{rgt:04d}{cycle:02d}03_{release}_01"
    about = {**ABOUT, **datums.attributes("atl06", [name] if n else [])}
    write_table(pd.DataFrame(rows).assign(granule_id=name), path, attributes=about)
    return str(path)


def test_a_pass_in_granules_of_two_releases_is_paired_by_granule(tmp_path):
    """Of cycle 3 two parts of the orbit are here, one in each release, the newer one first or last."""
    for order in ([1, 2], [2, 1]):
        parts = {1: ([1, 2], "006"), 2: ([3], "007")}
        points = [
            chunk(tmp_path / f"cycle03-{n}of2.parquet", 3, *parts[k][:1], release=parts[k][1])
            for n, k in enumerate(order, 1)
        ]
        pair([*points, chunk(tmp_path / "cycle04.parquet", 4, [1, 2, 3])], tmp_path)
        found = {check.name: check for check in checks.repeat_pairs(*read_results(tmp_path))}[
            "repeat_pairs/one_release"
        ]
        assert (found.failed, found.value) == (True, 2)


def read_results(folder):
    return read_table(folder / "pairs.parquet"), read_csv(folder / "counts.csv")


def pair(points, folder, version=None):
    pair_repeats.main(
        points,
        folder / "pairs.parquet",
        folder / "counts.csv",
        segment_filter="none",
        max_across=65.0,
        study="x",
        version=version,
    )


def test_cycles_are_paired_in_their_order_over_shares_and_gaps(tmp_path):
    """Cycle 3 in two shares, nothing in cycle 4, cycle 5: pairs from 3 to 5 on the segments seen in both."""
    points = [
        chunk(tmp_path / "cycle05-1of2.parquet", 5, [2, 3, 4]),
        chunk(tmp_path / "cycle03-1of2.parquet", 3, [1, 2]),
        chunk(tmp_path / "cycle03-2of2.parquet", 3, [3]),
        chunk(tmp_path / "cycle04-1of2.parquet", 4, []),
    ]
    pair(points, tmp_path)
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
    pair(points, tmp_path)
    pairs = read_table(tmp_path / "pairs.parquet")
    rows = pairs[["rgt", "cycle_first", "cycle_second", "segment_id"]].to_numpy().tolist()
    assert sorted(rows) == [[12, 4, 6, 1], [548, 3, 5, 1], [548, 3, 5, 2], [548, 5, 6, 2]]


def test_one_cycle_makes_no_pair_and_says_so(tmp_path, capsys):
    """A study of a single good cycle goes on with tables without a row and says that there is no pair."""
    points = [chunk(tmp_path / "cycle03.parquet", 3, [1, 2]), chunk(tmp_path / "cycle04.parquet", 4, [])]
    pair(points, tmp_path)
    assert "no repeat pair: 2 segments, 2 pass filter none, in 1 cycles" in capsys.readouterr().err
    pairs = read_table(tmp_path / "pairs.parquet")
    assert pairs.empty and {"dh", "dhdt", "y_atc_first"} <= set(pairs) and pairs.attrs["units"]["dh"] == "m"
    (check,) = checks.repeat_pairs(pairs)
    assert check.status == "not applicable"


def test_cycles_flown_beside_the_track_are_counted_and_no_pairs(tmp_path):
    """Cycles 1 and 2 lie 1.7 and 3.2 km beside cycle 3: three segments of each joined, none of them a pair."""
    far = {1: 1609.0, 2: 6493.0, 3: 3280.0, 4: 3284.0}
    points = [chunk(tmp_path / f"cycle{c:02d}.parquet", c, [1, 2, 3], y_atc=y) for c, y in far.items()]
    pair(points, tmp_path)
    pairs, counts = read_table(tmp_path / "pairs.parquet"), read_csv(tmp_path / "counts.csv")
    assert set(pairs["cycle_first"]) == {3} and set(pairs["cycle_second"]) == {4} and len(pairs) == 3
    np.testing.assert_allclose(pairs["dh"], -1.0)
    rows = counts[["cycle_first", "cycle_second", "n_joined", "n_beyond", "median_dy"]].to_numpy().tolist()
    assert rows == [
        [1, 2, 3, 3, 4884.0],
        [1, 3, 3, 3, 1671.0],
        [2, 3, 3, 3, -3213.0],
        [1, 4, 3, 3, 1675.0],
        [2, 4, 3, 3, -3209.0],
        [3, 4, 3, 0, 4.0],
    ]
    said = words.pairs_left_out(counts)
    assert "Cycles 01 and 02 of the mission" in said
    assert "RGT 0548, cycles 01 and 03: 3 of 3 joined segments lie more than 65 m apart" in said


def test_segments_without_a_place_across_the_track_are_said_to_lack_it(tmp_path, caplog):
    """A subset without y_atc, and one that has it for a part of its segments."""
    pair([chunk(tmp_path / f"cycle{c:02d}.parquet", c, [1, 2, 3], y_atc=np.nan) for c in (3, 4)], tmp_path)
    pairs, counts = read_results(tmp_path)
    assert len(pairs) == 0 and counts[["n_joined", "n_beyond", "n_unknown"]].to_numpy().tolist() == [[3, 3, 3]]
    why = "3 of 3 joined segments lack y_atc in a granule and are no pairs; fetch the whole granule"
    assert words.pairs_left_out(counts) == f"RGT 0548, cycles 03 and 04: {why}."
    assert f"cycles 03 and 04: {why}" in caplog.text and "nan" not in caplog.text
    points = [
        chunk(tmp_path / f"cycle{c:02d}.parquet", c, [1, 2, 3], y_atc=y) for c, y in ((3, 0.0), (4, [9, 90, np.nan]))
    ]
    pair(points, tmp_path)
    said = words.pairs_left_out(read_results(tmp_path)[1])
    assert "1 of 3 joined segments lie more than 65 m apart across the track (median 50 m)" in said
    assert "1 of 3 joined segments lack y_atc" in said


def test_a_pass_flown_beside_the_track_does_not_part_those_around_it(tmp_path):
    """Cycle 6 points 2 km off: 5 is paired with 7."""
    points = [
        chunk(tmp_path / f"cycle{c:02d}.parquet", c, [1, 2], y_atc=y) for c, y in ((5, 0.0), (6, 2000.0), (7, 9.0))
    ]
    pair(points, tmp_path)
    pairs = read_table(tmp_path / "pairs.parquet")
    assert set(pairs["cycle_first"]) == {5} and set(pairs["cycle_second"]) == {7} and len(pairs) == 2


@pytest.mark.parametrize(
    ("release", "version", "passed", "value"),
    [("007", None, True, 0), ("006", None, False, 3), ("006", "any", True, None)],
)
def test_a_pair_of_passes_of_two_releases_fails_a_check_unless_it_is_meant(tmp_path, release, version, passed, value):
    points = [
        chunk(tmp_path / "cycle03.parquet", 3, [1, 2, 3], release=release),
        chunk(tmp_path / "cycle04.parquet", 4, [1, 2, 3]),
    ]
    pair(points, tmp_path, version)
    pairs, counts = read_table(tmp_path / "pairs.parquet"), read_csv(tmp_path / "counts.csv")
    found = {check.name: check for check in checks.repeat_pairs(pairs, counts)}["repeat_pairs/one_release"]
    assert (not found.failed, found.value) == (passed, value)
    assert ("006, 007" in found.text) is found.failed
    said = pairs.attrs["attributes"]
    assert said["release"] == ("007" if release == "007" else "006, 007") and said["permanent_tide"] == "tide-free"
    assert said["reference_frame"] == ("ITRF2020" if release == "007" else "ITRF2014, ITRF2020")
