"""
ATL07 sea-ice heights: segments of 150 signal photons along six ground tracks, with surface type and sea-surface flag.

The layout was read off granules of releases 001 (a subset without lengths and types) and 003. Heights are above the
mean sea surface, less tides and inverted barometer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nunatak.products import sea_ice
from nunatak.products.columns import Column
from nunatak.products.sea_ice import Layout
from nunatak.products.segment_filter import SegmentFilter

if TYPE_CHECKING:
    import pandas as pd

    from nunatak.products.status import TrackStatus

PRODUCT = "ATL07"
KNOWN_RELEASES = ("001", "002", "003", "004", "005", "006", "007")

_UNITS = {
    "delta_time": "seconds since 2018-01-01",
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    "seg_dist_x": "m",
    "height_segment_id": "1",
    "height_segment_height": "m",
    "height_segment_length_seg": "m",
    "height_segment_surface_error_est": "m",
    "height_segment_rms": "m",
    "height_segment_type": "1",
    "height_segment_ssh_flag": "1",
    "height_segment_quality": "1",
    "height_segment_fit_quality_flag": "1",
    "height_segment_confidence": "1",
    "ice_conc": "percent",
    "ice_conc_amsr2": "percent",
    "ice_conc_ssmi": "percent",
    "photon_rate": "photons/shot",
}
LAYOUT = Layout(
    product=PRODUCT,
    units=_UNITS,
    required=("height_segment_height",),
    expected=(
        "seg_dist_x",
        "height_segment_length_seg",
        "height_segment_surface_error_est",
        "height_segment_type",
        "height_segment_ssh_flag",
    ),
    bounds={"height_segment_height": Column("f4", -100, 100, 1)},
)

STANDARD = SegmentFilter()


def read_segments(
    path: Path | str, *, keep: SegmentFilter = STANDARD, **options
) -> tuple[pd.DataFrame, list[TrackStatus]]:
    """
    Read the height segments of one granule: `height_segment_height` (m above the mean sea surface) and its companions.

    Parameters
    ----------
    path : path of the granule, or an address where the reader takes one
    keep : SegmentFilter; by default all but cloud-covered segments
    options : as of `sea_ice.read_segments`, with what is returned and raised
    """
    return sea_ice.read_segments(path, LAYOUT, keep=keep, **options)


def summed(*, error: bool = False) -> tuple[Callable, tuple[str, ...]]:
    """
    Return the reader whose segments are summed on a grid, and the names of their error, which it reads anyway.

    Parameters
    ----------
    error : bool, whether the error is read, too (default: False)
    """
    return read_segments, ("height_segment_surface_error_est",)
