"""Closed lines cut into runs of edges."""

from __future__ import annotations

import numpy as np


def runs_of(ring, chosen, *, least=1):
    """
    Return the runs of chosen edges of a ring, as lines.

    Parameters
    ----------
    ring : (n + 1, 2) vertices, the last the same as the first
    chosen : (n,) bool, of the edge from each vertex to the next
    least : fewest edges of a run; shorter ones are left out

    Returns
    -------
    list of (m, 2) vertices; a run over the ring's first vertex is one, and a ring of chosen edges alone is itself
    """
    if chosen.all():
        return [ring]
    n = chosen.size
    start = int(np.argmin(chosen))  # begin at an edge that is not chosen, so that no run is cut in two
    order = (start + np.arange(n)) % n
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen[order].astype(int), [0]])))
    runs = zip(edges[::2], edges[1::2], strict=True)
    return [ring[(start + np.arange(a, b + 1)) % n] for a, b in runs if b - a >= least]
