"""
A cube of 200 version 1 image pairs, six variables: ours against the ITS_LIVE notebook's own calls.

Made-up granules of the size and compressibility of a real one over Pine Island Glacier (592 x 636 cells of 240 m, about
60 % missing), their footprints jittered by up to 50 km; the polygon is the notebook's. The notebook's way is that of
VelocityProcessing.load_cube: xarray opens every file, rioxarray clips it, xarray joins them. The floor is the inflating
of every chunk the cube touches, and nothing else. Version 2 aligned pairs are read through h5py and our way.

    python benchmarks/velocity_cube.py
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import rioxarray  # noqa: F401  at the top, so that it counts for neither side
import xarray as xr
from measure import measure, report

from nunatak.cubes.blocks import layers_per_block, read_blocks
from nunatak.geometry.grid import Grid
from nunatak.geometry.region import load
from nunatak.parameters.velocity import PairSelection
from nunatak.products import inflate
from nunatak.products.itslive.fields import FILL
from nunatak.products.itslive.ground import scale_field, to_ground, window_grid
from nunatak.products.itslive.index import index_pairs, index_table
from nunatak.products.itslive.store import CubeWriter
from nunatak.simulation.itslive_files import write_granule
from nunatak.simulation.itslive_pairs import Pair
from nunatak.simulation.itslive_values import Measured
from nunatak.velocity.cube import plan_cube
from nunatak.velocity.lattice import place, source_grid, source_window

POLYGON = [[-101.1555, -74.7387], [-99.1172, -75.0879], [-99.8797, -75.46], [-102.425, -74.925]]
VARIABLES = ("vx", "vy", "v", "chip_size_width", "chip_size_height", "interp_mask")
N = 200
CENTRE = (-1.6003e6, -306336.0)


def make(folder, layout, n):
    """Write n granules: one smooth field with noise, rolled from pair to pair; returns nothing."""
    rng = np.random.default_rng(1)
    cell, shape = (240.0, (592, 636)) if layout == "v1" else (120.0, (900, 1000))
    y, x = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    base = 3000 * np.exp(-4 * x**2) * (1.2 - y**2)
    gaps = (
        rng.normal(size=(shape[0] // 16 + 1, shape[1] // 16 + 1)).repeat(16, 0).repeat(16, 1)[: shape[0], : shape[1]]
        < 0.25
    )
    for i in range(n):
        shift = 37 * i % shape[1]
        noise = [rng.normal(0, 20, shape) for _ in range(2)]
        missing = np.roll(gaps, shift, 1)
        vx, vy = (
            np.where(missing, FILL, np.rint(f * base + e)).astype("i2")
            for f, e in zip((-0.55, -0.84), noise, strict=True)
        )
        jitter = rng.integers(-200, 200, 2) * cell
        left = -7.5 + cell * np.round((CENTRE[0] - shape[1] / 2 * cell + jitter[0]) / cell)
        top = 7.5 + cell * np.round((CENTRE[1] + shape[0] / 2 * cell + jitter[1]) / cell)
        grid = Grid("EPSG:3031", float(left), float(top), cell, cell, *shape)
        chips = np.where(missing, 0, 480).astype("u2")
        m = Measured(grid, vx, vy, chips, (rng.random(shape) < 0.02).astype("u1"), (30.0, 30.0), (0.0, 0.0), 1, 60)
        first = np.datetime64("2012-01-01T14:00:00") + np.timedelta64(i, "D")
        second = first + np.timedelta64(16, "D")
        ids = [f"LE07_L1GT_001113_{str(t)[:10].replace('-', '')}_20161127_01_T2" for t in (first, second)]
        pair = Pair(*ids, first, second, 3031, layout, (0.0, 0.0))
        kind = "G0240V01" if layout == "v1" else "G0120V02"
        with h5py.File(Path(folder) / f"{ids[0]}_X_{ids[1]}_{kind}_P060.nc", "w") as file:
            write_granule(file, pair, m)


_plans: dict = {}


def plan(folder, variables=VARIABLES):
    """The plan of a cube, its index made before (a second build opens no metadata)."""
    key = folder, tuple(variables)
    if key not in _plans:
        index = index_pairs(sorted(Path(folder).glob("*.nc")))
        selection = PairSelection(variables=tuple(variables))
        _plans[key] = plan_cube(index, load({"lonlat": POLYGON}).projected, selection=selection)
    return _plans[key]


def ours(folder, variables=VARIABLES):
    """Read and assemble the whole cube in memory; the sum of vx inside the polygon."""
    made = plan(folder, variables)
    rows = made.candidates
    out = {name: [] for name in made.variables}
    for _, layers in read_blocks(made, memory_mb=64, threads=1):
        for name, values in layers.items():
            out[name].append(values)
    return _checksum(out["vx"], made.roi, len(rows))


def _checksum(blocks, roi, n):
    total = sum(int(block[:, roi][block[:, roi] != FILL].astype("i8").sum()) for block in blocks)
    return {"sum": total, "pairs": n}


def ours_with_zarr(folder):
    """The same, written to disk."""
    made = plan(folder)
    with tempfile.TemporaryDirectory() as out:
        writer = CubeWriter(Path(out) / "cube.zarr", made.grid, made.roi, made.variables, len(made.candidates))
        for rows, layers in read_blocks(made, memory_mb=64, threads=1):
            writer.append(rows[rows["fate"] == "used"], layers)
        writer.close()
    return None


def floor(folder, variables=VARIABLES):
    """Inflate every chunk the cube touches, and nothing else."""
    made = plan(folder, variables)
    total = 0
    for row in made.candidates.to_dict("records"):
        source = source_grid(row)
        rows, columns = source_window(place(source, made.grid), source, made.grid)
        chunks = json.loads(row["chunks"])
        with open(row["path"], "rb", buffering=0) as stream:
            for name in made.variables:
                table = chunks.get(name, {"at": ()})
                for r, c, offset, stored in table["at"]:
                    height, width = table["chunk"]
                    if r < rows[1] and r + height > rows[0] and c < columns[1] and c + width > columns[0]:
                        stream.seek(offset)
                        item = 1 if name == "interp_mask" else 2
                        total += len(inflate.inflate(stream.read(stored), height * width * item))
    return total


def notebook(folder):
    """VelocityProcessing.load_cube, one projection: open all, write_crs, clip, drop empty ones, concat, sort."""
    # the notebook gives corners in longitude and latitude, and straight edges on the map enclose a few other cells
    polygon = load({"lonlat": POLYGON}).projected("EPSG:3031")
    layers = []
    for granule in [xr.open_dataset(path) for path in sorted(Path(folder).glob("*.nc"))]:
        time_ = np.datetime64(_iso(granule["img_pair_info"].attrs["date_center"]), "ns")
        fields = granule[list(VARIABLES)].rio.write_crs("EPSG:3031")
        clipped = fields.rio.clip([polygon], crs="EPSG:3031")
        if bool(np.isfinite(clipped["v"]).any()):
            layers.append(clipped.assign_coords(time=time_).expand_dims("time"))
    cube = xr.concat(layers, dim="time").sortby("time")
    return {"sum": int(np.nansum(cube["vx"].values, dtype="f8")), "pairs": cube.sizes["time"]}


def _iso(text):
    text = text.decode() if isinstance(text, bytes) else str(text)
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}"


def h5py_slices(folder):
    """vx and vy of version 2 aligned pairs through h5py's slices into int16 arrays, divided by the map's scale."""
    made = plan(folder, ("vx", "vy"))
    out = np.full((2, len(made.candidates), *made.grid.shape), FILL, "i2")
    for i, row in enumerate(made.candidates.to_dict("records")):
        source = source_grid(row)
        placement = place(source, made.grid)
        rows, columns = source_window(placement, source, made.grid)
        into = tuple(
            slice(a - o, b - o)
            for (a, b), o in zip((rows, columns), (placement.row_offset, placement.column_offset), strict=True)
        )
        k = scale_field(window_grid(row, rows, columns))
        with h5py.File(row["path"]) as file:
            for c, name in enumerate(("vx", "vy")):
                out[(c, i, *into)] = to_ground(file[name][(0, slice(*rows), slice(*columns))], k)
    return _checksum([out[0]], made.roi, len(made.candidates))


def stream(folder, n):
    """CPU milliseconds per pair of a cube of n pairs (the same granules under other dates), streamed to disk."""
    base = plan(folder)
    few = base.pairs.to_dict("records")
    rows = []
    for i in range(n):
        row = dict(few[i % len(few)])
        row["granule_id"] = f"{row['granule_id']}-{i // len(few)}"
        row["image_key"] = row["granule_id"]
        for key in ("mid_date", "acquisition_date_img1", "acquisition_date_img2"):
            row[key] = row[key] + np.timedelta64(i // len(few), "h")
        rows.append(row)
    pairs = index_table(rows).assign(fate="used", why="", treatment="copied")
    made = replace(base, pairs=pairs)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as out:
        writer = CubeWriter(Path(out) / "cube.zarr", made.grid, made.roi, made.variables, n)
        for block, layers in read_blocks(made, memory_mb=128, threads=1):
            writer.append(block[block["fate"] == "used"], layers)
        writer.close()
    assert layers_per_block(made.grid, made.variables, 128) < n
    return 1e3 * (time.process_time() - began) / n


def main():
    """Make the granules, run every way, print the table and the JSON line."""
    with tempfile.TemporaryDirectory() as folder:
        v1, v2 = Path(folder) / "v1", Path(folder) / "v2a"
        for target, layout, n in ((v1, "v1", N), (v2, "v2a", N // 2)):
            target.mkdir()
            make(target, layout, n)
        given = {"folder": str(v1)}
        peer = measure(__file__, "notebook", given, repeat=0)
        mine = measure(__file__, "ours", given)
        disk = measure(__file__, "ours_with_zarr", given)
        inflated = measure(__file__, "floor", given)
        aligned = {"folder": str(v2)}
        slices = measure(__file__, "h5py_slices", aligned)
        mine_v2 = measure(__file__, "ours", {**aligned, "variables": ["vx", "vy"]})
        streams = {n: measure(__file__, "stream", {**given, "n": n}, repeat=0) for n in (200, 1000, 5000)}
    assert mine.answer == peer.answer, f"cubes differ: {mine.answer} {peer.answer}"
    assert mine_v2.answer == slices.answer, f"cubes differ: {mine_v2.answer} {slices.answer}"
    rows = {
        "the notebook's load_cube": {"CPU s": peer.cpu_seconds, "peak MB": peer.peak_memory_mb},
        "ours, read and assemble": {"CPU s": mine.cpu_seconds, "peak MB": mine.peak_memory_mb},
        "ours, written as Zarr": {"CPU s": disk.cpu_seconds, "peak MB": disk.peak_memory_mb},
        f"inflating alone ({inflate.LIBRARY})": {"CPU s": inflated.cpu_seconds, "peak MB": inflated.peak_memory_mb},
        "v2 aligned, vx vy, h5py": {"CPU s": slices.cpu_seconds, "peak MB": slices.peak_memory_mb},
        "v2 aligned, vx vy, ours": {"CPU s": mine_v2.cpu_seconds, "peak MB": mine_v2.peak_memory_mb},
        "stream of 5000 pairs": {"CPU s": streams[5000].answer * 5, "peak MB": streams[5000].peak_memory_mb},
    }
    result = {
        "cpu_ratio_notebook": peer.cpu_seconds / mine.cpu_seconds,
        # our cube goes to disk block by block, the notebook's stays in memory; the second key holds ours there too
        "memory_ratio_notebook": peer.peak_memory_mb / disk.peak_memory_mb,
        "memory_ratio_notebook_both_in_memory": peer.peak_memory_mb / mine.peak_memory_mb,
        "cpu_over_inflate": mine.cpu_seconds / inflated.cpu_seconds,
        "ms_per_pair_beyond_1.4_inflate": 1e3 * (mine.cpu_seconds - 1.4 * inflated.cpu_seconds) / N,
        "cpu_ratio_notebook_with_zarr": peer.cpu_seconds / disk.cpu_seconds,
        "cpu_ratio_h5py_v2_aligned": slices.cpu_seconds / mine_v2.cpu_seconds,
        **{f"ms_per_pair_{n}": found.answer for n, found in streams.items()},
        "stream_peak_memory_mb_5000": streams[5000].peak_memory_mb,
    }
    report(f"{N} version 1 image pairs, {len(VARIABLES)} variables", rows, result)


if __name__ == "__main__":
    main()
