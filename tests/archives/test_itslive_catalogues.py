"""ITS_LIVE's other catalogues: pairs as geoparquet, datacubes in a list, mosaics; read in place from public storage."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import shapely
import xarray as xr
from rasterio.transform import from_origin
from tests.standin import faults, public, stac

from nunatak.archives import EmptyAnswer, ServiceFailed
from nunatak.archives.archive import Filters
from nunatak.archives.itslive import geoparquet, image_pairs
from nunatak.archives.nasa.earthdata import EarthdataArchive
from nunatak.cubes.datacubes import plan_layers
from nunatak.cubes.streaming import stream_composite
from nunatak.cubes.tiles import stack_of
from nunatak.files import retries
from nunatak.geometry import region
from nunatak.products import GranuleError
from nunatak.products.itslive import cubes, mosaics
from nunatak.study.period import Period

TRUNK = region.load({"bbox": [-102, -75.4, -100, -74.8]}, name="trunk")
DATELINE = region.load({"bbox": [178, -78, -178, -76], "crosses_antimeridian": True}, name="dateline")
YEARS = Period.model_validate(["2018-01-01", "2019-12-31"])


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(retries, "PAUSE", 0.01)


@pytest.fixture
def storage(standin, tmp_path):
    """ITS_LIVE's public storage, empty."""
    (tmp_path / "public").mkdir()
    standin.services[faults.S3] = public.PublicStorage(tmp_path / "public")
    return standin.services[faults.S3]


@pytest.fixture
def catalogue(standin, pairs, storage):
    """The pairs, others elsewhere and years ago, and one over the antimeridian, as files; each pair in two tiles."""
    far = [_moved(item, 60.0) for item in standin.items]
    old = [_older(item) for item in standin.items]
    over = _shaped(
        standin.items[0], "x", shapely.union(shapely.box(179, -78, 180, -77), shapely.box(-180, -78, -179, -77))
    )
    items = [*standin.items, *far, *old, over]
    public.write_catalogue(storage.root, items, lambda item: ("81f23ff", "81f27ff"))
    return items


def _shaped(item, letter, shape):
    """The same pair of images in another place: its valid share tells them apart."""
    name = item["id"].replace("_G0120", f"{letter}_G0120")
    return {
        **item,
        "id": name,
        "geometry": shapely.geometry.mapping(shape),
        "assets": {"data": {"href": f"s3://its-live-data/velocity_image_pair/x/{name}.nc", "roles": ["data"]}},
    }


def _moved(item, degrees):
    shape = shapely.transform(shapely.geometry.shape(item["geometry"]), lambda xy: np.add(xy, [degrees, 0]))
    return _shaped(item, "f", shape)


def _older(item):
    text = json.dumps(item).replace("_2018", "_1998").replace("_2019", "_1999").replace("2018-", "1998-")
    return json.loads(text.replace("2019-", "1999-"))


@pytest.fixture
def by_parquet(tmp_path):
    return EarthdataArchive(tmp_path / "resources", pairs="geoparquet")


@pytest.mark.parametrize("filters", [Filters(), Filters(percent_valid_pixels=30, max_separation=120)])
def test_both_ways_lead_to_the_same_pairs(standin, archive, catalogue, by_parquet, filters):
    one, other = (way.search("itslive", TRUNK, YEARS, filters) for way in (archive, by_parquet))
    pd.testing.assert_frame_equal(one, other)
    assert len(one) > 20 and one["granule_id"].is_unique


def test_only_what_can_be_wanted_is_read(standin, catalogue, by_parquet, storage):
    """No file of other years; of the others their tables and the wanted columns of the row groups that touch."""
    by_parquet.search("itslive", TRUNK, YEARS)
    asked = [request for request in standin.requests(faults.S3) if "range" in request.headers]
    assert asked and not [request.path for request in asked if "year=199" in request.path]
    files = [path for path in storage.root.rglob("*.parquet") if "year=199" not in str(path)]
    moved = sum(_length(request, storage.root) for request in asked)
    assert moved < 0.5 * sum(path.stat().st_size for path in files)


