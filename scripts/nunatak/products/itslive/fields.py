"""
The fields of an image pair: where their chunks lie, and their values where a file holds them in a form of its own.

The archive writes int16 in (y, x). A pair that was saved again may be packed (`scale_factor`, `add_offset`), be
floats or wider integers, or have its axes the other way round: it is read through HDF5 and gives the same layers.
"""

from __future__ import annotations

import logging

import numpy as np

from nunatak.constants import FILL_VELOCITY
from nunatak.products import GranuleError, hdf5
from nunatak.products.stored import check_size

log = logging.getLogger(__name__)

FILL = FILL_VELOCITY

# variable: (dtype of the cube, unit, fill, description)
LAYOUT = {
    "vx": ("i2", "m/yr", FILL, "velocity along the x axis of the grid, over ground"),
    "vy": ("i2", "m/yr", FILL, "velocity along the y axis of the grid, over ground"),
    "v": ("i2", "m/yr", FILL, "speed"),
    "v_error": ("i2", "m/yr", FILL, "error of the speed"),
    "vr": ("i2", "m/yr", FILL, "velocity in radar range direction"),
    "va": ("i2", "m/yr", FILL, "velocity in radar azimuth direction"),
    "chip_size_width": ("u2", "m", 0, "width of the search template"),
    "chip_size_height": ("u2", "m", 0, "height of the search template"),
    "interp_mask": ("u1", "1", 0, "1 where the value was interpolated"),
}

_DEFLATE, _SHUFFLE = 1, 2  # HDF5 filter numbers
_UNITS = {"m/y", "m/yr", "m/a", "m/year", "meter/year", "meters/year", "metre/year", "m yr-1", "m year-1", "m a-1"}
_UNKNOWN = ("", "none", "nan", "n/a")  # words of attributes whose number is not known
_PACKED = ("scale_factor", "add_offset")


def number(dataset, name):
    """
    Read a numeric attribute of a dataset as float, NaN where it is absent, empty or "none".

    Raises
    ------
    GranuleError : it is no number, or holds several numbers where one is meant
    """
    attributes = dataset.attrs
    if name not in attributes:
        return np.nan
    try:
        values = np.ravel(attributes[name]).astype(float)
    except (ValueError, TypeError):
        said = hdf5.text(attributes[name])
        if said.lower() not in _UNKNOWN:
            raise GranuleError(
                f"{dataset.file.filename}: {dataset.name[1:]}: {name} is {said[:40]!r} and no number; fetch it again"
            ) from None
        return np.nan
    if values.size > 1:
        values = np.unique(values)
    if values.size > 1:
        held = ", ".join(f"{value:g}" for value in values)
        raise GranuleError(
            f"{dataset.file.filename}: {dataset.name[1:]}: {name} holds several numbers ({held}); write the one that "
            "holds for the pair, or fetch it again"
        )
    return float(values[0]) if values.size else np.nan


def check_field(dataset, name, ny, nx):
    """
    Return whether a field is stored (x, y).

    The shape tells it, or for a square one the names of its axes.

    Raises
    ------
    GranuleError : it is no field of numbers, was never written, does not lie on the pair's grid, or a velocity is not
        in metres per year
    """
    where, shape = f"{dataset.file.filename}: {name}", dataset.shape
    if dataset.dtype.kind not in "iuf":
        raise GranuleError(f"{where} holds {dataset.dtype}, not numbers; fetch it again")
    if name in ("vx", "vy"):  # older pairs have chip sizes that were never written
        check_size(dataset.parent, name, dataset.id, dataset.shape)
    turned = shape[-2:] == (nx, ny) and is_turned(dataset)
    if shape[-2:] != ((nx, ny) if turned else (ny, nx)) or shape[:-2] not in ((), (1,)):
        raise GranuleError(f"{where} is {shape} where x and y hold {nx} and {ny}; fetch it again")
    if LAYOUT[name][1] == "m/yr":
        unit = hdf5.units(dataset, "m/y").replace("metre", "meter")
        if unit not in _UNITS:
            raise GranuleError(f"{where}: unit {unit!r} is not metres per year; fetch the granule again")
    return turned


def is_turned(dataset):
    """Return whether a field is stored (x, y), by the names of its dimensions. Default: (y, x) where they have none."""
    named = [[scale.name.rsplit("/", 1)[-1] for scale in axis.values() if scale.name] for axis in dataset.dims]
    return len(named) >= 2 and "x" in named[-2] and "y" in named[-1]


