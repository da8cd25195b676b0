"""Declare the records that the kernels of walks and fits share: extents, states, blocks of photons, flags."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FINISHED, NEEDS_PHOTONS, FULL = 0, 1, 2
# processing flags, as the reference numbers them
SPREAD_TOO_SHORT, TOO_FEW_PHOTONS, MAX_ITERATIONS, OUT_OF_BOUNDS = 1, 2, 4, 8

EXTENT = np.dtype(
    [
        ("begin", "i8"),  # first photon, counted in the block
        ("end", "i8"),  # one after the last
        ("segment", "i8"),  # row of the first segment in the track
        ("origin", "f8"),  # m, where the extent starts
        ("centre", "f8"),  # m, along-track distance of its centre
        ("segment_id", "i8"),  # of the ATL06 segment nearest to the centre
        ("number", "i8"),  # count of extents along the track, empty ones included
        ("flags", "u2"),  # why it is not valid: SPREAD_TOO_SHORT, TOO_FEW_PHOTONS
    ],
    align=True,
)
STATE = np.dtype(
    [
        ("cursor", "i8"),  # photon, counted from the start of the stretch, at which the next extent begins
        ("row", "i8"),  # segment of that photon; 0 before the first
        ("start", "f8"),  # m, where the next extent starts; NaN before the first
        ("passed", "i8"),  # segment up to which true lengths are accounted for (legacy walk in metres)
        ("virtual", "i8"),  # segments missing from the file after it that are accounted for
        ("number", "i8"),  # extents so far
    ]
)


class Block(NamedTuple):
    """The photons of a block, n of them, and the segments of their track."""

    first: int
    """number of the first photon in the stretch"""
    along: np.ndarray
    """(n,) m from the start of the photon's segment"""
    segment: np.ndarray
    """(n,) row of the photon's segment"""
    selected: np.ndarray
    """(n,) bool"""
    dist: np.ndarray
    """m along the track, of each segment's start"""
    ids: np.ndarray
    """segment ids"""


class Rules(NamedTuple):
    """Settings of a walk."""

    length: float
    """of an extent, m or segments"""
    step: float
    """from one extent to the next, m or segments"""
    by_segment: bool
    compat: bool
    """repeat the errors of the reference"""
    min_photons: int
    """smallest number of photons of a valid extent"""
    spread: float
    """m, smallest distance between its first and last photon"""
    pass_invalid: bool
    """keep extents that are not valid"""
    final: bool
    """the track ends with this block"""


class Chosen(NamedTuple):
    """The selected photons of a block and their distance along the track, m."""

    rows: np.ndarray
    x: np.ndarray


class Units(NamedTuple):
    """Positions of photons and segments in units of segments, which do not depend on where a request begins."""

    unit: np.ndarray
    """(n,) segment id plus the photon's distance in it as a share of the segment's length"""
    lengths: np.ndarray
    """m, of each segment"""
    inside: np.ndarray
    """bool: the segment lies in the area"""
    lowest: float
    """smallest unit of the area"""
    highest: float


class PhotonValues(NamedTuple):
    """Heights that are fitted and quantities that are given at the centre, (n,) for the photons."""

    h: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    delta_time: np.ndarray
    across: np.ndarray
    extra: np.ndarray
    """(n_extra, n) ancillary quantities"""


class FitSettings(NamedTuple):
    """Conditions that end the iterations of a fit."""

    min_photons: int
    spread: float
    max_iterations: int
    min_window: float
    max_dispersion: float
    zero_flagged: bool
    """give 0 for rms_misfit and h_sigma when a fit is flagged, as the legacy reference does"""


class FitResult(NamedTuple):
    """Arrays that a fit overwrites, with a row for each extent."""

    values: np.ndarray
    """(n_extent, 9), columns H_MEAN ..."""
    n_fit: np.ndarray
    pflags: np.ndarray
    extra: np.ndarray
    """(n_extra, n_extent)"""


class Scratch(NamedTuple):
    """Working memory of the fit of one extent, as long as the longest."""

    x: np.ndarray
    h: np.ndarray
    r: np.ndarray
    """residuals"""
    unordered: np.ndarray
    """residuals whose order the percentiles change"""
    ends: np.ndarray
    bounds: np.ndarray
    rows: np.ndarray
    """rows of the photons in the block"""
