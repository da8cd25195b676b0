"""The STAC catalogue of a study, read by pystac, and what it names opened by rasterio and geopandas."""

import json
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pystac
import pytest
import rasterio
from numpy.testing import assert_allclose

from nunatak.files.rasters import write_cog
from nunatak.files.tables import write_csv, write_table
from nunatak.geometry import region
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import write_outlines
from nunatak.reports import catalog

GRID = Grid("EPSG:3031", -850_000.0, -1_250_000.0, 25_000.0, 12_500.0, 3, 4)
ROSS = {"bbox": [160, -78, -150, -74], "crosses_antimeridian": True}


@pytest.fixture
def folder(tmp_path):
    """A study's folder with a raster, a folder of rasters, points of two cycles, and tables without places."""
    folder = tmp_path / "ross_sea"
    folder.mkdir()
    write_outlines({"region": region.load(ROSS, name="ross")}, folder / "regions.geojson")
    (folder / "atl06/points").mkdir(parents=True)
    (folder / "velocity/maps").mkdir(parents=True)
    write_cog(np.arange(12.0).reshape(3, 4), GRID, folder / "change.tif", scale="change")
    write_cog(np.arange(12.0).reshape(3, 4), GRID, folder / "velocity/maps/v.tif", scale="speed")
    rows = pd.DataFrame({"longitude": [170.0, -170.0], "latitude": [-76.0, -75.0], "h_li": [1.0, 2.0]})
    for cycle in ("03", "04"):
        write_table(rows, folder / f"atl06/points/{cycle}.parquet", points=True)
    write_table(rows, folder / "plain.parquet")
    write_csv(rows, folder / "rows.csv")
    return folder


@pytest.fixture
def described(folder):
    """The catalogue of that folder."""
    made = ["change.tif", "velocity/maps", "atl06/points/03.parquet", "atl06/points/04.parquet", "plain.parquet"]
    catalog.write_catalog(
        folder,
        [folder / path for path in [*made, "rows.csv"]],
        study="ross_sea",
        title="Meer bei Roß — 海冰 " + "x" * 300,
        period={"start": "2019-09-01", "end": "2019-09-30"},
        source="SIMULATED",
    )
    return pystac.Catalog.from_file(str(folder / "catalog.json"))


def test_stac_finds_the_catalogue_and_each_item_valid(described):
    """By the schemas of STAC 1.1.0 that come with pystac. Those of extensions would be fetched and are left out."""
    items = list(described.get_items())
    assert {item.id for item in items} == {"change", "velocity-maps-v", "atl06-points"}
    described.validate()
    for item in items:
        item.stac_extensions = []
        item.validate()


def test_items_say_when_where_and_from_what_source(described):
    """A region over the antimeridian has its west east of its east, as GeoJSON has it, and no middle of the world."""
    for item in described.get_items():
        assert_allclose(item.bbox, [160, -78, -150, -74])
        assert item.properties["start_datetime"] == "2019-09-01T00:00:00Z"
        assert item.properties["end_datetime"] == "2019-09-30T23:59:59Z"
        assert item.properties["nunatak_source"] == "SIMULATED"
        assert item.geometry["type"] == "MultiPolygon"


def test_what_items_name_is_there_and_opens(described, folder):
    """Rasters lie where the item says, in rasterio's eyes, and points read as points."""
    items = {item.id: item for item in described.get_items()}
    said = items["change"].properties
    with rasterio.open(items["change"].assets["data"].get_absolute_href()) as raster:
        assert said["proj:code"] == "EPSG:3031" == str(raster.crs)
        assert said["proj:shape"] == [raster.height, raster.width]
        assert_allclose(said["proj:transform"], list(raster.transform)[:6])
        assert_allclose(said["proj:bbox"], raster.bounds)
    assert sorted(items["atl06-points"].assets) == ["03", "04"]
    points = geopandas.read_parquet(items["atl06-points"].assets["03"].get_absolute_href())
    assert points.crs == "OGC:CRS84" and list(points.geometry.x) == [170.0, -170.0]
    for item in items.values():
        for asset in item.assets.values():
            assert Path(asset.get_absolute_href()).stat().st_size
    assert "style" in items["velocity-maps-v"].assets


def test_the_folder_can_be_moved(described, folder, tmp_path):
    """No address in catalogue or items is absolute."""
    texts = [folder / "catalog.json", *(folder / "stac").iterdir()]
    assert not any(str(tmp_path) in path.read_text("utf-8") for path in texts)


def test_a_study_without_a_map_has_an_empty_catalogue(folder):
    """Tables without places are no items, and the catalogue stays valid."""
    catalog.write_catalog(
        folder,
        [folder / "rows.csv"],
        study="a",
        title="a",
        period={"start": "2019-01-01", "end": "2019-01-02"},
        source="x",
    )
    assert [link["rel"] for link in json.loads((folder / "catalog.json").read_text())["links"]] == ["root"]
    pystac.Catalog.from_file(str(folder / "catalog.json")).validate()