def _length(request, root):
    size = (root / request.path.lstrip("/")).stat().st_size
    first, _, last = request.headers["range"].removeprefix("bytes=").partition("-")
    return min(int(last), size) if not first else min(int(last), size - 1) - int(first) + 1


def test_a_region_over_the_antimeridian_finds_the_pair_there(standin, catalogue, by_parquet):
    found = by_parquet.search("itslive", DATELINE, YEARS)
    assert list(found["concept_id"]) == [catalogue[-1]["id"]]
    assert found["url"][0].startswith("https://its-live-data.s3.amazonaws.com/velocity_image_pair/")


def test_the_listing_is_read_to_its_last_page(standin, catalogue, by_parquet, storage):
    storage.page = 2
    listed = geoparquet.ParquetCatalogue(by_parquet.endpoints.itslive_parquet).files()
    assert len(listed) == len(list(storage.root.rglob("*.parquet"))) > 4


@pytest.mark.parametrize("fault", ["s3_503", "s3_html"])
def test_a_catalogue_that_fails_is_no_empty_answer(standin, catalogue, by_parquet, fault):
    standin.fault(fault, match="*parquet")
    with pytest.raises(ServiceFailed, match=r"\.parquet: .*; run again, or write catalogue: stac"):
        by_parquet.search("itslive", TRUNK, YEARS)
    standin.faults.clear()
    standin.fault(fault)
    with pytest.raises(ServiceFailed, match="did not answer as it should"):
        by_parquet.search("itslive", TRUNK, YEARS)


def test_a_store_that_moved_says_which_setting_to_change(standin, storage, by_parquet):
    with pytest.raises(ServiceFailed, match=r"lists no catalogue file; .* set endpoints\.itslive_parquet"):
        by_parquet.search("itslive", TRUNK, YEARS)


def test_the_recorded_list_of_datacubes_is_read(standin, storage, archive, data):
    """3,086 real cubes: those of Pine Island Glacier by their names, none elsewhere."""
    recorded = data("real/services/itslive_datacube_catalog_v02.json")
    (storage.root / "datacubes").mkdir()
    (storage.root / "datacubes" / "catalog_v02.json").write_bytes(recorded.read_bytes())
    every = archive.search("itslive_cube", None, None)
    assert len(every) == 3086 and every["product"].eq("itslive_cube").all() and every["geometry"].notna().all()
    here = archive.search("itslive_cube", TRUNK, YEARS)
    assert 0 < len(here) < 20 and set(here["epsg"]) == {"3031"}
    assert all(url.startswith("https://its-live-data.s3.amazonaws.com/datacubes/v2/") for url in here["url"])
    with pytest.raises(EmptyAnswer, match="has no datacube in sahara"):
        archive.search("itslive_cube", region.load({"bbox": [0, 22, 2, 24]}, name="sahara"), None)


def _shape(item):
    return shapely.geometry.shape(item["geometry"])


def test_the_recorded_mosaics_are_found_by_place_and_year(standin, archive, data):
    items = json.loads(data("recorded/itslive/stac_items_mosaics.json").read_text())
    standin.services[faults.STAC] = stac.Stac(items)
    alaska = region.load({"bbox": [-150, 60, -140, 62]}, name="alaska")
    every = archive.search("itslive_mosaic", alaska, None)
    assert set(every["concept_id"]) == {item["id"] for item in items if alaska.intersects(_shape(item))}
    assert len(every) > 20 and set(every["product"]) == {"itslive_mosaic"}
    one = archive.search("itslive_mosaic", alaska, Period.model_validate(["1999-01-01", "1999-12-31"]))
    assert list(one["kind"]) == ["annual"] and "1999" in one["file_name"][0] and "vx" in one["cogs"][0].split()
    held = {asset["href"] for item in items for asset in item["assets"].values()}
    assert {image_pairs.cog_of(row.url, "v") for row in every.itertuples()} <= held


