"""
Cutting a track into extents: the reference's walk, that of its x-series, and one anchored to segment ids.

Each walk is a kernel that goes along the photons of a block and stops where it needs photons of the next one; its
state says where it stands, so a track in blocks gives the same extents as in one piece. Sources: SlideRule,
`Atl03Reader::subsettingThread` (legacy), `SurfaceFitter::run` (x-series).

An extent is a stretch of photons [begin, end) in the order of the file, of which those count that were selected and
lie within its length (see `fitting.gather`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nunatak.constants import SEGMENT_LENGTH
from nunatak.kernels import kernel

_CAPACITY = 1 << 15  # extents a kernel writes before it hands back
FINISHED, NEEDS_PHOTONS, FULL = 0, 1, 2
# processing flags, as the reference numbers them
SPREAD_TOO_SHORT, TOO_FEW_PHOTONS, MAX_ITERATIONS, OUT_OF_BOUNDS = 1, 2, 4, 8


@dataclass
class Extents:
    """Extents of one block: (n,) arrays; begin and end count the block's photons."""

    begin: np.ndarray
    end: np.ndarray
    segment: np.ndarray
    """row of the first segment in the track"""
    origin: np.ndarray
    """m, where the extent starts"""
    centre: np.ndarray
    """m, along-track distance of its centre"""
    segment_id: np.ndarray
    """of the ATL06 segment nearest to the centre"""
    flags: np.ndarray
    """why it is not valid: SPREAD_TOO_SHORT, TOO_FEW_PHOTONS"""
    number: np.ndarray
    """count of extents along the track, empty ones included"""

    def __len__(self):
        return len(self.begin)

    @classmethod
    def empty(cls, n=0):
        """Room for n extents."""
        whole, real = (lambda: np.empty(n, "i8")), (lambda: np.empty(n, "f8"))
        return cls(whole(), whole(), whole(), real(), real(), whole(), np.empty(n, "u2"), whole())

    @property
    def arrays(self):
        """The columns, in the order of the fields."""
        return tuple(vars(self).values())

    def where(self, keep):
        """Some of the extents."""
        return Extents(*(values[keep] for values in self.arrays))

    @classmethod
    def joined(cls, parts):
        """Several one after the other."""
        return cls(*(np.concatenate(c) for c in zip(*(p.arrays for p in parts), strict=True))) if parts else cls.empty()


@dataclass
class Walk:
    """How far the walk along a track has come."""

    cursor: int = 0
    """photon, counted from the start of the stretch, at which the next extent begins"""
    row: int = 0
    """segment of that photon; 0 before the first"""
    start: float = np.nan
    """m, where the next extent starts; NaN before the first"""
    passed: int = 0
    """segment up to which true lengths are accounted for (legacy walk in metres)"""
    virtual: int = 0
    """segments missing from the file after it that are accounted for"""
    number: int = 0


def walk(photons, segment, selected, parameters, state, *, final):
    """
    The extents that begin in a block and are complete within it.

    Parameters
    ----------
    photons : BeamPhotons, the block; it begins at or before `state.cursor`
    segment, selected : (n,) arrays, its photons' segments and selection
    parameters : FitParameters
    state : Walk, moved on; from its cursor on the photons are needed again
    final : whether the track ends with this block

    Returns
    -------
    Extents : the valid ones (with pass_invalid all that hold a selected photon)
    """
    step = {"legacy": _legacy, "xseries": _xseries, "anchored": _anchored}[parameters.profile]
    prepared = _prepared(photons, segment, selected, parameters)
    parts, code = [], FULL
    while code == FULL:
        out = Extents.empty(_CAPACITY)
        n, code, state_ = step(prepared, photons, segment, selected, parameters, state, final, out)
        state.cursor, state.row, state.start, state.passed, state.virtual, state.number = state_
        parts.append(out.where(slice(0, n)))
    return Extents.joined(parts)


def _prepared(photons, segment, selected, parameters):
    along = photons.photons["dist_ph_along"]
    segments = photons.track.segments
    if parameters.profile == "xseries":
        chosen = np.flatnonzero(selected)
        return chosen, segments["segment_dist_x"][segment[chosen]] + along[chosen]
    if parameters.profile == "anchored":
        share = along / segments["length"][segment]
        # a photon stays in its segment, also where the segment's length is a little short
        return segments["segment_id"][segment] + np.clip(share, 0.0, 1 - 1e-9)
    return None


