"""
Freeboard on a grid: the accumulators against the ATL10 gridding tutorial's way and plain NumPy, on the same segments.

The tutorial's calls (a GeoDataFrame reprojected, a list comprehension that builds an affine transform for each segment,
`groupby.apply`) cost 1.0, 6.4 and 1.5 microseconds per segment in its own published run (15.9 million segments in 8,927
cells: 15.8, 102 and 23.1 s).

    python benchmarks/gridding.py [millions of segments]
"""

from __future__ import annotations

import sys
from functools import cache

import numpy as np
import pandas as pd
import pyproj
from measure import measure, report

from nunatak.gridding import accumulate, cell_statistics, make_grid
from nunatak.gridding.bins import sum_points, sum_points_reference

GRANULES = 59
NAMES = ("count", "mean_length", "mean", "variance")
TUTORIAL_SEGMENTS = 300_000  # its share of cells to segments, at a fiftieth of its size


@cache
def segments(n, granules=GRANULES):
    """Segments along tracks from 60 to 88 S, as half an orbit does, two granules a day."""
    rng = np.random.default_rng(1)
    per = n // granules
    share = np.tile(np.linspace(0, 1, per), granules)
    number = np.repeat(np.arange(granules), per)
    return pd.DataFrame(
        {
            "granule_id": pd.Categorical.from_codes(number, [f"ATL10-02_{i:02d}" for i in range(granules)]),
            "longitude": (165 + 0.6 * number + 6 * share + 180) % 360 - 180,
            "latitude": -60 - 28 * share,
            "time": np.datetime64("2019-09-01", "ns") + (number * 43_200e9 + share * 600e9).astype("m8[ns]"),
            "beam_fb_height": rng.normal(0.3, 0.1, share.size).astype("f4"),
            "height_segment_length_seg": rng.uniform(10, 60, share.size).astype("f4"),
        }
    )


def columns(n):
    """The same as arrays, as the kernel's wrapper takes them."""
    table = segments(n)
    names = {"lon": "longitude", "lat": "latitude", "time": "time", "value": "beam_fb_height"}
    names["weight"] = "height_segment_length_seg"
    return {ours: table[theirs].to_numpy() for ours, theirs in names.items()}


def project_and_bin(n):
    """Projection and binning of arrays: the sums of cells and days."""
    _, _, sums, tally = sum_points(columns(n), make_grid(preset="ease2_south", cell="6.25km"))
    return [int(tally[0]), float(sums[:, 3].sum())]


def against_numpy(n):
    """Whether counts equal plain NumPy's and PROJ's, and the largest relative difference of the sums."""
    grid = make_grid(preset="ease2_south", cell="6.25km")
    (day, cell, sums, tally), other = sum_points(columns(n), grid), sum_points_reference(columns(n), grid)
    same = all(np.array_equal(a, b) for a, b in ((day, other[0]), (cell, other[1]), (sums[:, 0], other[2][:, 0])))
    return [bool(same and np.array_equal(tally, other[3])), float(np.abs(sums[:, :5] / other[2][:, :5] - 1).max())]


def numpy_way(n):
    """PROJ and `np.bincount`."""
    return int(sum_points_reference(columns(n), make_grid(preset="ease2_south", cell="6.25km"))[3][0])


def ours(n):
    """The whole path: table of segments to statistics of the month."""
    grid = make_grid(preset="ease2_south", cell="6.25km")
    done = accumulate(segments(n), grid, value="beam_fb_height", weight="height_segment_length_seg")
    return _answer(cell_statistics(done, "month", NAMES))


def ours_tutorial(n):
    """The same on the tutorial's grid and share of cells."""
    grid = make_grid(preset="ross_sea_tutorial")
    done = accumulate(_crowded(n), grid, value="beam_fb_height", weight="height_segment_length_seg")
    return _answer(cell_statistics(done, "month", NAMES))


