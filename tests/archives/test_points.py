"""The rows of a chunk's granules, and what came of each granule."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pyproj
import pytest
from tests.builders.studies import damage
from tests.builders.tiny_granules import START, atl06, name_of, truncated

from nunatak.geometry import region
from nunatak.granules import ledger, parse
from nunatak.products import atl06 as reader
from nunatak.reading import points
from nunatak.study.period import Period

HERE = region.load({"bbox": [-34.705, 66.5, -34.645, 66.5036]}, name="here")  # the first 21 of 40 segments
LATER = np.datetime64("2021-01-01", "ns")
YEAR = Period.model_validate(["2019-01-01", "2019-12-31"])


def fetched(*paths, **changes):
    """A ledger in which every granule is present."""
    rows = [
        {"granule_id": parse(p.name).granule_id, "path": str(p), "status": "present", "size_bytes": p.stat().st_size}
        for p in paths
    ]
    return ledger([{**row, **changes} for row in rows])


def subset(rows, **options):
    options = {"region": HERE, "period": YEAR, "crs": "EPSG:3413", **options}
    return points.subset(rows, reader.read_segments, reader.no_segments(), **options)


def test_rows_inside_are_kept_and_placed(tmp_path):
    """Every beam's first 21 segments, with x and y as pyproj puts them, and the units of the reader."""
    table, outcome = subset(fetched(atl06(tmp_path)))
    assert len(table) == 6 * 21 and outcome["n_points"].tolist() == [126]
    x, y = pyproj.Transformer.from_crs(4326, 3413, always_xy=True).transform(table["longitude"], table["latitude"])
    np.testing.assert_array_equal(table[["x", "y"]], np.column_stack([x, y]))
    assert set(table["granule_id"]) == {name_of().removesuffix(".h5")}
    assert table.attrs["units"]["h_li"] == table.attrs["units"]["x"] == "m"


def test_no_granule_is_lost_and_none_stops_the_others(tmp_path):
    """
    Five granules in give five ends out, one row each.

    The two broken ones say what is wrong.
    """
    kinds = ({}, {"lat": 70.0}, {"start": LATER}, {"beams": ()}, {})
    names = [name_of(cycle=1 + i, start=kind.get("start", START)) for i, kind in enumerate(kinds)]
    paths = [atl06(tmp_path, name, **kind) for name, kind in zip(names, kinds, strict=True)]
    asked = fetched(*paths)
    truncated(paths[-1])
    gone = ledger(
        [*asked.to_dict("records"), {"granule_id": "x", "path": "x.h5", "status": "failed", "reason": "is gone"}]
    )
    table, outcome = subset(gone)
    assert set(table["cycle"]) == {1}
    assert list(outcome["status"]) == ["present", "outside", "empty", "failed", "outside", "failed"]
    assert outcome["reason"][1] == f"{', '.join(reader.BEAMS)}: no segment in region and period"
    assert outcome["reason"][3].startswith("changed since the archive was asked")
    assert outcome["reason"][5] == "is gone"
    assert outcome["n_points"].tolist() == [126, 0, 0, 0, 0, 0]


def test_a_damaged_granule_of_the_right_size_fails_in_one_line(tmp_path):
    path = atl06(tmp_path)
    with h5py.File(path, "a") as file:
        del file["gt1l/land_ice_segments/latitude"]
    outcome = subset(fetched(path))[1]
    assert outcome["status"][0] == "failed"
    assert "has no 'latitude'" in outcome["reason"][0] and str(tmp_path) not in outcome["reason"][0]


def test_a_damaged_beam_makes_the_granule_failed_and_the_others_are_kept(tmp_path):
    """Beam and dataset are named; the five sound beams' rows stay, as for photons and sea ice."""
    path = atl06(tmp_path)
    damage(path, "gt2r/land_ice_segments/h_li")
    table, outcome = subset(fetched(path))
    assert outcome["status"][0] == "failed" and outcome["n_points"][0] == len(table) == 5 * 21
    assert outcome["reason"][0].startswith("gt2r failed: land_ice_segments/h_li: damaged: ")


def test_missing_beams_are_told_of_a_granule_that_has_rows(tmp_path):
    outcome = subset(fetched(atl06(tmp_path, beams=("gt1l", "gt1r", "gt2l", "gt2r"))))[1]
    assert outcome["status"][0] == "present"
    assert outcome["reason"][0].startswith("gt3l, gt3r: no such group: a subset has none")


def test_strong_beams_follow_the_spacecraft(tmp_path):
    """Flying forward (sc_orient 1) the right beams are strong, backward the left ones."""
    forward, backward = atl06(tmp_path), atl06(tmp_path, name_of(cycle=6))
    with h5py.File(backward, "a") as file:
        file["orbit_info/sc_orient"][...] = 0
    table, _ = subset(fetched(forward, backward), beams=("strong",))
    sides = table["beam"].astype(str).str[-1].groupby(table["cycle"]).unique()
    assert [list(s) for s in sides] == [["r"], ["l"]]
    weak, _ = subset(fetched(forward, backward), beams=("weak",))
    assert len(weak) + len(table) == len(subset(fetched(forward, backward))[0])
    assert set(subset(fetched(forward), beams=("gt2l",))[0]["beam"]) == {"gt2l"}


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_do_not_change_the_table(tmp_path, threads):
    rows = fetched(*(atl06(tmp_path, name_of(cycle=c)) for c in range(1, 7)))
    one, many = subset(rows, threads=1), subset(rows, threads=threads)
    pd.testing.assert_frame_equal(one[0], many[0])
    pd.testing.assert_frame_equal(one[1], many[1])


def test_a_chunk_without_granules_is_a_table_without_rows(tmp_path):
    """With the same columns and types, so that chunks can be joined."""
    none, outcome = subset(ledger([]))
    some, _ = subset(fetched(atl06(tmp_path)))
    assert len(none) == len(outcome) == 0
    assert none.dtypes.to_dict() == some.dtypes.to_dict()
    assert none.attrs["units"] == some.attrs["units"]
