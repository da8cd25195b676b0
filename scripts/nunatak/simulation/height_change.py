"""Height change on the grids of ATL15: the truth, its errors, its averages and its rates, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyproj

from nunatak.constants import DATUM_YEAR
from nunatak.simulation import noise, orbit, polar_grid

if TYPE_CHECKING:
    from nunatak.simulation.worlds import World

QUARTER = 0.25  # years between epochs
NODE = 1000.0  # m between the nodes of the finest grid
CORRELATION_RANGE = 10e3  # m, of the made-up errors
PERSISTENCE = 0.6  # of the made-up errors from one quarter to the next
_MASK_SAMPLES = 10
_SAMPLING = 500.0  # m along the tracks, when counting data
_POINTS_PER_SAMPLE = 8  # ATL11 reference points lie every 60 m


@dataclass(frozen=True)
class HeightChange:
    """
    Height change since 2020.0 on one grid.

    Attributes
    ----------
    x, y : nodes (1 km) or cell centres, m, both ascending
    cell : m between them
    years : (n_time,) decimal years
    delta_h : (n_time, n_y, n_x) m, mean over the ice of a cell; NaN where there is none
    ice_area : like delta_h, true m2; 0 off the ice
    spread : (n_y, n_x) m, standard deviation of the error of one epoch before the datum is taken off
    """

    x: np.ndarray
    y: np.ndarray
    cell: float
    years: np.ndarray
    delta_h: np.ndarray
    ice_area: np.ndarray
    spread: np.ndarray

    @property
    def datum(self) -> int:
        """Return the index of the epoch 2020.0."""
        return int(np.argmin(np.abs(self.years - DATUM_YEAR)))

    def delta_h_sigma(self) -> np.ndarray:
        """Return the standard error of delta_h. It is zero at the datum, where delta_h is zero by definition."""
        steps = np.arange(self.years.size) - self.datum
        ratio = noise.difference_sigma(steps, PERSISTENCE)
        return np.where(self.ice_area > 0, ratio[:, None, None] * self.spread, np.nan)

    def rates(self, lag: int) -> tuple[np.ndarray, ...]:
        """
        Compute rates over `lag` quarters.

        Parameters
        ----------
        lag : int, quarters

        Returns
        -------
        years : (n,) middles of the intervals, decimal years
        dhdt, dhdt_sigma : (n, n_y, n_x), m/yr; NaN where either epoch has no ice
        ice_area : the same, m2, mean of the two epochs; 0 where either has none
        """
        first, last = self.ice_area[:-lag], self.ice_area[lag:]
        both = (first > 0) & (last > 0)
        span = lag * QUARTER
        dhdt = (self.delta_h[lag:] - self.delta_h[:-lag]) / span
        sigma = noise.difference_sigma(lag, PERSISTENCE) / span * np.broadcast_to(self.spread, dhdt.shape)
        area = np.where(both, 0.5 * (first + last), 0.0)
        return 0.5 * (self.years[:-lag] + self.years[lag:]), dhdt, np.where(both, sigma, np.nan), area


def nodes(world: World) -> tuple[np.ndarray, ...]:
    """
    Return the ascending x and y of the 1 km nodes of a world, m.

    Parameters
    ----------
    world : World, the simulated world
    """
    left, bottom, right, top = world.height_bounds
    return np.arange(left, right + 1, NODE), np.arange(bottom, top + 1, NODE)


def truth(world: World, counts: np.ndarray | None = None) -> HeightChange:
    """
    Compute the true height change on the 1 km nodes, with the spread its estimate will have.

    Parameters
    ----------
    world : World
    counts : (n_y, n_x) data per epoch, from `data_counts`; none by default. Nodes without data get a larger error
    """
    x, y = nodes(world)
    gx, gy = np.meshgrid(x, y)
    first, last = world.period
    years = np.arange(first, last + QUARTER / 2, QUARTER)
    fraction = world.truth.ice_fraction(gx, gy, NODE)
    patterns = _cell_means(world.truth, gx, gy, fraction)
    weights = world.truth.change_factors(years) - world.truth.change_factors(DATUM_YEAR)[:, None]
    area = NODE**2 / np.square(world.truth.scale(gx, gy)) * _cover(fraction, years)
    delta_h = np.where(area > 0, np.tensordot(weights.T, patterns, axes=1), np.nan)
    spread = 0.04 + 0.08 * np.exp(-(np.zeros(gx.shape) if counts is None else counts) / 8.0)
    return HeightChange(x, y, NODE, years, delta_h, area, spread)


def with_errors(change: HeightChange, rng: np.random.Generator) -> HeightChange:
    """
    Draw one realisation of the estimate: the truth plus errors of the stated spread, zero at 2020.0.

    The errors are correlated over CORRELATION_RANGE and from quarter to quarter; all epochs share the error of the
    datum, so that two delta_h_sigma must not be added in quadrature.

    Parameters
    ----------
    change : HeightChange, height change on the nodes of a grid
    rng : numpy.random.Generator
    """
    field = noise.CorrelatedField(change.spread.shape, change.cell, CORRELATION_RANGE)
    series = noise.persistent_series(field, rng, change.years.size, PERSISTENCE)
    errors = change.spread * (series - series[change.datum])
    return replace(change, delta_h=change.delta_h + errors)


def coarsen(change: HeightChange, cell: float) -> HeightChange:
    """
    Average over cells of 10, 20 or 40 km, weighted by true ice area. Nodes on an edge count half in either cell.

    `spread` holds the correlation of the errors within a cell.

    Parameters
    ----------
    change : HeightChange, height change on the nodes of a grid
    cell : float, the side of a cell, m
    """
    n = round(cell / change.cell)
    taper = np.ones(n + 1)
    taper[[0, -1]] = 0.5
    share = np.outer(taper, taper)
    area = np.einsum("tyxij,ij->tyx", _blocks(change.ice_area, n), share)
    # weights that do not change in time, so that a rate of the averages is the average of the rates
    weight = _blocks(change.ice_area.mean(axis=0), n) * share
    total = weight.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.nan_to_num(change.delta_h)
        iced = _blocks(np.isfinite(change.delta_h).astype(float), n)
        held = np.einsum("tyxij,yxij->tyx", iced, weight)
        mean = np.einsum("tyxij,yxij->tyx", _blocks(known, n), weight) / held
        spread = np.sqrt(_variance(weight * _blocks(change.spread, n), change.cell)) / total
    x = change.x[0] + cell * (np.arange(mean.shape[2]) + 0.5)
    y = change.y[0] + cell * (np.arange(mean.shape[1]) + 0.5)
    return HeightChange(x, y, cell, change.years, np.where(area > 0, mean, np.nan), area, spread)


def data_counts(world: World) -> np.ndarray:
    """
    Count the ATL11 points near each 1 km node in one cycle without clouds, (n_y, n_x), from all ground tracks.

    Parameters
    ----------
    world : World, the simulated world
    """
    x, y = nodes(world)
    runs = orbit.passes(_lonlat_box(world), margin=0.1)
    x_atc = [np.arange(p.first, p.last, _SAMPLING / orbit.SEGMENT_LENGTH) * orbit.SEGMENT_LENGTH for p in runs]
    rgt = np.repeat([p.rgt for p in runs], [len(part) for part in x_atc])
    along = np.concatenate(x_atc)
    project = pyproj.Transformer.from_crs("EPSG:4326", world.crs, always_xy=True).transform
    counts = np.zeros((y.size, x.size))
    for pair in (1, 0, -1):
        lon, lat, _ = orbit.ground_point(rgt, along, np.full(along.size, pair * orbit.PAIR_SPACING))
        px, py = project(lon, lat)
        column = np.round((px - x[0]) / NODE).astype(int)
        row = np.round((py - y[0]) / NODE).astype(int)
        on = (column >= 0) & (column < x.size) & (row >= 0) & (row < y.size)
        counts += np.bincount(row[on] * x.size + column[on], minlength=counts.size).reshape(counts.shape)
    return counts * _POINTS_PER_SAMPLE


def _lonlat_box(world):
    """Return a box of longitude and latitude around a world's grid. West lies beyond east where it crosses 180."""
    return polar_grid.lonlat_extent(world.crs, world.height_bounds)


