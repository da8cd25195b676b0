"""Sea ice from one command to its report: the tiny Ross Sea on simulated granules, and heights of real ones."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
import rasterio
import xarray as xr
import yaml
from tests.workflow.same_bytes import unhashed

from nunatak.files.tables import read_table
from nunatak.results import reading

ROSS_SEA = "ross_sea-simulated-tiny"
ARCTIC = {
    "title": "Arctic sea-ice heights",
    "archive": "directory",
    "region": {"bbox": [-180, 55, 180, 90]},
    "period": ["2019-02-25", "2019-02-26"],
    "products": {"atl07": {"beams": "all", "types": "all"}},
    "freeboard": {
        "grid": {"preset": "nsidc_north", "cell": "12.5km", "bounds": [-3.85e6, -5.35e6, 3.75e6, 5.85e6]},
        "bins": ["day", "period"],
        "statistics": ["count", "mean"],
    },
    "figures": {"names": ["freeboard_mean", "freeboard_series"], "formats": ["png"]},
}
REAL = ("processed_ATL07-01_20190225115500_09020201_003_02.h5", "processed_ATL07-01_20190226002919_09100201_003_02.h5")


@pytest.fixture(scope="module")
def flow(finished_sea_ice):
    return finished_sea_ice


@pytest.fixture(scope="module")
def ross_sea(flow):
    return flow / "results" / ROSS_SEA


@pytest.fixture(scope="module")
def arctic(data, flow):
    for name in REAL:
        data(f"real/ATL07/{name}")
    (flow / "config/studies/arctic.yaml").write_text(yaml.safe_dump(ARCTIC))
    said = flow.run("arctic", directory=str(data("real/ATL07")))
    assert said.code == 0, said.text
    return flow / "results/arctic"


def test_every_check_of_the_ross_sea_holds(ross_sea):
    """Counts, finite cells, time, system, and means within their errors of the truth."""
    found = json.loads((ross_sea / "checks.json").read_text("utf-8"))["checks"]
    names = {check["name"] for check in found if check["value"] is not None}
    assert {"crs", "freeboard_counts/week", "freeboard_counts/month", "freeboard_against_truth/month/cells"} <= names
    assert [check["name"] for check in found if check["status"] == "failed"] == []


def test_no_point_of_an_ocean_is_kept(ross_sea):
    """Sums by granule, day and cell stay; points do not."""
    assert not (ross_sea / "atl10/points").exists()
    rows, ledger = (read_table(ross_sea / f"atl10/{kind}/2019-09.parquet") for kind in ("sums", "read"))
    tally = read_table(ross_sea / "atl10/tallies/2019-09.parquet")
    assert rows["n"].sum() == tally["n_points"].sum()
    assert ledger["n_points"].sum() == tally[["n_points", "n_outside", "n_invalid"]].to_numpy().sum()
    assert ledger["reason"].str.contains("neither strong nor weak").sum() == 1
    assert len(rows) < ledger["n_points"].sum() / 50


def test_rasters_lie_where_the_grid_lies(ross_sea):
    """GDAL finds the same values at the same places in the GeoTIFF as CF readers in the NetCDF file."""
    month = reading.read_freeboard(ross_sea / "freeboard/grid.nc")["month"]
    with rasterio.open(ross_sea / "freeboard/maps/mean.tif") as raster:
        assert raster.crs.to_epsg() == 6932
        assert raster.descriptions == ("2019-09-01",)
        assert raster.tags()["nunatak_source"] == "SIMULATED"
        row, column = np.argwhere(np.isfinite(month["mean"].values[0]))[0]
        x, y = float(month["x"][column]), float(month["y"][row])
        assert next(raster.sample([(x, y)]))[0] == month["mean"].values[0, row, column]
    with xr.open_dataset(ross_sea / "freeboard/grid.nc", group="week", engine="h5netcdf") as week:
        assert week["time_bnds"].shape == (2, 2)
        assert int(week["count"].sum()) == int(month["count"].sum())


def test_every_file_is_in_the_provenance(ross_sea):
    assert unhashed(ross_sea) == []


def test_pages_and_figures_of_the_ross_sea(ross_sea):
    for name in ("freeboard_mean", "freeboard_series"):
        sidecar = json.loads((ross_sea / f"figures/{name}.json").read_text("utf-8"))
        assert sidecar["nunatak_source"] == "SIMULATED"
    assert "the mean freeboard of the region was" in (ross_sea / "report.html").read_text("utf-8")
    assert "1.3754" in (ross_sea / "freeboard.html").read_text("utf-8")


def test_real_heights_are_counted_as_h5py_counts_them(data, arctic):
    """Two granules of two days; every segment with a height and a length is in a cell of its day."""
    expected = []
    for name in REAL:
        with h5py.File(data(f"real/ATL07/{name}")) as file:
            n = 0
            for beam in (key for key in file if key.startswith("gt") and "sea_ice_segments/latitude" in file[key]):
                heights = file[beam]["sea_ice_segments/heights"]
                height, length = heights["height_segment_height"][()], heights["height_segment_length_seg"][()]
                n += int(((height < 1e30) & (length > 0) & (length < 1e30)).sum())
        expected.append(n)
    bins = reading.read_freeboard(arctic / "freeboard/grid.nc")
    assert list(bins) == ["day", "all"]
    assert bins["day"]["count"].sum(("y", "x")).values.tolist() == expected
    assert int(bins["all"]["count"].sum()) == sum(expected)
    assert bins["day"].attrs["crs"] == "EPSG:3413" and bins["day"].sizes["x"] == 608
    assert "height above the mean sea surface" in bins["day"]["mean"].attrs["long_name"]
