"""Which release a number comes from is written beside it, and two releases in one difference are told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely

from nunatak.archives import releases
from nunatak.archives.archive import Filters
from nunatak.archives.selection import select
from nunatak.files.tables import joined_releases, read_table, write_table
from nunatak.geometry.region import Region
from nunatak.granules import datums, granule_table
from nunatak.reports import front

NAMES = [
    "ATL06_20191106230008_06270503_006_01.h5",
    "ATL06_20211102121853_06271303_006_01.h5",
    "ATL06_20220201121853_06271403_007_01.h5",
]


def search(version=None):
    table = granule_table([{"file_name": name, "url": name, "size_bytes": 1} for name in NAMES])
    return select(table, "atl06", None, None, Filters.of({"version": version}), asked="here")


def test_granules_of_two_releases_are_told_first_and_both_used():
    answer = search()
    assert len(answer) == 3
    note = answer.attrs["notes"][0]
    assert note.startswith("releases are mixed: 2 of release 006, 1 of release 007; ")
    assert 'products: atl06: {version: "007"}' in note and "version: any" in note


@pytest.mark.parametrize(("version", "n"), [("006", 2), ("007", 1), ("any", 3)])
def test_a_study_that_names_its_release_or_says_any_is_told_nothing(version, n):
    answer = search(version)
    assert len(answer) == n and answer.attrs["notes"] == []


def test_heights_to_release_006_are_in_itrf2014_and_from_007_in_itrf2020():
    assert [datums.reference_frame(r) for r in ("001", "006", "007", 8)] == ["ITRF2014"] * 2 + ["ITRF2020"] * 2
    said = datums.attributes("atl06", NAMES[:2])
    assert said == {"release": "006", "reference_frame": "ITRF2014", "permanent_tide": "tide-free"}
    assert datums.attributes("atl06", NAMES)["reference_frame"] == "ITRF2014, ITRF2020"
    assert datums.attributes("atl10", ["ATL10-01_20190901000000_00010401_006_02"]) == {
        "release": "006",
        "reference_frame": "ITRF2014",
    }
    assert datums.attributes("atl06", ["my_granule"]) == {}


def test_chunks_of_several_releases_say_all_of_them_as_one_table(tmp_path):
    paths = [tmp_path / f"{n}.parquet" for n in range(3)]
    for path, names in zip(paths, ([], NAMES[:1], NAMES[2:]), strict=True):
        about = {"study": "x", **datums.attributes("atl06", names)}
        write_table(pd.DataFrame({"h_li": np.ones(len(names))}), path, attributes=about)
    said = read_table(paths).attrs["attributes"]
    assert said["release"] == "006, 007" and said["reference_frame"] == "ITRF2014, ITRF2020"
    assert joined_releases([{}, {}]) == {}


def test_the_note_says_nothing_of_one_release():
    assert releases.note(search("006"), "atl06") == []


def test_the_front_page_says_which_release_heights_are_of_and_what_they_are_above():
    region = Region("here", shapely.box(20, 79, 21, 80))
    study = {
        "period": {"start": "2019-01-01", "end": "2020-01-01"},
        "archive": "directory",
        "regions": {},
        "transects": {},
        "size": "full",
        "products": {"atl06": {"version": None}, "atl15": {"version": "005"}, "itslive": {"rgt": 1}},
    }
    rows = dict(front.asked(study, region, False, used={"atl06": "006, 007", "atl15": "005", "itslive": "none"}))
    assert rows["products"] == "ATL06 release 006, 007, ATL15 release 005, ITSLIVE"
    assert rows["heights above"] == (
        "the ellipsoid WGS84 in ITRF2014 (ATL06 006); ITRF2020 (ATL06 007); tide-free (permanent tide)"
    )
    study["products"]["atl06"]["datum"] = "EGM08"
    rows = dict(front.asked(study, region, False, used={"atl06": "006"}))
    assert rows["heights above"].startswith("the products' own geoid (EGM2008), from ITRF2014 (ATL06 006)")
