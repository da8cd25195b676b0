"""Simulated ATL10: sea-ice freeboard along six beams, in the layout of release 006 and later or in that before."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nunatak.products.atl10 import NEW, OLD
from nunatak.simulation import seaice_layout, seaice_segments

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

VERSION = "007"
_HEIGHTS = (
    "height_segment_height",
    "height_segment_length_seg",
    "height_segment_type",
    "height_segment_ssh_flag",
)


def write(
    world: World,
    folder: Path | str,
    *,
    months: list[str] | None = None,
    rgts: list[int] | None = None,
    version: str = VERSION,
) -> list[Path]:
    """
    Write the ATL10 granules of a world of sea ice, one for each pass over its `track_bbox`.

    Parameters
    ----------
    world : World whose truth is a `seaice.SeaIce`
    folder : where the granules go
    months : such as ["2019-09"]; all of the period by default
    rgts : only these tracks; all by default
    version : release, which decides the layout: up to "005" the older one

    Returns
    -------
    list of Path, sorted by name
    """
    columns = _old_columns if version <= "005" else _new_columns
    return seaice_layout.write_granules(
        world, folder, "ATL10", version, partial(columns, version=version), months=months, rgts=rgts
    )


def _new_columns(segments, rng, *, version):
    freeboard = seaice_layout.position_columns(segments, rng) | _freeboard(segments, rng, "beam_fb_unc")
    heights = _heights(segments, rng, version)
    return {
        **{f"{NEW}/{name}": column for name, column in freeboard.items()},
        **{f"{NEW}/heights/{name}": column for name, column in heights.items()},
        **_leads(segments),
    }


def _old_columns(segments, rng, *, version):
    freeboard = seaice_layout.position_columns(segments, rng) | _freeboard(segments, rng, "beam_fb_sigma")
    heights = _heights(segments, rng, version)
    return {
        **{f"{OLD}/beam_freeboard/{name}": column for name, column in freeboard.items()},
        **{f"{OLD}/height_segments/{name}": column for name, column in heights.items()},
        **_leads(segments),
    }


def _freeboard(segments, rng, error):
    return {
        "beam_fb_height": (seaice_layout.with_fills(segments.freeboard, rng), "f4", "meters"),
        error: (seaice_layout.with_fills(segments.sigma, rng), "f4", "meters"),
        "beam_fb_confidence": (seaice_layout.with_fills(np.ones(segments.x_atc.size), rng), "f4", "1"),
        "beam_fb_quality_flag": (np.where(segments.kind == seaice_segments.CLOUD, 5, 1), "i1", "1"),
    }


def _heights(segments, rng, version):
    known = seaice_layout.height_columns(segments, rng)
    return {name: known[name] for name in _HEIGHTS} | seaice_layout.concentration_columns(segments, version)


def _leads(segments):
    """Return one row for each stretch of consecutive lead segments. `ssh_ndx` counts segments from 1."""
    lead = np.isin(segments.kind, (seaice_segments.SPECULAR_LEAD, seaice_segments.DARK_LEAD))
    change = np.flatnonzero(np.diff(lead, prepend=False, append=False))
    first, after = change[::2], change[1::2]
    count = after - first
    edges = np.stack([first, after], axis=1).ravel()

    def total(values):
        sums = np.add.reduceat(np.append(values, 0.0), edges)[::2] if edges.size else np.empty(0)
        return sums

    return {
        "leads/delta_time": (total(segments.delta_time) / count, "f8", "seconds since 2018-01-01"),
        "leads/latitude": (total(segments.latitude) / count, "f8", "degrees_north"),
        "leads/longitude": (segments.longitude[first], "f8", "degrees_east"),
        "leads/lead_height": (total(segments.height) / count, "f4", "meters"),
        "leads/lead_length": (total(segments.length), "f4", "meters"),
        "leads/lead_sigma": (total(segments.sigma) / count / np.sqrt(count), "f4", "meters"),
        "leads/ssh_n": (count, "i4", "1"),
        "leads/ssh_ndx": (first + 1, "i4", "1"),
    }
