"""Share work on arrays among threads of this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np


def in_threads(work: Callable[[slice], Any], n: int, threads: int) -> None:
    """
    Process equal shares of n independent items, each share in its own thread.

    Parameters
    ----------
    work : function of a slice of the items, which writes into arrays of the caller
    n : number of items
    threads : largest number of shares, which does not change the results
    """
    bounds = np.linspace(0, n, max(1, min(threads, n)) + 1).astype(int)
    shares = [slice(a, b) for a, b in pairwise(bounds)]
    if len(shares) == 1:
        work(shares[0])
        return
    with ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(work, shares))
