"""Choices of sea ice: which segments, and how their values are gathered on a grid, by time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from nunatak.parameters.choices import AtLeast, Range, Unit

Bin = Literal["day", "week", "ten_day", "month", "season", "year", "period"]
STANDARD_TYPES = tuple(range(1, 10))  # height_segment_type: ice and leads, without what clouds cover

# ASSUME: no freeboard exceeds 10 m (Petty's reader does the same; the gridding tutorial caps at 100 m, which no floe
# reaches). Negative freeboards are noise around thin ice and stay: dropping them would bias every mean upward.
FREEBOARD_LIMITS: dict[str, tuple[float | None, float | None]] = {"beam_fb_height": (None, 10.0)}


@dataclass(frozen=True)
class Segments:
    """Which segments of a granule are kept, and who reads them."""

    types: Annotated[
        tuple[int, ...] | Literal["all"], "height_segment_type kept: 0 cloud-covered, 1 ice, 2 to 9 leads; or all"
    ] = STANDARD_TYPES
    reader: Annotated[Literal["h5py", "h5coro"], "h5coro reads granules that stay in the cloud (to be installed)"] = (
        "h5py"
    )


@dataclass(frozen=True)
class GriddedValues:
    """What is kept of each cell and time bin."""

    bins: Annotated[tuple[Bin, ...], AtLeast(1), "lengths of the time bins; week: ISO weeks"] = ("day", "month")
    statistics: Annotated[
        tuple[str, ...], AtLeast(1), "what to keep of each cell and bin, by the names in docs/gridding.md"
    ] = ("count", "mean", "std")
    weighting: Annotated[str, "what a mean is of: all segments, the passes, or the days"] = "segment_weighted"
    minimum_passes: Annotated[int, Range(1, 10000), "fewest passes of a cell that counts"] = 1
    minimum_days: Annotated[int, Range(1, 10000), "fewest days with data of a cell that counts"] = 1
    level_width: Annotated[
        float | None,
        Range(above=0, most=1),
        Unit("m"),
        "width of the histogram's levels; 0.01 where median, mad, mode or percentiles are asked for",
    ] = None
