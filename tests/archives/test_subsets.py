"""Orders of server-side subsets through the real client: every end is told apart, none is placed twice."""

from __future__ import annotations

import json
import os

import harmony
import numpy as np
import pandas as pd
import pytest
from tests.archives.conftest import record_of
from tests.builders import tiny_granules
from tests.standin import faults, services, subsetter
from tests.standin.harmony import Harmony

from nunatak.archives import LoginRefused, ServiceFailed
from nunatak.archives.archive import Filters
from nunatak.archives.asking import asked_of
from nunatak.archives.nasa import subsets
from nunatak.archives.nasa.earthdata import EarthdataArchive
from nunatak.geometry import region
from nunatak.granules import PRODUCTS, parse
from nunatak.products import atl06
from nunatak.runtime import file_sha256
from nunatak.study.period import Period

HERE = region.load({"bbox": [-35, 66, -34, 67]}, name="here")
YEAR = Period.model_validate(["2019-01-01", "2019-12-31"])
ASKED = asked_of(HERE, YEAR)


@pytest.fixture
def service(standin, held, login, monkeypatch):
    """Harmony with three granules."""
    held(cycles=(5, 6, 7))
    monkeypatch.setattr(subsets, "INTERVAL", 0.01)
    standin.services[faults.HARMONY] = Harmony(standin.records)
    return standin.services[faults.HARMONY]


@pytest.fixture
def archive(tmp_path):
    return EarthdataArchive(tmp_path / "resources", subset=ASKED)


def found(archive):
    return archive.search("atl06", HERE, None, Filters())


def clients_own():
    """What the client says of an order that ended badly: the exception, or nothing at all."""
    client = harmony.Client(token=services.TOKEN, should_validate_auth=False, check_interval=0.01)
    client._session().verify = os.environ["REQUESTS_CA_BUNDLE"]
    return client


def test_subsets_come_under_the_granules_own_names(standin, service, archive):
    granules = found(archive)
    ledger = archive.fetch(granules)
    assert set(ledger["status"]) == {"present"} and len(service.orders) == 1
    names = {path.rsplit("/", 1)[1] for path in ledger["path"]}
    assert names == set(granules["file_name"]) and all("subsetted" not in path for path in ledger["path"])
    sent = next(iter(service.orders.values()))["text"]
    for words in ("lat(66.0:67.0)", "lon(-35.0:-34.0)", "2019-01-01T00:00:00", "skipPreview", "ignoreErrors"):
        assert words in sent
    assert not standin.requests("*cloudfront*")
    again = archive.fetch(granules)
    assert again.equals(ledger) and len(service.orders) == 1


def test_a_subset_made_there_and_one_made_here_have_the_same_rows(standin, service, archive, tmp_path):
    """Granules that leave the box and the period on their way: every column of every row, through the one reader."""
    standin.records.clear()
    for cycle, start in ((8, "2019-11-06T23:02:00"), (9, "2019-12-31T23:59:58")):
        stamp = np.datetime64(start, "ns")
        path = tiny_granules.atl06(
            tmp_path / "held", tiny_granules.name_of(cycle=cycle, start=stamp), n=4000, start=stamp
        )
        standin.records.append(record_of(path))
    whole = EarthdataArchive(tmp_path / "whole")
    granules = whole.search("atl06", HERE, YEAR, Filters())
    cut, kept = archive.fetch(granules), whole.fetch(granules)
    assert cut["size_bytes"].lt(kept["size_bytes"]).all() and not set(cut["sha256"]) & set(kept["sha256"])
    for there, here in zip(cut["path"], kept["path"], strict=True):
        table, _ = atl06.read_segments(there, region=HERE, period=YEAR)
        expected, _ = atl06.read_segments(here, region=HERE, period=YEAR)
        pd.testing.assert_frame_equal(table, expected)
        assert 0 < len(table) < 6 * 4000


@pytest.mark.parametrize("part", [(0.0, 0.5), (0.3, 0.6)], ids=str)
def test_so_have_those_of_a_real_granule(data, part, tmp_path):
    """Cut at latitudes within it, as the service cuts."""
    for path in sorted(data("real/ATL06").glob("*.h5"))[:1]:
        table, _ = atl06.read_segments(path)
        west, east = table["longitude"].min() - 1, table["longitude"].max() + 1
        south, north = table["latitude"].quantile(part)
        box = region.load({"bbox": [west, south, east, north]}, name="part")
        span = np.datetime64("2018-01-01"), np.datetime64("2030-01-01")
        copy = tmp_path / path.name
        copy.write_bytes(subsetter.cut(path, "ATL06", (west, south, east, north), span))
        there, _ = atl06.read_segments(copy, region=box)
        here, _ = atl06.read_segments(path, region=box)
        assert len(here)
        pd.testing.assert_frame_equal(there, here)


