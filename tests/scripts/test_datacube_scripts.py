"""The scripts of datacubes on simulated ones: what the rules call, without the workflow around it."""

import numpy as np
import pytest
import xarray as xr

import choose_layers
import follow_flow
import stream_velocity
from nunatak import simulation
from nunatak.archives.local.simulated import SimulatedArchive
from nunatak.checks import flow, velocity, velocity_truth
from nunatak.cubes.datacubes import open_stack
from nunatak.files.tables import read_csv, read_table, write_table
from nunatak.geometry.outlines import write_outlines
from nunatak.geometry.region import load
from nunatak.parameters.velocity import AnnualFit, CubeForm, PairSelection
from nunatak.runtime import file_sha256

AREA = {"bbox": [-100.44, -75.255, -100.38, -75.238]}  # at the margin of the cubes: some layers show nothing of it
SELECTION = PairSelection(percent_valid_pixels=0, geometry="any")
FIT = AnnualFit(minimum_pairs=5)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with the layers chosen of simulated cubes, and the annual velocities out of them."""
    folder = tmp_path_factory.mktemp("cubes")
    world = simulation.world("pine_island", "tiny")
    simulation.write_product(world, "itslive_cube", folder / "archive/itslive_cube")
    archive, region = SimulatedArchive(folder / "archive"), load(AREA)
    ledger = archive.fetch(archive.search("itslive_cube", region, None))
    write_table(ledger, folder / "ledger.parquet", attributes={"nunatak_source": "SIMULATED"})
    write_outlines({"region": region}, folder / "regions.geojson")
    choose_layers.main(
        [folder / "ledger.parquet"],
        folder / "regions.geojson",
        folder / "layers",
        selection=SELECTION,
        form=CubeForm(),
        spans=[["2012-01-01", "2025-01-01"]],
        study="x",
        settings={},
    )
    streamed(folder, folder)
    return folder


def streamed(folder, out):
    out = {name: out / name for name in ("annual", "speeds", "pairs", "pair")}
    stream_velocity.main(folder / "layers", out, fit=FIT, study="x", memory_mb=1)
    return out


def test_every_check_holds_and_so_does_the_truth(work):
    """
    Layers that turn out empty are told so and are none of the composite's.

    Nothing of the parts is left behind.
    """
    annual, pairs = xr.load_dataset(work / "annual", engine="h5netcdf"), read_table(work / "pairs")
    stack = open_stack(work / "layers")
    empty = pairs["fate"] == "empty"
    assert empty.any() and (pairs.loc[empty, "why"] == "empty: no valid cell in the region").all()
    assert (pairs.loc[pairs["fate"] == "used", "valid_cells"] > 0).all()
    found = velocity.composite_checks(annual, pairs)
    found += [flow.closes(annual), flow.pairs_close(pairs, stack)]
    with xr.open_dataset(work / "pair", engine="h5netcdf") as pair:
        found.append(flow.image_pair(pair, pairs, stack))
    found += velocity_truth.against_truth(annual, {"name": "pine_island", "size": "tiny"})
    assert [check.name for check in found if check.status == "failed"] == []
    assert annual.attrs["n_pairs"] == (pairs["fate"] == "used").sum()
    assert read_csv(work / "speeds")["pairs"].sum() == pairs["valid_cells"].sum()
    assert not list(work.glob(".parts-*"))


def test_the_same_layers_give_the_same_bytes(work, tmp_path):
    for name, path in streamed(work, tmp_path).items():
        assert file_sha256(path) == file_sha256(work / name), name


def test_points_read_the_layers_themselves(work, tmp_path):
    out = {name: tmp_path / name for name in ("series", "flowline", "series_csv", "flowline_csv", "gates")}
    follow_flow.main(
        work / "layers", work / "annual", out, points={"p": (-100.42, -75.243)}, flowlines={}, gates={}, study="x"
    )
    series, stack = read_table(out["series"]), open_stack(work / "layers")
    of_pairs = series[series["kind"] == "pair"]
    i, j = (int(np.abs(stack[axis].values - of_pairs[axis].iloc[0]).argmin()) for axis in "yx")
    values = stack["vx"].values[:, i, j]
    np.testing.assert_array_equal(of_pairs["vx"], values[values != stack["vx"].attrs["_FillValue"]])