def _state(state):
    return state.cursor, state.row, state.start, state.passed, state.virtual, state.number


def _legacy(_, photons, segment, selected, p, state, final, out):
    segments = photons.track.segments
    return _legacy_kernel(
        photons.first, photons.photons["dist_ph_along"], segment, selected, segments["segment_dist_x"],
        segments["segment_id"], p.length, p.step, p.by_segment, p.compat, p.count, p.spread, p.pass_invalid, final,
        *_state(state), *out.arrays,
    )  # fmt: skip


def _xseries(prepared, photons, segment, selected, p, state, final, out):
    chosen, x = prepared
    # the reference compares with count and spread turned into true or false
    count, spread = (1, 1.0) if p.compat else (p.count, p.spread)
    segments = photons.track.segments
    return _xseries_kernel(
        photons.first, len(photons), chosen, x, segment, segments["segment_dist_x"], segments["segment_id"], p.length,
        p.step, count, spread, p.pass_invalid, final, *_state(state), *out.arrays,
    )  # fmt: skip


def _anchored(unit, photons, segment, selected, p, state, final, out):
    segments, track = photons.track.segments, photons.track
    scale = 1.0 if p.by_segment else SEGMENT_LENGTH
    return _anchored_kernel(
        photons.first, unit, photons.photons["dist_ph_along"], segment, selected, segments["segment_dist_x"],
        segments["segment_id"], segments["length"], segments["inside"], p.length / scale, p.step / scale,
        track.id_before + 1, track.id_after, p.count, p.spread, p.pass_invalid, final, *_state(state), *out.arrays,
    )  # fmt: skip


@kernel
def _legacy_kernel(first, along, segment, selected, dist, ids, length, step, by_segment, compat, count, spread,
                   pass_invalid, final, cursor, row, start, passed, virtual, number,
                   begin, end, out_segment, origin, centre, out_id, flags, out_number):  # fmt: skip
    n, n_segments = along.shape[0], dist.shape[0]
    length_m = length * 20.0 if by_segment else length
    half = length_m / 2.0
    if np.isnan(start):
        start = dist[0]
    m = 0
    while True:
        if m == begin.shape[0]:
            return m, 2, (cursor, row, start, passed, virtual, number)
        b = cursor - first
        es = row
        next_ = -1
        done = False
        complete = False
        k = 0
        x_first = x_last = np.float32(0.0)
        i = b
        while not (done and next_ >= 0):
            if i == n:
                if not final:
                    return m, 1, (cursor, row, start, passed, virtual, number)
                complete = True
                break
            s = segment[i]
            d = (dist[s] - start) + along[i]
            rows = s - es if compat else ids[s] - ids[es]
            if next_ < 0 and ((by_segment and rows >= int(step)) or (not by_segment and d >= step)):
                next_ = i
            if (by_segment and rows < length) or (not by_segment and d < length):
                if selected[i]:
                    x_last = np.float32(d - half)
                    if k == 0:
                        x_first = x_last
                    k += 1
            else:
                done = True
            i += 1
        if i == n and final:
            complete = True
        flag = 0
        if k < count:
            flag |= 2
        if k > 1 and x_last - x_first < spread:
            flag |= 1
        if k > 0 and (flag == 0 or pass_invalid):
            begin[m], end[m], out_segment[m], origin[m], centre[m] = b, i, es, start, start + half
            if by_segment:
                out_id[m] = int(ids[es] + int(length / 2.0) + 0.5)
            else:
                out_id[m] = int(ids[es] + along[b] / 20.0 + int((length / 20.0) / 2.0) + 0.5)
            flags[m], out_number[m] = flag, number
            m += 1
        number += 1
        if complete:
            return m, 0, (cursor, row, start, passed, virtual, number)
        cursor, row = first + next_, segment[next_]
        if by_segment:
            if not compat:  # the distance of the extent's own first segment
                start = dist[row]
            elif es + int(step) < n_segments:
                start = dist[es + int(step)]
            continue
        start += step
        while passed + 1 < n_segments:
            # segments missing from the file are gone through at their mean length; the reference takes the gap for
            # the length of one segment and so moves on by it twice
            missing = 1 if compat else max(ids[passed + 1] - ids[passed], 1)
            piece = (dist[passed + 1] - dist[passed]) / missing
            bound = dist[passed + 1] if virtual + 1 >= missing else dist[passed] + (virtual + 1) * piece
            if not start >= bound:
                break
            start += piece
            start -= 20.0
            virtual += 1
            if virtual >= missing:
                passed, virtual = passed + 1, 0


