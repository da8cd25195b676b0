"""The cube: right cells of the right pairs, every pair with its fate, the same bytes however it is built."""

import json
import os
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
import rioxarray  # noqa: F401 - gives xarray its .rio
import xarray as xr

from nunatak import api
from nunatak.compute import parallel
from nunatak.cubes import blocks as module
from nunatak.cubes import build, plans
from nunatak.cubes.blocks import read_blocks
from nunatak.files.tables import read_table
from nunatak.geometry.grid import map_scale
from nunatak.geometry.region import load
from nunatak.products.itslive.fields import FILL
from nunatak.products.itslive.ground import to_ground
from nunatak.products.itslive.index import index_pairs
from nunatak.products.itslive.store import open_cube
from nunatak.runtime import NunatakError, file_sha256
from nunatak.velocity import composite, increments
from nunatak.velocity.cube import fates, plan_cube

TRUNK = {"lonlat": [[-101.2, -74.97], [-100.4, -74.97], [-100.4, -75.13], [-101.2, -75.13]]}
NOTEBOOK = {"lonlat": [[-101.1555, -74.7387], [-99.1172, -75.0879], [-99.8797, -75.46], [-102.425, -74.925]]}
# every pair that there is, whatever a study takes by default
EVERY = {"percent_valid_pixels": 0, "min_separation": 0, "geometry": "any"}


@pytest.fixture(scope="module")
def cube(simulated_pairs, tmp_path_factory):
    """A cube of all simulated pairs, and the pairs' table."""
    folder = tmp_path_factory.mktemp("cube")
    pairs = api.build_cube(
        simulated_pairs,
        TRUNK,
        folder / "cube.zarr",
        selection=EVERY,
        index=folder / "index.parquet",
        pairs=folder / "pairs.parquet",
    )
    return open_cube(folder / "cube.zarr"), pairs, folder


def clipped(path, geometry):
    """One granule clipped the independent way: xarray and rioxarray, cells whose centres lie inside."""
    with xr.open_dataset(path, mask_and_scale=False) as granule:
        fields = granule[["vx", "vy"]].squeeze(drop=True).load().astype("f8")
    fields["inside"] = xr.ones_like(fields["vx"])
    fields = fields.rio.write_crs("EPSG:3031").rio.clip([geometry], drop=True)
    return fields.drop_vars("spatial_ref").transpose("y", "x")


def test_values_equal_an_independent_clip(cube):
    """Inside the polygon every copied pair has the file's own integers; none of them is doubled or lost."""
    stack, pairs, _ = cube
    geometry = load(TRUNK).projected("EPSG:3031")
    used = pairs[(pairs["fate"] == "used") & (pairs["treatment"] == "copied")]
    assert stack.sizes["time"] == (pairs["fate"] == "used").sum() == len(set(stack["granule_id"].values))
    negatives = 0
    for row in used.iloc[::6].itertuples():
        layer = stack.isel(time=int(np.nonzero(stack["granule_id"].values == row.granule_id)[0][0]))
        peer = clipped(row.path, geometry)
        inside = (peer["inside"] == 1).values
        ours = layer[["vx", "vy", "roi"]].reindex(x=peer["x"], y=peer["y"], method="nearest", tolerance=1.0)
        np.testing.assert_array_equal(ours["roi"].values[inside], 1)
        k = map_scale("EPSG:3031", *np.meshgrid(peer["x"], peer["y"])) if "V02" in row.granule_id else 1.0
        for name in ("vx", "vy"):
            ground = to_ground(peer[name].values.astype("i2"), k)  # version 2 is in map units
            apart = np.abs(ours[name].values[inside].astype(float) - ground[inside])
            assert apart.max() <= 1 and apart.mean() < 1e-3  # k between nodes: halves may round the other way
            negatives += int(((peer[name].values < 0) & (peer[name].values != FILL))[inside].sum())
    assert negatives > 10000  # the notebook's all-projection path turns them all into NaN


