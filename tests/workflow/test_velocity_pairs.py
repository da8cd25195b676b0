"""Image pairs from a folder to a cube: what is chosen before it is read, what one more pair redoes, real pairs."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pytest
from tests.workflow.workflow_runs import Flow

from nunatak.files.tables import read_table
from nunatak.products.itslive.store import open_cube
from nunatak.simulation import itslive, worlds

SIMULATED = """
title: Two years of image pairs
archive: directory
region: {bbox: [-101.0, -75.08, -100.75, -75.0]}
period: [2018-01-01, 2019-12-31]
products:
  itslive: {percent_valid_pixels: 5, max_per_year: 20, geometry: any, max_separation: 120}
figures: {names: [granules_per_year], formats: [png]}
"""
REAL = """
title: The pairs that were published
archive: directory
region: %s
period: [%s, %s]
products:
  itslive: {percent_valid_pixels: 0, geometry: any, variables: [v]}
figures: {names: [pair], formats: [png]}
"""
PINE_ISLAND = "{lonlat: [[-101.1555, -74.7387], [-99.1172, -75.0879], [-99.8797, -75.46], [-102.425, -74.925]]}"
CUBE = ("velocity/cube.zarr", "velocity/pairs.parquet")


@pytest.fixture(scope="module")
def granules(tmp_path_factory):
    """Simulated pairs, one of 2018 apart."""
    paths = sorted(itslive.write(worlds.world("pine_island", "tiny"), tmp_path_factory.mktemp("granules")))
    late = next(path for path in paths if path.name.startswith("LC08") and path.name.split("_")[3][:4] == "2018")
    return [path for path in paths if path != late], late


def wanted(name, results="results"):
    return [f"{results}/{name}/{path}" for path in CUBE]


def stacked(done):
    """The years that a run stacked, in order."""
    return sorted(line[-4:] for line in done.text.splitlines() if "stacking image pairs of" in line)


@pytest.fixture(scope="module")
def grown(granules, tmp_path_factory):
    """A study that was run, got one more pair, and was run again; with its plan before the first."""
    flow = Flow(tmp_path_factory.mktemp("pairs"))
    (flow / "config/studies/pairs.yaml").write_text(SIMULATED)
    (flow / "granules").mkdir()
    early, late = granules
    for path in early:
        shutil.copy2(path, flow / "granules")
    flow.plan = flow.run("plan_pairs", directory="granules")
    flow.first = flow.run(*wanted("pairs"), directory="granules")
    assert flow.first.code == 0, flow.first.text
    shutil.copy2(late, flow / "granules")
    flow.second = flow.run(*wanted("pairs"), directory="granules")
    assert flow.second.code == 0, flow.second.text
    return flow


def test_coverage_is_told_before_anything_is_fetched(grown):
    """By year, selected of found; nothing but asking has run."""
    assert grown.plan.code == 0, grown.plan.text
    assert not {"fetch_granules", "plan_cube", "stack_pairs"} & set(grown.plan.jobs)
    rows = json.loads((grown / "results/pairs/plan.json").read_text("utf-8"))["products"]["itslive"]["coverage"]
    assert [row["year"] for row in rows] == [2018, 2019]
    assert all(0 < row["selected"] <= row["found"] for row in rows)
    assert sum(row["selected"] for row in rows) < sum(row["found"] for row in rows)
    text = ", ".join(f"{row['year']}: {row['selected']} of {row['found']}" for row in rows if row["found"])
    assert f"pairs selected of found: {text}" in grown.plan.text


def test_one_more_pair_redoes_its_own_year(grown):
    """Asked, fetched and read: one year of two; what follows from all of them once."""
    assert stacked(grown.first) == ["2018", "2019"]
    assert stacked(grown.second) == ["2018"]
    assert grown.second.text.count("fetching itslive") == 1


def test_the_grown_cube_has_the_bytes_of_one_made_in_one_go(grown):
    done = grown.run(*wanted("pairs", "other"), directory="granules", results="other")
    assert done.code == 0 and stacked(done) == ["2018", "2019"], done.text

    def files(results):
        base = grown / results / "pairs/velocity"
        paths = [base / "pairs.parquet", *(path for path in (base / "cube.zarr").rglob("*") if path.is_file())]
        return {str(p.relative_to(base)): p.read_bytes() for p in paths if p.name != ".snakemake_timestamp"}

    assert files("results") == files("other")


def test_what_was_found_is_what_is_told(grown, granules):
    """Left out by name or read: every pair of the period once, with a reason unless it is a layer."""
    pairs = read_table(grown / "results/pairs/velocity/pairs.parquet")
    parts = [read_table(grown / f"results/pairs/itslive/{name}.parquet") for name in ("granules", "left_out")]
    assert sorted(pairs["granule_id"]) == sorted(name for part in parts for name in part["granule_id"])
    assert (pairs.loc[pairs["fate"] != "used", "why"] != "").all()
    cube = open_cube(grown / "results/pairs/velocity/cube.zarr")
    assert cube["granule_id"].values.tolist() == pairs.loc[pairs["fate"] == "used", "granule_id"].tolist()
    assert not grown.network.exists()


@pytest.fixture(scope="module")
def real(data, tmp_path_factory):
    """The workflow with two studies on the two real pairs: Pine Island, and the other pair's own frame."""
    flow = Flow(tmp_path_factory.mktemp("real"))
    flow.directory = data("real/ITS_LIVE")
    (flow / "config/studies/pig.yaml").write_text(REAL % (PINE_ISLAND, "2012-11-01", "2012-12-31"))
    (flow / "config/studies/old.yaml").write_text(REAL % ("{bbox: [-130, -82, -127, -81]}", "1984-12-01", "1984-12-31"))
    flow.said = flow.run(*wanted("pig"), *wanted("old"), directory=str(flow.directory))
    return flow


def test_the_real_pair_s_map_equals_its_file(real):
    """Every cell of the cube holds the file's own speed."""
    cube = open_cube(real / "results/pig/velocity/cube.zarr")
    path = next(real.directory.glob("LE07*.nc"))
    with h5py.File(path) as file:
        x, y, raw = file["x"][()], file["y"][()], file["v"][()]
    columns, rows = np.searchsorted(x, cube["x"].values), np.searchsorted(-y, -cube["y"].values)
    known = np.isin(cube["y"].values, y)
    np.testing.assert_array_equal(cube["v"][0].values[known], raw[np.ix_(rows[known], columns)])
    assert known.sum() > 350 and cube.sizes["time"] == 1
    assert cube.attrs["nunatak_source"] == "directory"


def test_a_pair_without_a_valid_cell_is_told_as_empty(real):
    """The Landsat 5 pair in its own frame: no cube, one line, its fate with its year; the other study goes on."""
    assert real.said.code != 0
    assert "no layer: of 1 image pairs none is used: 1 empty" in real.said.text
    pairs = read_table(real / "results/old/velocity/years/1984/pairs.parquet")
    assert pairs["platform"].tolist() == ["LT05"] and pairs["fate"].tolist() == ["empty"]
