"""
Choose the pairs that a cell keeps, by ITS_LIVE's own filters on both components at once.

In this order (its_live_production, itslive_composite.py): speeds no glacier has; long separations that have locked on
to features at rest, by sensor group; outliers against a moving median in time.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nunatak.compute.kernels import kernel
from nunatak.compute.robust import median, moving_median
from nunatak.constants import DAYS_PER_YEAR, MAD_TO_SIGMA
from nunatak.parameters.velocity import AnnualFit

if TYPE_CHECKING:
    from nunatak.velocity.design import Design

DT_EDGES = np.array([0.0, 16.0, 32.0, 64.0, 128.0, 256.0, np.inf])  # days


@dataclass(frozen=True)
class Filters:
    """Thresholds of the filters, with ITS_LIVE's values except for the smallest number of a bin."""

    max_speed: float = 20000.0
    """m/yr; faster values are dropped"""
    longest_separation: bool = True
    """judge, by sensor group, from which separation on the velocities differ from those of short separations"""
    bin_minimum: int = 10
    """least values of a bin of separation that is judged; ITS_LIVE judges any, which drops good pairs of small sets"""
    window: int = 15
    """pairs of the moving median, odd; 0 switches it off"""
    outlier_factor: float = 12.0
    """times 1.4826 times the median residual of the cell"""
    before_minimum: int = 5
    """least pairs of a cell before the outliers are judged"""
    after_minimum: int = AnnualFit.minimum_pairs
    """least pairs of a cell after it; cells with fewer are left without a result"""


NO_FILTERS = Filters(np.inf, False, 10, 0, 12.0, 1, 1)


@kernel
def _flow_direction(vx, vy, dt_days, index, n, scratch):
    """
    Return the unit vector of the median flow: of the shortest separations that hold 50 pairs, or of all for slow ice.
    """
    ux = uy = 0.0
    for limit in (16.0, 32.0, 64.0, 128.0, 256.0, np.inf):
        count = 0
        for q in range(n):
            if dt_days[index[q]] <= limit:
                scratch[count] = vx[index[q]]
                count += 1
        if count >= 50 or limit == np.inf:
            break
    ux = median(scratch, count)
    count = 0
    for q in range(n):
        if dt_days[index[q]] <= limit:
            scratch[count] = vy[index[q]]
            count += 1
    uy = median(scratch, count)
    if np.hypot(ux, uy) <= 50.0:
        for q in range(n):
            scratch[q] = vx[index[q]]
        ux = median(scratch, n)
        for q in range(n):
            scratch[q] = vy[index[q]]
        uy = median(scratch, n)
    speed = np.hypot(ux, uy)
    if speed == 0.0:
        return 1.0, 0.0
    return ux / speed, uy / speed


@kernel
def _sort_by_bin(along, bins, index, n, starts, out):
    """Sort the values by bin (a counting sort), with the values of bin b in starts[b] : starts[b + 1]."""
    starts[:] = 0
    for q in range(n):
        starts[bins[index[q]] + 1] += 1
    for b in range(starts.size - 1):
        starts[b + 1] += starts[b]
    for q in range(n):
        b = bins[index[q]]
        out[starts[b]] = along[q]
        starts[b] += 1
    for b in range(starts.size - 1, 0, -1):
        starts[b] = starts[b - 1]
    starts[0] = 0


@kernel
def _longest_separation(values, starts, group, minimum, edges, bounds):
    """
    Return the separation in days from which the pairs of one group are dropped.

    Values are in order of (group, bin) and are reordered. Each bin of separation has the interval median +- 0.67 *
    1.4826 * MAD. The reference is the first bin with 50 pairs, else the first that is judged. The answer is the lower
    edge of the first longer bin that does not meet it. (ITS_LIVE judges shorter bins too, and then drops the good ones
    if a large bin has locked on to features at rest.)
    """
    n_bins = edges.size - 1
    reference = -1
    for b in range(n_bins):
        first = starts[group * n_bins + b]
        count = starts[group * n_bins + b + 1] - first
        bounds[2, b] = count
        if count < minimum:
            continue
        own = values[first : first + count]
        centre = median(own, count)
        for c in range(count):
            own[c] = abs(own[c] - centre)
        half = 0.67 * MAD_TO_SIGMA * median(own, count)
        bounds[0, b], bounds[1, b] = centre - half, centre + half
        if reference < 0 or (count >= 50 and bounds[2, reference] < 50):
            reference = b
    if reference >= 0:
        for b in range(reference + 1, n_bins):
            apart = bounds[0, b] > bounds[1, reference] or bounds[1, b] < bounds[0, reference]
            if bounds[2, b] >= minimum and apart:
                return edges[b]
    return np.inf


