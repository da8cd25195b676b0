"""What a simulated pair measures: the truth's mean velocity over its span, on its grid, with the sensor's errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj
from scipy.ndimage import uniform_filter

from nunatak.constants import DAYS_PER_YEAR, FILL_VELOCITY
from nunatak.geometry.grid import Grid
from nunatak.products.itslive.ground import scale_field
from nunatak.simulation.itslive_pairs import MATCH_ERROR, site_of
from nunatak.times import decimal_year

EDGE = (-7.5, 7.5)  # of the cells in x and y, modulo the cell, as in the real granules
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(3)


@dataclass(frozen=True)
class Measured:
    """The variables of one granule and what it states about them."""

    grid: Grid
    vx: np.ndarray
    vy: np.ndarray
    """(ny, nx) int16, fill -32767; m/yr over ground in version 1, on the map in version 2, as in the real products"""
    chip_size: np.ndarray
    """(ny, nx) uint16, 0 where missing"""
    interpolated: np.ndarray
    """(ny, nx) uint8"""
    error: tuple[float, float]
    """m/yr, of vx and vy"""
    stable_shift: tuple[float, float]
    flag: int
    percent_valid: int

    @property
    def v(self):
        """Return the speed, int16 with fill -32767."""
        speed = np.rint(np.hypot(self.vx.astype(float), self.vy.astype(float)))
        return np.where(self.vx == FILL_VELOCITY, FILL_VELOCITY, speed).astype("i2")


def footprint(world, pair):
    """Return the Grid of a pair: its own lattice in its own projection."""
    cell = 240.0 if pair.layout == "v1" else 120.0
    if "stray" in pair.quirks:
        x, y = pair.centre
        return _on_lattice(pair.epsg, x - 60 * cell, y - 60 * cell, x + 60 * cell, y + 60 * cell, cell)
    site = site_of(world)
    half = site.half[world.size]
    x, y = site.centre[0] + pair.centre[0], site.centre[1] + pair.centre[1]
    if pair.epsg != site.epsg:
        x, y = pyproj.Transformer.from_crs(site.epsg, pair.epsg, always_xy=True).transform(x, y)
    return _on_lattice(pair.epsg, x - half[0], y - half[1], x + half[0], y + half[1], cell)


def _on_lattice(epsg, left, bottom, right, top, cell):
    return Grid.from_bounds(f"EPSG:{epsg}", (left, bottom, right, top), cell, lattice=EDGE)


class Truth:
    """
    The glacier's velocity on the cells of one projection and cell size, at any time, at the cost of a few products.

    Parameters
    ----------
    world : World
    grid : Grid that covers all footprints
    """

    def __init__(self, world, grid):
        x, y = np.meshgrid(grid.x, grid.y)
        self._turn = None
        if grid.crs != world.crs:
            self._turn, x, y = _axes(world.crs, grid.crs, x, y)
        glacier = world.truth
        self.grid, self._glacier = grid, glacier
        self.ice = glacier.ice(x, y)
        k = np.where(self.ice, glacier.scale(x, y), 0.0)
        self._flux = [tuple((k * part).astype("f4") for part in term.field.flux(x, y)) for term in glacier.flow]
        self._thickness = glacier.thickness(x, y, 2020.0).astype("f4")
        self._patterns = glacier.change_patterns(x, y).astype("f4")
        self._since = glacier.change_factors(2020.0)

    def velocity(self, t, rows, columns):
        """Compute components along the grid's axes (m/yr) at decimal year t in a window of the grid, 0 off the ice."""
        factors = (self._glacier.change_factors(t) - self._since).astype("f4")
        thickness = self._thickness[rows, columns] + np.tensordot(factors, self._patterns[:, rows, columns], 1)
        qx = sum(
            np.float32(t_.factor.value(t)) * q[0][rows, columns]
            for t_, q in zip(self._glacier.flow, self._flux, strict=True)
        )
        qy = sum(
            np.float32(t_.factor.value(t)) * q[1][rows, columns]
            for t_, q in zip(self._glacier.flow, self._flux, strict=True)
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            vx, vy = (np.where(self.ice[rows, columns], q / thickness, 0.0) for q in (qx, qy))
        if self._turn is not None:
            cosine, sine = (part[rows, columns] for part in self._turn)
            vx, vy = cosine * vx - sine * vy, sine * vx + cosine * vy
        return vx, vy

    def mean(self, start, end, rows, columns):
        """
        Compute the mean velocity from start to end (decimal years) by Gauss' rule of three, exact for a year's cycle.
        """
        total = [0.0, 0.0]
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            part = self.velocity((start + end) / 2 + node * (end - start) / 2, rows, columns)
            total = [a + weight / 2 * b for a, b in zip(total, part, strict=True)]
        return total


def _axes(truth_crs, crs, x, y):
    """
    Compute cosine and sine that turn truth components onto a grid's axes, and the cells' places in the truth's CRS.
    """
    back = pyproj.Transformer.from_crs(crs, truth_crs, always_xy=True)
    px, py = back.transform(x, y)
    qx, qy = back.transform(x + 1.0, y)
    # the grid's x axis points along (qx - px, qy - py) on the truth's map: turn by minus that angle
    angle = -np.arctan2(qy - py, qx - px)
    return (np.cos(angle), np.sin(angle)), px, py


def measure(world, pair, grid, truth):
    """
    Simulate the Measured of one pair.

    Error budget in metres of displacement, e0 the sensor's `MATCH_ERROR`: 0.8 e0 from cell to cell (smooth over three
    cells, as chips overlap), 0.4 e0 per image, shared by all its pairs. Together 0.98 e0: what the pair states.
    """
    rng = world.rng("itslive", pair.key)
    vx, vy, seen = _true_field(pair, grid, truth)
    e0 = MATCH_ERROR[pair.platform]
    per_metre = DAYS_PER_YEAR / pair.dt_days
    noise = [0.8 * e0 * per_metre * _smooth_noise(rng, grid.shape) for _ in range(2)]
    image = [world.rng("itslive", "image", name).standard_normal(2) for name in (pair.id_img2, pair.id_img1)]
    offset = 0.4 * e0 * per_metre * (image[0] - image[1])
    shift, flag = _stable_shift(rng, pair, e0 * per_metre)
    wrong = np.asarray(shift) if "wrong_shift" in pair.quirks else np.zeros(2)
    components = [v + n + o - w for v, n, o, w in zip((vx, vy), noise, offset, wrong, strict=True)]
    speed = np.hypot(vx, vy)
    _add_blunders(rng, components, speed, pair)
    seen &= _seen(rng, pair, grid, speed)
    if "empty" in pair.quirks:
        seen[:] = False
    # version 2 is in map units: everything measured is k times what it is on the ground
    k = np.ones(grid.shape) if pair.layout == "v1" else scale_field(grid)
    middle = float(k[grid.ny // 2, grid.nx // 2])
    packed = [np.where(seen, np.clip(np.rint(c * k), -32000, 32000), FILL_VELOCITY).astype("i2") for c in components]
    stated = [round(float(0.98 * e0 * per_metre * f) * middle, 1) for f in rng.uniform(0.9, 1.1, 2)]
    shift = round(shift[0] * middle, 1), round(shift[1] * middle, 1)
    chip = np.where(speed > 1500, 960, 480).astype("u2") * seen
    interpolated = ((rng.random(grid.shape, dtype="f4") < 0.05) & seen).astype("u1")
    share = int(np.floor(100 * seen.mean()))
    return Measured(grid, packed[0], packed[1], chip, interpolated, (stated[0], stated[1]), shift, flag, share)


def _true_field(pair, grid, truth):
    if truth is None:  # the stray pair: slow ice of another place
        return np.full(grid.shape, 80.0), np.full(grid.shape, -60.0), np.ones(grid.shape, dtype=bool)
    master = truth.grid
    row, column = round((master.top - grid.top) / grid.dy), round((grid.left - master.left) / grid.dx)
    window = slice(row, row + grid.ny), slice(column, column + grid.nx)
    vx, vy = truth.mean(float(decimal_year(pair.time1)), float(decimal_year(pair.time2)), *window)
    return vx, vy, truth.ice[window].copy()


def _smooth_noise(rng, shape):
    white = rng.standard_normal(shape, dtype="f4")
    return 3.0 * uniform_filter(white, 3, mode="wrap")


def _stable_shift(rng, pair, scale):
    """
    Draw the correction that the processing applied (m/yr) and its flag. A wrong one is far beyond ITS_LIVE's limits.
    """
    if "wrong_shift" in pair.quirks:
        sign = rng.choice([-1.0, 1.0], 2)
        shift = sign * 90.0 * DAYS_PER_YEAR / pair.dt_days
        return (round(float(shift[0]), 1), round(float(shift[1]), 1)), 2 if "slow_shift" in pair.quirks else 1
    if "no_shift" in pair.quirks:
        return (float("nan"), float("nan")), 0
    shift = 0.3 * scale * rng.standard_normal(2)
    return (round(float(shift[0]), 1), round(float(shift[1]), 1)), 2 if "slow_shift" in pair.quirks else 1


def _add_blunders(rng, components, speed, pair):
    """Add false matches in patches, and long Sentinel-2 pairs that lock on to what does not move."""
    patches = uniform_filter((rng.random(speed.shape, dtype="f4") < 0.0012).astype("f4"), 3) > 0
    for component in components:
        component[patches] = rng.uniform(-6000, 6000, int(patches.sum()))
    if "locked" in pair.quirks:
        held = (_smooth_noise(rng, speed.shape) > -0.3) & (speed > 300)
        for component in components:
            component[held] = 5.0 * rng.standard_normal(int(held.sum()))


def _seen(rng, pair, grid, speed):
    """
    Simulate clouds, slanted edges of the frames, failed scan lines, and decorrelation of fast ice with separation.
    """
    x, y = np.meshgrid(np.linspace(-1, 1, grid.nx), np.linspace(-1, 1, grid.ny))
    cloud = uniform_filter(rng.standard_normal(grid.shape, dtype="f4"), max(3, grid.nx // 12), mode="wrap")
    share = rng.uniform(0.05, 0.55) if not pair.platform.startswith("S1") else 0.02
    seen = cloud > np.quantile(cloud, share)
    tilt = np.deg2rad(rng.uniform(-25, 25))
    seen &= (np.abs(x * np.cos(tilt) + y * np.sin(tilt)) < 0.98) & (np.abs(y * np.cos(tilt) - x * np.sin(tilt)) < 0.98)
    if "stripes" in pair.quirks:
        distance = (np.arange(grid.ny)[:, None] + 0.2 * np.arange(grid.nx)) * grid.dy
        width = 0.3 * np.abs(x)  # of the period; the middle of a Landsat 7 scene has none
        seen &= distance % 2700.0 > 2700.0 * width
    loss = np.clip((pair.dt_days - 48.0) / 200.0, 0, 1) * np.clip(speed / 3000.0, 0, 1)
    return seen & (rng.random(grid.shape, dtype="f4") >= loss)
