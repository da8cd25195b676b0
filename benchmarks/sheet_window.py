"""
Reading 300 x 300 km of a file of a whole ice sheet where it lies: ours against xarray through fsspec.

The file has the layout of ITS_LIVE's record of grounded Antarctica: 2916 x 2916 cells and 429 months, in chunks of one
month and 108 x 108 cells, of which those about the window are written. How the files in the bucket are chunked was not
seen. A server on this machine gives ranges of it and counts what it sends; the chunks of the window are the least that
can be sent. Both ways must give the same heights. `quarters` is our reading in bands, as a study does it.

    python benchmarks/sheet_window.py
"""

from __future__ import annotations

import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import fsspec  # noqa: E402
import h5py  # noqa: E402
import numpy as np  # noqa: E402
import shapely  # noqa: E402
import xarray as xr  # noqa: E402
from measure import measure, report  # noqa: E402
from tests.builders.sheets import put  # noqa: E402

import join_records  # noqa: E402
from nunatak.geometry.region import Region  # noqa: E402
from nunatak.products.itslive_elevation import read_elevation  # noqa: E402
from nunatak.study.period import Period  # noqa: E402

CELLS, MONTHS, TILE, CELL = 2916, 429, 108, 1920.0
HALF = 0.5 * CELLS * CELL
TILES = [(row, column) for row in (14, 15, 16, 17) for column in (5, 6, 7)]  # written: those of the window and others
LEFT, TOP, SIDE = -HALF + 5 * TILE * CELL + 9600.0, HALF - 15 * TILE * CELL - 9600.0, 300e3
BOUNDS = (LEFT, TOP - SIDE, LEFT + SIDE, TOP)
VARIABLES = {"dh": "f4", "rmse": "f4", "quality_flag": "u1"}
LIMIT = 300  # MB of memory
FEW = 6  # months that both ways read: xarray's takes minutes for more


def write(path):
    """Write the file and return the bytes of the chunks that the window touches, and their number."""
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        centres = np.linspace(-HALF + CELL / 2, HALF - CELL / 2, CELLS)
        put(file, "x", centres).make_scale("x")
        put(file, "y", centres[::-1]).make_scale("y")
        put(file, "time", 12890.5 + 30.4375 * np.arange(MONTHS), units="days since 1950-01-01").make_scale("time")
        put(file, "mapping", np.int8(0), spatial_epsg="3031.0")
        for name, kind in VARIABLES.items():
            form = {"chunks": (1, TILE, TILE), "fillvalue": 0 if kind == "u1" else -32767, "compression": 1}
            made = file.create_dataset(name, (MONTHS, CELLS, CELLS), kind, **form)
            made.attrs["_FillValue"] = made.dtype.type(form["fillvalue"])
            for number, axis in enumerate(("time", "y", "x")):
                made.dims[number].attach_scale(file[axis])
            for row, column in TILES:
                own = slice(row * TILE, (row + 1) * TILE), slice(column * TILE, (column + 1) * TILE)
                for month in range(MONTHS):
                    noise = 1000 * rng.normal(size=(TILE, TILE))
                    made[month, *own] = 1 if kind == "u1" else noise.round() / 1000
    return _least(path)


