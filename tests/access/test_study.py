"""Tiny studies on the archive `earthdata`, as a user starts them, through the real clients and the stand-in."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from tests.access.conftest import services_of
from tests.conftest import ROOT
from tests.standin import holdings, redirect, services
from tests.workflow.workflow_runs import Flow

from nunatak import simulation, study
from nunatak.granules import granules_of

OUTSIDE = "REFUSED"
PRODUCTS = list(study.load(ROOT / "config" / "studies" / "austfonna.yaml", overrides={"size": "tiny"}).products)


class Reached(Flow):
    """The workflow, whose every Python reaches the stand-in and nothing else."""

    def __init__(self, folder, standin):
        super().__init__(folder)
        clean = {k: v for k, v in self.environment.items() if not k.startswith(("EARTHDATA", "NUNATAK_TEST"))}
        site = str(ROOT / "tests" / "standin" / "site")
        self.environment = {
            **clean, **redirect.environment(standin.port, standin.authority), "PYTHONPATH": site,
            "NETRC": str(folder / "netrc"),
        }  # fmt: skip

    def login(self):
        self.environment |= {"EARTHDATA_USERNAME": services.USER, "EARTHDATA_PASSWORD": services.PASSWORD}


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """The records of the tiny, simulated Austfonna."""
    folder = tmp_path_factory.mktemp("austfonna")
    world, records = simulation.world("austfonna", "tiny"), []
    for product in dict.fromkeys(map(granules_of, PRODUCTS)):
        (folder / product).mkdir()
        table = simulation.write_product(world, product, folder / product)
        records += holdings.of_files(table, folder / product)
    return records


@pytest.fixture(scope="module")
def reached(server, held, tmp_path_factory):
    """The stand-in that holds Austfonna, and a copy of the workflow that reaches it."""
    server.reset()
    server.records = list(held)
    server.services = services_of(server.records)
    return Reached(tmp_path_factory.mktemp("study"), server)


def test_a_plan_needs_no_login(reached):
    done = reached.run("plan_austfonna", size="tiny")
    assert done.code == 0, done.text
    assert "to fetch" in done.text and "GB are free" in done.text
    plan = json.loads((reached / "results/austfonna-tiny/plan.json").read_text())
    assert plan["products"]["atl06"]["granules"] > 0 and plan["products"]["atl15"]["years"]
    assert OUTSIDE not in done.text


def test_without_a_login_one_line_says_what_is_missing(reached, server):
    done = reached.run("austfonna", size="tiny")
    assert done.code != 0
    assert len(done.reasons) == 1, done.reasons
    assert "no Earthdata login found; an account is free" in done.reasons[0]
    checked = reached.run("check_access")
    assert checked.code != 0 and "MISSING  login: no Earthdata login found" in checked.text
    assert "ok       catalogue: https://cmr.earthdata.nasa.gov answers" in checked.text
    assert not server.requests("data*")


@pytest.fixture(scope="module")
def fetched(reached):
    """The study's granules of every product, found, fetched and read."""
    reached.login()
    base = "results/austfonna-tiny"
    done = reached.run(*(f"{base}/{product}/counts.csv" for product in PRODUCTS), size="tiny")
    assert done.code == 0, done.text
    return done


def test_every_granule_comes_through_the_clients(reached, server, fetched):
    """No address but the stand-in's is touched, and nothing secret is written."""
    assert OUTSIDE not in fetched.text
    ledgers = pd.concat(map(pd.read_parquet, (reached / "results/austfonna-tiny").glob("*/ledger/*.parquet")))
    assert len(ledgers) and set(ledgers["status"]) == {"present"}
    assert len({request.path for request in server.requests("*cloudfront*")}) == ledgers["path"].nunique()
    folders = [reached / name for name in ("results", "resources", "logs", ".snakemake/log")]
    texts = [path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()]
    for secret in (services.PASSWORD, services.TOKEN, services.SIGNATURE):
        assert not [text for text in texts if secret.encode() in text]


@pytest.mark.full
def test_the_study_runs_to_its_report(reached, fetched):
    done = reached.run("austfonna", size="tiny")
    assert done.code == 0, done.text
    assert (reached / "results/austfonna-tiny/report.html").is_file()
    assert OUTSIDE not in done.text


def test_locked_it_uses_these_granules_or_says_which_are_gone(reached, server, fetched):
    """The lock alone is asked; a granule that is superseded is named with its successor."""
    done = reached.run("lock_austfonna", size="tiny")
    assert done.code == 0 and "`lock: config/locks/austfonna-tiny` in the study uses exactly these" in done.text, (
        done.text
    )
    locked = pd.read_csv(reached / "config/locks/austfonna-tiny/atl06.csv")
    assert locked["checksum"].notna().all() and set(locked["checksum_from"]) == {"first download"}
    updated = reached.run("update_austfonna", size="tiny")
    assert updated.code == 0 and "atl06: as locked" in updated.text, updated.text
    record = next(r for r in server.records if r.name == locked["file_name"][0])
    record.name = record.name.replace("_01.h5", "_02.h5")
    updated = reached.run("update_austfonna", size="tiny")
    assert f"{locked['file_name'][0]} is superseded by {record.name}" in updated.text, updated.text
    (reached / "resources/archive/earthdata/atl06" / locked["file_name"][0]).unlink()
    server.log.clear()
    chunk = f"results/austfonna-tiny/atl06/ledger/cycle{locked['file_name'][0].split('_')[2][4:6]}.parquet"
    done = reached.run(chunk, "--forcerun", "fetch_granules", size="tiny", lock="config/locks/austfonna-tiny")
    assert done.code == 0, done.text
    ledger = pd.read_parquet(reached / chunk)
    assert f"superseded by {record.name}" in " ".join(ledger["reason"])
    assert all("readable_granule_name" in " ".join(r.query) for r in server.requests("cmr*", "*granules*"))
