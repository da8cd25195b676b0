"""
The arrays of a datacube's Zarr store, read lazily: what is absent or damaged is told by cube and chunk.

Zarr gives zeros for a chunk that is absent where an array states no fill value, as ITS_LIVE's fields do, and passes on
whatever its decompressors raise. Here an absent chunk of a field, or of an error or share by layer, is missing data;
one of coordinates, dates, names or flags is a refusal.
"""

from __future__ import annotations

import itertools
import logging
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import xarray as xr
import zarr
from xarray.backends import BackendArray
from xarray.core import indexing

from nunatak.files import remote
from nunatak.products import GranuleError
from nunatak.products.itslive.fields import LAYOUT
from nunatak.products.itslive.zarr_store import AddressStore, FolderStore
from nunatak.runtime import NunatakError

log = logging.getLogger(__name__)
_DIMENSIONS = ("mid_date", "y", "x")
_PLACES_AND_DATES = (*_DIMENSIONS, "acquisition_date_img1", "acquisition_date_img2")
_REMEDY = "fetch the cube again"


def open_arrays(path):
    """
    Open a datacube's store.

    Parameters
    ----------
    path : folder or address of the Zarr store, format 2 or 3

    Returns
    -------
    Dataset of its arrays along (mid_date, y, x), not read yet, with what the store states as attributes, and the store,
    whose `absent` holds the keys of chunks that were asked for and are not there

    Raises
    ------
    GranuleError : no store there, metadata that cannot be read, or arrays whose sizes contradict each other
    """
    store = AddressStore(path) if remote.is_address(path) else FolderStore(Path(path))
    try:
        group = zarr.open_group(store, mode="r")
        arrays = dict(group.arrays())
        store.in_blosc = {name for name, array in arrays.items() if _in_blosc(array)}
        variables = {name: _variable(path, name, array, store) for name, array in arrays.items()}
    except (GranuleError, remote.NotReadable):
        raise
    except Exception as error:  # whatever zarr, JSON and its own metadata classes raise
        raise GranuleError(f"{path}: not a readable datacube ({reason(error)}); check the path or the URL") from error
    held = {name: variable for name, variable in variables.items() if variable is not None}
    _check_sizes(path, held)
    coordinates = {name: held.pop(name) for name in _DIMENSIONS if name in held}
    coords = xr.Coordinates(coordinates, indexes={})
    return xr.Dataset(held, coords, dict(group.attrs)), store


@contextmanager
def in_words(path):
    """Turn what an address does not give, and what libraries raise for damage, into the error of a granule."""
    try:
        yield
    except remote.NotReadable as error:
        raise GranuleError(str(error)) from error
    except NunatakError:
        raise
    except Exception as error:
        raise GranuleError(f"{path}: cannot be read ({reason(error)}); fetch it again") from error


def reason(error):
    """Return what an error of a library says, on one line, with its kind where it says little."""
    said = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _variable(path, name, array, store):
    """Return an array as a lazy variable, or None for one along other dimensions, which no reader asks for."""
    attributes = dict(array.attrs)
    stated = (
        array.metadata.dimension_names if array.metadata.zarr_format == 3 else attributes.pop("_ARRAY_DIMENSIONS", ())
    )
    if not isinstance(stated, list | tuple) or len(stated) != array.ndim or not set(stated) <= set(_DIMENSIONS):
        if name in (*LAYOUT, *_DIMENSIONS):
            raise GranuleError(f"{path}: {name}: lies along {stated!r}, not along {', '.join(_DIMENSIONS)}; {_REMEDY}")
        return None
    fill = array.metadata.fill_value
    if array.metadata.zarr_format == 2 and fill is not None:  # where format 2 states the missing value
        attributes["_FillValue"] = fill
    if name in LAYOUT and array.dtype.kind not in "iuf":
        raise GranuleError(f"{path}: {name}: holds {array.dtype}, not numbers; {_REMEDY}")
    chunks = indexing.LazilyIndexedArray(_Chunks(path, name, array, store, attributes))
    return xr.Variable(
        tuple(stated),
        chunks,
        attributes,
        {"chunks": array.chunks, "preferred_chunks": dict(zip(stated, array.chunks, strict=True))},
    )


