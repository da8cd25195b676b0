"""The archive of made-up granules answers like the others."""

from __future__ import annotations

import pytest
from tests.builders.tiny_granules import atl06, name_of

from nunatak.archives import EmptyAnswer
from nunatak.archives.archive import Filters
from nunatak.archives.local.content import describe
from nunatak.archives.opening import open_archive
from nunatak.files.tables import write_table
from nunatak.geometry import region
from nunatak.granules import granule_table
from nunatak.runtime import NunatakError
from nunatak.study.period import Period

HERE = region.load({"bbox": [-35, 66, -34, 67]}, name="here")
YEAR = Period.model_validate(["2019-01-01", "2019-12-31"])


@pytest.fixture
def archive(tmp_path):
    """An archive of two ATL06 granules with its catalogue."""
    rows = []
    for cycle in (5, 6):
        path = atl06(tmp_path / "world" / "atl06", name_of(cycle=cycle), attributes={"nunatak_source": "SIMULATED"})
        found = describe(path)
        rows.append(
            {
                "file_name": path.name,
                "size_bytes": path.stat().st_size,
                "geometry": found.geometry,
                "time_start": found.time_start,
                "time_end": found.time_end,
            }
        )
    write_table(granule_table(rows), tmp_path / "world" / "atl06" / "catalogue.parquet")
    return open_archive("simulated", {"folder": tmp_path / "world"})


def test_search_and_fetch(archive):
    table = archive.search("atl06", HERE, YEAR, Filters(cycles=(6,)))
    assert list(table["cycle"]) == [6] and list(table["source"]) == ["SIMULATED"]
    ledger = archive.fetch(table)
    assert list(ledger["status"]) == ["present"]
    assert ledger["path"][0] == str(archive.folder / "atl06" / name_of(cycle=6))


def test_empty_answers_and_missing_catalogues_are_different(archive):
    with pytest.raises(EmptyAnswer, match=r"of 2 .* 2 other track"):
        archive.search("atl06", HERE, YEAR, Filters(rgt=(1,)))
    with pytest.raises(NunatakError, match=r"catalogue\.parquet: not there; make it") as missing:
        archive.search("atl15", HERE, YEAR)
    assert not isinstance(missing.value, EmptyAnswer)


def test_heights_from_photons_ask_for_photons(archive):
    """atl06sr is made from ATL03 granules."""
    with pytest.raises(NunatakError, match=r"atl03/catalogue\.parquet"):
        archive.search("atl06sr", HERE, YEAR)


def test_a_granule_that_is_made_again_and_differs_is_named(archive):
    table = archive.search("atl06", HERE, YEAR)
    (archive.folder / "atl06" / name_of(cycle=5)).write_bytes(b"")
    assert list(archive.fetch(table)["status"]) == ["failed", "present"]
