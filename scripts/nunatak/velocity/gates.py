"""Ice discharge through a gate: velocity across it, thickness, true width, and what of it was observed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nunatak.constants import THICKNESS
from nunatak.geometry.grid import map_scale
from nunatak.parameters.velocity import Gate
from nunatak.runtime import NunatakError
from nunatak.velocity.sampling import Field, crs_of

if TYPE_CHECKING:
    import xarray as xr

_KG_PER_GT = 1e12
# Units of the segments of a gate.
UNITS = {
    "distance": "m",
    "x": "m",
    "y": "m",
    "width": "m",
    "v_across": "m/yr",
    "speed": "m/yr",
    "v_across_error": "m/yr",
    "thickness": "m",
    "thickness_sigma": "m",
    "discharge": "Gt/yr",
}


class NotMeasured(NunatakError):
    """A line on which nothing is known of the thickness or the velocity of the ice."""


class NoVelocity(NotMeasured):
    """A line over ice on which no velocity is known: no flux, which is not a flux of 0."""


@dataclass(frozen=True)
class GateFlux:
    """Discharge through one gate, Gt/yr, positive to the right of the line as it is drawn."""

    discharge: float
    sigma: float
    """errors of thickness, velocity, density and depth factor together, Gt/yr"""
    sigma_thickness: float
    """as if the thickness were wrong by its error everywhere alike: summed, not in quadrature"""
    sigma_velocity: float
    sigma_density: float
    sigma_factor: float
    """by the ratio of the depth-averaged to the surface velocity"""
    observed_share: float
    """share of the discharge that passes cells with a velocity, 0 to 1; the rest is interpolated along the gate"""
    thickness_share: float
    """share of the discharge that passes where the thickness is known, 0 to 1; the rest is carried on"""
    angle: float
    """between the gate and the flow through it, degrees: 90 across the flow, 0 along it"""
    width: float
    """true length of the gate, m"""
    segments: pd.DataFrame
    """one row per segment"""

    @property
    def shown(self) -> bool:
        """Return whether enough of the flux is known, by velocity and by thickness, to show it (half)."""
        return min(self.observed_share, self.thickness_share) >= 0.5


def flux_gate(
    field: xr.Dataset,
    gate: list[np.ndarray | tuple[float, ...]] | np.ndarray,
    thickness: float | xr.DataArray,
    *,
    thickness_sigma: float | xr.DataArray | None = None,
    crs: str | None = None,
    density: float = Gate.density,
    density_sigma: float = Gate.density_sigma,
    spacing: float | None = None,
    correlation_length: float | None = None,
    factor: float = 1.0,
    factor_sigma: float = 0.0,
) -> GateFlux:
    """
    Compute ice discharge through a gate: the sum of density * v_across * thickness * width.

    Parameters
    ----------
    field : xarray.Dataset with `vx`, `vy` on (y, x), m/yr over ground; `vx_error`, `vy_error` where there are
    gate : (n, 2) vertices in the field's CRS, metres; flow to the right of the line as drawn is positive
    thickness : the user's raster, xarray.DataArray on (y, x) in metres, or a number
    thickness_sigma : one standard error, like `thickness`; 10 % of the thickness by default
    density, density_sigma : kg/m3
    spacing : length of a segment on the map, m; half a cell by default
    correlation_length : true metres over which velocity errors are alike; the whole gate by default, since the cells of
        an image pair share its co-registration

    Returns
    -------
    GateFlux

    Raises
    ------
    NoVelocity : no velocity anywhere on the ice of the gate
    NotMeasured : no thickness, or no error of one, anywhere on the gate
    NunatakError : a gate without length, or with a thickness that no ice has

    Notes
    -----
    A segment of map length w is w / k wide on the ground. Velocities are interpolated along the gate where they are
    missing and taken from the nearest observed segment at its ends; `observed_share` tells how much that is, and
    `thickness_share` the same of the thickness. A thickness that is not known has an error of half of it. One of 0 is
    known: there is no ice, and without ice anywhere on the gate the discharge is 0, whatever the velocity.
    Thickness errors are summed over the gate, as GEUS' ice discharge product does (both: Mankoff et al. 2020,
    doi:10.5194/essd-12-1367-2020).
    """
    crs = crs_of(field, crs)
    vertices = np.asarray(gate, dtype=float)
    if vertices.ndim != 2 or not np.isfinite(vertices).all() or not np.any(np.diff(vertices, axis=0)):
        raise NunatakError("flux gate: give two or more points apart from each other, (x, y) in the field's CRS")
    flow = Field(field, ("vx", "vy"))
    table = _segments(vertices, spacing or flow.cell / 2, crs)
    vx, vy = flow(table["x"], table["y"])
    across = _across(table, vx, vy)
    table["thickness"], table["thickness_sigma"], table["measured"] = _thickness(thickness, thickness_sigma, table)
    if (table["thickness"] > 0).any():
        observed = np.isfinite(across)
        if not (observed & (table["thickness"] > 0)).any():
            raise NoVelocity("flux gate: no velocity anywhere on the gate; move it onto observed ice")
    else:  # nothing flows where there is no ice
        across, observed = np.nan_to_num(across), np.ones(len(table), dtype=bool)
    table["v_across"] = np.interp(table["distance"], table["distance"][observed], across[observed])
    table["observed"] = observed
    table["speed"] = np.hypot(vx, vy)
    table["v_across_error"] = _across_error(field, table, observed)
    table["discharge"] = factor * density * table["v_across"] * table["thickness"] * table["width"] / _KG_PER_GT
    table = table.drop(columns=["tangent_x", "tangent_y"])
    table.attrs["units"] = UNITS
    return _sum(table, factor * density, density_sigma / density, factor_sigma / factor, correlation_length)


def _segments(vertices, spacing, crs):
    """Return equal pieces of every leg: middle, direction, true width and distance along the gate."""
    parts = []
    for start, end in pairwise(vertices):
        leg = end - start
        length = np.hypot(*leg)
        if length == 0:
            continue
        n = max(1, int(np.ceil(length / spacing)))
        middle = start + (np.arange(n)[:, None] + 0.5) / n * leg
        parts.append(np.column_stack([middle, np.tile([*(leg / length), length / n], (n, 1))]))
    x, y, tx, ty, width = np.concatenate(parts).T
    width = width / map_scale(crs, x, y)
    distance = np.cumsum(width) - width / 2
    return pd.DataFrame({"distance": distance, "x": x, "y": y, "width": width, "tangent_x": tx, "tangent_y": ty})


def _across(table, vx, vy):
    """Return the component to the right of the gate's direction."""
    return np.asarray(vx * table["tangent_y"] - vy * table["tangent_x"])


