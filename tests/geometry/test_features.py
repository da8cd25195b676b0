"""Files of many features: what is read of them, what is refused in one line, and the cells under each."""

from __future__ import annotations

import json

import numpy as np
import pyogrio.raw
import pytest
import shapely

from nunatak.geometry import region
from nunatak.geometry.features import cells_under, judged, read_features
from nunatak.geometry.grid import Grid
from nunatak.geometry.polygons import RegionError

HERE = region.load({"bbox": [-102, -76, -99, -74]})
POINTS = [(-100.9, -75.05), (-100.5, -75.2), (-50.0, -70.0)]


def csv(path, rows, head="rgi_id,longitude,latitude"):
    path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    return path


def vector(path, ids, shapes, *, crs="EPSG:4326", driver="GPKG", kind="Unknown"):
    data = [np.array(ids, dtype=object)]
    geometry = np.array([None if shape is None else shapely.to_wkb(shape) for shape in shapes], dtype=object)
    pyogrio.raw.write(path, geometry, data, ["rgi_id"], driver=driver, geometry_type=kind, crs=crs)
    return path


@pytest.mark.parametrize(
    ("name", "driver", "kind"),
    [
        ("a.gpkg", "GPKG", "Point"),
        ("a.shp", "ESRI Shapefile", "Point"),
        ("a.geojson", "GeoJSON", "Point"),
        ("a.csv", None, None),
    ],
)
def test_every_format_gives_the_same_features(tmp_path, name, driver, kind):
    ids = ["RGI-01", "Þjórsá", "7"]
    if driver is None:
        path = csv(tmp_path / name, [f"{a},{lon},{lat}" for a, (lon, lat) in zip(ids, POINTS, strict=True)])
    else:
        path = vector(tmp_path / name, ids, [shapely.Point(*at) for at in POINTS], driver=driver, kind=kind)
    table = judged(read_features(path, "rgi_id"), HERE)
    assert table["feature"].tolist() == ids
    np.testing.assert_allclose(table[["longitude", "latitude"]], POINTS, atol=1e-9)
    assert table["fate"].tolist() == ["used", "used", "outside"] and set(table["kind"]) == {"point"}


def test_outlines_of_a_projected_file_are_placed_on_the_globe(tmp_path):
    import pyproj

    turn = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3031", always_xy=True)
    box = shapely.transform(shapely.box(-101, -75.2, -100.8, -75.1), turn.transform, interleaved=False)
    path = vector(tmp_path / "a.gpkg", ["a", "b"], [box, shapely.Polygon()], crs="EPSG:3031", kind="Polygon")
    table = judged(read_features(path, "rgi_id"), HERE)
    assert table["fate"].tolist() == ["used", "empty"] and table["kind"][0] == "outline"
    np.testing.assert_allclose(table["geometry"][0].bounds, (-101, -75.2, -100.8, -75.1), atol=1e-9)


@pytest.mark.parametrize(
    ("rows", "head", "said"),
    [
        (["a,0,1", "b,0,2", "a,0,3"], None, r"rgi_id comes more than once: a \(2\); leave duplicates out"),
        (["a,0,1", ",0,2"], None, "feature 2 has no rgi_id"),
        (["a,0,1"], "rgi_ids,longitude,latitude", "no column 'rgi_id'; did you mean rgi_ids?"),
        (["a,0,1"], "rgi_id,x,y", "no columns longitude and latitude; it has rgi_id, x, y"),
        (["a,east,1"], None, "a coordinate is no number"),
        ([], None, "holds 0 features"),
    ],
)
def test_files_at_fault_are_refused_in_one_line(tmp_path, rows, head, said):
    path = csv(tmp_path / "a.csv", rows, head or "rgi_id,longitude,latitude")
    with pytest.raises(RegionError, match=said) as caught:
        read_features(path, "rgi_id")
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_no_vector_file_is_refused(tmp_path):
    (tmp_path / "a.gpkg").write_text("nothing")
    with pytest.raises(RegionError, match="cannot be read"):
        read_features(tmp_path / "a.gpkg", "rgi_id")
    with pytest.raises(RegionError, match="not a readable file"):
        read_features(tmp_path / "b.csv", "rgi_id")


def test_several_layers_need_a_name(tmp_path):
    path = tmp_path / "a.gpkg"
    for layer in ("north", "south"):
        data = [np.array(["a"], dtype=object)]
        geometry = np.array([shapely.to_wkb(shapely.Point(-100, -75))], dtype=object)
        kind = {"layer": layer, "append": path.exists(), "driver": "GPKG", "geometry_type": "Point"}
        pyogrio.raw.write(path, geometry, data, ["rgi_id"], crs="EPSG:4326", **kind)
    with pytest.raises(RegionError, match=r"has several: north, south; name one"):
        read_features(path, "rgi_id")
    assert len(read_features(path, "rgi_id", layer="south")) == 1


def test_cells_under_outlines_are_those_whose_centres_lie_inside():
    grid = Grid("EPSG:3031", -1.6e6, -2.0e5, 1000.0, 1000.0, 60, 80)
    import pyproj

    back = pyproj.Transformer.from_crs("EPSG:3031", "OGC:CRS84", always_xy=True)
    circle = shapely.transform(shapely.Point(-1.57e6, -2.3e5).buffer(7300), back.transform, interleaved=False)
    tiny = shapely.transform(shapely.Point(-1.5503e6, -2.2154e5).buffer(50), back.transform, interleaved=False)
    far = shapely.Point(0, -80)
    number, row, column = cells_under([circle, tiny, far], grid)
    x, y = np.asarray(grid.x)[column], np.asarray(grid.y)[row]
    there = np.hypot(np.asarray(grid.x)[None, :] + 1.57e6, np.asarray(grid.y)[:, None] + 2.3e5) <= 7300
    assert abs(np.count_nonzero(number == 0) - np.count_nonzero(there)) <= 2  # a circle of 32 corners a quarter
    assert np.hypot(x[number == 0] + 1.57e6, y[number == 0] + 2.3e5).max() <= 7300
    assert x[number == 1] == [-1550500.0] and y[number == 1] == [-221500.0]
    assert not np.any(number == 2)


def test_geojson_with_an_empty_geometry_keeps_the_feature(tmp_path):
    features = [
        {"type": "Feature", "properties": {"rgi_id": "a"}, "geometry": None},
        {"type": "Feature", "properties": {"rgi_id": "b"}, "geometry": {"type": "Point", "coordinates": [-100, -75]}},
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert judged(read_features(path, "rgi_id"), HERE)["fate"].tolist() == ["empty", "used"]
