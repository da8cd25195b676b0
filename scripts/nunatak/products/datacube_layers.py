"""
The chosen layers of an ITS_LIVE datacube, read by the chunks they lie in.

A cube of 100,000 layers has 410 MB of granule addresses and chunks of 20,000 layers by 10 x 10 cells, so only chunks
that hold a chosen layer are read, and cells a few columns of chunks at a time.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from nunatak import granules
from nunatak.products.itslive.fields import FILL
from nunatak.products.itslive.scenes import platform_of

if TYPE_CHECKING:
    import xarray as xr

_BLOCK = 64_000_000  # bytes read at a time
_NUMBERS = ("vx_error", "vy_error", "vx_stable_shift", "vy_stable_shift", "roi_valid_percentage", "date_dt")


def take(
    variable: xr.DataArray, order: np.ndarray, rows: slice | None = None, columns: slice | None = None
) -> np.ndarray:
    """
    Read chosen layers of a variable.

    Parameters
    ----------
    variable : DataArray of a store, (mid_date,) or (mid_date, y, x), not read yet
    order : (n,) int, numbers of the layers in the order they are wanted
    rows, columns : slices of the cells

    Returns
    -------
    (n,) or (n, rows, columns) array
    """
    cells = [part for part in (rows, columns) if part is not None]
    shape = [len(range(*part.indices(size))) for part, size in zip(cells, variable.shape[1:], strict=True)]
    out = np.empty((len(order), *shape), variable.dtype)
    place = np.argsort(order, kind="stable")
    chosen = np.asarray(order)[place]
    chunk = variable.encoding.get("chunks") or variable.shape
    most = max(1, _BLOCK // max(1, variable.dtype.itemsize))
    for start, stop in _runs(chosen, chunk[0], max(1, most // int(np.prod(chunk[1:], initial=1)))):
        layers = slice(int(chosen[start]), int(chosen[stop - 1]) + 1)
        inside = _as_slice(chosen[start:stop] - layers.start)
        own = _as_slice(place[start:stop])
        for box in _boxes(cells, chunk[1:], most // (layers.stop - layers.start)):
            held = variable[(layers, *box)].values[inside]
            out[(own, *(_within(part, whole) for part, whole in zip(box, cells, strict=True)))] = held
    return out


def _as_slice(numbers):
    """Return numbers that follow one another as a slice, which copies nothing, and others as they are."""
    one_by_one = numbers.size and numbers[-1] - numbers[0] == numbers.size - 1 and (np.diff(numbers) == 1).all()
    return slice(int(numbers[0]), int(numbers[-1]) + 1) if one_by_one else numbers


def _runs(chosen, chunk, most):
    """Split sorted layer numbers into (start, stop) of consecutive chunks, at most so many layers each."""
    number = np.asarray(chosen) // chunk
    start = 0
    for i in (*np.flatnonzero(np.diff(number)) + 1, len(number)) if len(number) else ():
        last = i == len(number)
        if last or number[i] - number[i - 1] > 1 or (number[i] - number[start] + 1) * chunk > most:
            yield start, int(i)
            start = int(i)


def _boxes(cells, chunk, most):
    """Cut a window of cells along the borders of chunks: one chunk high, as wide as `most` cells allow."""
    if not cells:
        yield ()
        return
    rows, columns = cells
    height, width = chunk
    wide = max(1, most // (height * width)) * width
    for top, bottom in _cuts(rows, height):
        for left, right in _cuts(columns, wide):
            yield slice(top, bottom), slice(left, right)


def _cuts(part, step):
    first, last = part.start, part.stop
    edges = [first, *range((first // step + 1) * step, last, step), last]
    return pairwise(edges)


def _within(part, whole):
    return slice(part.start - whole.start, part.stop - whole.start)


def names(store: xr.Dataset, order: np.ndarray) -> np.ndarray:
    """
    Return the granules' names of chosen layers, without folder and extension, or layers' numbers where a cube has none.

    Parameters
    ----------
    store : Dataset of the datacube, not read yet
    order : (n,) int, ascending numbers of the layers, at least one
    """
    if "granule_url" not in store.variables:
        return numbers(order)
    variable = store["granule_url"]
    chunk = (variable.encoding.get("chunks") or variable.shape)[0]
    runs = _runs(order, chunk, max(1, _BLOCK // max(1, variable.dtype.itemsize)))
    return np.concatenate([_short(take(variable, order[start:stop])) for start, stop in runs])


def numbers(order: np.ndarray) -> np.ndarray:
    """
    Make names of the numbers of layers.

    Parameters
    ----------
    order : (n,) int array, numbers of the chosen layers
    """
    return np.array([f"layer{i:07d}" for i in order])


def _short(addresses):
    return np.array([str(address).rsplit("/", 1)[-1].removesuffix(".nc") for address in addresses])


def layers(store: xr.Dataset, order: np.ndarray, named: np.ndarray, times: list[np.ndarray]) -> dict[str, np.ndarray]:
    """
    Return every chosen layer's own metadata, under the names of our cubes.

    Parameters
    ----------
    store : Dataset of the datacube, not read yet
    order : (n,) int, numbers of the layers
    named : (n,) names of the granules
    times : both acquisition dates, (n,) datetime64 each
    """
    out = {"granule_id": named.astype(object), "acquisition_date_img1": times[0], "acquisition_date_img2": times[1]}
    for name in _NUMBERS:
        if name in store.variables:
            values = take(store[name], order).astype(float)
            missing = (values == FILL) | ~np.isfinite(values)
            if name.endswith("_error"):
                missing |= values < 0  # no error is negative
            out[name] = np.where(missing, np.nan, values)
    flag = take(store["stable_shift_flag"], order) if "stable_shift_flag" in store.variables else np.zeros(len(order))
    out["stable_shift_flag"] = np.where(np.isin(flag, (0, 1, 2)), flag, 0).astype("int32")
    platforms = [_platforms(store, order, n) for n in (1, 2)]
    out["platform"] = platforms[0].astype(object)
    pairs = {pair: granules.group_of(*pair) for pair in set(zip(*platforms, strict=True))}
    out["group"] = np.array([pairs[pair] for pair in zip(*platforms, strict=True)], dtype=object)
    out["id_img1"], out["id_img2"] = _image_ids(named)
    return out


def _platforms(store, order, number):
    both = (take(store[f"{key}_img{number}"], order) for key in ("mission", "satellite"))
    mission, satellite = (words.astype(object).astype(str) for words in both)  # NumPy turns text of Zarr 3 in two steps
    known = {pair: platform_of(*pair) for pair in set(zip(mission, satellite, strict=True))}
    return np.array([known[pair] for pair in zip(mission, satellite, strict=True)])


def _image_ids(named):
    """
    Return ids of the earlier and the later image.

    A granule whose name does not tell them has images of its own.
    """
    ids = []
    for name in named:
        try:
            pair = granules.parse(f"{name}.nc")
            ids.append((pair.img1, pair.img2))
        except granules.GranuleNameError:
            ids.append((f"{name} 1", f"{name} 2"))
    return tuple(np.array(column, dtype=object) for column in zip(*ids, strict=True))
