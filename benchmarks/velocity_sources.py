"""
Series and annual velocities out of a datacube of 20,000 layers in ITS_LIVE's chunks: all layers of 10 x 10 cells.

Series at 10 points: ours against xarray's own way, a window of the points' rows and columns
(`sel(..., method="nearest").load()`), and against xarray asked point by point. Annual velocities of maps of 40 x 40 and
40 x 80 cells: the streamed fit against inflating the same chunks and fitting the same series, and its memory.

    python benchmarks/velocity_sources.py
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numcodecs
import numpy as np
import pyproj
import xarray as xr
import zarr
from measure import measure, report
from zarr.storage import LocalStore

from nunatak.cubes.datacubes import plan_layers
from nunatak.cubes.streaming import stream_composite
from nunatak.cubes.tiles import stack_of
from nunatak.geometry.region import load
from nunatak.products.itslive.datacube import Datacube
from nunatak.velocity.composition import Composition, series_of

LAYERS, CELLS, CHUNK = 20000, 60, 10
FILL, SEEN = -32767, 0.1
POINTS = [(7 + 5 * k, 3 + 6 * k % 57) for k in range(10)]  # row, column
NAMES = ("vx", "vy")
COLUMNS = (40, 80)  # cells of the map along x; along y it has 40
_AT = -1.6e6, -3.0e5  # m, left and upper edge of its cube in EPSG:3031
_BLOSC = {"id": "blosc", "cname": "zlib", "clevel": 2, "shuffle": 1, "blocksize": 0}
_GET = LocalStore.get
moved = {"bytes": 0}


def put(group, name, values, dims, chunks, *, shape=None, **attributes):
    """Return a new array of a cube, with values where they are given."""
    attributes |= {"_ARRAY_DIMENSIONS": list(dims)}
    array = group.create_array(
        name,
        shape=values.shape if shape is None else shape,
        dtype="i2" if values is None else values.dtype,
        chunks=chunks,
        compressors=_BLOSC,
        fill_value=FILL if name in NAMES else None,
        attributes=attributes,
    )
    if values is not None:
        array[...] = values
    return array


def by_layer(group, start):
    """Write what is said of every layer, and the projection."""
    put(group, "mid_date", start + 8, ("mid_date",), (LAYERS,))
    put(group, "acquisition_date_img1", start, ("mid_date",), (LAYERS,))
    put(group, "acquisition_date_img2", start + 16, ("mid_date",), (LAYERS,))
    for name in ("vx_error", "vy_error"):
        put(group, name, np.full(LAYERS, 50.0, "f4"), ("mid_date",), (LAYERS,))
    for i in (1, 2):
        put(group, f"mission_img{i}", np.full(LAYERS, "L"), ("mid_date",), (LAYERS,))
        put(group, f"satellite_img{i}", np.full(LAYERS, "8."), ("mid_date",), (LAYERS,))
    group.attrs["projection"] = "3031"


def build(folder):
    """Write the cube: a tenth of the values seen, whole numbers with noise."""
    rng = np.random.default_rng(1)
    group = zarr.open_group(str(folder), mode="w", zarr_format=2)
    about = {"missing_value": FILL, "map_scale_corrected": 1}
    for name in NAMES:
        values = rng.normal(500, 50, (LAYERS, CELLS, CELLS)).astype("i2")
        values[rng.random(values.shape, dtype="f4") > SEEN] = FILL
        put(group, name, values, ("mid_date", "y", "x"), (LAYERS, CHUNK, CHUNK), **about)
    by_layer(group, np.sort(rng.uniform(15000, 19000, LAYERS)))
    put(group, "x", 120.0 * np.arange(CELLS), ("x",), (CELLS,))
    put(group, "y", 1000.0 - 120.0 * np.arange(CELLS), ("y",), (CELLS,))
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


def build_map(folder, nx, ny=40):
    """Write a cube of 20,000 layers over a map, chunk column by chunk column."""
    rng = np.random.default_rng(2)
    group = zarr.open_group(str(folder), mode="w", zarr_format=2)
    start = np.sort(rng.uniform(15000, 19000, LAYERS))
    season = 40 * np.sin(2 * np.pi * start / 365.25)
    for name in NAMES:
        about = {"missing_value": FILL, "map_scale_corrected": 1}
        array = put(group, name, None, ("mid_date", "y", "x"), (LAYERS, CHUNK, CHUNK), shape=(LAYERS, ny, nx), **about)
        for i, j in np.ndindex(ny // CHUNK, nx // CHUNK):
            values = (season[:, None, None] + rng.normal(500, 50, (LAYERS, CHUNK, CHUNK))).astype("i2")
            values[rng.random(values.shape, dtype="f4") > SEEN] = FILL
            array[:, i * CHUNK : (i + 1) * CHUNK, j * CHUNK : (j + 1) * CHUNK] = values
    by_layer(group, start)
    put(group, "x", _AT[0] + 120.0 * np.arange(nx), ("x",), (nx,))
    put(group, "y", _AT[1] - 120.0 * np.arange(ny), ("y",), (ny,))
    zarr.consolidate_metadata(group.store)


def opened_map(folder):
    """Return the layers of the map as a stack, its tiles, and a prepared composite of it that is compiled."""
    to_globe = pyproj.Transformer.from_crs(3031, 4326, always_xy=True)
    region = load({"bbox": list(to_globe.transform_bounds(*Datacube(folder).grid.bounds))})
    chosen = {"geometry": "any", "percent_valid_pixels": 0}
    stack, tiles = stack_of(*plan_layers({folder: ""}, region, selection=chosen))
    made = Composition(stack, threads=1, error_limit=None)
    list(made.fields(*[np.full((1, LAYERS), FILL, "i2")] * 2, (slice(0, 1), slice(0, 1))))
    return stack, tiles, made


def streamed(folder):
    """CPU seconds of the annual velocities of the map, streamed."""
    stack, tiles, _ = opened_map(folder)
    began = time.process_time()
    stream_composite(stack, tiles, threads=1, error_limit=None)
    return time.process_time() - began


def floor(folder):
    """CPU seconds of inflating the map's chunks, and of fitting the same series, a column of chunks at a time."""
    stack, _, made = opened_map(folder)
    began = time.process_time()
    for name in NAMES:
        for path in sorted((Path(folder) / name).glob("0.*")):
            numcodecs.blosc.decompress(path.read_bytes())
    inflated, fitted = time.process_time() - began, 0.0
    for top, left in np.ndindex(made.mask.shape[0] // CHUNK, made.mask.shape[1] // CHUNK):
        window = slice(top * CHUNK, (top + 1) * CHUNK), slice(left * CHUNK, (left + 1) * CHUNK)
        series = [series_of(stack[name][:, window[0], window[1]].values, made.mask[window]) for name in NAMES]
        began = time.process_time()
        list(made.fields(*series, window))
        fitted += time.process_time() - began
    return inflated + fitted


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
    maps = {nx: _of_map(nx) for nx in COLUMNS}
    for nx, (run, least) in maps.items():
        rows[f"map of 40 x {nx}: streamed"] = {"cpu_s": run.answer, "MB": "", "peak_MB": run.peak_memory_mb}
        rows[f"map of 40 x {nx}: inflate, fit"] = {"cpu_s": least.answer, "MB": "", "peak_MB": ""}
    run, least = maps[COLUMNS[-1]]
    result = {
        "annual_cpu_over_inflate_and_fit": run.answer / least.answer,
        **{f"annual_peak_memory_mb_{nx}": run.peak_memory_mb for nx, (run, _) in maps.items()},
        "cpu_seconds": cpu["ours"],
        "bytes_over_chunks": bytes_["ours"] / floor,
        "peak_memory_mb": runs["ours"].peak_memory_mb,
        "cpu_ratio_xarray": cpu["window"] / cpu["ours"],
        "bytes_ratio_xarray": bytes_["window"] / bytes_["ours"],
        "cpu_ratio_xarray_pointwise": cpu["pointwise"] / cpu["ours"],
        "bytes_ratio_xarray_pointwise": bytes_["pointwise"] / bytes_["ours"],
    }
    report(f"series at {len(POINTS)} points, and maps, of {LAYERS} layers, both components", rows, result)


def _of_map(nx):
    """Return the measurements of a map so many cells wide, streamed and its floor, each of a first call."""
    with tempfile.TemporaryDirectory() as folder:
        cube = str(Path(folder) / "map.zarr")
        build_map(cube, nx)
        return [measure(__file__, name, {"folder": cube}, repeat=0) for name in ("streamed", "floor")]


def _cpu(run):
    return run.cpu_seconds


def _bytes(run):
    return run.answer[-1]


if __name__ == "__main__":
    main()
