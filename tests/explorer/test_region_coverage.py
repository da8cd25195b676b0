"""What lies over a region before an archive is asked: against real granules, counting by hand, and folders."""

from __future__ import annotations

import re

import h5py
import numpy as np
import pyproj
import pytest

from nunatak.explorer import coverage
from nunatak.explorer.answers import Desk
from nunatak.geometry import region

AUSTFONNA = {"bbox": [20, 79.3, 27, 80.1]}
BEAMS = ("gt2l", "gt1l", "gt2r", "gt1r", "gt3l", "gt3r")


@pytest.fixture(scope="module")
def austfonna():
    return coverage.crossings(region.load(AUSTFONNA))


@pytest.mark.parametrize(
    "name",
    [
        "ATL06_20181014001049_02350102_003_01.h5",
        "processed_ATL06_20190416093911_02770303_002_01.h5",
        "processed_ATL06_20190625191102_13520305_002_01.h5",
        "processed_ATL06_20191106230008_06270503_006_01.h5",
        "processed_ATL06_20211102121853_06271303_006_01.h5",
    ],
)
def test_real_granules_are_among_the_passes_of_their_place_and_day(data, name):
    """Over a small box on a real granule its track, cycle and region are expected, on its day."""
    with h5py.File(data(f"real/ATL06/{name}")) as file:
        part = next(file[f"{beam}/land_ice_segments"] for beam in BEAMS if f"{beam}/land_ice_segments" in file)
        middle = part["latitude"].size // 2
        lon, lat = float(part["longitude"][middle]), float(part["latitude"][middle])
    stamp = re.search(r"_(\d{4})(\d{2})(\d{2})\d{6}_(\d{4})(\d{2})(\d{2})_", name).groups()
    day = np.datetime64("-".join(stamp[:3]))
    outline = region.load({"bbox": [lon - 0.3, lat - 0.1, lon + 0.3, lat + 0.1]})
    passes = coverage.flown(coverage.crossings(outline), day, day + np.timedelta64(1, "D"))
    named = set(passes[["rgt", "cycle", "region_number"]].itertuples(index=False, name=None))
    assert tuple(int(number) for number in stamp[3:]) in named


def test_tracks_over_a_region_are_as_many_as_their_spacing_says(austfonna):
    """
    Neighbouring tracks are 360 / 1387 degrees apart on a parallel, climbing and falling.

    Those that cross the middle parallel of the box number its width over that, twice, to two.
    """
    middle = 79.7
    crossed = sum(
        any(((run[:-1, 1] - middle) * (run[1:, 1] - middle) <= 0).any() for run in runs) for runs in austfonna["lonlat"]
    )
    assert abs(crossed - 2 * 7 / (360 / 1387)) <= 2


def test_parts_of_tracks_drawn_lie_in_the_region(austfonna):
    points = np.vstack([run for runs in austfonna["lonlat"] for run in runs])
    assert ((points >= [20, 79.3]) & (points <= [27, 80.1])).all()
    x, y = pyproj.Transformer.from_crs("OGC:CRS84", "EPSG:3413", always_xy=True).transform(*points[:40:39].T)
    line = next(run for runs in austfonna["lonlat"] for run in runs)
    drawn = np.array(coverage.lines(austfonna.head(1), "EPSG:3413")[0])
    assert drawn[0] == pytest.approx([x[0], y[0]], abs=0.51) and len(drawn) <= len(line)


def test_each_track_is_flown_once_in_a_cycle(austfonna):
    """Four years of 90.8 days: 16 passes of every track, but for the days without data."""
    passes = coverage.flown(austfonna, "2020-01-01", "2024-01-01")
    per_track = passes.groupby(["rgt", "region_number"]).size()
    assert set(per_track) <= {15, 16, 17}
    gap = coverage.flown(austfonna, "2022-04-05", "2022-04-15")
    assert gap.empty
    summer = coverage.flown(austfonna, "2020-01-01", "2024-01-01", months=[6, 7])
    assert set(summer["time"].dt.month) == {6, 7} and len(summer) < len(passes) / 3


def test_no_pass_before_the_first_granules_and_none_in_an_empty_period(austfonna):
    assert coverage.flown(austfonna, "2010-01-01", "2018-10-13").empty
    assert coverage.flown(austfonna, "2020-01-02", "2020-01-01").empty


def test_granules_are_counted_by_the_choices_and_what_is_here(austfonna, tmp_path):
    passes = coverage.flown(austfonna, "2020-01-01", "2021-01-01")
    first = passes.iloc[0]
    (tmp_path / "atl06").mkdir()
    name = f"ATL06_20200101000000_{first.rgt:04d}{first.cycle:02d}{first.region_number:02d}_007_01.h5"
    (tmp_path / "atl06" / name).touch()
    (tmp_path / "atl06" / "ATL06_20200101000000_99999999_007_01.h5").touch()
    one, every = coverage.expected(passes, {"atl06": {"rgt": int(first.rgt)}, "atl03": None}, tmp_path)
    assert one["granules"] == (passes["rgt"] == first.rgt).sum() and one["here"] == 1
    assert every["granules"] == len(passes) == sum(every["years"].values()) and every["here"] == 0
    assert every["bytes"] == len(passes) * 1.6e9 and every["minutes"] == pytest.approx(
        every["bytes"] / 2e7 / 60, abs=0.1
    )


def test_what_must_be_chosen_first_is_told(flow):
    desk = Desk(flow)
    assert desk.coverage({"crs": "EPSG:3413"})["lacking"][0] == "region"
    box = {"role": "region", "form": "box", "crs": "lonlat", "coordinates": [[20, 79.3], [27, 80.1]], "name": ""}
    assert desk.coverage({"drawings": [box], "crs": "EPSG:3413"})["lacking"][0] == "period"
    wrong = desk.coverage({"drawings": [box], "period": ["2021-01-01", "2020-01-01"], "crs": "EPSG:3413"})
    assert wrong["lacking"][0] == "study" and "period" in wrong["lacking"][1]
    told = desk.coverage({"drawings": [box], "period": ["2020-01-01", "2020-12-31"], "crs": "EPSG:3413"})
    assert told["tracks"] > 20 and {product["name"] for product in told["products"]} >= {"atl06", "atl03"}
    assert sum(told["passes"].values()) == next(p for p in told["products"] if p["name"] == "atl06")["granules"]