def test_the_real_pair_enters_unchanged(data, tmp_path):
    """The Landsat pair over the notebook's polygon; the other real pair lies outside, and is empty in its own frame."""
    folder = data("real/ITS_LIVE")
    most = {**EVERY, "projections": "majority"}
    pairs = api.build_cube(folder, NOTEBOOK, tmp_path / "cube.zarr", selection={**most, "variables": ["v"]})
    assert dict(zip(pairs["platform"], pairs["fate"], strict=True)) == {"LE07": "used", "LT05": "outside"}
    stack = open_cube(tmp_path / "cube.zarr")
    path = next(folder.glob("LE07*.nc"))
    with h5py.File(path) as file:
        x, y, raw = file["x"][()], file["y"][()], file["v"][()]
    columns, rows = np.searchsorted(x, stack["x"].values), np.searchsorted(-y, -stack["y"].values)
    known = (rows < y.size) & (np.isin(stack["y"].values, y))
    np.testing.assert_array_equal(stack["v"][0].values[known], raw[np.ix_(rows[known], columns)])
    with pytest.raises(NunatakError, match="no layer: of 2 image pairs none is used: 1 empty, 1 outside"):
        api.build_cube(
            folder,
            {"bbox": [-130, -82, -127, -81]},
            tmp_path / "own.zarr",
            selection=most,
            pairs=tmp_path / "pairs.parquet",
        )
    told = read_table(tmp_path / "pairs.parquet")
    assert "no valid cell" in told.set_index("platform").loc["LT05", "why"]
    assert not (tmp_path / "own.zarr").exists()


def test_every_pair_has_its_fate(cube):
    """The reprocessed twin, the empty pair, the stray; the neighbouring tile of one pass stays."""
    stack, pairs, folder = cube
    assert fates(pairs) == {"used": 45, "duplicate": 1, "empty": 1, "outside": 1}
    duplicate = pairs[pairs["fate"] == "duplicate"].iloc[0]
    assert "20200908" in duplicate["granule_id"] and "20230412" in duplicate["why"]
    assert pd.Series(stack["time"].values).duplicated().any()
    assert (np.diff(stack["time"].values) >= np.timedelta64(0)).all()
    kept = read_table(folder / "pairs.parquet")
    assert len(kept) == 48 and kept.attrs["units"]["vx_error"] == "m/yr"
    assert (stack["acquisition_date_img1"].values < stack["acquisition_date_img2"].values).all()


def test_version_1_is_replicated_into_the_nested_lattice(cube):
    """One cell of 240 m is four of 120 m, by their centres."""
    stack, pairs, _ = cube
    row = pairs[pairs["treatment"] == "replicated"].iloc[0]
    layer = stack.isel(time=int(np.nonzero(stack["granule_id"].values == row["granule_id"])[0][0]))
    with h5py.File(row["path"]) as file:
        x, y, vx = file["x"][()], file["y"][()], file["vx"][()]
    column = np.abs(stack["x"].values[:, None] - x).argmin(axis=1)
    line = np.abs(stack["y"].values[:, None] - y).argmin(axis=1)
    within = np.ix_(np.abs(stack["y"].values - y[line]) <= 60.5, np.abs(stack["x"].values - x[column]) <= 60.5)
    expected = vx[np.ix_(line, column)]
    np.testing.assert_array_equal(layer["vx"].values[within], expected[within])


def test_threads_blocks_chunks_and_formats_do_not_change_values(simulated_pairs, cube, tmp_path):
    """One thread, small blocks, series chunks, Zarr 2: the same layers; the same build twice: the same bytes."""
    stack, _, folder = cube
    options = {"selection": EVERY, "index": folder / "index.parquet"}
    for name, extra in (
        ("small.zarr", {"memory_mb": 1, "threads": 1}),
        ("series.zarr", {"chunks": "series"}),
        ("two.zarr", {"zarr_format": 2}),
    ):
        api.build_cube(simulated_pairs, TRUNK, tmp_path / name, **options, **extra)
        other = open_cube(tmp_path / name)
        for variable in ("vx", "vy", "v", "v_error", "roi", "vx_error", "granule_id"):
            np.testing.assert_array_equal(other[variable].values, stack[variable].values, err_msg=name)
    api.build_cube(simulated_pairs, TRUNK, tmp_path / "again.zarr", **options)
    assert file_sha256(tmp_path / "again.zarr") == file_sha256(folder / "cube.zarr")


