"""The outline of a budget's box: a region, or what lies between two gates, and its sides apart from the gates."""

from __future__ import annotations

import numpy as np
import shapely
from shapely import ops

from nunatak.dynamics.rings import runs_of
from nunatak.runtime import NunatakError

_ON_GATE = 1.0  # m on the map within which a side lies on a gate
_BEYOND = 1e-3  # of its length by which a gate is drawn out, so that it cuts the outline it ends on


def box_between(outflow, inflow):
    """
    Return the box between a gate that ice leaves by and one that it comes in by.

    Parameters
    ----------
    outflow, inflow : (n, 2) vertices; the flow through both is to the right of the line as drawn

    Returns
    -------
    shapely Polygon whose sides join the ends of the gates by straight lines

    Raises
    ------
    NunatakError : gates that cross, or that are drawn in opposite directions
    """
    polygon = shapely.Polygon(np.concatenate([np.asarray(outflow, float), np.asarray(inflow, float)[::-1]]))
    if not polygon.is_valid or polygon.area == 0:
        raise NunatakError(
            "box: the lines between the ends of its gates cross; draw both gates with the flow to the right of the line"
        )
    return shapely.orient_polygons(polygon)


def between_gates(region, outflow, inflow):
    """
    Return the part of a region above the gates that ice leaves by and below those that it comes in by.

    Parameters
    ----------
    region : shapely Polygon or MultiPolygon in map metres
    outflow, inflow : mapping of a gate's name to its (n, 2) vertices; the flow through each is to the right of the line

    Returns
    -------
    shapely Polygon

    Raises
    ------
    NunatakError : a gate that does not cross the region from side to side, or gates that cross different parts of it

    Notes
    -----
    Of a region of several parts the one that the first gate crosses is taken. A gate that crosses a part several times
    counts where its piece inside is longest, and the box is what borders on that piece.
    """
    lines = {name: np.asarray(line, float) for name, line in outflow.items()}
    lines |= {name: np.asarray(line, float)[::-1] for name, line in inflow.items()}
    kept = region
    for name, vertices in lines.items():
        kept = _left_part(kept, _drawn_out(vertices), name)
    return shapely.orient_polygons(kept)


def _drawn_out(vertices):
    first, last = vertices[0] - vertices[1], vertices[-1] - vertices[-2]
    return shapely.LineString([vertices[0] + _BEYOND * first, *vertices[1:-1], vertices[-1] + _BEYOND * last])


def _left_part(area, line, name):
    """Return the part of an area that borders on a line from its left, where the line runs longest inside."""
    if not line.is_simple:
        raise NunatakError(f"box: gate {name} crosses itself; draw it again")
    part = max(shapely.get_parts(area), key=lambda polygon: polygon.intersection(line).length)
    pieces = shapely.get_parts(ops.split(part, line))
    if len(pieces) < 2:
        raise NunatakError(
            f"box: gate {name} does not cross the region from side to side; draw it out beyond the outline, or name "
            "another region"
        )
    inside = max(shapely.get_parts(part.intersection(line)), key=lambda piece: piece.length)
    probe = _left_of_middle(inside, line)
    beside = [piece for piece in pieces if piece.contains(probe)]
    if not beside:
        raise NunatakError(f"box: gate {name} runs along the outline of the region; draw it across the region")
    return beside[0]


def _left_of_middle(inside, line):
    """Return a point just to the left of the middle of a piece of a line, as the line is drawn."""
    at = line.project(inside.interpolate(0.5, normalized=True))
    step = 1e-4 * inside.length
    middle, ahead = (np.array(line.interpolate(s).coords[0]) for s in (at, at + step))
    along = (ahead - middle) / np.hypot(*(ahead - middle))
    return shapely.Point(middle + step * np.array([-along[1], along[0]]))


def sides_of(box, gates, *, step):
    """
    Return the parts of a box's outline that are no gate, with the outside to the right of each.

    Parameters
    ----------
    box : shapely Polygon, its outline against the clock
    gates : list of (n, 2) vertices
    step : longest piece that is judged as one, map m

    Returns
    -------
    list of (n, 2) vertices; a hole of the box has sides, too
    """
    pieces = shapely.segmentize(box, step)
    sides = []
    for ring in (np.asarray(line.coords) for line in (pieces.exterior, *pieces.interiors)):
        middle = shapely.points((ring[1:] + ring[:-1]) / 2)
        free = np.ones(len(middle), dtype=bool)
        for gate in gates:
            free &= ~shapely.dwithin(middle, shapely.LineString(gate), _ON_GATE)
        sides += runs_of(ring, free)
    return sides
