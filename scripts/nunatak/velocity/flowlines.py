"""Flowlines through a velocity field: Runge-Kutta on components, with the time ice takes along them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nunatak.geometry.grid import map_scale
from nunatak.parameters.velocity import AnnualFit, Flowline
from nunatak.runtime import NunatakError
from nunatak.velocity.sampling import Field, crs_of

if TYPE_CHECKING:
    import xarray as xr

_UNITS = {
    "distance": "m",
    "x": "m",
    "y": "m",
    "vx": "m/yr",
    "vy": "m/yr",
    "v": "m/yr",
    "v_error": "m/yr",
    "travel_time": "yr",
}


def flowline(
    field: xr.Dataset,
    start: tuple[float, ...],
    *,
    crs: Any = None,
    step: float = Flowline.step,
    min_speed: float = Flowline.min_speed,
    max_length: float = Flowline.max_length,
    upstream: bool = True,
    downstream: bool = True,
    error_limit: Any = AnnualFit.error_limit,
) -> pd.DataFrame:
    """
    Follow the flow through a point of a velocity field, up and down.

    Parameters
    ----------
    field : xarray.Dataset with `vx`, `vy` on (y, x), m/yr over ground along the axes; `v_error` where there is one
    start : (x, y) in the field's CRS, metres
    crs : of x and y; the Dataset's attribute `crs` by default
    step : cells per step, at most 0.5
    min_speed : m/yr; the line ends where the ice is slower
    max_length : true metres each way
    upstream, downstream : which ways to go
    error_limit : (a, b): the line ends where v_error > a + b v, m/yr

    Returns
    -------
    DataFrame from the upper end to the lower: `distance` (true m along the line, 0 at the start, negative upstream),
        `x`, `y`, `vx`, `vy`, `v`, `v_error`, `travel_time` (yr, 0 at the start, negative upstream)

    Raises
    ------
    NunatakError : no velocity at the start, or a step that is too long

    Notes
    -----
    A step of map length ds is ds / k on the ground, k the map's scale, and takes ds / (k v). Fourth-order Runge-Kutta
    on components, bilinear between cells. Where a line ends follows itslive_flowline.m (chadagreene/ITS_LIVE).
    """
    if not 0 < step <= 0.5:
        raise NunatakError(f"flowline: step {step} cells; choose more than 0 and at most 0.5")
    crs = crs_of(field, crs)
    flow = Field(field, ("vx", "vy"))
    error = Field(field, ("v_error",)) if "v_error" in field else None
    first = np.array(start, dtype=float)
    if not np.isfinite(flow(*first)).all():
        raise NunatakError(
            f"flowline: no velocity at {tuple(map(float, first))} ({crs}); choose a start on observed ice"
        )
    limits = (min_speed, max_length, error_limit)
    up = _trace(flow, error, first, -step * flow.cell, crs, limits) if upstream else first[None]
    down = _trace(flow, error, first, step * flow.cell, crs, limits) if downstream else first[None]
    points = np.concatenate([up[::-1], down[1:]])
    return _table(points, len(up) - 1, flow, error, crs)


def _trace(flow, error, start, step, crs, limits):
    """Return points from the start on, (n, 2), against the flow for a negative step."""
    min_speed, max_length, (a, b) = limits
    points, length = [start], 0.0
    while length < max_length:
        here = points[-1]
        v = np.hypot(*flow(*here))
        if not v >= min_speed or (error is not None and not _good(error(*here)[0], a + b * v)):
            break
        following = _runge_kutta(flow, here, step)
        if following is None:
            break
        length += abs(step) / float(map_scale(crs, *here))
        points.append(following)
    return np.array(points)


def _good(error, limit):
    """Return whether an error is within a limit or missing."""
    return not np.isfinite(error) or error <= limit


def _runge_kutta(flow, point, step):
    """Return the next point at a step of map length along the flow, or None where the field ends."""
    slopes: list[np.ndarray] = []
    for share in (0.0, 0.5, 0.5, 1.0):
        at = point + share * step * slopes[-1] if slopes else point
        vector = flow(*at)
        speed = np.hypot(*vector)
        if not speed > 0:
            return None
        slopes.append(vector / speed)
    s1, s2, s3, s4 = slopes
    return point + step / 6 * (s1 + 2 * s2 + 2 * s3 + s4)


def _table(points, origin, flow, error, crs):
    """Return the table of a line's points."""
    x, y = points.T
    vx, vy = flow(x, y)
    v = np.hypot(vx, vy)
    k = map_scale(crs, x, y)
    ground = np.hypot(np.diff(x), np.diff(y)) * 2 / (k[1:] + k[:-1])
    distance = np.concatenate([[0.0], np.cumsum(ground)])
    with np.errstate(invalid="ignore", divide="ignore"):
        time = np.concatenate([[0.0], np.cumsum(ground * (1 / v[1:] + 1 / v[:-1]) / 2)])
    table = pd.DataFrame(
        {
            "distance": distance - distance[origin],
            "x": x,
            "y": y,
            "vx": vx,
            "vy": vy,
            "v": v,
            "v_error": error(x, y)[0] if error is not None else np.nan,
            "travel_time": time - time[origin],
        }
    )
    table.attrs["units"] = _UNITS
    return table
