"""Colours: signed change about a neutral zero, ordered quantities from dark to light, missing data in grey."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_hex

# NaN: a grey that no map below contains, so that "no data" never looks like "no change" (white).
MISSING = "#dcdcdc"
LOWERING, THICKENING = "#b3321d", "#1f5f99"
# Categorical colours that stay apart for colour-blind readers (Okabe and Ito's palette, in our order).
CATEGORIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#333333")


def change_map():
    """
    Return the diverging map of a signed change: red is lowering, white is zero, blue is thickening, grey is no data.
    """
    at = np.linspace(-1, 1, 257)
    base = colormaps["RdBu"]((at + 1) / 2)
    # RdBu's own middle is a light grey, too near the grey of missing data: lift it to white, smoothly
    base[:, :3] += (1 - base[128, :3]) * np.exp(-((at / 0.12) ** 2))[:, None]
    base = np.clip(base, 0, 1)
    return LinearSegmentedColormap.from_list("nunatak_change", base, N=257).with_extremes(bad=MISSING)


def sequential_map(name="batlow"):
    """Return a sequential, perceptually even map (default: Crameri's batlow). Grey is no data."""
    import cmcrameri.cm as cmc

    cmap = getattr(cmc, name) if hasattr(cmc, name) else colormaps[name]
    return cmap.with_extremes(bad=MISSING)


def time_map():
    """Return a sequential map for lines coloured by time: batlow without its palest fifth, which vanishes on white."""
    return LinearSegmentedColormap.from_list(
        "nunatak_time", [to_hex(c) for c in sequential_map()(np.linspace(0, 0.8, 64))]
    )


def symmetric_limit(values, percent=98.0):
    """
    Return the limit of a symmetric colour scale: the larger of |p2| and |p98|, rounded up to a nice number.

    One outlier cannot set it, and it exists for data of one sign. 1.0 where there is nothing, or nothing but zero.

    >>> symmetric_limit([-0.93, 0.0, 0.4])
    1.0
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return 1.0
    largest = float(np.abs(np.percentile(finite, [100 - percent, percent])).max())
    if largest == 0:
        largest = float(np.abs(finite).max())  # change confined to fewer than 2 % of the cells
    return nice(largest) if largest > 0 else 1.0


def nice(value):
    """
    Return the smallest of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten that is not below a positive value.

    >>> nice(0.021), nice(7.0), nice(1.0)
    (0.025, 8.0, 1.0)
    """
    power = 10.0 ** np.floor(np.log10(value))
    for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10):
        if value <= step * power * (1 + 1e-9):
            return float(f"{step * power:.6g}")
    raise AssertionError("a number lies below ten times its power of ten")


def change_norm(values, *, limit=None):
    """
    Return the symmetric norm of a signed change: zero at the centre, `limit` at both ends (default: `symmetric_limit`).
    """
    limit = symmetric_limit(values) if limit is None else float(limit)
    return Normalize(-limit, limit)


def extend(values, norm):
    """Return which ends of the colour bar need an arrow: "both", "min", "max" or "neither"."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    low, high = bool((finite < norm.vmin).any()), bool((finite > norm.vmax).any())
    return {(True, True): "both", (True, False): "min", (False, True): "max", (False, False): "neither"}[low, high]
