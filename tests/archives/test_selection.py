"""Which rows of a search answer a question, and how an empty answer counts what each condition took."""

from __future__ import annotations

import pytest

from nunatak.archives import EmptyAnswer, selection
from nunatak.granules import granule_table

NAMES = [
    "ATL06_20190504033705_05480304_006_01.h5",
    "ATL06_20190803231652_05480404_006_01.h5",
    "ATL06_20190504033705_05490304_006_01.h5",
    "ATL06_20190504033705_05480304_005_01.h5",
]


def table():
    return granule_table([{"file_name": name, "url": name} for name in NAMES])


def test_an_empty_answer_counts_what_each_condition_took():
    """Of four one is of another release, of the others one of another track, and two are of another cycle."""
    asked = selection.Filters(version="006", rgt=(548,), cycles=(7,))
    said = r"of 4 \(releases 005, 006\) 1 other release, 1 other track, 2 other cycle; they lie at"
    with pytest.raises(EmptyAnswer, match=said):
        selection.select(table(), "atl06", None, None, asked, asked="/granules")


def test_conditions_that_take_nothing_are_not_told():
    with pytest.raises(EmptyAnswer, match=r"of 4 \(releases 005, 006\) 4 other track; they lie at"):
        selection.select(table(), "atl06", None, None, selection.Filters(rgt=(1,)), asked="/granules")


def test_what_passes_every_condition_is_the_answer():
    found = selection.select(
        table(), "atl06", None, None, selection.Filters(rgt=(548,), version="006"), asked="/granules"
    )
    assert found["file_name"].tolist() == sorted(NAMES[:2])