@pytest.fixture
def grids(standin, storage):
    """A mosaic as NetCDF and GeoTIFF and a datacube, of some megabytes each."""
    rng = np.random.default_rng(1)
    n = 768
    speed = rng.normal(500, 50, (n, n)).astype("f4")
    x, y = 400000.0 + 120 * np.arange(n), -1200000.0 - 120 * np.arange(n)
    folder = storage.root / "velocity_mosaic" / "v2.1" / "static"
    (folder / "cog").mkdir(parents=True)
    name = "ITS_LIVE_velocity_120m_RGI19A_0000_V02.1"
    fields = {"v": (("y", "x"), speed), "mapping": ((), np.int8(0), {"spatial_epsg": 3031})}
    encoding = {"v": {"chunksizes": (128, 128), "zlib": True}}
    xr.Dataset(fields, {"x": x, "y": y}).to_netcdf(folder / f"{name}.nc", engine="h5netcdf", encoding=encoding)
    profile = {
        "driver": "GTiff",
        "width": n,
        "height": n,
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:3031",
        "transform": from_origin(x[0] - 60, y[0] + 60, 120, 120),
        "tiled": True,
        "blockxsize": 128,
        "blockysize": 128,
        "compress": "deflate",
    }
    with rasterio.open(folder / "cog" / f"{name}_v.tif", "w", **profile) as raster:
        raster.write(speed, 1)
    return f"https://{faults.S3}/velocity_mosaic/v2.1/static/{name}.nc"


@pytest.mark.parametrize("form", ["nc", "tif"])
def test_a_window_of_a_mosaic_costs_its_chunks_and_little_more(standin, storage, grids, form):
    """Four chunks of 36: bytes are those of the server's log."""
    address = grids if form == "nc" else image_pairs.cog_of(grids, "v")
    path = storage.root / address.split(".com/")[1]
    whole = mosaics.open_mosaic(path)
    bounds = (float(whole.x[128]), float(whole.y[383]), float(whole.x[383]), float(whole.y[128]))
    window = mosaics.open_mosaic(address, bounds=bounds)
    xr.testing.assert_equal(window, mosaics.open_mosaic(path, bounds=bounds))
    asked = [request for request in standin.requests(faults.S3) if "range" in request.headers]
    moved = sum(_length(request, storage.root) for request in asked)
    chunks = path.stat().st_size * 4 / 36
    assert moved <= 1.5 * chunks, f"{moved} bytes for chunks of {chunks:.0f}"


def test_a_mosaic_stays_where_it_is(standin, storage, grids, archive, tmp_path):
    item = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": "RGI19A_STATIC",
        "collection": "velocity-mosaics",
        "links": [],
        "geometry": shapely.geometry.mapping(shapely.box(-110, -80, -90, -70)),
        "bbox": [-110, -80, -90, -70],
        "properties": {
            "datetime": "2024-12-31T00:00:00Z",
            "start_datetime": "2014-01-01T00:00:00+00:00",
            "end_datetime": "2024-12-31T23:59:59+00:00",
            "epsg": "3031",
        },
        "assets": {"data_netcdf": {"href": grids, "roles": ["data"]}},
    }
    standin.services[faults.STAC] = stac.Stac([item])
    found = archive.search("itslive_mosaic", TRUNK, YEARS)
    ledger = archive.fetch(found)
    assert list(ledger["status"]) == ["present"] and ledger["path"][0] == grids and ledger["size_bytes"][0] > 1e6
    assert not list((tmp_path / "resources").rglob("*.nc"))


@pytest.fixture
def cube(standin, storage, data):
    """(address, folder) of the real, cropped cube."""
    source = next(data("real/ITS_LIVE_cube").glob("*.zarr"))
    name = "ITS_LIVE_vel_EPSG32646_G0120_X750000_Y3350000.zarr"
    (storage.root / "datacubes" / "v2").mkdir(parents=True)
    (storage.root / "datacubes" / "v2" / name).symlink_to(source)
    return f"https://{faults.S3}/datacubes/v2/{name}", source