def _in_blosc(array):
    return array.shards is None and [type(codec).__name__ for codec in array.compressors] in (["Blosc"], ["BloscCodec"])


def _check_sizes(path, variables):
    sizes: dict[str, tuple[int, str]] = {}
    for name, variable in variables.items():
        for dimension, size in zip(variable.dims, variable.shape, strict=True):
            first = sizes.setdefault(dimension, (size, name))
            if first[0] != size:
                raise GranuleError(f"{path}: {name} has {size} along {dimension}, {first[1]} has {first[0]}; {_REMEDY}")


class _Chunks(BackendArray):
    """An array of the store that, when read, fills absent chunks of a field and names what is wrong."""

    def __init__(self, path, name, array, store, attributes):
        self.path, self.name, self.store = path, name, store
        self.shape, self.dtype = array.shape, array.dtype
        self._array, self._attributes = array, attributes

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key):
        try:
            values = self._array[key]
        except remote.NotReadable:
            raise
        except Exception as error:  # whatever decompressors, reshaping and the file system raise
            self._name_damage(key)
            raise GranuleError(f"{self.path}: {self.name}: damaged ({reason(error)}); {_REMEDY}") from error
        if not self.store.absent:
            return values
        absent = [place for place in self._places(key) if self._key(place) in self.store.absent]
        return self._filled(np.asarray(values), key, absent) if absent else values

    def _places(self, key):
        """Iterate over the places, counted in chunks, of the chunks that a key touches."""
        return itertools.product(
            *(np.unique(rows // chunk) for rows, chunk in zip(self._rows(key), self._array.chunks, strict=True))
        )

    def _rows(self, key):
        return [np.atleast_1d(np.arange(size)[part]) for part, size in zip(key, self.shape, strict=True)]

    def _key(self, place):
        return f"{self.name}/{self._array.metadata.encode_chunk_key(tuple(int(i) for i in place))}"

    def _filled(self, values, key, absent):
        """Put fill into absent chunks of fields and of decimal numbers by layer, and refuse all others."""
        rows = self._rows(key)
        out = values.reshape([len(r) for r in rows]).copy()
        for place in absent:
            if self.name not in LAYOUT and (self.name in _PLACES_AND_DATES or self.dtype.kind != "f"):
                raise GranuleError(f"{self.path}: {self._key(place)}: the chunk is absent; {_REMEDY}")
            inside = [np.flatnonzero(r // c == i) for r, c, i in zip(rows, self._array.chunks, place, strict=True)]
            out[np.ix_(*inside)] = self._fill(place)
        return out.reshape(values.shape)

    def _fill(self, place):
        """Return what stands for missing in the stored values."""
        if self.dtype.kind == "f":
            return np.nan
        stated = (self._attributes.get(key) for key in ("_FillValue", "missing_value"))
        limits = np.iinfo(self.dtype)
        for value in (*stated, LAYOUT[self.name][2]):
            if isinstance(value, int | float | np.number) and limits.min <= value <= limits.max:
                return value
        raise GranuleError(f"{self.path}: {self._key(place)}: the chunk is absent and no fill is stated; {_REMEDY}")

    def _name_damage(self, key):
        """Refuse the first chunk of a failed read that cannot be read alone."""
        for place in self._places(key):
            first = tuple(int(i) * chunk for i, chunk in zip(place, self._array.chunks, strict=True))
            try:
                self._array[first]
            except Exception as error:
                raise GranuleError(f"{self.path}: {self._key(place)}: damaged ({reason(error)}); {_REMEDY}") from error