def chunk_table(dataset, name, *, turned=False):
    """Return where a variable's chunks lie, or `why` h5py must read it. One that is `turned` is stored (x, y)."""
    dtype, _, default_fill, _ = LAYOUT[name]
    fills = stated_fills(dataset)
    whole = [fill for fill in fills if fill == int(fill)]
    table = {"fill": int(whole[0]) if whole else default_fill}
    filters = _filters(dataset)
    why = _indirect(dataset, np.dtype(f"<{dtype}"), filters, turned)
    if not why and len(fills) > 1:
        why = f"{name} states two fills"
    if why:
        return table | {"why": why}
    at = []
    for i in range(dataset.id.get_num_chunks()):
        chunk = dataset.id.get_chunk_info(i)
        if chunk.filter_mask:
            return table | {"why": f"a chunk of {name} skips filters"}
        at.append([*chunk.chunk_offset[-2:], chunk.byte_offset, chunk.size])
    return table | {"chunk": dataset.chunks[-2:], "shuffle": int(_SHUFFLE in filters), "at": sorted(at)}


def _indirect(dataset, expected, filters, turned):
    """Return why a dataset cannot be read around HDF5, empty when it can."""
    name = dataset.name[1:]
    if dataset.dtype != expected:
        return f"{name} is {dataset.dtype}, not {expected}"
    packed = [key for key in _PACKED if key in dataset.attrs]
    if packed:
        return f"{name} has {' and '.join(packed)}"
    if turned:
        return f"{name} is stored (x, y)"
    if dataset.chunks is None:
        return f"{name} is not chunked"
    if dataset.file.userblock_size:
        return "the file has a user block"
    if filters not in ([_DEFLATE], [_SHUFFLE, _DEFLATE]):
        return f"{name} has the filters {filters}"
    return ""


def _filters(dataset):
    plist = dataset.id.get_create_plist()
    return [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]


def stated_fills(dataset):
    """
    Return the fills that a file states and its type can hold, from `_FillValue` and `missing_value`.

    HDF5's own fill value is not among them, because it is 0 in version 1.
    """
    values = [number(dataset, key) for key in ("_FillValue", "missing_value")]
    held = _storable({value for value in values if np.isfinite(value)}, dataset.dtype)
    return sorted(held.astype(float).tolist())


def _storable(fills, dtype):
    """Return fills in the stored type. Those it cannot hold mark no cell."""
    if dtype.kind == "f":
        return np.array(list(fills), dtype)
    limits = np.iinfo(dtype)
    return np.array([fill for fill in fills if limits.min <= fill <= limits.max], dtype)


def physical(dataset, name, window=(slice(None), slice(None))):
    """
    Return the values of a field in its unit, whatever form the file holds them in.

    Parameters
    ----------
    dataset : of an open file, (y, x), (x, y) or with a time axis of one before them
    name : of `LAYOUT`, whose fill counts where the file states none
    window : (rows, columns) slices

    Returns
    -------
    (rows, columns) float64 array, NaN for missing
    """
    turned = is_turned(dataset)
    at = window[::-1] if turned else window
    raw = dataset[(0, *at)] if dataset.ndim == 3 else dataset[at]
    raw = raw.T if turned else raw
    return unpacked(
        raw, stated_fills(dataset) or [LAYOUT[name][2]], number(dataset, "scale_factor"), number(dataset, "add_offset")
    )


def unpacked(raw, fills, scale, offset):
    """
    Return stored values in their unit.

    Parameters
    ----------
    raw : array as stored
    fills : numbers that stand for missing, as stored
    scale, offset : `scale_factor` and `add_offset`, NaN or None where there is none

    Returns
    -------
    float64 array of the same shape, NaN for missing
    """
    values = raw.astype("f8")
    if scale is not None and np.isfinite(scale):
        values *= scale
    if offset is not None and np.isfinite(offset):
        values += offset
    values[np.isin(raw, _storable(fills, raw.dtype))] = np.nan
    return values


def as_layer(values, name, file_name):
    """
    Pack physical values as a cube holds them: whole numbers of its type, its fill for missing.

    Values its type cannot hold are missing, and the log says how many.

    Parameters
    ----------
    values : array of float, NaN for missing
    name : of `LAYOUT`
    file_name : str, for the log
    """
    dtype, unit, fill, _ = LAYOUT[name]
    limits = np.iinfo(dtype)
    whole = np.rint(values)
    with np.errstate(invalid="ignore"):
        fits = (whole >= max(limits.min, -limits.max)) & (whole <= limits.max)
    beyond = int(np.count_nonzero(~fits & ~np.isnan(values)))
    if beyond:
        log.warning("%s: %s: %d cells beyond %d %s are taken as missing", file_name, name, beyond, limits.max, unit)
    return np.where(fits, whole, fill).astype(dtype)


def fills_in(attributes):
    """Return the finite numbers by which attributes state that a value is missing, ascending."""
    stated = (attributes.get(key) for key in ("_FillValue", "missing_value"))
    return sorted({float(value) for value in stated if value is not None and np.isfinite(value)})
