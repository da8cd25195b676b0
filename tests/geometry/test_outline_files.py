"""
Outlines are read from four formats alone.

What points to other files or addresses is never opened.
"""

import json
import os
import sqlite3
import warnings
import zipfile

import pytest
import shapely
from tests.geometry.test_region import write

from nunatak.geometry.polygons import RegionError
from nunatak.geometry.region import load

RING = [[20, 79], [24, 79], [24, 80], [20, 79]]
KML = (
    '<?xml version="1.0"?>{head}<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>{name}</name>'
    "<Polygon><outerBoundaryIs><LinearRing><coordinates>20,79 24,79 24,80 20,79</coordinates></LinearRing>"
    "</outerBoundaryIs></Polygon></Placemark></Document></kml>"
)


@pytest.fixture
def secret(tmp_path):
    """A pipe: whoever opened it would wait for ever."""
    os.mkfifo(tmp_path / "secret.geojson")
    return tmp_path / "secret.geojson"


def pointing(secret):
    layer = f'<OGRVRTLayer name="secret"><SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer>'
    pipeline = {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {secret}"}
    entities = '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    return {
        "vrt": f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>",
        "vrt behind a declaration": f'<?xml version="1.0"?>\n<OGRVRTDataSource>{layer}</OGRVRTDataSource>',
        "vrt in json": json.dumps({"a": f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>"}),
        "vrt in kml": KML.format(head="", name=f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>"),
        "gdalg": json.dumps(pipeline),
        "wfs": "<OGRWFSDataSource><URL>http://127.0.0.1:9/</URL></OGRWFSDataSource>",
        "entities": KML.format(head=entities, name="&x;"),
        "csv": 'WKT,a\n"POLYGON((20 79,24 79,24 80,20 79))",1\n',
    }


@pytest.mark.parametrize("end", ["geojson", "gpkg", "kml"])
def test_what_points_elsewhere_is_refused_under_any_name(tmp_path, secret, end):
    for kind, text in pointing(secret).items():
        (tmp_path / f"o.{end}").write_text(text)
        with pytest.raises(
            RegionError, match=rf"o\.{end}: cannot be read \(it begins .*give GeoJSON, Shapefile"
        ) as said:
            pytest.fail(f"{kind}: {load({'polygon': str(tmp_path / f'o.{end}')}).bounds}")
        assert "\n" not in str(said.value)


def test_a_zipped_file_that_holds_another_format_or_too_much_is_refused(tmp_path, secret):
    path = tmp_path / "o.kmz"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("doc.kml", pointing(secret)["vrt"])
    with pytest.raises(RegionError, match=r"o\.kmz: doc\.kml: cannot be read"):
        load({"polygon": str(path)})
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("doc.kml", KML.format(head="", name="a"))
    assert load({"polygon": str(path)}).bounds == pytest.approx((20, 79, 24, 80), abs=1e-6)
    packed = bytearray(path.read_bytes())
    entry = packed.rindex(b"PK\x01\x02")
    packed[entry + 24 : entry + 28] = (300_000_000).to_bytes(4, "little")  # as a bomb states its size
    path.write_bytes(packed)
    with pytest.raises(RegionError, match=r"o\.kmz: holds more than 2e\+08 bytes"):
        load({"polygon": str(path)})


def test_a_pipe_or_a_folder_is_no_outline(secret):
    for path in (secret, secret.parent, "/dev/zero"):
        with pytest.raises(RegionError, match=r"is not a readable file|is not there"):
            load({"polygon": str(path)})


def test_a_geopackage_of_two_layers_or_with_a_view(tmp_path):
    """
    A file of two layers is read without a warning of Python, whether or not a layer is named.

    A view without outlines is refused in one line.
    """
    path = write(tmp_path / "g.gpkg", [shapely.box(20, 79, 24, 80)], "EPSG:4326", "GPKG", k=["a"])
    database = sqlite3.connect(path)
    database.execute("create view v as select * from g")
    database.execute("insert into gpkg_contents (table_name, data_type, identifier) values ('v', 'attributes', 'v')")
    database.commit()
    database.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with pytest.raises(RegionError, match=r"g\.gpkg: holds attributes alone and no polygon"):
            load({"polygon": str(path), "layer": "v"})
        assert load({"polygon": str(path), "layer": "g"}).bounds == (20, 79, 24, 80)
        assert load({"polygon": str(path)}).bounds == (20, 79, 24, 80)
