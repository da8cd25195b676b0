"""Choices of what elevation and velocity tell together: flux, its divergence, and the budget of boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from nunatak.constants import ICE_DENSITY
from nunatak.parameters.choices import Range, Unit


@dataclass(frozen=True)
class Dynamics:
    """How thickness and velocity become a flux, its divergence and a budget."""

    depth_factor: Annotated[
        float,
        Range(0.8, 1.0),
        Unit("1"),
        "depth-averaged over surface velocity: 1 where the ice slides, 0.8 where it is frozen to its bed",
    ] = 1.0
    depth_factor_sigma: Annotated[float, Range(0, 0.2), Unit("1"), "standard error of depth_factor"] = 0.0
    density: Annotated[float, Range(800, 920), Unit("kg m-3"), "density of ice, after firn is taken out"] = ICE_DENSITY
    smoothing: Annotated[
        float,
        Range(1, 40),
        Unit("ice thicknesses"),
        "side of the windows over which the flux is differentiated",
    ] = 4.0
    velocity_range: Annotated[
        float, Range(above=0, most=1e6), Unit("m"), "distance over which errors of velocity are correlated"
    ] = 5000.0
    thickness_range: Annotated[
        float, Range(above=0, most=1e6), Unit("m"), "distance over which errors of thickness are correlated"
    ] = 5000.0
    fill_velocity: Annotated[
        bool, "fill gaps of a year's velocity on gates by the mean velocity of all years; `filled_share` tells how much"
    ] = False

    def flux_options(self) -> dict[str, Any]:
        """Return what turns velocity and thickness into a flux: density, factor, factor_sigma and fill."""
        return {
            "density": self.density,
            "factor": self.depth_factor,
            "factor_sigma": self.depth_factor_sigma,
            "fill": self.fill_velocity,
        }
