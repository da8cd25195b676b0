"""
Regular velocity series out of overlapping pairs: displacements inverted with a prior on change, outliers weighed down.

Each pair's displacement is the sum of the velocities of the intervals it spans, times the time it spends in each. The
prior lets neighbouring intervals differ by `smoothness`; without it intervals that no pair ends in cannot be told apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from nunatak.kernels import kernel
from nunatak.runtime import NunatakError
from nunatak.times import decimal_year, from_decimal_year
from nunatak.velocity import banded
from nunatak.velocity.annual_cells import in_threads
from nunatak.velocity.annual_fields import speed_error
from nunatak.velocity.composites import series_of
from nunatak.velocity.design import Design, design, overlaps

_FILL = -32767
_TUKEY = 4.685  # 95 % efficiency for Gaussian errors
_ROUNDS, _SETTLED = 10, 0.1  # of the weights, as TICOI stops
_CANDIDATES = np.array([3.0, 10.0, 30.0, 100.0, 300.0, 1000.0])  # m/yr between steps
_SAMPLE, _FOLDS = 48, 5


@dataclass(frozen=True)
class Steps:
    """The regular intervals of a series and what each pair spends in them."""

    edges: np.ndarray
    """(m + 1,) decimal years"""
    first: np.ndarray
    """(N,) first interval of each pair"""
    overlap: np.ndarray
    """(N, M) years in the intervals first, first + 1, ..."""


def invert(
    cube, *, step_days=30.0, start=None, end=None, smoothness=None, robust=True, image_sigma=0.0, minimum=5,
    everywhere=False, memory_mb=512, threads=2,
):  # fmt: skip
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
    NunatakError : no layers, an empty period, or a step that is not positive
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
        smoothness = choose_smoothness(*_sampled(cube, mask), pairs, steps, robust=robust, minimum=minimum)
    options = {"smoothness": smoothness, "robust": robust, "image_sigma": image_sigma, "minimum": minimum}
    parts = []
    for band in bands:
        series = [series_of(cube[name][:, band].values, mask[band]) for name in ("vx", "vy")]
        parts.append(invert_cells(*series, pairs, steps, threads=threads, **options))
    cells = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _dataset(cells, mask, cube, steps, smoothness)


def _steps(pairs: Design, step_days, start, end):
    s, e = pairs.mid - pairs.dt / 2, pairs.mid + pairs.dt / 2
    low = s.min() if start is None else float(decimal_year(np.datetime64(start, "ns")))
    high = e.max() if end is None else float(decimal_year(np.datetime64(end, "ns")))
    if not high > low:
        raise NunatakError("velocity: the period of the inversion is empty; write the earlier date first")
    step = step_days / 365.25
    edges = low + step * np.arange(int(np.ceil((high - low) / step - 1e-9)) + 1)
    first, overlap, _ = overlaps(s, e, edges)
    # a pair that reaches beyond the period would be explained by too little time
    overlap[(s < edges[0] - 1e-9) | (e > edges[-1] + 1e-9)] = 0.0
    return Steps(edges, first, overlap)


@kernel
def _assemble(velocity, use, n, dt, weight, extra, first, overlap, prior, matrix, right):
    """Normal matrix (banded) of the pairs and of the prior on differences."""
    size, width = matrix.shape
    band = width - 1
    matrix[:] = 0.0
    right[:] = 0.0
    for i in range(size):
        matrix[i, band] += prior * ((i > 0) + (i < size - 1))
        if i > 0:
            matrix[i, band - 1] -= prior
    # the prior fixes differences only; a hair of it on the values keeps the matrix positive definite without any pair
    matrix[0, band] += 1e-12 * prior
    for q in range(n):
        i = use[q]
        w = weight[i] * weight[i] * extra[q]
        d = velocity[i] * dt[i]
        for p in range(overlap.shape[1]):
            m = overlap[i, p]
            if m == 0.0:
                continue
            row = first[i] + p
            right[row] += w * m * d
            for r in range(p + 1):
                matrix[row, band - (p - r)] += w * m * overlap[i, r]


@kernel
def _residuals(velocity, use, n, dt, weight, first, overlap, solution, out):
    for q in range(n):
        i = use[q]
        r = velocity[i] * dt[i]
        for p in range(overlap.shape[1]):
            if overlap[i, p] != 0.0:
                r -= overlap[i, p] * solution[first[i] + p]
        out[q] = r * weight[i]


@kernel
def _biweights(residual, n, scratch, extra):
    """Tukey weights of standardised residuals; returns the largest change."""
    for q in range(n):
        scratch[q] = abs(residual[q])
    scratch[:n].sort()
    scale = max(1.4826 * (scratch[(n - 1) // 2] + scratch[n // 2]) / 2, 0.1)
    change = 0.0
    for q in range(n):
        u = residual[q] / (_TUKEY * scale)
        w = (1.0 - u * u) ** 2 if abs(u) < 1.0 else 0.0
        change = max(change, abs(w - extra[q]))
        extra[q] = w
    return change


@kernel
def _shared_variance(use, n, weight, extra, first, overlap, images, image_sigma, lower, gain, influence, out):
    """Variance when each image has its own position error: see `annual_fit.shared_image_variance`."""
    out[:] = 0.0
    influence[:] = 0.0
    for q in range(n):
        i = use[q]
        variance = 1.0 / (weight[i] * weight[i])
        gain[:] = 0.0
        for p in range(overlap.shape[1]):
            if overlap[i, p] != 0.0:
                gain[first[i] + p] = overlap[i, p] * extra[q] / variance
        banded.solve(lower, gain)
        own = max(variance - 2.0 * image_sigma * image_sigma, 0.0)
        for k in range(out.size):
            out[k] += gain[k] * gain[k] * own
            influence[images[0, i], k] -= gain[k]
            influence[images[1, i], k] += gain[k]
    for m in range(influence.shape[0]):
        for k in range(out.size):
            out[k] += image_sigma * image_sigma * influence[m, k] * influence[m, k]


@kernel
def _invert_cell(
    velocity, use, n, dt, weight, first, overlap, images, image_sigma, prior, rounds, matrix, inverse, right, variance,
    residual, scratch, extra, influence, out, error
):  # fmt: skip
    """Invert one component of one cell; out and error (m,) are overwritten. Returns the reduced chi2."""
    for q in range(n):
        extra[q] = 1.0
    for attempt in range(rounds):
        _assemble(velocity, use, n, dt, weight, extra, first, overlap, prior, matrix, right)
        if not banded.factor(matrix):
            return np.nan
        banded.solve(matrix, right)
        _residuals(velocity, use, n, dt, weight, first, overlap, right, residual)
        if attempt == rounds - 1 or _biweights(residual, n, scratch, extra) < _SETTLED:
            break
    banded.inverse_diagonal(matrix, inverse, variance)
    square, kept = 0.0, 0.0
    for q in range(n):
        square += extra[q] * residual[q] * residual[q]
        kept += extra[q]
    freedom = 0.0  # the trace of the part that the data decide: unknowns less what the prior decides
    for k in range(right.size):
        neighbours = (k > 0) + (k < right.size - 1)
        freedom += variance[k] * prior * neighbours
        if k > 0:
            freedom -= 2.0 * prior * inverse[k, inverse.shape[1] - 2]
    chi2 = square / max(kept - (right.size - freedom), 1.0)
    if image_sigma > 0.0:
        # the prior's share stays; the data's share is replaced by what shared images allow
        _shared_variance(
            use, n, weight, extra, first, overlap, images, image_sigma, matrix, scratch[: right.size], influence, error
        )
        for k in range(right.size):
            variance[k] = max(variance[k], error[k])
    for k in range(right.size):
        out[k] = right[k]
        error[k] = np.sqrt(variance[k] * max(chi2, 1.0))
    return chi2


@kernel
def _invert_cells(
    vx, vy, shift, keep, held, dt, weight, first, overlap, images, image_sigma, prior, rounds, minimum, band, out, error, count
):  # fmt: skip
    n_pair, size = vx.shape[1], out.shape[2]
    matrix, inverse = np.empty((size, band + 1)), np.zeros((size, band + 1))
    right, variance = np.empty(size), np.empty(size)
    residual, extra, scratch = np.empty(n_pair), np.empty(n_pair), np.empty(max(n_pair, size))
    influence = np.zeros((images.max() + 1 if image_sigma > 0.0 else 1, size))
    use, row = np.empty(n_pair, np.int64), np.zeros(n_pair)
    for cell in range(vx.shape[0]):
        n = 0
        for i in range(n_pair):
            if vx[cell, i] != _FILL and vy[cell, i] != _FILL and keep[i] and not held[i] and overlap[i, 0] > 0.0:
                use[n] = i
                n += 1
        out[cell] = np.nan
        error[cell] = np.nan
        for q in range(n):
            for p in range(overlap.shape[1]):
                if overlap[use[q], p] > 0.0:
                    count[cell, first[use[q]] + p] += 1
        if n < minimum:
            continue
        for c in range(2):
            values = vx if c == 0 else vy
            for q in range(n):
                row[use[q]] = values[cell, use[q]] + shift[c, use[q]]
            _invert_cell(
                row, use, n, dt, weight[c], first, overlap, images, image_sigma, prior, rounds, matrix, inverse, right,
                variance, residual, scratch, extra, influence, out[cell, c], error[cell, c]
            )  # fmt: skip
        low, high = 0, size - 1
        while low < size and count[cell, low] == 0:
            low += 1
        while high > low and count[cell, high] == 0:
            high -= 1
        out[cell, :, :low] = np.nan
        out[cell, :, high + 1 :] = np.nan
        error[cell, :, :low] = np.nan
        error[cell, :, high + 1 :] = np.nan


def invert_cells(
    vx, vy, pairs, steps, *, smoothness, robust=True, image_sigma=0.0, minimum=5, held=None, threads=1
):  # fmt: skip
    """
    Invert many cells.

    Parameters
    ----------
    vx, vy : (n_cell, N) int16 m/yr, fill -32767
    pairs : Design; steps : Steps
    held : (N,) bool, pairs to leave out

    Returns
    -------
    dict: `velocity`, `error` (n_cell, 2, m) m/yr; `pairs` (n_cell, m)
    """
    n_cell, size = vx.shape[0], steps.edges.size - 1
    out = {
        "velocity": np.empty((n_cell, 2, size)), "error": np.empty((n_cell, 2, size)),
        "pairs": np.zeros((n_cell, size), "int32"),
    }  # fmt: skip
    shared = {
        "shift": pairs.shift, "keep": pairs.keep, "dt": pairs.dt, "weight": 1.0 / (pairs.sigma * pairs.dt),
        "held": np.zeros(pairs.dt.size, bool) if held is None else held, "first": steps.first,
        "overlap": steps.overlap, "images": pairs.images, "image_sigma": float(image_sigma),
        "prior": 1.0 / float(smoothness) ** 2, "rounds": _ROUNDS if robust else 1, "minimum": minimum,
        "band": max(1, steps.overlap.shape[1] - 1),
    }  # fmt: skip

    def work(share):
        arrays = {"out": out["velocity"][share], "error": out["error"][share], "count": out["pairs"][share]}
        _invert_cells(vx=vx[share], vy=vy[share], **arrays, **shared)

    in_threads(work, n_cell, threads)
    return out


def invert_reference(velocity, pairs, steps, *, smoothness, component=0):
    """The definition of one cell's inversion, not robust, with dense matrices: (values, errors before chi2)."""
    size = steps.edges.size - 1
    matrix = np.zeros((velocity.size, size))
    for p in range(steps.overlap.shape[1]):
        column = np.minimum(steps.first + p, size - 1)
        matrix[np.arange(velocity.size), column] += steps.overlap[:, p]
    used = np.isfinite(velocity)
    weight = 1 / (pairs.sigma[component] * pairs.dt)[used]
    scaled = matrix[used] * weight[:, None]
    difference = np.diff(np.eye(size), axis=0) / smoothness
    normal = scaled.T @ scaled + difference.T @ difference
    right = scaled.T @ ((velocity * pairs.dt)[used] * weight)
    return np.linalg.solve(normal, right), np.sqrt(np.diag(np.linalg.inv(normal)))


