"""The tiny Ross Sea and Pine Island on the archive `earthdata`, from the real clients' first question to the report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from tests.archives.reached import OUTSIDE, Reached, hold
from tests.standin import services
from tests.workflow.workflow_runs import Done


@pytest.fixture
def start(server, tmp_path):
    """A function that runs a study with a login of some kind, to its end; one figure stands for all."""

    def run(name, log_in, figure):
        hold(name, tmp_path / "held", server)
        reached = Reached(tmp_path / "study", server)
        log_in(reached)
        done = reached.run(name, size="tiny", figures=f"{{names: [{figure}], formats: [png]}}")
        assert done.code == 0, done.text
        assert OUTSIDE not in done.text and reached.leaks(done) == []
        results = reached / f"results/{name}-tiny"
        assert (results / "report.html").is_file()
        assert not any(
            check["status"] == "failed" for check in json.loads((results / "checks.json").read_text())["checks"]
        )
        tables = {path: pd.read_parquet(path) for path in results.glob("*/ledger/*.parquet")}
        ledgers = pd.concat(table.assign(product=path.parts[-3]) for path, table in tables.items())
        assert len(ledgers) and set(ledgers["status"]) == {"present"}
        return ledgers

    return run


def test_ross_sea(start, server):
    """Over the antimeridian: each half is asked for, no granule comes twice; user and password lie in ~/.netrc."""
    ledgers = start("ross_sea", Reached.log_in_by_netrc, "freeboard_mean")
    boxes = {request.one("bounding_box") for request in server.requests("cmr*", "*granules*")}
    assert {box.split(",")[0] for box in boxes} == {"160.0", "-180.0"}
    fetched = [request.path for request in server.requests("*cloudfront*")]
    assert len(fetched) == len(set(fetched)) == len(ledgers)


def test_pine_island(start, server):
    """Image pairs from public storage: a token that lies in the environment is not shown there."""
    ledgers = start("pine_island", Reached.log_in_by_token, "speed_map")
    public = server.requests("its-live-data*", "*.nc")
    stored = ledgers["product"].isin(["itslive", "itslive_elevation"])
    assert len({request.path for request in public}) == stored.sum()
    assert set(ledgers["product"]) >= {"atl15", "bedmachine", "itslive", "itslive_elevation"}
    assert not [r for r in server.requests("its-live-data*") if "authorization" in r.headers]


def test_the_look_for_secrets_is_at_the_run_alone(server, tmp_path):
    """What another run on the machine shows is not this run's: its process descends from none of ours."""
    reached, other = Reached(tmp_path / "study", server), tmp_path / "other"
    waiting = f"import time; open({str(other)!r}, 'w').close(); time.sleep(3)"
    start = '"$@" >/dev/null 2>&1 & echo $!'  # its parent ends at once, so that it is left to the machine
    line = ["sh", "-c", start, "sh", sys.executable, "-c", waiting, services.PASSWORD]
    process = int(subprocess.run(line, check=True, text=True, stdout=subprocess.PIPE).stdout)
    try:
        while not other.exists():
            time.sleep(0.05)
        with reached._watched():
            time.sleep(0.8)
        assert services.PASSWORD.encode() in Path(f"/proc/{process}/cmdline").read_bytes()
        assert reached.leaks(Done(0, "nothing")) == []
    finally:
        os.kill(process, signal.SIGTERM)


def test_the_look_for_secrets_finds_them(server, tmp_path):
    """In a log, in a table's compressed cells, on the screen and on a command line; not in what holds none."""
    reached = Reached(tmp_path / "study", server)
    assert reached.leaks(Done(0, "nothing")) == []
    (reached / "logs").mkdir()
    (reached / "logs/fetch.log").write_text(f"Authorization: Bearer {services.TOKEN}")
    pd.DataFrame({"url": [f"https://host/a.h5?Signature={services.SIGNATURE}"]}).to_parquet(reached / "table.parquet")
    sleeping = [sys.executable, "-c", "import time; time.sleep(0.8)"]
    with reached._watched():
        subprocess.run([*sleeping, "a word of no weight"], check=True)
    assert reached.shown == []
    with reached._watched():  # of a process of a process, as the jobs of a run are
        subprocess.run(["sh", "-c", '"$@"; true', "sh", *sleeping, services.PASSWORD], check=True)
    found = " ".join(reached.leaks(Done(1, f"refused {services.PASSWORD}")))
    for place in ("fetch.log", "table.parquet", "screen", "command line"):
        assert f"{place}: canary-" in found
