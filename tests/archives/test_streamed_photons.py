"""Photons read where they lie: the heights are the file's, chunks travel once, and a killed run asks for the rest."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from tests.archives.conftest import record_of
from tests.archives.fetching import only
from tests.builders import photons as photon_granules
from tests.builders.tiny_granules import LAT, LON, name_of
from tests.standin import faults, services

import fit_photons
from nunatak import photons
from nunatak.archives import in_place
from nunatak.archives.nasa.earthdata import EarthdataArchive
from nunatak.files import remote, retries
from nunatak.files.tables import write_table
from nunatak.geometry import region
from nunatak.geometry.outlines import write_outlines
from nunatak.products import GranuleError, atl03, atl08
from nunatak.study.parts import product_settings
from nunatak.study.period import Period

PARAMETERS = {"srt": 3, "cnf": 2, "ats": 20.0, "cnt": 10, "len": 40.0, "res": 20.0, "maxi": 4, "profile": "anchored"}
HERE = region.load({"bbox": [LON - 0.5, LAT + 0.2, LON + 0.5, LAT + 0.5]})  # a fifth of the granule
YEAR = Period.model_validate(["2019-01-01", "2019-12-31"])
USED = ("h_ph", "dist_ph_along", "lat_ph", "lon_ph", "signal_conf_ph", "quality_ph", "delta_time", "dist_ph_across")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(retries, "PAUSE", 0.01)
    in_place._session.cache_clear()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return photon_granules.atl03(tmp_path_factory.mktemp("photons"))


@pytest.fixture
def ledger(standin, login, made, tmp_path):
    """A function that puts copies of the granule into the archive, of several cycles, and returns their ledger."""

    def looked_at(*cycles):
        for cycle in cycles:
            path = tmp_path / "held" / name_of(627, cycle, 3, product="ATL03")
            path.parent.mkdir(exist_ok=True)
            shutil.copy(made, path)
            with h5py.File(path, "r+") as file:
                file["orbit_info/cycle_number"][:] = cycle
            standin.records.append(record_of(path))
        archive = EarthdataArchive(tmp_path / "resources", stream=True)
        return archive.fetch(archive.search("atl03", HERE, YEAR))

    return looked_at


def fitted(path, **options):
    with remote.kept_open(path):
        granule = atl03.read_granule(path)
        return photons.granule_heights(granule, PARAMETERS, region=HERE, threads=2, **options)


def ranges(standin):
    """(first, last) byte of every range asked of the data host, from the server's log."""
    asked = [request.headers["range"].removeprefix("bytes=") for request in standin.requests("*cloudfront*")]
    return [tuple(map(int, text.split("-"))) for text in asked]


