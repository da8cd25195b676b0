"""Compute strain rates of a velocity field, along the axes and along the flow."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from nunatak.geometry.grid import map_scale
from nunatak.runtime import NunatakError
from nunatak.velocity.sampling import Field, crs_of

_METHODS = ("nominal", "logarithmic")
_NAMES = {
    "exx": "strain rate along x",
    "eyy": "strain rate along y",
    "exy": "shear strain rate in x and y",
    "e_lon": "strain rate along the flow",
    "e_trn": "strain rate across the flow",
    "e_shr": "shear strain rate along the flow",
    "e_eff": "effective strain rate",
}


def strain_rates(
    field: xr.Dataset,
    *,
    half_length: float | None = None,
    method: str = "nominal",
    crs: Any = None,
    time: float | None = None,
    substeps: int = 10,
) -> xr.Dataset:
    """
    Compute strain rates over a length scale.

    Parameters
    ----------
    field : xarray.Dataset with `vx`, `vy` on (y, x), m/yr over ground along the axes, y either way up; `vx_error`,
        `vy_error` where there are
    half_length : map metres from the cell to either side; 2 cells by default, the ice thickness is a good choice
    method : "nominal" (differences of velocity) or "logarithmic" (lengths of four lines between virtual stakes that
        move with the ice; Alley et al. 2018, doi:10.1017/jog.2018.75)
    time : years the stakes move, logarithmic only; by default as long as the ice needs for `half_length`, at most 1
    substeps : steps of that time

    Returns
    -------
    Dataset, 1/yr: `exx, eyy, exy` along x (right) and y (up), `e_lon, e_trn, e_shr` along and across the flow, `e_eff`,
        and `sigma` of a component, sqrt(vx_error^2 + vy_error^2) / (2 half_length), where there are errors.
        NaN within `half_length` of what is missing.

    Raises
    ------
    NunatakError : unknown method, or a half_length below one cell

    Notes
    -----
    Lengths are those on the ground: a map length over the map's scale k. e_lon = exx c2 + 2 exy c s + eyy s2,
    e_trn = exx s2 - 2 exy c s + eyy c2, e_shr = (eyy - exx) c s + exy (c2 - s2) with c, s of the flow's direction;
    e_eff = sqrt((exx2 + eyy2) / 2 + exy2).
    """
    if method not in _METHODS:
        raise NunatakError(f"strain rates: method {method!r}; choose {' or '.join(_METHODS)}")
    crs = crs_of(field, crs)
    flow = Field(field, ("vx", "vy"))
    half_length = 2 * flow.cell if half_length is None else float(half_length)
    if not half_length >= flow.cell:
        raise NunatakError(f"strain rates: half_length {half_length:g} m is below one cell of {flow.cell:g} m")
    x, y = np.meshgrid(field["x"].values, field["y"].values)
    k = map_scale(crs, x, y)
    if method == "nominal":
        exx, eyy, exy = _nominal(flow, x, y, half_length, k)
    else:
        exx, eyy, exy = _logarithmic(flow, x, y, half_length, k, time, substeps)
    out = _dataset(field, flow(x, y), exx, eyy, exy, half_length / k, method)
    return out.assign_attrs(crs=str(crs), half_length=half_length)


def _nominal(flow, x, y, r, k):
    """Return central differences at x +- r and y +- r, where coordinates decide which way is up."""
    east, west = flow(x + r, y), flow(x - r, y)
    north, south = flow(x, y + r), flow(x, y - r)
    length = 2 * r / k
    return (
        (east[0] - west[0]) / length,
        (north[1] - south[1]) / length,
        0.5 * ((north[0] - south[0]) + (east[1] - west[1])) / length,
    )


def _logarithmic(flow, x, y, r, k, time, substeps):
    """Return ln(length after / before) / time of four lines through the cell, 45 degrees apart."""
    if time is None:
        speed = np.hypot(*flow(x, y))
        time = np.minimum(1.0, r / k / np.where(speed > 0, speed, np.inf))
        time = np.where(time > 0, time, 1.0)
    rates = []
    for angle in (0.0, 0.25 * np.pi, 0.5 * np.pi, 0.75 * np.pi):
        ox, oy = r * np.cos(angle), r * np.sin(angle)
        ends = [_move(flow, x + sign * ox, y + sign * oy, k, time, substeps) for sign in (1, -1)]
        length = np.hypot(ends[0][0] - ends[1][0], ends[0][1] - ends[1][1])
        with np.errstate(invalid="ignore", divide="ignore"):
            rates.append(np.log(length / (2 * r)) / time)
    return rates[0], rates[2], 0.5 * (rates[1] - rates[3])


def _move(flow, x, y, k, time, substeps):
    """Return the positions of stakes after a time (midpoint rule), with map lengths k times those on the ground."""
    step = k * time / substeps
    for _ in range(substeps):
        vx, vy = flow(x, y)
        vx, vy = flow(x + 0.5 * step * vx, y + 0.5 * step * vy)
        x, y = x + step * vx, y + step * vy
    return x, y


def _dataset(field, velocity, exx, eyy, exy, half_ground, method):
    """Return strain rates along axes and flow as a Dataset."""
    vx, vy = velocity
    v = np.hypot(vx, vy)
    with np.errstate(invalid="ignore", divide="ignore"):
        c, s = vx / v, vy / v
    values = {
        "exx": exx,
        "eyy": eyy,
        "exy": exy,
        "e_lon": exx * c**2 + 2 * exy * c * s + eyy * s**2,
        "e_trn": exx * s**2 - 2 * exy * c * s + eyy * c**2,
        "e_shr": (eyy - exx) * c * s + exy * (c**2 - s**2),
        "e_eff": np.sqrt(0.5 * (exx**2 + eyy**2) + exy**2),
    }
    out = xr.Dataset(
        {name: (("y", "x"), array, {"long_name": _NAMES[name], "units": "1/yr"}) for name, array in values.items()},
        {"y": field["y"], "x": field["x"]},
        {"method": method},
    )
    if "vx_error" in field and "vy_error" in field:
        error = np.hypot(field["vx_error"].values, field["vy_error"].values) / (2 * half_ground)
        out["sigma"] = (("y", "x"), error, {"long_name": "error of a strain rate", "units": "1/yr"})
    return out