def choose_smoothness(vx, vy, pairs, steps, *, robust=True, minimum=5):
    """
    The smoothness (m/yr between steps) that best predicts pairs left out, by five folds over a sample of cells.

    Parameters
    ----------
    vx, vy : (n_cell, N) int16 of the sample

    Returns
    -------
    float, one of 3, 10, 30, 100, 300, 1000
    """
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
    """Standardised residuals of the pairs left out."""
    size = steps.edges.size - 1
    index = np.minimum(steps.first[held][:, None] + np.arange(steps.overlap.shape[1]), size - 1)
    overlap = steps.overlap[held]
    part = np.where(overlap > 0, velocity[:, index] * overlap, 0.0).sum(axis=-1) / pairs.dt[held]
    residual = (observed[:, held] - part) / pairs.sigma[component, held]
    good = (observed[:, held] != _FILL) & np.isfinite(residual) & (overlap[:, 0] > 0) & pairs.keep[held]
    return residual[good]


def _sampled(cube, mask):
    """(n, N) series of at most 48 cells, evenly over the region."""
    rows, columns = np.nonzero(mask)
    chosen = np.unique(np.linspace(0, rows.size - 1, min(_SAMPLE, rows.size)).astype(int))
    points = {"y": xr.DataArray(rows[chosen], dims="cell"), "x": xr.DataArray(columns[chosen], dims="cell")}
    some = cube[["vx", "vy"]].isel(points).transpose("time", "cell")
    return tuple(series_of(some[name].values[:, None], np.ones((1, chosen.size), bool)) for name in ("vx", "vy"))