@kernel
def _xseries_kernel(first, n_block, chosen, x, segment, dist, ids, length, step, count, spread, pass_invalid, final,
                    cursor, row, start, passed, virtual, number,
                    begin, end, out_segment, origin, centre, out_id, flags, out_number):  # fmt: skip
    n = x.shape[0]
    i0 = np.searchsorted(chosen, cursor - first)
    if np.isnan(start) and n > 0:
        start = x[0]
    m = 0
    while True:
        while i0 < n and x[i0] < start:
            i0 += 1
        if i0 == n:
            return m, 0 if final else 1, (first + n_block, row, start, passed, virtual, number)
        if not x[i0] - start < length:  # an empty extent
            start += step
            number += 1
            continue
        if m == begin.shape[0]:
            return m, 2, (first + chosen[i0], row, start, passed, virtual, number)
        i1 = i0
        while i1 + 1 < n and x[i1 + 1] - start < length:
            i1 += 1
        if i1 + 1 == n and not final:
            return m, 1, (first + chosen[i0], row, start, passed, virtual, number)
        flag = 0
        if i1 - i0 + 1 < count:
            flag |= 2
        if x[i1] - x[i0] < spread:
            flag |= 1
        if flag == 0 or pass_invalid:
            s = segment[chosen[i0]]
            middle = start + length / 2.0
            begin[m], end[m], out_segment[m], origin[m], centre[m] = chosen[i0], chosen[i1] + 1, s, start, middle
            out_id[m] = ids[s] + int(np.floor((middle - dist[s]) / 20.0 + 0.5))
            flags[m], out_number[m] = flag, number
            m += 1
        number += 1
        start += step


@kernel
def _anchored_kernel(first, unit, along, segment, selected, dist, ids, lengths, inside, length, step, lowest, highest,
                     count, spread, pass_invalid, final, cursor, row, start, passed, virtual, number,
                     begin, end, out_segment, origin, centre, out_id, flags, out_number):  # fmt: skip
    n = unit.shape[0]
    i = cursor - first
    if np.isnan(start) and n > 0:
        start = 0.0
        number = int(np.floor((unit[0] - length) / step)) + 1
    m = 0
    while True:
        a = number * step
        z = a + length
        while i < n and unit[i] < a:
            i += 1
        if i == n:
            return m, 0 if final else 1, (first + n, row, start, passed, virtual, number)
        if unit[i] >= z:  # an empty extent: on to the first that reaches this photon
            number = max(number + 1, int(np.floor((unit[i] - length) / step)) + 1)
            continue
        if m == begin.shape[0]:
            return m, 2, (first + i, row, start, passed, virtual, number)
        e = i
        k = 0
        whole = a >= lowest and z <= highest  # cut by the edge of the area: another area would give another extent
        x_first = x_last = 0.0
        while e < n and unit[e] < z:
            if not inside[segment[e]]:
                whole = False
            if selected[e]:
                x_last = dist[segment[e]] + along[e]
                if k == 0:
                    x_first = x_last
                k += 1
            e += 1
        if e == n and not final:
            return m, 1, (first + i, row, start, passed, virtual, number)
        flag = 0
        if k < count:
            flag |= 2
        if k > 1 and x_last - x_first < spread:
            flag |= 1
        if whole and k > 0 and (flag == 0 or pass_invalid):
            s = segment[i]
            middle = a + length / 2.0
            t = s
            while t + 1 < ids.shape[0] and ids[t + 1] <= middle:
                t += 1
            begin[m], end[m], out_segment[m] = i, e, s
            centre[m] = dist[t] + (middle - ids[t]) * lengths[t]
            origin[m] = centre[m]
            out_id[m] = int(np.floor(middle + 0.5))
            flags[m], out_number[m] = flag, number
            m += 1
        number += 1
