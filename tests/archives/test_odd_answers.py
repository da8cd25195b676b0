"""What is odd and no fault of a service: records half filled, headers that say nothing, logins and locks gone wrong."""

from __future__ import annotations

import errno
import fcntl
import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.archives.fetching import found, md5, only
from tests.builders.tiny_granules import name_of
from tests.standin import faults, services
from tests.standin.harmony import Harmony

import query_granules
from nunatak.archives import LoginRefused, ServiceFailed, lock
from nunatak.archives.archive import Filters
from nunatak.archives.asking import asked_of
from nunatak.archives.nasa import login as earthdata_login
from nunatak.archives.nasa import subsets
from nunatak.archives.nasa.earthdata import EarthdataArchive
from nunatak.archives.transfer import receipts
from nunatak.geometry import region
from nunatak.geometry.outlines import write_outlines
from nunatak.runtime import NunatakError
from nunatak.study.parts import product_settings
from nunatak.study.period import Period

YEAR = Period.model_validate(["2019-01-01", "2019-12-31"])
PAIRS_YEARS = Period.model_validate(["2018-01-01", "2019-12-31"])
HERE = region.load({"bbox": [-35, 66, -34, 67]}, name="here")
POINT = {"Boundary": {"Points": [{"Longitude": -34.5, "Latitude": 66.5}]}}


def with_records(standin, **fields):
    """The catalogue's records with other fields."""

    def change(answer, request):
        page = json.loads(answer.body)
        for item in page["items"]:
            item["umm"].update(fields)
        return replace(answer, body=json.dumps(page).encode())

    standin.fault("cmr_no_links", change=change)


@pytest.mark.parametrize(
    "fields",
    [
        {"TemporalExtent": {"RangeDateTime": {"BeginningDateTime": "yesterday"}}},
        {"TemporalExtent": None},
        {"SpatialExtent": {"HorizontalSpatialDomain": {"Geometry": {"GPolygons": [POINT]}}}},
        {"SpatialExtent": {"HorizontalSpatialDomain": {"Orbit": {"AscendingCrossing": 3}}}},
        {"DataGranule": None},
        {"DataGranule": {"ArchiveAndDistributionInformation": [{"Name": "a", "SizeInBytes": 12.5}]}},
    ],
    ids=str,
)
def test_a_record_that_cannot_be_read_in_full_keeps_its_granule(standin, held, archive, fields):
    """Neither an end of the search nor a hole in its answer: what is not known is not held against it."""
    (record,) = held()
    with_records(standin, **fields)
    answer = found(archive)
    assert list(answer["file_name"]) == [record.name]
    assert answer["time_start"].notna().all(), "a name says it, too"


def test_a_time_without_a_zone_is_utc(standin, held, archive):
    held()
    span = {"BeginningDateTime": "2019-05-04T03:37:05", "EndingDateTime": "2019-05-04T03:40:00Z"}
    with_records(standin, TemporalExtent={"RangeDateTime": span})
    assert str(found(archive)["time_start"][0]) == "2019-05-04 03:37:05"


@pytest.mark.parametrize("links", [None, [{"URL": None, "Type": "GET DATA"}], [{"URL": "https://host/a.h5"}]], ids=str)
def test_records_whose_links_are_no_links_end_the_search(standin, held, archive, links):
    """The client fails of them, at times with words of its own; here it is one line."""
    held()
    with_records(standin, RelatedUrls=links)
    with pytest.raises(ServiceFailed, match=r"records of another form than its own|has no link to a data file"):
        found(archive)


def test_a_length_that_is_no_number_is_none(standin, login, held, archive):
    held(n=2000, checksum=md5)
    standin.fault(
        "data_slow",
        change=lambda answer, request: replace(
            answer, length=False, headers={**answer.headers, "Content-Length": "12 bytes"}
        ),
    )
    assert only(archive.fetch(found(archive)))["status"] == "present"


@pytest.fixture
def default_login(monkeypatch, tmp_path):
    """A netrc whose line is for every host that has none, as requests takes it."""
    (tmp_path / "netrc").write_text(f"default login {services.USER} password {services.PASSWORD}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def test_a_netrc_for_every_host_is_shown_to_no_catalogue(standin, default_login, held, pairs, archive):
    held()
    found(archive)
    archive.search("itslive", region.load({"bbox": [-102, -75.4, -100, -74.8]}), PAIRS_YEARS)
    asked = standin.requests("cmr*") + standin.requests("stac*")
    assert {request.host for request in asked} == {faults.CMR, faults.STAC}
    assert not [request for request in asked if "authorization" in request.headers]


def test_a_netrc_for_every_host_does_not_replace_the_token(standin, default_login, login, held, tmp_path, monkeypatch):
    held()
    monkeypatch.setattr(subsets, "INTERVAL", 0.01)
    standin.services[faults.HARMONY] = Harmony(standin.records)
    archive = EarthdataArchive(tmp_path / "resources", subset=asked_of(HERE, YEAR))
    assert set(archive.fetch(found(archive))["status"]) == {"present"}
    sent = {request.headers.get("authorization") for request in standin.requests(faults.HARMONY)}
    assert sent == {f"Bearer {services.TOKEN}"}


@pytest.mark.parametrize("token", ["abc\n", "abc def", "abc\r", "\u00e9"], ids=repr)
def test_a_token_that_can_be_none_is_said_without_it(standin, held, archive, monkeypatch, token):
    held()
    granules = found(archive)
    standin.reset()
    monkeypatch.setenv("EARTHDATA_TOKEN", token)
    with pytest.raises(LoginRefused, match="EARTHDATA_TOKEN: holds a space, a line's end") as refused:
        archive.fetch(granules)
    assert "abc" not in str(refused.value) and not standin.requests()


def test_a_netrc_for_every_host_is_no_login(standin, default_login):
    """The client takes the line of the login service alone."""
    with pytest.raises(LoginRefused, match="no Earthdata login found; an account is free"):
        earthdata_login.require()


def test_a_netrc_that_is_no_text_is_said(monkeypatch, tmp_path):
    for name in ("EARTHDATA_TOKEN", "EARTHDATA_USERNAME", "EARTHDATA_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "netrc").write_bytes(b"\xff\xfemachine")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with pytest.raises(LoginRefused, match=r"netrc: cannot be read \(UnicodeDecodeError\)"):
        earthdata_login.require()


HEAD, URL = "file_name,url,size_bytes,time_start", f"https://host/{name_of()}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00junk", "is not a text file"),
        (f"{HEAD}\n{name_of()},{URL},many,\n", "size_bytes: Unable to parse string"),
        (f"{HEAD}\n{name_of()},{URL},10,yesterday\n", "time_start: .*yesterday"),
        (f"{HEAD}\n{name_of()},,10,\n", rf"{name_of()} has no address \(url\)"),
        (f"{HEAD}\n{name_of()},{URL},10,\n{name_of()},{URL},10,\n", f"{name_of()} is listed twice"),
        ("name,url\na,b\n", "no column file_name"),
        (f"http://host/{name_of()}\n", "no column file_name"),
        (f"https://host/{name_of().replace('ATL06', 'ATL08')}\n", "is not a granule of atl06"),
    ],
    ids=["bytes", "size", "time", "address", "twice", "columns", "scheme", "product"],
)
def test_a_lock_that_is_none_is_said_in_one_line(tmp_path, content, said):
    path = tmp_path / "atl06.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(NunatakError, match=rf"atl06\.csv: .*{said}.*make lock_<study>") as refused:
        lock.read(path, product="atl06")
    assert "\n" not in str(refused.value)


