"""The examples in the base modules' docstrings are true."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = (
    "granules.names",
    "granules.rows",
    "grid",
    "region",
    "rings",
    "runtime",
    "study.base",
    "study.loading",
    "study.models",
    "study.period",
    "study.products",
    "study.sections",
    "tables",
    "times",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of(name):
    """Every example of the module gives what it says."""
    assert doctest.testmod(importlib.import_module(f"nunatak.{name}")).failed == 0


def test_there_are_examples():
    """The modules above are not all without one."""
    found = [doctest.testmod(importlib.import_module(f"nunatak.{name}")).attempted for name in MODULES]
    assert sum(found) >= 15
