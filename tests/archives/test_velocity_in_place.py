"""Mosaics read in place over real HTTP ranges as a source of velocities, and the version of a cube in a lock."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import shapely
from tests.standin import faults, public, stac

from nunatak import simulation
from nunatak.archives import EmptyAnswer, lock
from nunatak.archives.itslive import image_pairs
from nunatak.cubes.mosaics import plan_mosaics, read_mosaics
from nunatak.files import retries
from nunatak.geometry import region
from nunatak.products import GranuleError
from nunatak.products.itslive.mosaics import mosaic_parts
from nunatak.study.period import Period

AREA = region.load({"bbox": [-101.0, -75.07, -100.75, -75.02]}, name="trunk")
YEARS = Period.model_validate(["2016-01-01", "2017-12-31"])
FOLDER = "velocity_mosaic/v2.1/annual"
CUBE = "ITS_LIVE_vel_EPSG3031_G0120_X-1550000_Y-250000.zarr"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(retries, "PAUSE", 0.01)


@pytest.fixture
def storage(standin, tmp_path):
    """ITS_LIVE's public storage, empty."""
    (tmp_path / "public").mkdir()
    standin.services[faults.S3] = public.PublicStorage(tmp_path / "public")
    return standin.services[faults.S3]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Simulated mosaics on disk."""
    folder = tmp_path_factory.mktemp("mosaics")
    simulation.write_product(simulation.world("pine_island", "tiny"), "itslive_mosaic", folder)
    return sorted(folder.glob("*.nc"))


@pytest.fixture
def mosaics(standin, storage, written):
    """The mosaics in public storage and in its catalogue: paths by year."""
    folder = storage.root / FOLDER
    folder.mkdir(parents=True)
    for path in written:
        (folder / path.name).symlink_to(path)
    standin.services[faults.STAC] = stac.Stac([item_of(path.name) for path in written])
    return {mosaic_parts(path.name).year: folder / path.name for path in written}


def item_of(name):
    """The catalogue's item of a mosaic."""
    year = mosaic_parts(name).year
    first, last = (year, year) if year else (2014, 2024)
    times = {"start_datetime": f"{first}-01-01T00:00:00+00:00", "end_datetime": f"{last}-12-31T23:59:59+00:00"}
    shape = shapely.box(-104, -76, -98, -74)
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": name.removesuffix(".nc"),
        "collection": image_pairs.MOSAICS,
        "links": [],
        "geometry": shapely.geometry.mapping(shape),
        "bbox": list(shape.bounds),
        "properties": {"datetime": f"{last}-12-31T00:00:00Z", **times, "epsg": "3031"},
        "assets": {"data_netcdf": {"href": f"https://{faults.S3}/{FOLDER}/{name}", "roles": ["data"]}},
    }


def test_windows_of_mosaics_over_http_are_those_on_disk(standin, archive, mosaics):
    """
    Read the study's years and the static mosaic with less than a quarter of the files.

    Nothing is kept.
    """
    found = archive.search("itslive_mosaic", AREA, YEARS)
    assert sorted(mosaic_parts(name).year for name in found["file_name"]) == [0, 2016, 2017]
    ledger = archive.fetch(found)
    assert set(ledger["status"]) == {"present"} and ledger["path"].str.startswith("https://").all()
    standin.log.clear()
    there, settled = read_mosaics(plan_mosaics(ledger, [2016, 2017]), AREA)
    moved = sum(_length(request) for request in standin.requests(faults.S3) if "range" in request.headers)
    paths = {name.removesuffix(".nc"): str(mosaics[mosaic_parts(name).year]) for name in found["file_name"]}
    here, _ = read_mosaics(plan_mosaics(ledger.assign(path=ledger["granule_id"].map(paths)), [2016, 2017]), AREA)
    assert set(settled["fate"]) == {"used"} and set(there.layers) == {2016, 2017}
    for year, layer in here.layers.items():
        for name, values in layer.items():
            np.testing.assert_array_equal(there.layers[year][name], values, err_msg=name)
    for name, values in here.static.items():
        np.testing.assert_array_equal(there.static[name], values, err_msg=name)
    assert 0 < moved < sum(path.stat().st_size for path in mosaics.values()) / 4


def _length(request):
    """Bytes that a request asked for."""
    first, _, last = request.headers["range"].removeprefix("bytes=").partition("-")
    return int(last) - int(first) + 1 if first else int(last)


def test_a_failed_request_is_no_year_without_data(standin, archive, mosaics):
    """
    Take the third answer after two refusals.

    Refused for good, the study stops with the mosaic's name.
    """
    ledger = archive.fetch(archive.search("itslive_mosaic", AREA, YEARS))
    plan = plan_mosaics(ledger, [2016, 2017])
    standin.fault("s3_503", match="*_2016_*", times=2)
    assert set(read_mosaics(plan, AREA)[0].layers) == {2016, 2017}
    standin.fault("s3_503", match="*_2016_*")
    with pytest.raises(GranuleError, match=r"_2016_V02\.1\.nc.*answered 503"):
        read_mosaics(plan, AREA)


def test_no_mosaic_there_is_told_in_one_line(archive, mosaics):
    far = region.load({"bbox": [10.0, 79.0, 12.0, 80.0]}, name="svalbard")
    with pytest.raises(EmptyAnswer, match="has no mosaic in svalbard"):
        archive.search("itslive_mosaic", far, YEARS)


def test_a_lock_holds_a_cubes_version_and_tells_one_that_was_updated(standin, storage, archive, tmp_path):
    """The archive publishes no checksum of a cube: the lock has that of what the cube says of itself."""
    folder = storage.root / "datacubes" / "v2" / CUBE
    source = tmp_path / "cube.zarr"
    simulated = simulation.write_product(simulation.world("pine_island", "tiny"), "itslive_cube", tmp_path / "cubes")
    name = next(n for n in simulated["file_name"] if (tmp_path / "cubes" / n / ".zmetadata").is_file())
    shutil.move(tmp_path / "cubes" / name, source)
    folder.parent.mkdir(parents=True)
    folder.symlink_to(source)
    address = f"https://{faults.S3}/datacubes/v2/{CUBE}"
    feature = {
        "type": "Feature",
        "geometry": shapely.geometry.mapping(shapely.box(-104, -76, -98, -74)),
        "properties": {"zarr_url": address, "epsg": 3031},
    }
    (storage.root / "datacubes" / "catalog_v02.json").write_text(json.dumps({"features": [feature]}))
    found = archive.search("itslive_cube", None, None)
    lock.write(lock.with_versions(found, archive.fetch(found)), tmp_path / "itslive.csv")
    locked = lock.read(tmp_path / "itslive.csv", product="itslive_cube")
    assert found["checksum"].isna().all() and locked["checksum"].str.len().eq(64).all()
    assert list(archive.fetch(locked)["status"]) == ["present"]
    said = json.loads((source / ".zmetadata").read_text())
    said["metadata"][".zattrs"]["date_updated"] = "2027-01-01"
    (source / ".zmetadata").write_text(json.dumps(said))
    ledger = archive.fetch(locked)
    assert list(ledger["status"]) == ["failed"] and "was updated since it was listed" in ledger["reason"][0]
