"""Fractional cell coverage: exact areas, whatever the outline."""

import numpy as np
import shapely
from numpy.testing import assert_allclose
from tests.builders import studies

from nunatak.elevation import cell_coverage
from nunatak.geometry.grid import Grid

GRID = Grid("EPSG:3413", 0.0, 100.0, 1.0, 1.0, 100, 150)


def reference(grid, polygon):
    """Every cell cut against the polygon. Slow, obvious."""
    coverage = np.zeros(grid.shape)
    for i, y in enumerate(grid.y):
        for j, x in enumerate(grid.x):
            cell = shapely.box(x - grid.dx / 2, y - grid.dy / 2, x + grid.dx / 2, y + grid.dy / 2)
            coverage[i, j] = polygon.intersection(cell).area / cell.area
    return coverage


def test_rectangle_cuts_cells_in_known_shares():
    coverage = cell_coverage(Grid("EPSG:3413", 0, 3, 1, 1, 3, 3), shapely.box(0.5, 0.75, 2.0, 2.0))
    assert_allclose(coverage, [[0, 0, 0], [0.5, 1, 0], [0.125, 0.25, 0]], atol=1e-12)


def test_ragged_outline_with_a_hole_agrees_with_cutting_every_cell():
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    radius = 40 + 6 * np.sin(9 * angle) + 2 * np.sin(40 * angle)
    shell = np.column_stack([75 + 1.5 * radius * np.cos(angle), 50 + radius * np.sin(angle)])
    hole = np.column_stack([70 + 7.3 * np.cos(angle), 45 + 7.3 * np.sin(angle)])
    polygon = shapely.Polygon(shell, [hole])
    coverage = cell_coverage(GRID, polygon)
    assert_allclose(coverage, reference(GRID, polygon), atol=1e-9)
    assert_allclose(coverage.sum(), polygon.area, rtol=1e-12)


def test_parts_of_a_multipolygon_add_up():
    halves = shapely.MultiPolygon([shapely.box(10, 10, 20.3, 30), shapely.box(20.3, 10, 31, 30)])
    assert_allclose(cell_coverage(GRID, halves), cell_coverage(GRID, shapely.box(10, 10, 31, 30)), atol=1e-9)


def test_no_polygon_covers_everything_and_an_outside_one_nothing():
    assert cell_coverage(GRID, None).all()
    assert not cell_coverage(GRID, shapely.box(200, 200, 300, 300)).any()


def test_neighbouring_regions_share_a_cell_without_overlap():
    """Two basins that meet in the middle of cells cover each cell once together."""
    on = studies.grid()
    left, bottom, right, top = on.bounds
    middle = left + 7_333.0
    west = cell_coverage(on, shapely.box(left, bottom, middle, top))
    east = cell_coverage(on, shapely.box(middle, bottom, right, top))
    assert_allclose(west + east, 1.0, atol=1e-9)
