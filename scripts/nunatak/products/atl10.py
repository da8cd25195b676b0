"""
ATL10 sea-ice freeboard: each ATL07 segment's height above the local sea surface, in both layouts.

Releases up to 005 keep segments in `freeboard_beam_segment/beam_freeboard` and their heights beside them; from 006 on
`freeboard_segment` holds both. No real granule was at hand: names are those of the product's subsetter configuration,
of the ATL10 gridding tutorial and of icepyx's variable list; types and units are ATL07's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nunatak import granules
from nunatak.granules.variables import ROOTS
from nunatak.parameters.freeboard import FREEBOARD_LIMITS
from nunatak.products import sea_ice
from nunatak.products.columns import Column
from nunatak.products.sea_ice import Layout
from nunatak.products.segment_filter import SegmentFilter
from nunatak.runtime import NunatakError

if TYPE_CHECKING:
    import pandas as pd

    from nunatak.products.status import TrackStatus

PRODUCT = "ATL10"
KNOWN_RELEASES = ("001", "002", "003", "004", "005", "006", "007")
NEW, OLD = ROOTS["atl10"]

_UNITS = {
    "delta_time": "seconds since 2018-01-01",
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    "seg_dist_x": "m",
    "height_segment_id": "1",
    "beam_fb_height": "m",
    "beam_fb_unc": "m",
    "beam_fb_sigma": "m",
    "beam_fb_confidence": "1",
    "beam_fb_quality_flag": "1",
    "height_segment_height": "m",
    "height_segment_length_seg": "m",
    "height_segment_type": "1",
    "height_segment_ssh_flag": "1",
    "ice_conc": "percent",
    "ice_conc_amsr2": "percent",
    "ice_conc_ssmi": "percent",
}
LAYOUT = Layout(
    product=PRODUCT,
    units=_UNITS,
    required=("beam_fb_height",),
    expected=("seg_dist_x", "height_segment_length_seg", "height_segment_type"),
    bounds={
        "beam_fb_height": Column("f4", -100, 100, 1),
        **dict.fromkeys(("beam_fb_unc", "beam_fb_sigma"), Column("f4", 0, 100, 1)),
        "height_segment_height": Column("f4", -100, 100, 1),
    },
)

STANDARD = SegmentFilter(limits=FREEBOARD_LIMITS)
ERRORS = ("beam_fb_unc", "beam_fb_sigma")
"""The freeboard's error under the names of release 006 and later, and of those before"""


def read_segments(
    path: Path | str, *, keep: SegmentFilter = STANDARD, **options
) -> tuple[pd.DataFrame, list[TrackStatus]]:
    """
    Read the freeboard segments of one granule: `beam_fb_height` (m) and its companions.

    Parameters
    ----------
    path : path of the granule, or an address where the reader takes one
    keep : SegmentFilter; by default all but cloud-covered segments, and freeboards up to 10 m
    options : as of `sea_ice.read_segments`, with what is returned and raised
    """
    return sea_ice.read_segments(path, LAYOUT, keep=keep, **options)


def read_with_error(path, **options):
    """
    Read what `read_segments` reads, with the freeboard's error under the name of the granule's release (`ERRORS`).

    Parameters
    ----------
    path : str or Path, the granule
    """
    try:
        release = granules.parse(Path(str(path)).name).version
    except NunatakError:
        release = KNOWN_RELEASES[-1]
    error = ERRORS[0] if release >= "006" else ERRORS[1]
    return read_segments(path, **{**options, "variables": (error, *(options.get("variables") or ()))})


def summed(*, error: bool = False) -> tuple[Callable, tuple[str, ...]]:
    """
    Return the reader whose segments are summed on a grid, and the names of their error, read where it is wanted.

    Parameters
    ----------
    error : bool, whether the error is read, too (default: False)
    """
    return (read_with_error, ERRORS) if error else (read_segments, ())
