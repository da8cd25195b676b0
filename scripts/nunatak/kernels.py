"""The one decorator for compiled kernels: no fast-math, no global lock, one cache per interpreter and processor."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from pathlib import Path

import numba
from numba.core import config as numba_config


def _cache_folder() -> Path:
    """A folder that no other interpreter, numba version or processor shares."""
    from llvmlite import binding

    host = f"{sys.version}|{numba.__version__}|{platform.machine()}|{binding.get_host_cpu_name()}"
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "nunatak" / "kernels" / hashlib.sha256(host.encode()).hexdigest()[:12]


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba_config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]


def kernel(function=None, *, parallel=False):
    """
    Compile a bare loop over arrays.

    fast-math is off: it may assume that NaN does not occur, and here NaN means "not observed".
    Kernels release the global lock, so that threads inside a job work side by side.
    """

    def compile_(f):
        return numba.njit(f, nogil=True, cache=True, parallel=parallel)

    return compile_ if function is None else compile_(function)
