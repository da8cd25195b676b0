"""Where numba finds compiled kernels again: by the source of all kernels in reach, not by where a file lies."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from numba.core import config
from numba.core.caching import UserProvidedCacheLocator

from nunatak.compute import code_reach

_KERNELS = "nunatak.compute.kernels"


class BySource(UserProvidedCacheLocator):
    """
    A folder per source text.

    numba's own choice, the path of the file and its time, compiles anew for every clone, and does not notice that the
    module of a called kernel has changed.
    """

    def __init__(self, py_func, py_file):
        super().__init__(py_func, py_file)
        self._stamp = source_stamp(py_file)
        self._cache_path = str(Path(config.CACHE_DIR) / f"{Path(py_file).stem}-{self._stamp}")  # type: ignore[attr-defined]

    def get_source_stamp(self):
        """What a compiled kernel is good for."""
        return self._stamp


@cache
def source_stamp(path) -> str:
    """
    A hash of a module, of every library module with kernels that it reaches, and of all that these import.

    What they import are constants, too, which are compiled into the kernels.
    """
    reached = code_reach.modules(path)
    kernels = {module for module in reached if _KERNELS in code_reach.imports(module) or module.stem == "kernels"}
    digest = hashlib.sha256(Path(path).read_bytes())
    for module in sorted(kernels.union(*map(code_reach.imported, {Path(path), *kernels}))):
        digest.update(module.read_bytes())
    return digest.hexdigest()[:16]
