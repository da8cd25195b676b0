"""The grid: edges, centres, windows, cells of points, true areas."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nunatak.geometry.grid import Grid
from nunatak.geometry.region import load

CRS = "EPSG:3413"
whole = st.integers(-2000, 2000)
sizes = st.sampled_from([100.0, 250.0, 1000.0, 12500.0, 0.1])


@st.composite
def grids(draw):
    """Grids of up to 30 cells a side, their corner anywhere."""
    dx, dy = draw(sizes), draw(sizes)
    ny, nx = draw(st.integers(1, 30)), draw(st.integers(1, 30))
    return Grid(CRS, draw(whole) * dx, draw(whole) * dy, dx, dy, ny, nx)


@given(grids())
def test_a_centre_lies_in_its_cell(grid):
    """Every centre is found in its own row and column; x ascends and y descends."""
    row, column = grid.cell_of(*np.meshgrid(grid.x, grid.y))
    np.testing.assert_array_equal(row, np.arange(grid.ny)[:, None] * np.ones(grid.nx, int))
    np.testing.assert_array_equal(column, np.arange(grid.nx) * np.ones((grid.ny, 1), int))
    assert (np.diff(grid.x) > 0).all() and (np.diff(grid.y) < 0).all()


@given(grids().filter(lambda grid: grid.ny > 1 and grid.nx > 1), st.booleans())
def test_a_grid_follows_from_its_centres(grid, ascending):
    """Whichever way y runs, the centres tell the edges."""
    again = Grid.from_centres(CRS, grid.x, grid.y[::-1] if ascending else grid.y)
    assert again.shape == grid.shape
    np.testing.assert_allclose(again.bounds, grid.bounds, rtol=1e-9, atol=1e-6 * grid.dx)


spans = st.tuples(whole, whole).filter(lambda ends: ends[0] != ends[1]).map(sorted)


@given(spans, spans, st.sampled_from([10.0, 1000.0]), st.integers(0, 9), st.integers(0, 9))
def test_bounds_are_snapped_outward_on_the_lattice(across, up, cell, x0, y0):
    """The grid covers the bounds, by less than a cell more, with its edges on the lattice."""
    (left, right), (bottom, top) = across, up
    grid = Grid.from_bounds(CRS, (left, bottom, right, top), cell, lattice=(x0, y0))
    got = np.array(grid.bounds)
    margin = np.array([left, bottom, -right, -top]) - got * [1, 1, -1, -1]
    assert (margin >= -1e-6).all() and (margin < cell).all()
    np.testing.assert_allclose((got - [x0, y0, x0, y0]) / cell, np.round((got - [x0, y0, x0, y0]) / cell), atol=1e-9)


@given(grids(), st.integers(0, 2**32 - 1))
def test_a_cell_owns_its_left_and_upper_edge(grid, seed):
    """Against the definition, point by point: left <= x < right, bottom < y <= top; the rest is outside."""
    random = np.random.default_rng(seed)
    x = grid.left + grid.dx * (random.integers(-2, 2 * grid.nx + 3, 20) / 2)
    y = grid.top - grid.dy * (random.integers(-2, 2 * grid.ny + 3, 20) / 2)
    row, column = grid.cell_of(x, y)
    left, bottom, right, top = grid.bounds
    inside = (x - left >= -1e-9 * grid.dx) & (right - x > 1e-9 * grid.dx)
    inside &= (top - y >= -1e-9 * grid.dy) & (y - bottom > 1e-9 * grid.dy)
    exact = float(grid.dx).is_integer() and float(grid.dy).is_integer()  # tenths are no exact edges
    if exact:
        np.testing.assert_array_equal(row >= 0, inside)
        np.testing.assert_array_equal(np.where(inside, np.floor((x - left) / grid.dx), -1), column)
    assert ((row >= 0) == (column >= 0)).all()


def test_points_that_are_nowhere_have_no_cell():
    """NaN and infinity are outside, and do not wrap into another column."""
    row, column = Grid(CRS, 0, 100, 10, 10, 10, 10).cell_of([np.nan, np.inf, -5, 105], [50, 50, 50, 50])
    assert (row == -1).all() and (column == -1).all()


@given(grids(), st.integers(0, 5))
def test_a_padded_grid_has_the_first_as_its_window(grid, cells):
    """Padding and cropping back changes nothing, and the slices say where."""
    cropped, (rows, columns) = grid.pad(cells).window(grid.bounds)
    assert cropped.shape == grid.shape and (rows.start, columns.start) == (cells, cells)
    np.testing.assert_allclose(cropped.bounds, grid.bounds, rtol=1e-12, atol=1e-6 * grid.dx)


def test_a_window_holds_every_cell_touched():
    """Bounds in the middle of cells take those cells whole."""
    cropped, slices = Grid(CRS, 0, 100, 10, 10, 10, 10).window((15, 35, 42, 51))
    assert (cropped.bounds, slices) == ((10, 30, 50, 60), (slice(4, 7), slice(1, 5)))


def test_true_areas_sum_to_that_of_the_ellipsoid():
    """The cells of a square, each divided by its areal scale, have together the area of the square on the ellipsoid."""
    grid = Grid.from_bounds(CRS, (1.0e6, -4.5e5, 1.1e6, -3.5e5), 1000)
    true = (grid.dx * grid.dy / grid.areal_scale()).sum() / 1e6
    np.testing.assert_allclose(true, load({"bbox": [1.0e6, -4.5e5, 1.1e6, -3.5e5], "crs": CRS}).area_km2, rtol=1e-5)
    assert abs(true / 1e4 - 1) > 0.01  # the plain area is wrong by more than one per cent here


def test_longitudes_and_latitudes_project_back():
    """The cell centres, through WGS84 and back."""
    grid = Grid("EPSG:3031", -1.7e6, -2e5, 240, 240, 5, 7)
    to_grid = pyproj.Transformer.from_crs("EPSG:4326", grid.proj, always_xy=True)
    x, y = to_grid.transform(*grid.lonlat())
    np.testing.assert_allclose(x, np.broadcast_to(grid.x, grid.shape), atol=1e-6)
    np.testing.assert_allclose(y, np.broadcast_to(grid.y[:, None], grid.shape), atol=1e-6)


def test_the_transform_is_that_of_the_corner():
    """As GDAL and rasterio have it."""
    assert Grid(CRS, 5, 95, 10, 20, 3, 4).transform == (10, 0, 5, 0, -20, 95)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Grid(CRS, 0, 0, 0, 1, 1, 1), "cell size 0 x 1 is not positive"),
        (lambda: Grid(CRS, 0, 0, 1, 1, 0, 1), "0 rows x 1 columns hold no cell"),
        (lambda: Grid.from_bounds(CRS, (1, 0, 0, 1), 1), "enclose nothing; write left, bottom, right, top"),
        (lambda: Grid.from_centres(CRS, [0], [0, 1]), "2 x 1 coordinates do not determine a cell size"),
        (lambda: Grid.from_centres(CRS, [0, 1, 3], [0, 1]), "not evenly spaced"),
        (lambda: Grid.from_centres(CRS, [2, 1, 0], [0, 1]), "not evenly spaced, or x does not ascend|not positive"),
        (lambda: Grid(CRS, 0, 10, 1, 1, 10, 10).window((20, 20, 30, 30)), "does not touch the grid"),
    ],
)
def test_impossible_grids_are_refused(make, words):
    """With the numbers that make them impossible."""
    with pytest.raises(ValueError, match=words):
        make()
