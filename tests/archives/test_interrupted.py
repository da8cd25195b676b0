"""Runs that are killed, run out of space, meet each other or find everything here; and secrets in none of them."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.archives.fetching import CLOUD, found, kept, md5, only
from tests.conftest import ROOT
from tests.standin import services

from nunatak.archives.nasa.earthdata import EarthdataArchive
from nunatak.archives.transfer import download, integrity, receipts, transport
from nunatak.granules import granule_table
from nunatak.runtime import NunatakError, file_sha256

RUN = """
import sys
sys.path[:0] = [{scripts!r}]
from nunatak.granules.lists import read_list
from nunatak.archives.nasa import login as earthdata_login
from nunatak.archives.nasa.earthdata import EarthdataArchive
EarthdataArchive({resources!r}).fetch(read_list({listed!r}))
"""
# one process that has imported everything and forks a run, in a process group of its own, for each line it is sent
RUNS = """
import os, sys
sys.path[:0] = [{scripts!r}]
import earthaccess
from nunatak.archives import verify
from nunatak.granules.lists import read_list
from nunatak.archives.nasa import login
from nunatak.archives.transfer import download
from nunatak.archives.nasa.earthdata import EarthdataArchive
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.setsid()
        EarthdataArchive({resources!r}).fetch(read_list({listed!r}))
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
"""
MOMENTS = sorted(random.Random(20190105).uniform(0.0, 0.9) for _ in range(10))


def program(text, tmp_path):
    """A program on the granules of list.csv, which reaches the stand-in alone: its words and its environment."""
    where = {"resources": str(tmp_path / "resources"), "listed": str(tmp_path / "list.csv")}
    words = [sys.executable, "-c", text.format(scripts=str(ROOT / "scripts"), **where)]
    return words, {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "standin" / "site")}


def test_killed_at_ten_random_moments_it_goes_on_and_ends_with_the_same_bytes(standin, login, held, archive, tmp_path):
    """
    SIGKILL to the process group when a random share of the bytes is here. Each next run asks, in the server's log, for
    the rest of each file from the very byte the last one had written, and never again for a file that has its name.
    """
    made = {record.name: record for record in held(cycles=(5, 6), n=20000, checksum=md5)}
    granules = found(archive)
    granules.to_csv(tmp_path / "list.csv", index=False)
    words, environment = program(RUNS, tmp_path)
    standin.fault("data_slow", rate=2e6)
    parts = {name: archive.folder / "atl06" / f".{name}.part" for name in made}
    total, asked = sum(record.size for record in made.values()), []

    def here():
        """Bytes of each file, under way or finished; a rename may come between two looks."""
        return {n: size_of(parts[n]) or size_of(parts[n].with_name(n)) for n in made}

    runs = subprocess.Popen(words, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with runs:
        for moment in MOMENTS:
            print("run", file=runs.stdin, flush=True)
            group, before = int(runs.stdout.readline()), sum(here().values())
            until = max(moment * total, before + 1)  # a run that brought nothing was not killed in a download
            wait_for(lambda until=until: sum(here().values()) >= until, runs)
            os.killpg(group, signal.SIGKILL)
            wait_for(lambda group=group: not alive(group), runs)
            asked += [(name, size_of(path)) for name, path in parts.items() if size_of(path)]
            for name in kept(archive):  # a file that bears its name is whole, whenever the kill came
                assert file_sha256(archive.folder / "atl06" / name) == file_sha256(made[name].path)
        runs.stdin.close()
    standin.faults.clear()
    ledger = archive.fetch(granules)
    assert set(ledger["status"]) == {"present"}
    assert list(ledger["sha256"]) == [file_sha256(made[f"{name}.h5"].path) for name in ledger["granule_id"]]
    resumed = [
        (r.path.rsplit("/", 1)[1], int(r.headers["range"][6:-1]))
        for r in standin.requests(CLOUD)
        if "range" in r.headers
    ]
    assert set(resumed) <= set(asked) and len(resumed) >= len(MOMENTS)
    for name in made:
        starts = [start for file, start in resumed if file == name]
        assert starts == sorted(starts) and len(set(starts)) > len(MOMENTS) / 2


def size_of(path):
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def alive(pid):
    """Whether a process runs, and not only waits to be asked how it ended."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_disk_that_fills_up_says_so_and_leaves_nothing_finished(standin, login, held, archive, tmp_path):
    """No file of this process may pass 100 kB; the client tries three times and then raises."""
    held(n=8000, checksum=md5)
    found(archive).to_csv(tmp_path / "list.csv", index=False)
    words, environment = program(RUN, tmp_path)
    ended = subprocess.run(
        words,
        text=True,
        capture_output=True,
        env=environment,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert ended.returncode and "could not be written (File too large); free space or choose another" in ended.stderr
    assert kept(archive) == [] and len(standin.requests(CLOUD)) == 1


def test_two_runs_that_want_the_same_granule_fetch_it_once(standin, login, held, archive):
    """One waits for the other and finds the file."""
    (record,) = held(n=2000, checksum=md5)
    granules = found(archive)
    standin.fault("data_slow", rate=4e6)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: archive.fetch(granules), range(2))
    assert first.equals(second) and only(first)["sha256"] == file_sha256(record.path)
    assert len(standin.requests(CLOUD)) == 1


