"""
Cut a track into extents by the reference's walk, by that of its x-series, or by one anchored to segment ids.

Each walk is a kernel that goes along the photons of a block and stops where it needs photons of the next one. Its
state says where it stands, so a track in blocks gives the same extents as in one piece. Sources: SlideRule,
`Atl03Reader::subsettingThread` (legacy), `SurfaceFitter::run` (x-series).

An extent is a stretch of photons [begin, end) in the order of the file. Of these, the photons count that were selected
and lie within its length (see `gathering.gather`):

    photons    . . .. .  . ... . .. . . .  .   . ..  .
    extent 0   |begin - origin ..... centre ..... end|
    extent 1             |<- step from extent 0 -> ...
               0 m      step                     length
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nunatak.constants import SEGMENT_LENGTH
from nunatak.photons.records import EXTENT, FULL, STATE, Block, Chosen, Rules, Units
from nunatak.photons.walk_kernels import anchored_walk, legacy_walk, xseries_walk

if TYPE_CHECKING:
    from nunatak.parameters.sliderule import FitParameters
    from nunatak.products.atl03 import BeamPhotons

_CAPACITY = 1 << 15  # extents that a kernel writes in one call


def first_state() -> np.ndarray:
    """Return the state of a walk at the start of a track: one row of `STATE`."""
    state = np.zeros(1, STATE)
    state["start"] = np.nan
    return state


def walk(
    photons: BeamPhotons,
    segment: np.ndarray,
    selected: np.ndarray,
    parameters: FitParameters,
    state: np.ndarray,
    *,
    final: bool,
) -> np.ndarray:
    """
    Cut the extents that begin in a block and are complete within it.

    Parameters
    ----------
    photons : BeamPhotons, the block. It begins at or before the cursor of `state`
    segment : (n,) row of each photon's segment
    selected : (n,) bool
    parameters : FitParameters
    state : one row of `STATE`, which is advanced. Photons from its cursor on are needed again for the next block
    final : whether the track ends with this block

    Returns
    -------
    array of `EXTENT` : the valid extents, or with pass_invalid all that hold a selected photon
    """
    block = block_of(photons, segment, selected)
    step = _step(photons, block, parameters, final)
    parts, code = [], FULL
    while code == FULL:
        out = np.empty(_CAPACITY, EXTENT)
        n, code = step(state, out)
        parts.append(out[:n])
    return np.concatenate(parts)


def block_of(photons: BeamPhotons, segment: np.ndarray, selected: np.ndarray) -> Block:
    """
    Return the photons of a block in the form that the kernels read.

    Parameters
    ----------
    photons : BeamPhotons
    segment : (n,) row of each photon's segment
    selected : (n,) bool
    """
    segments = photons.track.segments
    along, dist = photons.photons["dist_ph_along"], segments["segment_dist_x"]
    return Block(photons.first, along, segment, selected, dist, segments["segment_id"])


def _step(photons, block, p, final):
    """Return the walk of the parameters' profile as a function of state and extents."""
    if p.profile == "xseries":
        rows = np.flatnonzero(block.selected)
        chosen = Chosen(rows, block.dist[block.segment[rows]] + block.along[rows])
        # The reference reads count and spread as booleans.
        count, spread = (1, 1.0) if p.compat else (p.count, p.spread)
        rules = _rules(p, final)._replace(min_photons=int(count), spread=float(spread))
        return lambda state, out: xseries_walk(block, chosen, rules, state, out)
    if p.profile == "anchored":
        units = _units(photons, block)
        scale = 1.0 if p.by_segment else SEGMENT_LENGTH
        rules = _rules(p, final)._replace(length=float(p.length / scale), step=float(p.step / scale))
        return lambda state, out: anchored_walk(block, units, rules, state, out)
    return lambda state, out: legacy_walk(block, _rules(p, final), state, out)


def _rules(p, final):
    """Return the settings of a walk from the parameters."""
    return Rules(
        length=float(p.length),
        step=float(p.step),
        by_segment=bool(p.by_segment),
        compat=bool(p.compat),
        min_photons=int(p.count),
        spread=float(p.spread),
        pass_invalid=bool(p.pass_invalid),
        final=bool(final),
    )


def _units(photons, block):
    """Return the positions of photons in units of segments."""
    track, segments = photons.track, photons.track.segments
    share = block.along / segments["length"][block.segment]
    # A photon stays in its segment even if the segment's length is a little short.
    unit = segments["segment_id"][block.segment] + np.clip(share, 0.0, 1 - 1e-9)
    return Units(unit, segments["length"], segments["inside"], float(track.id_before + 1), float(track.id_after))
