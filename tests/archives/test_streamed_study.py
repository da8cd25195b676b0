"""The tiny Austfonna with granules read where they lie: no granule is kept, and the numbers are those of the files."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tests.archives.reached import OUTSIDE, Reached, hold

from nunatak import photons
from nunatak.products import atl03, atl06, atl08, atl14
from nunatak.study.parts import product_settings

BASE = "results/austfonna-tiny"
STREAMED = ("atl06", "atl14", "atl15", "atl06sr", "atl08")
PHOTONS = "atl06sr: {fetch: stream, atl08_class: ground, "


@pytest.fixture(scope="module")
def reached(server, tmp_path_factory):
    """The study, its five products streamed, and the folder with the granules that the stand-in holds."""
    held = tmp_path_factory.mktemp("held")
    hold("austfonna", held, server, further=("atl03", "atl08"))
    reached = Reached(tmp_path_factory.mktemp("study"), server)
    reached.log_in()
    path = reached / "config/studies/austfonna.yaml"
    text = path.read_text().replace("    atl06sr: null\n", "")
    text = text.replace("  atl06sr: {", "  atl08: {rgt: [548], cycles: [3]}\n  atl06sr: {")
    for product in STREAMED:
        text = re.sub(rf"^  {product}: {{", f"  {product}: {{fetch: stream, ", text, flags=re.MULTILINE)
    assert text.count("fetch: stream") == len(STREAMED)
    path.write_text(text.replace("atl06sr: {fetch: stream, ", PHOTONS).replace("checks: fail", "checks: warn"))
    return reached, held


@pytest.fixture(scope="module")
def done(reached):
    flow, _ = reached
    wanted = ("atl06sr/cloud.parquet", "atl06/points/cycle03.parquet", "atl14/surface.nc", "atl15/height_change.nc")
    done = flow.run(*(f"{BASE}/{name}" for name in wanted), size="tiny")
    assert done.code == 0, done.text
    return done


def test_no_granule_is_kept(reached, done):
    flow, _ = reached
    assert OUTSIDE not in done.text and flow.leaks(done) == []
    originals = flow / "resources/archive"
    assert not [path for path in originals.rglob("*") if path.suffix in (".h5", ".nc", ".part")]
    ledger = pd.read_parquet(flow / BASE / "atl15/ledger/all.parquet")
    assert ledger["path"].str.startswith("https://data.nsidc.earthdatacloud.nasa.gov/").all()
    assert ledger["size_bytes"].gt(0).all() and ledger["reason"].str.contains("read in place").all()


def test_the_rows_and_cells_are_those_of_the_files(reached, done):
    flow, held = reached
    points = pd.read_parquet(flow / BASE / "atl06/points/cycle03.parquet")
    read = pd.read_parquet(flow / BASE / "atl06/read/cycle03.parquet")
    assert set(read["status"]) <= {"present", "outside"} and len(points)
    for name, rows in points.groupby("granule_id"):
        table, _ = atl06.read_segments(held / "atl06" / f"{name}.h5")
        known = table.set_index(["beam", "segment_id"])["h_li"]
        there = known.loc[list(zip(rows["beam"], rows["segment_id"], strict=True))]
        np.testing.assert_array_equal(there.to_numpy(), rows["h_li"].to_numpy())
    surface = xr.load_dataset(flow / BASE / "atl14/surface.nc", engine="h5netcdf")
    whole = atl14.read_surface(sorted((held / "atl14").glob("*.nc"))).sel(x=surface.x, y=surface.y)
    np.testing.assert_allclose(surface["h"], whole["h"], rtol=1e-6)  # written as float32


def test_heights_are_fitted_to_photons_of_granules_that_stay_where_they_are(reached, done):
    flow, held = reached
    heights = pd.read_parquet(flow / BASE / "atl06sr/segments/cycle03.parquet")
    (path,) = (held / "atl03").glob(f"{heights['granule_id'].iloc[0]}.h5")
    own = product_settings("atl06sr", {"rgt": [548], "cnf": 1, "atl08_class": "ground"}).fit()
    classes = partial(atl08.read_classes, path.parent.parent / "atl08" / path.name.replace("ATL03", "ATL08"))
    known, _ = photons.granule_heights(atl03.read_granule(path), own, classes=classes)
    known = known.set_index(["beam", "segment_id"])["h_mean"]
    there = known.loc[list(zip(heights["beam"], heights["segment_id"], strict=True))]
    np.testing.assert_array_equal(there.to_numpy(), heights["h_mean"].to_numpy())
    cloud = pd.read_parquet(flow / BASE / "atl06sr/cloud.parquet")
    assert 100 < cloud["selected"].sum() < len(cloud)


@pytest.mark.full
def test_the_streamed_study_runs_to_its_report(reached, done):
    flow, _ = reached
    whole = flow.run("austfonna", size="tiny")
    assert whole.code == 0, whole.text
    assert (flow / BASE / "report.html").is_file() and flow.leaks(whole) == []
    assert "The granules stay in the archive" in (flow / BASE / "photons.html").read_text()
    told = "1 checks failed: atl06sr_less_atl06/one_release"
    assert told in whole.text, "simulated ATL03 is of release 006, simulated ATL06 of 007"
