"""Layers of datacubes: the values of the pairs they were made from, each granule one layer, nothing read twice."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyproj
import pytest

from nunatak import api, velocity
from nunatak.archives.local.directory import DirectoryArchive
from nunatak.archives.local.listing import fingerprint
from nunatak.cubes import streaming
from nunatak.cubes.datacubes import (
    around,
    copy_layers,
    open_layers,
    plan_layers,
    read_layers,
    settled_layers,
    write_layers,
)
from nunatak.cubes.streaming import stream_composite, windows_of
from nunatak.cubes.tiles import stack_of
from nunatak.files import remote
from nunatak.files.tables import write_table
from nunatak.geometry.region import load
from nunatak.parameters.velocity import CubeForm
from nunatak.products import GranuleError
from nunatak.products.itslive.datacube import Datacube
from nunatak.products.itslive.store import open_cube
from nunatak.products.itslive.zarr_metadata import metadata_checksum
from nunatak.runtime import NunatakError
from nunatak.velocity.filters import Filters

# over the edges of four cubes
AREA = {"lonlat": [[-101.1, -75.0], [-100.7, -75.0], [-100.7, -75.1], [-101.1, -75.1]]}
EVERY = {"percent_valid_pixels": 0, "min_separation": 0, "geometry": "any"}
FEW = Filters(before_minimum=3, after_minimum=3)


@pytest.fixture(scope="module")
def planned(simulated_cubes):
    cubes = {str(path): metadata_checksum(path) for path in simulated_cubes}
    return (*plan_layers(cubes, load(AREA), selection=EVERY), cubes)


@pytest.fixture(scope="module")
def stacked(planned):
    return stack_of(*planned[:2])


def test_layers_hold_what_the_granules_hold(planned, stacked, simulated_pairs, tmp_path):
    """
    The same granules read out of their own files, cell by cell, over the edges of four cubes of both formats.

    The map's scale is interpolated from other nodes, so one value of a thousand may round the other way.
    """
    stack, tiles = stacked
    api.build_cube(simulated_pairs, AREA, tmp_path / "cube.zarr", selection=EVERY, crs="EPSG:3031", cell=120)
    cube = open_cube(tmp_path / "cube.zarr")
    seen = {str(name): k for k, name in enumerate(cube["granule_id"].values)}
    both = [(k, seen[name]) for k, name in enumerate(stack["granule_id"].values) if name in seen]
    assert len(both) >= 20 and len(tiles) >= 4
    ours, theirs = (np.array(numbers) for numbers in zip(*both, strict=True))
    assert stack.sizes["y"] == cube.sizes["y"] and stack.sizes["x"] == cube.sizes["x"]
    for name in ("vx", "vy"):
        apart = np.abs(stack[name].values[ours].astype(int) - cube[name].values[theirs])
        assert apart.max() <= 1 and (apart > 0).mean() < 1e-3
    late = np.abs(stack["acquisition_date_img1"].values[ours] - cube["acquisition_date_img1"].values[theirs])
    assert late.max() < np.timedelta64(1, "ms")  # days in the cubes
    for name in ("platform", "group", "id_img1", "stable_shift_flag"):
        np.testing.assert_array_equal(stack[name].values[ours], cube[name].values[theirs])
    np.testing.assert_allclose(stack["vx_error"].values[ours], cube["vx_error"].values[theirs], rtol=1e-3)


def test_a_granule_in_several_cubes_is_one_layer_and_the_older_of_two_is_a_duplicate(planned):
    plan, parts, _ = planned
    pairs = plan.pairs
    assert pairs["granule_id"].is_unique and parts["granule_id"].duplicated().any()
    old = pairs[pairs["fate"] == "duplicate"]
    assert len(old) == 1 and "_20200908_" in old["granule_id"].iloc[0]
    newer = old["why"].iloc[0].removeprefix("duplicate: of ")
    assert "_20230412_" in newer and pairs.set_index("granule_id").loc[newer, "fate"] == "used"
    assert not parts["granule_id"].isin(old["granule_id"]).any()


def test_part_of_a_stack_is_that_part_of_the_whole(stacked):
    stack, _ = stacked
    whole = stack["vx"].values
    for key in ((3, 4, 5), (slice(2, 9), slice(40, 3, -7), 8), ([5, 1, 1], slice(0, 3), slice(None))):
        np.testing.assert_array_equal(stack["vx"][key].values, whole[key])


def test_streamed_velocities_are_those_of_the_composite(stacked, tmp_path, monkeypatch):
    """Window by window, killed in between and gone on from there: every value is that of one go over the whole."""
    stack, tiles = stacked
    whole = velocity.composite(stack, filters=FEW)
    compute, done = streaming._compute, []

    def killed(*given):
        if len(done) == 4:
            raise KeyboardInterrupt
        done.append(given[2])
        return compute(*given)

    monkeypatch.setattr(streaming, "_compute", killed)
    with pytest.raises(KeyboardInterrupt):
        stream_composite(stack, tiles, kept=tmp_path / "parts", memory_mb=1, filters=FEW)
    monkeypatch.setattr(streaming, "_compute", lambda *given: done.append(given[2]) or compute(*given))
    annual, seen = stream_composite(stack, tiles, kept=tmp_path / "parts", memory_mb=1, filters=FEW)
    keys = [str(window) for window in done]
    assert len(keys) > 8 and len(set(keys)) == len(keys)
    for name in whole.data_vars:
        np.testing.assert_array_equal(np.asarray(annual[name].values), whole[name].values, err_msg=name)
    roi, fill = stack["roi"].values.astype(bool), stack["vx"].attrs["_FillValue"]
    np.testing.assert_array_equal(seen.valid, (stack["vx"].values[:, roi] != fill).sum(axis=1))
    assert seen.speeds.sum() == seen.valid.sum()
    for number, maps in seen.maps.items():
        np.testing.assert_array_equal(maps["vx"][roi], stack["vx"].values[number][roi])


def test_windows_cover_the_grid_and_cut_no_chunk(stacked):
    stack, tiles = stacked
    shape = stack["vx"].shape[1:]
    covered = np.zeros(shape, dtype=int)
    edges = [{0, size}.union(*(tile.edges(axis, size) for tile in tiles)) for axis, size in enumerate(shape)]
    for window in windows_of(shape, tiles, 600):
        covered[window] += 1
        assert covered[window].size <= 600
        for part, own in zip(window, edges, strict=True):
            assert {part.start, part.stop} <= own
    assert (covered == 1).all()


def test_layers_on_disk_refuse_a_cube_that_was_updated(planned, simulated_cubes, tmp_path):
    """
    One line that names the cube.

    Untouched ones open, and hold the same.
    """
    region, copies = load(AREA), [tmp_path / path.name for path in simulated_cubes]
    for path, copy in zip(simulated_cubes, copies, strict=True):
        shutil.copytree(path, copy)
    cubes = {str(path): metadata_checksum(path) for path in copies}
    write_layers(*plan_layers(cubes, region, selection=EVERY), cubes, tmp_path / "layers", {"study": "x"})
    stack, tiles = open_layers(tmp_path / "layers")
    assert stack.attrs["study"] == "x" and stack.sizes["time"] == len(planned[0].candidates)
    changed = next(tile.path for tile in tiles if (tmp_path / tile.path / ".zmetadata").exists())
    said = json.loads((tmp_path / changed / ".zmetadata").read_text())
    said["metadata"][".zattrs"]["date_updated"] = "2027-01-01"
    (tmp_path / changed / ".zmetadata").write_text(json.dumps(said))
    with pytest.raises(GranuleError, match=f"{changed}: the cube was updated since its layers were chosen"):
        open_layers(tmp_path / "layers")


def test_a_kept_cube_holds_the_layers_that_see_the_region(planned, stacked, tmp_path):
    (plan, parts, cubes), (stack, _) = planned, stacked
    write_layers(plan, parts, cubes, tmp_path / "layers", {})
    roi, fill = plan.roi, stack["vx"].attrs["_FillValue"]
    settled = settled_layers(read_layers(tmp_path / "layers")[0], (stack["vx"].values[:, roi] != fill).sum(axis=1))
    write_table(settled, tmp_path / "pairs.parquet")
    form = CubeForm()
    count = copy_layers(
        tmp_path / "layers", tmp_path / "pairs.parquet", tmp_path / "cube", form=form, attributes={}, memory_mb=8
    )
    kept = open_cube(tmp_path / "cube")
    used = settled.loc[settled["fate"] == "used", "granule_id"]
    assert count == len(used) and list(kept["granule_id"].values) == list(used)
    at = np.flatnonzero(np.isin(stack["granule_id"].values, used))
    for name in ("vx", "vy", "v", "v_error"):
        np.testing.assert_array_equal(kept[name].values, stack[name].values[at])


def test_cubes_without_a_layer_in_the_period_are_told_in_one_line(simulated_cubes):
    spans = [(np.datetime64("1990-01-01"), np.datetime64("1991-01-01"))]
    with pytest.raises(NunatakError, match="no layer in the period of the study; widen the period"):
        plan_layers({str(simulated_cubes[0]): ""}, load(AREA), spans=spans, selection=EVERY)


def test_cubes_of_a_folder_are_found_whatever_they_are_called(simulated_cubes, tmp_path):
    """
    By their own names or the one they state.

    A store that is none is told, and what is added changes the listing.
    """
    for k, path in enumerate(simulated_cubes[:3]):
        shutil.copytree(path, tmp_path / "mine" / (path.name if k else path.name.replace(".zarr", "_cut.zarr")))
    (tmp_path / "other.zarr").mkdir()
    (tmp_path / "other.zarr/.zattrs").write_text("{}")
    archive, before = DirectoryArchive(tmp_path, tmp_path / "index"), fingerprint(tmp_path)
    found = archive.search("itslive_cube", None, None)
    assert sorted(found["file_name"]) == sorted(path.name for path in simulated_cubes[:3])
    assert found["geometry"].notna().all() and set(found["source"]) == {"SIMULATED"}
    assert len(found.attrs["notes"]) == 1 and "other.zarr: neither its name nor" in found.attrs["notes"][0]
    ledger = archive.fetch(found)
    assert set(ledger["status"]) == {"present"} and sorted(ledger["sha256"]) == sorted(found["checksum"])
    shutil.copytree(simulated_cubes[3], tmp_path / simulated_cubes[3].name)
    assert fingerprint(tmp_path) != before


def test_chunks_of_shards_travel_by_range(simulated_cubes, tmp_path, monkeypatch):
    """Of a store with shards at an address, the values are those of the folder, and no shard comes whole."""
    path = next(path for path in simulated_cubes if (path / "zarr.json").is_file())
    moved = []

    def read_object(address, session, part=None):
        file = Path(str(address).replace("https://cubes.invalid", str(path.parent)))
        if not file.is_file():
            return None
        content = file.read_bytes()
        if part is not None:
            first, _, last = part.partition("-")
            content = content[int(first) : int(last) + 1] if first else content[-int(last) :]
        moved.append((file.relative_to(path).parts[0], len(content)))
        return content

    monkeypatch.setattr(remote, "read_object", read_object)
    there, here = Datacube(f"https://cubes.invalid/{path.name}"), Datacube(path)
    moved.clear()
    layers, window = np.arange(there.middle.size), (slice(0, 10), slice(0, 10))
    values = there.field("vx", layers, *window)
    np.testing.assert_array_equal(values, here.field("vx", layers, *window))
    whole = (path / "vx/c/0/0/0").stat().st_size
    assert 0 < sum(size for name, size in moved if name == "vx") < whole / 3


def test_no_store_is_one_line(tmp_path):
    with pytest.raises(GranuleError, match=r"gone\.zarr: no Zarr store there \(neither \.zmetadata nor zarr\.json\)"):
        metadata_checksum(tmp_path / "gone.zarr")


def test_points_alone_read_the_cells_they_are_interpolated_from(planned, tmp_path, monkeypatch):
    """
    Of a point the four cells around it, of a gate those beside it, and of the map the windows with such a cell.

    The velocities there are those of the whole map.
    """
    plan, parts, point = *planned[:2], (-100.885, -75.042)
    grid = plan.grid
    to_map = pyproj.Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True).transform
    x, y = to_map(*point)
    some = around(plan, [point], [])
    near_x, near_y = np.abs(grid.x - x) < grid.dx, np.abs(grid.y - y) < grid.dy
    assert near_x.sum() == near_y.sum() == 2
    np.testing.assert_array_equal(some.roi, plan.roi & np.outer(near_y, near_x))
    gate = [(-100.9, -75.05), (-100.86, -75.03)]
    beside = around(plan, [], [gate]).roi
    rows, columns = np.nonzero(beside)
    a, b = (np.array(to_map(*end)) for end in gate)
    along, off = (b - a) / np.hypot(*(b - a)), np.column_stack([grid.x[columns], grid.y[rows]]) - a
    assert beside.any() and np.abs(off @ [-along[1], along[0]]).max() < 2 * grid.dx
    with pytest.raises(NunatakError, match="no cell of the region lies at a point or gate"):
        around(plan, [(-90.0, -70.0)], [])
    done, compute = [], streaming._compute
    monkeypatch.setattr(streaming, "_compute", lambda *given: done.append(given[2]) or compute(*given))
    fields = {}
    for name, its in (("whole", plan), ("some", some)):
        stack, tiles = stack_of(its, parts)
        done.clear()
        fields[name], _ = stream_composite(stack, tiles, memory_mb=1, filters=FEW)
        fields[name, "windows"] = len(done)
    assert fields["some", "windows"] <= 4 < fields["whole", "windows"]
    for name in ("vx", "vy", "v_error", "count"):
        np.testing.assert_array_equal(
            np.asarray(fields["some"][name])[:, some.roi], np.asarray(fields["whole"][name])[:, some.roi], err_msg=name
        )
