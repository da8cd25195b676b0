"""The tiny Austfonna with granules read where they lie: no granule is kept, and the numbers are those of the files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tests.archives.reached import OUTSIDE, Reached, hold

from nunatak.products import atl06, atl14

BASE = "results/austfonna-tiny"
STREAMED = ("atl06", "atl14", "atl15")


@pytest.fixture(scope="module")
def reached(server, tmp_path_factory):
    """The study, its three products streamed, and the folder with the granules that the stand-in holds."""
    held = tmp_path_factory.mktemp("held")
    hold("austfonna", held, server)
    reached = Reached(tmp_path_factory.mktemp("study"), server)
    reached.log_in()
    path = reached / "config/studies/austfonna.yaml"
    text = path.read_text()
    for product in STREAMED:
        text = text.replace(f"  {product}: {{version:", f"  {product}: {{fetch: stream, version:")
    assert text.count("fetch: stream") == len(STREAMED)
    path.write_text(text)
    return reached, held


@pytest.fixture(scope="module")
def done(reached):
    flow, _ = reached
    wanted = ("atl06/points/cycle03.parquet", "atl14/surface.nc", "atl15/height_change.nc")
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


@pytest.mark.full
def test_the_streamed_study_runs_to_its_report(reached, done):
    flow, _ = reached
    whole = flow.run("austfonna", size="tiny")
    assert whole.code == 0, whole.text
    assert (flow / BASE / "report.html").is_file() and flow.leaks(whole) == []
