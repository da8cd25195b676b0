"""Choices of height change: rates at reference points, and gridded change by region and elevation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from nunatak.parameters.choices import AtLeast, Range, Unit
from nunatak.parameters.tracks import SurfaceFit

Resolution = Literal["1km", "10km", "20km", "40km"]


@dataclass(frozen=True)
class RateOptions:
    """When a point gets a rate, and how."""

    min_cycles: Annotated[int, Range(2, 99), "cycles a reference point must have been seen in, for a rate"] = 4
    min_years: Annotated[float, Range(0, 30), Unit("yr"), "time from its first to its last height, for a rate"] = 1.5
    annual: Annotated[bool, "fit a yearly cycle beside the rate, where a point was seen in 8 cycles or more"] = True
    max_slope: Annotated[
        float,
        Range(above=0, most=10),
        Unit("1"),
        "steepest slope of the reference surface of a point that gets a rate",
    ] = 0.2
    max_error: Annotated[
        float,
        Range(above=0, most=1000),
        Unit("m/yr"),
        "error beyond which a rate is flagged and not mapped; so is what is out of line with its neighbours. Fewer "
        "than eight neighbours within 1 km say nothing: there the rate's own error alone counts",
    ] = 1.0
    max_rate: Annotated[
        float,
        Range(above=0, most=1000),
        Unit("m/yr"),
        "rate, up or down, beyond which one is flagged and not mapped; more for glaciers that surge",
    ] = SurfaceFit.max_rate
    max_pass: Annotated[
        float | None,
        Range(above=0, most=1000),
        Unit("m"),
        "median distance of a pass from the lines of its points beyond which no rate rests on it, where it stands "
        "out among the passes; null: every pass counts",
    ] = 0.5


@dataclass(frozen=True)
class HeightChange:
    """How gridded height change is summed."""

    resolutions: Annotated[
        tuple[Resolution, ...], AtLeast(1), "cell sizes; the finest carries the maps, the coarser ones check it"
    ] = ("1km",)
    correlation_range: Annotated[  # ATL15's own errors are binned at 10 km (SmithB/ATL1415: read_ATL11.py)
        float,
        Range(above=0, most=1000),
        Unit("km"),
        "distance over which errors of neighbouring cells are correlated",
    ] = 10.0
    band: Annotated[
        float, Range(above=0, most=5000), Unit("m"), "height of the elevation bands of the hypsometric curve"
    ] = 100.0


@dataclass(frozen=True)
class HeightRecord:
    """How the long record of height change is summed over regions and fitted by period."""

    periods: Annotated[
        tuple[tuple[float, float], ...],
        Unit("yr"),
        "spans that trends are given for beside the whole record, such as [[1992, 2003], [2003, 2019]]",
    ] = ()
    coverage: Annotated[
        float,
        Range(above=0, most=1),
        Unit("1"),
        "share of the quarters that a cell of a sum was seen in, and of the cells that a quarter saw; 1: every cell in "
        "every quarter",
    ] = 0.5
    max_gap: Annotated[float, Range(0, 100), Unit("yr"), "longest time that a cell of a sum is without a value"] = 2.0
    correlation_range: Annotated[
        float,
        Range(above=0, most=1000),
        Unit("km"),
        "distance over which errors of neighbouring cells are correlated",
    ] = 10.0
