"""Locate compiled kernels in numba's cache by the source of all kernels in reach, not by the path of a file."""

from __future__ import annotations

import fcntl
import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from numba.core import config
from numba.core.caching import IndexDataCacheFile, UserProvidedCacheLocator

from nunatak.compute import code_reach

_KERNELS = "nunatak.compute.kernels"


class BySource(UserProvidedCacheLocator):
    """
    A cache folder per source text.

    By default numba identifies a file by its path and time. It then compiles again for every clone, and does not notice
    that the module of a called kernel has changed.
    """

    def __init__(self, py_func, py_file):
        super().__init__(py_func, py_file)
        self._stamp = source_stamp(py_file)
        self._cache_path = str(Path(config.CACHE_DIR) / f"{Path(py_file).stem}-{self._stamp}")  # type: ignore[attr-defined]

    def get_source_stamp(self) -> str:
        """Return the stamp that a compiled kernel is valid for."""
        return self._stamp


class OneAtATime(IndexDataCacheFile):
    """
    The files of a kernel's cache, saved by one process at a time.

    numba's own takes a name for what it compiled out of the index, writes the index and then the file of that name. Two
    jobs that compile a kernel for other types at the same time would take the same name: the index of the one led to
    the code of the other.
    """

    @classmethod
    def of(cls, files: Any) -> OneAtATime:
        """Return the same files as numba made them, saved so."""
        own = cls.__new__(cls)
        own.__dict__.update(files.__dict__)
        return own

    def save(self, key, data):
        with open(f"{self._index_path}.lock", "a") as stream:
            with suppress(OSError):  # file systems without locks
                fcntl.flock(stream, fcntl.LOCK_EX)
            super().save(key, data)


def saved_alone(dispatcher: Any) -> Any:
    """Return a dispatcher of numba whose compiled code is saved by one process at a time."""
    dispatcher._cache._cache_file = OneAtATime.of(dispatcher._cache._cache_file)
    return dispatcher


@cache
def source_stamp(path: str | Path) -> str:
    """
    Return a hash of a module, of every library module with kernels that it reaches, and of all that these import.

    Imports include constants, which are compiled into the kernels.

    Parameters
    ----------
    path : Python file
    """
    reached = code_reach.modules(path)
    kernels = {module for module in reached if _KERNELS in code_reach.imports(module) or module.stem == "kernels"}
    digest = hashlib.sha256(Path(path).read_bytes())
    for module in sorted(kernels.union(*map(code_reach.imported, {Path(path), *kernels}))):
        digest.update(module.read_bytes())
    return digest.hexdigest()[:16]
