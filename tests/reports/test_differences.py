"""Files of results held against each other value by value."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
import zarr
from tests.conftest import ROOT

from nunatak.files.tables import write_csv, write_table
from nunatak.reports.differences import TOLERANCES, between


def table(path, rates, write=write_table):
    counts = pd.array([3, None, 5], dtype="Int64")
    when = pd.to_datetime(["2019-01-01", "2020-01-01", "2021-01-01"])
    write(pd.DataFrame({"beam": ["gt1l", "gt2l", "gt3l"], "n": counts, "time": when, "dhdt": rates}), path)
    return path


@pytest.fixture
def pair(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    return lambda name: (tmp_path / "a" / name, tmp_path / "b" / name)


@pytest.mark.parametrize(("name", "write"), [("rates.parquet", write_table), ("rates.csv", write_csv)])
def test_a_last_digit_is_within_and_a_millimetre_is_not(pair, name, write):
    one, other = pair(name)
    table(one, [-2.0, np.nan, 1e-12], write)
    table(other, [-2.0000000001, np.nan, 2e-12], write)
    found = between(one, other)
    assert found.within and 0 < found.largest < 1e-9
    found = between(one, table(other, [-2.001, np.nan, 1e-12], write))
    assert not found.within and found.where == "dhdt"
    np.testing.assert_allclose(found.largest, 0.001)
    assert not between(one, table(other, [-2.0, 0.0, 1e-12], write)).within, "a number where there was a gap"


def test_a_count_has_no_tolerance(pair):
    one, other = pair("counts.parquet")
    write_table(pd.DataFrame({"n": [10**9, 7]}), one)
    write_table(pd.DataFrame({"n": [10**9 + 1, 7]}), other)
    assert not between(one, other).within


def test_where_a_file_lay_says_nothing(pair):
    one, other = pair("ledger.parquet")
    for path, folder in ((one, "/here"), (other, "/there")):
        write_table(pd.DataFrame({"granule_id": ["a"], "path": [f"{folder}/a.h5"]}), path)
    assert between(one, other).within


def test_columns_and_words_must_be_the_same(pair):
    one, other = pair("x.parquet")
    table(one, [1.0, 2.0, 3.0])
    write_table(pd.DataFrame({"beam": ["gt1l"]}), other)
    assert "only one of the two has dhdt, n, time" in between(one, other).where


def grid(path, values, **attributes):
    data = xr.Dataset({"delta_h": (("y", "x"), values)}, {"x": [0.0, 1.0]}, attributes)
    data.to_netcdf(path, group="1km", engine="h5netcdf")
    return path


def test_grids_by_their_values_and_not_by_their_history(pair):
    """Single precision keeps seven digits: six of them must agree, near zero in units of the largest value."""
    one, other = pair("change.nc")
    values = np.array([[100.0, 1e-6], [np.nan, -3.0]], dtype="f4")
    grid(one, values, history="then")
    assert between(one, grid(other, values * np.float32(1 + 1e-6) + np.float32(1e-6), history="now")).within
    found = between(one, grid(other, values + np.float32(0.01)))
    assert not found.within and found.where == "1km/delta_h" and found.kind == "grid"


def test_a_cube_may_be_off_by_one_where_it_was_rounded(pair):
    one, other = pair("cube.zarr")
    for path, step in ((one, 0), (other, 1)):
        root = zarr.create_group(path)
        root.create_array("vx", data=np.full((3, 2, 2), 100 + step, dtype="i2"), chunks=(1, 2, 2))
    assert between(one, other).within
    zarr.open_group(other)["vx"][1, 1, 1] = 103
    found = between(one, other)
    assert not found.within and found.largest == 3


def test_rasters_must_lie_in_the_same_place(pair):
    def raster(path, left):
        place = rasterio.transform.from_origin(left, 0, 500, 500)
        with rasterio.open(
            path, "w", driver="GTiff", width=2, height=2, count=1, dtype="float32", crs="EPSG:3413", transform=place
        ) as file:
            file.write(np.ones((2, 2), dtype="f4"), 1)
        return path

    one, other = pair("map.tif")
    assert between(raster(one, 0), raster(other, 0)).within
    assert not between(one, raster(other, 500)).within


def test_a_figure_is_judged_by_the_numbers_beside_it(pair):
    one, other = pair("speed.png")
    for path, speed in ((one, 1500.0), (other, 1500.001)):
        path.write_bytes(str(speed).encode())
        sidecar = {"numbers": {"speed": [speed, None], "unit": "m/yr"}, "inputs": {"a": str(speed)}}
        path.with_suffix(".json").write_text(json.dumps(sidecar))
    assert between(one, other).within
    other.with_suffix(".json").write_text('{"numbers": {"speed": [1501.0, null], "unit": "m/yr"}}')
    assert not between(one, other).within


@pytest.mark.parametrize(
    ("ours", "theirs", "within"),
    [
        ("lost 6.246 ± 0.035 km³", "lost 6.247 ± 0.035 km³", True),
        ("lost 6.246 ± 0.035 km³", "lost 6.346 ± 0.035 km³", False),
        ("5 granules", "6 granules", False),
        ("5 granules", "5 granules gone", False),
        ('<img src="data:image/png;base64,aaaa1"> 1.5', '<img src="data:image/png;base64,bbb2"> 1.5', True),
    ],
)
def test_pages_by_their_words_and_the_numbers_they_show(pair, ours, theirs, within):
    one, other = pair("report.html")
    one.write_text(ours, "utf-8")
    other.write_text(theirs, "utf-8")
    assert between(one, other).within is within


def test_a_folder_by_each_of_its_files(pair):
    one, other = pair("maps")
    for folder in (one, other):
        folder.mkdir()
        table(folder / "a.csv", [1.0, 2.0, 3.0], write_csv)
    assert between(one, other).within
    table(other / "b.csv", [1.0, 2.0, 3.0], write_csv)
    assert "only one of the two has b.csv" in between(one, other).where


def test_every_tolerance_is_smaller_than_what_anybody_would_report():
    assert all(t.relative <= 1e-5 and t.floor <= t.relative and t.step <= 1 for t in TOLERANCES.values())


def test_the_page_about_it_states_the_tolerances():
    rows = [line for line in (ROOT / "docs/reproducing.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    for kind in ("table", "grid", "raster", "figure"):
        row = next(row for row in rows if kind in row.split("|")[1])
        assert str(TOLERANCES[kind]) in row
