"""The simulated image pairs: the truth inside their errors, every trap set, the same bytes twice."""

import h5py
import numpy as np
import pyproj
import pytest

from nunatak.constants import FILL_VELOCITY as FILL
from nunatak.products.itslive.ground import scale_field
from nunatak.runtime import file_sha256
from nunatak.simulation import itslive, worlds
from nunatak.simulation.itslive_pairs import schedule
from nunatak.simulation.itslive_values import Truth, footprint, measure
from nunatak.times import decimal_year


@pytest.fixture(scope="module")
def world():
    """The tiny Pine Island."""
    return worlds.world("pine_island", "tiny")


def test_the_full_archive_has_hundreds_of_pairs_and_every_trap():
    """Three layouts, all sensors, 3031 and 3413 and two UTM zones, repeats, twins, swapped images."""
    pairs = schedule(worlds.world("pine_island", "full"))
    assert 200 <= len(pairs) <= 500
    assert {p.layout for p in pairs} == {"v1", "v2", "v2a"} and {p.epsg for p in pairs} == {3031, 3413, 32713, 32714}
    assert {p.platform for p in pairs} >= {"LT05", "LE07", "LC08", "S1A", "S2A"}
    quirks = set().union(*(p.quirks for p in pairs))
    assert quirks >= {
        "swapped",
        "stripes",
        "no_shift",
        "wrong_shift",
        "slow_shift",
        "locked",
        "pad_bug",
        "old_names",
        "bad_date",
        "empty",
        "stray",
    }
    middle = [p.time1 + (p.time2 - p.time1) // 2 for p in pairs]
    assert len(set(middle)) < len(middle) and middle == sorted(middle)
    assert len({p.key for p in pairs}) == len(pairs)


def test_fast_truth_equals_the_glacier(world):
    """The tabulated velocity against the truth object itself, also along the axes of a UTM zone."""
    pair = next(p for p in schedule(world) if p.layout == "v2")
    grid = footprint(world, pair)
    rows, columns = slice(20, 23), slice(40, 44)
    vx, vy = Truth(world, grid).velocity(2019.4, rows, columns)
    x, y = np.meshgrid(grid.x[columns], grid.y[rows])
    ux, uy = world.truth.velocity(x, y, 2019.4)
    np.testing.assert_allclose(vx, ux, rtol=1e-4)
    np.testing.assert_allclose(vy, uy, rtol=1e-4)
    to_utm = pyproj.Transformer.from_crs("EPSG:3031", "EPSG:32714", always_xy=True)
    px, py = to_utm.transform(x, y)
    zone = type(grid)("EPSG:32714", float(px[1, 1]) - 60, float(py[1, 1]) + 60, 120.0, 120.0, 1, 1)
    wx, wy = Truth(world, zone).velocity(2019.4, slice(0, 1), slice(0, 1))
    step = 1e-2  # years: where the ice goes, seen in the zone's own coordinates
    qx, qy = to_utm.transform(x[1, 1] + step * ux[1, 1], y[1, 1] + step * uy[1, 1])
    expected = np.array([qx - px[1, 1], qy - py[1, 1]])
    turned = np.array([wx[0, 0], wy[0, 0]])
    cosine = turned @ expected / np.hypot(*turned) / np.hypot(*expected)
    assert np.degrees(np.arccos(min(cosine, 1.0))) < 0.05
    assert np.hypot(*turned) == pytest.approx(np.hypot(ux[1, 1], uy[1, 1]), rel=1e-4)


def test_a_pair_measures_the_truth_within_its_stated_error(world):
    """Over pairs without a planted fault: errors of the size each pair states, blunders aside; version 2 on the map."""
    ratios = []
    chosen = [(p, footprint(world, p)) for p in schedule(world) if p.layout == "v2" and not p.quirks]
    truths = {key: Truth(world, grid) for key, grid in itslive.covers(chosen).items()}
    for pair, grid in chosen:
        truth = truths[grid.crs, grid.dx]
        m = measure(world, pair, grid, truth)
        row, column = round((truth.grid.top - grid.top) / 120), round((grid.left - truth.grid.left) / 120)
        span = [float(decimal_year(t)) for t in (pair.time1, pair.time2)]
        vx, _ = truth.mean(*span, slice(row, row + grid.ny), slice(column, column + grid.nx))
        error = (m.vx - scale_field(grid) * vx)[m.vx != FILL]
        ratios.append(np.median(np.abs(error)) / 0.6745 / m.error[0])
    assert len(ratios) > 3 and 0.7 < np.median(ratios) < 1.2


def test_the_same_world_gives_the_same_bytes(world, tmp_path):
    """Twice written, one file per pair, marked as simulated."""
    paths = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        paths.append(itslive.write(world, tmp_path / name))
    assert [p.name for p in paths[0]] == [p.name for p in paths[1]] and len(paths[0]) == len(schedule(world))
    assert [file_sha256(p) for p in paths[0][::9]] == [file_sha256(p) for p in paths[1][::9]]
    with h5py.File(paths[0][0]) as file:
        assert file.attrs["nunatak_source"] == b"SIMULATED"
