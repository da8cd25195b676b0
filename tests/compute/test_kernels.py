"""Compiled kernels are found again by their source."""

from __future__ import annotations

import subprocess
import sys

from nunatak.compute import code_reach
from nunatak.compute.kernel_cache import source_stamp

CALL = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from nunatak.elevation import cell_fits
from nunatak.compute.kernels import Kernel
kernels = [k for k in vars(cell_fits).values() if isinstance(k, Kernel)]
kernel = next(k for k in kernels if k.__name__ == "_multiply")
kernel(np.ones(3), np.ones(3))
print(sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
"""


def compiled(folder, cache):
    """Cache hits and misses of one call of a kernel, in a process of its own."""
    environment = {"NUMBA_CACHE_DIR": str(cache), "PATH": "/usr/bin:/bin", "HOME": str(cache)}
    command = [sys.executable, "-c", CALL, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return tuple(map(int, done.stdout.split()))


def test_another_clone_finds_the_kernels_compiled(tmp_path):
    """The same source in another folder is not compiled again; a changed one is."""
    import shutil

    clones = [tmp_path / name for name in ("here", "there")]
    for clone in clones:
        shutil.copytree(code_reach.SCRIPTS, clone, ignore=shutil.ignore_patterns("__pycache__"))
    assert compiled(clones[0], tmp_path / "cache") == (0, 1)
    assert compiled(clones[1], tmp_path / "cache") == (1, 0)
    with open(clones[1] / "nunatak" / "elevation" / "cell_fits.py", "a") as stream:
        stream.write("\n# changed\n")
    assert compiled(clones[1], tmp_path / "cache") == (0, 1)


def test_a_called_kernel_counts(tmp_path):
    """The stamp of a module changes with the modules whose kernels it calls, and with no other."""
    module = tmp_path / "calling.py"
    module.write_text("from nunatak.elevation import cell_fits\n")
    before = source_stamp(str(module))
    other = tmp_path / "calling_too.py"
    other.write_text("from nunatak.elevation import cell_fits\n# another\n")
    assert source_stamp(str(other)) != before
