"""Lattices that nest, vectors that turn: nothing is interpolated, speeds survive."""

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from nunatak.geometry.grid import Grid
from nunatak.runtime import NunatakError
from nunatak.velocity import nesting
from nunatak.velocity.lattice import place, roi_mask, source_window, target_grid
from nunatak.velocity.placing import on_grid
from nunatak.velocity.rotation import Rotation, rotate_layer, rotate_layer_reference

FILL = -32767


def test_version_1_and_2_nest_by_their_edges():
    """The lattices of the two real granules: replicated one way, averaged the other."""
    v1 = Grid.from_centres("EPSG:3031", -1716367.5 + 240 * np.arange(60), -209392.5 - 240 * np.arange(50))
    v2 = Grid.from_centres("EPSG:3031", -1716427.5 + 120 * np.arange(60), -209332.5 - 120 * np.arange(50))
    assert place(v1, v2).treatment == "replicated" and place(v1, v2).factor == 2
    assert place(v2, v1).treatment == "averaged"
    beside = Grid.from_centres("EPSG:3031", -1716400.0 + 120 * np.arange(60), -209332.5 - 120 * np.arange(50))
    assert place(beside, v2).reason.startswith("lattice: cell edges lie")
    assert place(Grid("EPSG:3031", 0, 0, 150, 150, 9, 9), v2).reason.startswith("resolution: 150 m does not nest")


@pytest.mark.parametrize("cell", [240.0, 60.0])
def test_a_cell_no_pair_has_gets_edges_of_the_pairs_cells(cell):
    """Pairs of 120 m with edges at -7.5 and 7.5: a coarser and a finer grid that nest, not one that begins at 0, 0."""
    pairs = pd.DataFrame({"epsg": [3031], "x0": [-1716427.5], "y0": [-209332.5], "dx": [120.0], "dy": [120.0]})
    area = shapely.box(-1700000.0, -300000.0, -1690000.0, -290000.0)
    grid = target_grid(pairs, lambda crs: area, crs="EPSG:3031", cell=cell)
    assert grid.dx == cell and (grid.left + 7.5) % min(cell, 120) == 0 and (grid.top - 7.5) % min(cell, 120) == 0
    source = Grid("EPSG:3031", -1716487.5, -209272.5, 120, 120, 900, 900)
    assert place(source, grid).treatment == ("averaged" if cell > 120 else "replicated")
    with pytest.raises(NunatakError, match=r"no image pair has 240\.0; give both crs and cell, or neither"):
        target_grid(pairs, lambda crs: area, cell=240.0)


@pytest.mark.parametrize("off", [-0.0004, 0.0004])
def test_edges_that_rounding_moves_are_one_lattice(off):
    """
    Three pairs share a lattice, two of them to within a millimetre.

    Two others lie on a lattice half a cell beside it.
    """
    edges = np.array([[0.0, 0.0], [off, 0.0], [0.0, off], [60.0, 60.0], [60.0, 60.0]])
    pairs = pd.DataFrame({"x0": edges[:, 0] + 60.0, "y0": edges[:, 1] - 60.0})
    area = shapely.box(-1700000.0, -300000.0, -1690000.0, -290000.0)
    grid = target_grid(pairs.assign(epsg=3031, dx=120.0, dy=120.0), lambda crs: area)
    assert (grid.left % 120, grid.top % 120) == (0, 0)


@settings(max_examples=40)
@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 3), st.booleans())
def test_nested_cells_come_from_where_they_lie(row, column, factor, coarse_source):
    """By coordinates, whatever the offset: a replicated cell holds the source cell at its centre."""
    fine, coarse = 120.0, 120.0 * factor
    sizes = (coarse, fine) if coarse_source else (fine, coarse)
    source = Grid("EPSG:3031", 0.0, 0.0, sizes[0], sizes[0], 7, 8)
    target = Grid("EPSG:3031", column * fine, -row * fine, sizes[1], sizes[1], 6, 5)
    placement = place(source, target)
    window = source_window(placement, source, target)
    if window is None:
        meets = max(source.left, target.left) < min(source.bounds[2], target.bounds[2])
        meets &= max(source.bounds[1], target.bounds[1]) < min(source.top, target.top)
        assert not meets
        return
    values = np.arange(source.size, dtype="i2").reshape(source.shape)
    part = values[slice(*window[0]), slice(*window[1])]
    start = window[0][0], window[1][0]
    if placement.treatment == "averaged":
        vx, _ = nesting.average_components(part, part, start, placement, target.shape)
        expected, _ = nesting.average_components_reference(part, part, start, placement, target.shape)
        np.testing.assert_array_equal(vx, expected)
        return
    out = nesting.replicate(part, start, placement, target.shape, FILL)
    rows, columns = source.cell_of(*np.meshgrid(target.x, target.y))
    np.testing.assert_array_equal(out, np.where(rows >= 0, values[rows, columns], FILL))


