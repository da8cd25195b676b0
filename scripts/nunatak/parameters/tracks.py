"""Choices of what is computed from heights along tracks of any product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from nunatak.parameters.choices import Range, Unit


@dataclass(frozen=True)
class RepeatPairs:
    """Which passes over one track are repeats of each other."""

    max_across: Annotated[
        float,
        Range(above=0, most=10000),
        Unit("m"),
        "distance across the track within which two passes are a repeat pair",
    ] = 65.0  # as ATL11 searches (L_search_XT)


@dataclass(frozen=True)
class SurfaceFit:
    """
    How a surface and a rate are fitted to the heights around regular centres.

    The form and the limit on dh/dt are those of captoolkit's fitsec (radius 2-3 km, 25 heights, 5 iterations,
    15 m/yr), with a smaller radius because ATL06 is denser than the radar and ICESat heights it was made for.
    """

    spacing: Annotated[float, Range(10, 100000), Unit("m"), "distance between centres"] = 500.0
    radius: Annotated[float, Range(10, 100000), Unit("m"), "heights of a fit lie within it around the centre"] = 500.0
    min_heights: Annotated[int, Range(5, 100000), "fewest heights of a fit"] = 25
    min_passes: Annotated[int, Range(2, 1000), "fewest passes (track and cycle) of a fit"] = 3
    min_years: Annotated[float, Range(0, 30), Unit("yr"), "least time from the first to the last height"] = 1.0
    curved: Annotated[bool, "fit a curved surface; a plane where fewer than twice min_heights are there"] = True
    iterations: Annotated[int, Range(1, 100), "most rounds of leaving out heights beyond three NMAD"] = 5
    max_rate: Annotated[float, Range(above=0, most=1000), Unit("m/yr"), "a fit with a faster change is no rate"] = 15.0


@dataclass(frozen=True)
class PassAdjustment:
    """How the errors that passes share are found from their crossovers."""

    max_days: Annotated[
        float, Range(above=0, most=3650), Unit("days"), "crossovers farther apart in time show change and are left out"
    ] = 10.0
    prior: Annotated[float, Range(above=0, most=1000), Unit("m"), "standard deviation of the errors looked for"] = 1.0
    iterations: Annotated[int, Range(1, 100), "rounds of weighing differences beyond three standard errors down"] = 5
