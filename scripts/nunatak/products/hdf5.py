"""
What all HDF5 granules have in common: plain errors, rows on demand, fills as NaN, attributes in any of their styles.

Columns are read through h5py's low-level interface: its high-level one spends more time on a small dataset than
inflating it takes (`benchmarks/reading.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from h5py import h5s

from nunatak.constants import BEAMS, FILL_I1, FILL_I4
from nunatak.files import remote
from nunatak.products import GranuleError, contained
from nunatak.products.columns import ANY
from nunatak.products.guarded import guarded, in_words
from nunatak.products.opened import check_file
from nunatak.products.stored import check_size, check_type, refuse_packed, stated_fill, where

if TYPE_CHECKING:
    from nunatak.products.columns import Column

# No quantity of any product comes near: what is larger is a fill, also where a file rewritten by a third party has
# lost its _FillValue or carries the float32 fill in a float64 dataset.
FILL_LIMIT = 1e38
_INTEGER_FILLS = {"i1": FILL_I1, "i4": FILL_I4}
MOST_STATED = 10**5  # values of what a granule states of itself, such as an orientation at each time


@contextmanager
def open_granule(path: Any) -> Iterator[Any]:
    """
    Open a granule as an h5py.File that is closed when the block ends.

    The file gives only what it holds itself (`contained`).

    Parameters
    ----------
    path : a path, or an address: then only what is read travels (`nunatak.files.remote`)

    Raises
    ------
    GranuleError : absent, a folder, empty, a web page, not HDF5, truncated, or damaged inside (found while reading)
    """
    path = remote.location(path)
    with ExitStack() as stack:
        try:
            file = stack.enter_context(contained.File(_source(path, stack), "r"))
        except remote.NotReadable as error:
            raise GranuleError(str(error)) from error
        except (OSError, RuntimeError, LookupError, ValueError) as error:  # all that HDF5 says of a broken file
            raise GranuleError(f"{path}: {_reason(error)}; remove it and fetch it again") from error
        try:
            with guarded(path):
                yield file
        except remote.NotReadable as error:
            raise GranuleError(str(error)) from error


def _source(path, stack):
    """Return what HDF5 opens: the path, once its first bytes are seen to be HDF5's, or the file at an address."""
    if not isinstance(path, remote.Address):
        check_file(path)
        return path
    return path.file or stack.enter_context(remote.open_address(path))


def _reason(error):
    """Return the library's words on one line."""
    return " ".join(str(error).split())


def text(value: Any) -> str:
    """
    Return a text attribute as str. NASA writes bytes, rewritten files arrays of str.

    >>> text(b"weak "), text(np.array(["weak"])), text("weak")
    ('weak', 'weak', 'weak')
    """
    if isinstance(value, np.ndarray):
        value = value.flat[0] if value.size else ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value).strip()


def attribute(node: h5py.Dataset | h5py.Group, name: str, default: Any = None) -> Any:
    """Read the attribute of a file, group or dataset as str. Default: `default` where it is absent."""
    return text(node.attrs[name]) if name in node.attrs else default


def units(dataset: h5py.Dataset, default: str | None = None) -> Any:
    """Return the unit a dataset states, or `default`."""
    return attribute(dataset, "units", default)


def scalar(file: h5py.File, name: str, default: Any = None) -> Any:
    """Return the value of a one-element dataset, text as str, or `default` where it is absent or empty."""
    if not has(file, name) or file[name].shape is None:
        return default
    if file[name].size > MOST_STATED:
        raise GranuleError(f"{where(file, name)}: holds {file[name].size} values where one is expected; fetch it again")
    try:
        value = np.asarray(file[name][()]).ravel()
    except Exception as error:
        raise named(file, name, error) from error
    if not value.size:
        return default
    return text(value[0]) if isinstance(value[0], bytes | str) else value[0].item()


def whole(file: h5py.File, name: str) -> int | None:
    """Return the whole number of a one-element dataset of numbers or text, or None where it is absent or empty."""
    value = scalar(file, name)
    try:
        if value is None or value == int(value):
            return None if value is None else int(value)
    except (TypeError, ValueError, OverflowError):
        if isinstance(value, str) and value.isdecimal() and value.isascii():
            return int(value)
    raise GranuleError(f"{where(file, name)}: is {str(value)[:40]!r} and no whole number; fetch it again")


def beams_present(file: h5py.File) -> tuple[str, ...]:
    """
    List the ground-track groups a file has, in the order gt1l .. gt3r. Subsets lack those without data.

    Parameters
    ----------
    file : h5py.File, open for reading
    """
    return tuple(beam for beam in BEAMS if beam in file)


def has(group: h5py.Group, name: str) -> bool:
    """
    Return whether a group holds the dataset `name` (also "subgroup/name").

    Parameters
    ----------
    group : h5py.Group
    name : str, the dataset's name
    """
    try:
        return name in group and isinstance(group[name], h5py.Dataset)
    except GranuleError:
        raise
    except Exception as error:
        raise named(group, name, error) from error


def length(group: h5py.Group, name: str) -> int:
    """
    Return the number of rows of a dataset.

    Parameters
    ----------
    group : h5py.Group
    name : str, the dataset's name
    """
    dataset = _open(group, name)
    check_type(group, name, dataset)
    return dataset.shape[0]