@kernel
def _without_outliers(component, index, n, half, factor, scratch, window, smooth, bad):
    """Mark in bad[:n] the values far from the moving median of their neighbours in time."""
    for q in range(n):
        scratch[q] = component[index[q]]
    moving_median(scratch, n, half, window, smooth)
    for q in range(n):
        smooth[q] = abs(scratch[q] - smooth[q])
        scratch[q] = smooth[q]
    limit = factor * MAD_TO_SIGMA * median(scratch, n)
    for q in range(n):
        if smooth[q] > limit:
            bad[q] = True


class Rules(NamedTuple):
    """Thresholds of the filters, and the properties of the pairs that they need."""

    thresholds: tuple[float, ...]
    """the fields of `Filters`, as floats"""
    dt_days: np.ndarray
    """(N,) whole days between the images"""
    bins: np.ndarray
    """(N,) from `separation_bins`, with the sensor group"""
    n_groups: int
    edges: np.ndarray
    """days, of the bins of separation"""


class Scratch(NamedTuple):
    """Working memory of the filters of one thread."""

    values: np.ndarray
    """(2, N + n_groups)"""
    starts: np.ndarray
    """(6 n_groups + 1,) int"""
    bounds: np.ndarray
    """(4, window or 6)"""
    bad: np.ndarray
    """(N,) bool"""