def test_new_pairs_touch_only_their_years_and_equal_a_full_build(simulated_pairs, tmp_path, monkeypatch):
    """Granules of a year arrive later: only that year is read, and the cube is that of a build in one go."""
    paths = sorted(simulated_pairs.glob("*.nc"))
    index = index_pairs(paths).set_index("path")
    year = index["mid_date"].dt.year
    late = set(index.index[year == 2018][:2])
    first = [p for p in paths if str(p) not in late]
    out = tmp_path / "cube.zarr"
    api.build_cube(first, TRUNK, out)
    opened = []
    original = module.read_window
    monkeypatch.setattr(
        module, "read_window", lambda pair, *a, **k: opened.append(pair["path"]) or original(pair, *a, **k)
    )
    api.build_cube(paths, TRUNK, out)
    assert set(year[opened]) == {2018} and late & set(opened)
    monkeypatch.undo()
    api.build_cube(paths, TRUNK, tmp_path / "full.zarr")
    assert file_sha256(out) == file_sha256(tmp_path / "full.zarr")


def test_layers_of_a_cube_that_was_read_otherwise_are_not_taken(simulated_pairs, tmp_path, monkeypatch):
    """A cube made when version 2 was taken for ground units is read anew, and a build after it reads nothing."""
    paths = sorted(simulated_pairs.glob("S1A*.nc"))[:3]
    read, original = [], module.read_window
    monkeypatch.setattr(
        module, "read_window", lambda pair, *a, **k: read.append(pair["path"]) or original(pair, *a, **k)
    )
    with monkeypatch.context() as before:
        before.setattr(increments, "READING", 1)
        api.build_cube(paths, TRUNK, tmp_path / "cube.zarr")
    counts = [len(read)]
    for _ in range(2):
        api.build_cube(paths, TRUNK, tmp_path / "cube.zarr")
        counts.append(len(read))
    assert counts == [3, 6, 6]


def test_a_damaged_pair_is_told_and_read_again_once_it_is_whole(simulated_pairs, tmp_path):
    """A damaged chunk costs that pair its layer, with the reason; its year is not taken for finished."""
    folder = tmp_path / "granules"
    shutil.copytree(simulated_pairs, folder)
    victim = sorted(folder.glob("S1A*.nc"))[0]
    whole = victim.read_bytes()
    _, _, offset, stored = json.loads(index_pairs([victim]).iloc[0]["chunks"])["vx"]["at"][0]
    victim.write_bytes(whole[: offset + 20] + bytes(stored - 40) + whole[offset + stored - 20 :])
    for selection in ({"percent_valid_in_region": 1}, None):
        pairs = api.build_cube(folder, TRUNK, tmp_path / "cube.zarr", selection=selection).set_index("file_name")
        assert pairs.loc[victim.name, "fate"] == "corrupt" and "damaged chunk" in pairs.loc[victim.name, "why"]
    victim.write_bytes(whole)
    pairs = api.build_cube(folder, TRUNK, tmp_path / "cube.zarr").set_index("file_name")
    assert pairs.loc[victim.name, "fate"] == "used"


def test_selection_over_the_region_itself_needs_reading(simulated_pairs, tmp_path):
    """percent_valid_in_region is the share of the region's cells, not the one in the file's name."""
    wanted = {"percent_valid_in_region": 60, "max_per_year": 2, "policy": "best"}
    pairs = api.build_cube(simulated_pairs, TRUNK, tmp_path / "cube.zarr", selection=wanted)
    stack = open_cube(tmp_path / "cube.zarr")
    share = stack["valid_cells"].values / int(stack["roi"].sum())
    assert share.min() >= 0.6
    why = pairs.loc[pairs["fate"] == "filter", "why"]
    assert why.str.startswith("percent_valid_in_region").any() and why.str.startswith("max_per_year").any()
    assert pd.Series(stack["time"].dt.year.values).value_counts().max() <= 2