def read(
    group: h5py.Group,
    name: str,
    rows: slice | tuple[slice, ...] = slice(None),
    *,
    column: Column = ANY,
    as_float: bool = False,
    limit: float = FILL_LIMIT,
    packed: bool = False,
) -> np.ndarray:
    """
    Read rows, or a window, of one dataset, with fills as NaN.

    Parameters
    ----------
    group : h5py.Group
    name : str, the dataset; "subgroup/name" too
    rows : slice without step along the first axis, or a tuple of such slices for the first axes
    column : products.columns.Column, the type and number of dimensions that the layout states. Default: numbers
    limit : floats beyond +-limit are fills
    as_float : give an integer as float64 with NaN for its fill; else integers (flags, ids, counts) stay as they are,
        fill included
    packed : give values packed by a scale or an offset as they are stored; else they are refused

    Raises
    ------
    GranuleError : the dataset is absent, damaged, of another type, too large, not written, or packed
    """
    dataset = _open(group, name)
    try:
        check_type(group, name, dataset, column.kinds, column.width, column.ndim)
        if not packed:
            refuse_packed(group, name, dataset)
        values = _read_rows(group, name, dataset, rows)
        fill = stated_fill(dataset)
    except (GranuleError, remote.NotReadable):
        raise
    except Exception as error:
        raise named(group, name, error) from error
    if values.dtype.kind == "f":
        values[np.abs(values) > limit] = np.nan
        if fill is not None and abs(fill) <= limit:
            _check_fill(group, name, fill, column)
            values[values == fill] = np.nan
    elif as_float:
        fill = _INTEGER_FILLS.get(values.dtype.str[1:]) if fill is None else fill
        values = np.where(values == fill, np.nan, values.astype("f8"))
    return values


def _open(group, name):
    """Open a dataset through HDF5's low-level interface."""
    try:
        return contained.open_dataset(group, name)
    except KeyError as error:
        if "doesn't exist" in str(error) or "component not found" in str(error):
            raise missing(group, name) from None
        raise named(group, name, error) from error
    except GranuleError:
        raise
    except (TypeError, ValueError, RuntimeError) as error:  # no dataset but a group or a type
        raise named(group, name, error) from error


def _check_fill(group, name, fill, column):
    """Refuse a stated fill that a measured value can be: it would hide the values that are equal to it."""
    if np.isfinite(column.low) and np.isfinite(column.high) and column.low <= fill <= column.high:
        raise GranuleError(
            f"{where(group, name)}: states the fill {fill:g}, which a value can be; fetch the original granule"
        )


def named(group: h5py.Group, name: str, error: Any) -> GranuleError:
    """
    Return the GranuleError for an error of a dataset, named with its beam.

    Parameters
    ----------
    group : h5py.Group
    name : str, the dataset's name
    error : Exception, what reading raised
    """
    return GranuleError(f"{where(group, name)}: {in_words(error, group.file.filename)}")


def missing(group: h5py.Group, name: str) -> GranuleError:
    """
    Return the GranuleError for a dataset a granule lacks: what it has instead and what to do.

    Parameters
    ----------
    group : h5py.Group
    name : str, the dataset's name
    """
    folder, _, leaf = name.rpartition("/")
    parent = group[folder] if folder and folder in group else group
    held = ", ".join(sorted(parent)) if isinstance(parent, h5py.Group) else "values in place of a group"
    held = held or "nothing"
    return GranuleError(
        f"{group.file.filename}: {parent.name.lstrip('/') or 'the file'} has no {leaf!r} (it has: {held}); "
        "a subset may have dropped it: fetch the whole granule"
    )


def _read_rows(group, name, dataset, rows):
    shape = dataset.shape
    slices = rows if isinstance(rows, tuple) else (rows,)
    bounds = [part.indices(size) for part, size in zip(slices, shape, strict=False)]
    start = tuple(low for low, _, _ in bounds) + (0,) * (len(shape) - len(bounds))
    block = tuple(max(high - low, 0) for low, high, _ in bounds) + shape[len(bounds) :]
    check_size(group, name, dataset, block)
    out = np.empty(block, dtype=dataset.dtype.newbyteorder("="))
    if out.size:
        space = dataset.get_space()
        space.select_hyperslab(start, block)
        dataset.read(h5s.create_simple(block), space, out)
    return out


def check_product(file: h5py.File, product: str) -> None:
    """
    Refuse a granule whose own `short_name` is another product's. Files without one pass.

    Parameters
    ----------
    file : h5py.File, open for reading
    product : str, the product's name

    Raises
    ------
    GranuleError : the name lies about the content
    """
    stated = attribute(file, "short_name")
    if stated and not stated.startswith("SET_BY") and stated.upper().removesuffix("QL") != product.upper():
        raise GranuleError(
            f"{file.filename}: read as {product.upper()}, but its short_name says {stated}; rename it or fetch it again"
        )


def orbit(file: h5py.File) -> tuple[int | None, ...]:
    """
    Return (rgt, cycle) as the file itself states them, None for what it does not state.

    `orbit_info` where it is there, else `ancillary_data` when start and end agree.

    Parameters
    ----------
    file : h5py.File, open for reading
    """
    found = []
    for name, start, end in (("rgt", "start_rgt", "end_rgt"), ("cycle_number", "start_cycle", "end_cycle")):
        value = whole(file, f"orbit_info/{name}")
        if value is None:
            first, last = (whole(file, f"ancillary_data/{n}") for n in (start, end))
            value = first if first == last else None
        found.append(value)
    return tuple(found)


def check_orbit(file: h5py.File, rgt: int | None, cycle: int | None) -> None:
    """
    Refuse a granule whose track or cycle is not the one its name states. What the file does not state passes.

    Parameters
    ----------
    file : h5py.File, open for reading
    rgt : int, the track of the granule's name
    cycle : int, the cycle of the granule's name

    Raises
    ------
    GranuleError : the name lies about the content
    """
    for field, named, stated in zip(("rgt", "cycle"), (rgt, cycle), orbit(file), strict=True):
        if named is not None and stated is not None and named != stated:
            raise GranuleError(
                f"{file.filename}: {field}: the name says {named}, the file {stated}; rename it or fetch it again"
            )
