"""
ATL10 sea-ice freeboard: each ATL07 segment's height above the local sea surface, in both layouts.

Releases up to 005 keep segments in `freeboard_beam_segment/beam_freeboard` and their heights beside them; from 006 on
`freeboard_segment` holds both. No real granule was at hand: names are those of the product's subsetter configuration,
of the ATL10 gridding tutorial and of icepyx's variable list; types and units are ATL07's.
"""

from __future__ import annotations

from pathlib import Path

from nunatak import granules
from nunatak.products import sea_ice
from nunatak.products.sea_ice import Layout, SegmentFilter
from nunatak.runtime import NunatakError

PRODUCT = "ATL10"
KNOWN_RELEASES = ("001", "002", "003", "004", "005", "006", "007")
NEW, OLD = "freeboard_segment", "freeboard_beam_segment"

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
}
_HEIGHTS = (
    "height_segment_height",
    "height_segment_length_seg",
    "height_segment_type",
    "height_segment_ssh_flag",
    "ice_conc",
)

LAYOUT = Layout(
    product=PRODUCT,
    roots=(NEW, OLD),
    paths={
        name: (f"{NEW}/heights/{name}", f"{NEW}/{name}", f"{OLD}/height_segments/{name}")
        if name in _HEIGHTS
        else (f"{NEW}/{name}", f"{OLD}/beam_freeboard/{name}")
        for name in _UNITS
    },
    units=_UNITS,
    required=("beam_fb_height",),
    expected=("seg_dist_x", "height_segment_length_seg", "height_segment_type"),
)

# ASSUME: no freeboard exceeds 10 m (Petty's reader does the same; the gridding tutorial caps at 100 m, which no floe
# reaches). Negative freeboards are noise around thin ice and stay: dropping them would bias every mean upward.
STANDARD = SegmentFilter(limits={"beam_fb_height": (None, 10.0)})
ERRORS = ("beam_fb_unc", "beam_fb_sigma")
"""The freeboard's error under the names of release 006 and later, and of those before"""


def read_segments(
    path, *, region=None, period=None, beams="strong", keep=STANDARD, variables=None, reader="h5py", credentials=None
):
    """
    The freeboard segments of one granule, in a region and a period.

    Parameters
    ----------
    path : path of the granule; with `reader="h5coro"` also an s3:// or https:// address
    region : Region, default everywhere
    period : study period (with `contains`), default always
    beams : "strong" (default), "weak" or "all", by the orientation at each time; or ground tracks such as ["gt1l"]
    keep : SegmentFilter; by default all but cloud-covered segments, and freeboards up to 10 m
    variables : further variables, by name (`ice_conc`) or by path
        below the beam
    reader : "h5py", or "h5coro" for granules in the cloud
    credentials : for h5coro

    Returns
    -------
    segments : DataFrame in the order of beams and along the track, with `beam, spot, rgt, cycle, time` (UTC),
        `latitude, longitude` (degrees, WGS84), `beam_fb_height` (m), the columns of `LAYOUT.expected`, `lead` (1 for
        lead types) and the variables asked for; fills are NaN, flags as in the file (127 where a granule lacks them),
        `attrs["units"]` holds the units
    statuses : list of BeamStatus: present, outside, empty, missing or failed, with the reason in words

    Raises
    ------
    GranuleError : the file is broken, is another product, or no beam of it can be read
    """
    return sea_ice.read_segments(
        path, LAYOUT, region=region, period=period, beams=beams, keep=keep, variables=variables, reader=reader,
        credentials=credentials,
    )  # fmt: skip


def read_with_error(path, **options):
    """Like `read_segments`, with the freeboard's error under the name of the granule's release (`ERRORS`)."""
    try:
        release = granules.parse(Path(str(path)).name).version
    except NunatakError:
        release = KNOWN_RELEASES[-1]
    error = ERRORS[0] if release >= "006" else ERRORS[1]
    return read_segments(path, **{**options, "variables": (error, *(options.get("variables") or ()))})