def wait_for(condition, running):
    until = time.monotonic() + 90
    while not condition():
        assert running.poll() is None, "the program ended"
        assert time.monotonic() < until, "nothing arrived"
        time.sleep(0.01)


def test_secrets_are_nowhere(standin, login, held, archive, tmp_path, caplog, monkeypatch):
    """User, password, token and signature are looked for in every file, log and message of good and bad runs."""
    caplog.set_level("DEBUG", logger="nunatak")
    held(cycles=(5, 6))
    granules = found(archive)
    said = []
    for fault in (
        "data_truncated",
        "data_401",
        "data_403_eula",
        "data_html",
        "data_drop",
        "edl_drop",
        "data_404",
        None,
    ):
        standin.faults.clear()
        if fault:
            standin.fault(fault)
        try:
            said.append(archive.fetch(granules).to_csv())
        except NunatakError as error:
            said.append(str(error))
            assert error.__suppress_context__ or error.__context__ is None
    texts = said + [record.getMessage() for record in caplog.records if record.name == "nunatak"]
    texts += [path.read_bytes().decode("latin-1") for path in (tmp_path / "resources").rglob("*") if path.is_file()]
    for secret in (services.PASSWORD, services.TOKEN, services.SIGNATURE):
        assert not [text for text in texts if secret in text]


def test_what_is_written_down_has_no_secrets(monkeypatch):
    monkeypatch.setenv("EARTHDATA_TOKEN", "abc.def")
    text = transport.redacted("Authorization: Bearer xyz at https://h/a?X-Amz-Signature=1 abc.def access_token=zz")
    assert all(word not in text for word in ("xyz", "X-Amz", "abc.def", "zz"))


def test_many_present_granules_are_believed_by_their_receipts(tmp_path, standin, monkeypatch):
    """No file is opened: reading one would fail here."""
    rows = []
    folder = tmp_path / "resources" / "archive" / "earthdata" / "atl06"
    folder.mkdir(parents=True)
    for rgt in range(1, 301):
        path = folder / f"ATL06_20191106230200_{rgt:04d}0503_006_01.h5"
        path.write_bytes(b"not read")
        receipts.keep(path, checksums={"SHA-256": f"{rgt:064d}"}, status="present", reason="")
        rows.append({"file_name": path.name, "size_bytes": 8, "url": f"https://host/{path.name}"})
    monkeypatch.setattr(integrity, "check_arrived", None)
    monkeypatch.setattr(download, "_room_for", None)
    ledger = EarthdataArchive(tmp_path / "resources").fetch(granule_table(rows))
    assert set(ledger["status"]) == {"present"} and ledger["sha256"][41] == f"{42:064d}"
    assert not standin.requests()
