"""
ATL07 sea-ice heights: segments of 150 signal photons along six ground tracks, with surface type and sea-surface flag.

The layout was read off granules of releases 001 (a subset without lengths and types) and 003. Heights are above the
mean sea surface, less tides and inverted barometer.
"""

from __future__ import annotations

from nunatak.products import sea_ice
from nunatak.products.sea_ice import Layout, SegmentFilter

PRODUCT = "ATL07"
KNOWN_RELEASES = ("001", "002", "003", "004", "005", "006", "007")
SEGMENTS = "sea_ice_segments"

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
    "photon_rate": "photons/shot",
}
_GROUPS = {"ice_conc": "stats", "photon_rate": "stats"}
_AT_ROOT = ("delta_time", "latitude", "longitude", "seg_dist_x", "height_segment_id")

LAYOUT = Layout(
    product=PRODUCT,
    roots=(SEGMENTS,),
    paths={
        name: (f"{SEGMENTS}/{name}",) if name in _AT_ROOT else (f"{SEGMENTS}/{_GROUPS.get(name, 'heights')}/{name}",)
        for name in _UNITS
    },
    units=_UNITS,
    required=("height_segment_height",),
    expected=(
        "seg_dist_x", "height_segment_length_seg", "height_segment_surface_error_est", "height_segment_type",
        "height_segment_ssh_flag", "ice_conc",
    ),
)  # fmt: skip

STANDARD = SegmentFilter()


def read_segments(
    path, *, region=None, period=None, beams="strong", keep=STANDARD, variables=None, reader="h5py", credentials=None
):
    """
    The height segments of one granule, in a region and a period.

    Parameters
    ----------
    path : path of the granule; with `reader="h5coro"` also an s3:// or https:// address
    region : Region, default everywhere
    period : study period (with `contains`), default always
    beams : "strong" (default), "weak" or "all", by the orientation at each time; or ground tracks such as ["gt1l"]
    keep : SegmentFilter; by default all but cloud-covered segments
    variables : further variables, by name or by path below the beam
    reader : "h5py", or "h5coro" for granules in the cloud
    credentials : for h5coro

    Returns
    -------
    segments : DataFrame in the order of beams and along the track, with `beam, spot, rgt, cycle, time` (UTC),
        `latitude, longitude` (degrees, WGS84), `height_segment_height` (m above the mean sea surface), the columns of
        `LAYOUT.expected`, `lead` (1 for lead types) and the variables asked for; fills are NaN, flags as in the file
        (127 where a granule lacks them), `attrs["units"]` holds the units
    statuses : list of BeamStatus: present, outside, empty, missing or failed, with the reason in words

    Raises
    ------
    GranuleError : the file is broken, is another product, or no beam of it can be read
    """
    return sea_ice.read_segments(
        path, LAYOUT, region=region, period=period, beams=beams, keep=keep, variables=variables, reader=reader,
        credentials=credentials,
    )  # fmt: skip