def _dataset(cells, mask, cube, steps, smoothness):
    fields = {}
    (vx, vy), (ex, ey) = np.moveaxis(cells["velocity"], 1, 0), np.moveaxis(cells["error"], 1, 0)
    values = {
        "vx": vx, "vy": vy, "v": np.hypot(vx, vy), "vx_error": ex, "vy_error": ey,
        "v_error": speed_error(vx, vy, ex, ey), "pairs": cells["pairs"],
    }  # fmt: skip
    for name, array in values.items():
        full = (
            np.full((array.shape[1], *mask.shape), np.nan, "f4")
            if name != "pairs"
            else np.zeros((array.shape[1], *mask.shape), "i4")
        )
        full[:, mask] = array.T
        fields[name] = (("time", "y", "x"), full, {"units": "1" if name == "pairs" else "m/yr"})
    middle = (steps.edges[:-1] + steps.edges[1:]) / 2
    out = xr.Dataset(fields, {"time": from_decimal_year(middle), "y": cube["y"], "x": cube["x"]})
    out = out.assign_coords(
        time_start=("time", from_decimal_year(steps.edges[:-1])), time_end=("time", from_decimal_year(steps.edges[1:]))
    )
    out.attrs = {"crs": cube.attrs.get("crs", ""), "smoothness": float(smoothness), "method": "inversion"}
    return out
