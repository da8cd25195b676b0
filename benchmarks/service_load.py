"""
What the photon service bears: slow clients, many clients, large bodies and work that nobody waits for.

    python benchmarks/service_load.py FOLDER [--clients 60] [--slow 600]

FOLDER holds ATL03 granules. The service runs in a process of its own; its memory, threads and connections are told
after each attack, and whether it still answers. The script ends with an error where one of them is not borne.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
SERVE = """
import sys, tempfile, time
from nunatak import api
with tempfile.TemporaryDirectory() as kept:
    with api.serve_photons(sys.argv[1], port=0, background=True, resources=kept) as server:
        print(server.address, flush=True)
        time.sleep(3600)
"""
PARAMETERS = {"srt": 3, "cnf": 1, "ats": 20, "cnt": 10, "len": 40, "res": 20}


class Attack:
    """A service, and what it is asked."""

    def __init__(self, folder):
        environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
        command = [sys.executable, "-c", SERVE, str(folder)]
        self.server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.host, port = self.server.stdout.readline().strip().split(":")
        self.port = int(port)
        self.good = {"parms": PARAMETERS, "resource": sorted(p.name for p in Path(folder).glob("ATL03*.h5"))[0]}

    def state(self):
        """Memory (MB), threads, open files of the service."""
        root = Path(f"/proc/{self.server.pid}")
        lines = dict(line.split(":", 1) for line in (root / "status").read_text().splitlines())
        return int(lines["VmRSS"].split()[0]) // 1024, int(lines["Threads"]), len(list((root / "fd").iterdir()))

    def ask(self, body, *, path="atl06", method="POST", timeout=180.0):
        """Status (0 where the connection broke) and seconds of one request."""
        begin = time.monotonic()
        call = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            call.request(method, f"/source/{path}", body=body if isinstance(body, bytes) else json.dumps(body))
            answer = call.getresponse()
            answer.read()
            status = answer.status
        except OSError:
            status = 0
        finally:
            call.close()
        return status, time.monotonic() - begin

    def slowly(self, start):
        """A connection on which the beginning of a request was sent."""
        connection = socket.create_connection((self.host, self.port), 10)
        connection.sendall(start)
        return connection

    def tell(self, what):
        memory, threads, files = self.state()
        print(f"{what:58s} {memory:5d} MB {threads:4d} threads {files:5d} files", flush=True)
        return memory, threads, files


def held(connections):
    """How many connections the service still holds."""
    number = 0
    for connection in connections:
        connection.setblocking(False)
        try:
            while piece := connection.recv(4096):
                pass
            number += piece != b""
        except BlockingIOError:
            number += 1
        except OSError:
            pass
    return number


def at_once(attack, clients):
    """Statuses of as many requests at once, and the longest wait for the version meanwhile."""
    found, waits = [], []
    workers = [threading.Thread(target=lambda: found.append(attack.ask(attack.good)[0])) for _ in range(clients)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        waits.append(attack.ask(b"", path="version", method="GET")[1])
        time.sleep(0.2)
    return found, max(waits, default=0.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("folder")
    parser.add_argument("--clients", type=int, default=60)
    parser.add_argument("--slow", type=int, default=600)
    asked = parser.parse_args()
    attack = Attack(asked.folder)
    try:
        run(attack, asked)
    finally:
        attack.server.terminate()
        attack.server.wait()


def run(attack, asked):
    for _ in range(3):  # kernels and memory as they stay
        assert attack.ask(attack.good)[0] == 200
    memory, threads, files = attack.tell("at rest")
    body = b"POST /source/atl06 HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n{"
    for what, start in (("bodies", body), ("heads", b"POST /source/atl06 HTTP/1.1\r\nHost: x\r\nX: ")):
        slow = [attack.slowly(start) for _ in range(asked.slow)]
        status, took = attack.ask(attack.good)
        attack.tell(f"{len(slow)} slow {what}; a request beside them: {status}, {took:.1f} s")
        assert status == 200
        time.sleep(40)
        left = held(slow)
        attack.tell(f"of the slow {what} after 40 s: {left} held")
        assert left == 0
        for connection in slow:
            connection.close()
    found, longest = at_once(attack, asked.clients)
    told = ", ".join(f"{found.count(status)} x {status}" for status in sorted(set(found)))
    attack.tell(f"{asked.clients} clients: {told}; version within {longest:.1f} s")
    assert set(found) <= {200, 503} and found.count(200) > 0
    large = b'{"resource": "' + b"a" * 100_000_000 + b'"}'
    status, took = attack.ask(large)
    attack.tell(f"a body of 100 MB: {status}, {took:.1f} s")
    assert status in (0, 413)
    heavy = json.dumps({**attack.good, "parms": {**PARAMETERS, "res": 0.1, "len": 200}}).encode()
    start = b"POST /source/atl06 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(heavy) + heavy
    gone = [attack.slowly(start) for _ in range(20)]
    time.sleep(1)
    for connection in gone:
        connection.close()
    status, took = attack.ask(attack.good)
    after = attack.tell(f"20 heavy requests whose clients left; a request then: {status}, {took:.1f} s")
    assert status == 200
    assert after[0] < memory + 500 and after[1] < threads + 60 and after[2] < files + 50, (memory, threads, files)


if __name__ == "__main__":
    main()
