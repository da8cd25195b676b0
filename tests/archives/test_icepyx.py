"""Queries and orders through the unmodified icepyx: what its users get, and what becomes of the orders it loses."""

from __future__ import annotations

import json

import earthaccess
import icepyx
import pandas as pd
import pytest
from tests.archives.fetching import HERE, YEAR
from tests.standin import faults, services
from tests.standin.harmony import Harmony

from nunatak.archives import ServiceFailed
from nunatak.archives.archive import Filters
from nunatak.archives.asking import asked_of
from nunatak.archives.nasa import icepyx_orders, subsets
from nunatak.archives.nasa.earthdata import EarthdataArchive
from nunatak.products import atl06
from nunatak.runtime import NunatakError

ASKED = asked_of(HERE, YEAR)


@pytest.fixture
def service(standin, held, login, monkeypatch, tmp_path):
    """Harmony with the passes of two tracks in three cycles; the client's notes fall into a folder of the test."""
    monkeypatch.chdir(tmp_path)
    held(rgts=(627, 841), cycles=(5, 6, 7))
    monkeypatch.setattr(earthaccess, "__auth__", earthaccess.Auth())  # which remembers the logins of other tests
    monkeypatch.setattr(subsets, "INTERVAL", 0.01)
    standin.services[faults.HARMONY] = Harmony(standin.records)
    return standin.services[faults.HARMONY]


@pytest.fixture
def archive(tmp_path):
    return EarthdataArchive(tmp_path / "resources", subset=ASKED, client="icepyx")


def found(archive, **filters):
    return archive.search("atl06", HERE, YEAR, Filters(**filters))


@pytest.mark.parametrize(
    "filters", [{}, {"cycles": (5,)}, {"rgt": (841,)}, {"rgt": (627, 841), "cycles": (6, 7)}], ids=str
)
def test_a_query_finds_what_the_archive_finds(standin, service, archive, filters):
    """By product, region, dates, cycles and tracks."""
    words = {"tracks": filters.get("rgt", ()), "cycles": filters.get("cycles", ())}
    question = icepyx_orders.query("atl06", **ASKED, version="006", **words)
    assert isinstance(question, icepyx.Query) and question.product_version == "006"
    assert sorted(question.avail_granules(ids=True)[0]) == list(found(archive, **filters)["file_name"])


def test_its_order_brings_the_subsets_of_these_granules(standin, service, archive, tmp_path, capsys):
    """Asked for by the names of the passes; nothing of it is left in the current folder or on the screen."""
    granules = found(archive, cycles=(6,))
    ledger = archive.fetch(granules)
    assert set(ledger["status"]) == {"present"} and len(service.orders) == 1
    placed = next(iter(service.orders.values()))
    assert sorted(placed["names"]) == list(granules["file_name"]) and "skipPreview" in placed["text"]
    assert not (tmp_path / ".order_restart").exists() and "Harmony job ID" not in capsys.readouterr().out
    assert list((tmp_path / "resources").rglob(".order_restart"))
    assert archive.fetch(granules).equals(ledger) and len(service.orders) == 1


def test_both_clients_bring_the_same_rows(standin, service, archive, tmp_path):
    granules = found(archive)
    other = EarthdataArchive(tmp_path / "other", subset=ASKED, client="harmony")
    for one, two in zip(archive.fetch(granules)["path"], other.fetch(granules)["path"], strict=True):
        pd.testing.assert_frame_equal(atl06.read_segments(one)[0], atl06.read_segments(two)[0])


def test_an_order_that_the_client_loses_is_found_again(standin, service, archive):
    """Its own symptom: the order runs, the label fails, and its number is gone with the exception."""
    standin.fault("harmony_labels_fail")
    question = icepyx_orders.query("atl06", **ASKED, version="006")
    with pytest.raises(Exception, match=r"."):
        question.order_granules()
    assert len(service.orders) == 1 and not hasattr(question, "last_order")
    service.orders.clear()
    assert set(archive.fetch(found(archive))["status"]) == {"present"}
    assert len(service.orders) == 1 and standin.requests("harmony*", "/jobs")
    assert not standin.requests("*cloudfront*"), "the subsets, not the whole granules"


@pytest.mark.parametrize("state", ["failed", "canceled"])
def test_an_order_that_ends_badly_is_no_empty_answer(standin, service, archive, state, tmp_path):
    """The client gives back nothing, or an empty list; here the granules come whole."""
    service.states, service.message = [state], "the service broke"
    question = icepyx_orders.query("atl06", **ASKED, version="006")
    (tmp_path / "theirs").mkdir()
    try:
        theirs = question.download_granules(tmp_path / "theirs")
    except KeyError:  # of a record without `errors`
        theirs = None
    assert not theirs
    assert set(archive.fetch(found(archive))["status"]) == {"present"}
    assert len(standin.requests("*cloudfront*")) == 6


def test_a_refused_order_falls_back_to_whole_granules(standin, service, archive, caplog):
    standin.fault("harmony_400")
    assert set(archive.fetch(found(archive))["status"]) == {"present"}
    assert "the order was refused" in caplog.text and len(standin.requests("*cloudfront*")) == 6


def test_a_run_that_ended_finds_its_order_again(standin, service, archive, tmp_path, monkeypatch):
    granules, service.states = found(archive), ["running"]
    monkeypatch.setattr(subsets, "PATIENCE", 0.05)
    with pytest.raises(ServiceFailed, match="run again to go on with it"):
        archive.fetch(granules)
    order = json.loads(next((tmp_path / "resources").rglob("orders/*.json")).read_text())["order"]
    service.orders[order]["states"] = ["successful"]
    assert set(archive.fetch(granules)["status"]) == {"present"} and list(service.orders) == [order]


def test_with_a_token_harmony_py_orders(standin, service, archive, monkeypatch, caplog):
    """icepyx passes no token on: its own client finds no credentials."""
    monkeypatch.delenv("EARTHDATA_USERNAME")
    monkeypatch.setenv("EARTHDATA_TOKEN", services.TOKEN)
    question = icepyx_orders.query("atl06", **ASKED, version="006")
    with pytest.raises(Exception, match=r"(?i)credentials|tuple"):
        question.order_granules()
    assert set(archive.fetch(found(archive))["status"]) == {"present"} and len(service.orders) == 1
    assert "icepyx cannot order with a token" in caplog.text


def test_a_variable_of_another_program_is_no_way_to_the_password(standin, service, archive, monkeypatch):
    monkeypatch.setenv("ROOT_URL", "https://elsewhere.example.org")
    with pytest.raises(NunatakError, match="ROOT_URL is set: icepyx would send user and password there"):
        archive.fetch(found(archive))
    assert not standin.requests("elsewhere*")


def test_other_addresses_are_not_icepyxs(standin, service, tmp_path):
    endpoints = {"harmony": "https://harmony.uat.earthdata.nasa.gov"}
    archive = EarthdataArchive(tmp_path / "resources", subset=ASKED, client="icepyx", endpoints=endpoints)
    with pytest.raises(NunatakError, match=r"endpoints\.harmony: icepyx knows no other address"):
        archive.fetch(found(archive))


def test_a_question_it_does_not_take_is_said_in_words(standin, service):
    with pytest.raises(NunatakError, match="icepyx refuses the question"):
        icepyx_orders.query("atl05", **ASKED)
    standin.fault("cmr_html")
    with pytest.raises(ServiceFailed, match="icepyx: did not answer as it should"):
        icepyx_orders.query("atl06", **ASKED)