def test_a_lock_with_a_name_that_leads_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "atl06.csv").write_text(f"{HEAD}\n../../{name_of()},{URL},10,\n")
    with pytest.raises(NunatakError, match="would leave its folder"):
        lock.read(tmp_path / "atl06.csv")


def test_a_locked_study_takes_granules_of_its_product_alone(tmp_path):
    write_outlines({"region": HERE}, tmp_path / "regions.geojson")
    (tmp_path / "atl06.csv").write_text(URL.replace("ATL06", "ATL08"))
    with pytest.raises(NunatakError, match="is not a granule of atl06"):
        query_granules.main(
            tmp_path / "regions.geojson",
            {},
            archive={"name": "earthdata"},
            product="atl06",
            settings=product_settings("atl06", {}),
            period=YEAR,
            chunks=["cycle05"],
            study="s",
            locked=str(tmp_path / "atl06.csv"),
        )


def test_a_lock_keeps_the_address_in_storage_and_its_absence_is_said(held, archive, standin, login, tmp_path, caplog):
    """`transfer: s3` of a locked study is S3 or, of a list of addresses, HTTPS with a word."""
    held()
    granules = found(archive)
    lock.write(granules, tmp_path / "atl06.csv")
    assert list(lock.read(tmp_path / "atl06.csv")["s3_url"]) == list(granules["s3_url"])
    (tmp_path / "list.csv").write_text(granules["url"][0])
    auto = EarthdataArchive(tmp_path / "resources", transfer="auto")
    assert only(auto.fetch(lock.read(tmp_path / "list.csv")))["status"] == "present"
    assert "1 granules without an address in storage come over HTTPS" in caplog.text


def test_of_a_list_of_addresses_nothing_is_ordered(standin, login, held, tmp_path, caplog):
    """A list names no collection, which an order needs: whole granules come."""
    held()
    archive = EarthdataArchive(tmp_path / "resources", subset=asked_of(HERE, YEAR))
    (tmp_path / "list.csv").write_text(found(archive)["url"][0])
    assert only(archive.fetch(lock.read(tmp_path / "list.csv")))["status"] == "present"
    assert "the collection of the granules is not known" in caplog.text


@pytest.mark.parametrize("record", [b"{}", b"[]", b"null", b'{"status": null}'])
def test_an_order_whose_record_says_nothing_is_a_failing_service(standin, login, held, tmp_path, record):
    held()
    standin.services[faults.HARMONY] = Harmony(standin.records)
    standin.fault(
        "harmony_html", instead=lambda request: services.Answer(200, record, {"Content-Type": "application/json"})
    )
    archive = EarthdataArchive(tmp_path / "resources", subset=asked_of(HERE, YEAR))
    with pytest.raises(ServiceFailed, match=r"harmony\.earthdata\.nasa\.gov: did not answer as it should"):
        archive.fetch(archive.search("atl06", HERE, None, Filters()))


def test_on_a_file_system_without_locks_granules_come_with_a_word(standin, login, held, archive, monkeypatch, caplog):
    held()

    def refuse(*words):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert only(archive.fetch(found(archive)))["status"] == "present"
    assert "no locks here (No locks available); let one run at a time" in caplog.text


@pytest.mark.parametrize("receipt", ["[]", "null", "{bad", '{"size_bytes": %d, "mtime_ns": %d}'], ids=str)
def test_a_receipt_that_is_none_lets_the_file_be_looked_at_again(standin, login, held, archive, monkeypatch, receipt):
    held(checksum=md5)
    granules = found(archive)
    path = Path(only(archive.fetch(granules))["path"])
    now = path.stat()
    receipts.path_of(path).write_text(receipt % (now.st_size, now.st_mtime_ns) if "%d" in receipt else receipt)
    standin.reset()
    assert only(archive.fetch(granules))["status"] == "present" and not standin.requests()
    assert receipts.load(path)["status"] == "present"
