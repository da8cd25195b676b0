"""Real ATL07 heights from file to grid, against counts and sums made with h5py, pyproj and NumPy alone."""

import h5py
import numpy as np
import pyproj
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nunatak.files.rasters import write_netcdf
from nunatak.gridding import accumulate, make_grid, statistics
from nunatak.products import atl07
from nunatak.products.segment_filter import SegmentFilter

GRANULES = (
    ("processed_ATL07-01_20181201123226_09760101_001_01.h5", "2018-12-01"),
    ("processed_ATL07-01_20190225115500_09020201_003_02.h5", "2019-02-25"),
    ("processed_ATL07-01_20190226002919_09100201_003_02.h5", "2019-02-26"),
)
GRID = make_grid(preset="nsidc_north", cell="12.5km")


def independent(path):
    """Counts of all cells, sums of length and of length times height, of all beams; length 1 where unknown."""
    count, total, moment = (np.zeros(GRID.size) for _ in range(3))
    to_plane = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3413", always_xy=True)
    with h5py.File(path) as file:
        for beam in (name for name in file if name.startswith("gt")):
            group = file[beam]["sea_ice_segments"]
            if "latitude" not in group:
                continue
            height = group["heights/height_segment_height"][()].astype(float)
            length = np.ones(height.size)
            if "height_segment_length_seg" in group["heights"]:
                length = group["heights/height_segment_length_seg"][()].astype(float)
            x, y = to_plane.transform(group["longitude"][()], group["latitude"][()])
            good = (height < 1e30) & (length > 0)
            column = np.floor((x[good] + 3_850_000) / 12_500).astype(int)
            row = np.floor((5_850_000 - y[good]) / 12_500).astype(int)
            np.add.at(count, row * 608 + column, 1)
            np.add.at(total, row * 608 + column, length[good])
            np.add.at(moment, row * 608 + column, length[good] * height[good])
    return count, total, moment


@pytest.mark.parametrize(("name", "day"), GRANULES)
def test_grid_of_a_real_granule(data, tmp_path, name, day):
    """Counts equal and means within 1e-12 of an independent gridding, on the right day, and written to a file."""
    path = data(f"real/ATL07/{name}")
    table, _ = atl07.read_segments(path, beams="all", keep=SegmentFilter(types=None))
    known = table["height_segment_length_seg"].notna().any()
    weight = "height_segment_length_seg" if known else None
    done = accumulate(table, GRID, value="height_segment_height", weight=weight)
    dataset = statistics(done, "day", ("count", "mean"), of="sea-ice height", weight_units="m" if known else "1")
    count, total, moment = independent(path)
    assert count.sum() > 1000
    assert str(dataset["time"].values[0])[:10] == day
    assert_array_equal(dataset["count"].values[0].ravel(), count)
    filled = count > 0
    assert_allclose(dataset["mean"].values[0].ravel()[filled], moment[filled] / total[filled], rtol=1e-12)
    write_netcdf(dataset, tmp_path / "height.nc")


def test_strong_beams_are_part_of_all(data):
    """Of the full granule the strong beams hold what h5py counts in groups that say strong."""
    path = data(f"real/ATL07/{GRANULES[2][0]}")
    table, _ = atl07.read_segments(path, keep=SegmentFilter(types=None))
    with h5py.File(path) as file:
        beams = [b for b in file if b.startswith("gt") and file[b].attrs["atlas_beam_type"] == b"strong"]
        expected = sum(len(file[b]["sea_ice_segments/delta_time"]) for b in beams)
    assert len(table) == expected
