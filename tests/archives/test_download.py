"""
Fetching through the real login and `requests`: nothing broken is accepted, nothing that arrived is lost.

Every fault of a service by itself, and what the client makes of it, is in `test_faults.py`.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import re
import time

import h5py
import pytest
import requests.adapters
from tests.archives.fetching import CLOUD, DATA, HERE, found, kept, md5, only
from tests.builders.tiny_granules import LON, atl06, truncated
from tests.standin import faults, services

from nunatak.archives import LoginRefused
from nunatak.archives.nasa import login as earthdata_login
from nunatak.archives.transfer import integrity, pace, receipts
from nunatak.runtime import NunatakError, file_sha256


def test_a_granule_is_brought_checked_and_recorded(standin, login, held, archive):
    (record,) = held(checksum=md5)
    row = only(archive.fetch(found(archive)))
    assert (row["status"], row["size_bytes"], row["sha256"]) == ("present", record.size, file_sha256(record.path))
    assert row["path"] == str(archive.folder / "atl06" / record.name) and row["reason"] is not None
    assert receipts.load(row["path"])["checksums"].keys() == {"MD5", "SHA-256"}
    assert not list(archive.folder.rglob("*.part*")) and not list(archive.folder.rglob("*.lock"))


def test_what_could_not_be_checked_is_said(standin, login, held, archive):
    held()
    assert only(archive.fetch(found(archive)))["reason"] == integrity.UNVERIFIED


def test_what_is_here_is_not_asked_for_again(standin, login, held, archive, monkeypatch):
    """Not even a login is needed."""
    held(cycles=(5, 6))
    granules = found(archive)
    first = archive.fetch(granules)
    standin.reset()
    monkeypatch.delenv("EARTHDATA_USERNAME")
    assert archive.fetch(granules).equals(first)
    assert not standin.requests()


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"x"), truncated])
def test_a_broken_file_that_is_here_is_set_aside_and_fetched_again(standin, login, held, archive, spoil, tmp_path):
    """The client takes a file of one byte for the granule."""
    (record,) = held(checksum=md5)
    path = archive.folder / "atl06" / record.name
    path.parent.mkdir(parents=True)
    path.write_bytes(record.path.read_bytes())
    spoil(path)
    row = only(archive.fetch(found(archive)))
    assert row["status"] == "present" and file_sha256(path) == file_sha256(record.path)
    assert [p.name for p in (archive.folder / "quarantine").iterdir()] == [record.name]


def test_a_copied_file_with_the_right_bytes_is_believed_after_a_look(standin, held, archive):
    (record,) = held(checksum=md5)
    path = archive.folder / "atl06" / record.name
    path.parent.mkdir(parents=True)
    path.write_bytes(record.path.read_bytes())
    assert only(archive.fetch(found(archive)))["status"] == "present"
    assert not standin.requests(DATA)


def test_a_byte_flipped_later_is_found_when_the_time_tells(standin, login, held, archive):
    (record,) = held(checksum=md5)
    granules = found(archive)
    path = only(archive.fetch(granules))["path"]
    with h5py.File(path, "r+") as file:
        file["gt1l/land_ice_segments/h_li"][0] = 1.0
    os.utime(path, (1, 1))
    assert only(archive.fetch(granules))["status"] == "present"
    assert file_sha256(path) == file_sha256(record.path)


@pytest.mark.parametrize("fault", ["data_short", "data_flipped", "data_not_hdf5"])
def test_wrong_bytes_once_are_mended_by_asking_once_more(standin, login, held, archive, fault):
    (record,) = held(checksum=md5)
    standin.fault(fault, times=1)
    row = only(archive.fetch(found(archive)))
    assert row["status"] == "present" and file_sha256(row["path"]) == file_sha256(record.path)


def test_a_flipped_byte_without_a_checksum_is_at_least_said_to_be_unverified(standin, login, held, archive):
    held(n=4000)
    standin.fault("data_flipped")
    row = only(archive.fetch(found(archive)))
    assert (row["status"] == "present" and row["reason"] == integrity.UNVERIFIED) or row["status"] == "failed"


def test_a_refused_login_stops_everything_at_once(standin, login, held, archive):
    """No attempt is repeated, and the other granules are not asked for."""
    held(cycles=tuple(range(3, 13)))
    standin.fault("data_403_eula")
    granules = archive.search("atl06", HERE, None)
    archive.connections = 1
    with pytest.raises(LoginRefused, match="accept_eula"):
        archive.fetch(granules)
    assert len({request.path for request in standin.requests(DATA)}) <= 2


def test_a_token_that_ends_during_a_run_is_renewed_once(standin, login, held, archive, monkeypatch):
    """With user and password; a token of one's own cannot be renewed."""
    held()
    standin.fault("data_401", times=1)
    assert only(archive.fetch(found(archive)))["status"] == "present"
    assert len([r for r in standin.requests("urs*") if "authorization" in r.headers]) == 2
    (archive.folder / "atl06" / kept(archive)[0]).unlink()
    monkeypatch.setenv("EARTHDATA_TOKEN", services.TOKEN)
    standin.fault("data_401", times=1)
    with pytest.raises(LoginRefused, match="the token may have expired"):
        archive.fetch(found(archive))


