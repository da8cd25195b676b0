"""Compiled kernels are found again by their source."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from nunatak.compute import code_reach, kernel_cache

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


@pytest.mark.parametrize(
    ("edited", "counts"), [("loops", True), ("inner", True), ("numbers", True), ("words", True), ("beyond", False)]
)
def test_kernels_are_good_for_the_code_and_the_constants_they_were_compiled_from(tmp_path, monkeypatch, edited, counts):
    """
    The module itself, a module whose kernel it calls, and constants of either count.

    What these constants come from does not count.
    """
    texts = {
        "__init__": "",
        "kernels": "",
        "loops": "from nunatak.kernels import kernel\nfrom nunatak.inner import f\nfrom nunatak.words import WORD\n",
        "inner": "from nunatak.kernels import kernel\nfrom nunatak.numbers import TWO\n",
        "numbers": "import nunatak.beyond\nTWO = 2\n",
        "words": "WORD = 1\n",
        "beyond": "",
    }
    stamps = []
    for more in ("", "# edited\n"):
        library = tmp_path / f"scripts{len(more)}" / "nunatak"
        library.mkdir(parents=True)
        for name, text in texts.items():
            (library / f"{name}.py").write_text(text + more * (name == edited))
        monkeypatch.setattr(code_reach, "SCRIPTS", library.parent)
        monkeypatch.setattr(kernel_cache, "_KERNELS", "nunatak.kernels")
        stamps.append(kernel_cache.source_stamp(str(library / "loops.py")))
    assert (stamps[0] != stamps[1]) == counts


def test_packages_with_kernels_and_relative_imports_of_their_own_can_be_loaded_too(tmp_path):
    """They come with other packages, such as datashader with icepyx, also after numba was loaded for ours."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other/__init__.py").touch()
    (tmp_path / "other/names.py").write_text("TWO = 2\n")
    (tmp_path / "other/loops.py").write_text(
        "import numba\nfrom .names import TWO\n@numba.njit(cache=True)\ndef double(x):\n    return TWO * x\n"
    )
    call = "import sys\nsys.path[:0] = sys.argv[1:]\nfrom nunatak.compute import kernels\nkernels._numba()\n"
    call += "from other.loops import double\nprint(double(21))\n"
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    command = [sys.executable, "-c", call, str(tmp_path), str(code_reach.SCRIPTS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "42\n", done.stderr


def test_two_jobs_that_compile_a_kernel_for_other_types_keep_both(tmp_path):
    """The second begins to save when the first has read the index and not yet written it."""
    first, second = (kernel_cache.OneAtATime(str(tmp_path), "kernel", "stamp") for _ in range(2))
    other = threading.Thread(target=second.save, args=("float32", "code of float32"))
    save = first._save_index

    def slowly(overloads):
        other.start()
        other.join(0.3)
        save(overloads)

    first._save_index = slowly
    first.save("float64", "code of float64")
    other.join()
    assert first.load("float64") == "code of float64"
    assert first.load("float32") == "code of float32"
