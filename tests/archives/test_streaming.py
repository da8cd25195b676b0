"""Granules read where they lie: their rows are the file's, and little more travels than the chunks that are read."""

from __future__ import annotations

import shutil
from functools import partial

import h5py
import numpy as np
import pandas as pd
import pytest
from tests.archives.conftest import record_of
from tests.archives.fetching import HERE as SMALL
from tests.archives.fetching import YEAR, found, only
from tests.builders.sea_ice import NAME, segments, write_granule
from tests.builders.tiny_granules import atl06 as tiny_atl06
from tests.builders.tiny_granules import name_of
from tests.standin import faults, services, storage

from nunatak.archives import LoginRefused, in_place
from nunatak.archives.nasa import s3
from nunatak.archives.nasa.earthdata import EarthdataArchive
from nunatak.constants import BEAMS
from nunatak.files import remote, retries
from nunatak.geometry import region
from nunatak.products import GranuleError, atl06, atl10, hdf5
from nunatak.reading.granules import each_granule
from nunatak.runtime import NunatakError


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(retries, "PAUSE", 0.01)
    in_place._session.cache_clear()


@pytest.fixture
def streaming(tmp_path):
    return EarthdataArchive(tmp_path / "resources", stream=True)


HERE = region.load({"bbox": [SMALL.bounds[0], 66.5, SMALL.bounds[2], 66.9]})  # the first 2,200 rows, 20 m apart
LENGTH, CHUNK = 100000, 10000  # rows of a beam and of a chunk, as in a real granule


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A granule of some megabytes, its datasets in chunks, its tables in pages as a cloud-optimised file's are."""
    folder = tmp_path_factory.mktemp("large")
    path = tiny_atl06(folder / "small", name_of(), beams=BEAMS[:2])
    rng = np.random.default_rng(3)
    paged = {"fs_strategy": "page", "fs_page_size": 1 << 16}
    with h5py.File(path) as small, h5py.File(folder / path.name, "w", **paged) as new:
        for name in small:
            small.copy(name, new)
        new.attrs.update(dict(small.attrs))
        for beam in BEAMS[:2]:
            group = new[f"{beam}/land_ice_segments"]
            for name, values in _columns(group).items():
                del group[name]
                noise = 1e-6 * rng.normal(size=LENGTH) if name.endswith("tude") or name == "h_li" else 0
                long = np.interp(np.arange(LENGTH), [0, LENGTH - 1], [values[0], values[-1]]) + noise
                if name in ("segment_id", "ground_track/x_atc"):
                    long = values[0] + (values[1] - values[0]) * np.arange(LENGTH)
                long = long + (18.0 * np.arange(LENGTH) / LENGTH if name == "latitude" else 0)  # far beyond the region
                group.create_dataset(name, data=long.astype(values.dtype), chunks=(CHUNK,), compression=4)
    return folder / path.name


@pytest.fixture
def large(standin, login, made, tmp_path):
    """The large granule in the stand-in's archive."""
    path = shutil.copy(made, tmp_path / made.name)
    standin.records.append(record_of(path))
    return path


def _columns(group):
    found = {}
    group.visititems(lambda name, node: found.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None)
    return found