def test_a_killed_run_finds_its_order_again(standin, service, archive, tmp_path):
    """The number is on the disk before the first look; a failing label is nobody's loss, since none is asked for."""
    granules = found(archive)
    standin.fault("harmony_500", match="/jobs/*")
    with pytest.raises(ServiceFailed, match=r"harmony\.earthdata\.nasa\.gov: did not answer as it should"):
        archive.fetch(granules)
    notes = list((tmp_path / "resources").rglob("orders/*.json"))
    assert len(notes) == 1 and json.loads(notes[0].read_text())["order"] in service.orders
    standin.faults.clear()
    assert set(archive.fetch(granules)["status"]) == {"present"}
    assert len(service.orders) == 1 and not standin.requests("harmony*", "/labels*")


@pytest.mark.parametrize("state", ["failed", "canceled"])
def test_a_failed_order_falls_back_to_whole_granules(standin, service, archive, state, caplog):
    """The client is silent about a cancelled one."""
    service.states, service.message = ["running", state], "the service broke"
    ledger = archive.fetch(found(archive))
    assert set(ledger["status"]) == {"present"}
    assert any(f"{state} (the service broke)" in record.getMessage() for record in caplog.records)
    held = {record.name: file_sha256(record.path) for record in standin.records}
    assert all(held[f"{row.granule_id}.h5"] == row.sha256 for row in ledger.itertuples())
    assert len(standin.requests("*cloudfront*")) == 3
    order = next(iter(service.orders))
    if state == "canceled":
        assert clients_own().wait_for_processing(order) is None
    else:
        with pytest.raises(harmony.client.ProcessingFailedException):
            clients_own().wait_for_processing(order)


def test_a_paused_order_is_resumed_once(standin, service, archive):
    service.states = ["paused"]
    assert set(archive.fetch(found(archive))["status"]) == {"present"}
    assert len(standin.requests("harmony*", "/jobs/*/resume")) == 1


def test_of_an_order_with_errors_the_good_are_kept_and_the_rest_comes_whole(standin, service, archive):
    service.states, service.lost = ["complete_with_errors"], {standin.records[1].name}
    ledger = archive.fetch(found(archive))
    assert set(ledger["status"]) == {"present"} and len(ledger) == 3
    assert [r.path.rsplit("/", 1)[1] for r in standin.requests("*cloudfront*")] == [standin.records[1].name]


def test_a_granule_without_data_in_the_box_is_empty_and_no_failure(standin, service, archive):
    service.states, service.lost = ["complete_with_errors"], {standin.records[1].name}
    service.words = "No data found that matched subset constraints"
    ledger = archive.fetch(found(archive)).set_index("granule_id")
    empty = parse(standin.records[1].name).granule_id
    assert ledger.loc[empty, "status"] == "empty" and ledger.loc[empty, "reason"] == subsets.NOTHING
    assert sorted(ledger["status"]) == ["empty", "present", "present"]


def test_an_order_that_ends_without_a_granule_of_it_is_empty(standin, service, archive):
    service.lost = {record.name for record in standin.records}
    assert set(archive.fetch(found(archive))["status"]) == {"empty"}


def test_expired_results_are_ordered_anew(standin, service, archive, tmp_path):
    """Of an order whose results are gone before their time the granules come whole."""
    granules = found(archive)
    standin.fault("harmony_result_404")
    assert set(archive.fetch(granules)["status"]) == {"present"} and len(standin.requests("*cloudfront*")) == 3
    standin.faults.clear()
    service.ends = "2020-01-01T00:00:00.000Z"
    archive.fetch(granules)
    assert len(service.orders) == 2


def test_an_order_that_runs_for_ever_is_left_running(service, archive, monkeypatch):
    service.states = ["running"]
    monkeypatch.setattr(subsets, "PATIENCE", 0.1)
    with pytest.raises(ServiceFailed, match=r"not done in .* h; run again to go on with it"):
        archive.fetch(found(archive))


def test_an_order_that_is_refused_falls_back(standin, service, archive):
    standin.fault("harmony_400")
    assert set(archive.fetch(found(archive))["status"]) == {"present"}
    assert len(standin.requests("*cloudfront*")) == 3


def test_products_without_a_subsetter_come_whole(standin, service, archive):
    """ATL11, ATL14 and ATL15 have none."""
    assert not PRODUCTS["atl15"].harmony and PRODUCTS["atl06"].harmony


def test_a_variable_of_another_program_does_not_lead_the_client_astray(standin, service, archive, monkeypatch):
    """The client takes its address, and sends the token there, from any variable named ROOT_URL."""
    monkeypatch.setenv("ROOT_URL", "https://elsewhere.example.org")
    assert clients_own().config.root_url == "https://elsewhere.example.org"
    assert set(archive.fetch(found(archive))["status"]) == {"present"}
    assert not standin.requests("elsewhere*")


def test_without_a_login_nothing_is_ordered(standin, service, archive, monkeypatch):
    monkeypatch.delenv("EARTHDATA_USERNAME")
    with pytest.raises(LoginRefused, match="no Earthdata login found"):
        archive.fetch(found(archive))
    assert not service.orders


def test_what_a_box_cannot_say_is_not_ordered():
    dateline = region.load({"bbox": [160, -78, -150, -70], "crosses_antimeridian": True})
    assert asked_of(dateline, YEAR) is None
    assert asked_of(HERE, Period.model_validate({"years": [2019, 2021], "months": ["June"]})) is None
