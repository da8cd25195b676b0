"""The tables of the documentation that are drawn from the code are those of the code."""

from __future__ import annotations

import importlib.util

import pytest

from tests.conftest import ROOT

SPEC = importlib.util.spec_from_file_location("fill_tables", ROOT / "tools/fill_tables.py")
fill_tables = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fill_tables)


@pytest.mark.parametrize("name", fill_tables.TABLES)
def test_a_page_shows_the_table_of_the_code(name):
    """Run tools/fill_tables.py where this fails."""
    page = ROOT / fill_tables.TABLES[name][0]
    assert page.read_text("utf-8") == fill_tables.filled(name), f"{page.name} is behind: run tools/fill_tables.py"
