"""
Sensors that disagree near margins.

A group can see the ice move slower than Sentinel-2 does, or see seasons that are not there. ITS_LIVE's composites
leave such a group out, cell by cell (its_live_production, itslive_composite.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.constants import DAYS_PER_YEAR, FILL_VELOCITY

if TYPE_CHECKING:
    from nunatak.velocity.design import Design

_BIN_DAYS = 73.0
_LONGEST_DAYS = 64.0
_BIN_MINIMUM = 3
_COMMON_MINIMUM = 3  # more bins than this must be shared
REFERENCE = "S2"


def slower_groups_reference(
    vx: np.ndarray, vy: np.ndarray, mid_days: np.ndarray, dt_days: np.ndarray, group: np.ndarray, reference: int
) -> list[int]:
    """
    Return the groups of one cell that are slower than the reference, as the reference implementation of the kernel.

    Speeds are taken along the group's own mean flow, for pairs at most 64 days apart, and averaged in bins of 73 days
    with three values or more. A group is left out if mean(difference) + 3 std / sqrt(n - 1) < 0 over more than three
    common bins.
    """
    bins = np.floor((mid_days - mid_days.min()) / _BIN_DAYS).astype(int)

    def binned(number):
        own = (group == number) & (dt_days <= _LONGEST_DAYS) & np.isfinite(vx) & np.isfinite(vy)
        if not own.any():
            return {}
        flow = np.array([vx[own].mean(), vy[own].mean()])
        flow = flow / (np.hypot(*flow) or 1.0)
        along = vx * flow[0] + vy * flow[1]
        held = {b: along[own & (bins == b)] for b in np.unique(bins[own])}
        return {b: values.mean() for b, values in held.items() if values.size >= _BIN_MINIMUM}

    expected, out = binned(reference), []
    for number in np.unique(group):
        if number == reference:
            continue
        seen = binned(number)
        difference = np.array([seen[b] - expected[b] for b in seen if b in expected])
        n = difference.size
        if n > _COMMON_MINIMUM and difference.mean() + 3 * difference.std() / np.sqrt(n - 1) < 0:
            out.append(int(number))
    return out


@kernel
def _bin_means(vx, vy, bins, dt_days, group, wanted, total, count):
    """Write the mean speed along the group's own mean flow in each bin, and the number of its values."""
    total[:] = 0.0
    count[:] = 0
    mx, my, n = 0.0, 0.0, 0
    for i in range(vx.size):
        if group[i] == wanted and dt_days[i] <= _LONGEST_DAYS and vx[i] != FILL_VELOCITY and vy[i] != FILL_VELOCITY:
            mx += vx[i]
            my += vy[i]
            n += 1
    if n == 0:
        return
    length = np.hypot(mx, my)
    ux, uy = (mx / length, my / length) if length > 0.0 else (0.0, 0.0)
    for i in range(vx.size):
        if group[i] == wanted and dt_days[i] <= _LONGEST_DAYS and vx[i] != FILL_VELOCITY and vy[i] != FILL_VELOCITY:
            total[bins[i]] += vx[i] * ux + vy[i] * uy
            count[bins[i]] += 1
    for b in range(total.size):
        if count[b] > 0:
            total[b] /= count[b]


@kernel
def _slower_groups(vx, vy, bins, dt_days, group, n_groups, reference, out):
    """Mark the groups of each cell that are slower than the reference."""
    n_bins = bins.max() + 1
    expected, own = np.empty(n_bins), np.empty(n_bins)
    n_expected, n_own = np.empty(n_bins, np.int64), np.empty(n_bins, np.int64)
    for cell in range(vx.shape[0]):
        _bin_means(vx[cell], vy[cell], bins, dt_days, group, reference, expected, n_expected)
        for g in range(n_groups):
            if g == reference:
                continue
            _bin_means(vx[cell], vy[cell], bins, dt_days, group, g, own, n_own)
            n, total, square = 0, 0.0, 0.0
            for b in range(n_bins):
                if n_expected[b] >= _BIN_MINIMUM and n_own[b] >= _BIN_MINIMUM:
                    n += 1
                    total += own[b] - expected[b]
                    square += (own[b] - expected[b]) ** 2
            if n > _COMMON_MINIMUM:
                mean = total / n
                spread = np.sqrt(max(square / n - mean * mean, 0.0))
                out[cell, g] = mean + 3.0 * spread / np.sqrt(n - 1.0) < 0.0


def slower_groups(vx: np.ndarray, vy: np.ndarray, pairs: Design, margin: np.ndarray) -> np.ndarray:
    """
    Return the groups to leave out of each cell near a margin.

    Parameters
    ----------
    vx, vy : (n_cell, N) int16 m/yr, fill -32767
    pairs : Design
    margin : (n_cell,) bool, the cells to judge

    Returns
    -------
    (n_cell, n_group) bool; all False without pairs of Sentinel-2
    """
    out = np.zeros((vx.shape[0], len(pairs.group_names)), dtype=bool)
    if REFERENCE not in pairs.group_names or not margin.any():
        return out
    days = pairs.mid * DAYS_PER_YEAR
    bins = np.floor((days - days.min()) / _BIN_DAYS).astype("int64")
    judged = np.zeros((int(margin.sum()), out.shape[1]), dtype=bool)
    reference = pairs.group_names.index(REFERENCE)
    _slower_groups(vx[margin], vy[margin], bins, pairs.dt * DAYS_PER_YEAR, pairs.group, out.shape[1], reference, judged)
    out[margin] = judged
    return out


def without_groups(values: np.ndarray, pairs: Design, excluded: np.ndarray) -> np.ndarray:
    """Return the series with the pairs of excluded groups set to fill."""
    if not excluded.any():
        return values
    return np.where(excluded[:, pairs.group], np.int16(FILL_VELOCITY), values)


def false_seasons(
    cycle: np.ndarray, cycle_without: np.ndarray, *, factor: float = 2.0, least: float = 2.0
) -> np.ndarray:
    """
    Return the cells whose seasonal amplitude comes from Sentinel-2 alone.

    It is more than twice, and 2 m/yr above, the amplitude without Sentinel-2.

    Parameters
    ----------
    cycle, cycle_without : (n_cell, 2, 6) of `fit_cells` with and without Sentinel-2

    Returns
    -------
    (n_cell,) bool
    """
    amplitude, without = (
        np.hypot(np.hypot(c[..., 0], c[..., 1])[:, 0], np.hypot(c[..., 0], c[..., 1])[:, 1])
        for c in (cycle, cycle_without)
    )
    return (amplitude > factor * without) & (amplitude - without > least)