def _across_error(field, table, observed):
    if "vx_error" not in field or "vy_error" not in field:
        return np.nan
    ex, ey = Field(field, ("vx_error", "vy_error"))(table["x"], table["y"])
    error = np.hypot(ex * table["tangent_y"], ey * table["tangent_x"]).to_numpy()
    good = np.isfinite(error) & observed
    return np.interp(table["distance"], table["distance"][good], error[good]) if good.any() else np.nan


def _thickness(thickness, sigma, table):
    """Return thickness and its error along the gate, and whether the thickness is known there."""
    value = _at(thickness, table)
    measured = np.isfinite(value)
    if not measured.any():
        raise NotMeasured("flux gate: no thickness anywhere on the gate; give a raster that covers it")
    _refuse_absurd("thickness", value[measured])
    value = np.interp(table["distance"], table["distance"][measured], value[measured])
    spread = 0.1 * value if sigma is None else _at(sigma, table)
    good = np.isfinite(spread)
    if not good.any():
        raise NotMeasured(
            "flux gate: no thickness_sigma anywhere on the gate; give a raster that covers it, or a number"
        )
    _refuse_absurd("thickness_sigma", spread[good])
    spread = np.interp(table["distance"], table["distance"][good], spread[good])
    return value, np.where(measured, spread, np.maximum(spread, value / 2)), measured


def _refuse_absurd(name, values):
    low, high = THICKNESS
    beyond = values[(values < low) | (values > high)]
    if beyond.size:
        raise NunatakError(
            f"flux gate: {name} of {beyond[np.argmax(np.abs(beyond))]:g} m; ice has {low:g} to {high:g} m: where a "
            "number stands for missing, make it NaN"
        )


def _at(raster, table):
    if np.ndim(raster) == 0:
        return np.full(len(table), float(raster))
    name = "value"
    return Field(raster.to_dataset(name=name), (name,))(table["x"].to_numpy(), table["y"].to_numpy())[0]


def _sum(table, per_volume, density_error, factor_error, correlation_length):
    """
    Sum the segments of a gate.

    `per_volume` is kg of flux by m3 at the speed of the surface, and the errors are relative.
    """
    total = float(table["discharge"].sum())
    per_unit = per_volume * table["width"] / _KG_PER_GT
    thickness = float((per_unit * table["v_across"].abs() * table["thickness_sigma"]).sum())
    velocity_parts = per_unit * table["v_across_error"].fillna(0.0) * table["thickness"]
    width = float(table["width"].sum())
    if correlation_length is None:
        velocity = float(velocity_parts.sum())
    else:
        block = np.floor(table["distance"] / correlation_length)
        velocity = float(np.sqrt((velocity_parts.groupby(block).sum() ** 2).sum()))
    from_density, from_factor = abs(total) * density_error, abs(total) * factor_error
    observed, measured = (_share(table["discharge"].abs(), table[name]) for name in ("observed", "measured"))
    sigma = float(np.sqrt(thickness**2 + velocity**2 + from_density**2 + from_factor**2))
    return GateFlux(
        discharge=total,
        sigma=sigma,
        sigma_thickness=thickness,
        sigma_velocity=velocity,
        sigma_density=from_density,
        sigma_factor=from_factor,
        observed_share=observed,
        thickness_share=measured,
        angle=_angle(table),
        width=width,
        segments=table,
    )


def _angle(table):
    """Return the angle between the gate and the flow where it was observed, degrees, with more weight for fast ice."""
    seen = table[table["observed"]]
    flow, across = (float((seen[name].abs() * seen["width"]).sum()) for name in ("speed", "v_across"))
    return float(np.degrees(np.arcsin(min(across / flow, 1.0)))) if flow > 0 else np.nan


def _share(flux, where):
    return float(flux[where].sum() / flux.sum()) if flux.sum() > 0 else float(where.mean())