@kernel
def keep_cell(vx, vy, index, n, rules, scratch):
    """
    Filter the pairs index[:n] of one cell in place, and return how many are left, 0 if they are too few.

    Parameters
    ----------
    vx, vy : (N,) float64 m/yr
    index : (N,) the cell's pairs with a velocity, in order of mid-date
    rules : Rules
    scratch : Scratch
    """
    max_speed, longest, bin_minimum, width, factor, before, after = rules.thresholds
    values, edges, bins = scratch.values, rules.edges, rules.bins
    m = 0
    for q in range(n):
        if np.hypot(vx[index[q]], vy[index[q]]) <= max_speed:
            index[m] = index[q]
            m += 1
    n = m
    if n < before:
        return 0
    if longest > 0.0:
        ux, uy = _flow_direction(vx, vy, rules.dt_days, index, n, values[0])
        for q in range(n):
            values[1, q] = vx[index[q]] * ux + vy[index[q]] * uy
        _sort_by_bin(values[1], bins, index, n, scratch.starts, values[0])
        n_bins = edges.size - 1
        limits = values[1]
        for g in range(rules.n_groups):
            limits[g] = _longest_separation(values[0], scratch.starts, g, bin_minimum, edges, scratch.bounds)
        m = 0
        for q in range(n):
            if rules.dt_days[index[q]] <= limits[bins[index[q]] // n_bins]:
                index[m] = index[q]
                m += 1
        n = m
        if n < before:
            return 0
    if width > 0.0:
        bad = scratch.bad
        bad[:n] = False
        half = int(width) // 2
        window = scratch.bounds[3]
        _without_outliers(vx, index, n, half, factor, values[0], window, values[1], bad)
        _without_outliers(vy, index, n, half, factor, values[0], window, values[1], bad)
        m = 0
        for q in range(n):
            if not bad[q]:
                index[m] = index[q]
                m += 1
        n = m
    return n if n >= after else 0


def rules_of(design: Design, filters: Filters) -> Rules:
    """Return the Rules of the pairs of a `design.Design`."""
    dt_days = np.rint(design.dt * DAYS_PER_YEAR)
    thresholds = tuple(float(value) for value in astuple(filters))
    return Rules(thresholds, dt_days, separation_bins(dt_days, design.group), len(design.group_names), DT_EDGES)


def scratch_of(design: Design, filters: Filters) -> Scratch:
    """Return the Scratch of one thread."""
    n, groups = design.dt.size, len(design.group_names)
    return Scratch(
        np.empty((2, n + groups)),
        np.zeros(groups * (DT_EDGES.size - 1) + 1, "int64"),
        np.zeros((4, max(int(filters.window), DT_EDGES.size))),
        np.empty(n, np.bool_),
    )


def separation_bins(dt_days: np.ndarray, group: int | np.ndarray = 0) -> np.ndarray:
    """
    Return the bin of each pair: that of its separation plus six times the number of its sensor group.

    The bins are 0-16, 16-32, 32-64, 64-128, 128-256 and more days, upper edge included. Separations are whole days,
    since two passes of one satellite are 16 days apart to within seconds, either way.

    Parameters
    ----------
    dt_days : (N,) whole days
    group : (N,) numbers of sensor groups. Default: 0

    Returns
    -------
    (N,) int64
    """
    separation = np.searchsorted(DT_EDGES[1:-1], dt_days, side="left").astype("int64")
    return separation + np.asarray(group) * (DT_EDGES.size - 1)


def keep_reference(
    vx: np.ndarray, vy: np.ndarray, dt_days: np.ndarray, group: np.ndarray, filters: Filters
) -> np.ndarray:
    """
    Return which pairs a cell keeps, in NumPy, as the reference implementation of `keep_cell`.

    Parameters
    ----------
    vx, vy : (N,) m/yr in order of mid-date, NaN where missing
    dt_days : (N,); group : (N,) numbers

    Returns
    -------
    (N,) bool, the pairs kept
    """
    dt_days = np.rint(dt_days)
    keep = np.isfinite(vx) & np.isfinite(vy)
    keep[keep] = np.hypot(vx[keep], vy[keep]) <= filters.max_speed
    none = np.zeros(vx.size, dtype=bool)
    if keep.sum() < filters.before_minimum:
        return none
    if filters.longest_separation:
        flow = _flow_reference(vx[keep], vy[keep], dt_days[keep])
        along = vx * flow[0] + vy * flow[1]
        for number in np.unique(group[keep]):
            own = keep & (group == number)
            limit = _longest_reference(along[own], dt_days[own], filters.bin_minimum)
            keep &= ~(own & (dt_days > limit))
        if keep.sum() < filters.before_minimum:
            return none
    if filters.window:
        half = int(filters.window) // 2
        bad = np.zeros(keep.sum(), dtype=bool)
        for component in (vx[keep], vy[keep]):
            smooth = [np.median(component[max(i - half, 0) : i + half + 1]) for i in range(component.size)]
            residual = np.abs(component - smooth)
            bad |= residual > filters.outlier_factor * MAD_TO_SIGMA * np.median(residual)
        keep[keep] = ~bad
    return keep if keep.sum() >= filters.after_minimum else none


def _flow_reference(vx, vy, dt_days):
    for limit in DT_EDGES[1:]:
        short = dt_days <= limit
        if short.sum() >= 50:
            break
    flow = np.array([np.median(vx[short]), np.median(vy[short])])
    if np.hypot(*flow) <= 50:
        flow = np.array([np.median(vx), np.median(vy)])
    speed = np.hypot(*flow)
    return flow / speed if speed else np.array([1.0, 0.0])


def _longest_reference(along, dt_days, minimum):
    intervals, counts = {}, {}
    for b in range(DT_EDGES.size - 1):
        values = along[(dt_days <= DT_EDGES[b + 1]) & ((dt_days > DT_EDGES[b]) | (b == 0))]
        if values.size >= minimum:
            centre = np.median(values)
            half = 0.67 * MAD_TO_SIGMA * np.median(np.abs(values - centre))
            intervals[b], counts[b] = (centre - half, centre + half), values.size
    if not intervals:
        return np.inf
    reference = next((b for b in intervals if counts[b] >= 50), min(intervals))
    low, high = intervals[reference]
    apart = (DT_EDGES[b] for b, (a, z) in intervals.items() if b > reference and (a > high or z < low))
    return min(apart, default=np.inf)
