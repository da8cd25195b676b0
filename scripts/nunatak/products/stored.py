"""
How a dataset of a granule is stored, looked at before memory is taken for it.

Refused are types that no product has, other numbers of dimensions than the layout's, sizes beyond reason, values that
were never written (HDF5 gives 0 for them) and values that somebody packed.
"""

from __future__ import annotations

import math
import os
import resource
from typing import TYPE_CHECKING, Any

import numpy as np
from h5py import h5a, h5d

from nunatak.products import GranuleError

if TYPE_CHECKING:
    import h5py

MOST_ROWS = 10**8  # read at once: ATL08 lists some 10^7 photons of a beam; no other column comes near
MOST_VALUES = 2 * 10**9  # of a grid: ATL14 of all Greenland has 4 x 10^8 cells
NUMBERS = "fiu"  # kinds of numpy types
_WORDS = {"f": "floats", "i": "integers", "u": "integers"}


def where(group: h5py.Group, name: str) -> str:
    """
    Return file and dataset as they begin an error.

    Parameters
    ----------
    group : h5py.Group
    name : str, the dataset's name
    """
    return f"{group.file.filename}: {f'{group.name}/{name}'.strip('/')}"


def check_type(
    group: h5py.Group,
    name: str,
    dataset: h5py.h5d.DatasetID,
    kinds: str = NUMBERS,
    width: int = 1,
    ndim: int | None = None,
) -> None:
    """
    Refuse a dataset of another type or number of dimensions than its layout's.

    Parameters
    ----------
    group, name : for the error
    dataset : h5py.h5d.DatasetID
    kinds : kinds of numpy types that pass. Default: floats and integers
    width : bytes that a float has at least. Default: 1
    ndim : number of dimensions. Default: any but none

    Raises
    ------
    GranuleError : naming the dataset, what it holds and what is expected
    """
    shape, dtype = dataset.shape, dataset.dtype
    if shape is None or shape == () or (ndim is not None and len(shape) != ndim):
        held = "no values" if shape is None else f"the shape {shape}"
        raise GranuleError(
            f"{where(group, name)}: has {held} where {ndim or 'one or more'} dimensions are expected; fetch it again"
        )
    wide = dtype.kind != "f" or dtype.itemsize >= width
    if dtype.kind not in kinds or dtype.shape or not wide:
        words = " or ".join(dict.fromkeys(_WORDS[kind] for kind in kinds))
        least = f" of {8 * width} bits" if kinds == "f" and width > 1 else ""
        raise GranuleError(
            f"{where(group, name)}: holds {_named(dtype)} where {words}{least} are expected; fetch it again"
        )


def _named(dtype):
    return f"{dtype.base} values" if dtype.names is None else "compound values"


def check_size(group: h5py.Group, name: str, dataset: h5py.h5d.DatasetID, asked: tuple[int, ...]) -> None:
    """
    Refuse a dataset that is too large to be real, or of which values were never written.

    Parameters
    ----------
    group, name : for the error
    dataset : h5py.h5d.DatasetID
    asked : shape of the block that is to be read

    Raises
    ------
    GranuleError : naming the dataset and its size
    """
    if not math.prod(asked):
        return
    shape = dataset.shape
    if (len(asked) == 1 and asked[0] > MOST_ROWS) or math.prod(asked) > MOST_VALUES:
        raise GranuleError(
            f"{where(group, name)}: states {' x '.join(map(str, shape))} values, more than any granule has; "
            "remove it and fetch it again"
        )
    needed, there = math.prod(asked) * dataset.dtype.itemsize, memory()
    if needed > there:
        raise GranuleError(
            f"{where(group, name)}: needs {needed / 1e9:.1f} GB of memory, this machine has {there / 1e9:.1f} GB; "
            "name a smaller region"
        )
    plan = dataset.get_create_plist()
    if plan.get_layout() == h5d.CHUNKED:
        chunks = math.prod(-(-size // chunk) for size, chunk in zip(shape, plan.get_chunk(), strict=True))
        held = dataset.get_num_chunks()
        unwritten = f"{chunks - held} of its {chunks} chunks were" if held < chunks else ""
    else:
        unwritten = "it was" if plan.get_layout() == h5d.CONTIGUOUS and not dataset.get_storage_size() else ""
    if unwritten and not _reads_as_missing(dataset, plan):
        raise GranuleError(
            f"{where(group, name)}: {unwritten} never written, so that its values are not known; "
            "remove it and fetch it again"
        )


def memory() -> int:
    """Return the bytes of memory that this process can have: those of the machine, or fewer where it is limited."""
    whole, limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), resource.getrlimit(resource.RLIMIT_AS)[0]
    return whole if limit == resource.RLIM_INFINITY else min(whole, limit)


def _reads_as_missing(dataset, plan):
    """Return whether HDF5 gives the dataset's own fill, or one beyond all values, for what was never written."""
    if plan.fill_value_defined() != h5d.FILL_VALUE_USER_DEFINED or dataset.dtype.kind not in NUMBERS:
        return False
    value = np.zeros((), dtype=dataset.dtype)
    plan.get_fill_value(value)
    stated = stated_fill(dataset)
    return not np.isfinite(value) or abs(float(value)) > 1e30 or (stated is not None and value == stated)


def refuse_packed(group: h5py.Group, name: str, dataset: h5py.h5d.DatasetID) -> None:
    """
    Refuse values that somebody packed: the products' own granules hold plain values.

    Read as they are, heights packed by 0.001 would be a thousand times too large.

    Parameters
    ----------
    group : h5py.Group
    name : str, the dataset's name
    dataset : h5py.Dataset
    """
    for attribute, plain in ((b"scale_factor", 1), (b"add_offset", 0)):
        stated = number(dataset, attribute)
        if stated is not None and stated != plain:
            raise GranuleError(
                f"{where(group, name)}: packed with {attribute.decode()} {stated:g}, as the product's own "
                "granules are not; fetch the original granule"
            )


def stated_fill(dataset: h5py.h5d.DatasetID) -> Any:
    """
    Return the dataset's own _FillValue, or None.

    Parameters
    ----------
    dataset : h5py.Dataset
    """
    return number(dataset, b"_FillValue")


def number(dataset: h5py.h5d.DatasetID, name: bytes) -> float | None:
    """
    Return a numeric attribute of a dataset, or None.

    Parameters
    ----------
    dataset : h5py.Dataset
    name : bytes, the attribute's name
    """
    if not h5a.exists(dataset, name):
        return None
    stated = h5a.open(dataset, name)
    if stated.dtype.kind not in NUMBERS or stated.shape is None:
        return None
    value = np.empty(stated.shape, dtype=stated.dtype)
    stated.read(value)
    return value.ravel()[0] if value.size else None
