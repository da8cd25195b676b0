"""Tables on disk: units and attributes kept, equal content as equal bytes, GeoParquet that others can read."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from nunatak.files.tables import read_table, write_table
from nunatak.runtime import NunatakError


def points(n=5, start=0):
    """A small along-track table."""
    i = np.arange(start, start + n)
    table = pd.DataFrame(
        {
            "beam": pd.array(["gt1l"] * n, dtype="string"),
            "cycle": i.astype("int16"),
            "time": np.datetime64("2019-05-04", "ns") + i.astype("timedelta64[s]"),
            "longitude": 20.0 + i / 10,
            "latitude": 79.0 + i / 100,
            "h_li": np.where(i % 3 == 0, np.nan, i).astype("float32"),
        }
    )
    table.attrs["units"] = {"h_li": "m", "longitude": "degrees"}
    return table


def test_a_table_comes_back_as_it_was(tmp_path):
    """Values, types, missing values, units and attributes."""
    write_table(points(), tmp_path / "points.parquet", attributes={"study": "x", "nunatak_source": "SIMULATED"})
    back = read_table(tmp_path / "points.parquet")
    pd.testing.assert_frame_equal(back, points())
    assert back.attrs["units"] == {"h_li": "m", "longitude": "degrees"}
    assert back.attrs["attributes"]["nunatak_source"] == "SIMULATED"


@pytest.mark.parametrize("with_points", [False, True])
def test_equal_content_is_equal_bytes(tmp_path, with_points):
    """Twice the same table, twice the same file."""
    for name in ("a", "b"):
        write_table(points(), tmp_path / f"{name}.parquet", attributes={"b": "1", "a": "2"}, points=with_points)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), max_size=20))
def test_point_geometry_is_well_known_binary(pairs):
    """Another reader of WKB finds the same longitudes and latitudes."""
    from nunatak.files.tables import point_geometry

    lonlat = np.array(pairs, dtype=float).reshape(-1, 2)
    read = shapely.from_wkb(point_geometry(lonlat[:, 0], lonlat[:, 1]).to_numpy(zero_copy_only=False))
    np.testing.assert_array_equal(shapely.get_coordinates(read), lonlat)


def test_points_are_geoparquet(tmp_path):
    """The metadata other programs look for: version, encoding, box; no CRS, which means longitude and latitude."""
    write_table(points(), tmp_path / "points.parquet", points=True)
    geo = json.loads(pq.read_schema(tmp_path / "points.parquet").metadata[b"geo"])
    assert geo["version"] == "1.1.0" and geo["primary_column"] == "geometry"
    column = geo["columns"]["geometry"]
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Point"]) and "crs" not in column
    np.testing.assert_allclose(column["bbox"], [20.0, 79.0, 20.4, 79.04])
    assert "geometry" not in read_table(tmp_path / "points.parquet")


def test_an_empty_table_keeps_its_columns(tmp_path):
    """Types and units survive without rows, with points too."""
    empty = points().iloc[:0]
    write_table(empty, tmp_path / "empty.parquet", units={"h_li": "m"}, points=True)
    back = read_table(tmp_path / "empty.parquet")
    assert (back.dtypes == empty.dtypes).all() and len(back) == 0
    assert back.attrs["units"] == {"h_li": "m"}


def test_several_files_are_one_table(tmp_path):
    """In the order given, empty ones left out without changing a type."""
    paths = []
    for start, n in ((5, 2), (0, 0), (0, 3)):
        paths.append(tmp_path / f"{start}-{n}.parquet")
        write_table(points(n, start), paths[-1])
    table = read_table(paths)
    assert table["cycle"].tolist() == [5, 6, 0, 1, 2]
    assert (table.dtypes == points().dtypes).all() and table.attrs["units"]["h_li"] == "m"


def test_columns_and_rows_can_be_chosen(tmp_path):
    """Only what is asked for is read."""
    write_table(points(), tmp_path / "points.parquet", points=True)
    some = read_table(tmp_path / "points.parquet", columns=["cycle", "h_li"], filters=[("cycle", ">", 2)])
    assert list(some) == ["cycle", "h_li"] and some["cycle"].tolist() == [3, 4]


@pytest.mark.parametrize("content", [b"", b"PAR1 no table", b"<html>login</html>"])
def test_a_broken_file_is_named(tmp_path, content):
    """An empty file, a cut one, a web page: one line with the remedy."""
    path = tmp_path / "broken.parquet"
    path.write_bytes(content)
    with pytest.raises(NunatakError, match=r"broken\.parquet: not a readable Parquet file .*; remove it and run"):
        read_table(path)


def test_a_failed_write_leaves_the_old_table(tmp_path):
    """A column that cannot be written stops the writing; the file of before and nothing else is there."""
    path = tmp_path / "points.parquet"
    write_table(points(), path)
    before = path.read_bytes()
    with pytest.raises(Exception, match=r"Could not convert|Unable to"):
        write_table(points().assign(odd=[object()] * 5), path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["points.parquet"]


@pytest.mark.parametrize(("crs", "expected"), [("EPSG:3413", 3413), ("+proj=laea", None), (None, None)])
def test_points_say_which_map_their_x_and_y_are_of(tmp_path, crs, expected):
    """A column `epsg` beside longitude and latitude, in tables written whole and piece by piece."""
    from nunatak.files.streams import ParquetStream

    table = pd.DataFrame({"longitude": [1.0], "latitude": [3.0], "x": [5.0], "y": [6.0]})
    about = {"crs": crs} if crs else {}
    write_table(table, tmp_path / "whole.parquet", attributes=about, points=True)
    with ParquetStream(tmp_path / "pieces.parquet", attributes=about, points=True) as sink:
        sink("ATL03_a.h5", table, 1, 1)
    for name in ("whole", "pieces"):
        found = read_table(tmp_path / f"{name}.parquet")
        assert found["epsg"].tolist() == [expected] if expected else "epsg" not in found


def test_points_streamed_piece_by_piece_are_geoparquet(tmp_path):
    """Attributes and geometry as in a table written whole; a first piece without rows leaves the types as they are."""
    import geopandas

    from nunatak.files.streams import ParquetStream

    piece = pd.DataFrame({"lat": [3.0, 4.0], "lon": [1.0, 2.0], "beam": pd.Categorical(["gt1l", "gt1r"])})
    piece.attrs["units"] = {"lon": "degrees_east"}
    path = tmp_path / "points.parquet"
    with ParquetStream(path, attributes={"nunatak_source": "SIMULATED"}, points=True) as sink:
        for rows in (piece.iloc[:0], piece):
            sink("ATL03_a.h5", rows, 1, 2)
    table = read_table(path)
    assert table.attrs == {"attributes": {"nunatak_source": "SIMULATED"}, "units": {"lon": "degrees_east"}}
    assert table["beam"].tolist() == ["gt1l", "gt1r"] and list(table) == ["lat", "lon", "beam", "granule_id"]
    assert geopandas.read_parquet(path).total_bounds.tolist() == [1.0, 3.0, 2.0, 4.0]
