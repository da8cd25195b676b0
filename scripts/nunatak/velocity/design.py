"""What the pairs of a cube have in common for every cell: spans of years, cycles, errors, images, corrections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nunatak.runtime import NunatakError
from nunatak.times import decimal_year

if TYPE_CHECKING:
    import xarray as xr

# ITS_LIVE's own composites (itslive_composite.py): error floors by stable-shift flag, and the shift beyond which a pair
# is dropped (flag 1) or its correction undone (flag 2), in metres of displacement.
FLAG_SIGMA = {0: 100.0, 1: 5.0, 2: 20.0}  # m/yr
SHIFT_LIMITS = {"L45": np.inf, "L7": np.inf, "L89": 61.6, "S1": 1.1, "S2": 28.5}
UNKNOWN_SIGMA = 300.0  # m/yr, for a pair that states no error at all; larger than any stated one


@dataclass(frozen=True)
class Design:
    """
    Arrays over the N pairs of a cube, in its order.

    The displacement of pair i between s and e (decimal years) is
    d = a (cos 2pi s - cos 2pi e) / 2pi + b (sin 2pi e - sin 2pi s) / 2pi + sum_k overlap_ik V_k,
    the integral of a sin 2pi t + b cos 2pi t + V_k.
    """

    years: np.ndarray
    """(K,) labels of the years, int"""
    edges: np.ndarray
    """(K + 1,) decimal years"""
    dt: np.ndarray
    """years between the images"""
    mid: np.ndarray
    """decimal year of the middle"""
    first: np.ndarray
    """index of the first year a pair overlaps"""
    overlap: np.ndarray
    """(N, M) years of overlap with the years first, first + 1, ..."""
    lever: np.ndarray
    """(N, M) overlap times the distance of its middle from the middle of its year, yr2"""
    seasonal: np.ndarray
    """(N, 2) factors of a and b, years"""
    sigma: np.ndarray
    """(2, N) one standard error of vx and vy, m/yr"""
    shift: np.ndarray
    """(2, N) m/yr to add to vx and vy, where a stable-shift correction is undone"""
    keep: np.ndarray
    """bool: the pair passes the stable-shift filter"""
    group: np.ndarray
    """sensor group as a number, in the order of `group_names`"""
    group_names: tuple[str, ...]
    images: np.ndarray
    """(2, N) numbers of the earlier and the later image"""

    @property
    def n_images(self) -> int:
        """Return the number of distinct images."""
        return int(self.images.max()) + 1 if self.images.size else 0


def design(cube: xr.Dataset, *, year_start: int = 1, stable_shift: bool = True) -> Design:
    """
    Return the Design of a cube's layers.

    Parameters
    ----------
    cube : xarray.Dataset with the coordinates of `time` that a cube carries: acquisition_date_img1/2, vx_error,
        vy_error, stable_shift_flag, vx_stable_shift, vy_stable_shift, group, id_img1, id_img2
    year_start : month a year begins with; from 2 on a year is named after its end, as a season year
    stable_shift : apply ITS_LIVE's stable-shift filter

    Raises
    ------
    NunatakError : no layers, or no such month
    """
    if year_start not in range(1, 13):
        raise NunatakError(f"velocity: year_start: {year_start} is no month; give 1 to 12")
    if not cube.sizes.get("time"):
        raise NunatakError("velocity: the cube has no layers; nothing can be averaged: look into pairs.parquet")
    s, e = (decimal_year(cube[f"acquisition_date_img{i}"].values) for i in (1, 2))
    years, edges = year_edges(cube["time"].values, s, e, year_start)
    first, overlap, lever = overlaps(s, e, edges)
    flag = cube["stable_shift_flag"].values
    groups = np.asarray(cube["group"].values).astype(str)
    shift, keep = np.zeros((2, s.size)), np.ones(s.size, dtype=bool)
    if stable_shift:
        shift, keep = _stable_shift(cube, flag, groups, e - s)
    names, number = np.unique(groups, return_inverse=True)
    ids = np.stack([np.asarray(cube[f"id_img{i}"].values).astype(str) for i in (1, 2)])
    images = np.unique(ids, return_inverse=True)[1].reshape(2, -1)
    return Design(
        years=years,
        edges=edges,
        dt=e - s,
        mid=(s + e) / 2,
        first=first,
        overlap=overlap,
        lever=lever,
        seasonal=seasonal_terms(s, e),
        sigma=pair_sigma(cube, flag),
        shift=shift,
        keep=keep,
        group=number.astype("int64"),
        group_names=tuple(str(name) for name in names),
        images=images.astype("int64"),
    )


def year_edges(mid_date: np.ndarray, start: np.ndarray, end: np.ndarray, year_start: int = 1) -> tuple[np.ndarray, ...]:
    """
    Return labels and edges of the years that the pairs touch.

    Parameters
    ----------
    mid_date : (N,) datetime64, only to name the first year where no pair is
    start, end : (N,) decimal years
    year_start : month; label Y covers [Y, Y + 1) for 1, else the twelve months that end in Y

    Returns
    -------
    (K,) int labels, (K + 1,) decimal-year edges
    """
    low, high = int(np.floor(start.min())) - 1, int(np.ceil(end.max())) + 2
    labels = np.arange(low, high + 1)
    edges = np.arange(low, high + 2).astype(float)
    if year_start != 1:
        months = [np.datetime64(f"{label - 1:04d}-{year_start:02d}-01", "ns") for label in range(low, high + 2)]
        edges = decimal_year(np.array(months))
    touched = (edges[1:] > start.min()) & (edges[:-1] < end.max())
    first, last = np.nonzero(touched)[0][[0, -1]]
    return labels[first : last + 1], edges[first : last + 2]


def overlaps(start: np.ndarray, end: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, ...]:
    """
    Return the first interval that each span touches, and its overlap with that and the next intervals.

    The third result is the overlap times the distance of its middle from the interval's.

    Parameters
    ----------
    start, end : (N,) decimal years
    edges : (K + 1,) edges of the intervals

    Returns
    -------
    first : (N,) int64
    overlap, lever : (N, M)
    """
    first = np.clip(np.searchsorted(edges, start, side="right") - 1, 0, edges.size - 2)
    last = np.clip(np.searchsorted(edges, end, side="left") - 1, 0, edges.size - 2)
    width = int((last - first).max()) + 1
    index = first[:, None] + np.arange(width)
    inside = index <= last[:, None]
    index = np.minimum(index, edges.size - 2)
    high, low = np.minimum(end[:, None], edges[index + 1]), np.maximum(start[:, None], edges[index])
    length = np.where(inside, np.maximum(high - low, 0.0), 0.0)
    return first.astype("int64"), length, length * ((high + low) - (edges[index + 1] + edges[index])) / 2


def seasonal_terms(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """
    Return the integrals of sin 2pi t and cos 2pi t over each span, years.

    Parameters
    ----------
    start, end : (N,) decimal years

    Returns
    -------
    (N, 2)
    """
    turn = 2 * np.pi
    sine = (np.cos(turn * start) - np.cos(turn * end)) / turn
    cosine = (np.sin(turn * end) - np.sin(turn * start)) / turn
    return np.stack([sine, cosine], axis=1)


def pair_sigma(cube: xr.Dataset, flag: np.ndarray) -> np.ndarray:
    """
    Return the error of the components: the stated one plus 100, 5 or 20 m/yr for stable-shift flags 0, 1 and 2.

    The two are added as in ITS_LIVE's composites. The second part is the error of the co-registration, which the cells
    of one pair share. Version 1 states only the RMS over stable surfaces, which is used in the same way.

    Parameters
    ----------
    cube : Dataset of a cube
    flag : (N,) stable-shift flags

    Returns
    -------
    (2, N), m/yr
    """
    floor = np.array([FLAG_SIGMA.get(int(f), FLAG_SIGMA[0]) for f in flag])
    stated = np.stack([cube["vx_error"].values, cube["vy_error"].values]).astype(float)
    return np.where(np.isfinite(stated) & (stated >= 0), stated, UNKNOWN_SIGMA) + floor


def _stable_shift(cube, flag, groups, dt):
    """Return the corrections of the pairs, and which pairs may be used."""
    shift = np.stack([cube["vx_stable_shift"].values, cube["vy_stable_shift"].values]).astype(float)
    shift = np.where(np.isfinite(shift), shift, 0.0)
    limit = np.array([SHIFT_LIMITS.get(name, np.inf) for name in groups])
    large = np.abs(shift).max(axis=0) * dt > limit
    return np.where(large & (flag == 2), shift, 0.0), ~(large & (flag == 1))
