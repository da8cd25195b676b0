"""The script that checks a study, on small made-up results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.builders import results as study_results

import check_study
from nunatak import checks, elevation
from nunatak.elevation import cell_coverage
from nunatak.files.rasters import georeference, write_cog
from nunatak.files.tables import write_csv, write_table
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import write_outlines
from nunatak.geometry.region import Region
from nunatak.results import reading
from nunatak.runtime import stamp


@pytest.fixture
def inputs(tmp_path):
    """Height change, its sums and repeat pairs of one study."""
    about = stamp(study="icecap", source="SIMULATED")
    change = study_results.height_change().assign_coords(decimal_year=("time", study_results.YEARS))
    change = change.drop_vars([v for v in change.variables if "lag" in str(v)])
    region = Region("ice cap", study_results.REGION)
    paths = {
        n: str(tmp_path / n) for n in ("regions.geojson", "height_change.nc", "region_change.csv", "pairs.parquet")
    }
    write_outlines({"region": region}, paths["regions.geojson"])
    reading.write_height_change({"4km": (georeference(change, Grid.of(change)), {})}, paths["height_change.nc"], about)
    coverage = cell_coverage(Grid.of(change), region.projected(study_results.CRS))
    write_csv(elevation.region_change(change, coverage, region="region"), paths["region_change.csv"], attributes=about)
    write_table(study_results.pairs(), paths["pairs.parquet"], attributes={"nunatak_source": "directory"})
    names = ("regions", "change", "region_change", "repeat_pairs")
    return dict(zip(names, paths.values(), strict=True))


def test_a_sound_study_passes(inputs, tmp_path):
    check_study.main(inputs, tmp_path / "checks.json", world=None)
    found = {check.name: check for check in checks.read_checks(tmp_path / "checks.json")}
    assert not any(check.failed for check in found.values())
    assert {"crs", "datum_epoch", "finite_share/4km", "volume_closure/region", "repeat_pairs/found"} <= set(found)


def test_a_study_of_tracks_alone_is_checked_for_its_pairs(inputs, tmp_path):
    wanted = {name: inputs[name] for name in ("regions", "repeat_pairs")}
    check_study.main(wanted, tmp_path / "checks.json", world=None)
    assert [c.name.split("/")[0] for c in checks.read_checks(tmp_path / "checks.json")] == [
        *["repeat_pairs"] * 8,
        "results",
    ]


def test_a_failed_check_is_written_and_does_not_stop_the_job(inputs, tmp_path):
    pairs = study_results.pairs().rename(columns={"time_first": "time_second", "time_second": "time_first"})
    write_table(pairs, inputs["repeat_pairs"], attributes={"nunatak_source": "directory"})
    check_study.main(inputs, tmp_path / "checks.json", world=None)
    failed = [c.name for c in checks.read_checks(tmp_path / "checks.json") if c.failed]
    assert failed == ["repeat_pairs/later"]


@pytest.mark.parametrize(("crs", "failed"), [(study_results.CRS, []), ("EPSG:3031", ["raster_projection"])])
def test_rasters_are_read_back_and_held_against_the_grid(inputs, tmp_path, crs, failed):
    """A raster whose file says another projection lies elsewhere in every other program."""
    layer, _ = reading.read_height_change(inputs["change"])
    mapped = elevation.change_between(layer, *layer.decimal_year.values[[0, -1]])
    bands = np.stack([mapped[name].values for name in ("dh", "dh_sigma", "dhdt", "dhdt_sigma")])
    write_cog(bands.astype("f4"), replace(Grid.of(layer), crs=crs), tmp_path / "map_change.tif")
    given = {**inputs, "change_raster": str(tmp_path / "map_change.tif")}
    check_study.main(given, tmp_path / "checks.json", world=None)
    found = {check.name: check for check in checks.read_checks(tmp_path / "checks.json")}
    assert found["raster_projection"].value == len(failed)
    assert [name for name, check in found.items() if check.failed] == failed
