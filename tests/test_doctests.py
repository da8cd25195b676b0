"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib

import pytest

from nunatak.compute import code_reach

LIBRARY = code_reach.SCRIPTS / "nunatak"
MODULES = sorted(
    ".".join(path.relative_to(LIBRARY).with_suffix("").parts)
    for path in LIBRARY.rglob("*.py")
    if ">>>" in path.read_text("utf-8") and path.name != "__init__.py"
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of(name):
    """Every example of the module gives what it says."""
    assert doctest.testmod(importlib.import_module(f"nunatak.{name}")).failed == 0


def test_there_are_examples():
    """The modules above are not all without one."""
    found = [doctest.testmod(importlib.import_module(f"nunatak.{name}")).attempted for name in MODULES]
    assert sum(found) >= 60
