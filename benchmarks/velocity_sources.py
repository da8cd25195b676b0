"""
Series at 10 points out of a datacube of 20,000 layers, whose chunks are those of ITS_LIVE: all layers of 10 x 10 cells.

Ours against xarray's own way, a window of the points' rows and columns (`sel(..., method="nearest").load()`), and
against xarray asked point by point.

    python benchmarks/velocity_sources.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import xarray as xr
import zarr
from measure import measure, report
from zarr.storage import LocalStore

from nunatak.products.itslive.datacube import Datacube

LAYERS, CELLS, CHUNK = 20000, 60, 10
FILL, SEEN = -32767, 0.1
POINTS = [(7 + 5 * k, 3 + 6 * k % 57) for k in range(10)]  # row, column
NAMES = ("vx", "vy")
_BLOSC = {"id": "blosc", "cname": "zlib", "clevel": 2, "shuffle": 1, "blocksize": 0}
_GET = LocalStore.get
moved = {"bytes": 0}


def build(folder):
    """Write the cube: a tenth of the values seen, whole numbers with noise."""
    rng = np.random.default_rng(1)
    group = zarr.open_group(str(folder), mode="w", zarr_format=2)

    def put(name, values, dims, chunks, **attributes):
        attributes |= {"_ARRAY_DIMENSIONS": list(dims)}
        fill = FILL if name in NAMES else None
        array = group.create_array(
            name,
            shape=values.shape,
            dtype=values.dtype,
            chunks=chunks,
            compressors=_BLOSC,
            fill_value=fill,
            attributes=attributes,
        )
        array[...] = values

    for name in NAMES:
        values = rng.normal(500, 50, (LAYERS, CELLS, CELLS)).astype("i2")
        values[rng.random(values.shape, dtype="f4") > SEEN] = FILL
        put(name, values, ("mid_date", "y", "x"), (LAYERS, CHUNK, CHUNK), missing_value=FILL, map_scale_corrected=1)
    start = np.sort(rng.uniform(15000, 19000, LAYERS))
    put("mid_date", start + 8, ("mid_date",), (LAYERS,))
    put("acquisition_date_img1", start, ("mid_date",), (LAYERS,))
    put("acquisition_date_img2", start + 16, ("mid_date",), (LAYERS,))
    for i in (1, 2):
        put(f"mission_img{i}", np.full(LAYERS, "L"), ("mid_date",), (LAYERS,))
        put(f"satellite_img{i}", np.full(LAYERS, "8."), ("mid_date",), (LAYERS,))
    put("x", 120.0 * np.arange(CELLS), ("x",), (CELLS,))
    put("y", 1000.0 - 120.0 * np.arange(CELLS), ("y",), (CELLS,))
    group.attrs["projection"] = "3031"
    zarr.consolidate_metadata(group.store)


def counted():
    """Count the bytes of every chunk of velocities that a store of a folder gives from here on."""
    moved["bytes"] = 0
    if LocalStore.get is not _GET:
        return

    async def counting(self, key, *given, **more):
        content = await _GET(self, key, *given, **more)
        if content is not None and key.partition("/")[0] in NAMES:
            moved["bytes"] += len(content)
        return content

    LocalStore.get = counting


def answer(values):
    """What a run tells: a sum of each point's values, and the bytes of the chunks read."""
    return [*(int(np.where(v == FILL, 0, v).sum()) for v in values), moved["bytes"]]


def ours(folder):
    """The chunks under the points, both components."""
    counted()
    cube = Datacube(folder)
    layers, on_map = np.arange(LAYERS), np.zeros(LAYERS, dtype=bool)
    rows, columns = np.array(POINTS).T
    return answer(v for name in NAMES for v in cube.series(name, layers, rows, columns, on_map).T)


def opened(folder):
    """The cube as xarray opens it, and the points' places."""
    counted()
    cube = xr.open_zarr(folder, chunks=None, mask_and_scale=False, decode_times=False)[list(NAMES)]
    return cube, *(cube[axis].values[[place[k] for place in POINTS]] for k, axis in enumerate("yx"))


def window(folder):
    """xarray: rows and columns of the points by their nearest coordinates."""
    cube, y, x = opened(folder)
    found = cube.sel(y=y, x=x, method="nearest").load()
    return answer(found[name].values[:, k, k] for name in NAMES for k in range(len(POINTS)))


def pointwise(folder):
    """xarray: the points as one dimension."""
    cube, y, x = opened(folder)
    found = cube.sel(y=xr.DataArray(y, dims="p"), x=xr.DataArray(x, dims="p"), method="nearest").load()
    return answer(found[name].values[:, k] for name in NAMES for k in range(len(POINTS)))


def main():
    """Build the cube, run all ways, compare, print the table and the JSON line."""
    with tempfile.TemporaryDirectory() as folder:
        cube = Path(folder) / "ITS_LIVE_vel_EPSG3031_G0120_X0_Y0.zarr"
        build(cube)
        under = {(name, i // CHUNK, j // CHUNK) for name in NAMES for i, j in POINTS}
        floor = sum((cube / f"{name}/0.{i}.{j}").stat().st_size for name, i, j in under)
        runs = {name: measure(__file__, name, {"folder": str(cube)}) for name in ("ours", "window", "pointwise")}
    assert len({tuple(run.answer[:-1]) for run in runs.values()}) == 1, "the series differ"
    cpu, bytes_ = ({name: pick(run) for name, run in runs.items()} for pick in (_cpu, _bytes))
    rows = {
        name: {"cpu_s": cpu[name], "MB": bytes_[name] / 1e6, "peak_MB": run.peak_memory_mb}
        for name, run in runs.items()
    }
    result = {
        "cpu_seconds": cpu["ours"],
        "bytes_over_chunks": bytes_["ours"] / floor,
        "peak_memory_mb": runs["ours"].peak_memory_mb,
        "cpu_ratio_xarray": cpu["window"] / cpu["ours"],
        "bytes_ratio_xarray": bytes_["window"] / bytes_["ours"],
        "cpu_ratio_xarray_pointwise": cpu["pointwise"] / cpu["ours"],
        "bytes_ratio_xarray_pointwise": bytes_["pointwise"] / bytes_["ours"],
    }
    report(f"series at {len(POINTS)} points of {LAYERS} layers, both components", rows, result)


def _cpu(run):
    return run.cpu_seconds


def _bytes(run):
    return run.answer[-1]


if __name__ == "__main__":
    main()
