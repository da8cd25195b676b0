"""
Define the one decorator for compiled kernels: no fast-math, no global lock, one cache per interpreter and processor.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nunatak.compute.environment import cache_folder, is_writable
from nunatak.runtime import log

_LOCK = threading.Lock()


def kernel(function: Callable | None = None, *, parallel: bool = False) -> Any:
    """
    Compile a loop over arrays when it is first called.

    fast-math is off, since it may assume that NaN does not occur, and here NaN means "not observed". Kernels release
    the global lock, so that threads of a job run in parallel.

    Parameters
    ----------
    function : function to compile. Default: none, for use as a decorator with arguments
    parallel : whether numba runs its parallel loops in threads. Default: False
    """
    return Kernel(function, parallel) if function else functools.partial(Kernel, parallel=parallel)


class Kernel:
    """
    A function that numba compiles at its first call, from Python or from another kernel.

    Importing numba takes as long as many jobs do, and most jobs that import a module with kernels call none of them.
    """

    def __init__(self, function, parallel):
        functools.update_wrapper(self, function)
        self._parallel = parallel
        self._dispatcher = None

    def __call__(self, *args, **kwargs):
        return self.compiled(*args, **kwargs)

    def __getattr__(self, name):  # py_func, signatures, ... of numba's dispatcher
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.compiled, name)

    @property
    def compiled(self) -> Any:
        """Return numba's dispatcher."""
        if self._dispatcher is None:
            with _LOCK:
                self._dispatcher = self._dispatcher or _made(self.__wrapped__, self._parallel)
        return self._dispatcher

    @property
    def _numba_type_(self):
        """Return the type that numba takes for this kernel when another kernel names it."""
        return _numba().types.Dispatcher(self.compiled)


def _made(function, parallel):
    """Return numba's dispatcher, whose code is kept for other processes where a folder can be written."""
    numba = _numba()
    kept = bool(numba.config.CACHE_DIR)
    dispatcher = numba.njit(function, nogil=True, cache=kept, parallel=parallel)
    if not kept:
        return dispatcher
    from nunatak.compute.kernel_cache import saved_alone

    return saved_alone(dispatcher)


@functools.cache
def _numba():
    """Import numba and set its cache."""
    import numba
    from llvmlite import binding
    from numba.core import config

    config.CACHE_DIR = str(_folder(numba, binding) or "")  # type: ignore[attr-defined]
    config.CACHE_LOCATOR_CLASSES = "nunatak.compute.kernel_cache.BySource"  # type: ignore[attr-defined]
    return numba


def _folder(numba, binding):
    """Return the folder of compiled kernels, which no other interpreter, numba version or processor shares."""
    if own := os.environ.get("NUMBA_CACHE_DIR"):
        folder = Path(own) if is_writable(Path(own)) else None
    else:
        host = f"{sys.version}|{numba.__version__}|{platform.machine()}|{binding.get_host_cpu_name()}"
        base = cache_folder()
        folder = base and base / "nunatak" / "kernels" / hashlib.sha256(host.encode()).hexdigest()[:12]
    if folder is None:
        log.warning(
            "no folder for compiled kernels can be written: they are compiled for this job alone; set XDG_CACHE_HOME"
        )
    return folder
