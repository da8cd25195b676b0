"""Simulated height record and BedMachine: their readers find the truth within the errors that the files state."""

from dataclasses import replace

import numpy as np
import pytest

from nunatak import simulation
from nunatak.archives.archive import Filters
from nunatak.archives.local.directory import DirectoryArchive
from nunatak.archives.local.simulated import SimulatedArchive
from nunatak.geometry.region import load
from nunatak.products.bedmachine import read_bedmachine
from nunatak.products.itslive_elevation import LOW, ZERO, read_elevation
from nunatak.runtime import NunatakError
from nunatak.simulation import itslive_elevation
from nunatak.study.period import Period
from nunatak.times import decimal_year

PRODUCTS = ("bedmachine", "itslive_elevation")
TRUNK = load({"bbox": [-101.3, -75.16, -100.5, -74.94]})
GREENLAND = load({"bbox": [-34.88, 66.466, -34.68, 66.651]})


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A world of Pine Island, 80 km wide, and its files: some months about the ends of eras and the empty years."""
    whole = simulation.world("pine_island", "tiny")
    world = replace(whole, height_bounds=(-1640e3, -360e3, -1560e3, -280e3))
    folder = tmp_path_factory.mktemp("sheets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(itslive_elevation.MONTHS, "antarctica", ("1989-10", "1993-04"))
        old = simulation.write_product(world, "itslive_elevation", folder / "old")
        patch.setitem(itslive_elevation.MONTHS, "antarctica", ("2019-01", "2020-07"))
        tables = {name: simulation.write_product(world, name, folder / name) for name in PRODUCTS}
    return world, folder, {**tables, "old": old}


def _path(archive, name):
    _, folder, tables = archive
    return folder / name / tables[name]["file_name"][0]


@pytest.mark.parametrize("name", ["itslive_elevation", "old"])
def test_height_change_is_the_truth_within_its_errors(archive, name):
    world, *_ = archive
    data = read_elevation(_path(archive, name))
    x, y = np.meshgrid(data.x, data.y)
    zero = float(decimal_year(np.datetime64(ZERO["antarctica"])))
    true = np.stack([world.truth.surface_change(x, y, t, since=zero) for t in decimal_year(data.time.values)])
    z = ((data.dh - true) / data.dh_sigma).values
    assert 0.9 < np.nanstd(z) < 1.1 and abs(np.nanmean(z)) < 0.15
    assert data.attrs["nunatak_source"] == "SIMULATED" and data.attrs["resolution"] == 1920
    assert np.isnan(data.dh.values[:, ~world.truth.ice(x, y)]).all()
    if name == "old":
        empty = np.isnan(data.dh).all(("y", "x"))
        assert set(data.time.dt.year.values[empty.values]) == {1990, 1991, 1992} and 20 < int(empty.sum()) < 30
        assert data.attrs["values_low_quality"] == data.attrs["values_kept"] and int(data.quality.max()) == LOW


def test_thickness_is_the_truth_of_its_year(archive):
    world, *_ = archive
    data = read_bedmachine(_path(archive, "bedmachine"))
    ice = (data.mask == 2).values
    x, y = np.meshgrid(data.x, data.y)
    z = ((data.thickness - world.truth.thickness(x, y, 2015.0)) / data.thickness_sigma).values[ice]
    assert 0.7 < np.std(z) < 1.3
    np.testing.assert_allclose(data.surface.values[ice], world.truth.surface(x, y, 2015.0)[ice], atol=1e-3)
    np.testing.assert_allclose((data.surface - data.bed - data.thickness).values[ice], 0, atol=1e-3)
    assert data.attrs["reference_year"] == 2015 and data.attrs["nunatak_source"] == "SIMULATED"


@pytest.mark.parametrize("name", PRODUCTS)
def test_archives_find_and_fetch_them(archive, name, tmp_path):
    """
    The simulated archive and a folder say the same of a file.

    The study's period leaves no surface of one epoch out.
    """
    _, folder, _ = archive
    period = Period.model_validate(["2019-06-01", "2020-12-31"])
    ways = SimulatedArchive(folder), DirectoryArchive(folder / name, tmp_path)
    rows = []
    for way in ways:
        found = way.search(name, TRUNK, period, Filters())
        assert way.fetch(found)["status"].tolist() == ["present"]
        rows.append(found[["file_name", "version", "time_start", "time_end", "source"]].to_dict("records"))
    assert rows[0] == rows[1] and rows[0][0]["source"] == "SIMULATED"
    with pytest.raises(NunatakError, match="1 outside the region"):
        ways[1].search(name, GREENLAND, period, Filters())
    if name == "itslive_elevation":
        with pytest.raises(NunatakError, match="1 outside the period"):
            ways[1].search(name, TRUNK, Period.model_validate(["2021-01-01", "2022-12-31"]), Filters())


def test_greenland_has_two_firn_models_and_the_south_none(tmp_path, monkeypatch):
    """The models differ by some centimetres about no change at all."""
    monkeypatch.setitem(itslive_elevation.MONTHS, "greenland", ("2015-01", "2015-07"))
    place = {"region": GREENLAND.as_dict(), "altimetry_region": None, "focus": None, "on_ice": [], "months": []}
    place |= {"start": "2015-01-01T00:00:00", "end": "2016-01-01T00:00:00", "rgt": None, "cycles": None}
    world = simulation.world("mine", "tiny", {**place, "months": ["2015-01"]})
    path = tmp_path / simulation.write_product(world, "itslive_elevation", tmp_path)["file_name"][0]
    data = read_elevation(path, crs="EPSG:3413")
    np.testing.assert_array_equal(data.dfac_gemb, -data.dfac_gsfc)
    spread = float(np.abs(data.dfac_gemb).max())
    assert 0 < spread < 0.5 and data.attrs["relative_to"] == "2014-01-01" and int(np.isfinite(data.dh).sum()) > 50
    bed = tmp_path / simulation.write_product(world, "bedmachine", tmp_path)["file_name"][0]
    assert read_bedmachine(bed, crs="EPSG:3413").attrs["resolution"] == 150


def test_a_world_on_neither_sheet_is_told(tmp_path):
    with pytest.raises(NunatakError, match=r"products\.bedmachine: covers Greenland and Antarctica"):
        simulation.write_product(simulation.world("austfonna", "tiny"), "bedmachine", tmp_path)