def test_what_was_measured_of_a_pair_over_the_region_is_kept(simulated_pairs, tmp_path, monkeypatch):
    """A second plan on the same grid measures the new pair alone; another region measures all again."""
    paths = sorted(simulated_pairs.glob("S1A*.nc"))
    read, original = [], module.read_window
    monkeypatch.setattr(
        module, "read_window", lambda pair, *a, **k: read.append(pair["file_name"]) or original(pair, *a, **k)
    )

    def planned(paths, region):
        del read[:]
        selection = {"percent_valid_in_region": 30}
        plan = plans.plan_pairs(paths, region, selection=selection, index=tmp_path / "index.parquet")
        return sorted(read), plan.pairs["percent_valid_in_region"].tolist()

    assert len(planned(paths[1:], TRUNK)[0]) == len(paths) - 1
    names, shares = planned(paths, TRUNK)
    assert names == [paths[0].name]
    (tmp_path / "index.shares.parquet").unlink()
    assert planned(paths, TRUNK)[1] == shares
    smaller = {"bbox": [-100.9, -75.1, -100.6, -75.0]}
    assert len(planned(paths, smaller)[0]) == len(paths)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scheduler", ["threads", "cluster"])
def test_a_cube_and_its_composite_on_dask_are_those_of_this_process(
    simulated_pairs, cube, tmp_path, request, scheduler
):
    """Threads, and workers of their own process behind an address: the same bytes of the cube, the same composite."""
    stack, _, folder = cube
    if scheduler == "cluster":
        scheduler = request.getfixturevalue("dask_cluster")
    api.build_cube(simulated_pairs, TRUNK, tmp_path / "cube.zarr", selection=EVERY, scheduler=scheduler)
    with parallel.on(scheduler, threads=2):
        lazy = open_cube(tmp_path / "cube.zarr", chunks={"time": -1, "y": 60})
        theirs = composite(lazy, method="mean", memory_mb=1)
    assert file_sha256(tmp_path / "cube.zarr") == file_sha256(folder / "cube.zarr")
    ours = composite(stack, method="mean")
    for name in ("vx", "vy", "v_error", "count"):
        np.testing.assert_array_equal(ours[name].values, theirs[name].values)


@pytest.mark.parametrize(("step", "number"), [("assemble", 1), ("replace", 1), ("replace", 2), ("remove", 1)])
def test_a_killed_build_leaves_an_old_cube_whole_or_none(simulated_pairs, tmp_path, monkeypatch, step, number):
    """Ended while a new cube takes the place of an old one: one of them is there or none; the next build is right."""
    paths, out = sorted(simulated_pairs.glob("S1A*.nc"))[:3], tmp_path / "cube.zarr"
    api.build_cube(paths[1:], TRUNK, out)
    whole = [file_sha256(out)]
    api.build_cube(paths, TRUNK, tmp_path / "full.zarr")
    whole.append(file_sha256(tmp_path / "full.zarr"))
    calls: list[str] = []

    def dies(do):
        def call(*words, **options):
            told = step == "assemble" or out in words or ".old." in str(words[0])
            calls.extend([step] * told)
            if told and len(calls) == number:
                raise KeyboardInterrupt
            return do(*words, **options)

        return call

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        module_, name = {"assemble": (build, "assemble"), "replace": (os, "replace"), "remove": (shutil, "rmtree")}[
            step
        ]
        patch.setattr(module_, name, dies(getattr(module_, name)))
        api.build_cube(paths, TRUNK, out)
    assert not out.exists() or file_sha256(out) in whole
    api.build_cube(paths, TRUNK, out)
    assert file_sha256(out) == whole[1]


def test_blocks_hold_the_memory_bound(simulated_pairs):
    """However many pairs: no block has more layers than the bound allows."""
    index = index_pairs(sorted(simulated_pairs.glob("*.nc")))
    plan = plan_cube(index, load(TRUNK).projected)
    layer = plan.grid.size * 2 * len(plan.variables)
    sizes = [len(rows) for rows, _ in read_blocks(plan, memory_mb=3 * 2 * layer / 1e6)]
    assert max(sizes) == 3 and sum(sizes) == len(plan.candidates)
