"""Annual velocities straight from datacubes, some columns of chunks at a time, each chunk read once and none kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nunatak.constants import FILL_VELOCITY
from nunatak.runtime import written
from nunatak.velocity.composition import Composition, series_of
from nunatak.velocity.placing import COMPONENTS
from nunatak.velocity.speeds import EDGES, counts_of

log = logging.getLogger(__name__)
_BYTES = 64  # of a value while its cell is fitted: both components as read, in order of cells, and as numbers
_SHOWN = 8  # layers that are kept as maps


@dataclass
class Seen:
    """What is counted of layers while their values pass."""

    valid: np.ndarray
    """(N,) cells of the region with a velocity in each layer"""
    speeds: np.ndarray
    """counts of `speeds.counts_of`"""
    maps: dict[int, dict[str, np.ndarray]]
    """{number of a layer: {component: (ny, nx) int16}} of the layers that state the most valid cells"""


def stream_composite(stack, tiles, *, kept=None, memory_mb=256, threads=2, **options):
    """
    Fit annual velocities to the layers of datacubes without a copy of them.

    Parameters
    ----------
    stack, tiles : of `tiles.stack_of`
    kept : folder for what is finished of the map, so that a run that is killed goes on from there; its name must be
        one of this question alone
    memory_mb : bound on what is held of a window
    threads : cells are shared out among them
    options : of `velocity.composite`

    Returns
    -------
    annual : Dataset of `velocity.composite`
    seen : Seen
    """
    made = Composition(stack, threads=threads, **options)
    n, shape = stack.sizes["time"], made.mask.shape
    shown = np.sort(np.argsort(-stack["roi_valid_percentage"].values, kind="stable")[:_SHOWN])
    seen = Seen(np.zeros(n, dtype="int64"), np.zeros(EDGES.size - 1, dtype="int64"), {})
    seen.maps = {int(k): {c: np.full(shape, FILL_VELOCITY, "i2") for c in COMPONENTS} for k in shown}
    most = max(1, int(memory_mb * 1e6 / (_BYTES * max(n, 1))))
    windows = [w for w in windows_of(made.mask.shape, tiles, most) if made.mask[w].any()]

    def parts():
        done = 0
        for window in windows:
            block = _held(kept, window)
            done += block is not None
            if block is None:
                block = _compute(stack, made, window, shown)
                _keep(kept, window, block)
            _add(seen, block, window, shown)
            names = block["names"].astype(str)
            yield block["places"], {name: (block[f"field_{name}"], kind) for name, kind in names}
        if done:
            log.info("%d of %d parts of the map were there from a run before", done, len(windows))

    return made.dataset(parts(), stack, compact=True), seen


def windows_of(shape, tiles, most):
    """
    Return windows of a grid that begin and end where chunks of the cubes do, each chunk in one of them.

    Parameters
    ----------
    shape : (ny, nx)
    tiles : list of tiles.Tile
    most : cells of a window; a single chunk may have more

    Returns
    -------
    list of (rows, columns) slices that cover the grid, row after row
    """
    edges = [sorted({0, size}.union(*(tile.edges(axis, size) for tile in tiles))) for axis, size in enumerate(shape)]
    out = []
    for top, bottom in zip(edges[0][:-1], edges[0][1:], strict=True):
        left = 0
        for k, right in enumerate(edges[1][1:], 1):
            last = k == len(edges[1]) - 1
            if last or (edges[1][k + 1] - left) * (bottom - top) > most:
                out.append((slice(top, bottom), slice(left, right)))
                left = right
    return out


def _compute(stack, made, window, shown):
    """Return the fields of a window and what is counted there, as arrays by name."""
    rows, columns = window
    inside = made.mask[window]
    values = {name: stack[name][:, rows, columns].values for name in COMPONENTS}
    vx, vy = (series_of(values[name], inside) for name in COMPONENTS)
    fields = list(made.fields(vx, vy, window))
    known = (vx != FILL_VELOCITY) & (vy != FILL_VELOCITY)
    kinds = {name: kind for name, (_, kind) in fields[0][1].items()}
    block = {f"field_{name}": np.concatenate([part[name][0] for _, part in fields]) for name in kinds}
    block |= {"places": np.concatenate([places for places, _ in fields]), "names": np.array(list(kinds.items()))}
    block |= {"valid": known.sum(axis=0), "speeds": counts_of(vx, vy)}
    return block | {f"map_{name}": values[name][shown] for name in COMPONENTS}


def _add(seen, block, window, shown):
    seen.valid += block["valid"]
    seen.speeds += block["speeds"]
    for i, number in enumerate(shown):
        for name in COMPONENTS:
            seen.maps[int(number)][name][window] = block[f"map_{name}"][i]


def _file_of(kept, window):
    rows, columns = window
    return Path(kept) / f"{rows.start}-{rows.stop}_{columns.start}-{columns.stop}.npz"


def _held(kept, window):
    """
    Return a part of the map that a run before this one finished.

    The result is None where there is none that can be read.
    """
    if kept is None or not _file_of(kept, window).is_file():
        return None
    try:
        with np.load(_file_of(kept, window), allow_pickle=False) as block:
            return dict(block.items())
    except (OSError, ValueError, EOFError) as error:
        log.warning("%s: cannot be read (%s); it is made again", _file_of(kept, window), error)
        return None


def _keep(kept, window, block):
    if kept is None:
        return
    Path(kept).mkdir(parents=True, exist_ok=True)
    with written(_file_of(kept, window)) as part, open(part, "wb") as file:
        np.savez(file, **block)
