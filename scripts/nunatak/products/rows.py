"""Which rows of an along-track group to read: positions are looked at first, the rest is read only where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nunatak.geometry.region import Region


def inside(latitude: np.ndarray, longitude: np.ndarray, region: Region | None) -> np.ndarray:
    """
    Find the points of a track that lie in a region (bool). Default: all with a position.

    Parameters
    ----------
    latitude, longitude : (n,) arrays, degrees; NaN lies nowhere
    region : Region or None
    """
    if region is None:
        return np.isfinite(latitude) & np.isfinite(longitude)
    _, south, _, north = region.bounds
    keep = (latitude >= south) & (latitude <= north)
    rows = span(keep)
    keep[rows] &= region.contains(longitude[rows], latitude[rows])
    return keep


def span(keep: np.ndarray) -> slice:
    """
    Return the slice from the first to the last kept row.

    Parameters
    ----------
    keep : (n,) bool array

    >>> span(np.array([False, True, False, True, False]))
    slice(1, 4, None)
    """
    kept = np.flatnonzero(keep)
    return slice(int(kept[0]), int(kept[-1]) + 1) if kept.size else slice(0, 0)
