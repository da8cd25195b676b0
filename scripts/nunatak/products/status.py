"""The outcome of one ground track of a granule, in the same words for every product."""

from __future__ import annotations

from dataclasses import dataclass

PRESENT = "present"  # rows in the table
OUTSIDE = "outside"  # rows in the file, none in region and period
EMPTY = "empty"  # nothing to read, or nothing that can be fitted
MISSING = "missing"  # no such group in the file
FAILED = "failed"  # could not be read


@dataclass(frozen=True)
class TrackStatus:
    """Outcome of one ground track (of ATL11: one pair) of a granule."""

    beam: str
    """name of the ground track or pair"""
    status: str
    """PRESENT, OUTSIDE, EMPTY, MISSING or FAILED"""
    reason: str = ""
    """in words; empty for a track without anything to say"""
    n_found: int = 0
    """segments or reference points in the file; of ATL03 the photons in the area"""
    n_kept: int = 0
    """rows in the table"""
    n_selected: int = 0
    """photons that pass the selection; 0 for other products than ATL03"""
