"""
Flux divergence with its error in every cell of a map: ours against plain NumPy, window by window.

1000 x 1000 cells of 120 m of the simulated Pine Island, windows of four thicknesses of the ice (about 30 cells a side).
The plain way sums the fluxes through the edges around one cell after the other, and their errors with the correlation
between every two edges; it does a row in the middle, and its time is scaled to all of them.

    python benchmarks/dynamics.py
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from measure import measure, report

from nunatak.dynamics import flux_divergence
from nunatak.elevation.errors import spherical
from nunatak.geometry.grid import map_scale
from nunatak.simulation import world

CELLS, CELL, ROWS = 1000, 120.0, range(500, 501)
RANGE, SMOOTHING, YEAR = 5000.0, 4.0, 2015.0
X0, Y0 = -1603794.0, -308842.0


def fields():
    """Velocity and thickness of the simulated glacier with their errors."""
    along = (np.arange(CELLS) - CELLS / 2) * CELL
    axes, about = {"y": Y0 - along, "x": X0 + along}, {"crs": "EPSG:3031"}
    x, y = np.meshgrid(axes["x"], axes["y"])
    truth = world("pine_island").truth
    vx, vy = truth.velocity(x, y, YEAR)
    h = truth.thickness(x, y, YEAR)
    rows = {"vx": vx, "vy": vy, "vx_error": np.full(h.shape, 8.0), "vy_error": np.full(h.shape, 6.0)}
    velocity = xr.Dataset({name: (("y", "x"), values) for name, values in rows.items()}, axes, about)
    heights = {"thickness": np.where(h > 0, h, np.nan), "thickness_sigma": np.where(h > 0, 40.0, np.nan)}
    return velocity, xr.Dataset({n: (("y", "x"), v) for n, v in heights.items()}, axes, about)


FIELDS = fields()  # made with the imports, so that neither way is charged for it


def ours():
    """Divergence and its error in the rows, after those of all cells."""
    found = flux_divergence(*FIELDS, smoothing=SMOOTHING, velocity_range=RANGE, thickness_range=RANGE, crs="EPSG:3031")
    return _answer(*(found[name].values[ROWS[0] : ROWS[-1] + 1] for name in _NAMES))


def plain():
    """The same, window by window."""
    velocity, thickness = FIELDS
    u, v, eu, ev = (velocity[name].values for name in ("vx", "vy", "vx_error", "vy_error"))
    h, eh = thickness["thickness"].values, thickness["thickness_sigma"].values
    k = map_scale("EPSG:3031", *np.meshgrid(velocity["x"].values, velocity["y"].values))
    value, sigma = (np.full((len(ROWS), CELLS), np.nan) for _ in range(2))
    kernels: dict = {}
    for n, row in enumerate(ROWS):
        for column in range(CELLS):
            if not h[row, column] > 0:
                continue
            half = max(round((SMOOTHING * h[row, column] * k[row, column] / CELL - 1) / 2), 1)
            if column - half - 1 < 0 or column + half + 1 >= CELLS:
                continue
            i, j, di, dj, signs = _outline(half)
            near, far = (row + i, column + j), (row + i + di, column + j + dj)
            of_x = dj != 0
            across = np.where(of_x, (u[near] + u[far]) / 2, (v[near] + v[far]) / 2)
            error = np.where(of_x, (eu[near] + eu[far]) / 2, (ev[near] + ev[far]) / 2)
            thick, thick_error = (h[near] + h[far]) / 2, (eh[near] + eh[far]) / 2
            weight = signs * CELL / ((k[near] + k[far]) / 2)
            window = np.s_[row - half : row + half + 1, column - half : column + half + 1]
            area = (CELL**2 / k[window] ** 2).sum()
            if half not in kernels:
                place = np.stack([i + di / 2, j + dj / 2])
                rho = spherical(np.hypot(*(place[:, :, None] - place[:, None])) * CELL / k[row, column], RANGE)
                kernels[half] = rho, rho * np.equal.outer(of_x, of_x)
            alike, by_axis = kernels[half]
            by_h, by_v = weight * across * thick_error, weight * thick * error
            value[n, column] = (weight * across * thick).sum() / area
            sigma[n, column] = np.sqrt(by_h @ alike @ by_h + by_v @ by_axis @ by_v) / area
    return _answer(value, sigma)


_NAMES = ("flux_divergence", "flux_divergence_sigma")


def _outline(half):
    """Rows and columns of the cells inside each edge of a window, the step over the edge, and the sign of the flux."""
    side, far = np.arange(-half, half + 1), np.full(2 * half + 1, half)
    zero, one = np.zeros_like(side), np.ones_like(side)
    return (
        np.concatenate([side, side, -far, far]),
        np.concatenate([far, -far, side, side]),
        np.concatenate([zero, zero, -one, one]),
        np.concatenate([one, -one, zero, zero]),
        # rows run to the south
        np.concatenate([one, -one, one, -one]),
    )


def _answer(*rows):
    return [[None if np.isnan(v) else float(v) for v in values.ravel()] for values in rows]


def main():
    """Measure, compare, report."""
    found = {"ours": measure(__file__, "ours", repeat=3), "plain": measure(__file__, "plain", repeat=1)}
    scale = CELLS / len(ROWS)
    seconds = {name: m.cpu_seconds * (scale if name == "plain" else 1) for name, m in found.items()}
    own, other = (np.array(found[name].answer, float) for name in ("ours", "plain"))
    both = np.isfinite(own) & np.isfinite(other)
    assert (np.isfinite(own) == np.isfinite(other)).all(), "other cells have a divergence"
    share = np.abs(own - other)[1][both[1]] / other[1][both[1]]
    rows = {
        name: {"CPU s": seconds[name], "us per cell": seconds[name] / CELLS**2 * 1e6, "peak MB": m.peak_memory_mb}
        for name, m in found.items()
    }
    result = {
        "cpu_ratio_plain": seconds["plain"] / seconds["ours"],
        "seconds": seconds["ours"],
        "peak_memory_mb": found["ours"].peak_memory_mb,
        "max_abs_difference": float(np.abs(own - other)[0][both[0]].max()),
        "max_difference_of_errors": float(share.max()),
        "cells_compared": int(both[0].sum()),
    }
    report(f"divergence with errors in {CELLS} x {CELLS} cells, the plain way in {len(ROWS)} row", rows, result)


if __name__ == "__main__":
    main()
