"""
What all HDF5 granules have in common: plain errors, rows on demand, fills as NaN, attributes in any of their styles.

Columns are read through h5py's low-level interface: its high-level one spends more time on a small dataset than
inflating it takes (`benchmarks/reading.py`).
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager

import h5py
import numpy as np
from h5py import h5a, h5s

from nunatak.constants import BEAMS, FILL_I1, FILL_I4
from nunatak.files import remote
from nunatak.products import GranuleError, contained

# No quantity of any product comes near: what is larger is a fill, also where a file rewritten by a third party has
# lost its _FillValue or carries the float32 fill in a float64 dataset.
FILL_LIMIT = 1e38
_INTEGER_FILLS = {"i1": FILL_I1, "i4": FILL_I4}
_BACKWARD, _FORWARD = 0, 1
UNKNOWN_SPOT = 0  # the spacecraft is turning (sc_orient 2), or the file does not say


@contextmanager
def open_granule(path):
    """
    The open h5py.File of a granule, closed when the block ends; it gives only what it holds itself (`contained`).

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
        except OSError as error:
            raise GranuleError(f"{path}: {_reason(error)}; remove it and fetch it again") from error
        try:
            yield file
        except remote.NotReadable as error:
            raise GranuleError(str(error)) from error
        except (OSError, RuntimeError) as error:  # what HDF5 raises for a broken chunk or index
            raise GranuleError(f"{path}: damaged: {_reason(error)}; remove it and fetch it again") from error


def _source(path, stack):
    """What HDF5 opens: the path, once its first bytes are seen to be HDF5's, or the file at an address."""
    if not isinstance(path, remote.Address):
        _check_bytes(path)
        return path
    return stack.enter_context(remote.open_address(path))


def _check_bytes(path):
    if path.is_dir():
        raise GranuleError(f"{path}: is a folder where a granule is expected; name the file inside it")
    if not path.exists():
        raise GranuleError(f"{path}: does not exist; fetch it again")
    with open(path, "rb") as stream:
        start = stream.read(256)
    if not start:
        raise GranuleError(f"{path}: holds no bytes (0); remove it and fetch it again")
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"{")):
        shown = " ".join(start.decode("utf-8", "replace").split())[:60]
        raise GranuleError(
            f"{path}: is a web page or a service's message, not HDF5 (it begins {shown!r}); "
            "check the login, remove it and fetch it again"
        )
    if not h5py.is_hdf5(path):
        raise GranuleError(f"{path}: is not an HDF5 file (it begins {start[:8]!r}); remove it and fetch it again")


def _reason(error):
    """The library's words on one line."""
    return " ".join(str(error).split())


def text(value):
    """
    A text attribute as str: NASA writes bytes, rewritten files arrays of str.

    >>> text(b"weak "), text(np.array(["weak"])), text("weak")
    ('weak', 'weak', 'weak')
    """
    if isinstance(value, np.ndarray):
        value = value.flat[0] if value.size else ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value).strip()


def attribute(node, name, default=None):
    """The attribute of a file, group or dataset as str; `default` where it is absent."""
    return text(node.attrs[name]) if name in node.attrs else default


def units(dataset, default=None):
    """The unit a dataset states, or `default`."""
    return attribute(dataset, "units", default)


def scalar(file, name, default=None):
    """The value of a one-element dataset (text as str); `default` where it is absent or empty."""
    if name not in file or not isinstance(file[name], h5py.Dataset):
        return default
    value = np.asarray(file[name][()]).ravel()
    if not value.size:
        return default
    return text(value[0]) if isinstance(value[0], bytes | str) else value[0].item()


def beams_present(file):
    """The ground-track groups a file has, in the order gt1l .. gt3r; a subset lacks those without data."""
    return tuple(beam for beam in BEAMS if beam in file)


def has(group, name):
    """Whether a group holds the dataset `name` (also "subgroup/name")."""
    return name in group and isinstance(group[name], h5py.Dataset)


def length(group, name):
    """Number of rows of a dataset."""
    return contained.open_dataset(group, name).shape[0]


