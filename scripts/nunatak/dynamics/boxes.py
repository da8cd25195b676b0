"""The outline of a budget's box: a region, or what lies between two gates, and its sides apart from the gates."""

from __future__ import annotations

import numpy as np
import shapely
from shapely import ops

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


def above_gates(region, gates):
    """
    Return the part of a region above the gates that ice leaves by.

    Parameters
    ----------
    region : shapely Polygon or MultiPolygon in map metres
    gates : list of (n, 2) vertices; flow to the right of the line is out of the box

    Returns
    -------
    shapely Polygon; a gate that does not cross the region cuts nothing off
    """
    kept = max(shapely.get_parts(region), key=lambda part: part.area)
    for gate in gates:
        line = _drawn_out(np.asarray(gate, float))
        pieces = shapely.get_parts(ops.split(kept, line))
        upstream = [piece for piece in pieces if _left_of(line, piece)]
        kept = max(upstream or pieces, key=lambda part: part.area)
    return shapely.orient_polygons(kept)


def _drawn_out(vertices):
    first, last = vertices[0] - vertices[1], vertices[-1] - vertices[-2]
    return shapely.LineString([vertices[0] + _BEYOND * first, *vertices[1:-1], vertices[-1] + _BEYOND * last])


def _left_of(line, piece):
    """Whether a piece lies to the left of a line that bounds it."""
    step = 1e-3 * line.length
    middle, ahead = (np.array(line.interpolate(s, normalized=True).coords[0]) for s in (0.5, 0.501))
    along = (ahead - middle) / np.hypot(*(ahead - middle))
    return piece.contains(shapely.Point(middle + step * np.array([-along[1], along[0]])))


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
    list of (n, 2) vertices
    """
    ring = np.asarray(shapely.segmentize(box.exterior, step).coords)
    middle = shapely.points((ring[1:] + ring[:-1]) / 2)
    free = np.ones(len(middle), dtype=bool)
    for gate in gates:
        free &= ~shapely.dwithin(middle, shapely.LineString(gate), _ON_GATE)
    if free.all():
        return [ring]
    n = free.size
    start = int(np.argmin(free))  # on a gate, so that no side is cut in two
    order = (start + np.arange(n)) % n
    edges = np.flatnonzero(np.diff(np.concatenate([[0], free[order].astype(int), [0]])))
    runs = zip(edges[::2], edges[1::2], strict=True)
    return [ring[(start + np.arange(a, b + 1)) % n] for a, b in runs]
