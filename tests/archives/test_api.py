"""The archives from a notebook: found, read in place, asked through icepyx."""

from __future__ import annotations

import icepyx
import pandas as pd
import pytest

from nunatak import api
from nunatak.products import atl06
from nunatak.runtime import NunatakError

BOX, YEAR = {"bbox": [-35, 66, -34, 67]}, ["2019-01-01", "2019-12-31"]


def test_found_and_read_in_place(standin, login, held, tmp_path):
    record = held(cycles=(5, 6))[0]
    found = api.find("atl06", BOX, YEAR, filters={"cycles": [5]}, resources=tmp_path)
    there, _ = atl06.read_segments(api.in_place(found["url"][0]))
    here, _ = atl06.read_segments(record.path)
    pd.testing.assert_frame_equal(there, here)
    assert len(found) == 1 and not list(tmp_path.rglob("atl06/*.h5"))


def test_an_icepyx_query_of_a_region_and_a_period(standin, login, held):
    held(cycles=(5, 6))
    question = api.icepyx_query("atl06", BOX, YEAR, version="006", cycles=[6])
    assert isinstance(question, icepyx.Query) and len(question.avail_granules()) == 1
    dateline = {"bbox": [178, -78, -178, -76], "crosses_antimeridian": True}
    with pytest.raises(NunatakError, match="one box and one stretch of time"):
        api.icepyx_query("atl06", dateline, YEAR)