def touched(path, used):
    """{address in the file: bytes} of chunks that hold the region's photons, and all of the tables of segments."""
    found = {}
    with h5py.File(path) as file:
        for beam in (name for name in file if name.startswith("gt")):
            latitude, longitude = file[f"{beam}/heights/lat_ph"][()], file[f"{beam}/heights/lon_ph"][()]
            inside = np.flatnonzero(HERE.contains(longitude, latitude))
            for group in ("heights", "geolocation", "bckgrd_atlas"):
                for name in used if group == "heights" else file[beam][group]:
                    dataset = file[f"{beam}/{group}/{name}"]
                    rows = (inside[0], inside[-1]) if group == "heights" else (0, len(dataset) - 1)
                    height = dataset.chunks[0]
                    for number in range(rows[0] // height, rows[1] // height + 1):
                        where = dataset.id.get_chunk_info(number)
                        found[where.byte_offset] = where.size
    return found


def test_heights_are_those_of_the_file_and_chunks_travel_once(standin, made, ledger):
    row = only(ledger(5))
    standin.log.clear()
    there, statuses = fitted(in_place.openable(row["path"]), block=50000)  # several blocks, which share chunks
    here, _ = fitted(made)
    pd.testing.assert_frame_equal(there, here)
    assert [status.status for status in statuses[:2]] == ["present"] * 2 and 1500 < len(here) < 4000
    chunks, asked = touched(made, USED), ranges(standin)
    moved = sum(last - first + 1 for first, last in asked)
    assert sum(chunks.values()) < moved < 1.5 * sum(chunks.values()), (moved, sum(chunks.values()))
    assert moved < 0.5 * made.stat().st_size
    for start, size in ((a, n) for a, n in chunks.items() if n > remote.EXACT):
        assert sum(first < start + size and start <= last for first, last in asked) == 1, "no chunk travels twice"
    assert len(asked) < 0.9 * len(chunks), "neighbours come in one request"


def test_a_granule_that_is_not_kept_open_is_read_as_well(standin, made, ledger):
    address = in_place.openable(only(ledger(5))["path"])
    track = atl03.read_track(atl03.read_granule(address), "gt1l")
    np.testing.assert_array_equal(track.segments["segment_id"], 370000 + np.arange(8000))


def test_a_chunk_that_does_not_come_fails_by_name(standin, ledger, monkeypatch):
    address = in_place.openable(only(ledger(5))["path"])
    with remote.kept_open(address):
        granule = atl03.read_granule(address)

        def gone(self, start, count):
            raise remote.NotReadable(f"{self.address}: answered 503, 4 times; wait and run again")

        monkeypatch.setattr(remote.RangeFile, "_bytes", gone)
        monkeypatch.setattr(address.file._ahead, "_request", lambda start, count: gone(address.file, start, count))
        with pytest.raises(GranuleError, match=r"answered 503.* wait and run again"):
            photons.granule_heights(granule, PARAMETERS, region=HERE, threads=2)


def run(ledger, folder, out):
    """Run the job of one chunk."""
    folder.mkdir(exist_ok=True)
    write_outlines({"region": HERE}, folder / "regions.geojson")
    write_table(ledger, folder / "ledger.parquet", attributes={"nunatak_source": "NSIDC"})
    settings = product_settings("atl06sr", {"cnf": 2, "maxi": 4, "fetch": "stream"})
    paths = (folder / "ledger.parquet", folder / "regions.geojson", out / "a.parquet", out / "read.parquet")
    fit_photons.main(*paths, product="atl06sr", settings=settings, period=YEAR, study="x", code="1")


class Killed(BaseException):
    """What ends a run as a signal does."""


def test_a_killed_run_goes_on_behind_the_last_granule(standin, ledger, tmp_path, monkeypatch):
    looked = ledger(5, 6, 7)
    (tmp_path / "out").mkdir(), (tmp_path / "again").mkdir()
    run(looked, tmp_path / "in", tmp_path / "out")
    read, order = fit_photons.rows_of, []

    def killed(path, **options):
        order.append(path)
        if len(order) == 3:
            raise Killed
        return read(path, **options)

    monkeypatch.setattr(fit_photons, "rows_of", killed)
    with pytest.raises(Killed):
        run(looked, tmp_path / "in", tmp_path / "again")
    assert not (tmp_path / "again" / "a.parquet").exists()
    standin.log.clear()
    monkeypatch.setattr(fit_photons, "rows_of", read)
    run(looked, tmp_path / "in", tmp_path / "again")
    asked = {Path(request.path).name for request in standin.requests("*cloudfront*")}
    assert asked == {os.path.basename(order[2])}, "granules that were read are not asked for again"
    for name in ("a.parquet", "read.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert not list((tmp_path / "again").glob(".parts*"))


GOLDEN = "ATL03_20181019065445_03150111_006_02.h5"


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("real/ATL03/atl03_clip_wyoming_gt1r.h5", "real/ATL08/atl08_clip_wyoming_gt1r.h5"),
        ("real/ATL03/ATL03_gt1l_arctic_subset.h5", None),
        (f"golden/photons/{GOLDEN}", f"golden/photons/{GOLDEN.replace('ATL03', 'ATL08')}"),
    ],
)
def test_granules_of_nasa_and_of_the_server_give_the_same_heights_in_place(standin, login, data, name, classes):
    own, partner = data(name), data(classes) if classes else None
    standin.records += [
        services.Record(path.name, path.parent.name, "006", "2022-04-01", "2022-04-01", path=path)
        for path in (own, partner)
        if path
    ]
    asked = {"cnf": 0, "srt": -1, "ats": 5, "cnt": 5, **({"atl08_class": [0, 1, 2, 3]} if classes else {})}

    def heights(path, joined):
        with remote.kept_open(path), remote.kept_open(joined):
            named = joined and (lambda beam: atl08.read_classes(joined, beam))
            return photons.granule_heights(atl03.read_granule(path), asked, classes=named, threads=2)

    there = [f"https://{faults.DATA}{services.DATA_PREFIX}{record.key}" for record in standin.records]
    table, statuses = heights(*(in_place.openable(path) for path in [*there, None][:2]))
    here, ours = heights(own, partner)
    pd.testing.assert_frame_equal(table, here)
    assert len(here) and statuses == ours