def _least(path):
    """Bytes and number of the chunks that lie in the window."""
    bytes_of = []
    with h5py.File(path) as file:
        columns = [np.flatnonzero((file["x"][()] + CELL / 2 > BOUNDS[0]) & (file["x"][()] - CELL / 2 < BOUNDS[2]))]
        rows = [np.flatnonzero((file["y"][()] + CELL / 2 > BOUNDS[1]) & (file["y"][()] - CELL / 2 < BOUNDS[3]))]
        inside = {(row, column) for row in set(rows[0] // TILE) for column in set(columns[0] // TILE)}
        for name in VARIABLES:
            chunks = file[name].id
            for number in range(chunks.get_num_chunks()):
                info = chunks.get_chunk_info(number)
                if (info.chunk_offset[1] // TILE, info.chunk_offset[2] // TILE) in inside:
                    bytes_of.append(info.size)
    return sum(bytes_of), len(bytes_of)


class Server:
    """The file by range on this machine, with what was sent below each first part of a path."""

    def __init__(self, path):
        self.sent, self.asked = {}, {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, Path(path)))
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def address(self, way):
        """Return the address of the file for one of the ways that are compared."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/{way}/ANT_G1920V01_GroundedIceHeight.nc"

    def taken(self, way):
        """Return bytes and requests of a way so far, and count anew."""
        return self.sent.pop(way, 0), self.asked.pop(way, 0)


def _handler(server, path):
    size = path.stat().st_size

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self._head(200, size)

        def do_GET(self):
            first, last = self.headers.get("Range", f"bytes=0-{size - 1}").removeprefix("bytes=").split("-")
            start, end = int(first), min(int(last or size - 1), size - 1)
            with open(path, "rb") as stream:
                stream.seek(start)
                part = stream.read(end - start + 1)
            way = self.path.split("/")[1]
            server.sent[way] = server.sent.get(way, 0) + len(part)
            server.asked[way] = server.asked.get(way, 0) + 1
            self._head(206, len(part), {"Content-Range": f"bytes {start}-{end}/{size}"})
            self.wfile.write(part)

        def _head(self, status, length, more=None):
            self.send_response(status)
            told = {"Content-Length": length, "Accept-Ranges": "bytes", "ETag": '"made"', **(more or {})}
            for name, value in told.items():
                self.send_header(name, str(value))
            self.end_headers()

        def log_message(self, *arguments):
            """Say nothing."""

    return Handler


def ours(address, months=MONTHS):
    """The window in the first so many months, with flags: its sum and number of values."""
    end = np.datetime64("1985-04-17", "D") + np.timedelta64(round(30.4375 * months), "D") - np.timedelta64(15, "D")
    data = read_elevation(address, bounds=BOUNDS, crs="EPSG:3031", period=("1985-01-01", str(end)))
    return _answer(data["dh"].values)


def quarters(address):
    """The window by quarter, read in bands as a study does it."""
    area = shapely.box(*BOUNDS)
    region = Region("window", shapely.transform(area, _to_earth))
    found = join_records.read_quarters(address, region, Period.model_validate(["1985-01-01", "2021-12-31"]))
    return _answer(found["dh"].values)


def theirs(address, months):
    """The window in the first so many months by xarray on a file of fsspec, with its own cache."""
    with fsspec.filesystem("http").open(address) as stream:
        data = xr.open_dataset(stream, engine="h5netcdf", decode_times=False)
        left, bottom, right, top = BOUNDS
        half = CELL / 2 - 1.0  # a cell that only shares an edge does not touch the window
        part = data[list(VARIABLES)].isel(time=slice(months))
        part = part.sel(x=slice(left - half, right + half), y=slice(top + half, bottom - half)).load()
    return _answer(part["dh"].where(part["dh"] > -32767).values)


def _to_earth(points):
    import pyproj

    to_earth = pyproj.Transformer.from_crs("EPSG:3031", "EPSG:4326", always_xy=True)
    return np.column_stack(to_earth.transform(points[:, 0], points[:, 1]))


def _answer(values):
    return [float(np.nansum(values, dtype="f8")), int(np.isfinite(values).sum())]


def main():
    """Print what every way moved, asked and held, beside the chunks of the window."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ANT_G1920V01_GroundedIceHeight.nc"
        least, chunks = write(path)
        server = Server(path)
        rows, found = {}, {}
        for way, months in (("ours", MONTHS), ("quarters", MONTHS), ("ours_few", FEW), ("theirs_few", FEW)):
            more = {} if way == "quarters" else {"months": months}
            found[way] = measure(__file__, way.split("_")[0], {"address": server.address(way), **more}, repeat=0)
            moved, asked = server.taken(way)
            rows[way] = {
                "months": months,
                "MB moved": moved / 1e6,
                "over the chunks": moved / (least * months / MONTHS),
                "requests": asked,
                "MB of memory": found[way].peak_memory_mb,
                "CPU s": found[way].cpu_seconds,
            }
        same = np.allclose(found["ours_few"].answer, found["theirs_few"].answer, rtol=1e-9)
        result = {
            "chunks_mb": least / 1e6,
            "chunks": chunks,
            **{f"{name}_{way}": row[key] for way, row in rows.items() for key, name in _KEYS.items()},
            "within_memory": max(found[way].peak_memory_mb for way in ("ours", "quarters")) <= LIMIT,
            "same_heights": bool(same),
        }
        size = path.stat().st_size / 1e6
        report(f"{SIDE / 1e3:.0f} x {SIDE / 1e3:.0f} km, {MONTHS} months, of a file of {size:.0f} MB", rows, result)


_KEYS = {"MB moved": "moved_mb", "requests": "requests", "MB of memory": "memory_mb"}

if __name__ == "__main__":
    main()