def touched(path, region):
    """Bytes of the chunks that hold the rows of a region: of latitude and longitude all, of the others those rows."""
    total = 0
    with h5py.File(path) as file:
        for beam in (name for name in file if name.startswith("gt")):
            group = file[f"{beam}/land_ice_segments"]
            inside = np.flatnonzero(region.contains(group["longitude"][()], group["latitude"][()]))
            for name in (*READ, "latitude", "longitude"):
                dataset = group[name].id
                whole = name in ("latitude", "longitude")
                first, last = (0, len(group[name]) - 1) if whole else (inside[0], inside[-1])
                total += sum(dataset.get_chunk_info(i).size for i in range(first // CHUNK, last // CHUNK + 1))
    return total


READ = (
    "delta_time",
    "h_li",
    "h_li_sigma",
    "atl06_quality_summary",
    "segment_id",
    "ground_track/x_atc",
    "ground_track/y_atc",
)


def test_the_ledger_holds_the_address_and_nothing_is_kept(standin, login, held, streaming):
    held()
    row = only(streaming.fetch(found(streaming)))
    assert row["path"] == f"https://{faults.DATA}{services.DATA_PREFIX}{standin.records[0].key}"
    assert row["status"] == "present" and row["size_bytes"] == standin.records[0].path.stat().st_size
    assert "read in place" in row["reason"] and pd.isna(row["sha256"])
    assert not [path for path in streaming.folder.rglob("*") if path.is_file()]


def test_the_rows_are_those_of_the_file_and_little_else_travels(standin, large, streaming):
    """The bytes are counted in the server's log, not by the reader."""
    row = only(streaming.fetch(found(streaming)))
    standin.log.clear()
    sent = sum_of_bodies(standin)
    there, statuses = atl06.read_segments(in_place.openable(row["path"]), region=HERE)
    moved = sum_of_bodies(standin) - sent
    here, _ = atl06.read_segments(large, region=HERE)
    pd.testing.assert_frame_equal(there, here)
    assert 1000 < len(here) < LENGTH and [status.status for status in statuses[:2]] == ["present"] * 2
    chunks = touched(large, HERE)
    assert chunks <= moved + 4 * remote.BLOCK and moved <= 1.5 * chunks, f"{moved} bytes for chunks of {chunks}"
    assert all("range" in request.headers for request in standin.requests("*cloudfront*"))
    assert len(standin.requests("data*")) < 3, "the signed address is used again"


def sum_of_bodies(standin):
    """Bytes of all ranges asked of the data host."""
    total = 0
    for request in standin.requests("*cloudfront*"):
        first, last = request.headers["range"].removeprefix("bytes=").split("-")
        total += min(int(last), standin.records[0].path.stat().st_size - 1) - int(first) + 1
    return total


def test_it_works_in_the_clouds_region_too(standin, large, tmp_path, monkeypatch):
    monkeypatch.setattr(s3, "OLDEST", (3, 11))
    standin.services |= {
        faults.DATA: storage.with_keys(services.Data(standin.records)),
        storage.HOST: storage.Bucket(standin.records),
    }
    archive = EarthdataArchive(tmp_path / "resources", stream=True, transfer="s3")
    row = only(archive.fetch(found(archive)))
    assert row["path"] == f"s3://{storage.BUCKET}/{standin.records[0].key}" and row["status"] == "present"
    there, _ = atl06.read_segments(in_place.openable(row["path"]), region=HERE, period=YEAR)
    here, _ = atl06.read_segments(large, region=HERE, period=YEAR)
    pd.testing.assert_frame_equal(there, here)
    assert not standin.requests("*cloudfront*")


@pytest.mark.parametrize("fault", ["data_503", "data_drop", "data_truncated"])
def test_a_passing_failure_is_mended(standin, large, streaming, fault):
    row = only(streaming.fetch(found(streaming)))
    standin.fault(fault, times=2)
    there, _ = atl06.read_segments(in_place.openable(row["path"]), region=HERE)
    here, _ = atl06.read_segments(large, region=HERE)
    pd.testing.assert_frame_equal(there, here)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("data_404", r"is gone \(404\)"),
        ("data_500", r"answered 500, 5 times"),
        ("data_html", "sent a web page in place of the file"),
        ("data_no_range", "does not serve ranges; write fetch: download"),
        ("data_not_hdf5", "file signature not found"),
    ],
)
def test_what_cannot_be_read_fails_by_name(standin, login, held, streaming, fault, said):
    held()
    granules = found(streaming)
    standin.fault(fault)
    ledger = streaming.fetch(granules)
    assert list(ledger["status"]) == ["failed"]
    assert pd.Series(ledger["reason"]).str.contains(said).all(), ledger["reason"][0]
    assert services.SIGNATURE not in ledger.to_csv()


def test_another_size_than_the_catalogues_fails(standin, login, held, streaming):
    held(size=17)
    assert "expected 17" in only(streaming.fetch(found(streaming)))["reason"]


def test_a_file_that_changes_while_it_is_read_is_an_error(standin, large, streaming):
    row = only(streaming.fetch(found(streaming)))
    with (
        pytest.raises(GranuleError, match="changed while it was read"),
        hdf5.open_granule(in_place.openable(row["path"])) as file,
    ):
        content = bytearray(large.read_bytes())
        content[-1] ^= 0xFF
        large.write_bytes(bytes(content))
        hdf5.read(file["gt1l/land_ice_segments"], "h_li")


def test_a_signature_that_ends_is_asked_for_anew(standin, large, streaming, monkeypatch):
    row = only(streaming.fetch(found(streaming)))
    with hdf5.open_granule(in_place.openable(row["path"])) as file:
        monkeypatch.setattr(services, "SIGNATURE", "canary-signature-new")
        assert hdf5.read(file["gt1l/land_ice_segments"], "h_li").size == LENGTH
    assert len(standin.requests("data*")) >= 2


def test_without_a_login_it_says_what_is_missing(standin, held, streaming):
    held()
    with pytest.raises(LoginRefused, match="no Earthdata login found"):
        streaming.fetch(found(streaming))


@pytest.fixture
def freeboard(standin, login, tmp_path):
    """A granule of sea ice in the stand-in's archive."""
    (tmp_path / "held").mkdir()
    path = write_granule(tmp_path / "held" / NAME, {"gt1l": segments(50), "gt2l": segments(50)})
    standin.records.append(record_of(path))
    return path


@pytest.mark.parametrize("reader", ["h5py", "h5coro"])
def test_sea_ice_is_summed_where_it_lies(standin, freeboard, streaming, reader):
    """Through our ranges and through h5coro's, with the login that the address wants."""
    ledger = streaming.fetch(streaming.search("atl10", None, None))
    read = partial(atl10.read_segments, reader=reader)
    (granule,) = each_granule(ledger, read, work=len, opened=in_place.openable)
    expected, _ = atl10.read_segments(freeboard)
    assert granule.table == granule.outcome["n_points"] == len(expected) and granule.outcome["status"] == "present"
    assert granule.outcome["path"] == ledger["path"][0] and services.TOKEN not in str(granule.outcome)


def test_h5coro_is_not_let_into_s3(standin, freeboard, streaming):
    """Its driver would send the token of the keys in plain text."""
    with pytest.raises(NunatakError, match="h5coro asks S3 without TLS; write reader: h5py"):
        atl10.read_segments(remote.Address("s3://bucket/" + freeboard.name), reader="h5coro")