def test_a_datacube_stays_where_it_is_and_costs_the_chunks_of_its_window(standin, storage, archive, cube):
    """The real, cropped cube: of a window within one column of chunks that column alone travels."""
    address, source = cube
    feature = {
        "type": "Feature",
        "geometry": shapely.geometry.mapping(shapely.box(95, 29, 96, 30)),
        "properties": {"zarr_url": address.replace("https", "http"), "epsg": 32646},
    }
    (storage.root / "datacubes" / "catalog_v02.json").write_text(json.dumps({"features": [feature]}))
    ledger = archive.fetch(archive.search("itslive_cube", None, None))
    assert list(ledger["status"]) == ["present"] and ledger["path"][0] == address
    local = cubes.open_datacube(source)
    bounds = (float(local.x[0]), float(local.y[9]), float(local.x[9]), float(local.y[0]))
    standin.log.clear()
    there = cubes.open_datacube(address, bounds=bounds, variables=("vx",))
    xr.testing.assert_equal(
        there, cubes.open_datacube(source, bounds=bounds, variables=("vx",)).assign_attrs(there.attrs)
    )
    chunks = [request.path for request in standin.requests(faults.S3, "*/vx/*.*.*")]
    assert chunks == [f"{address.partition('.com')[2]}/vx/0.0.0"]


def test_a_chunk_that_does_not_come_is_no_cell_without_data(standin, cube):
    """An object that is absent is an empty chunk; one that fails is an error, after several attempts."""
    address, source = cube
    standin.fault("s3_503", match="*/vx/0.0.0", times=2)
    local = cubes.open_datacube(source)
    corner = {
        "bounds": (float(local.x[0]), float(local.y[9]), float(local.x[9]), float(local.y[0])),
        "variables": ("vx",),
    }
    there = cubes.open_datacube(address, **corner)
    xr.testing.assert_equal(there, cubes.open_datacube(source, **corner))
    standin.fault("s3_503", match="*/vx/0.0.0")
    with pytest.raises(GranuleError, match=r"vx/0\.0\.0: answered 503, 5 times"):
        cubes.open_datacube(address, **corner)


def test_no_subset_is_ordered_of_its_granules(standin, pairs, tmp_path, caplog):
    caplog.set_level("INFO", logger="nunatak")
    archive = EarthdataArchive(tmp_path / "resources", subset={"bbox": [0, 0, 1, 1]})
    archive.fetch(archive.search("itslive", TRUNK, YEARS).head(1))
    assert "ITS_LIVE has no Harmony service" in caplog.text and not standin.requests("harmony*")


CORNER = (784400.0, 3314000.0, 786000.0, 3315600.0)  # m, of the real cube: over the edges of its chunks


def _streamed(cube, folder=None):
    """Annual velocities of a corner of the real cube, what is finished kept in a folder, and the chunks read of it."""
    to_globe = pyproj.Transformer.from_crs(32646, 4326, always_xy=True)
    corner = region.load({"bbox": list(to_globe.transform_bounds(*CORNER))})
    plan, parts = plan_layers({str(cube): ""}, corner, selection={"percent_valid_pixels": 0})
    stack, tiles = stack_of(plan, parts)
    return stream_composite(stack, tiles, kept=folder, memory_mb=90)


def test_velocities_streamed_from_storage_are_those_of_the_cube_at_hand(standin, cube, tmp_path):
    """
    Each chunk travels once.

    One that fails is an error, and the next run asks for what is not finished yet.
    """
    address, source = cube
    here, _ = _streamed(source)

    def asked():
        return [request.path.rpartition(".zarr/")[2] for request in standin.requests(faults.S3, "*/v[xy]/*.*.*")]

    standin.fault("s3_503", match="*/vy/0.1.1")
    with pytest.raises(GranuleError, match=r"vy/0\.1\.1: answered 503, 5 times"):
        _streamed(address, tmp_path / "kept")
    before = [name for name in asked() if name != "vy/0.1.1"]
    standin.reset()
    there, seen = _streamed(address, tmp_path / "kept")
    assert "vy/0.1.1" in asked() and len(set(asked())) == len(asked())
    assert {"vx/0.0.0", "vy/0.0.0", "vx/0.0.1", "vy/0.0.1"} == set(before) - set(asked())  # finished before
    assert seen.valid.sum() > 0
    for name in here.data_vars:
        np.testing.assert_array_equal(np.asarray(there[name].values), np.asarray(here[name].values), err_msg=name)
