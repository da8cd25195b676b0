"""The one decorator for compiled kernels: no fast-math, no global lock, one cache per interpreter and processor."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import sys
import threading
from pathlib import Path

_LOCK = threading.Lock()


def kernel(function=None, *, parallel=False):
    """
    Compile a bare loop over arrays, when it is first called.

    fast-math is off: it may assume that NaN does not occur, and here NaN means "not observed".
    Kernels release the global lock, so that threads inside a job work side by side.
    """
    return Kernel(function, parallel) if function else functools.partial(Kernel, parallel=parallel)


class Kernel:
    """
    A function that numba compiles at its first call, from Python or from another kernel.

    To import numba takes as long as many a job, and most jobs that import a module with kernels call none of them.
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
    def compiled(self):
        """numba's dispatcher."""
        if self._dispatcher is None:
            with _LOCK:
                self._dispatcher = self._dispatcher or _numba().njit(
                    self.__wrapped__, nogil=True, cache=True, parallel=self._parallel
                )
        return self._dispatcher

    @property
    def _numba_type_(self):
        """What numba takes this for where another kernel names it."""
        return _numba().types.Dispatcher(self.compiled)


@functools.cache
def _numba():
    import numba
    from llvmlite import binding
    from numba.core import config

    if not os.environ.get("NUMBA_CACHE_DIR"):
        # a folder that no other interpreter, numba version or processor shares
        host = f"{sys.version}|{numba.__version__}|{platform.machine()}|{binding.get_host_cpu_name()}"
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        name = hashlib.sha256(host.encode()).hexdigest()[:12]
        config.CACHE_DIR = str(base / "nunatak" / "kernels" / name)  # type: ignore[attr-defined]
    config.CACHE_LOCATOR_CLASSES = "nunatak.kernel_cache.BySource"  # type: ignore[attr-defined]
    return numba
