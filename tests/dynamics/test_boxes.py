"""Boxes of a budget: regions cut by gates, on the side that the flow tells, and their sides."""

import numpy as np
import pytest
import shapely

from nunatak.dynamics.boxes import between_gates, box_between, sides_of
from nunatak.runtime import NunatakError

REGION = shapely.box(0, 0, 10e3, 4e3)  # ice flows along x
LOWER, UPPER = [(8e3, 5e3), (8e3, -1e3)], [(2e3, 5e3), (2e3, -1e3)]  # flow to the left of the lines as drawn
LOWER, UPPER = LOWER[::-1], UPPER[::-1]


def bounds(box):
    return tuple(round(value) for value in box.bounds)


def test_a_region_is_kept_above_the_gates_that_ice_leaves_by():
    """The line runs to the north and the flow to its right, the east: what lies to the west is kept."""
    assert bounds(between_gates(REGION, {"front": LOWER}, {})) == (0, 0, 8000, 4000)
    assert bounds(between_gates(REGION, {"front": LOWER[::-1]}, {})) == (8000, 0, 10000, 4000), "drawn the other way"


def test_gates_that_ice_comes_in_by_cut_a_region_too():
    box = between_gates(REGION, {"front": LOWER}, {"upper": UPPER})
    assert bounds(box) == (2000, 0, 8000, 4000)
    assert box.exterior.is_ccw


def test_a_gate_that_does_not_cross_the_region_is_refused_by_its_name():
    short = {"stub": [(8e3, 1e3), (8e3, 3e3)]}
    with pytest.raises(NunatakError, match="gate stub does not cross the region from side to side; draw it out"):
        between_gates(REGION, short, {})
    with pytest.raises(NunatakError, match="gate away does not cross"):
        between_gates(REGION, {"away": [(50e3, 0), (50e3, 4e3)]}, {})
    with pytest.raises(NunatakError, match="gate knot crosses itself"):
        between_gates(REGION, {"knot": [(8e3, -1e3), (8e3, 5e3), (7e3, 2e3), (9e3, 2e3)]}, {})


def test_the_side_is_told_by_the_part_of_a_gate_inside_the_region():
    """The middle of this gate lies far outside, where its left points elsewhere."""
    bent = [(8e3, -1e3), (8e3, 4.5e3), (-20e3, 4.5e3), (-20e3, 60e3)]
    assert bounds(between_gates(REGION, {"front": bent}, {})) == (0, 0, 8000, 4000)


def test_of_a_region_of_parts_the_one_that_the_gate_crosses_is_taken():
    """The other part is the larger."""
    parts = shapely.MultiPolygon([REGION, shapely.box(0, 10e3, 30e3, 40e3)])
    assert bounds(between_gates(parts, {"front": LOWER}, {})) == (0, 0, 8000, 4000)


def test_a_box_between_gates_has_two_sides_and_a_hole_has_its_own():
    box = box_between([(8e3, 0), (8e3, 4e3)], [(2e3, 0), (2e3, 4e3)])
    gates = [[(8e3, 0), (8e3, 4e3)], [(2e3, 0), (2e3, 4e3)]]
    sides = sides_of(box, gates, step=500.0)
    assert sorted(float(np.mean(side[:, 1])) for side in sides) == [0.0, 4000.0]
    holed = shapely.orient_polygons(box.difference(shapely.box(4e3, 1e3, 5e3, 2e3)))
    inner = [side for side in sides_of(holed, gates, step=500.0) if len(side) == 9 and side[:, 0].max() == 5e3]
    assert len(inner) == 1 and not shapely.LinearRing(inner[0]).is_ccw, "the hole is to the right of its side"
    with pytest.raises(NunatakError, match="cross; draw both gates"):
        box_between([(8e3, 0), (8e3, 4e3)], [(2e3, 4e3), (2e3, 0)])