def read(group, name, rows=slice(None), *, as_float=False, limit=FILL_LIMIT, packed=False):
    """
    Rows, or a window, of one dataset, with fills as NaN.

    Parameters
    ----------
    group : h5py.Group
    name : str, the dataset; "subgroup/name" too
    rows : slice without step along the first axis, or a tuple of such slices for the first axes
    limit : floats beyond +-limit are fills
    as_float : give an integer as float64 with NaN for its fill; else integers (flags, ids, counts) stay as they are,
        fill included
    packed : give values packed by a scale or an offset as they are stored; else they are refused

    Raises
    ------
    GranuleError : the dataset is absent, damaged, or packed
    """
    try:
        dataset = contained.open_dataset(group, name)
    except KeyError:
        raise missing(group, name) from None
    if not packed:
        _refuse_packed(group, name, dataset)
    try:
        values = _read_rows(dataset, rows)
    except remote.NotReadable:
        raise
    except (OSError, RuntimeError) as error:  # a broken chunk or index
        raise damaged(group, name, error) from error
    if values.dtype.kind == "f":
        values[np.abs(values) > limit] = np.nan
        fill = _stated_fill(dataset)
        if fill is not None and abs(fill) <= limit:
            values[values == fill] = np.nan
    elif as_float:
        fill = _stated_fill(dataset)
        fill = _INTEGER_FILLS.get(values.dtype.str[1:]) if fill is None else fill
        values = np.where(values == fill, np.nan, values.astype("f8"))
    return values


def damaged(group, name, error):
    """The GranuleError for a dataset that HDF5 cannot read, named with its beam."""
    where = f"{group.name}/{name}".strip("/")
    return GranuleError(f"{group.file.filename}: {where}: damaged: {_reason(error)}; remove it and fetch it again")


def missing(group, name):
    """The GranuleError for a dataset a granule lacks: what it has instead and what to do."""
    folder, _, leaf = name.rpartition("/")
    parent = group[folder] if folder and folder in group else group
    held = ", ".join(sorted(parent)) or "nothing"
    return GranuleError(
        f"{group.file.filename}: {parent.name.lstrip('/') or 'the file'} has no {leaf!r} (it has: {held}); "
        "a subset may have dropped it: fetch the whole granule"
    )


def _read_rows(dataset, rows):
    shape = dataset.shape
    slices = rows if isinstance(rows, tuple) else (rows,)
    bounds = [part.indices(size) for part, size in zip(slices, shape, strict=False)]
    start = tuple(low for low, _, _ in bounds) + (0,) * (len(shape) - len(bounds))
    block = tuple(max(high - low, 0) for low, high, _ in bounds) + shape[len(bounds) :]
    out = np.empty(block, dtype=dataset.dtype)
    if out.size:
        space = dataset.get_space()
        space.select_hyperslab(start, block)
        dataset.read(h5s.create_simple(block), space, out)
    return out


def _refuse_packed(group, name, dataset):
    """
    Refuse values that somebody packed: the products' own granules hold plain values.

    Read as they are, heights packed by 0.001 would be a thousand times too large.
    """
    for attribute_, plain in ((b"scale_factor", 1), (b"add_offset", 0)):
        stated = _number(dataset, attribute_)
        if stated is not None and stated != plain:
            where = f"{group.name}/{name}".strip("/")
            raise GranuleError(
                f"{group.file.filename}: {where}: packed with {attribute_.decode()} {stated:g}, as the product's own "
                "granules are not; fetch the original granule"
            )


def _stated_fill(dataset):
    """Return the dataset's own _FillValue, or None."""
    return _number(dataset, b"_FillValue")


def _number(dataset, name):
    """Return a numeric attribute of a dataset, or None."""
    if not h5a.exists(dataset, name):
        return None
    stated = h5a.open(dataset, name)
    if stated.dtype.kind not in "fiu":
        return None
    value = np.empty(stated.shape, dtype=stated.dtype)
    stated.read(value)
    return value.ravel()[0] if value.size else None