def _cell_means(glacier, gx, gy, fraction):
    """Average the (n_term, n_y, n_x) change patterns, over the ice alone in cells that the margin crosses."""
    patterns = glacier.change_patterns(gx, gy)
    edge = (fraction > 0) & (fraction < 1)
    offset = ((np.arange(_MASK_SAMPLES) + 0.5) / _MASK_SAMPLES - 0.5) * NODE
    du, dv = np.meshgrid(offset, offset)
    px, py = gx[edge][:, None] + du.ravel(), gy[edge][:, None] + dv.ravel()
    patterns[:, edge] = glacier.change_patterns(px, py).sum(axis=-1) / glacier.ice(px, py).sum(axis=-1)
    return patterns


def _cover(fraction, years):
    """
    Compute the (n_time, n_y, n_x) ice cover.

    Cells of the margin lose 0.3 % a year. Those with next to nothing are bare from 2021.

    The extent of the truth is fixed; the product's mask is not, and a reader has to live with that.
    """
    elapsed = (years - years[0])[:, None, None]
    loss = np.where(fraction < 1, 0.003, 0.0) * elapsed
    gone = (fraction < 0.03) & (years[:, None, None] >= 2021.0)
    return np.where(gone, 0.0, fraction * (1 - loss))


def _blocks(values, n):
    """View the nodes of each coarse cell as (..., m_y, m_x, n + 1, n + 1), edges included on all sides."""
    window = np.lib.stride_tricks.sliding_window_view(values, (n + 1, n + 1), axis=(-2, -1))
    return window[..., ::n, ::n, :, :]


def _variance(amplitude, spacing):
    """Compute the variance of the sum over each block of `amplitude` times a correlated field of unit variance."""
    rows, columns, n, _ = amplitude.shape
    r, c = (axis.ravel() * spacing for axis in np.mgrid[0:n, 0:n])
    correlation = noise.spherical(np.hypot(r[:, None] - r, c[:, None] - c), CORRELATION_RANGE)
    vectors = amplitude.reshape(rows * columns, n * n)
    return np.einsum("ki,ki->k", vectors @ correlation, vectors).reshape(rows, columns)