def test_components_are_averaged_where_half_the_cells_are_seen():
    """Two of four cells are enough, one is not; chip sizes take the largest."""
    source, target = Grid("EPSG:3031", 0, 0, 120, 120, 2, 4), Grid("EPSG:3031", 0, 0, 240, 240, 1, 2)
    vx = np.array([[10, FILL, 7, FILL], [20, FILL, FILL, FILL]], "i2")
    placement = place(source, target)
    out = nesting.average_components(vx, vx, (0, 0), placement, (1, 2))
    np.testing.assert_array_equal(out[0], [[15, FILL]])
    chips = np.array([[480, 0, 240, 0], [960, 0, 0, 0]], "u2")
    np.testing.assert_array_equal(
        nesting.average_field(chips, (0, 0), placement, (1, 2), 0, largest=True), [[960, 240]]
    )
    np.testing.assert_array_equal(nesting.average_field(vx, (0, 0), placement, (1, 2), FILL), [[15, 7]])


@pytest.mark.parametrize(
    ("source_crs", "target_crs", "lon", "lat"),
    [
        ("EPSG:32633", "EPSG:3413", 15.0, 79.0),
        ("EPSG:32714", "EPSG:3031", -99.5, -75.0),
        ("EPSG:32713", "EPSG:3031", -103.0, -75.0),
    ],
)
def test_rotation_keeps_speed_and_true_direction(source_crs, target_crs, lon, lat):
    """Flow to the true north in one projection flows to the true north in the other, at the same speed."""
    x, y = pyproj.Transformer.from_crs("EPSG:4326", target_crs, always_xy=True).transform(lon, lat)
    target = Grid(target_crs, x - 600, y + 600, 120, 120, 10, 10)
    rotation = Rotation(source_crs, target)

    def north(crs, px, py):
        back = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        lon0, lat0 = back.transform(px, py)
        qx, qy = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon0, lat0 + 1e-5)
        return np.array([qx - px, qy - py]) / np.hypot(qx - px, qy - py)

    here = north(source_crs, rotation.x, rotation.y)
    turned = np.array(rotation.turn(1000 * here[0], 1000 * here[1]))
    np.testing.assert_allclose(np.hypot(*turned), 1000, rtol=1e-4)  # the Jacobian is conformal to that
    expected = north(target_crs, *np.meshgrid(target.x, target.y))
    angle = np.degrees(np.arccos(np.clip((turned * expected).sum(0) / 1000, -1, 1)))
    assert angle.max() < 0.1


def test_rotated_layers_equal_their_definition():
    """Nearest cell, components turned, fill kept, values that int16 cannot hold dropped."""
    rng = np.random.default_rng(3)
    target = Grid("EPSG:3031", -1600e3, -300e3, 120, 120, 20, 25)
    rotation = Rotation("EPSG:32714", target)
    source = Grid("EPSG:32714", rotation.x.min() + 500, rotation.y.max() - 300, 120, 120, 30, 30)
    window = rotation.window(source)
    cells = rotation.cells(source, window)
    assert (cells == -1).any() and (cells >= 0).any()
    shape = window[0][1] - window[0][0], window[1][1] - window[1][0]
    vx, vy = (rng.integers(-3000, 3000, shape).astype("i2") for _ in range(2))
    vx[rng.random(shape) < 0.3] = FILL
    vx[0, :3], vy[0, :3] = 30000, 30000
    for ours, reference in zip(
        rotate_layer(vx, vy, cells, rotation), rotate_layer_reference(vx, vy, cells, rotation), strict=True
    ):
        assert np.abs(ours.astype(int) - reference).max() <= 1  # the matrix is float32: a half may round either way
        np.testing.assert_array_equal(ours == FILL, reference == FILL)


def test_the_region_is_exact_by_centre_or_by_touch():
    """A triangle over four cells."""
    grid = Grid("EPSG:3031", 0, 2, 1, 1, 2, 2)
    triangle = shapely.Polygon([(0, 0), (1.6, 0), (0, 1.6)])
    np.testing.assert_array_equal(roi_mask(grid, triangle), [[False, False], [True, False]])
    np.testing.assert_array_equal(roi_mask(grid, triangle, all_touched=True), [[True, False], [True, True]])


def test_layers_of_an_averaged_pair_are_its_means_its_largest_chip_and_the_speed_of_the_means():
    """
    Two cells of 240 m from eight of 120 m.

    The mean of the speeds would be 5 in the first.
    """
    source, target = Grid("EPSG:3031", 0, 240, 120, 120, 2, 4), Grid("EPSG:3031", 0, 240, 240, 240, 1, 2)
    raw = {
        "vx": np.array([[3, -3, 6, 6], [3, -3, 6, FILL]], "i2"),
        "vy": np.array([[4, 4, 8, 8], [4, 4, 8, FILL]], "i2"),
        "v": np.array([[5, 5, 10, 10], [5, 5, 10, FILL]], "i2"),
        "v_error": np.array([[1, 2, 3, 6], [3, 2, 3, FILL]], "i2"),
        "chip_size_width": np.array([[240, 480, 960, 240], [240, 240, 240, 0]], "u2"),
    }
    out = on_grid(raw, source, place(source, target), ((0, 2), (0, 4)), target)
    found = {name: values.tolist() for name, values in out.items()}
    assert found == {
        "vx": [[0, 6]],
        "vy": [[4, 8]],
        "v": [[4, 10]],
        "v_error": [[2, 4]],
        "chip_size_width": [[480, 960]],
    }
