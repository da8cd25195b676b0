"""Velocity from one command to its report: the tiny Pine Island on simulated image pairs."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
import yaml
from tests.workflow.same_bytes import unhashed
from tests.workflow.workflow_runs import TINY

from nunatak.files.tables import read_csv, read_table
from nunatak.products.itslive.store import open_cube
from nunatak.results import reading

LABEL = "pine_island-simulated-tiny"


@pytest.fixture(scope="module")
def pine_island(finished_velocity):
    return finished_velocity / "results" / LABEL


def test_every_check_holds_the_truth_among_them(pine_island):
    found = json.loads((pine_island / "checks.json").read_text("utf-8"))["checks"]
    assert {"velocity_pairs", "velocity_against_truth"} <= {c["name"] for c in found if c["value"] is not None}
    assert [c["name"] for c in found if c["status"] == "failed"] == []


def test_every_granule_has_one_fate(pine_island):
    """What was found is in pairs.parquet, each once, wanted or not; the used ones are the cube's layers."""
    wanted, unwanted, pairs = (
        read_table(pine_island / name)
        for name in ("itslive/granules.parquet", "itslive/left_out.parquet", "velocity/pairs.parquet")
    )
    assert sorted([*wanted["granule_id"], *unwanted["granule_id"]]) == sorted(pairs["granule_id"])
    assert len(unwanted) and unwanted["why"].str.contains("separation").all()
    cube = open_cube(pine_island / "velocity/cube.zarr")
    assert sorted(cube["granule_id"].values) == sorted(pairs.loc[pairs["fate"] == "used", "granule_id"])
    assert pairs.loc[pairs["fate"] == "used", "date_dt"].between(6, 120).all()


def test_maps_lie_where_the_composite_lies(pine_island):
    annual = reading.read_map(pine_island / "velocity/annual.nc")
    assert annual.attrs["nunatak_source"] == "SIMULATED"
    with rasterio.open(pine_island / "velocity/maps/v.tif") as raster:
        assert raster.descriptions == tuple(str(year) for year in annual["year"].values)
        row, column = np.argwhere(np.isfinite(annual["v"].values[0]))[0]
        x, y = float(annual["x"][column]), float(annual["y"][row])
        assert next(raster.sample([(x, y)]))[0] == annual["v"].values[0, row, column]


def test_series_flowline_and_gate_agree_where_they_meet(pine_island):
    """The flowline starts at the point of the series: same place, same annual speeds; ice flows out of the gate."""
    series, line = (read_table(pine_island / f"velocity/{name}.parquet") for name in ("series", "flowline"))
    annual = series[series["kind"] == "annual"]
    annual = annual.set_index(annual["time"].dt.year)["v"]
    start = line[line["distance"] == 0].set_index("year")["v"]
    assert set(annual.index) == set(start.index) - {0}
    np.testing.assert_allclose(annual, start[annual.index])
    mean = line[line["year"] == 0]
    assert (np.diff(mean["travel_time"]) > 0).all()
    gates = read_csv(pine_island / "velocity/gates.csv")
    assert (gates["area_flux"] > 5).all() and gates["discharge"].isna().all()


def test_every_file_is_in_the_provenance(pine_island):
    assert unhashed(pine_island) == []


def test_pages_and_figures(pine_island):
    for name in ("granules_per_year", "pair", "speed_map", "speed_series"):
        sidecar = json.loads((pine_island / f"figures/{name}.json").read_text("utf-8"))
        assert sidecar["nunatak_source"] == "SIMULATED"
    assert "At the point trunk the speed was" in (pine_island / "report.html").read_text("utf-8")
    page = (pine_island / "velocity.html").read_text("utf-8")
    assert "chip_size_width" in page and "min_separation" in page
    page = (pine_island / "dynamics.html").read_text("utf-8")
    assert "Box trunk, from" in page and "is that of BedMachine" in page
    assert "Box trunk, from" in (pine_island / "report.html").read_text("utf-8")


def test_another_selection_rewrites_the_cube_and_a_thickness_gives_mass(finished_velocity, flow):
    """One more choice of the user's: only Landsat and Sentinel-1, and a gate of known thickness."""
    flow.copy_results_of(finished_velocity)
    pine_island = flow / "results" / LABEL
    path = flow / "config/studies/pine_island.yaml"
    study = yaml.safe_load(path.read_text())
    study["tiny"]["products"]["itslive"]["platforms"] = ["LC08", "S1A"]
    study["tiny"]["gates"]["front"]["thickness"] = 1000.0
    path.write_text(yaml.safe_dump(study))
    said = flow.run(f"results/{LABEL}/velocity/gates.csv", **TINY)
    assert said.code == 0, said.text
    assert "simulate_granules" not in said.jobs
    cube = open_cube(pine_island / "velocity/cube.zarr")
    assert set(cube["platform"].values) == {"LC08", "S1A"}
    gates = read_csv(pine_island / "velocity/gates.csv")
    assert set(gates.loc[gates["gate"] == "upper", "discharge"].isna()) == {True}, "a gate without a thickness"
    gates = gates[gates["gate"] == "front"]
    # 1 km of ice of 917 kg m-3 over a square kilometre
    np.testing.assert_allclose(gates["discharge"], gates["area_flux"] * 0.917, rtol=1e-6)
    assert (gates["discharge_sigma"] > 0.09 * gates["discharge"]).all()
