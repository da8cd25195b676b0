"""Grids of whole ice sheets in the archives: fixed addresses, a collection for each sheet, and reading in place."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from tests.archives.conftest import record_of
from tests.builders.sheets import put, write_antarctica, write_bedmachine
from tests.standin import faults
from tests.standin.public import PublicStorage

from nunatak.archives import EmptyAnswer, in_place
from nunatak.archives.archive import Filters
from nunatak.archives.itslive.height_change import RECORDS
from nunatak.archives.nasa.earthdata import EarthdataArchive
from nunatak.files import remote
from nunatak.geometry import region
from nunatak.products.itslive_elevation import read_elevation
from nunatak.study.period import Period

TRUNK = region.load({"bbox": [-102, -75.4, -100, -74.8]}, name="trunk")
FJORD = region.load({"bbox": [-34.88, 66.466, -34.68, 66.651]}, name="fjord")
SVALBARD = region.load({"bbox": [20, 79, 26, 80]}, name="svalbard")
YEARS = Period.model_validate(["2015-01-01", "2019-12-31"])
PATHS = {record.path.rpartition("/")[2]: f"height_change/{record.path}" for record in RECORDS}
GROUNDED = "ANT_G1920V01_GroundedIceHeight.nc"
TILE, CELLS, STEPS = 108, 2916, 429


@pytest.fixture
def bucket(standin, tmp_path):
    """The folder of the public storage, with a place for the file of Antarctica."""
    standin.services[faults.S3] = PublicStorage(tmp_path / "bucket")
    path = tmp_path / "bucket" / PATHS[GROUNDED]
    path.parent.mkdir(parents=True)
    in_place._session.cache_clear()
    return path


def test_the_sheet_follows_the_region(archive):
    """Nothing is asked: the addresses are fixed, and a region or period of no record is told."""
    (south,) = archive.search("itslive_elevation", TRUNK, YEARS)["url"]
    (north,) = archive.search("itslive_elevation", FJORD, YEARS)["url"]
    assert south == f"https://{faults.S3}/{PATHS[GROUNDED]}" and north.endswith(
        "Greenland_G1920V01_IceSheetGlacierIceHeight.nc"
    )
    assert archive.search("itslive_shelves", TRUNK, YEARS)["file_name"].tolist() == ["ANT_G1920V01_IceShelfMelt.nc"]
    with pytest.raises(EmptyAnswer, match=r"no itslive_elevation granule in svalbard .*2 outside the region"):
        archive.search("itslive_elevation", SVALBARD, YEARS)
    with pytest.raises(EmptyAnswer, match="2 outside the period"):
        archive.search("itslive_elevation", TRUNK, Period.model_validate(["2024-01-01", "2024-12-31"]))


def test_it_comes_without_a_login(standin, archive, bucket):
    values = np.arange(48.0).reshape(3, 4, 4)
    write_antarctica(bucket, values, values + 1, np.ones(values.shape))
    ledger = archive.fetch(archive.search("itslive_elevation", TRUNK, YEARS))
    assert ledger["status"].tolist() == ["present"] and not standin.requests("urs*")
    np.testing.assert_array_equal(read_elevation(ledger["path"][0]).dh, values)


def _large(path, tiles, steps):
    """The file of Antarctica at its full size, with values in some tiles and months alone."""
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        half = 960.0 * (CELLS - 1)
        for name, values in (("x", np.linspace(-half, half, CELLS)), ("y", np.linspace(half, -half, CELLS))):
            put(file, name, values)
        put(file, "time", 12890.5 + 30.4375 * np.arange(STEPS), units="days since 1950-01-01")
        put(file, "mapping", np.int8(0), spatial_epsg="3031.0")
        for name, kind, fill in (("dh", "f4", -32767), ("rmse", "f4", -32767), ("quality_flag", "u1", 0)):
            form = {"chunks": (1, TILE, TILE), "fillvalue": fill, "compression": 1}
            made = file.create_dataset(name, (STEPS, CELLS, CELLS), kind, **form)
            made.attrs["_FillValue"] = made.dtype.type(fill)
            for step in steps:
                for row, column in tiles:
                    part = rng.normal(size=(TILE, TILE)) if kind == "f4" else np.ones((TILE, TILE))
                    made[step, row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE] = part


def test_a_window_of_the_whole_sheet_moves_its_chunks_alone(standin, bucket, tmp_path):
    """
    A window of 300 x 300 km is read from 2916 x 2916 cells and 429 months.

    Bytes and places are those in the server's log.
    """
    near = [(row, column) for row in (15, 16) for column in (5, 6)]
    _large(bucket, [*near, (15, 8), (20, 5), (2, 20)], steps=(200, 300, 405, 406))
    left, top = -2799360.0 + 5 * TILE * 1920 + 9600, 2799360.0 - 15 * TILE * 1920 - 9600
    bounds = (left, top - 300e3, left + 300e3, top)
    archive = EarthdataArchive(tmp_path / "resources", stream=True)
    (path,) = archive.fetch(archive.search("itslive_elevation", TRUNK, YEARS))["path"]
    standin.log.clear()
    asked = {"bounds": bounds, "period": ("2018-01-01", "2020-12-31"), "variables": ("quality",), "crs": "EPSG:3031"}
    there = read_elevation(in_place.openable(path), **asked)
    here = read_elevation(bucket, **asked)
    np.testing.assert_array_equal(there.dh, here.dh)
    assert int(np.isfinite(there.dh).sum()) == 2 * there.sizes["x"] * there.sizes["y"] > 2 * 156**2
    ranges = [tuple(map(int, r.headers["range"].removeprefix("bytes=").split("-"))) for r in standin.requests()]
    wanted, others = _chunks(bucket, near, (405, 406))
    moved = sum(last - first + 1 for first, last in ranges)
    size = sum(length for _, length in wanted)
    assert size <= moved <= 1.3 * size + 20 * remote.BLOCK, f"{moved} bytes for chunks of {size}"
    # chunks that are small (flags) lie beside tables, in whose blocks they may come along
    large = [(start, length) for start, length in others if length > remote.EXACT]
    assert not [1 for first, last in ranges for start, length in large if first <= start and start + length <= last + 1]


def _chunks(path, tiles, steps):
    """(offset, bytes) of the chunks of some tiles and steps, and of all others."""
    wanted, others = [], []
    with h5py.File(path) as file:
        for name in ("dh", "rmse", "quality_flag"):
            dataset = file[name].id
            for number in range(dataset.get_num_chunks()):
                chunk = dataset.get_chunk_info(number)
                step, row, column = chunk.chunk_offset
                inside = step in steps and (row // TILE, column // TILE) in tiles
                (wanted if inside else others).append((chunk.byte_offset, chunk.size))
    return wanted, others


@pytest.fixture
def beds(standin, login, tmp_path):
    """NSIDC's records of both sheets, under the versions that the catalogue states."""
    layers = {name: np.full((4, 5), 100.0) for name in ("thickness", "bed", "surface", "errbed", "firn", "geoid")}
    layers |= {"mask": np.full((4, 5), 2), "source": np.full((4, 5), 2)}
    made = {}
    for name, short_name, version, x0, y0 in (
        ("BedMachineGreenland-v5.nc", "IDBMG4", "5", 460000, -2540000),
        ("BedMachineGreenland-v6.nc", "IDBMG4", "6", 460000, -2540000),
        ("NSIDC-0756_BedMachineAntarctica_19700101-20191001_V04.1.nc", "NSIDC-0756", "4", -1600000, -306000),
    ):
        step = 20000
        place = {"x": x0 + step * np.arange(-2, 3), "y": y0 - step * np.arange(-2, 2)}
        path = write_bedmachine(tmp_path / name, layers, north="Greenland" in name, **place)
        made[name] = record_of(path, short_name=short_name, version=version)
    standin.records += made.values()
    return made


def test_bedmachine_comes_from_the_collection_of_the_sheet(beds, archive):
    """
    The newest version is fetched where none is named, whatever the study's period.

    Where the study names another version, that one is fetched.
    """
    found = archive.search("bedmachine", FJORD, YEARS)
    assert found["file_name"].tolist() == ["BedMachineGreenland-v6.nc"] and found["version"][0] == "006"
    assert archive.fetch(found)["status"].tolist() == ["present"]
    older = archive.search("bedmachine", FJORD, YEARS, Filters(version="005"))
    assert older["file_name"].tolist() == ["BedMachineGreenland-v5.nc"]
    south = archive.search("bedmachine", TRUNK, YEARS)
    assert south["file_name"][0].startswith("NSIDC-0756_BedMachineAntarctica") and len(south) == 1
    with pytest.raises(EmptyAnswer, match=r"bedmachine has no release 007; it has 005, 006: set products\.bedmachine"):
        archive.search("bedmachine", FJORD, YEARS, Filters(version="007"))
