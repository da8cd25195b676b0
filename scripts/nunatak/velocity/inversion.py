"""
Invert overlapping pairs to regular velocity series, with a prior on change and low weights for outliers.

Each pair's displacement is the sum of the velocities of the intervals it spans, times the time it spends in each. The
prior lets neighbouring intervals differ by `smoothness`. Without it, intervals in which no pair ends could not be
separated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from nunatak.constants import DAYS_PER_YEAR, FILL_VELOCITY
from nunatak.parameters.velocity import Inversion
from nunatak.products.itslive.ground import GROUND
from nunatak.runtime import NunatakError
from nunatak.times import decimal_year, from_decimal_year
from nunatak.velocity.annual_fields import speed_error
from nunatak.velocity.composition import series_of
from nunatak.velocity.design import Design, design, overlaps
from nunatak.velocity.inverse_cells import Steps, invert_cells

_CANDIDATES = np.array([3.0, 10.0, 30.0, 100.0, 300.0, 1000.0])  # m/yr between steps
_SAMPLE, _FOLDS = 48, 5


def invert(
    cube: xr.Dataset,
    *,
    step_days: float = Inversion.step_days,
    start: str | None = None,
    end: str | None = None,
    smoothness: float | None = Inversion.smoothness,
    robust: bool = Inversion.robust,
    image_sigma: float = Inversion.image_sigma,
    minimum: int = Inversion.minimum,
    everywhere: bool = False,
    memory_mb: int = 512,
    threads: int = 2,
) -> xr.Dataset:
    """
    Invert the pairs of a cube to a regular series of velocities.

    Parameters
    ----------
    cube : Dataset of a cube (see `composite`)
    step_days : length of an interval
    start, end : datetime64 or date text; by default the first and last image
    smoothness : standard deviation of the change from one interval to the next, m/yr; by default the one of 3, 10, ...,
        1000 that predicts left-out pairs best in a sample of cells
    robust : weigh outliers down (Tukey's biweight of the standardised residuals, at most 10 rounds)
    image_sigma : position error of one image in metres, shared by all its pairs; 0 takes the pairs as independent
    minimum : least pairs of a cell
    everywhere : all cells, not only those of `roi`
    memory_mb, threads : as in `composite`

    Returns
    -------
    Dataset with `time` (middle of the interval; `time_start`, `time_end`), y, x: `vx, vy, v` m/yr with `_error`, and
        `pairs`, how many touch the interval. NaN before the first and after the last interval that a pair touches;
        gaps inside are bridged by the prior, with an error that says so. Errors grow with sqrt(reduced chi2).

    Raises
    ------
    NunatakError : no layers, no cell of the region on the grid, an empty period, or a step that is not positive

    Notes
    -----
    Minimises ``|W (A x - d)|^2 + |difference of x|^2 / smoothness^2``, with A the time each pair spends in each
    interval, d its displacement, W from its error. After TICOI (Charrier et al. 2025, The Cryosphere 19, 4555), whose
    intervals run from image to image; here they are regular from the start.
    """
    if not step_days > 0:
        raise NunatakError(f"velocity: inversion step of {step_days} days; choose a positive number")
    pairs = design(cube)
    steps = _steps(pairs, step_days, start, end)
    mask = np.ones((cube.sizes["y"], cube.sizes["x"]), dtype=bool)
    if "roi" in cube and not everywhere:
        mask = np.asarray(cube["roi"].values, dtype=bool)
    rows = int(max(1, memory_mb * 1e6 // (cube.sizes["time"] * cube.sizes["x"] * 8)))
    bands = [slice(r, r + rows) for r in range(0, mask.shape[0], rows) if mask[r : r + rows].any()]
    if not bands:
        raise NunatakError("velocity: the region has no cell on this grid; choose a larger region or a finer grid")
    if smoothness is None:
        smoothness = choose_smoothness(_sampled(cube, mask), pairs, steps, robust=robust, minimum=minimum)
    options: dict[str, Any] = {
        "smoothness": smoothness,
        "robust": robust,
        "image_sigma": image_sigma,
        "minimum": minimum,
    }
    parts = []
    for band in bands:
        vx, vy = (series_of(cube[name][:, band].values, mask[band]) for name in ("vx", "vy"))
        parts.append(invert_cells(vx, vy, pairs, steps, threads=threads, **options))
    cells = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _dataset(cells, mask, cube, steps, smoothness)


def _steps(pairs: Design, step_days, start, end):
    """Return the intervals of a series."""
    s, e = pairs.mid - pairs.dt / 2, pairs.mid + pairs.dt / 2
    low = s.min() if start is None else float(decimal_year(np.datetime64(start)))
    high = e.max() if end is None else float(decimal_year(np.datetime64(end)))
    if not high > low:
        raise NunatakError("velocity: the period of the inversion is empty; write the earlier date first")
    step = step_days / DAYS_PER_YEAR
    edges = low + step * np.arange(int(np.ceil((high - low) / step - 1e-9)) + 1)
    first, overlap, _ = overlaps(s, e, edges)
    # a pair that reaches beyond the period would be explained by too little time
    overlap[(s < edges[0] - 1e-9) | (e > edges[-1] + 1e-9)] = 0.0
    return Steps(edges, first, overlap)


def choose_smoothness(
    sample: tuple[np.ndarray, ...],
    pairs: Design,
    steps: Steps,
    *,
    robust: bool = Inversion.robust,
    minimum: int = Inversion.minimum,
) -> float:
    """
    Choose the smoothness (m/yr between steps) that best predicts left-out pairs, by five folds over a sample of cells.

    Parameters
    ----------
    sample : vx and vy of some cells, (n_cell, N) int16 each

    Returns
    -------
    float, one of 3, 10, 30, 100, 300, 1000
    """
    vx, vy = sample
    fold = np.arange(pairs.dt.size) % _FOLDS
    misfit = []
    for smoothness in _CANDIDATES:
        errors = []
        for k in range(_FOLDS):
            held = fold == k
            fit = invert_cells(vx, vy, pairs, steps, smoothness=smoothness, robust=robust, minimum=minimum, held=held)
            errors += [_predicted(fit["velocity"][:, c], v, c, pairs, steps, held) for c, v in enumerate((vx, vy))]
        left = np.abs(np.concatenate(errors))
        misfit.append(np.mean(np.minimum(left, 3.0)) if left.size else np.inf)  # a blunder counts as 3 sigma
    return float(_CANDIDATES[int(np.argmin(misfit))])


def _predicted(velocity, observed, component, pairs, steps, held):
    """Return the standardised residuals of the left-out pairs."""
    size = steps.edges.size - 1
    index = np.minimum(steps.first[held][:, None] + np.arange(steps.overlap.shape[1]), size - 1)
    overlap = steps.overlap[held]
    part = np.where(overlap > 0, velocity[:, index] * overlap, 0.0).sum(axis=-1) / pairs.dt[held]
    residual = (observed[:, held] - part) / pairs.sigma[component, held]
    good = (observed[:, held] != FILL_VELOCITY) & np.isfinite(residual) & (overlap[:, 0] > 0) & pairs.keep[held]
    return residual[good]


def _sampled(cube, mask):
    """Return (n, N) series of at most 48 cells, evenly over the region."""
    rows, columns = np.nonzero(mask)
    chosen = np.unique(np.linspace(0, rows.size - 1, min(_SAMPLE, rows.size)).astype(int))
    points = {"y": xr.DataArray(rows[chosen], dims="cell"), "x": xr.DataArray(columns[chosen], dims="cell")}
    some = cube[["vx", "vy"]].isel(points).transpose("time", "cell")
    return tuple(series_of(some[name].values[:, None], np.ones((1, chosen.size), bool)) for name in ("vx", "vy"))


def _dataset(cells, mask, cube, steps, smoothness):
    """Return the series on the grid."""
    fields = {}
    (vx, vy), (ex, ey) = np.moveaxis(cells["velocity"], 1, 0), np.moveaxis(cells["error"], 1, 0)
    values = {
        "vx": vx,
        "vy": vy,
        "v": np.hypot(vx, vy),
        "vx_error": ex,
        "vy_error": ey,
        "v_error": speed_error(vx, vy, ex, ey),
        "pairs": cells["pairs"],
    }
    for name, array in values.items():
        size = (array.shape[1], *mask.shape)
        full = np.zeros(size, "i4") if name == "pairs" else np.full(size, np.nan, "f4")
        full[:, mask] = array.T
        fields[name] = (("time", "y", "x"), full, {"units": "1" if name == "pairs" else "m/yr"})
    middle = (steps.edges[:-1] + steps.edges[1:]) / 2
    out = xr.Dataset(fields, {"time": from_decimal_year(middle), "y": cube["y"], "x": cube["x"]})
    out = out.assign_coords(
        time_start=("time", from_decimal_year(steps.edges[:-1])), time_end=("time", from_decimal_year(steps.edges[1:]))
    )
    out.attrs = {"crs": cube.attrs.get("crs", ""), "smoothness": float(smoothness), "method": "inversion", **GROUND}
    return out
