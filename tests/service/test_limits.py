"""What the photon service bears: slow clients, large bodies, many at once, work that nobody waits for."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import socket
import threading
import time

import pytest

from nunatak import api, photons
from nunatak.products import GranuleError, atl03
from nunatak.service import engine, limits

FOLDER = "golden/photons"
NAME = "ATL03_20181019065445_03150111_006_02.h5"
PARAMETERS = {"srt": 3, "cnf": 1, "ats": 20.0, "cnt": 10, "len": 40.0, "res": 20.0, "maxi": 6}
GOOD = {"parms": PARAMETERS, "resource": NAME}
HEAD = b"POST /source/atl06 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
PATIENCE = 60.0  # s after which a test gives up waiting


@pytest.fixture(scope="module")
def server(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("with blanks") / "my data"
    folder.mkdir()
    shutil.copyfile(data(f"{FOLDER}/{NAME}"), folder / NAME)
    with api.serve_photons(folder, port=0, background=True, resources=folder / "resources") as served:
        yield served


def ask(server, body, path="atl06"):
    """Status and text of one call."""
    call = http.client.HTTPConnection(server.address, timeout=PATIENCE)
    try:
        call.request("POST", f"/source/{path}", body=body if isinstance(body, str | bytes) else json.dumps(body))
        answer = call.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        call.close()


def connected(server, sent):
    host, port = server.address.split(":")
    connection = socket.create_connection((host, int(port)), PATIENCE)
    connection.sendall(sent)
    return connection


def rest(connection):
    """All that comes until the service ends the connection."""
    came = b""
    while piece := connection.recv(65536):
        came += piece
    connection.close()
    return came


def until(true):
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "did not come about"
        time.sleep(0.02)


def test_slow_bodies_and_slow_heads_are_ended_and_hold_up_nobody(server, monkeypatch):
    monkeypatch.setattr(limits, "TIME", 1.5)
    bodies = [connected(server, HEAD % 100_000 + b"{") for _ in range(20)]
    heads = [connected(server, b"POST /source/atl06 HTTP/1.1\r\nHost: x\r\nX-") for _ in range(20)]
    monkeypatch.setattr(limits, "TIME", PATIENCE)
    assert ask(server, GOOD)[0] == 200
    for connection in bodies:
        came = rest(connection)
        assert came.startswith(b"HTTP/1.1 408") and b"did not come within" in came
    assert all(rest(connection) == b"" for connection in heads)


def test_a_long_body_is_refused_before_it_is_read(server):
    came = rest(connected(server, HEAD % 400_000_000 + b" " * 1_100_000))
    assert came.startswith(b"HTTP/1.1 413") and b"longer than 1000000 bytes" in came


def test_many_at_once_are_all_answered(server):
    found = []
    clients = [threading.Thread(target=lambda: found.append(ask(server, GOOD)[0])) for _ in range(12)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert found == [200] * 12


def test_too_many_are_refused_with_a_reason():
    """One place, one in the queue: the third is refused, the second comes when the place is given back, once."""

    async def take():
        turns = limits.Turns(places=1, queue=1, wait=PATIENCE)
        give = await turns.take()
        waiting = asyncio.create_task(turns.take())
        await asyncio.sleep(0)
        with pytest.raises(engine.RequestError, match="1 requests are worked on and 1 wait") as refused:
            await turns.take()
        give()
        give()
        second = await waiting
        turns.wait = 0.01
        with pytest.raises(engine.RequestError, match="no place became free within"):
            await turns.take()
        second()
        return refused.value.status

    assert asyncio.run(take()) == 503


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (json.dumps(GOOD)[:-1] + ', "timeout": NaN}', "NaN is not a number of JSON"),
        (json.dumps(GOOD)[:-1] + ', "timeout": 1e400}', "timeout: inf; write seconds above 0 and at most 86400"),
        ({**GOOD, "timeout": 1e18}, "timeout: 1e+18; write seconds"),
        ({**GOOD, "timeout": 10**400}, "timeout: 1000"),
        ({**GOOD, "timeout": True}, "timeout: True; write seconds"),
        ({**GOOD, "parms": {**PARAMETERS, "res": 1e-6}}, "res: 1e-06"),
        ({**GOOD, "parms": {**PARAMETERS, "t0": "99999-01-01T00:00:00"}}, "is not a time between the years"),
        ({**GOOD, "resource": None, "resources": [NAME] * 1001}, "1001 granules; ask for at most 1000"),
        ({**GOOD, "resources": ["/etc/passwd"]}, "without folders"),
    ],
)
def test_what_would_not_end_is_refused(server, body, said):
    status, text = ask(server, body)
    assert status == 400 and said in json.loads(text)["error"]


def test_a_beam_of_too_many_extents_is_refused(server, monkeypatch):
    """
    838 heights of six beams lie closer than 10 extents allow.

    The reason says what to change.
    """
    monkeypatch.setattr(engine, "_MOST_EXTENTS", 10)
    status, text = ask(server, GOOD)
    said = json.loads(text)["error"]
    assert status == 400 and "res: 20 makes" in said and "raise res or give a smaller area" in said


def test_work_stops_between_blocks(data):
    """
    The work asks before each beam and each block whether to stop.

    After the third look nothing more is read.
    """
    granule, looks = atl03.read_granule(data(f"{FOLDER}/{NAME}")), []
    stopping = photons.Limits(stopped=lambda: looks.append(1) or len(looks) > 3)
    for work in (photons.granule_heights, photons.granule_extents):
        looks.clear()
        with pytest.raises(photons.Stopped):
            work(granule, PARAMETERS, threads=1, block=2000, limits=stopping)
        assert len(looks) >= 4
    whole, _ = photons.granule_heights(granule, PARAMETERS, limits=photons.Limits(stopped=lambda: False))
    assert len(whole) == 838


@pytest.fixture
def endless(monkeypatch):
    """Let work end only when it is told to, and return the flags of the work that began."""
    flags = []

    def work(request, assets, name, path, threads, stop):
        flags.append(stop)
        assert stop.wait(PATIENCE), "was never told to stop"
        raise photons.Stopped("stopped")

    monkeypatch.setattr(engine, "one_granule", work)
    return flags


def test_work_stops_when_the_time_is_over(server, endless):
    status, text = ask(server, {**GOOD, "timeout": 0.3})
    assert status == 504 and "not done within the timeout of 0.3 s" in text and endless[0].is_set()


def test_work_stops_when_the_client_is_gone_and_its_place_is_free_again(server, endless, monkeypatch):
    """The next client is served after more clients than there are places came and went."""
    body = json.dumps(GOOD).encode()
    for _ in range(6):
        begun = len(endless)
        connection = connected(server, HEAD % len(body) + body)
        until(lambda begun=begun: len(endless) > begun)
        connection.close()
        until(endless[-1].is_set)
    monkeypatch.undo()
    assert ask(server, GOOD)[0] == 200


def test_no_folder_is_told(server, monkeypatch):
    """
    No folder is told, even where its name has blanks.

    That holds for errors and, with several granules, for the alerts among the records.
    """

    def fails(request, assets, name, path, threads, stop):
        raise GranuleError(f"{path}: gt1l/heights: damaged; fetch it again")

    monkeypatch.setattr(engine, "one_granule", fails)
    status, text = ask(server, GOOD)
    assert (status, json.loads(text)["error"]) == (400, f"{NAME}: gt1l/heights: damaged; fetch it again")
    status, text = ask(server, {**GOOD, "resource": None, "resources": [NAME, NAME]})
    assert status == 200 and "damaged" in text and "my data" not in text and "/tmp" not in text
    for text, told in {
        "open /srv/a/c.h5 failed": "open c.h5 failed",
        "https://host/a/b.h5: 404": "https://host/a/b.h5: 404",
        "gt1l/heights: '/etc/passwd'": "gt1l/heights: 'passwd'",
    }.items():
        assert engine.without_folders(text, {}) == told
