"""How speeds are distributed: counts by bin, of single pairs and of annual velocities."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nunatak.constants import FILL_VELOCITY

EDGES = np.concatenate([np.arange(0, 1000, 50), np.arange(1000, 20001, 200)]).astype(float)  # m/yr


def counts_of(vx: np.ndarray, vy: np.ndarray) -> np.ndarray:
    """
    Count speeds by bin.

    Parameters
    ----------
    vx, vy : arrays of one shape, m/yr, fill -32767

    Returns
    -------
    (n_bin,) int
    """
    seen = (vx != FILL_VELOCITY) & (vy != FILL_VELOCITY)
    return np.histogram(np.hypot(vx[seen].astype("f8"), vy[seen].astype("f8")), EDGES)[0]


def speeds_table(of_pairs, annual):
    """
    Return the counts as a table.

    Parameters
    ----------
    of_pairs : (n_bin,) int, sums of `counts_of`
    annual : Dataset with `v` (year, y, x), NaN where there is none

    Returns
    -------
    DataFrame with `low` and `high` (m/yr), `pairs` and `annual`
    """
    v = annual["v"].values
    yearly = np.histogram(v[np.isfinite(v)], EDGES)[0]
    return pd.DataFrame({"low": EDGES[:-1], "high": EDGES[1:], "pairs": of_pairs, "annual": yearly})