def test_without_a_login_the_message_says_how_to_get_one(standin, held, archive):
    held()
    with pytest.raises(LoginRefused, match=r"no Earthdata login found; an account is free .*netrc.*EARTHDATA_TOKEN"):
        archive.fetch(found(archive))


def test_a_wrong_password_is_tried_once(standin, login, held, archive, monkeypatch):
    held()
    monkeypatch.setenv("EARTHDATA_PASSWORD", "wrong-canary")
    with pytest.raises(LoginRefused, match="refuses user and password from EARTHDATA_USERNAME") as refused:
        archive.fetch(found(archive))
    assert "wrong-canary" not in str(refused.value)
    assert len([r for r in standin.requests("urs*") if "authorization" in r.headers]) == 1


def test_netrc_and_token_work_as_logins(standin, held, archive, monkeypatch, tmp_path):
    held(cycles=(5, 6))
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine urs.earthdata.nasa.gov login {services.USER} password {services.PASSWORD}\n")
    netrc.chmod(0o600)
    assert earthdata_login.source() == "netrc"
    assert only(archive.fetch(found(archive, cycles=(5,))))["status"] == "present"
    netrc.unlink()
    monkeypatch.setenv("EARTHDATA_TOKEN", services.TOKEN)
    assert only(archive.fetch(found(archive, cycles=(6,))))["status"] == "present"


def test_a_token_that_has_expired_is_said_before_anything_is_asked(standin, held, archive, monkeypatch):
    held()
    content = base64.urlsafe_b64encode(json.dumps({"exp": time.time() - 3 * 86400}).encode()).decode().rstrip("=")
    monkeypatch.setenv("EARTHDATA_TOKEN", f"head.{content}.signature")
    granules = found(archive)
    standin.reset()
    with pytest.raises(LoginRefused, match="EARTHDATA_TOKEN: expired 3 days ago; make a new one"):
        archive.fetch(granules)
    assert not standin.requests()


def test_the_token_goes_to_nasa_alone(standin, login, held, archive):
    """A link in a catalogue or a list may lead anywhere; the signed address in the cloud refuses a token, too."""
    held()
    standin.fault("cmr_foreign_host")
    with pytest.raises(LoginRefused, match=r"elsewhere\.example\.org: sent a login page"):
        archive.fetch(found(archive))
    assert standin.requests("elsewhere*")
    assert all("authorization" not in request.headers for request in standin.requests("elsewhere*"))


@pytest.mark.parametrize("fault", ["data_500", "data_503", "data_429", "data_drop", "data_truncated"])
def test_a_passing_failure_is_mended(standin, login, held, archive, fault):
    (record,) = held(n=4000, checksum=md5)
    standin.fault(fault, times=2)
    row = only(archive.fetch(found(archive)))
    assert row["status"] == "present" and file_sha256(row["path"]) == file_sha256(record.path)


def test_a_cut_download_goes_on_where_it_stopped(standin, login, held, archive):
    """The server's log shows the range; the client begins from nothing."""
    (record,) = held(n=8000, checksum=md5)
    standin.fault("data_truncated", times=1)
    row = only(archive.fetch(found(archive)))
    assert file_sha256(row["path"]) == file_sha256(record.path)
    ranges = [request.headers.get("range") for request in standin.requests(CLOUD)]
    assert ranges[0] is None and ranges[1].startswith("bytes=") and int(ranges[1][6:-1]) > record.size // 4
    assert standin.requests(CLOUD)[1].headers["if-range"] == f'"{md5(record.path)[1]}"'


