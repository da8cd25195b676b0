"""What a script reaches, against the modules that Python itself has loaded after its imports."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from nunatak.compute import code_reach

LOADED = """
import importlib, json, os, sys
sys.path.insert(0, sys.argv[1])
for script in sys.argv[2:]:
    if (child := os.fork()) == 0:
        importlib.import_module(script)
        files = [m.__file__ for name, m in sys.modules.items() if name.partition(".")[0] == "nunatak"]
        print(json.dumps([script, files]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""
SCRIPTS = ("adjust_passes", "count_granules", "lock_granules")


@pytest.fixture(scope="module")
def loaded():
    """Files of the library that are loaded once a script is imported, by script."""
    words = [sys.executable, "-c", LOADED, str(code_reach.SCRIPTS), *SCRIPTS]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_module_that_is_loaded_is_in_reach(loaded, script):
    """The walk may find more, imports inside functions, and never less."""
    reach = {str(path) for path in code_reach.modules(code_reach.SCRIPTS / f"{script}.py")}
    assert set(loaded[script]) <= reach and len(loaded[script]) > 5


def test_every_kind_of_import_counts(tmp_path):
    """
    Imports count as whole modules, as names of packages, inside functions and by a name in a table.

    A docstring's words do not count.
    """
    script = tmp_path / "script.py"
    script.write_text(
        '"""Not nunatak.velocity.series in words."""\n'
        "import nunatak.times\n"
        "from nunatak import constants\n"
        "from nunatak.geometry import grid\n"
        "ROW = {'reader': 'nunatak.products.atl20'}\n"
        "def later():\n    from nunatak.files.retries import PAUSE\n    return PAUSE\n"
    )
    found = {path.relative_to(code_reach.SCRIPTS).as_posix() for path in code_reach.modules(script)}
    wanted = {"times", "constants", "geometry/grid", "products/atl20", "files/retries", "products/__init__", "__init__"}
    assert {f"nunatak/{name}.py" for name in wanted} <= found and "nunatak/velocity/series.py" not in found
