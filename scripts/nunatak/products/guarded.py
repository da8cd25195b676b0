"""Turn whatever reading a granule ends in into one line that names the file and the cause."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nunatak import endings
from nunatak.files import remote
from nunatak.products import GranuleError
from nunatak.runtime import NunatakError, log

# how HDF5 begins what it says of a broken header, index or chunk; of a header h5py makes a KeyError of it
_HDF5 = re.compile(r"^[\"']?(Unable to|Can't|Unspecified error) ")
_QUOTES = "\"'"
_OURS = (AssertionError, ImportError, NameError)  # faults of the program, which no file can cause
_PROBE = 64 << 20  # bytes: where as many are left, the granule asked for too much, and the next can be read
_LONGEST = 300  # characters of a library's words; numba and Arrow write pages


@contextmanager
def guarded(path: Path | str) -> Iterator[Any]:
    """
    Turn any error of the block into a GranuleError of one line.

    The traceback goes to the log. Every loop over granules reads inside this block, so that a granule that cannot be
    read fails by name and the next one is read; so does one that asks for more memory than there is. Our own errors
    pass as they are, and so do those of the network, interrupts, and a lack of memory where no granule would find any.

    Parameters
    ----------
    path : of the granule, named in the line

    Raises
    ------
    GranuleError : the block raised an error that is not ours
    MemoryError : this process has no memory left
    """
    try:
        yield
    except (NunatakError, remote.NotReadable, *_OURS):
        raise
    except Exception as error:
        log.debug("%s", path, exc_info=True)
        if endings.lacks_memory(error) and not _memory_is_left():
            raise MemoryError(str(error)) from error
        raise GranuleError(f"{path}: {in_words(error, path)}") from error


def _memory_is_left():
    try:
        mmap.mmap(-1, _PROBE).close()
    except (OSError, MemoryError):
        return False
    return True


def in_words(error: Exception, path: Path | str) -> str:
    """
    Return what an error says, on one line and without the file's name.

    The kind of an error is named where it is neither ours nor one of HDF5 or the operating system.

    Parameters
    ----------
    error : Exception, what reading raised
    path : str or Path, the granule
    """
    said = " ".join(str(error).split())
    if isinstance(error, NunatakError):
        return said.removeprefix(f"{path}: ")
    said = said if len(said) <= _LONGEST else f"{said[:_LONGEST]} .."
    if isinstance(error, LookupError | OSError | RuntimeError | ValueError) and _HDF5.search(said):
        return f"damaged: {said.strip(_QUOTES)}; remove it and fetch it again"
    if isinstance(error, MemoryError):
        told = f"MemoryError: {said}" if said else "MemoryError"
        return f"needs more memory than this job has ({told}); name a smaller region, or give the job more"
    if isinstance(error, OSError | RuntimeError) and said:
        return said.removeprefix(f"{path}: ")
    return f"cannot be read ({type(error).__name__}: {said})" if said else f"cannot be read ({type(error).__name__})"