def half_with(standin, body=None, **headers):
    """Let the first answer break off in its middle, with these headers, and with other bytes where they are given."""

    def change(answer, request):
        content = answer.body if body is None else body
        told = {**answer.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        told = {name: value for name, value in told.items() if value is not None}
        return dataclasses.replace(answer, body=content, cut=len(content) // 2, headers=told)

    standin.fault("data_truncated", times=1, change=change)


def test_a_file_that_changed_meanwhile_is_not_mixed(standin, login, held, archive, tmp_path):
    """Half of another granule of the same size, which would open: its validator does not hold, the whole comes anew."""
    (record,) = held(n=8000)
    other = atl06(tmp_path / "other", record.name, n=8000, lon=LON + 0.5)
    assert other.stat().st_size == record.size and other.read_bytes() != record.path.read_bytes()
    half_with(standin, other.read_bytes(), ETag='"another"')
    row = only(archive.fetch(found(archive)))
    assert row["status"] == "present" and file_sha256(row["path"]) == file_sha256(record.path)
    first, second = standin.requests(CLOUD)
    assert "if-range" not in first.headers and second.headers["if-range"] == '"another"'


@pytest.mark.parametrize(
    ("date", "validator"), [(None, None), ("Wed, 06 Nov 2019 23:02:00 GMT", "Wed, 06 Nov 2019 23:02:00 GMT")]
)
def test_a_weak_validator_resumes_nothing(standin, login, held, archive, date, validator):
    """A weak ETag stands for files that are alike, not equal: the date of change takes its place, or nothing."""
    (record,) = held(n=8000)
    half_with(standin, ETag='W/"alike"', Last_Modified=date)
    row = only(archive.fetch(found(archive)))
    assert file_sha256(row["path"]) == file_sha256(record.path)
    second = standin.requests(CLOUD)[1]
    assert second.headers.get("if-range") == validator and ("range" in second.headers) == (validator is not None)


@pytest.mark.parametrize("fault", ["data_500", "data_drop"])
def test_five_attempts_reach_the_server(standin, login, held, archive, fault):
    """Counted there, whatever the reason says."""
    held()
    standin.fault(fault)
    row = only(archive.fetch(found(archive)))
    assert row["status"] == "failed" and "5 times" in row["reason"]
    assert len(standin.requests(DATA if fault == "data_500" else CLOUD)) == 5


def test_all_wait_when_one_is_asked_to(standin, login, held, archive):
    held(cycles=(5, 6, 7))
    standin.fault("data_429", times=1)
    archive.connections = 1
    assert set(archive.fetch(found(archive))["status"]) == {"present"}
    asked = standin.requests(DATA)
    assert asked[1].time - asked[0].time >= 1.0


def test_a_granule_that_is_gone_is_named_with_its_successor(standin, login, held, archive):
    (record,) = held()
    granules = found(archive)
    standin.records[:] = [dataclasses.replace(record, name=record.name.replace("_006_01", "_006_02"))]
    row = only(archive.fetch(granules))
    assert row["status"] == "failed" and len(standin.requests(DATA)) == 1
    assert f"superseded by {standin.records[0].name}" in row["reason"]


def test_too_little_space_is_said_before_anything_arrives(standin, login, held, archive):
    held()
    granules = found(archive)
    granules["size_bytes"] = 10**15
    with pytest.raises(NunatakError, match=r"1 granules need 1000000\.00 GB, .* GB are free; free"):
        archive.fetch(granules)
    assert not standin.requests(DATA)


def test_a_name_that_leads_out_of_the_folder_fails(standin, login, held, archive, tmp_path):
    held()
    granules = found(archive)
    granules["file_name"] = "../../escaped.h5"
    row = only(archive.fetch(granules))
    assert row["status"] == "failed" and "leave its folder" in row["reason"]
    assert not list(tmp_path.rglob("escaped.h5"))


def test_an_empty_granule_is_empty_and_not_broken(standin, login, held, archive, tmp_path):

    held()
    bare = atl06(tmp_path / "held", standin.records[0].name, beams=())
    standin.records[0].size = bare.stat().st_size
    assert only(archive.fetch(found(archive)))["status"] == "empty"


@pytest.mark.parametrize("connections", [1, 3])
def test_no_more_connections_than_allowed_are_open_and_no_fewer(standin, login, held, archive, connections):
    held(cycles=(3, 4, 5, 6, 7), n=200)
    granules = archive.search("atl06", HERE, None)
    standin.fault("data_slow", rate=1e6)
    archive.connections = connections
    assert set(archive.fetch(granules)["status"]) == {"present"}
    assert standin.most[faults.CLOUD] == connections


def test_pace_and_time_left_are_told(standin, login, held, archive, monkeypatch, caplog):
    """A line a minute in the log, and one at the end; bytes that were here already are not counted as arriving."""
    caplog.set_level("INFO", logger="nunatak")
    monkeypatch.setattr(pace, "INTERVAL", 0.02)
    held(n=2000, checksum=md5)
    standin.fault("data_slow", rate=2e6)
    archive.fetch(found(archive))
    lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith("fetched ")]
    assert len(lines) > 3 and re.fullmatch(
        r"fetched 0\.00 of 0\.00 GB, 0 of 1 files, [0-9.]+ MB/s, 0 min left", lines[0]
    )
    assert "1 of 1 files" in lines[-1]
    shown = pace.Pace(4e9, 2)
    shown._began -= 100
    shown.add(1_000_000_000)
    assert shown.line() == "fetched 1.00 of 4.00 GB, 0 of 2 files, 10.0 MB/s, 5 min left"
    unknown = pace.Pace(None, 2)
    unknown.add(10**9)
    assert "fetched 1.00 GB, 0 of 2 files" in unknown.line() and "left" not in unknown.line()


def test_every_request_has_a_time_limit(standin, login, held, archive, pairs, monkeypatch):
    """Catalogues, login, redirects, files: whichever client asks."""
    limits = {}
    send = requests.adapters.HTTPAdapter.send

    def noted(self, request, *args, **kwargs):
        host = request.url.split("/")[2]
        limits.setdefault(host, []).append(kwargs.get("timeout"))
        return send(self, request, *args, **kwargs)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", noted)
    held()
    archive.fetch(found(archive))
    archive.fetch(archive.search("itslive", None, None).head(1))
    assert set(limits) >= {faults.CMR, faults.EDL, faults.DATA, faults.CLOUD, faults.STAC, faults.S3}
    assert [host for host, given in limits.items() if not all(given)] == []
