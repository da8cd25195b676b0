"""A thousand features in one run: rates of a known field, every feature told, and layers read once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj
import pytest
import xarray as xr

import sample_features
from nunatak.files.rasters import georeference, write_netcdf
from nunatak.files.tables import read_csv, read_table, write_table
from nunatak.geometry import region
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import write_outlines
from nunatak.runtime import NunatakError
from nunatak.study.features import Features

HERE = region.load({"bbox": [-102, -75.5, -99, -74.5]})
GRID = Grid("EPSG:3031", -1.66e6, -1.9e5, 500.0, 500.0, 320, 320)
ABOUT = {"nunatak_source": "SIMULATED", "study": "x"}


@pytest.fixture
def results(tmp_path):
    """Annual speeds that grow by 10 m/yr each year and along x, and points along tracks that sink by 2 m/yr."""
    years = np.arange(2015, 2021)
    x, y = np.asarray(GRID.x), np.asarray(GRID.y)
    base = 1000 + (x - x[0]) / 1e3 + 0 * y[:, None]
    speed = (base + 10.0 * (years - 2015)[:, None, None]).astype("f4")
    axes = ("year", "y", "x")
    annual = xr.Dataset(
        {
            "v": (axes, speed, {"units": "m/yr"}),
            "v_error": (axes, np.full_like(speed, 5.0), {"units": "m/yr"}),
            "year_start": ("year", years + 0.0),
            "year_end": ("year", years + 1.0),
        },
        {"year": years, "y": y, "x": x},
        {"crs": "EPSG:3031"},
    )
    write_netcdf(georeference(annual, GRID), tmp_path / "annual.nc", ABOUT)
    lon, lat = np.linspace(-101.5, -99.5, 400), np.linspace(-75.3, -74.8, 400)
    px, py = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3031", always_xy=True).transform(lon, lat)
    tracks = {"longitude": lon, "latitude": lat, "x": px, "y": py, "dhdt": -2.0, "dhdt_sigma": 0.1}
    about = {**ABOUT, "crs": "EPSG:3031"}
    write_table(pd.DataFrame(tracks), tmp_path / "rates.parquet", attributes=about, points=True)
    write_outlines({"region": HERE}, tmp_path / "regions.geojson")
    return {"annual": tmp_path / "annual.nc", "rates": tmp_path / "rates.parquet"}


def run(results, folder, rows):
    path = folder / "glaciers.csv"
    path.write_text("\n".join(["rgi_id,longitude,latitude", *rows]) + "\n", "utf-8")
    out = {
        name: folder / f"{name}.{'parquet' if name == 'series' else 'csv'}" for name in ("features", "series", "rates")
    }
    settings = Features(file=str(path), id="rgi_id")
    sample_features.main(results, folder / "regions.geojson", out, settings=settings, study="x")
    return out


def test_a_thousand_points_have_the_rate_of_the_field(results, tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(-101.5, -99.5, 1000), rng.uniform(-75.3, -74.8, 1000)
    rows = [f"RGI-{k:04d},{a:.6f},{b:.6f}" for k, (a, b) in enumerate(zip(lon, lat, strict=True))]
    read = []
    one = sample_features.means_by_feature
    monkeypatch.setattr(
        sample_features, "means_by_feature", lambda layers, *rest: one((read.append(1) or v for v in layers), *rest)
    )
    out = run(results, tmp_path, [*rows, "Þórisjökull,-20,64", "none,,"])
    assert len(read) == 2 * 6, "six years of speeds and of errors are read once each"
    told = read_csv(out["features"]).set_index("feature")["fate"]
    assert told.value_counts().to_dict() == {"used": 1000, "outside": 1, "empty": 1}
    assert (told["Þórisjökull"], told["none"]) == ("outside", "empty")
    rates = read_csv(out["rates"])
    speed = rates[rates["quantity"] == "speed"].set_index("feature")
    assert len(speed) == 1000 and sorted(speed["rank"]) == list(range(1, 1001))
    np.testing.assert_allclose(speed["rate"], 10.0, atol=1e-3)
    np.testing.assert_allclose(speed["rate_error"], 5.0 / np.sqrt(17.5), rtol=1e-6)  # sum of (t - mean)^2 of 6 years
    x, _ = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3031", always_xy=True).transform(lon, lat)
    known = 1000 + (x - GRID.left) / 1e3 + 25
    np.testing.assert_allclose(speed["mean"].reindex([f"RGI-{k:04d}" for k in range(1000)]), known, atol=0.6)
    along = rates[rates["quantity"] == "dhdt_along_track"]
    np.testing.assert_allclose(along["rate"].dropna(), -2.0)
    assert 0 < along["rate"].notna().sum() < 1000
    series = read_table(out["series"])
    assert len(series) == 6000 and (series["cells"] == 1).all()


def test_features_that_all_lie_elsewhere_are_told_in_one_line(results, tmp_path):
    with pytest.raises(NunatakError, match=r"glaciers\.csv: no feature lies in the study's region; choose others"):
        run(results, tmp_path, ["a,10,60"])
