"""
Walk along the photons of a block and write the extents that are complete in it.

See `walks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.constants import SEGMENT_LENGTH
from nunatak.photons.records import FINISHED, FULL, NEEDS_PHOTONS, SPREAD_TOO_SHORT, TOO_FEW_PHOTONS

if TYPE_CHECKING:
    from nunatak.photons.records import Block, Chosen, Rules, Units


class Stretch(NamedTuple):
    """Result of the legacy walk from the photon at which an extent begins."""

    end: int
    """one after the last photon looked at"""
    following: int
    """photon at which the next extent begins, -1 without"""
    selected: int
    """photons that count"""
    x_first: np.float32
    """m, of the first that counts"""
    x_last: np.float32
    ended: bool
    """the track ends in this extent"""
    cut: bool
    """the block ends before the extent does"""


class AnchoredStretch(NamedTuple):
    """Result of the anchored walk over one extent."""

    end: int
    selected: int
    x_first: float
    """m along the track, of the first that counts"""
    x_last: float
    inside: bool
    """all its segments lie in the area"""
    cut: bool
    """the block ends with it"""


@kernel
def legacy_walk(block: Block, rules: Rules, state: np.ndarray, extents: np.ndarray) -> tuple[int, int]:
    """
    Write the next extents of the reference's walk.

    Parameters
    ----------
    block : Block
    rules : Rules
    state : one row of `STATE`, advanced
    extents : array of `EXTENT`, overwritten

    Returns
    -------
    n : extents written
    code : why the walk stops: FINISHED, NEEDS_PHOTONS or FULL
    """
    here = state[0]
    half = (rules.length * SEGMENT_LENGTH if rules.by_segment else rules.length) / 2.0
    if np.isnan(here.start):
        here.start = block.dist[0]
    m = 0
    while True:
        if m == extents.shape[0]:
            return m, FULL
        begin, row = here.cursor - block.first, here.row
        found = _legacy_stretch(block, rules, begin, row, here.start, half)
        if found.cut:
            return m, NEEDS_PHOTONS
        flags = 0
        if found.selected < rules.min_photons:
            flags |= TOO_FEW_PHOTONS
        if found.selected > 1 and found.x_last - found.x_first < rules.spread:
            flags |= SPREAD_TOO_SHORT
        if found.selected > 0 and (flags == 0 or rules.pass_invalid):
            extent = extents[m]
            extent.begin, extent.end, extent.segment = begin, found.end, row
            extent.origin, extent.centre = here.start, here.start + half
            extent.segment_id = _legacy_id(block, rules, begin, row)
            extent.flags, extent.number = flags, here.number
            m += 1
        here.number += 1
        if found.ended:
            return m, FINISHED
        here.cursor, here.row = block.first + found.following, block.segment[found.following]
        _legacy_advance(block, rules, row, here)


@kernel
def _legacy_stretch(block, rules, begin, row, start, half):
    """
    Go along the photons from `begin` until the extent's end and the start of the next extent are both known.

    With compat, segments are counted by their rows in the file, as in the reference, so a missing segment is not seen.
    """
    dist, ids, n = block.dist, block.ids, block.along.shape[0]
    following = -1
    done = False
    k = 0
    x_first = x_last = np.float32(0.0)
    i = begin
    while not (done and following >= 0):
        if i == n:
            return Stretch(i, following, k, x_first, x_last, rules.final, not rules.final)
        s = block.segment[i]
        d = (dist[s] - start) + block.along[i]
        rows = s - row if rules.compat else ids[s] - ids[row]
        if following < 0 and (
            (rules.by_segment and rows >= int(rules.step)) or (not rules.by_segment and d >= rules.step)
        ):
            following = i
        if (rules.by_segment and rows < rules.length) or (not rules.by_segment and d < rules.length):
            if block.selected[i]:
                # Rounded to float32, as in the reference.
                x_last = np.float32(d - half)
                if k == 0:
                    x_first = x_last
                k += 1
        else:
            done = True
        i += 1
    return Stretch(i, following, k, x_first, x_last, i == n and rules.final, False)


@kernel
def _legacy_id(block, rules, begin, row):
    """Return the id of the ATL06 segment nearest to the centre, by the reference's rounding."""
    if rules.by_segment:
        return int(block.ids[row] + int(rules.length / 2.0) + 0.5)
    return int(block.ids[row] + block.along[begin] / SEGMENT_LENGTH + int((rules.length / SEGMENT_LENGTH) / 2.0) + 0.5)


@kernel
def _legacy_advance(block, rules, row, here):
    """Move the start of the next extent by a step, in segments or in metres."""
    dist, ids, n_segments = block.dist, block.ids, block.dist.shape[0]
    if rules.by_segment:
        if not rules.compat:  # the distance of the extent's own first segment
            here.start = dist[here.row]
        elif row + int(rules.step) < n_segments:
            here.start = dist[row + int(rules.step)]
        return
    here.start += rules.step
    while here.passed + 1 < n_segments:
        # Segments missing from the file are passed at their mean length. The reference takes the gap for the
        # length of one segment, and so advances by it twice.
        missing = 1 if rules.compat else max(ids[here.passed + 1] - ids[here.passed], 1)
        piece = (dist[here.passed + 1] - dist[here.passed]) / missing
        bound = dist[here.passed + 1] if here.virtual + 1 >= missing else dist[here.passed] + (here.virtual + 1) * piece
        if not here.start >= bound:
            break
        here.start += piece
        here.start -= SEGMENT_LENGTH
        here.virtual += 1
        if here.virtual >= missing:
            here.passed, here.virtual = here.passed + 1, 0


