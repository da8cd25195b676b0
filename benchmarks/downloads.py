"""
Bringing granules here: ours against earthaccess, from a stand-in of the services with 8 connections of 10 MB/s each.

The line is a server of its own on this machine, which speaks TLS and takes its share of the same processors; `bare` is
what eight threads get from it that read and throw away. Ours checks length, signature, size, MD5 and content, keeps a
SHA-256 and can go on where it was cut off; earthaccess writes what comes. Files of both must agree. Also: the memory
for one file of 20 and one of 400 MB, and 5,000 granules that are here already.

    python benchmarks/downloads.py
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import earthaccess  # noqa: E402
import h5py  # noqa: E402
import numpy as np  # noqa: E402
import requests  # noqa: E402
from measure import measure, report  # noqa: E402
from tests.builders.tiny_granules import atl06, name_of  # noqa: E402
from tests.standin import certificates, faults, redirect, services  # noqa: E402
from tests.standin.messages import Answer  # noqa: E402
from tests.standin.server import StandIn  # noqa: E402

from nunatak.archives.nasa import login  # noqa: E402
from nunatak.archives.transfer import download, receipts, transport  # noqa: E402
from nunatak.granules import granule_table  # noqa: E402

CONNECTIONS, RATE = 8, 10e6  # of the line: bytes per second and connection
FILES, SIZE = 16, 57e6  # bytes: an ATL06 granule
PRESENT = 5000


def granule(path, size):
    """An ATL06 granule of about so many bytes, of which nearly all are one array of noise."""
    made = atl06(path.parent, path.name)
    with h5py.File(made, "a") as file:
        file["noise"] = np.random.default_rng(7).integers(0, 255, int(size), dtype="u1")
    return made


def serve(folder):
    """The line: login, data host and storage, until the other side hangs up; each path ends in size and rate."""
    held = {path.name: path.read_bytes() for path in Path(folder).glob("*.h5")}

    def storage(request):
        *_, name, rate, _ = request.path.split("/")
        body = held[name]
        start = int(request.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        answer = Answer(206 if start else 200, body[start:], {"ETag": f'"{name}"'})
        answer.rate = float(rate) or None
        return answer

    def data(request):
        return Answer(303, b"", {"Location": f"https://{faults.CLOUD}{request.path}"})

    authority, certificate, key = certificates.make(folder)
    standin = StandIn({faults.EDL: services.edl, faults.DATA: data, faults.CLOUD: storage}, certificate, key)
    print(json.dumps({"port": standin.port, "authority": str(authority)}), flush=True)
    sys.stdin.read()
    standin.close()


def ours(line, folder, urls, size, md5):
    """Seconds and the SHA-256 of what came."""
    _reach(line)
    rows = [
        {
            "file_name": url.rsplit("/", 1)[1],
            "url": url,
            "size_bytes": size,
            "checksum": md5,
            "checksum_algorithm": "MD5",
        }
        for url in urls
    ]
    start = time.monotonic()
    pause = transport.BackOff(Path(folder) / "pause")
    ledger = download.fetch(granule_table(rows), folder, login.session, back_off=pause, connections=CONNECTIONS)
    assert set(ledger["status"]) == {"present"}, ledger["reason"]
    return {"seconds": time.monotonic() - start, "sha256": sorted(set(ledger["sha256"]))}


def client(line, folder, urls):
    """The same by earthaccess."""
    _reach(line)
    start = time.monotonic()
    store = earthaccess.Store(earthaccess.Auth().login(strategy="environment"))
    paths = store.get(urls, folder, provider="NSIDC_CPRD", threads=CONNECTIONS, show_progress=False)
    seconds = time.monotonic() - start
    return {"seconds": seconds, "sha256": sorted({hashlib.sha256(path.read_bytes()).hexdigest() for path in paths})}


def bare(line, urls):
    """The line itself: read and thrown away."""
    _reach(line)

    def read(url):
        with requests.get(url.replace(faults.DATA, faults.CLOUD), stream=True, timeout=60) as answer:
            while answer.raw.read(1 << 17):
                pass

    start = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(read, urls))
    return {"seconds": time.monotonic() - start}


def present(folder):
    """Seconds for a ledger of granules that are all here, unchanged since they were checked."""
    rows = [
        {"file_name": path.name, "size_bytes": 8, "url": "https://host/x"}
        for path in Path(folder, "atl06").glob("*.h5")
    ]
    start = time.monotonic()
    ledger = download.fetch(granule_table(rows), folder, None, back_off=None, connections=CONNECTIONS)
    assert len(ledger) == PRESENT and set(ledger["status"]) == {"present"}
    return {"seconds": time.monotonic() - start}


def _reach(line):
    """Lead this process to the line, with a login that it takes."""
    os.environ |= redirect.environment(line["port"], line["authority"])
    os.environ |= {"EARTHDATA_USERNAME": services.USER, "EARTHDATA_PASSWORD": services.PASSWORD}
    redirect.install()


def urls(name, rate, number):
    """Addresses of so many granules of the same bytes; `rate` 0 for as fast as it goes."""
    return [f"https://{faults.DATA}/{name}/{rate}/{name_of(rgt)}" for rgt in range(1, number + 1)]


def _have(folder):
    """Granules that are here, with their receipts."""
    (folder / "atl06").mkdir(parents=True)
    for number in range(PRESENT):
        path = folder / "atl06" / name_of(number % 1387 + 1, number // 1387 + 3)
        path.write_bytes(b"not read")
        receipts.keep(path, checksums={"SHA-256": f"{number:064d}"}, status="present", reason="")


def main():
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        (base / "held").mkdir()
        made = {
            name: granule(base / "held" / f"{name}.h5", size)
            for name, size in (("part", SIZE), ("small", 20e6), ("large", 400e6))
        }
        facts = {n: {"size": p.stat().st_size, "md5": hashlib.md5(p.read_bytes()).hexdigest()} for n, p in made.items()}
        _have(base / "present")
        with subprocess.Popen(
            [sys.executable, __file__, "serve", str(base / "held")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as server:
            line = json.loads(server.stdout.readline())
            asked = {"line": line, "urls": urls("part.h5", RATE, FILES)}
            found = {
                "ours": measure(__file__, "ours", {**asked, "folder": str(base / "ours"), **facts["part"]}, repeat=0),
                "earthaccess": measure(__file__, "client", {**asked, "folder": str(base / "client")}, repeat=0),
                "bare": measure(__file__, "bare", asked, repeat=0),
            }
            memory = {
                name: measure(
                    __file__,
                    "ours",
                    repeat=0,
                    arguments={
                        "line": line,
                        "urls": urls(f"{name}.h5", 0, 1),
                        "folder": str(base / name),
                        **facts[name],
                    },
                ).peak_memory_mb
                for name in ("small", "large")
            }
            server.stdin.close()
        checked = measure(__file__, "present", {"folder": str(base / "present")}, repeat=0)
    if found["ours"].answer["sha256"] != found["earthaccess"].answer["sha256"]:
        raise SystemExit("the files differ")
    _tell(found, memory, checked, FILES * facts["part"]["size"])


def _tell(found, memory, checked, total):
    rows = {
        name: {
            "seconds": one.answer["seconds"],
            "MB/s": total / one.answer["seconds"] / 1e6,
            "of the line": total / one.answer["seconds"] / (CONNECTIONS * RATE),
            "CPU s per GB": one.cpu_seconds / total * 1e9,
            "peak MB": one.peak_memory_mb,
        }
        for name, one in found.items()
    }
    report(
        f"{FILES} granules, {total / 1e6:.0f} MB, over {CONNECTIONS} connections of {RATE / 1e6:.0f} MB/s (load of the "
        f"machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors, which the server shares)",
        rows,
        {
            "line_share": rows["ours"]["of the line"],
            "line_share_bare": rows["bare"]["of the line"],
            "line_share_earthaccess": rows["earthaccess"]["of the line"],
            "cpu_seconds_per_gb": rows["ours"]["CPU s per GB"],
            "cpu_seconds_per_gb_earthaccess": rows["earthaccess"]["CPU s per GB"],
            "memory_mb_20": memory["small"],
            "memory_mb_400": memory["large"],
            "present_5000_seconds": checked.answer["seconds"],
        },
    )


if __name__ == "__main__":
    serve(sys.argv[2]) if sys.argv[1:2] == ["serve"] else main()
