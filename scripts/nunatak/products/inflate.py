"""Inflate a deflated chunk with the fastest library at hand, and undo the byte shuffle of a window of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from nunatak.compute.kernels import kernel


class InflateError(ValueError):
    """A stream that is cut, damaged or of another size than its chunk."""


def _deflate() -> Callable[[bytes, int], bytes | bytearray]:
    from deflate import zlib_decompress

    return zlib_decompress


def _isal() -> Callable[[bytes, int], bytes | bytearray]:
    from isal import isal_zlib

    return lambda data, size: isal_zlib.decompress(data, bufsize=size)


def _zlib() -> Callable[[bytes, int], bytes | bytearray]:
    return lambda data, size: zlib.decompress(data, bufsize=size)


# In order of speed: libdeflate, ISA-L, and the one Python always has. All release the global lock.
_LIBRARIES = {"deflate": _deflate, "isal": _isal, "zlib": _zlib}


def library(name: str | None = None) -> tuple[str, Callable]:
    """
    Return (name, function of (data, size)) of the inflate library asked for, or of the fastest one installed.

    Parameters
    ----------
    name : str, the dataset's name (default: None)

    Raises
    ------
    ImportError : the library asked for is not installed
    """
    if name is not None:
        return name, _LIBRARIES[name]()
    for candidate, load in _LIBRARIES.items():
        try:
            return candidate, load()
        except ImportError:
            continue
    raise ImportError("Python itself lacks zlib")


LIBRARY, _inflate = library()


def inflate(data: bytes, size: int, using: Any = None) -> Any:
    """
    Inflate the `size` bytes that a zlib stream holds.

    Parameters
    ----------
    data : bytes, the zlib stream
    size : int, the largest number of rows of a block
    using : function of (data, size), the inflate library (default: None)

    Raises
    ------
    InflateError : the stream is cut or damaged, or holds another number of bytes
    """
    try:
        raw = (using or _inflate)(data, size)
    except Exception as error:
        raise InflateError(f"damaged chunk ({' '.join(str(error).split()) or type(error).__name__})") from error
    if len(raw) != size:
        raise InflateError(f"damaged chunk ({len(raw)} bytes where {size} are expected)")
    return raw


def unshuffle_reference(
    raw: bytes, item: int, shape: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
) -> np.ndarray:
    """
    Undo HDF5's shuffle, which keeps all first bytes, then all second bytes, and so on. Slow reference for tests.

    Parameters
    ----------
    raw : bytes, the shuffled bytes of the chunk
    item : int, bytes of one value
    shape : tuple of int, the shape of the chunk
    rows : (start, stop), rows of the chunk that are wanted
    columns : (start, stop), columns of the chunk that are wanted
    """
    planes = np.frombuffer(raw, "u1")[: item * shape[0] * shape[1]].reshape(item, *shape)
    window = planes[:, slice(*rows), slice(*columns)]
    return (window.astype("u4") << (8 * np.arange(item, dtype="u4"))[:, None, None]).sum(0, dtype="u4")


@kernel
def _unshuffle_pairs(low, high, row0, column0, out):
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = low[row0 + i, column0 + j] | (high[row0 + i, column0 + j] << 8)


def unshuffle_window(raw: Any, shape: tuple[int, int], row0: int, column0: int, out: np.ndarray) -> None:
    """
    Put a window of a byte-shuffled chunk of 16-bit numbers into `out`, and touch nothing beyond it.

    Parameters
    ----------
    raw : bytes of the chunk, shape[0] * shape[1] * 2 of them
    shape : (rows, columns) of the chunk
    row0, column0 : the window's first cell in the chunk
    out : (rows, columns) 16-bit array, overwritten
    """
    planes = np.frombuffer(raw, "u1").reshape(2, *shape)
    _unshuffle_pairs(planes[0], planes[1], row0, column0, out.view("u2"))
