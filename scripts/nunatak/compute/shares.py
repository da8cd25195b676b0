"""Share work on arrays among threads of this process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np


def in_threads(work, n, threads):
    """
    Do work on equal shares of n independent items, each share in a thread of its own.

    Parameters
    ----------
    work : function of a slice of the items; it writes into arrays that the caller holds
    n : number of items
    threads : most shares; the results do not depend on it
    """
    bounds = np.linspace(0, n, max(1, min(threads, n)) + 1).astype(int)
    shares = [slice(a, b) for a, b in pairwise(bounds)]
    if len(shares) == 1:
        work(shares[0])
        return
    with ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(work, shares))