@kernel
def xseries_walk(block: Block, chosen: Chosen, rules: Rules, state: np.ndarray, extents: np.ndarray) -> tuple[int, int]:
    """
    Write the next extents of the x-series.

    Only selected photons are read. Extents begin at whole steps from the first of them, and empty extents are counted.

    Parameters
    ----------
    block : Block
    chosen : Chosen, the selected photons of the block
    rules : Rules
    state : one row of `STATE`, advanced
    extents : array of `EXTENT`, overwritten

    Returns
    -------
    n : extents written
    code : why the walk stops: FINISHED, NEEDS_PHOTONS or FULL
    """
    here, rows, x = state[0], chosen.rows, chosen.x
    n = x.shape[0]
    i0 = np.searchsorted(rows, here.cursor - block.first)
    if np.isnan(here.start) and n > 0:
        here.start = x[0]
    m = 0
    while True:
        while i0 < n and x[i0] < here.start:
            i0 += 1
        if i0 == n:
            here.cursor = block.first + block.along.shape[0]
            return m, FINISHED if rules.final else NEEDS_PHOTONS
        if not x[i0] - here.start < rules.length:  # an empty extent
            here.start += rules.step
            here.number += 1
            continue
        here.cursor = block.first + rows[i0]
        if m == extents.shape[0]:
            return m, FULL
        i1 = i0
        while i1 + 1 < n and x[i1 + 1] - here.start < rules.length:
            i1 += 1
        if i1 + 1 == n and not rules.final:
            return m, NEEDS_PHOTONS
        flags = 0
        if i1 - i0 + 1 < rules.min_photons:
            flags |= TOO_FEW_PHOTONS
        if x[i1] - x[i0] < rules.spread:
            flags |= SPREAD_TOO_SHORT
        if flags == 0 or rules.pass_invalid:
            s = block.segment[rows[i0]]
            middle = here.start + rules.length / 2.0
            extent = extents[m]
            extent.begin, extent.end, extent.segment = rows[i0], rows[i1] + 1, s
            extent.origin, extent.centre = here.start, middle
            extent.segment_id = block.ids[s] + int(np.floor((middle - block.dist[s]) / SEGMENT_LENGTH + 0.5))
            extent.flags, extent.number = flags, here.number
            m += 1
        here.number += 1
        here.start += rules.step


@kernel
def anchored_walk(block: Block, units: Units, rules: Rules, state: np.ndarray, extents: np.ndarray) -> tuple[int, int]:
    """
    Write the next extents that begin at whole multiples of the step in segment ids.

    Two requests that overlap therefore give the same extents. An extent that is cut by the edge of the area is left
    out, since another area would give another extent.

    Parameters
    ----------
    block : Block
    units : Units
    rules : Rules
    state : one row of `STATE`, advanced
    extents : array of `EXTENT`, overwritten

    Returns
    -------
    n : extents written
    code : why the walk stops: FINISHED, NEEDS_PHOTONS or FULL
    """
    here, unit = state[0], units.unit
    n, length, step = unit.shape[0], rules.length, rules.step
    i = here.cursor - block.first
    if np.isnan(here.start) and n > 0:
        here.start = 0.0
        here.number = int(np.floor((unit[0] - length) / step)) + 1
    m = 0
    while True:
        low = here.number * step
        high = low + length
        while i < n and unit[i] < low:
            i += 1
        here.cursor = block.first + i
        if i == n:
            return m, FINISHED if rules.final else NEEDS_PHOTONS
        if unit[i] >= high:  # empty extents: skip to the first that reaches this photon
            here.number = max(here.number + 1, int(np.floor((unit[i] - length) / step)) + 1)
            continue
        if m == extents.shape[0]:
            return m, FULL
        found = _anchored_stretch(block, units, i, high)
        if found.cut and not rules.final:
            return m, NEEDS_PHOTONS
        flags = 0
        if found.selected < rules.min_photons:
            flags |= TOO_FEW_PHOTONS
        if found.selected > 1 and found.x_last - found.x_first < rules.spread:
            flags |= SPREAD_TOO_SHORT
        whole = low >= units.lowest and high <= units.highest and found.inside
        if whole and found.selected > 0 and (flags == 0 or rules.pass_invalid):
            s = block.segment[i]
            middle = low + length / 2.0
            t = s
            while t + 1 < block.ids.shape[0] and block.ids[t + 1] <= middle:
                t += 1
            extent = extents[m]
            extent.begin, extent.end, extent.segment = i, found.end, s
            extent.centre = block.dist[t] + (middle - block.ids[t]) * units.lengths[t]
            extent.origin = extent.centre
            extent.segment_id = int(np.floor(middle + 0.5))
            extent.flags, extent.number = flags, here.number
            m += 1
        here.number += 1


@kernel
def _anchored_stretch(block, units, begin, high):
    """Go along the photons of an anchored extent and return its end, its count and the distances of its photons."""
    n = units.unit.shape[0]
    k = 0
    inside = True
    x_first = x_last = 0.0
    e = begin
    while e < n and units.unit[e] < high:
        s = block.segment[e]
        if not units.inside[s]:
            inside = False
        if block.selected[e]:
            x_last = block.dist[s] + block.along[e]
            if k == 0:
                x_first = x_last
            k += 1
        e += 1
    return AnchoredStretch(e, k, x_first, x_last, inside, e == n)
