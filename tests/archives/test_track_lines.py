"""ATL03 granules of a folder by the lines of their beams."""

from __future__ import annotations

import os
import shutil

import h5py
import numpy as np
import pytest

from nunatak.archives import EmptyAnswer
from nunatak.archives.local.directory import DirectoryArchive
from nunatak.geometry import region
from nunatak.products import atl03, atl03_index

NAME = "ATL03_20181019065445_03150111_006_02.h5"


@pytest.fixture
def archive(data, tmp_path):
    """A folder with one granule of photons, whose pairs of beams lie apart."""
    folder = tmp_path / "granules"
    folder.mkdir()
    shutil.copyfile(data(f"golden/photons/{NAME}"), folder / NAME)
    return DirectoryArchive(folder, tmp_path / "index")


def around(lon, lat, half):
    return region.load({"bbox": [lon - 8 * half, lat - half, lon + 8 * half, lat + half]})


def middle(path, beam):
    s = atl03.read_track(atl03.read_granule(path), beam).segments
    i = len(s["segment_id"]) // 2
    return float(s["reference_photon_lon"][i]), float(s["reference_photon_lat"][i])


def test_a_region_on_a_beam_finds_its_granule(archive):
    """However small the region, and again from the lines that were kept, as GeoParquet."""
    where = around(*middle(archive.root / NAME, "gt2r"), 1e-4)
    for _ in range(2):
        found = archive.search("atl06sr", where, None)
        assert found["file_name"].tolist() == [NAME]
    lines = atl03_index.read_index(archive.index_path.with_suffix(".atl03.parquet"))
    assert lines["beam"].nunique() == 6 and set(lines["path"]) == {NAME}


def test_a_region_that_no_beam_sees_is_an_empty_answer(archive, monkeypatch):
    """Its footprint touches the region, its beams do not; another product is not asked that way."""
    lon, lat = middle(archive.root / NAME, "gt2r")
    beside = around(lon, lat + 0.5, 0.05)
    table = archive.search("atl03", None, None)
    monkeypatch.setattr(
        "nunatak.archives.selection.in_region", lambda rows, area, notes: rows["url"].notna().to_numpy()
    )
    assert len(table) == 1
    with pytest.raises(EmptyAnswer, match="none of their beams runs through it"):
        archive.search("atl03", beside, None)


def test_a_granule_written_again_is_read_again(archive):
    """The lines of the older file are not believed."""
    where = around(*middle(archive.root / NAME, "gt2r"), 1e-3)
    archive.search("atl03", where, None)
    path = archive.root / NAME
    os.utime(path, ns=(1, 1))
    archive.search("atl03", where, None)
    lines = atl03_index.read_index(archive.index_path.with_suffix(".atl03.parquet"))
    assert set(lines["mtime_ns"]) == {1} and len(lines) == 6


def without_rows(group):
    """Leave every dataset of a beam without a row."""
    names = []
    group.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    for name in names:
        shape, kind = group[name].shape, group[name].dtype
        del group[name]
        group.create_dataset(name, data=np.empty((0, *shape[1:]), kind))


def counts_of_nothing(group):
    """Counts that do not fit the photons: the beam cannot be read, and the granule has no line."""
    group["geolocation/segment_ph_cnt"][:] = 0


@pytest.mark.parametrize("spoil", [without_rows, counts_of_nothing])
@pytest.mark.parametrize("beams", [("gt1l",), atl03.BEAMS])
def test_beams_without_photons_stop_no_search(archive, spoil, beams):
    """The first beam empty or unreadable, or all of them: the granule is found, and reading it says what is in it."""
    where = around(*middle(archive.root / NAME, "gt2r"), 1e-2)
    (archive.root / NAME).chmod(0o644)
    with h5py.File(archive.root / NAME, "a") as file:
        for beam in beams:
            spoil(file[beam])
    assert archive.search("atl03", where, None)["file_name"].tolist() == [NAME]
