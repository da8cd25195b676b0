"""
Pack the maps of a study for its viewer: codes of colours for every cell, exact values for series.

A block is a zlib stream. Codes are whole numbers from 0 to 254 or, of large stacks, to a smaller number, on a linear or
logarithmic scale; 255 is missing. Of each row the differences from cell to cell are kept, modulo 256. Exact values are
float32 of the cells that have any, time by time, each as bits that differ from the value before (XOR), and of all of
them first the lowest bytes, then the next. Where a stack is large, exact values are kept of every k-th cell of every
k-th row.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from nunatak.explorer.layers import Layer
from nunatak.figures.colour import nice, symmetric_limit

MISSING = 255
# the highest code, by the number of values from which on it is used: noise in fine steps is what a page is large from
_LEVELS = {0: 254, 100_000: 126, 2_000_000: 62}
_LEVEL = 6  # of zlib
# bytes of exact values that all layers with several times, and all others, share equally before they are compressed
_TIMED = 6_000_000
_STATIC = 5_000_000
_SMALL = 100_000  # values of a layer that takes no share
_SAMPLE = 500_000  # values that the limits of colours are taken from, or that are coded at a time
_WIDER = 0.3  # of the span of most values, by which codes reach further than the limits of the colours


def shares(layers: list[Layer]) -> list[int]:
    """Return how many bytes of exact values each of some layers may have."""
    timed = [len(layer.steps) > 1 for layer in layers]
    large = [max(1, len(layer.steps)) * layer.grid.size > _SMALL for layer in layers]
    among = {kind: max(1, sum(big for big, other in zip(large, timed, strict=True) if other == kind)) for kind in timed}
    return [(_TIMED if kind else _STATIC) // among[kind] for kind in timed]


def packed(layer: Layer, most: int = _TIMED) -> tuple[dict[str, Any], dict[str, bytes]]:
    """
    Return a layer as the viewer reads it: what is said of it, and its blocks by name.

    Parameters
    ----------
    layer : as `layers.layers` yields them
    most : bytes of exact values before they are compressed

    Returns
    -------
    about : mapping; `low`, `high` are the values of the codes 0 and `levels`, `limits` those of the colours, `every`
        the step of the cells with exact values, `newest` the last time with any value
    blocks : mapping of `codes`, `cells`, `values` and, where there are errors, `errors`
    """
    values = layer.values()
    limits, ends = scale(values, palette=layer.palette, logarithmic=layer.logarithmic)
    ny, nx = values.shape[1:]
    every = step_of(values, most, errors=layer.errors is not None)
    kept = np.isfinite(values[:, ::every, ::every]).any(axis=0)
    present = int(np.isfinite(values).sum())
    levels = next(top for least, top in reversed(_LEVELS.items()) if present >= least)
    blocks = {
        "codes": _codes(values, ends, levels, logarithmic=layer.logarithmic),
        "cells": zlib.compress(kept.astype("uint8").tobytes(), _LEVEL),
        "values": _exact(values[:, ::every, ::every], kept),
    }
    missing = 1 - present / values.size
    newest = max((step for step, plane in enumerate(values) if np.isfinite(plane).any()), default=0)
    del values
    if layer.errors is not None:
        blocks["errors"] = _exact(layer.errors()[:, ::every, ::every], kept)
    grid = layer.grid
    about = {
        **{key: getattr(layer, key) for key in ("name", "title", "unit", "palette", "logarithmic")},
        "crs": grid.crs,
        **{key: float(getattr(grid, key)) for key in ("left", "top", "dx", "dy")},
        "nx": nx,
        "ny": ny,
        "steps": [list(step) for step in layer.steps],
        "limits": limits,
        "low": ends[0],
        "high": ends[1],
        "levels": levels,
        "newest": newest,
        "every": every,
        "errors": layer.errors is not None,
        "missing": missing,
    }
    return about, blocks


def scale(values: np.ndarray, *, palette: str, logarithmic: bool) -> tuple[list[float], list[float]]:
    """
    Return the limits of a layer's colours, and those of its codes, which reach further.

    Parameters
    ----------
    values : any shape, NaN is missing
    palette : "change" is symmetric about zero, "cycle" a year of days
    logarithmic : colours and codes go by the logarithm
    """
    finite = values.ravel()[:: max(1, values.size // _SAMPLE)]
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        finite = values[np.isfinite(values)]
    if logarithmic:
        finite = finite[finite > 0]
    if palette == "cycle":
        return [0.0, 366.0], [0.0, 366.0]
    if not finite.size:
        return ([1.0, 10.0], [1.0, 10.0]) if logarithmic else ([-1.0, 1.0], [-1.0, 1.0])
    least, most = float(finite.min()), float(finite.max())
    if palette == "change":
        top = symmetric_limit(finite)
        reach = min(max(abs(least), abs(most), top), top * (1 + 2 * _WIDER))
        return [-top, top], [-reach, reach]
    low, high = (float(part) for part in np.percentile(finite, [1, 99]))
    if logarithmic:
        low, high = 10.0 ** np.floor(np.log10(low)), nice(max(high, 1.01 * low))
        return [low, high], [max(low / 10, min(least, low)), max(high, min(most, 3 * high))]
    if high <= low:
        low, high = low - 0.5, high + 0.5
    low = 0.0 if 0 <= low < 0.5 * high else low
    step = nice((high - low) / 50)
    low, high = float(np.floor(low / step) * step), float(np.ceil(high / step) * step)
    wide = _WIDER * (high - low)
    return [low, high], [min(low, max(least, low - wide)), max(high, min(most, high + wide))]


def step_of(values: np.ndarray, most: int, *, errors: bool) -> int:
    """
    Return k, so that the exact values of every k-th cell of every k-th row are few enough.

    Parameters
    ----------
    values : (step, y, x), NaN is missing
    most : bytes that they may have together
    errors : each value has an error
    """
    cells = int(np.isfinite(values).any(axis=0).sum())
    each = 4 * len(values) * (2 if errors else 1)
    return max(1, int(np.ceil(np.sqrt(cells * each / most))))


def _codes(values, ends, levels, *, logarithmic):
    """Return the block of codes of a stack, some rows at a time."""
    low, high = (float(end) for end in (np.log10(ends) if logarithmic else ends))
    press = zlib.compressobj(_LEVEL)
    parts = []
    rows = values.reshape(-1, values.shape[2])
    band = max(1, _SAMPLE // rows.shape[1])
    for first in range(0, len(rows), band):
        plane = rows[first : first + band]
        with np.errstate(divide="ignore", invalid="ignore"):
            at = np.log10(plane) if logarithmic else plane
            steps = np.clip(np.rint((at - low) / (high - low) * levels), 0, levels)
        codes = np.where(np.isfinite(plane), np.nan_to_num(steps), MISSING).astype("uint8")
        parts.append(press.compress(np.diff(codes, axis=1, prepend=np.uint8(0)).tobytes()))
    return b"".join([*parts, press.flush()])


def _exact(values, kept):
    """Return the block of exact values of the cells that are kept, those of a cell one after the other."""
    bits = np.ascontiguousarray(values[:, kept].T).ravel().view("uint32")
    change = bits.copy()
    change[1:] ^= bits[:-1]
    planes = np.ascontiguousarray(change.astype("<u4").view("uint8").reshape(-1, 4).T)
    return zlib.compress(planes.tobytes(), _LEVEL)