def check_product(file, product):
    """
    Refuse a granule whose own `short_name` is another product's; files without one pass.

    Raises
    ------
    GranuleError : the name lies about the content
    """
    stated = attribute(file, "short_name")
    if stated and not stated.startswith("SET_BY") and stated.upper().removesuffix("QL") != product.upper():
        raise GranuleError(
            f"{file.filename}: read as {product.upper()}, but its short_name says {stated}; rename it or fetch it again"
        )


def orbit(file):
    """
    (rgt, cycle) as the file itself states them, None for what it does not state.

    `orbit_info` where it is there, else `ancillary_data` when start and end agree.
    """
    found = []
    for name, start, end in (("rgt", "start_rgt", "end_rgt"), ("cycle_number", "start_cycle", "end_cycle")):
        value = scalar(file, f"orbit_info/{name}")
        if value is None:
            first, last = (scalar(file, f"ancillary_data/{n}") for n in (start, end))
            value = first if first == last else None
        found.append(None if value is None else int(value))
    return tuple(found)


def check_orbit(file, rgt, cycle):
    """
    Refuse a granule whose track or cycle is not the one its name states; what the file does not state passes.

    Raises
    ------
    GranuleError : the name lies about the content
    """
    for field, named, stated in zip(("rgt", "cycle"), (rgt, cycle), orbit(file), strict=True):
        if named is not None and stated is not None and named != stated:
            raise GranuleError(
                f"{file.filename}: {field}: the name says {named}, the file {stated}; rename it or fetch it again"
            )


def spots(file, beam, delta_time):
    """
    The ATLAS spot (1..6; odd is strong) that made a ground track, at each time.

    Follows `orbit_info/sc_orient`, which can change inside a granule; without it the beam's own attribute
    `atlas_spot_number`, which was written for the whole granule.

    Parameters
    ----------
    file : h5py.File
    beam : str, gt1l .. gt3r
    delta_time : (n,) array, seconds since 2018-01-01

    Returns
    -------
    spot : (n,) int8; 0 where the spacecraft was turning or the file does not say
    note : str, empty unless orientation and attribute contradict each other or both are absent
    """
    delta_time = np.asarray(delta_time, dtype=float)
    stated = attribute(file[beam], "atlas_spot_number")
    stated = int(stated) if stated and stated.isdigit() else None
    orientation = _orientation(file, delta_time)
    if orientation is None:
        spot = np.full(delta_time.shape, stated or UNKNOWN_SPOT, dtype="i1")
        return spot, "" if stated else "neither sc_orient nor atlas_spot_number tells strong from weak"
    place = BEAMS.index(beam) + 1
    spot = np.select([orientation == _BACKWARD, orientation == _FORWARD], [place, 7 - place], UNKNOWN_SPOT)
    note = ""
    if stated is not None and spot.size and not np.any((spot == stated) | (spot == UNKNOWN_SPOT)):
        note = f"atlas_spot_number {stated} contradicts sc_orient (spot {spot.flat[0]}); sc_orient is followed"
    return spot.astype("i1"), note


def is_strong(spot):
    """Whether a spot is a strong beam: 1, 3 and 5 are."""
    return np.asarray(spot) % 2 == 1


def _orientation(file, delta_time):
    """sc_orient in force at each time, None when the file lacks it."""
    if not has(file, "orbit_info/sc_orient"):
        return None
    values = np.asarray(file["orbit_info/sc_orient"][()]).ravel()
    if not values.size:
        return None
    if len(values) == 1:
        return np.full(delta_time.shape, values[0])
    since = np.empty(0)
    if has(file, "orbit_info/sc_orient_time"):
        since = np.asarray(file["orbit_info/sc_orient_time"][()]).ravel()
    if len(since) != len(values):
        raise GranuleError(
            f"{file.filename}: orbit_info: {len(values)} sc_orient but {len(since)} sc_orient_time; fetch it again"
        )
    order = np.argsort(since, kind="stable")
    index = np.searchsorted(since[order], delta_time, side="right") - 1
    return values[order][np.clip(index, 0, None)]
