"""Gates derived from the ice, across a flowline or along the margin, and what their thickness rests on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import shapely
from scipy.ndimage import distance_transform_edt

from nunatak.dynamics.rings import runs_of
from nunatak.geometry.grid import Grid, map_scale
from nunatak.runtime import NunatakError
from nunatak.velocity.sampling import Field, crs_of


def across_flowline(field, line, distance, *, least=0.25, max_half_width=50e3, crs=None):
    """
    Return a gate across a flowline, a distance upstream of its lower end.

    Parameters
    ----------
    field : Dataset with `vx`, `vy` on (y, x), m/yr
    line : DataFrame of a flowline, from its upper to its lower end: `distance` (true m), `x`, `y`
    distance : true metres upstream of the lower end
    least : the gate ends to either side where the ice is slower than this share of the speed on the line
    max_half_width : longest way to either side, map m

    Returns
    -------
    (2, 2) vertices x, y; flow down the line is positive

    Raises
    ------
    NunatakError : a flowline that is shorter than the distance, or no velocity there

    Notes
    -----
    The gate stands at right angles to the flow on the line and is straight.
    """
    crs = crs_of(field, crs)
    along = line["distance"].to_numpy(float)
    if not 0 <= distance < along[-1] - along[0]:
        raise NunatakError(
            f"gate across a flowline: the line is {along[-1] - along[0]:.0f} m long; choose a distance from its lower "
            f"end below that, not {distance:g} m"
        )
    middle = np.array([np.interp(along[-1] - distance, along, line[name].to_numpy(float)) for name in ("x", "y")])
    flow = Field(field, ("vx", "vy"))
    vector = flow(*middle)
    speed = np.hypot(*vector)
    if not speed > 0:
        raise NunatakError(f"gate across a flowline: no velocity {distance:g} m above the lower end of the line")
    left = np.array([-vector[1], vector[0]]) / speed
    steps = np.arange(0.5, max_half_width / flow.cell, 0.5) * flow.cell
    ends = []
    for side in (-left, left):
        there = np.hypot(*flow(*(middle[:, None] + side[:, None] * steps)))
        slow = ~(there >= least * speed)
        reach = steps[np.argmax(slow) - 1] if slow.any() and np.argmax(slow) > 0 else 0.0
        ends.append(middle + side * (reach if slow.any() else steps[-1]))
    if not np.any(ends[1] - ends[0]):
        raise NunatakError("gate across a flowline: the ice beside the line has no velocity; choose another distance")
    return np.array(ends)


def along_margin(field, ice, *, min_speed=100.0, inland=5000.0, least_edges=3, crs=None):
    """
    Return gates along the margin of the ice where it flows fast.

    Parameters
    ----------
    field : Dataset with `vx`, `vy` on (y, x), m/yr; y descends
    ice : (ny, nx) bool, where there is ice that the gates surround: grounded ice, say
    min_speed : m/yr; an edge of a cell belongs to a gate where the ice beside it is at least that fast
    inland : how far from the edge of the ice the gates stand, true m
    least_edges : fewest edges of cells of a gate

    Returns
    -------
    list of (n, 2) vertices x, y; flow out of the ice is positive, and legs run along the axes

    Notes
    -----
    The rule of Mankoff et al. 2020 (doi:10.5194/essd-12-1367-2020): the edges of the cells that lie `inland` from
    where there is no ice, where the baseline speed is above 100 m/yr, without gates of fewer than 3 cells. The edge of
    the map is no edge of the ice.
    """
    crs = crs_of(field, crs)
    grid = Grid.of(field)
    x, y = np.meshgrid(field["x"].values, field["y"].values)
    away = distance_transform_edt(np.pad(ice, 1, mode="edge"), sampling=(grid.dy, grid.dx))[1:-1, 1:-1]
    inside = ice & (away / map_scale(crs, x, y) > inland)
    if not inside.any():
        return []
    flow = Field(field, ("vx", "vy"))
    frame = shapely.box(*grid.bounds)
    gates = []
    for polygon in shapely.get_parts(shapely.orient_polygons(_outlines(inside, grid))):  # the ice to the left of rings
        for ring in (polygon.exterior, *polygon.interiors):
            gates += _fast_parts(_unit_legs(np.asarray(ring.coords), grid), flow, frame, min_speed, least_edges)
    return gates


def _outlines(inside, grid):
    """Return the polygons of cells, joined from their runs in each row."""
    starts = np.diff(np.pad(inside, ((0, 0), (1, 1))).astype(int), axis=1)
    (row, first), (_, last) = np.nonzero(starts == 1), np.nonzero(starts == -1)
    left, right = grid.left + first * grid.dx, grid.left + last * grid.dx
    top = grid.top - row * grid.dy
    return shapely.union_all(shapely.box(left, top - grid.dy, right, top))


def _unit_legs(vertices, grid):
    """Return the corners of cells along a ring, one edge of a cell apart."""
    parts = []
    for start, end in pairwise(vertices):
        n = int(np.rint(max(abs(end[0] - start[0]) / grid.dx, abs(end[1] - start[1]) / grid.dy)))
        parts.append(start + (end - start) * np.arange(n)[:, None] / n)
    return np.concatenate([*parts, vertices[:1]])


def _fast_parts(corners, flow, frame, min_speed, least_edges):
    """Return the runs of edges of a ring beside fast ice, without the edge of the map."""
    middle = (corners[1:] + corners[:-1]) / 2
    fast = np.hypot(*flow(*middle.T)) >= min_speed
    fast &= ~shapely.dwithin(shapely.points(middle), frame.exterior, flow.cell / 4)
    return runs_of(corners, fast, least=least_edges)


def shares_by_class(segments, codes, classes):
    """
    Return the share of a gate's discharge by class of the cell it passes.

    Parameters
    ----------
    segments : the segments of a `velocity.GateFlux`, with `x`, `y`, `discharge`
    codes : DataArray on (y, x) of class numbers, such as `source` or `mask` of BedMachine
    classes : mapping of a name to the numbers of its class

    Returns
    -------
    dict of name: share, 0 to 1, by the absolute discharge; NaN for a gate without discharge
    """
    nearest = codes.sel(x=segments["x"].to_xarray(), y=segments["y"].to_xarray(), method="nearest").values
    weight = segments["discharge"].abs().to_numpy()
    total = weight.sum()
    return {
        name: float(weight[np.isin(nearest, numbers)].sum() / total) if total > 0 else np.nan
        for name, numbers in classes.items()
    }