def tutorial(n):
    """The tutorial's calls, on segments that all lie in its grid (outside it, it wraps)."""
    import geopandas as gpd
    from rasterio import Affine

    grid, table = make_grid(preset="ross_sea_tutorial"), _crowded(n)
    corners = (grid.left, grid.dx, 0.0, grid.top, 0.0, -grid.dy)

    def index(xy):
        # the tutorial builds and inverts its affine transform for each segment
        column, row = ~Affine.from_gdal(*corners) * xy
        return np.floor(row) * grid.nx + np.floor(column)

    geometry = gpd.points_from_xy(table["longitude"], table["latitude"])
    frame = gpd.GeoDataFrame(table.drop(columns=["longitude", "latitude"]), geometry=geometry, crs="EPSG:4326")
    frame = frame.to_crs("EPSG:6932")
    frame["grid_index"] = [index((x, y)) for x, y in zip(frame.geometry.x, frame.geometry.y, strict=True)]

    def statistics(cell):
        length, freeboard = cell["height_segment_length_seg"], cell["beam_fb_height"]
        total = length.sum()
        mean = (length * freeboard).sum() / total
        values = (len(cell), length.mean(), mean, (length * freeboard**2).sum() / total - mean**2)
        return pd.Series(values, index=list(NAMES))

    found = frame[["grid_index", "height_segment_length_seg", "beam_fb_height"]].groupby("grid_index").apply(statistics)
    return _answer(found.reset_index())


@cache
def _crowded(n):
    """Six stretches of 280 km in the tutorial's grid, with as many segments to a cell as in its run."""
    rng = np.random.default_rng(2)
    per = n // 6
    x = np.repeat(np.linspace(-9e5, 3e5, 6), per) + np.tile(np.linspace(0, 4e4, per), 6)
    y = np.tile(np.linspace(-1.9e6, -1.62e6, per), 6)
    longitude, latitude = pyproj.Transformer.from_crs("EPSG:6932", "EPSG:4326", always_xy=True).transform(x, y)
    return pd.DataFrame(
        {
            "granule_id": np.repeat(list("abcdef"), per),
            "longitude": longitude,
            "latitude": latitude,
            "time": np.datetime64("2019-09-15", "ns"),
            "beam_fb_height": rng.normal(0.3, 0.1, x.size),
            "height_segment_length_seg": rng.uniform(10, 60, x.size),
        }
    )


def _answer(table):
    return [len(table), *(float(table[name].to_numpy(dtype=float).sum()) for name in NAMES)]


def nothing(n):
    """Make the segments only: what the others' memory is counted above."""
    return len(segments(n))


def main():
    """Measure, compare, report."""
    millions = float(sys.argv[1]) if len(sys.argv) > 1 else 16.0
    n, part = int(millions * 1e6), 2_000_000
    bare, plain = measure(__file__, "project_and_bin", {"n": part}), measure(__file__, "numpy_way", {"n": part})
    whole, made = measure(__file__, "ours", {"n": n}), measure(__file__, "nothing", {"n": n}, repeat=0)
    theirs = measure(__file__, "tutorial", {"n": TUTORIAL_SEGMENTS}, repeat=1)
    same = measure(__file__, "ours_tutorial", {"n": TUTORIAL_SEGMENTS})
    equal, difference = measure(__file__, "against_numpy", {"n": part}, repeat=0).answer
    apart = np.abs(np.array(same.answer) / np.array(theirs.answer) - 1).max()
    if apart > 1e-9 or difference > 1e-12:
        raise SystemExit(f"the answers differ: from the tutorial by {apart:.1e}, from NumPy by {difference:.1e}")
    per = 1e9 / part
    rows = {
        "ours, projection and binning": {"segments": part, "ns per segment": bare.cpu_seconds * per},
        "its twin: PROJ, np.unique, np.bincount": {"segments": part, "ns per segment": plain.cpu_seconds * per},
        "ours, table to statistics": {"segments": n, "ns per segment": whole.cpu_seconds / n * 1e9},
        "ours, the tutorial's case": {
            "segments": TUTORIAL_SEGMENTS,
            "ns per segment": same.cpu_seconds / TUTORIAL_SEGMENTS * 1e9,
        },
        "tutorial, its case": {
            "segments": TUTORIAL_SEGMENTS,
            "ns per segment": theirs.cpu_seconds / TUTORIAL_SEGMENTS * 1e9,
        },
    }
    report(
        f"Freeboard to a grid; largest difference of sums from NumPy {difference:.1e}, of statistics from the tutorial "
        f"{apart:.1e}; memory above the segments {whole.peak_memory_mb - made.peak_memory_mb:.0f} MB",
        rows,
        {
            "ns_per_point": bare.cpu_seconds * per,
            "cpu_ratio_tutorial": theirs.cpu_seconds / same.cpu_seconds,
            "seconds_16e6": whole.cpu_seconds * 16e6 / n,
            "counts_equal": equal,
        },
    )


if __name__ == "__main__":
    main()
