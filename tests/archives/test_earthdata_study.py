"""Tiny studies on the archive `earthdata`, as a user starts them, through the real clients and the stand-in."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from tests.archives.reached import OUTSIDE, Reached, hold


@pytest.fixture(scope="module")
def reached(server, tmp_path_factory):
    """The stand-in that holds Austfonna, and a copy of the workflow that reaches it."""
    hold("austfonna", tmp_path_factory.mktemp("austfonna"), server)
    return Reached(tmp_path_factory.mktemp("study"), server)


def test_a_plan_needs_no_login_and_the_check_of_access_says_what_is_missing(reached, server):
    """Both in one run: what is missing is one line, and stops nothing that can do without."""
    done = reached.run("plan_austfonna", "check_access", size="tiny")
    assert done.code != 0 and [line for line in done.reasons if "no Earthdata login found" not in line] == []
    assert "MISSING  login: no Earthdata login found; an account is free" in done.text
    for name in ("clients", "catalogue", "image pairs"):
        assert f"ok       {name}: " in done.text
    assert "to fetch" in done.text and "GB are free" in done.text
    plan = json.loads((reached / "results/austfonna-tiny/plan.json").read_text())
    assert plan["products"]["atl06"]["granules"] > 0 and plan["products"]["atl15"]["years"]
    assert (reached / "results/austfonna-tiny/plan.png").read_bytes().startswith(b"\x89PNG")
    assert OUTSIDE not in done.text and not server.requests("urs*")


def test_without_a_login_one_line_says_what_is_missing(reached, server):
    done = reached.run("austfonna", size="tiny")
    assert done.code != 0
    assert len(done.reasons) == 1, done.reasons
    assert "no Earthdata login found; an account is free" in done.reasons[0]
    assert not server.requests("data*")


@pytest.fixture(scope="module")
def fetched(reached):
    """The study from its granules to its report, with one figure of its seven."""
    reached.log_in()
    done = reached.run("austfonna", size="tiny", figures="{names: [extent], formats: [png]}")
    assert done.code == 0, done.text
    return done


def test_every_granule_comes_through_the_clients(reached, server, fetched):
    """No address but the stand-in's is touched, and nothing secret is written or shown."""
    assert OUTSIDE not in fetched.text
    assert (reached / "results/austfonna-tiny/report.html").is_file()
    ledgers = pd.concat(map(pd.read_parquet, (reached / "results/austfonna-tiny").glob("*/ledger/*.parquet")))
    assert len(ledgers) and set(ledgers["status"]) == {"present"}
    assert len({request.path for request in server.requests("*cloudfront*")}) == ledgers["path"].nunique()
    assert reached.leaks(fetched) == []


def test_locked_it_uses_these_granules_or_says_which_are_gone(reached, server, fetched):
    """The lock alone is asked; a granule that is superseded is named with its successor."""
    done = reached.run("lock_austfonna", size="tiny")
    assert done.code == 0 and "`lock: config/locks/austfonna-tiny` in the study uses exactly these" in done.text, (
        done.text
    )
    locked = pd.read_csv(reached / "config/locks/austfonna-tiny/atl06.csv")
    assert locked["checksum"].notna().all() and set(locked["checksum_from"]) == {"first download"}
    record = next(r for r in server.records if r.name == locked["file_name"][0])
    record.name = record.name.replace("_01.h5", "_02.h5")
    updated = reached.run("update_austfonna", size="tiny")
    assert updated.code == 0 and f"{locked['file_name'][0]} is superseded by {record.name}" in updated.text, (
        updated.text
    )
    assert "atl15: as in the lock" in updated.text
    (reached / "resources/archive/earthdata/atl06" / locked["file_name"][0]).unlink()
    server.log.clear()
    chunk = f"results/austfonna-tiny/atl06/ledger/cycle{locked['file_name'][0].split('_')[2][4:6]}.parquet"
    done = reached.run(chunk, "--forcerun", "fetch_granules", size="tiny", lock="config/locks/austfonna-tiny")
    assert done.code == 0, done.text
    ledger = pd.read_parquet(reached / chunk)
    assert f"superseded by {record.name}" in " ".join(ledger["reason"])
    assert all("readable_granule_name" in " ".join(r.query) for r in server.requests("cmr*", "*granules*"))
    assert reached.leaks(done) == []
