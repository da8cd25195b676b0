"""Granules from storage in the cloud's own region: signed requests, keys that are nowhere, refusals that say why."""

from __future__ import annotations

import sys

import earthaccess
import fsspec
import pytest
from tests.archives.fetching import found, kept, only
from tests.standin import faults, services, storage

from nunatak.archives import LoginRefused
from nunatak.archives.nasa import login as our_login
from nunatak.archives.nasa import s3
from nunatak.archives.nasa.earthdata import EarthdataArchive
from nunatak.runtime import NunatakError, file_sha256
from nunatak.study.models import Endpoints


@pytest.fixture
def bucket(standin, login, held, monkeypatch):
    """NSIDC's bucket with one granule; on an older Python, too, the rest of the way is tested."""
    held(n=20000)
    standin.services |= {
        faults.DATA: storage.with_keys(services.Data(standin.records)),
        storage.HOST: storage.Bucket(standin.records),
    }
    monkeypatch.setattr(s3, "OLDEST", sys.version_info[:2])
    return standin.services[storage.HOST]


@pytest.fixture
def in_region(tmp_path):
    return EarthdataArchive(tmp_path / "resources", transfer="s3")


def test_a_granule_comes_from_storage_with_a_signature(standin, bucket, in_region):
    ledger = only(in_region.fetch(found(in_region)))
    assert ledger["status"] == "present" and ledger["sha256"] == file_sha256(standin.records[0].path)
    assert len(standin.requests(storage.HOST)) == 1 and not standin.requests("*cloudfront*")
    assert standin.services[faults.DATA].given == 1
    again = EarthdataArchive(in_region.folder.parents[1]).fetch(found(in_region))
    assert again["sha256"][0] == ledger["sha256"] and not standin.requests("*cloudfront*"), "the same file, another way"


def test_a_cut_download_goes_on_where_it_stopped(standin, bucket, in_region):
    granules = found(in_region)
    standin.fault("data_truncated", times=1, host=storage.HOST)
    assert set(in_region.fetch(granules)["status"]) == {"present"}
    ranges = [request.headers.get("range") for request in standin.requests(storage.HOST)]
    assert ranges[0] is None and ranges[1].startswith("bytes=")


def test_outside_the_region_it_says_so(standin, bucket, in_region):
    bucket.inside = False
    with pytest.raises(LoginRefused, match=r"refuses this machine \(AccessDenied\); it answers inside AWS us-west-2"):
        in_region.fetch(found(in_region))
    assert not kept(in_region)


def test_where_storage_does_not_answer_auto_takes_https(standin, bucket, tmp_path, caplog):
    caplog.set_level("INFO", logger="nunatak")
    archive = EarthdataArchive(tmp_path / "resources", transfer="auto")
    bucket.inside = False
    assert set(archive.fetch(found(archive))["status"]) == {"present"}
    assert standin.requests("*cloudfront*") and "taking granules over HTTPS" in caplog.text
    bucket.inside = True
    (archive.folder / "atl06" / standin.records[0].name).unlink()
    standin.log.clear()
    assert set(archive.fetch(found(archive))["status"]) == {"present"} and not standin.requests("*cloudfront*")


def test_a_login_without_keys_is_refused_in_words(standin, bucket, in_region):
    standin.fault("data_401", match="/s3credentials")
    with pytest.raises(LoginRefused, match="gives this login no keys"):
        in_region.fetch(found(in_region))


def test_keys_are_asked_for_anew_before_they_end(standin, bucket, monkeypatch):
    made = s3.session(Endpoints())
    address = f"s3://{storage.BUCKET}/{standin.records[0].key}"
    assert made.get(address).status_code == 200
    monkeypatch.setattr(s3, "_LIFE", -1.0)
    assert made.get(address).status_code == 200
    assert standin.services[faults.DATA].given == 2


def test_keys_are_nowhere(standin, bucket, in_region, tmp_path, caplog):
    caplog.set_level("DEBUG")
    granules = found(in_region)
    texts = [in_region.fetch(granules).to_csv()]
    (in_region.folder / "atl06" / standin.records[0].name).unlink()
    bucket.inside = False
    with pytest.raises(LoginRefused) as error:
        in_region.fetch(granules)
    texts += [str(error.value), caplog.text]
    texts += [path.read_bytes().decode("latin-1") for path in (tmp_path / "resources").rglob("*") if path.is_file()]
    secrets = [storage.KEYS[name] for name in ("accessKeyId", "secretAccessKey", "sessionToken")]
    for secret in (*secrets, services.TOKEN, services.PASSWORD):
        assert not [text for text in texts if secret in text]


def test_on_python_311_it_is_refused_with_the_reason(standin, login, held, tmp_path):
    held()
    with pytest.raises(NunatakError, match=r"transfer: s3 needs Python 3\.12, this is 3\.11: earthaccess 0\.17"):
        s3.session(Endpoints(), python=(3, 11, 7))
    if sys.version_info < (3, 12):
        archive = EarthdataArchive(tmp_path / "resources", transfer="s3")
        with pytest.raises(NunatakError, match=r"needs Python 3\.12"):
            archive.fetch(found(archive))
        assert not standin.requests(storage.HOST)


if sys.version_info < (3, 12):  # later Pythons get a later client, which is another one to know

    def test_the_client_for_python_311_fails_in_the_region(standin, login, held, tmp_path):
        """Its own symptom, and the reason for the refusal: the file it opened for itself is in its way."""
        held()
        store = earthaccess.Store(our_login.authenticate())
        once = earthaccess.Store.download_cloud_file.__wrapped__
        with pytest.raises(OSError, match="partial_"):  # with s3fs a FileExistsError, which is an OSError, too
            once(store, fsspec.filesystem("file"), str(standin.records[0].path), tmp_path / "out")
