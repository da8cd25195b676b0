"""Gather the photons of an extent that count."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nunatak.compute.kernels import kernel

# how `gather` decides which photons of an extent count
WITHIN_METRES, WITHIN_SEGMENTS, XSERIES, ANCHORED = range(4)


class Reach(NamedTuple):
    """The rule by which photons of an extent count."""

    mode: int
    """WITHIN_METRES and WITHIN_SEGMENTS of the origin (legacy), XSERIES and ANCHORED: all selected ones"""
    limit: float
    """m or segments from the origin (legacy)"""
    compat: bool
    """count segments by their rows in the file, as the reference does"""


@kernel
def gather(extent: Any, reach: Any, block: Any, x: np.ndarray, index: np.ndarray) -> int:
    """
    Write the photons of one extent that count, and return their number.

    Parameters
    ----------
    extent : record of `walks.EXTENT`
    reach : Reach
    block : walks.Block
    x : scratch, overwritten with the distance from the centre, m. In the legacy modes it is rounded to float32, as in
        the reference
    index : scratch, overwritten with the photons' rows

    Returns
    -------
    int
    """
    dist, along, mode = block.dist, block.along, reach.mode
    origin, centre, row = extent.origin, extent.centre, extent.segment
    k = 0
    half = centre - origin
    for i in range(extent.begin, extent.end):
        if not block.selected[i]:
            continue
        s = block.segment[i]
        if mode <= WITHIN_SEGMENTS:
            d = (dist[s] - origin) + along[i]
            if mode == WITHIN_METRES:
                if not d < reach.limit:
                    continue
            elif not (s - row if reach.compat else block.ids[s] - block.ids[row]) < reach.limit:
                continue
            x[k] = np.float32(d - half)
        elif mode == XSERIES:
            x[k] = (dist[s] + along[i]) - centre
        else:
            x[k] = (dist[s] - centre) + along[i]
        index[k] = i
        k += 1
    return k
